package orchestrator

import (
	"maps"
	"sync"
	"time"
)

// momentsMost bounds what is remembered at once; beyond it all is forgotten.
const momentsMost = 4096

// moments remembers answers for a moment, so that not every request asks for
// them again. The zero value remembers nothing.
type moments[K comparable, V any] struct {
	mu   sync.Mutex
	list map[K]momentary[V]
}

type momentary[V any] struct {
	value V
	until time.Time
}

func (m *moments[K, V]) get(k K, now time.Time) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.list[k]
	return e.value, ok && now.Before(e.until)
}

func (m *moments[K, V]) put(k K, v V, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil || len(m.list) >= momentsMost {
		m.list = map[K]momentary[V]{}
	}
	m.list[k] = momentary[V]{v, until}
}

func (m *moments[K, V]) forget(which func(V) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.list, func(_ K, e momentary[V]) bool { return which(e.value) })
}
