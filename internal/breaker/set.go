package breaker

import (
	"slices"
	"strings"
	"sync"
)

// maxSet bounds the breakers of a Set.
const maxSet = 1000

// Set is the breakers of one program, by name.
type Set struct {
	options Options

	mu  sync.Mutex
	all map[string]*Breaker
}

// NewSet makes a set; its breakers are made when they are first asked for.
func NewSet(o Options) *Set { return &Set{options: o, all: map[string]*Breaker{}} }

// Get returns the breaker of a system.
func (s *Set) Get(name string) *Breaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.all[name]; b != nil {
		return b
	}
	if len(s.all) >= maxSet {
		s.forget()
	}
	b := New(name, s.options)
	s.all[name] = b
	return b
}

// forget makes room: those with nothing against their system go, and one of the
// others if there is none.
func (s *Set) forget() {
	for name, b := range s.all {
		if st := b.Status(); st.State == Closed && st.Failed == 0 {
			delete(s.all, name)
		}
	}
	for name := range s.all {
		if len(s.all) < maxSet {
			return
		}
		delete(s.all, name)
	}
}

// Statuses shows all breakers, by name.
func (s *Set) Statuses() []Status {
	s.mu.Lock()
	out := make([]Status, 0, len(s.all))
	for _, b := range s.all {
		out = append(out, b.Status())
	}
	s.mu.Unlock()
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return out
}
