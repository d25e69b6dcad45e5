package sqlstore

import (
	"sync"

	"github.com/casarerpa/fleet/fleet"
)

// A lane is a class of ready jobs that the same robots can take. Its row is
// made once and stays; jobs.lane_id points to it while the job is ready, and
// the row counts them.

// laneKey is what makes two jobs of one lane.
type laneKey struct {
	tenant      fleet.TenantID
	environment string
	requires    string
	target      fleet.RobotID
	class       string // of the rest of its placement
}

type laneDelta struct{ id, n int64 }

type fresh struct {
	key laneKey
	id  int64
}

// LaneCache remembers the ids of committed lanes. Lanes are never deleted, so
// it is never wrong. Safe for concurrent use.
type LaneCache struct {
	mu  sync.RWMutex
	ids map[laneKey]int64
}

// NewLaneCache returns an empty cache; one per database.
func NewLaneCache() *LaneCache { return &LaneCache{ids: map[laneKey]int64{}} }

func (c *LaneCache) get(k laneKey) (int64, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	id, ok := c.ids[k]
	return id, ok
}

func (c *LaneCache) put(k laneKey, id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids[k] = id
}

var (
	laneFind = stmt("lane.find", `select id from lanes
		where tenant_id = $1 and environment = $2 and requires = $3 and target_robot_id = $4 and class = $5`)
	laneInsert = stmt("lane.insert", `insert into lanes (tenant_id, environment, requires, target_robot_id, class, placement, waiting)
		values ($1, $2, $3, $4, $5, $6, 0) on conflict (tenant_id, environment, requires, target_robot_id, class)
		do update set waiting = lanes.waiting returning id`)
	laneCount = stmt("lane.count", `update lanes set waiting = waiting + $2 where id = $1 /* tenant_id: lanes.id is ours */`)
)

// lane finds or makes the lane of a job.
func (t *Tx) lane(j *fleet.Job) (int64, error) {
	text := j.Placement.Demands().Text()
	k := laneKey{j.Tenant, j.Environment, j.Requires.Key(), j.Target, fleet.PlacementClass(text)}
	if id, ok := t.batch.env.Lanes.get(k); ok {
		return id, nil
	}
	for _, list := range [][]fresh{t.batch.fresh, t.fresh} {
		for _, f := range list {
			if f.key == k {
				return f.id, nil
			}
		}
	}
	var id int64
	found, err := one(t.conn, laneFind, func(r *Row) { id = r.int64() }, k.tenant, k.environment, k.requires, k.target, k.class)
	if err == nil && !found {
		_, err = one(t.conn, laneInsert, func(r *Row) { id = r.int64() }, k.tenant, k.environment, k.requires, k.target,
			k.class, text)
	}
	if err != nil {
		return 0, err
	}
	t.fresh = append(t.fresh, fresh{k, id})
	return id, nil
}

// waits says whether placement may look at the job: it has a lane then.
func waits(j *fleet.Job) bool {
	return j.State == fleet.Pending && (j.WaitingOn == fleet.WaitingRobot || j.WaitingOn == fleet.WaitingReservation)
}

func addLane(list []laneDelta, d laneDelta) []laneDelta {
	for i := range list {
		if list[i].id == d.id {
			list[i].n += d.n
			return list
		}
	}
	return append(list, d)
}
