package gateway

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/wire"
)

// maxBatch bounds what is committed in one call.
const maxBatch = 256

// worker commits what was read, in order. What came in while the last commit
// ran is taken together, so a busy robot costs one commit for many messages.
func (c *conn) worker(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-c.work:
			batch := []inbound{f}
			for len(batch) < maxBatch {
				select {
				case f := <-c.work:
					batch = append(batch, f)
					continue
				default:
				}
				break
			}
			ok := !c.stopped.Load() && c.handle(ctx, batch)
			for _, f := range batch {
				c.held.Release(f.size)
			}
			if !ok {
				return
			}
		}
	}
}

// handle takes frames that speak of different attempts together; false ends the
// connection.
func (c *conn) handle(ctx context.Context, batch []inbound) bool {
	for len(batch) > 0 {
		accepts, reports, rest := together(batch)
		if len(rest) == len(batch) {
			if !c.one(ctx, batch[0].Frame) {
				return false
			}
			batch = batch[1:]
			continue
		}
		taken, told := true, true
		var both sync.WaitGroup // they wait for the same commit
		if len(accepts) > 0 {
			both.Go(func() { taken = c.accepts(ctx, accepts) })
		}
		if len(reports) > 0 {
			told = c.reports(ctx, reports)
		}
		both.Wait()
		if !taken || !told {
			return false
		}
		batch = rest
	}
	return true
}

// together splits what a robot said into accepts and reports that can be
// committed in any order, up to the first frame that has to wait for them: one
// of another kind, or a report of an attempt that is accepted here.
func together(batch []inbound) (accepts, reports, rest []inbound) {
	accepted := map[wire.Ref]bool{}
	for i, f := range batch {
		if m, ok := f.Payload.(*wire.JobAccept); ok {
			accepts = append(accepts, f)
			accepted[m.Ref] = true
			continue
		}
		if ref, _ := wire.AttemptOf(f.Payload); !wire.IsReport(f.Type) || accepted[ref] {
			return accepts, reports, batch[i:]
		}
		reports = append(reports, f)
	}
	return accepts, reports, nil
}

// reports commits reports and acknowledges them. An error that may pass closes
// the connection without an acknowledgement: the robot sends them again.
func (c *conn) reports(ctx context.Context, frames []inbound) bool {
	reports := make([]fleet.Report, len(frames))
	for i, f := range frames {
		// A report without a use case, or one that cannot be read, names no job
		// here: it is only counted, so that it need not be sent again.
		reports[i], _ = f.Report()
		if m, isEnd := f.Payload.(*wire.JobComplete); isEnd {
			result, err := c.result(m)
			if err != nil {
				c.send(f.ID, &wire.Error{Code: "result_missing", Message: err.Error(), InReplyTo: f.ID})
				c.stop(wire.CloseLater, "a result was not uploaded before its report")
				return false
			}
			reports[i].Result = result
		}
		reports[i].ReportID, reports[i].JournalID = f.ReportID, c.session.JournalID
	}
	if err := reportsReceived(frames); err != nil {
		c.fault("reports not committed", err)
		return false
	}
	verdicts, err := c.g.o.Attempts.Report(ctx, c.principal, reports)
	if err == nil {
		err = reportsCommitted(frames)
	}
	if err != nil {
		c.fault("reports not committed", err)
		return false
	}
	for i, f := range frames {
		if f.fault != nil {
			verdicts[i].Verdict, verdicts[i].Reason = fleet.VerdictInvalid, f.fault.Message
		}
		if ref, ok := wire.AttemptOf(f.Payload); ok && wire.IsEnd(f.Type) {
			c.forget(ref)
		}
	}
	upto := frames[len(frames)-1].ReportID
	c.send("", &wire.ReportAck{Upto: upto, Verdicts: verdicts})
	c.broke(reportsAcked(frames))
	if upto >= c.lastReport && c.caughtUp.CompareAndSwap(false, true) {
		c.g.o.Signals.Raise(store.TopicReady)
	}
	return true
}

// fault ends the connection after a use case failed for a reason that may
// pass; the robot comes back and resumes.
func (c *conn) fault(what string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	c.log.Warn("use case failed", "what", what, "error", err)
	c.stop(wire.CloseLater, "the orchestrator cannot commit now")
}

// one handles a frame that is no report.
func (c *conn) one(ctx context.Context, f wire.Frame) bool {
	switch m := f.Payload.(type) {
	case *wire.JobReject:
		err := c.g.o.Attempts.Reject(ctx, c.principal, store.Ref(m.Ref), m.Reason, m.Detail)
		c.forget(m.Ref)
		if err != nil && !stale(err) {
			c.fault("reject not committed", err)
			return false
		}
	case *wire.JobProgress:
		b := store.Beat{SessionEpoch: c.session.Epoch, Partial: true, Attempts: []store.BeatAttempt{
			{JobID: m.JobID, Epoch: m.Epoch, Progress: m.Progress, Node: m.CurrentNode, Message: m.Message},
		}}
		err := fail.At(fail.ProgressReceived)
		if err == nil {
			_, err = c.g.o.Attempts.Beat(ctx, c.principal, b)
		}
		if err == nil {
			err = fail.At(fail.ProgressAfterCommit)
		}
		if err != nil {
			c.log.Debug("progress not stored", "error", err) // the next sample replaces it
		}
	case *wire.RobotDrain:
		c.closing.Store(true)
		c.send(f.ID, &wire.DrainAck{})
	case *wire.Disconnect:
		if m.Final {
			if err := c.g.o.Robots.Farewell(ctx, c.principal, c.session); err != nil {
				c.log.Warn("goodbye not noted", "error", err)
			}
		}
		c.stop(wire.CloseDone, "the robot said goodbye: "+cut(m.Reason, 80))
		return false
	case *wire.SecretGet:
		value, err := c.g.o.Secrets.Fetch(ctx, c.principal, store.Ref(m.Ref), m.Name)
		if err != nil {
			e := fleet.AsError(err)
			c.log.Warn("secret not handed out", "job_id", m.JobID, "epoch", m.Epoch, "secret", cut(m.Name, 80), "reason", e.Reason)
			c.send(f.ID, &wire.Error{Code: cmp.Or(e.Reason, string(e.Code)), Message: e.Message, InReplyTo: f.ID})
			return true
		}
		c.send(f.ID, &wire.Secret{Ref: m.Ref, Name: m.Name, Value: value})
	case *wire.CommandResult:
		if err := c.g.o.Robots.Answer(ctx, c.principal, fleet.ID(m.CommandID), m.OK, m.Message); err != nil && !stale(err) {
			c.fault("answer to a command not committed", err)
			return false
		}
	case *wire.Hello:
		c.send(f.ID, &wire.Error{Code: wire.BadMessage, Message: "hello was said already; connect anew to say it again.", InReplyTo: f.ID})
	}
	return true
}

func stale(err error) bool {
	return errors.Is(err, fleet.ErrConflict) || errors.Is(err, fleet.ErrNotFound) || errors.Is(err, fleet.ErrInvalid)
}

// accepts commits the starts of attempts, and only then lets the robot begin.
func (c *conn) accepts(ctx context.Context, frames []inbound) bool {
	refs := make([]store.Ref, len(frames))
	for i, f := range frames {
		refs[i] = store.Ref(f.Payload.(*wire.JobAccept).Ref)
	}
	var errs []error
	err := fail.At(fail.AcceptReceived)
	if err == nil {
		errs, err = c.g.o.Attempts.AcceptMany(ctx, c.principal, refs)
	}
	if err == nil {
		err = fail.At(fail.AcceptAfterCommit)
	}
	if err != nil {
		c.fault("accepts not committed", err)
		return false
	}
	for i, f := range frames {
		ref := wire.Ref(refs[i])
		switch {
		case errs[i] == nil:
			c.track(ref)
			c.send(f.ID, &wire.JobStart{Ref: ref, Lease: fleet.Duration(c.timing.Lease), Echo: f.ID})
			c.broke(fail.At(fail.StartQueued))
		case stale(errs[i]):
			c.forget(ref)
			c.send(f.ID, &wire.JobForget{Ref: ref, Reason: wire.ForgetFenced})
		default:
			c.fault("accept not committed", errs[i])
			return false
		}
	}
	return true
}

// beater answers heartbeats.
func (c *conn) beater(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-c.beats:
			m, ok := f.Payload.(*wire.Heartbeat)
			if !ok {
				continue
			}
			if !c.beat(ctx, f, m) {
				return
			}
		}
	}
}

func (c *conn) beat(ctx context.Context, f inbound, m *wire.Heartbeat) bool {
	b := store.Beat{
		SessionEpoch: c.session.Epoch, Reported: m.Status,
		Metrics: fleet.RobotMetrics{CPUPercent: m.CPUPercent, MemoryPercent: m.MemoryPercent, MemoryMB: m.MemoryMB, DiskPercent: m.DiskPercent},
	}
	for _, a := range m.Attempts {
		b.Attempts = append(b.Attempts, store.BeatAttempt{JobID: a.JobID, Epoch: a.Epoch, Progress: a.Progress, Node: a.Node})
	}
	if err := fail.At(fail.BeatReceived); err != nil {
		return true
	}
	answer, err := c.g.o.Attempts.Beat(ctx, c.principal, b)
	if err == nil {
		err = fail.At(fail.BeatAfterCommit)
	}
	if err != nil {
		// No answer: the robot's fence runs on, as it must while we cannot commit.
		c.log.Warn("heartbeat not committed", "error", err)
		return true
	}
	if !answer.Current {
		c.outlived(ctx)
		return false
	}
	c.mu.Lock()
	c.mode = answer.Mode
	c.mu.Unlock()
	ack := &wire.HeartbeatAck{
		Echo: f.ID, Renewed: refs(answer.Renewed), Stale: refs(answer.Stale), Cancel: make([]wire.CancelRef, 0, len(answer.Cancel)),
		Heartbeat: fleet.Duration(c.timing.Heartbeat), Mode: answer.Mode,
	}
	for _, s := range answer.Cancel {
		ack.Cancel = append(ack.Cancel, wire.CancelRef{Ref: wire.Ref(s.Ref), Cause: s.Reason, Reason: string(s.Reason), Grace: fleet.Duration(s.Grace), Force: s.Force})
	}
	c.send(f.ID, ack)
	if now := c.g.o.Now(); c.clock.moved(now, f.Timestamp.Time) {
		if err := c.g.o.Robots.NoteClock(ctx, c.principal, f.Timestamp.Sub(now)); err != nil {
			c.log.Debug("offset of the robot's clock not noted", "error", err)
		}
		c.clock.noted(now, f.Timestamp.Time)
	}
	if c.old != nil {
		for _, ref := range answer.Stale { // it runs what was taken from it
			c.forget(wire.Ref(ref))
			c.regrant(ctx, ref.JobID)
		}
	}
	c.missing(ctx, f.n, answer.Missing)
	return true
}

// outlived ends a connection whose session is not open any more. If no newer
// one took its place, the other orchestrators took this one for gone and closed
// it: the robot has done nothing wrong and connects anew at once.
func (c *conn) outlived(ctx context.Context) {
	replaced, err := c.g.o.Robots.Replaced(ctx, c.principal, c.session)
	if err == nil && replaced {
		c.stop(wire.CloseSuperseded, superseded)
		return
	}
	c.stop(wire.CloseRestart, "the session was closed; connect anew")
}

// missing takes away attempts that the robot left out of two heartbeats in a
// row, both sent after it had taken them.
func (c *conn) missing(ctx context.Context, n int64, now []store.Ref) {
	next := make(map[store.Ref]bool, len(now))
	for _, ref := range now {
		if !c.leftOut(wire.Ref(ref), n) {
			continue
		}
		if !c.missed[ref] {
			next[ref] = true
			continue
		}
		if err := c.g.o.Attempts.NotHeld(ctx, c.principal, ref); err != nil {
			c.log.Warn("attempt not taken away", "job_id", ref.JobID, "error", err)
			next[ref] = true
		}
	}
	c.missed = next
}

func refs(in []store.Ref) []wire.Ref {
	out := make([]wire.Ref, len(in))
	for i, r := range in {
		out[i] = wire.Ref(r)
	}
	return out
}

// logger stores log lines.
func (c *conn) logger(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-c.logs:
			m, ok := f.Payload.(*wire.LogBatch)
			if !ok {
				continue
			}
			var ack fleet.LogAck
			err := fail.At(fail.LogsReceived)
			batch := m.Batch(c.principal.Tenant, c.principal.RobotID)
			if c.old != nil && err == nil {
				err = c.number(ctx, &batch)
			}
			if err == nil {
				ack, err = c.g.o.Attempts.AppendLogs(ctx, c.principal, batch)
			}
			if err == nil {
				err = fail.At(fail.LogsAfterCommit)
			}
			c.held.Release(f.size)
			if err != nil {
				c.log.Debug("log lines not stored; the robot sends them again", "error", err)
				continue
			}
			window := c.g.o.Limits.LogWindow
			if ack.Full {
				window = 0
			}
			answer := &wire.LogAck{Ref: m.Ref, NextLine: ack.NextLine, Window: window}
			if len(m.Steps) > 0 {
				answer.NextStep = m.FirstStep + int64(len(m.Steps))
			}
			c.send(f.ID, answer)
		}
	}
}

// watcher looks at what is wanted of the robot: when it is woken, and from
// time to time without, so that a lost signal costs little.
func (c *conn) watcher(ctx context.Context) {
	wake, stop := c.g.o.Signals.Listen(store.RobotTopic(string(c.principal.Tenant), string(c.principal.RobotID)))
	defer stop()
	ticker := time.NewTicker(c.timing.Heartbeat)
	defer ticker.Stop()
	told := map[fleet.ID]bool{} // commands, on this connection
	c.commands(ctx, told)
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-ticker.C:
			if c.idle() && n%idleLook != 0 {
				continue
			}
		}
		if err := c.look(ctx); err != nil && ctx.Err() == nil {
			c.log.Debug("wishes not read", "error", err)
		}
		c.commands(ctx, told)
	}
}

// idleLook is how many heartbeats pass between looks for a robot that holds
// nothing: it is woken when something is wanted of it, and such a signal is
// seldom lost.
const idleLook = 6

// commands tells the robot what operators asked of its process. What was told
// on an earlier connection is told again: the word may have been lost.
func (c *conn) commands(ctx context.Context, told map[fleet.ID]bool) {
	list, err := c.g.o.Robots.Deliver(ctx, c.principal, c.session)
	if err != nil {
		if ctx.Err() == nil {
			c.log.Debug("commands not read", "error", err)
		}
		return
	}
	for _, cmd := range list {
		if told[cmd.ID] {
			continue
		}
		told[cmd.ID] = true
		switch cmd.Kind { //nolint:exhaustive // the others are modes, which are never open
		case fleet.CommandRestart:
			if c.old != nil {
				c.cannot(ctx, cmd)
				continue
			}
			c.send("", &wire.Restart{CommandID: string(cmd.ID)})
		case fleet.CommandSelfTest:
			c.send("", &wire.SelfTest{CommandID: string(cmd.ID)})
		case fleet.CommandShutdown:
			c.send("", &wire.Shutdown{CommandID: string(cmd.ID), Graceful: true})
		}
	}
}

func (c *conn) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.live) == 0
}

// look compares what this session has in hand with what the store wants.
func (c *conn) look(ctx context.Context) error {
	before := c.inHand()
	held, mode, err := c.g.o.Attempts.Held(ctx, c.principal)
	if err != nil {
		return err
	}
	wanted := make(map[wire.Ref]bool, len(held))
	for _, sub := range held {
		ref := wire.Ref{JobID: sub.Job.ID, Epoch: sub.Job.Epoch}
		wanted[ref] = true
		if sub.Job.State == fleet.Cancelling && c.mustStop(ref, sub.Job.StopForce) {
			s := orchestrator.StopOf(sub, c.g.o.Now())
			c.send("", &wire.JobCancel{Ref: ref, Reason: string(s.Reason), Cause: s.Reason, Grace: fleet.Duration(s.Grace), Force: s.Force})
			if err := fail.At(fail.CancelQueued); err != nil {
				return err
			}
		}
	}
	for _, ref := range before {
		if !wanted[ref] {
			c.forget(ref)
			c.send("", &wire.JobForget{Ref: ref, Reason: wire.ForgetFinished})
		}
	}
	c.mu.Lock()
	c.mode = mode
	c.mu.Unlock()
	return nil
}

// inHand lists the attempts that this session was given before the look; one
// that is given during it must not be forgotten for not being in the answer.
func (c *conn) inHand() []wire.Ref {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]wire.Ref, 0, len(c.live))
	for ref := range c.live {
		out = append(out, ref)
	}
	return out
}

// mustStop says whether a stop still has to be sent, or sent again sharper.
func (c *conn) mustStop(ref wire.Ref, force bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live[ref] && (!force || c.forced[ref]) {
		return false
	}
	c.live[ref] = true
	c.forced[ref] = force
	return true
}
