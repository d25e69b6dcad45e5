package robot

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

// execute carries out effects until ctx ends.
func (r *Robot) execute(ctx context.Context) {
	flush := time.NewTicker(2 * time.Second)
	defer flush.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.d.wake:
			if err := r.carryOut(r.d.next()); err != nil {
				r.fatal(err)
				return
			}
		case <-flush.C:
			if err := r.journal.Flush(); err != nil {
				r.fatal(err)
				return
			}
		}
	}
}

// carryOut does what was decided. All records go to the disk first and in one
// flush: writing earlier than needed is always right, saying earlier never.
func (r *Robot) carryOut(effects []protocol.Effect) error {
	if err := r.writeDown(effects); err != nil {
		return err
	}
	for _, e := range effects {
		switch e := e.(type) {
		case protocol.Send:
			// What was meant for the session before is decided anew in this one.
			if c := r.current(); c != nil && c.session == e.Frame.Session {
				c.send(e.Frame)
			}
		case protocol.Consider:
			r.consider(e.Offer)
		case protocol.Start:
			r.start(e)
		case protocol.Gone:
			r.gone(e.Ref)
		case protocol.Upload:
			r.uploads.Go(func() { r.upload(e) })
		case protocol.HandOver:
			r.uploads.Go(func() { r.handOver(e) })
		case protocol.Reload:
			reports, err := r.journal.From(e.From)
			if err != nil {
				return err
			}
			r.log.Warn("the orchestrator's store went back in time; sending reports again", "from", e.From, "reports", len(reports))
			r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect { return m.Reloaded(reports, now) })
		case protocol.Prune:
			if err := r.journal.Prune(e.Upto); err != nil {
				r.log.Warn("the journal was not made smaller", "error", err)
			}
		case protocol.Leave:
			r.goaway(e)
		case protocol.Quit:
			r.quit(e)
		case protocol.Test:
			r.uploads.Go(func() {
				what, err := r.test()
				if err != nil {
					what = err.Error()
				}
				r.d.do(func(m *protocol.Robot, _ protocol.Instant) []protocol.Effect { return m.Tested(e, err == nil, what) })
			})
		case protocol.Write, protocol.Stop, protocol.Answer: // done already
		}
	}
	return nil
}

func (r *Robot) writeDown(effects []protocol.Effect) error {
	var recs []protocol.Record
	lazy := true
	for _, e := range effects {
		w, ok := e.(protocol.Write)
		if !ok {
			continue
		}
		if m, ok := w.Record.Report.Message.(*wire.JobStarted); ok && m.At.IsZero() {
			m.At = wire.At(time.Now())
		}
		recs = append(recs, w.Record)
		lazy = lazy && w.Lazy
	}
	if len(recs) == 0 {
		return nil
	}
	if err := r.journal.Append(recs, lazy); err != nil {
		return err
	}
	if r.o.onWrite != nil {
		for _, rec := range recs {
			r.o.onWrite(rec)
		}
	}
	return afterWrite(recs)
}

// goaway ends the connection because the orchestrator asked for it.
func (r *Robot) goaway(l protocol.Leave) {
	r.mu.Lock()
	r.leave = &l
	c := r.conn
	r.mu.Unlock()
	if c != nil {
		c.end(wire.CloseGoingAway, "asked to go: "+l.Reason)
	}
}

// loadResume reads the token of the last session, if there is one.
func (r *Robot) loadResume() *wire.Resume {
	text, err := os.ReadFile(r.sessionFile())
	if err != nil {
		return nil
	}
	var to wire.Resume
	if json.Unmarshal(text, &to) != nil || to.Token == "" {
		return nil
	}
	return &to
}

// saveResume keeps the token. Losing it costs a wait at the next start if the
// old session still looks alive, so an error is only said.
func (r *Robot) saveResume(to wire.Resume) {
	text, err := json.Marshal(to)
	if err == nil {
		path := r.sessionFile()
		if err = os.WriteFile(path+".new", text, 0o600); err == nil {
			err = os.Rename(path+".new", path)
		}
	}
	if err != nil {
		r.log.Warn("the session's token was not kept", "error", err)
	}
}
