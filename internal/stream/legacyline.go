package stream

import (
	"context"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// linesAge is how old lines may be that several read. Whoever reads again after
// look reads anew.
const linesAge = look * 3 / 4

// lineReads are the lines that were read last, so that a hundred who follow the
// same attempts cost what one does.
type lineReads struct {
	mu    sync.Mutex
	of    map[lineKey]*lineRead
	swept time.Time
}

// lineKey is what is read: lines of a job from a place on.
type lineKey struct {
	job   fleet.ID
	place logPlace
	limit int
}

type lineRead struct {
	mu    sync.Mutex
	at    time.Time // zero: not yet, or it failed
	lines []fleet.LogLine
}

// lines reads lines from a place on, or takes what somebody else has read a moment
// ago. Nobody may change them, and whoever asks has looked whether they may be
// seen.
func (t *tail) lines(ctx context.Context, job fleet.ID, place logPlace, limit int) ([]fleet.LogLine, error) {
	now := t.h.o.Now()
	one := t.reads.entry(lineKey{job, place, limit}, now)
	one.mu.Lock()
	defer one.mu.Unlock()
	if age := now.Sub(one.at); !one.at.IsZero() && age < linesAge {
		return one.lines, nil
	}
	lines, err := t.h.o.Store.ReadLogs(ctx, scope(t.tenant), job, store.LogQuery{Epoch: place.epoch, From: place.line, Limit: limit})
	if err != nil {
		return nil, err
	}
	one.at, one.lines = now, lines
	return lines, nil
}

// entry is the place of a reading; those that are too old for anybody go.
func (l *lineReads) entry(key lineKey, now time.Time) *lineRead {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[lineKey]*lineRead{}
	}
	if now.Sub(l.swept) >= linesAge {
		for k, one := range l.of {
			if one.mu.TryLock() { // otherwise it is being read
				if now.Sub(one.at) >= linesAge {
					delete(l.of, k)
				}
				one.mu.Unlock()
			}
		}
		l.swept = now
	}
	one := l.of[key]
	if one == nil {
		one = &lineRead{}
		l.of[key] = one
	}
	return one
}
