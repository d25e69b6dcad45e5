package sqlstore

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// A list of jobs is a merge of sorted runs, one for each state asked for: every
// index begins with the state, so that no run looks at rows of another.

var (
	listOpen = stmt("job.list_open", `select j.id from jobs j where j.ended_at is null and j.tenant_id = $1 and j.state = $2
		and j.id < $3 and j.id >= $8 and ($4 = '' or j.workflow_id = $4) and ($5 = '' or j.robot_id = $5) and `+within("j.environment", "$7")+`
		order by j.id desc limit $6`)
	listFinal = stmt("job.list_final", `select j.id from jobs j where j.ended_at is not null and j.tenant_id = $1
		and j.state = $2 and j.id < $3 and j.id >= $6 and `+within("j.environment", "$5")+` order by j.id desc limit $4`)
	listWorkflow = stmt("job.list_workflow", `select j.id from jobs j where j.ended_at is not null and j.tenant_id = $1
		and j.workflow_id = $2 and j.state = $3 and j.id < $4 and j.id >= $7 and `+within("j.environment", "$6")+` order by j.id desc limit $5`)
	listRobot = stmt("job.list_robot", `select j.id from jobs j where j.ended_at is not null and j.tenant_id = $1
		and j.robot_id = $2 and j.state = $3 and j.id < $4 and j.id >= $8 and ($5 = '' or j.workflow_id = $5) and `+within("j.environment", "$7")+`
		order by j.id desc limit $6`)
	runTimes = stmt("job.run_times", `select started_at, ended_at from jobs where ended_at is not null and tenant_id = $1
		and workflow_id = $2 and state = 'completed' order by id desc limit $3`)
	listRetries = stmt("job.list_retries", `select j.id, j.state, j.workflow_id, j.robot_id from jobs j where j.retry_of = $1
		and j.tenant_id = $2 and j.id < $3 and `+within("j.environment", "$4")+` order by j.id desc`)
	listLongest = stmt("job.list_longest", `select j.id from jobs j where j.ended_at is null and j.tenant_id = $1 and j.state = 'running'
		and `+within("j.environment", "$3")+` order by j.started_at, j.id limit $2`)
	retriedAs = stmt("job.retried_as", `select j.id from jobs j where j.retry_of = $1 and ($2 or j.tenant_id = $3) order by j.id desc limit 1`)
)

// lastID sorts after every id.
const lastID = "~"

// pageBefore is the page and the id that its rows come before, for lists that go
// from the newest id down.
func pageBefore(p fleet.Page) (fleet.Page, string, error) {
	p, err := p.Normalize()
	if err != nil || p.Cursor == "" {
		return p, lastID, err
	}
	at, err := cursor(p.Cursor, 1)
	if err != nil {
		return p, "", err
	}
	return p, at[0], nil
}

func (r *reader) Jobs(f store.JobFilter, p fleet.Page) (store.JobPage, error) {
	var out store.JobPage
	p, before, err := pageBefore(p)
	if err != nil {
		return out, err
	}
	if !f.To.IsZero() {
		before = min(before, string(fleet.FirstID(f.To)))
	}
	part := p.Limit + 1
	if f.Keep != nil {
		part = fleet.PageMax
	}
	for looked := 0; ; {
		ids, err := r.newest(f, before, part)
		if err != nil {
			return out, err
		}
		more := len(ids) >= part
		if f.Keep == nil && more {
			ids = ids[:p.Limit]
		}
		jobs, err := r.shown(ids)
		if err != nil {
			return out, err
		}
		for i := range jobs {
			if f.Keep != nil && !f.Keep(&jobs[i]) {
				continue
			}
			if out.Jobs = append(out.Jobs, jobs[i]); len(out.Jobs) == p.Limit && (more || i < len(jobs)-1) {
				out.Next = makeCursor(string(jobs[i].ID))
				break
			}
		}
		looked += len(ids)
		if f.Keep == nil || !more || out.Next != "" {
			break
		}
		before = string(ids[len(ids)-1])
		if looked >= store.JobsLooked {
			out.Next, out.Looked = makeCursor(before), ids[len(ids)-1].Time()
			break
		}
	}
	out.Total, err = r.total(f)
	return out, err
}

// newest lists the newest jobs of a filter that come before one, newest first.
func (r *reader) newest(f store.JobFilter, before string, limit int) (out []fleet.ID, err error) {
	list, err := r.runs(f, before, limit)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b store.JobState) int { return strings.Compare(string(b.ID), string(a.ID)) })
	out = make([]fleet.ID, min(len(list), limit))
	for i := range out {
		out[i] = list[i].ID
	}
	return out, nil
}

// shown reads jobs as lists show them, in the order asked.
func (r *reader) shown(ids []fleet.ID) (out []fleet.Job, err error) {
	lists := make([][]any, len(ids))
	for i, id := range ids {
		lists[i] = []any{id, r.all(), r.tenant()}
	}
	out = make([]fleet.Job, 0, len(ids))
	err = r.conn.Each(jobGet, lists, func(_ int, row *Row) error {
		out = append(out, scanShownJob(row))
		return nil
	})
	return out, err
}

func (r *reader) JobIDs(f store.JobFilter, limit int) ([]store.JobState, error) {
	before := lastID
	if !f.To.IsZero() {
		before = string(fleet.FirstID(f.To))
	}
	return r.runs(f, before, limit)
}

// runs reads the sorted runs of a filter, one after the other.
func (r *reader) runs(f store.JobFilter, before string, limit int) (out []store.JobState, err error) {
	tenants, err := r.Tenants()
	if err != nil {
		return nil, err
	}
	states := f.States
	if len(states) == 0 {
		states = fleet.States()
	}
	robots, workflows := f.Robots, f.Workflows
	if len(robots) == 0 {
		robots = []fleet.RobotID{f.Robot}
	}
	if len(workflows) == 0 {
		workflows = []fleet.ID{f.Workflow}
	}
	for _, tenant := range tenants {
		for _, f.Robot = range robots {
			for _, f.Workflow = range workflows {
				if out, err = r.jobIDs(out, tenant, states, f, before, limit); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// jobIDs appends the newest ids of each wanted state.
func (r *reader) jobIDs(ids []store.JobState, tenant fleet.TenantID, states []fleet.State, f store.JobFilter, before string, limit int) ([]store.JobState, error) {
	from := ""
	if !f.From.IsZero() {
		from = string(fleet.FirstID(f.From))
	}
	if f.RetryOf != "" { // retries of one job are few
		err := r.conn.Query(listRetries, func(row *Row) error {
			id, state, workflow, robot := str[fleet.ID](row), str[fleet.State](row), str[fleet.ID](row), str[fleet.RobotID](row)
			if slices.Contains(states, state) && (f.Workflow == "" || f.Workflow == workflow) && (f.Robot == "" || f.Robot == robot) && string(id) >= from {
				ids = append(ids, store.JobState{ID: id, State: state})
			}
			return nil
		}, f.RetryOf, tenant, before, r.scope.Bounds())
		return ids, err
	}
	for _, state := range states {
		keep := func(row *Row) error {
			ids = append(ids, store.JobState{ID: str[fleet.ID](row), State: state})
			return nil
		}
		var err error
		switch {
		case !state.Final():
			err = r.conn.Query(listOpen, keep, tenant, state, before, f.Workflow, f.Robot, limit, r.scope.Bounds(), from)
		case f.Robot != "":
			err = r.conn.Query(listRobot, keep, tenant, f.Robot, state, before, f.Workflow, limit, r.scope.Bounds(), from)
		case f.Workflow != "":
			err = r.conn.Query(listWorkflow, keep, tenant, f.Workflow, state, before, limit, r.scope.Bounds(), from)
		default:
			err = r.conn.Query(listFinal, keep, tenant, state, before, limit, r.scope.Bounds(), from)
		}
		if err != nil {
			return ids, err
		}
	}
	return ids, nil
}

func (r *reader) LongestRunning(limit int) ([]fleet.Job, error) {
	tenants, err := r.Tenants()
	if err != nil {
		return nil, err
	}
	var ids []fleet.ID
	for _, tenant := range tenants {
		if err := r.conn.Query(listLongest, func(row *Row) error {
			ids = append(ids, str[fleet.ID](row))
			return nil
		}, tenant, limit, r.scope.Bounds()); err != nil {
			return nil, err
		}
	}
	jobs, err := r.shown(ids)
	slices.SortStableFunc(jobs, func(a, b fleet.Job) int { return a.StartedAt.Compare(b.StartedAt) })
	return jobs[:min(len(jobs), limit)], err
}

func (r *reader) RetriedAs(ids []fleet.ID) (map[fleet.ID]fleet.ID, error) {
	lists := make([][]any, len(ids))
	for i, id := range ids {
		lists[i] = []any{id, r.all(), r.tenant()}
	}
	out := map[fleet.ID]fleet.ID{}
	err := r.conn.Each(retriedAs, lists, func(i int, row *Row) error {
		out[ids[i]] = str[fleet.ID](row)
		return nil
	})
	return out, err
}

// total is known without counting when only states are asked for.
func (r *reader) total(f store.JobFilter) (int64, error) {
	if f.Robot != "" || f.Workflow != "" || f.RetryOf != "" || len(f.Robots)+len(f.Workflows) > 0 || f.Keep != nil ||
		!f.From.IsZero() || !f.To.IsZero() || r.scope.Bounds() != "" {
		return -1, nil
	}
	states := f.States
	if len(states) == 0 {
		states = fleet.States()
	}
	var n int64
	_, err := one(r.conn, countAll, func(row *Row) {
		for _, s := range stateOrder {
			if c := row.int64(); slices.Contains(states, s) {
				n += c
			}
		}
	}, r.all(), r.tenant())
	return n, err
}

// makeCursor packs the key of the last row of a page.
func makeCursor(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "\x00")))
}

// cursor unpacks n parts; an empty cursor is n empty ones.
func cursor(text string, n int) ([]string, error) {
	if text == "" {
		return make([]string, n), nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if parts := strings.Split(string(b), "\x00"); err == nil && len(parts) == n {
		return parts, nil
	}
	return nil, fleet.Invalid("cursor", "The cursor is not one that this list gave out.")
}

// RunTimes reads the times of the newest completed jobs.
func (r *reader) RunTimes(tenant fleet.TenantID, workflow fleet.ID, limit int) (out []time.Duration, err error) {
	if !r.scope.Covers(tenant) {
		return nil, nil
	}
	err = r.conn.Query(runTimes, func(row *Row) error {
		started := row.time()
		if took := row.time().Sub(started); !started.IsZero() && took >= 0 { // a clock may have been set back
			out = append(out, took)
		}
		return nil
	}, tenant, workflow, limit)
	return out, err
}
