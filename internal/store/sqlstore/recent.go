package sqlstore

import (
	"maps"

	"github.com/casarerpa/fleet/fleet"
)

// Recent is what a writer that shares its database remembers of the live jobs
// that it moved itself: each as it committed it, with its attempt.
//
// Unlike Known it may be stale, since others move jobs too, and it does not know
// whether an effect is open. So it serves only decisions that end in a move,
// whose guard finds out; whatever else comes out of it is not believed, and the
// job is read. A guard that fails costs its group one more try without any
// memory. One goroutine at a time.
type Recent struct {
	jobs map[fleet.ID]fleet.Subject
}

// maxRecent bounds the memory; beyond it everything is forgotten. Jobs that
// others end stay until then.
const maxRecent = 5_000

// NewRecent returns an empty memory; one per writer.
func NewRecent() *Recent { return &Recent{jobs: map[fleet.ID]fleet.Subject{}} }

// Has says whether a job is remembered, so that it need not be read ahead.
func (r *Recent) Has(id fleet.ID) bool {
	if r == nil {
		return false
	}
	_, ok := r.jobs[id]
	return ok
}

// Forget drops everything.
func (r *Recent) Forget() {
	if r != nil {
		clear(r.jobs)
	}
}

func (r *Recent) remember(jobs map[fleet.ID]fleet.Subject) {
	if r == nil {
		return
	}
	if len(r.jobs)+len(jobs) > maxRecent {
		clear(r.jobs)
	}
	maps.Copy(r.jobs, jobs)
}

// recently is the job as this writer left it, if nothing better is at hand. The
// caller may change its copy.
func (t *Tx) recently(id fleet.ID, tenant fleet.TenantID) (s fleet.Subject, ok bool) {
	recent := t.batch.env.Recent
	if recent == nil || !t.scope.Covers(tenant) {
		return s, false
	}
	if _, read := t.known(id); read {
		return s, false
	}
	for _, m := range []map[fleet.ID]fleet.Subject{t.recent, t.batch.recent, recent.jobs} {
		if s, ok = m[id]; ok {
			a := *s.Attempt
			s.Attempt = &a
			return s, s.Job.Tenant == tenant
		}
	}
	return s, false
}

// left notes a job as this caller leaves it; see Recent.
func (t *Tx) left(s fleet.Subject) {
	if t.batch.env.Recent == nil || !s.Job.State.Live() || s.Attempt == nil {
		return
	}
	if t.recent == nil {
		t.recent = map[fleet.ID]fleet.Subject{}
	}
	t.recent[s.Job.ID] = s
}
