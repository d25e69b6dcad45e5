package orchestrator

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
)

// Attempts are the use cases of robots about the attempts they hold, and of
// chores about attempts that ended by themselves.
type Attempts struct{ *core }

// Accept records that the robot took an offer. On an error the robot must be
// told to forget it.
func (a *Attempts) Accept(ctx context.Context, p auth.Principal, ref store.Ref) error {
	errs, err := a.AcceptMany(ctx, p, []store.Ref{ref})
	if err != nil {
		return err
	}
	return errs[0]
}

// AcceptMany is Accept for several offers, with an answer for each.
func (a *Attempts) AcceptMany(ctx context.Context, p auth.Principal, refs []store.Ref) ([]error, error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return nil, err
	}
	in := make([]store.Acceptance, len(refs))
	for i, ref := range refs {
		in[i] = store.Acceptance{Tenant: p.Tenant, RobotID: p.RobotID, JobID: ref.JobID, Epoch: ref.Epoch}
	}
	return a.Store.Accept(ctx, p.Scope(), in, a.Now())
}

// Reject records that the robot does not take an offer.
func (a *Attempts) Reject(ctx context.Context, p auth.Principal, ref store.Ref, reason fleet.RejectReason, detail string) error {
	return a.give(ctx, p, ref, func(sub fleet.Subject, earlier int) (*fleet.Move, error) {
		return sub.Reject(p.RobotID, ref.Epoch, reason, detail, earlier, a.Now())
	})
}

// Release records that the robot gives an attempt back unharmed.
func (a *Attempts) Release(ctx context.Context, p auth.Principal, ref store.Ref) error {
	return a.give(ctx, p, ref, func(sub fleet.Subject, earlier int) (*fleet.Move, error) {
		return sub.Release(p.RobotID, ref.Epoch, earlier, a.Now())
	})
}

func (a *Attempts) give(ctx context.Context, p auth.Principal, ref store.Ref, decide func(fleet.Subject, int) (*fleet.Move, error)) error {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return err
	}
	_, err := a.move(ctx, p.Scope(), ref.JobID, func(tx store.Tx, sub fleet.Subject) (*fleet.Move, error) {
		earlier, err := tx.Refusals(ref.JobID, p.RobotID)
		if err != nil {
			return nil, err
		}
		if err := fail.At(fail.RejectBeforeCommit); err != nil {
			return nil, err
		}
		return decide(sub, earlier)
	})
	if err == nil {
		err = fail.At(fail.RejectAfterCommit)
	}
	return err
}

// Beat renews what a robot holds. Attempts that are live here and that the
// robot left out twice in a row are the caller's to report as lost.
func (a *Attempts) Beat(ctx context.Context, p auth.Principal, b store.Beat) (store.BeatAnswer, error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return store.BeatAnswer{}, err
	}
	b.Tenant, b.RobotID = p.Tenant, p.RobotID
	a.handed.beat(&b) // before it is cut: half a secret is not found
	bound(&b)
	answers, err := a.Store.Beat(ctx, p.Scope(), []store.Beat{b}, a.Now())
	if err != nil {
		return store.BeatAnswer{}, err
	}
	return answers[0], nil
}

// bound cuts what a robot says of itself to what is worth keeping. Words that
// are not known say nothing.
func bound(b *store.Beat) {
	switch b.Reported {
	case fleet.ReportedReady, fleet.ReportedBusy, fleet.ReportedPaused, fleet.ReportedDraining, fleet.ReportedError:
	default:
		b.Reported = ""
	}
	for i := range b.Attempts {
		a := &b.Attempts[i]
		a.Node, a.Message = cut(a.Node, maxWord), cut(a.Message, maxSentence)
	}
}

// The bounds of texts that robots report in passing.
const (
	maxWord     = 256
	maxSentence = 2000
)

// cut shortens a text without splitting a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// Report records reports of a robot's journal, in order. Acknowledge once it
// has returned, not before.
func (a *Attempts) Report(ctx context.Context, p auth.Principal, reports []fleet.Report) ([]fleet.Verdict, error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return nil, err
	}
	for i := range reports {
		r := &reports[i]
		r.Tenant, r.RobotID, r.Chance = p.Tenant, p.RobotID, a.Chance()
		if r.Kind == fleet.ReportStopped && r.By != fleet.ByRequest {
			if err := a.doubt(ctx, p, r); err != nil {
				return nil, err
			}
		}
		a.handed.report(r)
		if e := r.Error; e != nil { // its words travel in events
			e.Code, e.Type, e.Node = cut(e.Code, maxWord), cut(e.Type, maxWord), cut(e.Node, maxWord)
		}
	}
	return a.Store.Report(ctx, p.Scope(), reports, a.Now())
}

// doubt notes in a report of a stop that nobody asked for whether a step that
// must not run twice may have run.
func (a *Attempts) doubt(ctx context.Context, p auth.Principal, r *fleet.Report) error {
	err := a.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		sub, err := rd.Subject(r.JobID)
		if err != nil {
			return err
		}
		r.EffectsUnknown, err = a.effectsUnknown(rd, &sub)
		return err
	})
	if lostRace(err) {
		return nil // there is no such job: the verdict says so
	}
	return err
}

// Held lists what the robot holds here, for a connection that was woken.
func (a *Attempts) Held(ctx context.Context, p auth.Principal) (held []fleet.Subject, mode fleet.AdminMode, err error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return nil, "", err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if held, err = r.HeldBy(p.RobotID); err != nil {
			return err
		}
		robot, err := r.Robot(p.RobotID)
		mode = robot.Mode
		return err
	})
	return held, mode, err
}

// AppendLogs stores log lines of attempts that the robot holds or held.
func (a *Attempts) AppendLogs(ctx context.Context, p auth.Principal, batch fleet.LogBatch) (fleet.LogAck, error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return fleet.LogAck{}, err
	}
	batch.Tenant, batch.RobotID, batch.Quota = p.Tenant, p.RobotID, a.Limits.Logs
	a.handed.lines(&batch)
	acks, err := a.Store.AppendLogs(ctx, p.Scope(), []fleet.LogBatch{batch})
	if err != nil {
		return fleet.LogAck{}, err
	}
	return acks[0], nil
}

// Document returns a workflow body that an attempt of the robot runs.
func (a *Attempts) Document(ctx context.Context, p auth.Principal, sum string) (doc []byte, err error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return nil, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		held, err := r.HeldBy(p.RobotID)
		if err != nil {
			return err
		}
		for _, sub := range held {
			if sub.Job.Workflow.Hash == sum {
				doc, err = r.Body(sum)
				return err
			}
		}
		return fleet.NotFound("workflow", sum)
	})
	return doc, err
}

// The functions below are for chores: they act on timers and on silence, for
// any tenant, and treat a lost race as done.

// Fire acts on a timer that ran out.
func (a *Attempts) Fire(ctx context.Context, s store.Scope, t store.Timer) error {
	now := a.Now()
	err := a.chore(ctx, s, t.JobID, func(tx store.Tx, sub fleet.Subject) (*fleet.Move, error) {
		switch t.Kind {
		case store.TimerDue:
			if err := fail.At(fail.TimerDue); err != nil {
				return nil, err
			}
			return sub.Due(now)
		case store.TimerExpire:
			if err := fail.At(fail.TimerExpire); err != nil {
				return nil, err
			}
			return sub.WaitLimit(now)
		case store.TimerStop:
			if err := fail.At(fail.TimerStop); err != nil {
				return nil, err
			}
			return sub.StopLimit(t.Epoch, now)
		case store.TimerAccept:
			if err := fail.At(fail.TimerAccept); err != nil {
				return nil, err
			}
			if sub.Attempt == nil {
				return nil, nil
			}
			earlier, err := tx.Refusals(sub.Job.ID, sub.Attempt.RobotID)
			if err != nil {
				return nil, err
			}
			return sub.NotTaken(t.Epoch, fleet.RejectNoAnswer, earlier, now)
		}
		return nil, fleet.Errorf(fleet.CodeInternal, "unknown_timer", "unknown timer %s", t.Kind)
	})
	if err != nil {
		return err
	}
	return fail.At(fail.TimerAfterCommit)
}

// Silence flags an attempt whose robot fell silent, if it has not been renewed
// since seq.
func (a *Attempts) Silence(ctx context.Context, s store.Scope, ref store.Ref, seq int64) error {
	return a.chore(ctx, s, ref.JobID, func(_ store.Tx, sub fleet.Subject) (*fleet.Move, error) {
		if sub.Attempt == nil || sub.Attempt.RenewSeq != seq {
			return nil, nil
		}
		if err := fail.At(fail.SilenceBeforeCommit); err != nil {
			return nil, err
		}
		return sub.Silence(ref.Epoch, a.Now())
	})
}

// Lose takes an attempt away, if it has not been renewed since seq.
func (a *Attempts) Lose(ctx context.Context, s store.Scope, ref store.Ref, seq int64, reason string) error {
	err := a.chore(ctx, s, ref.JobID, func(tx store.Tx, sub fleet.Subject) (*fleet.Move, error) {
		if sub.Attempt == nil || sub.Attempt.RenewSeq != seq {
			return nil, nil
		}
		unknown, err := a.effectsUnknown(tx, &sub)
		if err == nil {
			err = fail.At(fail.LoseBeforeCommit)
		}
		if err != nil {
			return nil, err
		}
		return sub.Lose(fleet.Loss{Epoch: ref.Epoch, Reason: reason, EffectsUnknown: unknown, Chance: a.Chance()}, a.Now())
	})
	if err != nil {
		return err
	}
	return fail.At(fail.LoseAfterCommit)
}

// NotHeld takes an attempt away because the robot says that it does not hold it.
func (a *Attempts) NotHeld(ctx context.Context, p auth.Principal, ref store.Ref) error {
	return a.chore(ctx, p.Scope(), ref.JobID, func(tx store.Tx, sub fleet.Subject) (*fleet.Move, error) {
		if sub.Attempt == nil || sub.Attempt.RobotID != p.RobotID {
			return nil, nil
		}
		unknown, err := a.effectsUnknown(tx, &sub)
		if err != nil {
			return nil, err
		}
		idle, err := neverBegan(tx, &sub)
		if err != nil {
			return nil, err
		}
		return sub.Lose(fleet.Loss{
			Epoch: ref.Epoch, Reason: "the robot does not hold it",
			NeverStarted: !unknown && idle, Again: sub.Attempt.StartMode == fleet.StartClaim,
			EffectsUnknown: unknown, Chance: a.Chance(),
		}, a.Now())
	})
}

// NotTold takes back an offer, or the answer to a claim, of which it is certain
// that its robot did not hear.
func (a *Attempts) NotTold(ctx context.Context, p auth.Principal, ref store.Ref) error {
	return a.chore(ctx, p.Scope(), ref.JobID, func(_ store.Tx, sub fleet.Subject) (*fleet.Move, error) {
		if sub.Attempt == nil || sub.Attempt.RobotID != p.RobotID {
			return nil, nil
		}
		if claimed := sub.Attempt.StartMode == fleet.StartClaim && sub.Attempt.NeverBegan(); !claimed && sub.Job.State != fleet.Assigned {
			return nil, nil
		}
		return sub.Lose(fleet.Loss{Epoch: ref.Epoch, Reason: "the robot was not told of it", NeverStarted: true, Again: true, Chance: a.Chance()}, a.Now())
	})
}

// RunLimit begins the stop of an attempt that ran for its whole time.
func (a *Attempts) RunLimit(ctx context.Context, s store.Scope, ref store.Ref) error {
	err := a.chore(ctx, s, ref.JobID, func(_ store.Tx, sub fleet.Subject) (*fleet.Move, error) {
		if err := fail.At(fail.RunLimitBefore); err != nil {
			return nil, err
		}
		return sub.RunLimit(ref.Epoch, a.Timing(sub.Job.Environment).StopGrace, a.Now())
	})
	if err != nil {
		return err
	}
	return fail.At(fail.RunLimitAfter)
}

func (a *Attempts) chore(ctx context.Context, s store.Scope, id fleet.ID, decide func(store.Tx, fleet.Subject) (*fleet.Move, error)) error {
	_, err := a.move(ctx, s, id, decide)
	if lostRace(err) {
		return nil
	}
	return err
}

// resultCache holds results that were uploaded ahead of the report that names
// them. They are small in number and short-lived: a robot uploads again when
// its report is refused for want of them.
type resultCache struct {
	mu    sync.Mutex
	bytes int
	items map[resultKey]resultItem
}

type resultKey struct {
	tenant fleet.TenantID
	robot  fleet.RobotID
	sum    string
}

type resultItem struct {
	body []byte
	at   time.Time
}

// The bounds of the uploads that wait for their report.
const (
	resultBytes = 256 << 20
	resultAge   = 10 * time.Minute
)

func newResultCache() *resultCache { return &resultCache{items: map[resultKey]resultItem{}} }

// PutResult keeps a result until the report that names it comes.
func (a *Attempts) PutResult(p auth.Principal, sum string, body []byte) error {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return err
	}
	if len(body) > a.Limits.Result {
		e := fleet.Errorf(fleet.CodeInvalid, "too_large", "A result may have at most %d bytes; got %d.", a.Limits.Result, len(body))
		e.Status = 413
		return e
	}
	if !isObject(body) {
		return fleet.Invalid("result", "A result must be a JSON object.")
	}
	if hash(string(body)) != sum {
		return fleet.Invalid("sha256", "The body does not have the SHA-256 that the path names.")
	}
	c, now := a.results, a.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, item := range c.items {
		if now.Sub(item.at) > resultAge {
			c.bytes -= len(item.body)
			delete(c.items, k)
		}
	}
	if c.bytes+len(body) > resultBytes {
		e := fleet.Errorf(fleet.CodeUnavailable, "busy", "Too many large results wait for their reports.")
		e.RetryAfter = 5 * time.Second
		return e
	}
	key := resultKey{p.Tenant, p.RobotID, sum}
	if old, ok := c.items[key]; ok {
		c.bytes -= len(old.body)
	}
	c.items[key] = resultItem{body, now}
	c.bytes += len(body)
	return nil
}

// TakeResult returns an uploaded result; it stays until it ages, so that a
// repeated report finds it again.
func (a *Attempts) TakeResult(p auth.Principal, sum string) ([]byte, bool) {
	c := a.results
	c.mu.Lock()
	defer c.mu.Unlock()
	item, ok := c.items[resultKey{p.Tenant, p.RobotID, sum}]
	return item.body, ok
}
