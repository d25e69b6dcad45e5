package sqlstore

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// A job that waits for others is released, held or ended in the transaction in
// which the parent that decides ends. Whoever adds a child locks its parents
// first, so that an end is either seen by the child or sees it.
var (
	parentState  = stmt("job.parent", `select state, children, coalesce(parent_id, ''), environment from jobs where id = $1 and tenant_id = $2`)
	parentInsert = stmt("job_parent.insert", `insert into job_parents (child_id, parent_id, tenant_id, position) values ($1, $2, $3, $4)`)
	parentCount  = stmt("job.child_added", `update jobs set children = children + 1 where id = $1 and tenant_id = $2`)
	parentStates = stmt("job_parent.states", `select p.state, count(*) from job_parents d join jobs p on p.id = d.parent_id
		where d.child_id = $1 and d.tenant_id = $2 group by p.state`)
	parentList = stmt("job_parent.list", `select parent_id from job_parents where child_id = $1 and ($2 or tenant_id = $3) order by position`)
	childList  = stmt("job_parent.children", `select child_id from job_parents where parent_id = $1 and ($2 or tenant_id = $3)
		and child_id > $4 order by child_id limit $5`)
	parentMove  = stmt("job_parent.move", `update job_parents set parent_id = $3 where child_id = $1 and parent_id = $2 and tenant_id = $4`)
	parentsLeft = stmt("job.deps_open", `update jobs set deps_open = $3 where id = $1 and tenant_id = $2`)
	inputsPut   = stmt("job_data.inputs", `update job_data set variables = $3 where job_id = $1 and tenant_id = $2`)
	pruneLinks  = stmt("job_parent.prune", `delete from job_parents where child_id = $1 and tenant_id = $2`)
)

// lockParents makes sure that the jobs are there which a new one is to wait for,
// and that none of them ends unseen from here on. It returns one that has ended
// already; empty if none has. They are locked in one order, whatever that of
// the request, so that two who add children do not wait for each other.
func (t *Tx) lockParents(j *fleet.Job, parents []fleet.ID, most int) (ended fleet.ID, err error) {
	for _, id := range slices.Sorted(slices.Values(parents)) {
		var state fleet.State
		var whole fleet.ID
		var environment string
		children := 0
		found, err := one(t.conn, parentState, func(r *Row) {
			state, children, whole, environment = str[fleet.State](r), r.int(), str[fleet.ID](r), r.text()
		}, id, j.Tenant)
		if err != nil {
			return "", err
		}
		if !found || !t.scope.Sees(environment) {
			return "", fleet.Errorf(fleet.CodeInvalid, "dependency_unknown", "There is no job %s to wait for.", id)
		}
		if whole != j.Parent && whole != "" {
			return "", fleet.Errorf(fleet.CodeInvalid, "segment_of_job", "Job %s is a segment of job %s.", id, whole).WithFix("Wait for job " + string(whole) + ".")
		}
		if most > 0 && children >= most {
			return "", fleet.Errorf(fleet.CodeInvalid, "too_many_children", "At most %d jobs may wait for one; %d wait or waited for job %s.", most, children, id).
				WithFix("Let some of them wait for others instead, or raise limit-children.")
		}
		if state.Final() {
			ended = id
		}
	}
	return ended, nil
}

// adopt ties a job that was just inserted to its parents. What one that has
// ended did counts at once.
func (t *Tx) adopt(j *fleet.Job, parents []fleet.ID, ended fleet.ID) error {
	for i, id := range parents {
		t.touch(id)
		if _, err := t.conn.Exec(parentCount, id, j.Tenant); err != nil {
			return err
		}
		if _, err := t.conn.Exec(parentInsert, j.ID, id, j.Tenant, i); err != nil {
			return err
		}
	}
	if ended == "" {
		return nil
	}
	return t.afterParent(j.ID, ended)
}

// parentEnded tells the jobs that wait for one that has ended.
func (t *Tx) parentEnded(j *fleet.Job) error {
	const page = 500
	for after, n := fleet.ID(""), page; n == page; {
		children, err := t.children(j.ID, after, page)
		if err != nil {
			return err
		}
		for _, id := range children {
			if err := t.afterParent(id, j.ID); err != nil {
				return err
			}
			after = id
		}
		n = len(children)
	}
	return nil
}

func (t *Tx) afterParent(child, parent fleet.ID) error {
	s, err := t.Subject(child)
	if errors.Is(err, fleet.ErrNotFound) {
		return nil
	}
	if err != nil || s.Job.State != fleet.Pending || (s.Job.WaitingOn != fleet.WaitingDependencies && s.Job.WaitingOn != fleet.WaitingHold) {
		return err
	}
	end := fleet.ParentEnd{Parent: parent}
	err = t.conn.Query(parentStates, func(r *Row) error {
		end.Parents.Add(str[fleet.State](r), r.int())
		return nil
	}, child, s.Job.Tenant)
	if err != nil {
		return err
	}
	if _, err := one(t.conn, parentState, func(r *Row) { end.State = str[fleet.State](r) }, parent, s.Job.Tenant); err != nil {
		return err
	}
	if met, _ := s.Job.Rule.Judge(end.Parents); met && s.Job.Segment > 1 {
		if err := t.handOver(&end); err != nil {
			return err
		}
	} else if met && s.Job.FillInputs {
		if err := t.fill(child, &end); err != nil {
			return err
		}
	}
	m, err := s.AfterParent(end, t.batch.now)
	if err != nil {
		return err
	}
	if m == nil { // nothing is decided, and there is one less to wait for
		t.touch(child)
		_, err = t.conn.Exec(parentsLeft, child, s.Job.Tenant, end.Parents.Open)
		return err
	}
	return t.Apply(m)
}

// fill takes the job's inputs from its parents' results.
func (t *Tx) fill(child fleet.ID, end *fleet.ParentEnd) error {
	d, err := t.JobData(child)
	if err != nil {
		return err
	}
	end.Variables, end.BadInput, err = fleet.FillInputs(d.Variables, func(id fleet.ID) (json.RawMessage, error) {
		parent, err := t.JobData(id)
		return parent.Result, err
	})
	return err
}

func (r *reader) children(parent, after fleet.ID, limit int) (out []fleet.ID, err error) {
	err = r.conn.Query(childList, func(row *Row) error { out = append(out, str[fleet.ID](row)); return nil },
		parent, r.all(), r.tenant(), after, limit)
	return out, err
}

// Parents lists what a job waits or waited for, in the order of its request.
func (r *reader) Parents(child fleet.ID) (out []fleet.ID, err error) {
	err = r.conn.Query(parentList, func(row *Row) error { out = append(out, str[fleet.ID](row)); return nil }, child, r.all(), r.tenant())
	return out, err
}

// Children lists the jobs that wait or waited for a job.
func (r *reader) Children(parent fleet.ID) ([]fleet.ID, error) {
	return r.children(parent, "", fleet.MaxGraph)
}

// MoveChild lets a job that is held wait for another parent: the one that
// repeats the first.
func (t *Tx) MoveChild(child, from, to fleet.ID) error {
	s, err := t.Subject(child)
	if err != nil {
		return err
	}
	t.touch(to)
	if _, err := t.conn.Exec(parentCount, to, s.Job.Tenant); err != nil {
		return err
	}
	if _, err := t.conn.Exec(parentMove, child, from, to, s.Job.Tenant); err != nil {
		return err
	}
	if s.Job.FillInputs { // what it took from the first, it takes from the other
		d, err := t.JobData(child)
		if err != nil {
			return err
		}
		d.Variables, err = fleet.RenameInputs(d.Variables, func(ref string) (fleet.ID, bool) { return to, ref == string(from) })
		if err != nil {
			return err
		}
		if _, err := t.conn.Exec(inputsPut, child, s.Job.Tenant, []byte(d.Variables)); err != nil {
			return err
		}
	}
	return t.afterParent(child, to)
}

var _ store.DependencyReader = (*reader)(nil)
