package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// The use cases of robots that poll. Such a robot has a session like any other,
// which its first call opens and which no socket carries: it ends with the
// robot's goodbye, with the orchestrator that opened it, or with the next one.

// PollHello is what a call of a polling robot says of it.
type PollHello struct {
	Member   fleet.ID // the orchestrator that was called
	Features []string // nil: nothing is said of them
	Slots    int      // how many jobs it would run at once; 0: it does not say
}

// PollState is a polling robot as one of its calls finds it.
type PollState struct {
	Robot   fleet.Robot
	Session fleet.Session
	Held    []fleet.Subject // its live attempts
	timing  fleet.Timing    // with which it would be welcomed now
	// Taken are slots of attempts that are over and that it was not able to stop.
	Taken []store.TakenSlot
}

// FeaturePollCancel is named by a polling robot that heeds cancel_requested.
const FeaturePollCancel = "poll_cancel"

const pollInstance = "poll" // no start of such a program is told from another

// Poll finds the session of a polling robot, or opens it. A robot that is not
// registered is not found: a call never makes one. While a socket of the same
// robot is fresh, its calls are refused.
func (r *Robots) Poll(ctx context.Context, p auth.Principal, id fleet.RobotID, h PollHello) (st PollState, err error) {
	if err := p.Itself(id); err != nil {
		return st, err
	}
	read := func(rd store.Reader) error {
		st = PollState{}
		if st.Robot, err = rd.Robot(id); err != nil {
			return err
		}
		if st.Session, err = rd.OpenSession(id); err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
		if st.Held, err = rd.HeldBy(id); err != nil {
			return err
		}
		if st.timing, err = r.timing(rd, p, fleet.TransportPoll); err != nil {
			return err
		}
		if st.Robot.Taken > len(st.Held) {
			if st.Taken, err = rd.TakenSlots(id); err != nil {
				return err
			}
		}
		return r.pollMay(&st)
	}
	if err := r.Store.View(ctx, p.Scope(), read); err != nil || !h.changes(&st) {
		return st, err
	}
	session := fleet.Session{
		ID: r.IDs.New(), Tenant: p.Tenant, RobotID: id, MemberID: h.Member, Transport: fleet.TransportPoll,
		InstanceID: pollInstance, JournalID: pollInstance, OpenedAt: r.Now(),
	}
	err = r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		if err := read(tx); err != nil || !h.changes(&st) {
			return err
		}
		if h.Slots > 0 && st.Robot.WishedSlots != h.Slots {
			st.Robot.WishedSlots = h.Slots
			if err := tx.PutRobot(st.Robot); err != nil {
				return err
			}
		}
		if !h.opens(&st) {
			return nil
		}
		s := session
		s.LostAfter, s.SuspectAfter = st.timing.Lost, st.timing.Suspect
		s.Features = st.Session.Features
		if h.Features != nil {
			s.Features = h.Features
		}
		if s.Epoch, err = tx.OpenSessionAs(s); err != nil {
			return err
		}
		st.Session = s
		st.Robot.LostAfter, st.Robot.SuspectAfter = s.LostAfter, s.SuspectAfter
		st.Robot.Connected, st.Robot.SessionEpoch, st.Robot.LastSeen = true, s.Epoch, s.OpenedAt
		return tx.Append(p.Tenant, modeEvent(fleet.EventRobotConnected, id, p.Name, map[string]any{"session_epoch": s.Epoch, "hostname": st.Robot.Hostname}))
	})
	return st, err
}

// pollMay refuses a call while the robot is connected by a socket.
func (r *Robots) pollMay(st *PollState) error {
	if st.Session.ID == "" || st.Session.Transport == fleet.TransportPoll ||
		r.Now().Sub(st.Robot.LastSeen) > st.Robot.Times(r.Timing(st.Robot.Environment)).Suspect {
		return nil
	}
	e := fleet.Errorf(fleet.CodeConflict, "robot_id_in_use", "Robot %s is connected by a socket (%s).", st.Robot.ID, st.Robot.Hostname)
	return e.WithFix("Give this program a key and an id of its own, or stop the other one.")
}

func (h PollHello) opens(st *PollState) bool {
	told := st.Robot.LostAfter == st.timing.Lost && st.Robot.SuspectAfter == st.timing.Suspect
	return st.Session.Transport != fleet.TransportPoll || !told && len(st.Held)+len(st.Taken) == 0 || h.Features != nil && !slices.Equal(h.Features, st.Session.Features)
}

func (h PollHello) changes(st *PollState) bool {
	return h.opens(st) || h.Slots > 0 && h.Slots != st.Robot.WishedSlots
}

// Heard notes a sign of life of a polling robot, with what it says of itself.
// Attempts that it holds are renewed if it says that it works.
func (r *Robots) Heard(ctx context.Context, p auth.Principal, st PollState, reported fleet.Reported, m fleet.RobotMetrics, works bool) error {
	if err := p.Itself(st.Robot.ID); err != nil {
		return err
	}
	b := store.Beat{Tenant: st.Robot.Tenant, RobotID: st.Robot.ID, SessionEpoch: st.Session.Epoch, Reported: reported, Metrics: m}
	if works {
		for _, sub := range st.Held {
			b.Attempts = append(b.Attempts, store.BeatAttempt{
				JobID: sub.Job.ID, Epoch: sub.Attempt.Epoch, Progress: sub.Attempt.Progress, Node: sub.Attempt.CurrentNode, Message: sub.Attempt.Message,
			})
		}
	}
	bound(&b)
	_, err := r.Store.Beat(ctx, p.Scope(), []store.Beat{b}, r.Now())
	return err
}

// Own finds a job of which the robot says something, and the number of the last
// attempt that the robot had of it.
func (a *Attempts) Own(ctx context.Context, p auth.Principal, job fleet.ID) (sub fleet.Subject, epoch int64, err error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return sub, 0, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if sub, err = r.Subject(job); err != nil {
			return err
		}
		if sub.Attempt != nil && sub.Attempt.RobotID == p.RobotID {
			epoch = sub.Attempt.Epoch
			return nil
		}
		list, err := r.Attempts(job)
		for i := range list {
			if list[i].RobotID == p.RobotID {
				epoch = max(epoch, list[i].Epoch)
			}
		}
		return err
	})
	if err == nil && epoch == 0 {
		err = notYours(p, job)
	}
	return sub, epoch, err
}

func notYours(p auth.Principal, job fleet.ID) error {
	return fleet.Errorf(fleet.CodeConflict, "invalid_state", "Job %s is not a running job of robot %s.", job, p.RobotID)
}

// Renew is T8 and T27 for a robot that says that it still runs a job. The
// subject is the job as it is then.
func (a *Attempts) Renew(ctx context.Context, p auth.Principal, job fleet.ID, sample *store.BeatAttempt) (sub fleet.Subject, err error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return sub, err
	}
	err = a.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		robot, err := tx.Robot(p.RobotID) // locked before the job
		if err != nil {
			return err
		}
		if sub, err = tx.Subject(job); err != nil {
			return err
		}
		switch {
		case sub.Attempt == nil || sub.Attempt.RobotID != p.RobotID:
			return notYours(p, job)
		case sub.Attempt.Live():
			_, err := tx.Renew(store.Ref{JobID: job, Epoch: sub.Attempt.Epoch}, p.RobotID)
			return err
		}
		m, err := sub.Regrant(fleet.Slot{RobotID: p.RobotID, SessionEpoch: robot.SessionEpoch, Taken: robot.Taken, Max: robot.Max()}, a.Now())
		if err != nil {
			return notYours(p, job)
		}
		if err := tx.Apply(m); err != nil {
			if e := fleet.AsError(err); e.Reason == "secret_held" { // another has what it needs alone
				return notYours(p, job)
			}
			return err
		}
		sub = fleet.Subject{Job: m.Job, Attempt: m.Attempt}
		return nil
	})
	if err != nil || sample == nil {
		return sub, err
	}
	sample.JobID, sample.Epoch = job, sub.Attempt.Epoch
	_, err = a.Beat(ctx, p, store.Beat{SessionEpoch: sub.Attempt.SessionEpoch, Partial: true, Attempts: []store.BeatAttempt{*sample}})
	return sub, err
}

// FreeSlots gives back slots of attempts that are over: those that a robot has
// shown to be free.
func (a *Attempts) FreeSlots(ctx context.Context, p auth.Principal, slots []store.TakenSlot) error {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return err
	}
	return a.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		for _, s := range slots {
			if _, err := tx.FreeSlot(s.Ref, p.RobotID, a.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// FreeLostSlots gives back the slots of attempts that are over on robots that
// are not heard any more. It is done by whoever does the chores. away is how long
// nobody has looked: if that is a good part of what a robot may be silent, it may
// have called in vain, and it has its time again.
func (a *Attempts) FreeLostSlots(ctx context.Context, s store.Scope, away time.Duration) error {
	var taken []store.TakenSlot
	err := a.Store.View(ctx, s, func(r store.Reader) (err error) { taken, err = r.TakenSlots(""); return err })
	if err != nil {
		return err
	}
	now := a.Now()
	var faults []error
	for _, slot := range taken {
		lost := slot.LostAfter
		if lost <= 0 {
			lost = a.Timing(fleet.DefaultEnvironment).Lost
		}
		if away > lost/3 || now.Sub(slot.LastSeen) <= lost {
			continue
		}
		faults = append(faults, a.Store.Update(ctx, s.In(slot.Tenant), func(tx store.Tx) error {
			_, err := tx.FreeSlot(slot.Ref, slot.RobotID, now)
			return err
		}))
	}
	return errors.Join(faults...)
}

// EndOld records the end of a job as a robot says it that knows no attempts: of
// the last one that it had. The same word once more is no contradiction as long
// as the job was not handed out since; another one is.
func (a *Attempts) EndOld(ctx context.Context, p auth.Principal, job fleet.ID, r fleet.Report) error {
	sub, epoch, err := a.Own(ctx, p, job)
	if err != nil {
		return err
	}
	r.JobID, r.Epoch = job, epoch
	if r.Kind == fleet.ReportStopped && sub.Job.State == fleet.Cancelling {
		r.By = fleet.ByRequest
	}
	said := []fleet.Report{r}
	verdicts, err := a.Report(ctx, p, said)
	if err != nil {
		return err
	}
	switch verdicts[0].Verdict { //nolint:exhaustive // the others are for effects
	case fleet.VerdictApplied:
		return nil
	case fleet.VerdictDuplicate:
		same, err := a.saidBefore(ctx, p, &said[0])
		if err != nil || same {
			return err
		}
	}
	return notYours(p, job)
}

// saidBefore says whether a report repeats the one that its attempt ended with.
func (a *Attempts) saidBefore(ctx context.Context, p auth.Principal, r *fleet.Report) (same bool, err error) {
	err = a.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		j, err := rd.Job(r.JobID)
		if err != nil || j.Epoch != r.Epoch {
			return err // handed out since
		}
		data, err := rd.JobData(r.JobID)
		if err != nil {
			return err
		}
		switch r.Kind {
		case fleet.ReportComplete:
			same = sameJSON(data.Result, r.Result)
		case fleet.ReportFailed:
			same = data.Error != nil && r.Error != nil && data.Error.Message == r.Error.Normalize().Message
		default:
			same = true // there is one way to say it
		}
		return nil
	})
	return same, err
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// Grant is a job that a claim got. Back gives it back if it cannot be handed on.
type Grant struct {
	Job       fleet.Job
	Document  []byte
	Variables []byte
	Back      func()
}

// ClaimWish is what a claim asks for.
type ClaimWish struct {
	Environment string
	Features    []string      // nil: nothing is said of them
	Hold        time.Duration // at most so long; 0: as long as the limit says
}

// PollBeat is a heartbeat of a polling robot.
type PollBeat struct {
	Metrics fleet.RobotMetrics
	Running int // how many jobs it says it runs; -1: it does not say
	Slots   int // how many it would run; 0: it does not say
}
