package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// The times of a stream.
const (
	eventPoll   = time.Second // a signal may be lost
	streamBeat  = 5 * time.Second
	streamWrite = 10 * time.Second // a reader that takes nothing for so long is cut off
	streamPage  = 500
)

// streamEvents writes events as they come until the reader goes. The reader's
// place is the number of the last event it was sent, so one that was cut off
// comes back with it and misses nothing and sees nothing twice.
func (a *API) streamEvents(w http.ResponseWriter, r *http.Request, q eventQuery) error {
	ctx := r.Context()
	leave, err := a.streams.enter(auth.From(ctx), a.o.Limits.Streams)
	if err != nil {
		return err
	}
	defer leave()
	a.endWith(r)
	wake, stop := a.o.Orchestrator.Events.Wait()
	defer stop()
	if err := a.startAt(ctx, &q); err != nil {
		return err
	}
	q.Limit = streamPage
	page, err := a.readEvents(ctx, q.EventFilter) // a cursor that does not exist is refused before the stream begins
	if err != nil {
		return err
	}
	unlimited(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies must not gather frames
	w.WriteHeader(http.StatusOK)
	s := &sse{w: w, out: http.NewResponseController(w)}
	if _, err := io.WriteString(w, ": a stream of events\n\n"); err != nil { // shows that it has begun
		return nil //nolint:nilerr // the reader has gone
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	who := auth.From(ctx)
	for {
		for _, e := range page.Events {
			if err := s.event(e); err != nil {
				return nil //nolint:nilerr // the reader has gone
			}
		}
		q.After = page.Next
		if err := s.flush(); err != nil {
			return nil //nolint:nilerr // the reader has gone
		}
		if len(page.Events) < streamPage {
			if done := a.awaitEvents(r, s, q.After, wake, beat.C); done {
				return nil
			}
		}
		if !a.stillMay(r, &who, fleet.EventsRead) {
			return nil
		}
		if page, err = a.readEvents(ctx, q.EventFilter); err != nil {
			s.end(err)
			return nil
		}
	}
}

// streams counts the open streams of each caller.
type streams struct {
	mu sync.Mutex
	of map[string]int
}

// enter takes a place, unless the caller has as many as it may.
func (s *streams) enter(p auth.Principal, limit int) (leave func(), err error) {
	name := callerName(p)
	if name == "" {
		return func() {}, nil // the developer at the machine itself
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[name] >= limit {
		e := fleet.Errorf(fleet.CodeExhausted, "too_many_streams", "One key may have at most %d open streams.", limit)
		e.RetryAfter = streamBeat
		return nil, e.WithFix("Close one, or read several kinds of events through one stream.")
	}
	if s.of == nil {
		s.of = map[string]int{}
	}
	s.of[name]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.of[name]--; s.of[name] == 0 {
			delete(s.of, name)
		}
	}, nil
}

// awaitEvents returns when it is worth looking again; true ends the stream.
func (a *API) awaitEvents(r *http.Request, s *sse, place int64, wake <-chan struct{}, beat <-chan time.Time) (done bool) {
	select {
	case <-r.Context().Done():
		return true
	case <-a.stopping:
		return true
	case <-wake:
	case <-time.After(eventPoll):
	case <-beat:
		if s.frame("heartbeat", place, nil, true) != nil || s.flush() != nil {
			return true
		}
	}
	return false
}

// stillMay says whether the credential with which a stream was opened counts as
// before. It costs a comparison; only when something was revoked somewhere, or
// the credential's own end has come, is it looked up again.
func (a *API) stillMay(r *http.Request, who *auth.Principal, perm fleet.Permission) bool {
	ended := !who.Until.IsZero() && !a.o.Now().Before(who.Until)
	if !ended && who.Generation == a.o.Keys.Generation() {
		return true
	}
	again := a.authenticate
	if who.Ticket { // which is used up
		again = func(*http.Request, access) (auth.Principal, error) { return a.o.People.Again(r.Context(), *who) }
	}
	p, err := again(r, need(perm))
	if err == nil && p.Tenant != who.Tenant { // who works across tenants has named one
		p = p.In(who.Tenant)
	}
	switch {
	case err != nil && fleet.AsError(err).Code == fleet.CodeUnavailable:
		return !ended // the store is away: it is asked again in a moment
	case err != nil || p.Tenant != who.Tenant || !p.May(perm):
		return false
	}
	*who = p
	return true
}

// sse writes frames of server-sent events.
type sse struct {
	w   http.ResponseWriter
	out *http.ResponseController
}

func (s *sse) event(e fleet.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %d: %w", e.Seq, err)
	}
	return s.frame(string(e.Kind), e.Seq, data, true)
}

// frame writes one frame. placed frames carry the reader's place as their id.
func (s *sse) frame(kind string, seq int64, data []byte, placed bool) error {
	// Not every writer knows deadlines; then the connection's own must do.
	_ = s.out.SetWriteDeadline(time.Now().Add(streamWrite))
	if data == nil {
		data = fmt.Appendf(nil, `{"seq":%d}`, max(seq, 0))
	}
	id := ""
	if placed {
		id = fmt.Sprintf("id: %d\n", seq)
	}
	_, err := fmt.Fprintf(s.w, "%sevent: %s\ndata: %s\n\n", id, kind, data)
	return err
}

func (s *sse) flush() error { return s.out.Flush() }

// end tells the reader why the stream ends: reset if its place no longer
// exists, error if it may come back to it.
func (s *sse) end(err error) {
	e, kind := fleet.AsError(err), "error"
	if e.Code == fleet.CodeGone {
		kind = "reset"
	}
	data, _ := json.Marshal(map[string]string{"code": string(e.Code), "reason": e.Reason, "message": e.Message}) // texts always encode
	if s.frame(kind, 0, data, false) == nil {
		_ = s.flush() // the reader has gone
	}
}
