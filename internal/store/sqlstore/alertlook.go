package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

var (
	// laneOldest looks at the first of each priority, as the index of placement has
	// them: of those without a deadline that is the one that is ready for the
	// longest.
	laneOldest = stmt("lane.oldest", `with recursive p (n) as (select 0 union all select n + 1 from p where n < 20)
		select l.id, l.waiting, (select j.id from jobs j where j.lane_id = l.id and j.priority = p.n
			order by (j.deadline is null), j.deadline, j.available_at, j.seq limit 1),
			(select j.id from jobs j where j.lane_id = l.id and j.priority = p.n and (j.deadline is null) = (p.n >= 0)
			order by j.deadline, j.available_at, j.seq limit 1)
		from lanes l cross join p where l.waiting > 0 and ($1 or l.tenant_id || '' = $2)`)
	laneJob = stmt("lane.job", `select j.tenant_id, j.id, j.name, j.environment, coalesce(j.waiting_on, ''), j.available_at from jobs j where j.id = $1
		and ($2 or j.tenant_id = $3) and j.available_at <= $4`)

	attemptWorking = stmt("attempt.working", `select a.tenant_id, j.id, j.name, j.workflow_id, j.environment, a.epoch, a.robot_id, a.progress, a.current_node, a.message
		from attempts a join jobs j on j.id = a.job_id where a.outcome is null and a.started_at is not null and ($1 or a.tenant_id || '' = $2)`)
)

// LongestWaiting lists for each class the job that has waited for the longest.
func (r *reader) LongestWaiting(before time.Time) (out []store.WaitingJob, err error) {
	type lane struct {
		waiting int64
		heads   []fleet.ID
	}
	lanes := map[int64]*lane{}
	var order []int64
	err = r.conn.Query(laneOldest, func(row *Row) error {
		id, waiting, first, free := row.int64(), row.int64(), str[fleet.ID](row), str[fleet.ID](row)
		if lanes[id] == nil {
			lanes[id] = &lane{waiting: waiting}
			order = append(order, id)
		}
		for _, head := range []fleet.ID{first, free} {
			if head != "" && (head != first || len(lanes[id].heads) == 0 || lanes[id].heads[len(lanes[id].heads)-1] != head) {
				lanes[id].heads = append(lanes[id].heads, head)
			}
		}
		return nil
	}, r.all(), r.tenant())
	if err != nil {
		return nil, err
	}
	for _, id := range order {
		var oldest store.WaitingJob
		for _, head := range lanes[id].heads {
			_, err := one(r.conn, laneJob, func(row *Row) {
				j := store.WaitingJob{
					Tenant: str[fleet.TenantID](row), JobID: str[fleet.ID](row), Name: row.text(), Environment: row.text(), On: str[fleet.WaitingOn](row), Since: row.time(),
					Waiting: lanes[id].waiting,
				}
				if oldest.JobID == "" || j.Since.Before(oldest.Since) {
					oldest = j
				}
			}, head, r.all(), r.tenant(), Stored(before))
			if err != nil {
				return nil, err
			}
		}
		if oldest.JobID != "" {
			out = append(out, oldest)
		}
	}
	return out, nil
}

// Working lists the attempts that run.
func (r *reader) Working() (out []store.WorkingJob, err error) {
	err = r.conn.Query(attemptWorking, func(row *Row) error {
		out = append(out, store.WorkingJob{
			Tenant: str[fleet.TenantID](row), JobID: str[fleet.ID](row), Name: row.text(), Workflow: str[fleet.ID](row), Environment: row.text(), Epoch: row.int64(),
			RobotID: str[fleet.RobotID](row), Progress: row.int(), Node: row.text(), Message: row.text(),
		})
		return nil
	}, r.all(), r.tenant())
	return out, err
}
