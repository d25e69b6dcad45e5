package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

var (
	robotSeen = stmt("robot.seen", `select `+robotColumns+robotFrom+`where ($1 or r.tenant_id = $2) and r.deleted_at is null
		and ($3 or m.last_seen >= $4) and `+within("r.environment", "$5")+` order by r.id, r.tenant_id`)
	robotHolds = stmt("robot.holds", `select a.job_id, a.outcome from attempts a
		where a.robot_id = $1 and a.tenant_id = $2 and a.slot_free_at is null`)
	attemptRunning = stmt("attempt.running", `select a.job_id, a.epoch, a.robot_id, j.environment, a.progress, a.current_node
		from attempts a join jobs j on j.id = a.job_id and j.tenant_id = a.tenant_id
		where a.outcome is null and ($1 or a.tenant_id = $2) and `+within("j.environment", "$3"))
)

func (r *reader) JobsOf(ids []fleet.ID) (out []fleet.Job, err error) {
	lists := make([][]any, len(ids))
	for i, id := range ids {
		lists[i] = []any{id, r.all(), r.tenant()}
	}
	err = r.conn.Each(jobGet, lists, func(_ int, row *Row) error {
		if j := scanShownJob(row); r.scope.Sees(j.Environment) {
			out = append(out, j)
		}
		return nil
	})
	return out, err
}

func (r *reader) RobotsOf(ids []fleet.RobotID) (out []fleet.Robot, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	lists := make([][]any, len(ids))
	for i, id := range ids {
		lists[i] = []any{id, false, tenant}
	}
	err = r.conn.Each(robotGet, lists, func(_ int, row *Row) error {
		if robot := scanRobot(row); r.scope.Sees(robot.Environment) {
			out = append(out, robot)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	lists = lists[:0]
	for i := range out {
		lists = append(lists, []any{out[i].ID, tenant})
	}
	return out, r.conn.Each(robotHolds, lists, func(i int, row *Row) error {
		job, live := str[fleet.ID](row), row.text() == ""
		if out[i].Taken++; live {
			out[i].CurrentJobIDs = append(out[i].CurrentJobIDs, job)
		}
		return nil
	})
}

func (r *reader) SeenSince(t time.Time) (out []fleet.Robot, err error) {
	err = r.conn.Query(robotSeen, func(row *Row) error {
		out = append(out, scanRobot(row))
		return nil
	}, r.all(), r.tenant(), t.IsZero(), t, r.scope.Bounds())
	if err != nil {
		return nil, err
	}
	return out, r.load(out)
}

func (r *reader) Running() (out []store.Running, err error) {
	err = r.conn.Query(attemptRunning, func(row *Row) error {
		out = append(out, store.Running{
			Ref: store.Ref{JobID: str[fleet.ID](row), Epoch: row.int64()}, RobotID: str[fleet.RobotID](row),
			Environment: row.text(), Progress: row.int(), Node: row.text(),
		})
		return nil
	}, r.all(), r.tenant(), r.scope.Bounds())
	return out, err
}
