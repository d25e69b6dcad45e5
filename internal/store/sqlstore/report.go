package sqlstore

import (
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// journalKey names the disk whose reports are counted.
type journalKey struct {
	tenant  fleet.TenantID
	robot   fleet.RobotID
	journal string
}

// Report records reports in the order given; see store.Hot.
func (t *Tx) Report(in []fleet.Report, now time.Time) ([]fleet.Verdict, error) {
	now = Stored(now)
	out := make([]fleet.Verdict, len(in))
	committed := map[journalKey]int64{}
	for i := range in {
		r := &in[i]
		if err := t.covers(r.Tenant); err != nil {
			return nil, err
		}
		v, err := t.report(r, now)
		if err != nil {
			return nil, err
		}
		v.ReportID = r.ReportID
		out[i] = v
		if r.JournalID != "" {
			k := journalKey{r.Tenant, r.RobotID, r.JournalID}
			committed[k] = max(committed[k], r.ReportID)
		}
	}
	// What was committed says only what need not be sent again. Whether a report
	// counts was decided above, by the guard alone.
	for k, id := range committed {
		if _, err := t.conn.Exec(journalPut, k.robot, k.tenant, k.journal, id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func verdict(kind fleet.VerdictKind, reason string) fleet.Verdict {
	return fleet.Verdict{Verdict: kind, Reason: reason}
}

func (t *Tx) report(r *fleet.Report, now time.Time) (fleet.Verdict, error) {
	if s, ok := t.recently(r.JobID, r.Tenant); ok && r.Kind == fleet.ReportComplete {
		if kind, m := s.Judge(*r, now); m != nil {
			return verdict(kind, ""), t.Apply(m)
		}
	}
	s, err := t.Subject(r.JobID)
	switch {
	case errors.Is(err, fleet.ErrNotFound), err == nil && s.Job.Tenant != r.Tenant:
		if r.Kind == fleet.ReportEffectBegin {
			return verdict(fleet.VerdictStop, "unknown_job"), nil
		}
		return verdict(fleet.VerdictInvalid, "unknown_job"), nil
	case err != nil:
		return fleet.Verdict{}, err
	}
	switch r.Kind {
	case fleet.ReportStarted:
		return t.started(&s, r, now)
	case fleet.ReportEffectBegin:
		return t.effectBegin(&s, r, now)
	case fleet.ReportEffectEnd:
		return t.effectEnd(&s, r, now)
	case fleet.ReportCheckpoint:
		return t.checkpoint(&s, r)
	case fleet.ReportComplete, fleet.ReportFailed, fleet.ReportStopped:
	}
	kind, m := s.Judge(*r, now)
	switch {
	case kind == fleet.VerdictStale:
		return t.late(&s, r, now)
	case m == nil:
		return verdict(kind, ""), nil
	}
	if err := t.Apply(m); err != nil {
		return fleet.Verdict{}, err
	}
	return verdict(kind, ""), nil
}

// late answers a report that comes after its attempt was over. If the attempt
// ended that very way the robot only repeats itself; otherwise what it says is
// kept as evidence, once.
func (t *Tx) late(s *fleet.Subject, r *fleet.Report, now time.Time) (fleet.Verdict, error) {
	a := s.Attempt
	if r.Epoch < s.Job.Epoch {
		a = nil
		found, err := one(t.conn, attemptGet, func(row *Row) {
			got := scanAttempt(row)
			a = &got
		}, r.JobID, r.Epoch, r.Tenant)
		if err != nil {
			return fleet.Verdict{}, err
		}
		if !found || a.RobotID != r.RobotID {
			return verdict(fleet.VerdictInvalid, "not_given"), nil
		}
	}
	if a.SlotFreeAt.IsZero() { // the robot has come to the end of what it could not stop
		if _, err := t.FreeSlot(store.Ref{JobID: r.JobID, Epoch: a.Epoch}, a.RobotID, now); err != nil {
			return fleet.Verdict{}, err
		}
	}
	if a.Outcome == r.EndsAs() {
		return verdict(fleet.VerdictDuplicate, ""), nil
	}
	n, err := t.conn.Exec(attemptLate, r.JobID, r.Epoch, r.Tenant)
	if err != nil || n == 0 {
		return verdict(fleet.VerdictStale, "attempt_over"), err
	}
	data := map[string]any{"robot_id": r.RobotID, "epoch": r.Epoch, "report": r.Kind, "attempt_outcome": a.Outcome}
	if r.Error != nil {
		data["message"] = r.Error.Normalize().Message
	}
	return verdict(fleet.VerdictStale, "attempt_over"), t.Append(r.Tenant, fleet.EventDraft{
		Kind: fleet.EventJobLateResult, Subject: fleet.SubjectAttempt, SubjectID: string(r.JobID), Epoch: r.Epoch,
		Actor: string(r.RobotID), Data: data,
	})
}

// live says whether the report speaks of the attempt that holds the job.
func live(s *fleet.Subject, r *fleet.Report) bool {
	return s.Attempt.Live() && s.Job.Epoch == r.Epoch && s.Attempt.RobotID == r.RobotID
}

func (t *Tx) started(s *fleet.Subject, r *fleet.Report, now time.Time) (fleet.Verdict, error) {
	switch {
	case !live(s, r):
		return verdict(fleet.VerdictStale, "attempt_over"), nil
	case s.Job.State == fleet.Assigned:
		return verdict(fleet.VerdictInvalid, "not_accepted"), nil
	}
	if !s.Attempt.RunningAt.IsZero() {
		return verdict(fleet.VerdictDuplicate, ""), nil
	}
	t.touch(r.JobID)
	n, err := t.conn.Exec(attemptStarted, r.JobID, r.Epoch, now, false, r.Tenant)
	if n == 0 {
		return verdict(fleet.VerdictDuplicate, ""), err
	}
	began := *s.Attempt
	began.RunningAt, began.SilentSince, began.RenewSeq = now, time.Time{}, began.RenewSeq+1
	s.Attempt, s.Job.Silent = &began, false
	t.learn(*s)
	t.left(*s)
	return verdict(fleet.VerdictApplied, ""), err
}

// effectBegin is asked before a step that must not run twice. The answer to a
// repeated question of the same attempt is the same.
func (t *Tx) effectBegin(s *fleet.Subject, r *fleet.Report, now time.Time) (fleet.Verdict, error) {
	if !live(s, r) || s.Job.State != fleet.Running {
		return verdict(fleet.VerdictStop, "attempt_over"), nil
	}
	e, err := t.Effect(r.JobID, r.Node, r.EffectKey)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
	case err != nil:
		return fleet.Verdict{}, err
	case e.Epoch == r.Epoch:
		return verdict(fleet.VerdictGo, ""), nil
	case e.State == fleet.EffectDone:
		return fleet.Verdict{Verdict: fleet.VerdictSkip, Outcome: e.Outcome}, nil
	}
	err = t.PutEffect(fleet.Effect{
		JobID: r.JobID, Tenant: r.Tenant, Node: r.Node, Key: r.EffectKey, Epoch: r.Epoch, State: fleet.EffectOpen, BegunAt: now,
	})
	if err != nil {
		return fleet.Verdict{}, err
	}
	return verdict(fleet.VerdictGo, ""), t.renew(s)
}

// effectEnd closes the step that the same attempt announced. It counts even
// when the attempt was lost meanwhile: it is the truth about the step.
func (t *Tx) effectEnd(s *fleet.Subject, r *fleet.Report, now time.Time) (fleet.Verdict, error) {
	e, err := t.Effect(r.JobID, r.Node, r.EffectKey)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return verdict(fleet.VerdictInvalid, "not_begun"), nil
	case err != nil:
		return fleet.Verdict{}, err
	case e.Epoch != r.Epoch:
		return verdict(fleet.VerdictStale, "attempt_over"), nil
	case s.Job.Epoch == r.Epoch && s.Attempt != nil && s.Attempt.RobotID != r.RobotID:
		return verdict(fleet.VerdictInvalid, "not_given"), nil
	case e.State == fleet.EffectDone, e.State == fleet.EffectFailed && !r.OK:
		return verdict(fleet.VerdictDuplicate, ""), nil // one that was done counts also where a person said otherwise
	case len(r.Outcome) > fleet.MaxEffectOutcome:
		return verdict(fleet.VerdictInvalid, "outcome_too_large"), nil
	}
	e.State, e.Outcome, e.EndedAt = fleet.EffectDone, r.Outcome, now
	if !r.OK {
		e.State = fleet.EffectFailed
	}
	if err := t.PutEffect(e); err != nil {
		return fleet.Verdict{}, err
	}
	return verdict(fleet.VerdictApplied, ""), t.renew(s)
}

// renew counts any word about an effect as a sign of life.
func (t *Tx) renew(s *fleet.Subject) error {
	if !s.Attempt.Live() {
		return nil
	}
	t.touch(s.Job.ID)
	_, err := t.conn.Exec(attemptRenew, s.Job.ID, s.Attempt.Epoch, s.Attempt.RobotID, false, s.Job.Tenant)
	return err
}
