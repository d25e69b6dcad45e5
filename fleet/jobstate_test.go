package fleet

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var at = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// subject builds a job in a state, with the attempt that fits it.
func subject(s State) Subject {
	j := NewJob(JobSpec{ID: "01939c3e-7b1a-7c3d-8e4f-0123456789ab", Tenant: DefaultTenant, Priority: 10, RunTimeout: time.Hour, Retry: DefaultRetry()}, at)
	j.State = s
	sub := Subject{Job: j}
	if s == Pending {
		return sub
	}
	sub.Job.WaitingOn, sub.Job.Epoch, sub.Job.RobotID = "", 1, "r1"
	a := &Attempt{JobID: j.ID, Epoch: 1, Tenant: j.Tenant, RobotID: "r1", StartMode: StartTwoStep, OfferedAt: at}
	sub.Attempt = a
	switch {
	case s == Cancelling:
		sub.Job.StopReason, sub.Job.StopDeadline = StopCancel, at.Add(time.Minute)
	case s == NeedsDecision:
		a.Outcome, a.SlotFreeAt = OutcomeLost, at
	case s.Final():
		a.Outcome, a.SlotFreeAt, sub.Job.EndedAt = OutcomeCompleted, at, at
	}
	return sub
}

// apply does to a subject what a cause asks for, at an hour when all
// deadlines have passed.
func apply(s Subject, t Cause) (*Move, error) {
	now := at.Add(time.Hour)
	report := func(kind ReportKind, e *JobError) (*Move, error) {
		v, m := s.Judge(Report{Kind: kind, RobotID: "r1", Epoch: s.Job.Epoch, Error: e, By: ByShutdown}, now)
		if m == nil {
			return nil, errors.New(string(v))
		}
		return m, nil
	}
	switch t {
	case OnDue:
		return s.Due(now)
	case OnOffer:
		return s.Offer(Slot{RobotID: "r1", Max: 1, Mode: StartTwoStep}, now)
	case OnAccept:
		return s.Accept("r1", s.Job.Epoch, now)
	case OnReject:
		return s.Reject("r1", s.Job.Epoch, RejectAtCapacity, "", 0, now)
	case OnNotTaken:
		return s.NotTaken(s.Job.Epoch, RejectNoAnswer, 0, now)
	case OnSilent:
		return s.Silence(s.Job.Epoch, now)
	case OnLost:
		return s.Lose(Loss{Epoch: s.Job.Epoch, Reason: "silent"}, now)
	case OnStopped:
		return report(ReportStopped, nil)
	case OnRelease:
		return s.Release("r1", s.Job.Epoch, 0, now)
	case OnComplete:
		return report(ReportComplete, nil)
	case OnFail:
		return report(ReportFailed, &JobError{Class: ClassApplication, Message: "no"})
	case OnCancel:
		return s.Cancel(CancelRequest{By: "test", Force: true}, now)
	case OnRunLimit:
		return s.RunLimit(s.Job.Epoch, time.Minute, now)
	case OnWaitLimit:
		s.Job.ExpiresAt = at
		return s.WaitLimit(now)
	case OnStopLimit:
		return s.StopLimit(s.Job.Epoch, now)
	case OnRenew:
		return s.Regrant(Slot{RobotID: "r1", Max: 1}, now)
	case OnParents:
		s.Job.WaitingOn = WaitingDependencies
		return s.AfterParent(ParentEnd{Parents: Parents{Completed: 1}}, now)
	case OnSegment:
		s.Job.Segments = 2
		return s.AfterSegment(SegmentTurn{Segment: Job{State: Failed, EndReason: "workflow_error"}}, now)
	case OnPriority:
		return s.Prioritize((s.Job.Priority+1)%21, "test")
	case OnTarget:
		return s.Retarget(map[RobotID]RobotID{"": "r1"}[s.Job.Target], "test")
	case OnDecide:
		return s.Decide(Decision{Do: "retry", Reason: "it did not pay"}, nil, now)
	}
	return nil, errors.New("unknown cause")
}

func causes() []Cause {
	var all []Cause
	for _, row := range Table() {
		if !slices.Contains(all, row.Cause) {
			all = append(all, row.Cause)
		}
	}
	return all
}

// Every pair of state and cause either is in the table or changes nothing.
func TestTableIsComplete(t *testing.T) {
	for _, from := range States() {
		for _, cause := range causes() {
			s := subject(from)
			before := s.Job
			m, err := apply(s, cause)
			allowed := slices.ContainsFunc(Table(), func(row Transition) bool {
				return row.Cause == cause && slices.Contains(row.From, from)
			})
			switch {
			case m != nil && !allowed:
				t.Errorf("%s + %s moved to %s, which the table does not hold", from, cause, m.Job.State)
			case m == nil && allowed && !(from == Pending && (cause == OnComplete || cause == OnRenew)):
				t.Errorf("%s + %s is in the table and changed nothing: %v", from, cause, err)
			case m != nil:
				if _, ok := Allowed(cause, from, m.Job.State); !ok {
					t.Errorf("%s + %s led to %s, which the table does not allow", from, cause, m.Job.State)
				}
				checkShape(t, m)
			}
			if s.Job.State != before.State || s.Job.Version != before.Version {
				t.Errorf("%s + %s changed the subject itself", from, cause)
			}
		}
	}
}

// checkShape is invariant I20: the row has the right shape for its state.
func checkShape(t interface{ Errorf(string, ...any) }, m *Move) {
	j := m.Job
	live := m.Attempt != nil && m.Attempt.Live()
	if m.Attempt != nil && j.State.Live() != live {
		t.Errorf("%s: state %s with live attempt %v", m.Rule, j.State, live)
	}
	if (j.State == Pending) != (j.WaitingOn != "") {
		t.Errorf("%s: state %s waits on %q", m.Rule, j.State, j.WaitingOn)
	}
	if (j.State == Cancelling) != !j.StopDeadline.IsZero() {
		t.Errorf("%s: state %s has stop deadline %v", m.Rule, j.State, j.StopDeadline)
	}
	if j.State.Final() != !j.EndedAt.IsZero() {
		t.Errorf("%s: state %s ended at %v", m.Rule, j.State, j.EndedAt)
	}
	if j.DeadLetter && j.State != Failed {
		t.Errorf("%s: dead letter in state %s", m.Rule, j.State)
	}
	if m.Event != nil && (m.Event.From != m.From || m.Event.To != j.State || m.Event.SubjectSeq != m.Version+1 || j.Version != m.Version+1) {
		t.Errorf("%s: event %+v does not tell of %s → %s", m.Rule, m.Event, m.From, j.State)
	}
	if m.Attempt != nil && !m.Attempt.Live() && m.Attempt.SlotFreeAt.IsZero() {
		t.Errorf("%s: ended attempt keeps its slot", m.Rule)
	}
}

// Any history of causes keeps the promises: one end, epochs without a hole,
// final states for ever, budgets respected.
func TestHistories(t *testing.T) {
	all := slices.DeleteFunc(causes(), func(t Cause) bool { return t == OnSegment }) // a whole has no attempts: see TestWholeFollows
	rapid.Check(t, func(t *rapid.T) {
		s := subject(Pending)
		s.Job.RetrySafety = rapid.SampledFrom([]RetrySafety{RetryAlways, RetryUntilEffect, RetryNever}).Draw(t, "safety")
		ends := 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			cause := rapid.SampledFrom(all).Draw(t, "cause")
			s.EffectOpen = rapid.Bool().Draw(t, "effect") && s.Job.State.Live()
			from := s.Job
			m, err := apply(s, cause)
			if m == nil {
				continue
			}
			if err != nil {
				t.Fatalf("%s gave a move and an error: %v", cause, err)
			}
			checkShape(t, m)
			if from.State.Final() {
				t.Fatalf("%s moved a job out of %s", cause, from.State)
			}
			if m.Job.State.Final() {
				ends++
			}
			if m.NewAttempt != (m.Job.Epoch == from.Epoch+1) || m.Job.Epoch < from.Epoch {
				t.Fatalf("%s: epoch %d → %d, new attempt %v", cause, from.Epoch, m.Job.Epoch, m.NewAttempt)
			}
			if m.Job.RetriesUsed > m.Job.Retry.Max || m.Job.LostUsed > m.Job.Retry.MaxLost {
				t.Fatalf("%s: budget exceeded: %d retries, %d lost", cause, m.Job.RetriesUsed, m.Job.LostUsed)
			}
			s.Job = m.Job
			if m.Attempt != nil {
				s.Attempt = m.Attempt
			}
		}
		if ends > 1 {
			t.Fatalf("the job ended %d times", ends)
		}
	})
}

func TestReportsOfOthersChangeNothing(t *testing.T) {
	s := subject(Running)
	for _, c := range []struct {
		name string
		r    Report
		want VerdictKind
	}{
		{"another robot", Report{Kind: ReportComplete, RobotID: "r2", Epoch: 1}, VerdictInvalid},
		{"an epoch to come", Report{Kind: ReportComplete, RobotID: "r1", Epoch: 2}, VerdictInvalid},
		{"no epoch", Report{Kind: ReportComplete, RobotID: "r1"}, VerdictInvalid},
	} {
		if v, m := s.Judge(c.r, at); v != c.want || m != nil {
			t.Errorf("%s: verdict %s, move %v", c.name, v, m)
		}
	}
	s.Job.Epoch = 2
	if v, m := s.Judge(Report{Kind: ReportComplete, RobotID: "r1", Epoch: 1}, at); v != VerdictStale || m != nil {
		t.Errorf("an older epoch: verdict %s, move %v", v, m)
	}
}

func TestRepeatedReportIsDuplicate(t *testing.T) {
	s := subject(Running)
	r := Report{Kind: ReportComplete, RobotID: "r1", Epoch: 1}
	v, m := s.Judge(r, at)
	if v != VerdictApplied || m.Job.State != Completed {
		t.Fatalf("first: %s", v)
	}
	again := Subject{Job: m.Job, Attempt: m.Attempt}
	if v, m := again.Judge(r, at); v != VerdictDuplicate || m != nil {
		t.Errorf("second: verdict %s, move %v", v, m)
	}
	r.Kind = ReportFailed
	if v, m := again.Judge(r, at); v != VerdictStale || m != nil {
		t.Errorf("another end: verdict %s, move %v", v, m)
	}
}

func TestLateResultCountsWhileNobodyWasGivenTheJob(t *testing.T) {
	s := subject(Running)
	lost, err := s.Lose(Loss{Epoch: 1, Reason: "silent"}, at)
	if err != nil || lost.Job.State != Pending || lost.Job.LostUsed != 1 {
		t.Fatalf("lose: %v, %+v", err, lost)
	}
	after := Subject{Job: lost.Job, Attempt: lost.Attempt}
	if v, m := after.Judge(Report{Kind: ReportComplete, RobotID: "r1", Epoch: 1}, at); v != VerdictApplied || m.Job.State != Completed {
		t.Errorf("late result: %s", v)
	}
	after.Job.NotBefore, after.Job.WaitingOn = time.Time{}, WaitingRobot
	given, err := after.Offer(Slot{RobotID: "r2", Max: 1, Mode: StartTwoStep}, at)
	if err != nil {
		t.Fatal(err)
	}
	now := Subject{Job: given.Job, Attempt: given.Attempt}
	if v, m := now.Judge(Report{Kind: ReportComplete, RobotID: "r1", Epoch: 1}, at); v != VerdictStale || m != nil {
		t.Errorf("late result after a new hand-out: %s", v)
	}
}

func TestRetryBackOff(t *testing.T) {
	s := subject(Running)
	want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second}
	for i, pause := range want {
		_, m := s.Judge(Report{Kind: ReportFailed, RobotID: "r1", Epoch: s.Job.Epoch, Error: &JobError{Message: "no"}, Chance: 0.5}, at)
		if m.Job.State != Pending || m.Job.WaitingOn != WaitingBackoff || m.Job.NotBefore.Sub(at) != pause {
			t.Fatalf("retry %d: %s waits %v, want %v", i+1, m.Job.State, m.Job.NotBefore.Sub(at), pause)
		}
		next := subject(Running)
		next.Job.RetriesUsed = m.Job.RetriesUsed
		s = next
	}
	_, m := s.Judge(Report{Kind: ReportFailed, RobotID: "r1", Epoch: 1, Error: &JobError{Message: "no"}}, at)
	if m.Job.State != Failed || !m.Job.DeadLetter || m.Job.DeadLetterReason != "max_retries_exceeded" {
		t.Errorf("after the budget: %s, dead letter %v (%s)", m.Job.State, m.Job.DeadLetter, m.Job.DeadLetterReason)
	}
	_, m = subject(Running).Judge(Report{Kind: ReportFailed, RobotID: "r1", Epoch: 1, Error: &JobError{Class: ClassBusiness}}, at)
	if m.Job.State != Failed || m.Job.DeadLetter {
		t.Errorf("business error: %s, dead letter %v", m.Job.State, m.Job.DeadLetter)
	}
}

func TestCancelSharpens(t *testing.T) {
	s := subject(Running)
	m, err := s.Cancel(CancelRequest{Grace: time.Minute}, at)
	if err != nil || m.Job.State != Cancelling {
		t.Fatalf("cancel: %v", err)
	}
	again := Subject{Job: m.Job, Attempt: m.Attempt}
	if m, err := again.Cancel(CancelRequest{Grace: time.Minute}, at); m != nil || err != nil {
		t.Errorf("the same cancel again: %v, %v", m, err)
	}
	sharper, err := again.Cancel(CancelRequest{Force: true}, at)
	if err != nil || !sharper.Job.StopForce || sharper.Job.StopGrace(at) != 0 {
		t.Errorf("force: %v, %+v", err, sharper)
	}
	if _, err := s.Cancel(CancelRequest{Grace: 2 * time.Hour}, at); !errors.Is(err, ErrInvalid) {
		t.Errorf("a grace of two hours: %v", err)
	}
}

func TestIDsRise(t *testing.T) {
	clock := at
	ids := NewIDs(func() time.Time { return clock }, fixedBytes(7))
	var last ID
	for i := range 10_000 {
		if i%1000 == 0 {
			clock = clock.Add(-time.Millisecond) // a clock that steps back
		}
		id := ids.New()
		if !id.Valid() || id <= last {
			t.Fatalf("id %s after %s", id, last)
		}
		last = id
	}
	if got := last.Time(); got.Before(at) {
		t.Errorf("time of the last id is %v", got)
	}
}

type fixedBytes byte

func (f fixedBytes) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(f)
	}
	return len(b), nil
}
