package orchestrator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow"
)

// parts says how what a request runs is cut; nil if it is not.
func (j *Jobs) parts(ctx context.Context, p auth.Principal, found *resolved, overrides []fleet.NodeOverride) ([]part, error) {
	k := cutKey{found.workflow.Hash, overrideText(overrides)}
	if found.checked != nil {
		k.hash = found.checked.Hash
	}
	if parts, ok := j.workflows.cuts.get(k); ok {
		return parts, nil
	}
	var body []byte
	if found.checked != nil {
		body = found.checked.Canonical
	}
	if body == nil {
		err := j.Store.View(ctx, p.Scope(), func(r store.Reader) (err error) { body, err = r.Body(k.hash); return err })
		if err != nil {
			return nil, err
		}
	}
	d, err := workflow.Parse(body, workflow.Options{Catalog: j.Catalog, Limits: j.Limits.Document})
	if err != nil {
		return nil, unreadable(err)
	}
	parts, err := j.workflows.cut(d, overrides)
	if err == nil {
		j.workflows.cuts.put(k, parts)
	}
	return parts, err
}

// split makes a whole of a job that was prepared, with a job for each part.
func (j *Jobs) split(ctx context.Context, p auth.Principal, r SubmitRequest, found resolved, parts []part, spec fleet.JobSpec, usual []fleet.RobotID) (whole store.Submission, segments []segment, err error) {
	ids := family(j.IDs, len(parts)+1)
	spec.ID, spec.Segments = ids[len(parts)], len(parts) // above theirs: rows are locked in one order
	for i, part := range parts {
		if i > 0 {
			if err := handedOn(r.Variables, &part); err != nil {
				return whole, nil, err
			}
		}
		s := spec
		s.ID, s.Segments, s.Parent, s.Segment = ids[i], 0, spec.ID, i+1
		s.Schedule, s.FireAt = "", time.Time{} // the whole is its job
		if err := j.place(ctx, p, r, found, &s, part.place, part.requires); err != nil {
			e := *fleet.AsError(err)
			e.Message = fmt.Sprintf("Segment %d, from node %s on: %s", i+1, part.entry, e.Message)
			return whole, nil, &e
		}
		s.Placement.Usual = usual
		if s.Target != "" { // the target is the choice
			s.Placement.Usual, s.Placement.OnlyUsual = nil, false
		}
		data := fleet.JobData{Variables: r.Variables}
		if i > 0 {
			s.DependsOn, s.Rule, s.OnUnmet, s.FillInputs = []fleet.ID{ids[i-1]}, "", "", true
			data.Variables = fleet.Awaits(ids[i-1])
		} else {
			spec.Environment, spec.RunTimeout = s.Environment, s.RunTimeout
		}
		segments = append(segments, segment{part.hash, part.body, store.Submission{
			Job: fleet.NewJob(s, j.Now()), Data: data, Actor: p.Name, Parents: s.DependsOn, MaxChildren: j.Limits.Children, Graph: true,
		}})
	}
	spec.DependsOn, spec.FillInputs = nil, false
	return store.Submission{
		Job: fleet.NewJob(spec, j.Now()), Data: fleet.JobData{Variables: r.Variables, PrioritySource: r.prioritySource()}, Actor: p.Name, Graph: true,
	}, segments, nil
}

// handedOn refuses an input that a segment behind the first needs and that is not
// handed on to it.
func handedOn(variables json.RawMessage, p *part) error {
	if len(p.private) == 0 || len(variables) == 0 {
		return nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(variables, &values); err != nil {
		return fleet.Invalid("variables", "variables must be a JSON object.")
	}
	for _, name := range p.private {
		if _, ok := values[name]; ok {
			return fleet.Invalid("variables."+name, "The part of the workflow from node %s on runs in another place and uses %s, and a variable of such a name is not handed on.", p.entry, name).
				WithFix("Give it a name that does not begin with _.")
		}
	}
	return nil
}

// family makes rising ids of one month for jobs that belong together: retention
// may take all jobs of a month at once.
func family(from *fleet.IDs, n int) []fleet.ID {
	ids := make([]fleet.ID, n)
	for {
		for i := range ids {
			ids[i] = from.New()
		}
		if ids[0].Time().Month() == ids[n-1].Time().Month() {
			return ids
		}
	}
}

// segment is a part that is to be stored: a job and what it runs.
type segment struct {
	hash string
	body []byte
	store.Submission
}

// insert stores jobs and the segments of those that are cut, in one transaction.
func insert(tx store.Tx, list []submission) ([]store.Submitted, error) {
	cut := false
	for i := range list {
		cut = cut || len(list[i].segments) > 0
	}
	if !cut {
		return tx.Enqueue(bare(list))
	}
	var out []store.Submitted
	for i := range list {
		s := &list[i]
		s.Graph = true // its number is known at once
		one, err := tx.Enqueue([]store.Submission{s.Submission})
		if err != nil {
			return nil, err
		}
		out = append(out, one[0])
		if one[0].Err != nil || one[0].Replayed {
			continue
		}
		if err := insertSegments(tx, one[0].Job.Workflow, s.segments); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// insertSegments stores the segments of a whole. What they run is of the version
// that the whole runs.
func insertSegments(tx store.Tx, w fleet.JobWorkflow, segments []segment) error {
	for i := range segments {
		s := segments[i]
		if s.body != nil {
			if err := tx.PutBody(s.hash, s.body); err != nil {
				return err
			}
		}
		s.Job.Workflow = w
		s.Job.Workflow.Hash = s.hash
		out, err := tx.Enqueue([]store.Submission{s.Submission})
		if err != nil {
			return err
		}
		if out[0].Err != nil {
			return out[0].Err
		}
	}
	return nil
}

// wholeOfID is the id of the whole of a segment, and of the job itself for any
// other. It is asked without locks, since it never changes.
func (j *Jobs) wholeOfID(ctx context.Context, p auth.Principal, id fleet.ID) (whole fleet.ID, err error) {
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		job, err := r.Job(id)
		whole = cmp.Or(job.Parent, job.ID)
		return err
	})
	return whole, err
}

// lockSegments takes the locks of the segments of a whole in the order in which
// their moves take them: theirs in order, and that of the whole last.
func lockSegments(tx store.Tx, whole fleet.ID) error {
	segments, err := tx.Segments(whole)
	if err != nil {
		return err
	}
	for i := range segments {
		if _, err := tx.Subject(segments[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// FollowWholes ends jobs all of whose segments have ended without their knowing.
// Only an orchestrator of a version that knows no segments leaves any behind.
func (j *Jobs) FollowWholes(ctx context.Context, s store.Scope) error {
	const page = 100
	var stale []store.WholeRef
	err := j.Store.View(ctx, s, func(r store.Reader) (err error) { stale, err = r.StaleWholes(page); return err })
	if err != nil {
		return err
	}
	var faults []error
	for _, w := range stale {
		err := j.Store.Update(ctx, s.In(w.Tenant), func(tx store.Tx) error {
			if err := lockSegments(tx, w.ID); err != nil {
				return err
			}
			return tx.FollowSegments(w.ID)
		})
		if err != nil && !lostRace(err) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// wholeAgain stores the job that repeats a whole, from its first segment on.
func (j *Jobs) wholeAgain(tx store.Tx, first *fleet.Job, spec fleet.JobSpec, variables []byte, by string) (fleet.Job, error) {
	old, err := tx.Segments(first.ID)
	if err != nil {
		return fleet.Job{}, err
	}
	if len(old) != first.Segments {
		return fleet.Job{}, fleet.Errorf(fleet.CodeConflict, "invalid_state", "Job %s is no longer kept with all of its %d segments.", first.ID, first.Segments).WithFix("Submit its workflow again.")
	}
	ids := family(j.IDs, len(old)+1)
	spec.ID = ids[len(old)]
	out, err := tx.Enqueue([]store.Submission{{
		Job: fleet.NewJob(spec, j.Now()), Data: fleet.JobData{Variables: variables}, Actor: by, Graph: true,
	}})
	if err != nil || out[0].Err != nil {
		return fleet.Job{}, firstOf(err, out)
	}
	for i := range old {
		s := fleet.Subject{Job: old[i]}.SegmentSpec(ids[i], spec.ID, by)
		s.RunTimeout = first.RunTimeout.Std()
		if i == 0 {
			data, err := tx.JobData(old[0].ID)
			if err != nil {
				return fleet.Job{}, err
			}
			if _, err := j.again(tx, &old[0], s, fleet.JobData{Variables: data.Variables}, by); err != nil {
				return fleet.Job{}, err
			}
			continue
		}
		s.DependsOn, s.FillInputs, s.WaitLimit = []fleet.ID{ids[i-1]}, true, old[i].WaitLimit.Std()
		part := segment{hash: old[i].Workflow.Hash, Submission: store.Submission{
			Job: fleet.NewJob(s, j.Now()), Data: fleet.JobData{Variables: fleet.Awaits(ids[i-1])}, Actor: by, Parents: s.DependsOn, Graph: true,
		}}
		if err := insertSegments(tx, old[i].Workflow, []segment{part}); err != nil {
			return fleet.Job{}, err
		}
	}
	return out[0].Job, nil
}

func firstOf(err error, out []store.Submitted) error {
	if err != nil {
		return err
	}
	return out[0].Err
}

// wholeOf is the job that is cancelled and retried as one: the whole of a
// segment, or the job itself.
func wholeOf(r store.Reader, job fleet.Job) (fleet.Job, error) {
	if job.Parent == "" {
		return job, nil
	}
	return r.Job(job.Parent)
}

// comesAfter lists what a job waits or waited for; a whole waits with its first
// segment.
func comesAfter(r store.Reader, job *fleet.Job) ([]fleet.ID, error) {
	if job.Segments == 0 {
		return r.Parents(job.ID)
	}
	segments, err := r.Segments(job.ID)
	if err != nil || len(segments) == 0 {
		return nil, err
	}
	return r.Parents(segments[0].ID)
}

// cancel asks for a job to be stopped, or for all segments of a whole: the last
// first, so that no end on the way releases any.
// changed is false where the same was asked before.
func (j *Jobs) cancel(tx store.Tx, id fleet.ID, r fleet.CancelRequest) (job fleet.Job, changed bool, err error) {
	sub, err := tx.Subject(id)
	if err != nil {
		return job, false, err
	}
	if sub.Job.Segments == 0 {
		m, err := sub.Cancel(r, j.Now())
		if err != nil || m == nil {
			return sub.Job, false, err
		}
		return m.Job, true, tx.Apply(m)
	}
	segments, err := tx.Segments(id)
	if err != nil {
		return sub.Job, false, err
	}
	for i := range segments { // from the last on
		_, one, err := j.cancel(tx, segments[len(segments)-1-i].ID, r)
		if err != nil {
			return sub.Job, false, err
		}
		changed = changed || one
	}
	job, err = tx.Job(id)
	return job, changed, err
}
