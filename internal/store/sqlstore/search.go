package sqlstore

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// A beginning is a range: from itself up to itself with the last of all
// characters behind it. Names are compared by their bytes, which PostgreSQL has
// to be told.
var (
	findRobotID = stmt("search.robot_id", `select r.id, r.name, '' from robots r where r.tenant_id = $1 and r.id >= $2 and r.id < $3
		and r.deleted_at is null and `+within("r.environment", "$5")+` order by r.id limit $4`)
	findRobot = stmt("search.robot", `select r.id, r.name, '' from robots r where r.tenant_id = $1 and r.name collate "C" >= $2
		and r.name collate "C" < $3 and r.deleted_at is null and `+within("r.environment", "$5")+` order by r.name collate "C" limit $4`)
	findWorkflowID = stmt("search.workflow_id", `select id, name, '' from workflows where tenant_id = $1 and id >= $2 and id < $3
		and deleted_at is null order by id limit $4`)
	findWorkflow = stmt("search.workflow", `select id, name, '' from workflows where tenant_id = $1 and name >= $2 and name < $3
		and deleted_at is null order by name limit $4`)
	findScheduleID = stmt("search.schedule_id", `select id, name, '' from schedules where tenant_id = $1 and id >= $2 and id < $3
		and deleted_at is null order by id limit $4`)
	findSchedule = stmt("search.schedule", `select id, name, '' from schedules where tenant_id = $1 and name collate "C" >= $2
		and name collate "C" < $3 and deleted_at is null order by name collate "C", id limit $4`)
	findQueueID = stmt("search.queue_id", `select id, body from queues where tenant_id = $1 and id >= $2 and id < $3
		and deleted_at is null order by id limit $4`)
	findQueue = stmt("search.queue", `select id, body from queues where tenant_id = $1 and name_key >= $2 and name_key < $3
		and deleted_at is null order by name_key limit $4`)
	// A job of an id is looked for in each state, as every index of a tenant's jobs
	// begins with that.
	findJobOpen = stmt("search.job_open", `select j.id, j.name, j.workflow_name, j.state from jobs j where j.ended_at is null and j.tenant_id = $1
		and j.state = $6 and j.id >= $2 and j.id < $3 and `+within("j.environment", "$5")+` order by j.id desc limit $4`)
	findJobFinal = stmt("search.job_final", `select j.id, j.name, j.workflow_name, j.state from jobs j where j.ended_at is not null and j.tenant_id = $1
		and j.state = $6 and j.id >= $2 and j.id < $3 and `+within("j.environment", "$5")+` order by j.id desc limit $4`)
	findJob = stmt("search.job", `select j.id, j.name, j.workflow_name, j.state from jobs j where j.tenant_id = $1 and j.name collate "C" >= $2
		and j.name collate "C" < $3 and j.name <> '' and `+within("j.environment", "$5")+` order by j.name collate "C" desc, j.id desc limit $4`)
)

// lastChar comes after every character.
const lastChar = "\U0010ffff"

// The least of an id that says anything, and of how many workflows that are called
// so the newest jobs are found too, how many of each.
const (
	leastID       = 4
	jobsWorkflows = 2
	jobsOfEach    = 4
)

// Search finds things by the beginning of their names and ids.
func (r *reader) Search(kind fleet.FoundKind, text string, limit int) (out []fleet.Found, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	keep := func(f fleet.Found) {
		if !slices.ContainsFunc(out, func(x fleet.Found) bool { return x.ID == f.ID }) {
			f.Kind = kind
			out = append(out, f)
		}
	}
	named := func(row *Row) error {
		keep(fleet.Found{ID: row.text(), Name: row.text()})
		return nil
	}
	bounded := kind == fleet.FoundRobot || kind == fleet.FoundJob // by environments
	look := func(s *Stmt, from string, scan func(*Row) error, more ...any) {
		if err != nil || len(out) >= limit {
			return
		}
		args := []any{tenant, from, from + lastChar, limit}
		if bounded {
			args = append(args, r.scope.Bounds())
		}
		err = r.conn.Query(s, scan, append(args, more...)...)
	}
	id := strings.ToLower(text)
	isID := len(id) >= leastID && strings.Trim(id, "0123456789abcdef-") == ""
	switch kind {
	case fleet.FoundRobot, fleet.FoundWorkflow, fleet.FoundSchedule:
		s := map[fleet.FoundKind][2]*Stmt{
			fleet.FoundRobot: {findRobotID, findRobot}, fleet.FoundWorkflow: {findWorkflowID, findWorkflow}, fleet.FoundSchedule: {findScheduleID, findSchedule},
		}[kind]
		for _, form := range fleet.SearchForms(text) {
			look(s[1], form, named)
		}
		if kind == fleet.FoundRobot {
			look(s[0], text, named)
		}
		if kind == fleet.FoundRobot || isID {
			look(s[0], id, named)
		}
	case fleet.FoundQueue:
		queues := func(row *Row) error {
			var q fleet.Queue
			id := row.text()
			err := json.Unmarshal([]byte(row.text()), &q)
			keep(fleet.Found{ID: id, Name: q.Name})
			return err
		}
		look(findQueue, id, queues)
		if isID {
			look(findQueueID, id, queues)
		}
	case fleet.FoundJob:
		jobs := func(row *Row) error {
			f := fleet.Found{ID: row.text(), Name: row.text()}
			if workflow := row.text(); f.Name == "" {
				f.Name = workflow
			}
			f.State = str[fleet.State](row)
			keep(f)
			return nil
		}
		if isID {
			for _, state := range fleet.States() {
				if state.Final() {
					look(findJobFinal, id, jobs, state)
				} else {
					look(findJobOpen, id, jobs, state)
				}
			}
			slices.SortFunc(out, func(a, b fleet.Found) int { return strings.Compare(b.ID, a.ID) })
		}
		for _, form := range fleet.SearchForms(text) {
			look(findJob, form, jobs)
		}
		if err != nil || len(out) >= limit {
			break
		}
		var of []fleet.Found
		if of, err = r.Search(fleet.FoundWorkflow, text, jobsWorkflows); err != nil {
			break
		}
		for _, w := range of {
			page, err := r.Jobs(store.JobFilter{Workflow: fleet.ID(w.ID)}, fleet.Page{Limit: jobsOfEach})
			if err != nil {
				return nil, err
			}
			for i := range page.Jobs {
				j := &page.Jobs[i]
				keep(fleet.Found{ID: string(j.ID), Name: cmp.Or(j.Name, j.Workflow.Name), State: j.State})
			}
		}
	}
	return out[:min(len(out), limit)], err
}
