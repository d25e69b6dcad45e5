package telemetry

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Health is what a program says when asked how it is. Each part reports for
// itself; the program is ready when every part is. Safe for concurrent use.
type Health struct {
	started time.Time
	version string

	mu       sync.Mutex // guards what follows
	parts    map[string]Part
	stopping bool
}

// Part is how one part of the program is.
type Part struct {
	Name  string    `json:"name"`
	OK    bool      `json:"ok"`
	Note  string    `json:"note,omitempty"` // one sentence, no secret, no path
	Since time.Time `json:"since"`          // when OK last changed
}

// State is the answer to a question for health.
type State struct {
	Status  string `json:"status"` // ok, degraded, stopping
	Version string `json:"version"`
	Uptime  int64  `json:"uptime_seconds"`
	Parts   []Part `json:"parts"`
}

// NewHealth begins with the named parts, which are not well until they say so.
func NewHealth(version string, now time.Time, parts ...string) *Health {
	h := &Health{started: now, version: version, parts: map[string]Part{}}
	for _, name := range parts {
		h.parts[name] = Part{Name: name, Note: "starting", Since: now}
	}
	return h
}

// Set reports for one part. A nil error means that it is well; the text of
// another is shown to whoever asks, so it must be fit for that.
func (h *Health) Set(name string, err error, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, known := h.parts[name]
	if !known || p.OK != (err == nil) {
		p.Since = now
	}
	p.Name, p.OK, p.Note = name, err == nil, ""
	if err != nil {
		p.Note = err.Error()
	}
	h.parts[name] = p
}

// Stopping says that the program is on its way out: it takes no new work.
func (h *Health) Stopping() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// Ready says whether every part is well and the program means to stay.
func (h *Health) Ready() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ready()
}

func (h *Health) ready() bool {
	for _, p := range h.parts {
		if !p.OK {
			return false
		}
	}
	return !h.stopping
}

// State returns the whole picture, parts by name.
func (h *Health) State(now time.Time) State {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := State{Status: "ok", Version: h.version, Uptime: int64(now.Sub(h.started) / time.Second), Parts: []Part{}}
	switch {
	case h.stopping:
		s.Status = "stopping"
	case !h.ready():
		s.Status = "degraded"
	}
	for _, p := range h.parts {
		s.Parts = append(s.Parts, p)
	}
	slices.SortFunc(s.Parts, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	return s
}
