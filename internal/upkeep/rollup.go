package upkeep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Rollups counts jobs into buckets, so that nobody who asks for numbers looks at
// jobs. It follows the event log of each tenant: what it adds and how far it
// came are one commit, so each event is counted once, wherever it stops and
// however many do it at once.
type Rollups struct {
	Store  store.Store
	Now    func() time.Time
	Timing func(environment string) fleet.Timing
	Logger *slog.Logger
	Lead   Lead
	Every  time.Duration // default 2 s
	Step   int           // events of one transaction; default 500

	pruned time.Time
	minute time.Time // that was read last
}

// For how long buckets are kept: enough of the short ones for "today" in every
// zone, enough hours for a heat map of 90 days.
const (
	keepShort    = 3 * 24 * time.Hour
	keepHourly   = 100 * 24 * time.Hour
	keepDaily    = 800 * 24 * time.Hour
	keepReadings = 25 * time.Hour // readings of robots; a day and the hour that is under way
	keepRobots   = 90 * 24 * time.Hour

	rollupSteps = 200 // of one tenant before the next one has its turn
	pruneEvery  = 5 * time.Minute
)

// Run works until ctx ends.
func (r *Rollups) Run(ctx context.Context) {
	pause := r.Every
	if pause <= 0 {
		pause = 2 * time.Second
	}
	every(ctx, r.Logger, "rollups", 0, func() time.Duration { return pause }, nil, func(ctx context.Context) error {
		if _, ok := r.Lead.held(); !ok {
			return nil
		}
		_, err := r.RunOnce(ctx)
		return errors.Join(err, r.Read(ctx), r.prune(ctx))
	})
}

// RunOnce counts what there is to count, at most so much of each tenant that the
// others have their turn, and returns how many events that were.
func (r *Rollups) RunOnce(ctx context.Context) (n int, err error) {
	var heads []store.RollupHead
	err = r.Store.View(ctx, store.System("rollups"), func(rd store.Reader) (err error) {
		heads, err = rd.RollupHeads()
		return err
	})
	if err != nil {
		return 0, err
	}
	var faults []error // of single tenants, which stop none of the others
	for _, h := range heads {
		for range rollupSteps {
			next, err := r.step(ctx, h)
			if err != nil {
				faults = append(faults, fmt.Errorf("count the jobs of tenant %s: %w", h.Tenant, err))
				break
			}
			n += int(next.Seq - h.Seq)
			if h = next; h.Seq >= h.Head {
				break
			}
		}
	}
	return n, errors.Join(faults...)
}

// step counts some events after a head and returns where it stands then. If
// somebody else was faster, that is the end of the log: there is no need to race.
func (r *Rollups) step(ctx context.Context, h store.RollupHead) (store.RollupHead, error) {
	limit := r.Step
	if limit <= 0 {
		limit = 500
	}
	scope := store.System("rollups").In(h.Tenant)
	rows := fleet.Rollup{}
	seq, at := h.Head, h.At // where the log has a hole at its end, it is passed
	err := r.Store.View(ctx, scope, func(rd store.Reader) error {
		clear(rows)
		list, err := rd.Events(store.EventFilter{After: h.Seq, Limit: limit})
		if err != nil || len(list) == 0 {
			return err
		}
		seq, at = list[len(list)-1].Seq, list[len(list)-1].At
		return countEvents(rd, list, rows)
	})
	if err != nil {
		return h, err
	}
	added := false
	err = r.Store.Update(ctx, scope, func(tx store.Tx) (err error) {
		added, err = tx.AddRollups(h, seq, at, rows)
		return err
	})
	if !added {
		h.Head = h.Seq
		return h, err
	}
	h.Seq, h.At = seq, at
	return h, err
}

// countEvents adds what events tell of jobs.
func countEvents(rd store.Reader, list []fleet.Event, rows fleet.Rollup) error {
	var ids []fleet.ID
	for i := range list {
		e := &list[i]
		if e.Subject.Kind == fleet.SubjectJob && (e.Kind == fleet.EventJobSubmitted || e.To.Final()) {
			ids = append(ids, fleet.ID(e.Subject.ID))
		}
	}
	slices.Sort(ids)
	facts, err := rd.JobFacts(slices.Compact(ids))
	if err != nil {
		return err
	}
	for i := range list {
		e := &list[i]
		countRobot(e, rows)
		f, found := facts[fleet.ID(e.Subject.ID)]
		if !found || e.Subject.Kind != fleet.SubjectJob {
			continue // of something else, or the job is not kept any more
		}
		if e.Kind == fleet.EventJobSubmitted {
			rows.Created(&f.Job)
		}
		if e.To.Final() {
			rows.Ended(&f)
		}
	}
	return nil
}

// countRobot adds what an event tells of a robot.
func countRobot(e *fleet.Event, rows fleet.Rollup) {
	switch e.Kind { //nolint:exhaustive // the others tell nothing of the kind
	case fleet.EventRobotDisconnected:
		rows.Disconnected(e.At, fleet.RobotID(e.Subject.ID))
	case fleet.EventJobRequeued:
		var d struct {
			Robot fleet.RobotID `json:"previous_robot_id"`
			Lost  int           `json:"lost"`
		}
		if json.Unmarshal(e.Data, &d) == nil && d.Robot != "" && d.Lost > 0 {
			rows.Lost(e.At, d.Robot)
		}
	}
}

// Read notes once a minute how the robots are and how much waits, also in each queue. Who comes
// second in a minute adds nothing.
func (r *Rollups) Read(ctx context.Context) error {
	now := r.Now()
	minute := now.Truncate(time.Minute).UTC()
	if minute.Equal(r.minute) {
		return nil
	}
	var tenants []fleet.TenantID
	if err := r.Store.View(ctx, store.System("readings"), func(rd store.Reader) (err error) {
		tenants, err = rd.Tenants()
		return err
	}); err != nil {
		return err
	}
	var faults []error
	for _, tenant := range tenants {
		if err := r.read(ctx, tenant, minute, now); err != nil {
			faults = append(faults, fmt.Errorf("read the robots of tenant %s: %w", tenant, err))
		}
	}
	if len(faults) == 0 {
		r.minute = minute
	}
	return errors.Join(faults...)
}

// readingsPage is how many robots one transaction notes.
const readingsPage = 250

func (r *Rollups) read(ctx context.Context, tenant fleet.TenantID, minute, now time.Time) error {
	scope := store.System("readings").In(tenant)
	readings := map[fleet.RobotID]fleet.RobotMinute{}
	all := fleet.Tally{Samples: 1}
	var queues []store.QueueHead
	due := false
	err := r.Store.View(ctx, scope, func(rd store.Reader) error {
		head, err := rd.RollupHead()
		if due = err == nil && head.Sampled.Before(minute); !due {
			return err
		}
		counts, err := rd.Counts()
		if err != nil {
			return err
		}
		if queues, err = openQueues(rd); err != nil {
			return err
		}
		all.PendingSum, all.PendingMax = counts[fleet.Pending], counts[fleet.Pending]
		page := fleet.Page{Limit: fleet.PageMax}
		for {
			list, err := rd.Robots(store.RobotFilter{Connected: true}, page)
			if err != nil {
				return err
			}
			for i := range list.Robots {
				robot := &list.Robots[i]
				robot.Derive(r.Timing(robot.Environment), now)
				if robot.Status != fleet.RobotOffline {
					all.OnlineSum++
					readings[robot.ID] = reading(robot)
				}
			}
			if page.Cursor = list.Next; page.Cursor == "" {
				return nil
			}
		}
	})
	if err != nil || !due {
		return err
	}
	rows := fleet.Rollup{}
	cpu := 0.0
	for id, m := range readings {
		cpu += m.CPU
		capacity := int64(m.Slots) * time.Minute.Milliseconds()
		rows.Reading(minute, id, capacity)
		all.CapacityMS += capacity
	}
	rows.Fleet(minute, all)
	if len(readings) > 0 {
		rows.Machines(minute, len(readings), cpu)
	}
	for _, q := range queues {
		rows.Queue(minute, q.Queue, q.New)
	}
	added := false
	err = r.Store.Update(ctx, scope, func(tx store.Tx) (err error) {
		added, err = tx.AddReadings(tenant, minute, rows)
		return err
	})
	if err != nil || !added {
		return err
	}
	for part := range parts(readings, readingsPage) {
		if err := r.Store.Update(ctx, scope, func(tx store.Tx) error { return tx.AddRobotMinutes(tenant, minute, part) }); err != nil {
			return err
		}
	}
	return nil
}

// openQueues are the heads of the queues that are there.
func openQueues(rd store.Reader) ([]store.QueueHead, error) {
	list, err := rd.Queues()
	if err != nil || len(list) == 0 {
		return nil, err
	}
	there := make(map[fleet.ID]bool, len(list))
	for k := range list {
		there[list[k].ID] = true
	}
	heads, err := rd.QueueHeads()
	return slices.DeleteFunc(heads, func(h store.QueueHead) bool { return !there[h.Queue] }), err
}

// reading is a robot as a minute keeps it. One that takes no work has no slot in
// service.
func reading(robot *fleet.Robot) fleet.RobotMinute {
	m := fleet.RobotMinute{
		CPU: robot.Metrics.CPUPercent, Memory: robot.Metrics.MemoryPercent, MemoryMB: robot.Metrics.MemoryMB, Disk: robot.Metrics.DiskPercent,
		Taken: robot.Taken,
	}
	if robot.Status == fleet.RobotOnline || robot.Status == fleet.RobotBusy {
		m.Slots = max(robot.Max(), robot.Taken)
	} else {
		m.Slots = robot.Taken
	}
	return m
}

// parts cuts a map into maps of at most n.
func parts[K comparable, V any](m map[K]V, n int) func(yield func(map[K]V) bool) {
	return func(yield func(map[K]V) bool) {
		part := map[K]V{}
		for k, v := range m {
			part[k] = v
			if len(part) == n {
				if !yield(part) {
					return
				}
				part = map[K]V{}
			}
		}
		if len(part) > 0 {
			yield(part)
		}
	}
}

// prune takes away, in small steps, what is older than it is kept.
func (r *Rollups) prune(ctx context.Context) error {
	now := r.Now()
	if !r.pruned.IsZero() && now.Sub(r.pruned) < pruneEvery && now.After(r.pruned) {
		return nil
	}
	r.pruned = now
	return r.Prune(ctx, now)
}

// Prune takes away what is older than it is kept.
func (r *Rollups) Prune(ctx context.Context, now time.Time) error {
	const step = 500
	takes := []func(tx store.Tx) (int, error){
		func(tx store.Tx) (int, error) { return tx.PruneRollups(fleet.SpanShort, now.Add(-keepShort), step) },
		func(tx store.Tx) (int, error) { return tx.PruneRollups(fleet.SpanHour, now.Add(-keepHourly), step) },
		func(tx store.Tx) (int, error) { return tx.PruneRollups(fleet.SpanDay, now.Add(-keepDaily), step) },
		func(tx store.Tx) (int, error) {
			return tx.PruneRobotHours(now.Add(-keepRobots), now.Add(-keepReadings), step)
		},
	}
	for _, take := range takes {
		for n := step; n >= step; {
			err := r.Store.Update(ctx, store.System("rollups"), func(tx store.Tx) (err error) {
				n, err = take(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
