// Package redact takes known secrets out of text and out of streams, also where
// a secret is cut in two by a chunk border and where it appears encoded:
// base64 in any alignment, hexadecimal, URL and JSON escapes.
//
// It knows secrets by value only. It must not guess what looks like one, keep a
// secret anywhere but in memory, or log. Values shorter than [MinLength]
// characters are left alone: masking "1" or "yes" everywhere would destroy logs
// and tell the value by its holes.
//
// Guarantees: nothing that reaches the output of [Redactor.Text] or [Writer]
// contains a known value in one of the forms above; text without secrets passes
// unchanged; cutting the input differently gives the same output.
package redact

import (
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Mask stands where a secret was.
const Mask = "***"

// MinLength is the number of characters from which a value is treated as a secret.
const MinLength = 6

// Redactor holds the known values. It is safe for concurrent use; secrets may
// be added while writers are in use and count from the next write on. A nil
// Redactor knows nothing and changes nothing.
type Redactor struct {
	mu      sync.Mutex // guards known; readers take needles without it
	known   map[string]bool
	needles atomic.Pointer[needles]
}

// New makes a Redactor that knows the values.
func New(values ...string) *Redactor {
	r := &Redactor{known: map[string]bool{}}
	r.Add(values...)
	return r
}

// Add makes further values known.
func (r *Redactor) Add(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	grew := false
	for _, v := range values {
		if utf8.RuneCountInString(v) < MinLength || r.known[v] {
			continue
		}
		r.known[v] = true
		grew = true
	}
	if grew {
		r.needles.Store(compile(r.known))
	}
}

// Text returns s with every known secret masked. Overlapping secrets give one mask.
func (r *Redactor) Text(s string) string {
	n := r.load()
	if n == nil {
		return s
	}
	spans := n.find([]byte(s))
	if len(spans) == 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	at := 0
	for _, sp := range spans {
		out = append(out, s[at:sp.from]...)
		out = append(out, Mask...)
		at = sp.to
	}
	return string(append(out, s[at:]...))
}

// Contains says whether s holds a known secret. Tests and self-checks use it.
func (r *Redactor) Contains(s string) bool {
	n := r.load()
	return n != nil && len(n.find([]byte(s))) > 0
}

func (r *Redactor) load() *needles {
	if r == nil {
		return nil
	}
	return r.needles.Load()
}

// span is a stretch of input that must not be seen.
type span struct{ from, to int }

// merge joins spans that overlap. Spans that only touch stay two, so that a
// stream gives the same masks as the whole text.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	out := spans[:0]
	for _, s := range spans {
		if len(out) > 0 && s.from < out[len(out)-1].to {
			out[len(out)-1].to = max(out[len(out)-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}
