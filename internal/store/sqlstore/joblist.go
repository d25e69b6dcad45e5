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
		and j.id < $3 and ($4 = '' or j.workflow_id = $4) and ($5 = '' or j.robot_id = $5) and `+within("j.environment", "$7")+`
		order by j.id desc limit $6`)
	listFinal = stmt("job.list_final", `select j.id from jobs j where j.ended_at is not null and j.tenant_id = $1
		and j.state = $2 and j.id < $3 and `+within("j.environment", "$5")+` order by j.id desc limit $4`)
	listWorkflow = stmt("job.list_workflow", `select j.id from jobs j where j.ended_at is not null and j.tenant_id = $1
		and j.workflow_id = $2 and j.state = $3 and j.id < $4 and `+within("j.environment", "$6")+` order by j.id desc limit $5`)
	listRobot = stmt("job.list_robot", `select j.id from jobs j where j.ended_at is not null and j.tenant_id = $1
		and j.robot_id = $2 and j.state = $3 and j.id < $4 and ($5 = '' or j.workflow_id = $5) and `+within("j.environment", "$7")+`
		order by j.id desc limit $6`)
	runTimes = stmt("job.run_times", `select started_at, ended_at from jobs where ended_at is not null and tenant_id = $1
		and workflow_id = $2 and state = 'completed' order by id desc limit $3`)
	listRetries = stmt("job.list_retries", `select j.id, j.state, j.workflow_id, j.robot_id from jobs j where j.retry_of = $1
		and j.tenant_id = $2 and j.id < $3 and `+within("j.environment", "$4")+` order by j.id desc`)
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
	tenants, err := r.Tenants()
	if err != nil {
		return out, err
	}
	states := f.States
	if len(states) == 0 {
		states = fleet.States()
	}
	var ids []string
	for _, tenant := range tenants {
		if ids, err = r.jobIDs(ids, tenant, states, f, before, p.Limit+1); err != nil {
			return out, err
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
	if len(ids) > p.Limit {
		ids = ids[:p.Limit]
		out.Next = makeCursor(ids[p.Limit-1])
	}
	lists := make([][]any, len(ids))
	for i, id := range ids {
		lists[i] = []any{id, r.all(), r.tenant()}
	}
	if err := r.conn.Each(jobGet, lists, func(_ int, row *Row) error {
		out.Jobs = append(out.Jobs, scanShownJob(row))
		return nil
	}); err != nil {
		return out, err
	}
	out.Total, err = r.total(f, states)
	return out, err
}

// jobIDs appends the newest ids of each wanted state.
func (r *reader) jobIDs(ids []string, tenant fleet.TenantID, states []fleet.State, f store.JobFilter, before string, limit int) ([]string, error) {
	keep := func(row *Row) error {
		ids = append(ids, row.text())
		return nil
	}
	if f.RetryOf != "" { // retries of one job are few
		err := r.conn.Query(listRetries, func(row *Row) error {
			id, state, workflow, robot := row.text(), str[fleet.State](row), str[fleet.ID](row), str[fleet.RobotID](row)
			if slices.Contains(states, state) && (f.Workflow == "" || f.Workflow == workflow) && (f.Robot == "" || f.Robot == robot) {
				ids = append(ids, id)
			}
			return nil
		}, f.RetryOf, tenant, before, r.scope.Bounds())
		return ids, err
	}
	for _, state := range states {
		var err error
		switch {
		case !state.Final():
			err = r.conn.Query(listOpen, keep, tenant, state, before, f.Workflow, f.Robot, limit, r.scope.Bounds())
		case f.Robot != "":
			err = r.conn.Query(listRobot, keep, tenant, f.Robot, state, before, f.Workflow, limit, r.scope.Bounds())
		case f.Workflow != "":
			err = r.conn.Query(listWorkflow, keep, tenant, f.Workflow, state, before, limit, r.scope.Bounds())
		default:
			err = r.conn.Query(listFinal, keep, tenant, state, before, limit, r.scope.Bounds())
		}
		if err != nil {
			return ids, err
		}
	}
	return ids, nil
}

// total is known without counting when only states are asked for.
func (r *reader) total(f store.JobFilter, states []fleet.State) (int64, error) {
	if f.Robot != "" || f.Workflow != "" || f.RetryOf != "" || r.scope.Bounds() != "" {
		return -1, nil
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
