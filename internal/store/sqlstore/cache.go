package sqlstore

import (
	"maps"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Known is what a writer need not read again.
//
// Where one process writes alone it outlives the transaction: live jobs as they
// were committed, so that an accept and a report need not read what was just
// written. Where several write it lives as long as one transaction: what was
// read at its beginning under locks (see Need).
//
// It cannot be stale: whatever changes a row of a job forgets the job first
// (Tx.touch), and what is remembered again is what the same transaction wrote,
// once it is committed. A transaction that fails leaves a gap, never a lie.
// One goroutine at a time.
type Known struct {
	jobs map[fleet.ID]fleet.Subject
	read *readAhead // nil where one process writes alone
}

// maxSubjects bounds the memory; beyond it everything is forgotten.
const maxSubjects = 20_000

// NewKnown returns an empty memory; one per writer.
func NewKnown() *Known { return &Known{jobs: map[fleet.ID]fleet.Subject{}} }

// known is the job as this transaction sees it, if that is remembered.
func (t *Tx) known(id fleet.ID) (fleet.Subject, bool) {
	if t.batch.env.Known == nil {
		return fleet.Subject{}, false
	}
	for _, m := range []map[fleet.ID]fleet.Subject{t.live, t.batch.live, t.batch.env.Known.jobs} {
		if s, ok := m[id]; ok {
			if s.Attempt != nil { // the caller may change its copy
				a := *s.Attempt
				s.Attempt = &a
			}
			return s, true
		}
	}
	return fleet.Subject{}, false
}

// touch forgets a job whose rows are about to change.
func (t *Tx) touch(id fleet.ID) {
	if t.batch.env.Known != nil {
		delete(t.live, id)
		delete(t.batch.live, id)
		delete(t.batch.env.Known.jobs, id)
		t.batch.env.Known.read.touch(id)
	}
	if t.batch.env.Recent != nil {
		delete(t.recent, id)
		delete(t.batch.recent, id)
		delete(t.batch.env.Recent.jobs, id)
	}
}

// learn remembers a live job until this caller's part is merged or dropped.
func (t *Tx) learn(s fleet.Subject) {
	if t.batch.env.Known == nil || !s.Job.State.Live() || s.Attempt == nil {
		return
	}
	if t.live == nil {
		t.live = map[fleet.ID]fleet.Subject{}
	}
	t.live[s.Job.ID] = s
}

// applied remembers a job after a move. before is what was known of it; the
// first offer of a job needs nothing known, as no attempt can have opened an
// effect.
func (t *Tx) applied(m *fleet.Move, before fleet.Subject, knew bool) {
	whole := knew || m.NewAttempt && m.Job.Epoch <= 1
	if m.Attempt == nil || !whole && t.batch.env.Recent == nil {
		return
	}
	a := *m.Attempt
	s := fleet.Subject{Job: m.Job, Attempt: &a, EffectOpen: before.EffectOpen}
	j := &s.Job
	for _, at := range []*time.Time{
		&j.WaitingSince, &j.AvailableAt, &j.NotBefore, &j.AssignedAt, &j.FirstStartedAt, &j.StartedAt, &j.EndedAt, &j.StopDeadline,
		&a.OfferedAt, &a.AcceptBy, &a.StartedAt, &a.EndedAt, &a.SilentSince, &a.SlotFreeAt,
	} {
		*at = Stored(*at)
	}
	j.Progress, j.CurrentNode, j.Silent = 0, "", false
	show(j, a.Progress, a.CurrentNode, !a.SilentSince.IsZero())
	if whole {
		t.learn(s)
	}
	t.left(s)
}

// Subject is the job as this transaction sees it.
func (t *Tx) Subject(id fleet.ID) (fleet.Subject, error) {
	if s, ok := t.known(id); ok && t.scope.Covers(s.Job.Tenant) && t.scope.Sees(s.Job.Environment) {
		return s, nil
	}
	s, err := t.reader.Subject(id)
	if err == nil {
		t.learn(s)
		if s.Attempt != nil {
			a := *s.Attempt
			s.Attempt = &a
		}
	}
	return s, err
}

// keep takes over what a caller that succeeded knows.
func (b *Batch) keep(live, recent map[fleet.ID]fleet.Subject) {
	b.live, b.recent = united(b.live, live), united(b.recent, recent)
}

func united(into, more map[fleet.ID]fleet.Subject) map[fleet.ID]fleet.Subject {
	if into == nil {
		return more
	}
	maps.Copy(into, more)
	return into
}

// remember takes over what was committed.
func (c *Known) remember(live map[fleet.ID]fleet.Subject) {
	if c == nil {
		return
	}
	if len(c.jobs)+len(live) > maxSubjects {
		clear(c.jobs)
	}
	maps.Copy(c.jobs, live)
}
