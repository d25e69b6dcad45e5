package gateway

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Robots that poll. While a robot's claim is held open it is present for
// dispatch, with room for one job; what is assigned to it goes to that claim.
// Nothing here decides who gets a job.

// The times of robots that poll.
const (
	// unheard is how long an attempt must be without a sign of life before a claim
	// of its robot, which says that it has room, is proof that it is over.
	unheard = 20 * time.Second
	// zeros is how many heartbeats in a row must say that nothing runs.
	zeros = 3
	// pollMemory is for how long a robot that has fallen silent is remembered.
	pollMemory = 10 * time.Minute
)

// poll is a polling robot as this orchestrator has seen it. What it remembers
// only speeds things up: leases decide without it.
type poll struct {
	principal auth.Principal

	mu        sync.Mutex
	waiting   *claim
	session   int64 // epoch, of the newest call
	seen      map[store.Ref]*sight
	reporting map[fleet.ID]int // jobs whose end is being stored now
	called    time.Time
	left      time.Time // said goodbye, and has not called since
}

// sight is what was seen of one attempt, or of the slot of one that is over.
type sight struct {
	seq   int64
	since time.Time // of the number
	zeros int
}

// claim is one held call.
type claim struct {
	environment string
	session     int64
	won         chan *store.Won // room for one
	over        chan struct{}   // closed when it must be answered with nothing
	once        sync.Once
}

func (c *claim) end() { c.once.Do(func() { close(c.over) }) }

// polled finds or makes what is remembered of a robot.
func (g *Gateway) polled(p auth.Principal) *poll {
	k, now := robotKey{p.Tenant, p.RobotID}, g.o.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.polls[k]
	if x == nil {
		x = &poll{seen: map[store.Ref]*sight{}, reporting: map[fleet.ID]int{}}
		g.polls[k] = x
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.principal, x.called, x.left = p, now, time.Time{}
	return x
}

// observe compares what a robot holds with what was seen before.
func (x *poll) observe(st *orchestrator.PollState, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.session = st.Session.Epoch
	next := make(map[store.Ref]*sight, len(st.Held)+len(st.Taken))
	see := func(ref store.Ref, seq int64) {
		s := x.seen[ref]
		if s == nil || s.seq != seq {
			s = &sight{seq: seq, since: now}
		}
		next[ref] = s
	}
	for _, sub := range st.Held {
		see(store.Ref{JobID: sub.Job.ID, Epoch: sub.Attempt.Epoch}, sub.Attempt.RenewSeq)
	}
	for _, t := range st.Taken {
		see(t.Ref, 0)
	}
	x.seen = next
}

// finished picks what the robot has shown not to hold any more. An attempt whose
// end is being stored is none of them.
func (x *poll) finished(st *orchestrator.PollState, over func(*sight) bool) (lost []store.Ref, free []store.TakenSlot) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, sub := range st.Held {
		ref := store.Ref{JobID: sub.Job.ID, Epoch: sub.Attempt.Epoch}
		if sub.Job.State != fleet.Assigned && x.reporting[ref.JobID] == 0 && over(x.seen[ref]) {
			lost = append(lost, ref)
		}
	}
	for _, t := range st.Taken {
		if over(x.seen[t.Ref]) {
			free = append(free, t)
		}
	}
	return lost, free
}

// letGo takes from a robot what it has shown not to hold.
func (g *Gateway) letGo(ctx context.Context, p auth.Principal, lost []store.Ref, free []store.TakenSlot) error {
	for _, ref := range lost {
		g.o.Logger.Info("a polling robot shows that it does not hold a job", "robot_id", p.RobotID, "job_id", ref.JobID)
		if err := g.o.Attempts.NotHeld(ctx, p, ref); err != nil {
			return err
		}
	}
	if len(free) == 0 {
		return nil
	}
	return g.o.Attempts.FreeSlots(ctx, p, free)
}

// Claim waits until dispatch hands the robot a job, for at most the limit. Nil
// means that there is none. Once it has returned a grant the job is running.
func (g *Gateway) Claim(ctx context.Context, p auth.Principal, wish orchestrator.ClaimWish) (*orchestrator.Grant, error) {
	x := g.polled(p)
	st, err := g.o.Robots.Poll(ctx, p, p.RobotID, orchestrator.PollHello{Member: g.o.Member, Features: wish.Features})
	if err != nil {
		return nil, err
	}
	now := g.o.Now()
	x.observe(&st, now)
	if st.Robot.Taken >= st.Robot.Max() { // and yet it says that it has room
		lost, free := x.finished(&st, func(s *sight) bool { return now.Sub(s.since) >= unheard })
		if err := g.letGo(ctx, p, lost, free); err != nil {
			return nil, err
		}
	}
	if err := g.o.Robots.Heard(ctx, p, st, said(&st), st.Robot.Metrics, false); err != nil {
		return nil, err
	}
	c := &claim{environment: wish.Environment, session: st.Session.Epoch, won: make(chan *store.Won, 1), over: make(chan struct{})}
	if !g.hold(x, c) {
		return nil, nil
	}
	defer g.unhold(x, c)
	g.o.Signals.Raise(store.TopicReady)
	hold := g.o.Limits.ClaimHold
	if wish.Hold > 0 {
		hold = min(hold, wish.Hold)
	}
	timer := time.NewTimer(hold)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.over:
			return nil, nil
		case <-timer.C:
			return nil, nil
		case won := <-c.won:
			grant, err := g.grant(ctx, p, x, won)
			if grant != nil || err != nil {
				return grant, err
			}
		}
	}
}

// said is the last word of a robot about itself.
func said(st *orchestrator.PollState) fleet.Reported {
	if st.Robot.Reported == "" {
		return fleet.ReportedReady
	}
	return st.Robot.Reported
}

// hold makes a claim the one of its robot that is waiting. An older one is
// answered: its caller has given it up, or would not call again.
func (g *Gateway) hold(x *poll, c *claim) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.waiting != nil {
		x.waiting.end()
	}
	x.waiting = c
	g.wg.Add(1)
	return true
}

// unhold ends a claim. What reached it too late goes back.
func (g *Gateway) unhold(x *poll, c *claim) {
	defer g.wg.Done()
	x.mu.Lock()
	if x.waiting == c {
		x.waiting = nil
	}
	p := x.principal
	x.mu.Unlock()
	select {
	case won := <-c.won:
		g.giveBack(p, won)
	default:
	}
}

// grant begins what a claim was assigned, unless its caller is gone: an answer
// that nobody hears must not start a job. Nil means that it was overtaken.
func (g *Gateway) grant(ctx context.Context, p auth.Principal, x *poll, won *store.Won) (*orchestrator.Grant, error) {
	if ctx.Err() != nil {
		g.giveBack(p, won)
		return nil, ctx.Err()
	}
	err := g.counts(ctx, p)
	var doc []byte
	if err == nil {
		doc, err = g.o.Attempts.Body(ctx, p.Scope(), won.Job.Workflow.Hash)
	}
	if err != nil {
		g.giveBack(p, won)
		return nil, err
	}
	ref := store.Ref{JobID: won.Job.ID, Epoch: won.Attempt.Epoch}
	if err := g.o.Attempts.Accept(ctx, p, ref); err != nil {
		if stale(err) {
			return nil, nil // it was cancelled meanwhile
		}
		g.giveBack(p, won) // whether it was committed or not, nobody has begun
		return nil, err
	}
	x.mu.Lock()
	x.seen[ref] = &sight{seq: won.Attempt.RenewSeq + 1, since: g.o.Now()}
	x.mu.Unlock()
	job := won.Job
	job.StartedAt = g.o.Now()
	return &orchestrator.Grant{Job: job, Document: doc, Variables: won.Variables, Back: func() { g.giveBack(p, won) }}, nil
}

// counts says whether a key still does that was good when its claim came.
func (g *Gateway) counts(ctx context.Context, p auth.Principal) error {
	switch {
	case p.KeyID == "":
		return nil
	case !p.Until.IsZero() && !g.o.Now().Before(p.Until):
		return auth.Unauthenticated()
	case g.o.Keys.Generation() == p.Generation:
		return nil
	}
	live, err := g.o.Keys.Live(ctx)
	if err != nil {
		return err
	}
	if _, ok := live[p.KeyID]; !ok {
		return auth.Unauthenticated()
	}
	return nil
}

// giveBack returns a job of which its robot was not told: uncounted, and the
// robot may have it again at once.
func (g *Gateway) giveBack(p auth.Principal, won *store.Won) {
	ctx, done := context.WithTimeout(context.Background(), 10*time.Second) // the caller's has ended
	defer done()
	if err := g.o.Attempts.NotTold(ctx, p, store.Ref{JobID: won.Job.ID, Epoch: won.Attempt.Epoch}); err != nil {
		g.o.Logger.Warn("a job that was not told to its robot stays with it until its lease ends", "job_id", won.Job.ID, "error", err)
	}
}

// deliver hands an assignment to a held claim; false if there is none for it.
func (g *Gateway) deliver(won *store.Won) bool {
	g.mu.RLock()
	x := g.polls[robotKey{won.Assignment.Tenant, won.Assignment.RobotID}]
	g.mu.RUnlock()
	if x == nil {
		return false
	}
	x.mu.Lock()
	c, p := x.waiting, x.principal
	if c != nil && c.session == won.Assignment.SessionEpoch {
		select {
		case c.won <- won:
			x.waiting = nil // it has what it asked for
			x.mu.Unlock()
			return true
		default:
		}
	}
	polls := x.session == won.Assignment.SessionEpoch
	x.mu.Unlock()
	if polls { // the claim ended while it was planned
		g.wg.Go(func() { g.giveBack(p, won) }) // the loop must not wait for a commit
	}
	return polls
}

// waitingPolls lists the robots whose claims are held; the lock is held.
func (g *Gateway) waitingPolls(out []Robot) []Robot {
	for k, x := range g.polls {
		x.mu.Lock()
		if c := x.waiting; c != nil {
			out = append(out, Robot{Tenant: k.tenant, RobotID: k.id, SessionEpoch: c.session, Most: 1, Environment: c.environment})
		}
		x.mu.Unlock()
	}
	return out
}

// endClaims answers every held claim with nothing.
func (g *Gateway) endClaims() {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, x := range g.polls {
		x.mu.Lock()
		if x.waiting != nil {
			x.waiting.end()
		}
		x.mu.Unlock()
	}
}

// PolledWithin says whether a polling robot has called in the last moments: its
// client may still hold a connection open.
func (g *Gateway) PolledWithin(span time.Duration) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	now := g.o.Now()
	for _, x := range g.polls {
		x.mu.Lock()
		called := x.called
		x.mu.Unlock()
		if now.Sub(called) < span {
			return true
		}
	}
	return false
}

// keepPolls takes from robots that said goodbye what they hold, once the accept
// time is over, and forgets those that are not heard any more.
func (g *Gateway) keepPolls(ctx context.Context) {
	now := g.o.Now()
	g.mu.Lock()
	var gone []auth.Principal
	for k, x := range g.polls {
		x.mu.Lock()
		switch {
		case !x.left.IsZero() && now.Sub(x.left) >= g.o.Timing(x.principal.Environment).Accept:
			gone = append(gone, x.principal)
			x.left = time.Time{}
		case x.left.IsZero() && x.waiting == nil && now.Sub(x.called) > pollMemory:
			delete(g.polls, k)
		}
		x.mu.Unlock()
	}
	g.mu.Unlock()
	for _, p := range gone {
		if robot, err := g.o.Robots.Look(ctx, p, p.RobotID); err == nil && robot.Connected {
			continue // it has called another orchestrator since
		}
		held, _, err := g.o.Attempts.Held(ctx, p)
		for _, sub := range held {
			if err == nil {
				err = g.o.Attempts.NotHeld(ctx, p, store.Ref{JobID: sub.Job.ID, Epoch: sub.Attempt.Epoch})
			}
		}
		if err != nil {
			g.o.Logger.Warn("jobs of a robot that said goodbye stay with it until their leases end", "robot_id", p.RobotID, "error", err)
		}
	}
}

// PollHeartbeat takes a heartbeat, and returns the jobs that are to stop.
func (g *Gateway) PollHeartbeat(ctx context.Context, p auth.Principal, id fleet.RobotID, b orchestrator.PollBeat) (stop []fleet.ID, err error) {
	st, err := g.o.Robots.Poll(ctx, p, id, orchestrator.PollHello{Member: g.o.Member, Slots: b.Slots})
	if err != nil {
		return nil, err
	}
	if p.RobotID != "" {
		x := g.polled(p)
		x.observe(&st, g.o.Now())
		if err := g.count(ctx, p, x, &st, b.Running); err != nil {
			return nil, err
		}
	}
	for _, sub := range st.Held {
		if sub.Job.State == fleet.Cancelling {
			stop = append(stop, sub.Job.ID)
		}
	}
	return stop, g.o.Robots.Heard(ctx, p, st, said(&st), b.Metrics, b.Running > 0)
}

// count takes the number of jobs that a robot says it runs. One zero proves
// nothing: it may have been measured before a claim was answered.
func (g *Gateway) count(ctx context.Context, p auth.Principal, x *poll, st *orchestrator.PollState, running int) error {
	x.mu.Lock()
	for _, s := range x.seen {
		if running == 0 {
			s.zeros++
		} else if running > 0 {
			s.zeros = 0
		}
	}
	x.mu.Unlock()
	if running != 0 {
		return nil
	}
	lost, free := x.finished(st, func(s *sight) bool { return s.zeros >= zeros })
	return g.letGo(ctx, p, lost, free)
}

// PollStatus takes a word of a robot about itself.
func (g *Gateway) PollStatus(ctx context.Context, p auth.Principal, id fleet.RobotID, w orchestrator.Word) error {
	if p.RobotID == "" {
		return g.o.Robots.Say(ctx, p, id, g.o.Member, w)
	}
	st, err := g.o.Robots.Poll(ctx, p, id, orchestrator.PollHello{Member: g.o.Member})
	if err != nil {
		return err
	}
	x := g.polled(p)
	if w == orchestrator.WordOffline {
		x.mu.Lock()
		x.left = g.o.Now()
		if x.waiting != nil {
			x.waiting.end()
		}
		x.mu.Unlock()
		return g.o.Robots.Disconnect(ctx, p, st.Session, "the robot said goodbye")
	}
	return g.o.Robots.Heard(ctx, p, st, w.Reported(), st.Robot.Metrics, w == orchestrator.WordBusy)
}

// PollRegistered notes that a robot was registered just now.
func (g *Gateway) PollRegistered(ctx context.Context, p auth.Principal, id fleet.RobotID) error {
	return g.o.Robots.SignOf(ctx, p, id, g.o.Member)
}

// PollRenew takes a robot's word that it still runs a job. stop says that the
// job is being stopped; heeds, that the robot has said it looks at that.
func (g *Gateway) PollRenew(ctx context.Context, p auth.Principal, job fleet.ID, sample *orchestrator.Sample) (stop, heeds bool, err error) {
	if _, _, err := g.o.Attempts.Own(ctx, p, job); err != nil { // before anything is said of the robot
		return false, false, err
	}
	x := g.polled(p)
	st, err := g.o.Robots.Poll(ctx, p, p.RobotID, orchestrator.PollHello{Member: g.o.Member})
	if err != nil {
		return false, false, err
	}
	sub, err := g.o.Attempts.Renew(ctx, p, job, sample)
	if err != nil {
		return false, false, err
	}
	x.mu.Lock()
	if s := x.seen[store.Ref{JobID: job, Epoch: sub.Attempt.Epoch}]; s != nil {
		s.zeros = 0
	}
	x.mu.Unlock()
	for _, f := range st.Session.Features {
		heeds = heeds || f == orchestrator.FeaturePollCancel
	}
	return sub.Job.State == fleet.Cancelling, heeds, g.o.Robots.Heard(ctx, p, st, said(&st), st.Robot.Metrics, false)
}

// reports notes that the end of a job is being stored, for as long as the
// returned function was not called.
func (x *poll) reports(job fleet.ID) (done func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reporting[job]++
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.reporting[job]--; x.reporting[job] == 0 {
			delete(x.reporting, job)
		}
	}
}

// PollReporting notes that the end of a job has arrived and is held until it can
// be stored.
func (g *Gateway) PollReporting(p auth.Principal, job fleet.ID) (done func()) {
	return g.polled(p).reports(job)
}

// PollComplete takes the result of a job.
func (g *Gateway) PollComplete(ctx context.Context, p auth.Principal, job fleet.ID, result json.RawMessage) error {
	own, ms := ownResult(result)
	return g.o.Attempts.EndOld(ctx, p, job, fleet.Report{Kind: fleet.ReportComplete, Result: own, DurationMS: ms})
}

// PollFail takes the failure of a job, and says whether that was its end.
func (g *Gateway) PollFail(ctx context.Context, p auth.Principal, job fleet.ID, message string) (final bool, err error) {
	if err := g.o.Attempts.EndOld(ctx, p, job, failure(message)); err != nil {
		return false, err
	}
	sub, _, err := g.o.Attempts.Own(ctx, p, job)
	return sub.Job.State.Final(), err
}

// PollRelease takes a job back unharmed.
func (g *Gateway) PollRelease(ctx context.Context, p auth.Principal, job fleet.ID) error {
	sub, epoch, err := g.o.Attempts.Own(ctx, p, job)
	if err != nil {
		return err
	}
	if sub.Attempt != nil && sub.Attempt.Outcome == fleet.OutcomeReleased && sub.Attempt.Epoch == epoch && sub.Job.State == fleet.Pending {
		return nil // it was heard before
	}
	return g.o.Attempts.Release(ctx, p, store.Ref{JobID: job, Epoch: epoch})
}
