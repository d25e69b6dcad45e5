package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Look looks at how things stand: for how long jobs wait, how many fail, how robots
// do and whether jobs get on. It is called once a minute, and costs by the classes
// of jobs that wait, the workflows that ran, the robots that are connected and the
// attempts that run.
func (a *Alerts) Look(ctx context.Context, s store.Scope) error {
	var tenants []fleet.TenantID
	if err := a.Store.View(ctx, s, func(r store.Reader) (err error) { tenants, err = r.Tenants(); return err }); err != nil {
		return err
	}
	now := a.Now()
	all, err := readFleetNow(ctx, a.Store, s, now)
	var faults []error
	if err != nil {
		faults = append(faults, fmt.Errorf("look at what waits and runs: %w", err))
	}
	for _, t := range tenants {
		if err := a.look(ctx, s.In(t), t, &all, now); err != nil {
			faults = append(faults, fmt.Errorf("look for alerts of tenant %s: %w", t, err))
		}
	}
	return errors.Join(faults...)
}

// fleetNow is what waits and what runs, of all tenants: it is read once for all of
// them, since each would have to pass the jobs of the others.
type fleetNow struct {
	waiting map[fleet.TenantID][]store.WaitingJob
	working map[fleet.TenantID][]store.WorkingJob
}

func readFleetNow(ctx context.Context, db store.Store, s store.Scope, now time.Time) (out fleetNow, err error) {
	err = db.View(ctx, s, func(r store.Reader) error {
		out = fleetNow{map[fleet.TenantID][]store.WaitingJob{}, map[fleet.TenantID][]store.WorkingJob{}}
		waiting, err := r.LongestWaiting(now.Add(-fleet.AlertSampleEvery))
		for i := range waiting {
			out.waiting[waiting[i].Tenant] = append(out.waiting[waiting[i].Tenant], waiting[i])
		}
		working, fault := r.Working()
		for i := range working {
			out.working[working[i].Tenant] = append(out.working[working[i].Tenant], working[i])
		}
		return errors.Join(err, fault)
	})
	return out, err
}

func (a *Alerts) look(ctx context.Context, s store.Scope, tenant fleet.TenantID, all *fleetNow, now time.Time) error {
	var set alertSet
	if err := a.Store.View(ctx, s, func(r store.Reader) (err error) { set, err = readAlerts(r, tenant); return err }); err != nil {
		return err
	}
	var faults []error // of single kinds, which stop none of the others
	var list []fleet.Sighting
	if set.wants(fleet.AlertJobWaiting) {
		list = append(list, waitingLong(all.waiting[tenant], now)...)
	}
	if set.wants(fleet.AlertJobStalled) {
		list = append(list, a.stalls.look(all.working[tenant], now)...)
	}
	if set.wants(fleet.AlertFailureRate) {
		var seen []fleet.Sighting
		faults = append(faults, a.Store.View(ctx, s, func(r store.Reader) (err error) { seen, err = failingMuch(r, &set, now); return err }))
		list = append(list, seen...)
	}
	if set.wants(fleet.AlertRobotHealth) {
		seen, err := a.unwell(ctx, s, now)
		faults = append(faults, err)
		list = append(list, seen...)
	}
	found := set.match(list)
	if len(found) == 0 {
		return errors.Join(faults...)
	}
	err := a.Store.Update(ctx, s, func(tx store.Tx) error {
		if err := tx.LockAlerts(tenant); err != nil {
			return err
		}
		return a.seeAll(tx, &set, found)
	})
	return errors.Join(append(faults, err)...)
}

// waitingLong finds the jobs that wait for a robot since a minute or more. How long
// is too long, the rule says: it begins to count when the job began to wait.
func waitingLong(list []store.WaitingJob, now time.Time) (out []fleet.Sighting) {
	for _, w := range list {
		out = append(out, fleet.Sighting{
			Kind: fleet.AlertJobWaiting, Cause: w.Environment + " " + string(w.On), Count: w.Waiting, Level: true, At: now, Began: w.Since,
			Title:   fmt.Sprintf("Jobs of the environment %s wait for a %s; %s does for the longest.", w.Environment, w.On, w.Name),
			Subject: fleet.EventSubject{Kind: fleet.SubjectJob, ID: string(w.JobID)}, Of: fleet.AlertThing{Environment: w.Environment},
			Data: map[string]any{"job_id": w.JobID, "waiting_since": w.Since.UTC()},
		})
	}
	return out
}

// failingMuch finds the workflows of which too many jobs fail, as rules see it.
func failingMuch(r store.Reader, set *alertSet, now time.Time) (out []fleet.Sighting, err error) {
	for i := range set.rules {
		rule := &set.rules[i]
		if rule.Kind != fleet.AlertFailureRate || !rule.Enabled {
			continue
		}
		parts, _ := cover(now.Add(-time.Duration(rule.Params.WindowSeconds)*time.Second), now, now, 0)
		sums, err := sumsOf(r, parts, fleet.DimWorkflow)
		if err != nil {
			return nil, err
		}
		for _, id := range slices.Sorted(maps.Keys(sums)) {
			t := sums[id]
			bad := t.Failed + t.TimedOut
			all := bad + t.Completed
			if all < int64(rule.Params.AtLeast) || 100*bad <= int64(rule.Params.Percent)*all {
				continue
			}
			out = append(out, fleet.Sighting{
				Kind: fleet.AlertFailureRate, Cause: id, Count: bad, Level: true, At: now, Rule: rule.ID,
				Title:   fmt.Sprintf("%d of the last %d jobs of %s failed.", bad, all, t.Label),
				Subject: fleet.EventSubject{Kind: fleet.SubjectWorkflow, ID: id}, Of: fleet.AlertThing{Workflow: fleet.ID(id)},
				Data: map[string]any{"failed": bad, "of": all, "job_id": t.Sample},
			})
		}
	}
	return out, nil
}

// healthPage is how many robots are looked at in one view.
const healthPage = 250

// suspicious says whether a robot may be failing, by what is known of all robots at
// once: its last reading, and what was counted of it within a day. Only such a one
// is looked at closely.
func suspicious(r *fleet.Robot, day *fleet.Tally, now time.Time) bool {
	m := r.Metrics
	if m.CPUPercent >= 80 || m.MemoryPercent >= 85 || m.DiskPercent >= 85 || now.Before(r.QuarantineTill) {
		return true
	}
	return day != nil && (day.Failed+day.TimedOut >= 3 || day.Lost >= 3 || day.Disconnects >= 10)
}

// unwell finds the connected robots that are failing.
func (a *Alerts) unwell(ctx context.Context, s store.Scope, now time.Time) (out []fleet.Sighting, err error) {
	page := fleet.Page{Limit: healthPage}
	var days map[string]*fleet.Tally
	day, _ := cover(now.Add(-24*time.Hour), now, now, 0)
	if err := a.Store.View(ctx, s, func(r store.Reader) (err error) { days, err = sumsOf(r, day, fleet.DimRobot); return err }); err != nil {
		return nil, err
	}
	for {
		err := a.Store.View(ctx, s, func(r store.Reader) error {
			list, err := r.Robots(store.RobotFilter{Connected: true}, page)
			if err != nil {
				return err
			}
			page.Cursor = list.Next
			for i := range list.Robots {
				robot := list.Robots[i]
				if !suspicious(&robot, days[string(robot.ID)], now) {
					continue
				}
				h, err := a.robots.healthOf(r, robot, now)
				if err != nil {
					return err
				}
				if h.State != fleet.HealthFailing {
					continue
				}
				out = append(out, fleet.Sighting{
					Kind: fleet.AlertRobotHealth, Cause: string(robot.ID), Count: 1, Level: true, At: now,
					Title:   fmt.Sprintf("The robot %s is failing: %s", robot.Name, strings.Join(h.Reasons, " ")),
					Subject: fleet.EventSubject{Kind: fleet.SubjectRobot, ID: string(robot.ID)},
					Of:      fleet.AlertThing{Robot: robot.ID, Environment: robot.Environment}, Data: map[string]any{"reasons": h.Reasons},
				})
			}
			return nil
		})
		if err != nil || page.Cursor == "" {
			return out, err
		}
	}
}

// stalls remembers since when attempts show the same. It lasts as long as this
// process: whoever begins to look begins to count.
type stalls struct {
	mu   sync.Mutex // guards seen
	seen map[fleet.ID]standstill
}

// standstill is what an attempt showed, and since when.
type standstill struct {
	epoch    int64
	progress int
	node     string
	message  string
	since    time.Time
	at       time.Time // last looked at
}

// stallForgets is after how long an attempt that nobody saw is forgotten.
const stallForgets = 10 * time.Minute

func (t *stalls) look(list []store.WorkingJob, now time.Time) (out []fleet.Sighting) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = map[fleet.ID]standstill{}
	}
	for i := range list {
		w := &list[i]
		is := standstill{w.Epoch, w.Progress, w.Node, w.Message, now, now}
		was, ok := t.seen[w.JobID]
		if ok && now.Sub(was.at) <= stallForgets && was.epoch == is.epoch && was.progress == is.progress && was.node == is.node && was.message == is.message {
			is.since = was.since
		}
		t.seen[w.JobID] = is
		if now.Sub(is.since) < fleet.AlertSampleEvery {
			continue
		}
		out = append(out, fleet.Sighting{
			Kind: fleet.AlertJobStalled, Cause: string(w.JobID), Count: 1, Level: true, At: now, Began: is.since,
			Title:   fmt.Sprintf("The job %s has shown no progress since %s.", w.Name, is.since.UTC().Format(time.RFC3339)),
			Subject: fleet.EventSubject{Kind: fleet.SubjectJob, ID: string(w.JobID)},
			Of:      fleet.AlertThing{Workflow: w.Workflow, Robot: w.RobotID, Environment: w.Environment},
			Data:    map[string]any{"job_id": w.JobID, "robot_id": w.RobotID, "node": w.Node, "progress": w.Progress},
		})
	}
	for id, was := range t.seen { // of all tenants
		if now.Sub(was.at) > stallForgets {
			delete(t.seen, id)
		}
	}
	return out
}

// How many incidents are looked at in one page, of each tenant and of all.
const (
	dueOfEach = 20
	duePage   = 400
)

// Due looks at the incidents whose time has come: they open, last, escalate or are
// over. It costs by those. A fault of one is one of its tenant, and holds up no other.
func (a *Alerts) Due(ctx context.Context, s store.Scope) error {
	var faults []error
	seen := map[fleet.ID]bool{}
	for ctx.Err() == nil {
		var list []store.IncidentRef
		if err := a.Store.View(ctx, s, func(r store.Reader) (err error) { list, err = r.DueIncidents(a.Now(), dueOfEach, duePage); return err }); err != nil {
			return errors.Join(append(faults, err)...)
		}
		anew := false
		for _, ref := range list {
			if seen[ref.ID] { // it stays due: what is wrong with it is told already
				continue
			}
			seen[ref.ID], anew = true, true
			if err := a.due(ctx, s.In(ref.Tenant), ref); err != nil && !lostRace(err) {
				faults = append(faults, fmt.Errorf("incident %s of tenant %s: %w", ref.ID, ref.Tenant, err))
			}
		}
		if !anew {
			break
		}
	}
	return errors.Join(faults...)
}

func (a *Alerts) due(ctx context.Context, s store.Scope, ref store.IncidentRef) error {
	var was fleet.Incident
	var set alertSet
	var silent time.Time
	holds := false
	now := a.Now()
	err := a.Store.View(ctx, s, func(r store.Reader) (err error) {
		if was, err = r.Incident(ref.ID); err != nil {
			return err
		}
		if set, err = readAlerts(r, ref.Tenant); err != nil {
			return err
		}
		if silent, err = set.silentUntil(r, was.RuleID, now); err != nil {
			return err
		}
		holds, err = a.holds(r, &set, &was, now)
		return err
	})
	if err != nil {
		return err
	}
	return a.Store.Update(ctx, s, func(tx store.Tx) error {
		if err := tx.LockAlerts(ref.Tenant); err != nil {
			return err
		}
		i, err := tx.IncidentToChange(ref.ID)
		if err != nil || i.State != was.State || !i.DueAt.Equal(was.DueAt) || !i.EscalateAt.Equal(was.EscalateAt) {
			return err // something else has happened to it
		}
		return a.turn(tx, &set, &i, holds, silent, now)
	})
}

// turn does what is due of an incident.
func (a *Alerts) turn(tx store.Tx, set *alertSet, i *fleet.Incident, holds bool, silent, now time.Time) error {
	rule := set.enabled(i.RuleID)
	switch i.Turn(rule, holds, now) {
	case fleet.TurnForget:
		return tx.ForgetIncident(i.ID)
	case fleet.TurnOpen:
		told := i.FirstTold(rule, set.tells(rule, aboutChannel(i)), now)
		if err := tx.PutIncident(*i); err != nil {
			return err
		}
		return a.opened(tx, i, told)
	case fleet.TurnResolve:
		return a.resolved(tx, set, i, auth.Principal{})
	case fleet.TurnHolds, fleet.TurnNone:
	}
	if !silent.IsZero() && !i.EscalateAt.IsZero() && !now.Before(i.EscalateAt) { // nobody was told yet
		i.EscalateAt = silent
		if rule != nil {
			i.EscalateAt = silent.Add(time.Duration(rule.EscalateAfterSeconds) * time.Second)
		}
		return tx.PutIncident(*i)
	}
	var channels, told []fleet.ID
	if rule != nil && i.Escalates(now) {
		channels = set.tells(rule, aboutChannel(i))
		notices, err := tx.NoticesOf(i.ID)
		if err != nil {
			return err
		}
		for k := range notices {
			told = append(told, notices[k].Channel)
		}
	}
	next, escalates := i.Escalate(rule, channels, told, now)
	if err := tx.PutIncident(*i); err != nil || !escalates {
		return err
	}
	name := string(next)
	if c, ok := set.channel(next); ok {
		name = c.Name
	}
	if err := tx.Append(i.Tenant, incidentEvent(fleet.EventAlertEscalated, auth.Principal{}, i, map[string]any{"channel": name})); err != nil {
		return err
	}
	return a.notify(tx, i, fleet.NoticeEscalated, []fleet.ID{next})
}

// resolved writes that an incident is over, and tells the channels that were told
// of it and want to know.
func (a *Alerts) resolved(tx store.Tx, set *alertSet, i *fleet.Incident, p auth.Principal) error {
	if err := tx.PutIncident(*i); err != nil {
		return err
	}
	if err := tx.Append(i.Tenant, incidentEvent(fleet.EventAlertResolved, p, i, nil)); err != nil {
		return err
	}
	list, err := tx.NoticesOf(i.ID)
	if err != nil {
		return err
	}
	var told []fleet.ID
	for k := range list {
		n := &list[k]
		c, ok := set.channel(n.Channel)
		if !ok || !c.Resolved || !c.Enabled {
			continue
		}
		switch {
		case n.State == fleet.NoticeSent:
			told = append(told, c.ID)
		case n.State == fleet.NoticeWaiting && !n.Held && n.Kind != fleet.NoticeResolved: // it is told late, and of its end after it
			if err := a.notifyAt(tx, i, fleet.NoticeResolved, []fleet.ID{c.ID}, n.DueAt.Add(time.Second)); err != nil {
				return err
			}
		}
	}
	return a.notify(tx, i, fleet.NoticeResolved, told)
}

// holds says whether what an incident is about is so still, where that can be
// asked. Kinds that are sampled, and single occurrences, just become quiet.
func (a *Alerts) holds(r store.Reader, set *alertSet, i *fleet.Incident, now time.Time) (bool, error) {
	found, err := true, error(nil)
	switch i.Kind {
	case fleet.AlertRobotLost:
		var robot fleet.Robot
		if robot, err = r.Robot(fleet.RobotID(i.Cause)); err == nil {
			robot.Derive(a.Timing(robot.Environment), now)
			found = robot.Status == fleet.RobotOffline
		}
	case fleet.AlertNeedsDecision:
		found, err = a.undecided(r, i)
	case fleet.AlertScheduleDisabled:
		var s fleet.Schedule
		s, err = r.Schedule(fleet.ID(i.Cause))
		found = !s.Enabled
	case fleet.AlertTriggerDisabled:
		var t fleet.Trigger
		t, err = r.Trigger(fleet.ID(i.Cause))
		found = !t.Enabled
	case fleet.AlertWebhookDisabled:
		var w fleet.Webhook
		w, err = r.Webhook(fleet.ID(i.Cause))
		found = !w.Enabled && w.DeletedAt.IsZero()
	case fleet.AlertKeyExpiring:
		var k fleet.Key
		k, err = r.Key(fleet.ID(i.Cause))
		found = k.RevokedAt.IsZero() && k.ReplacedBy == "" && now.Before(k.ExpiresAt)
	case fleet.AlertChannelFailing:
		c, ok := set.channel(fleet.ID(i.Cause))
		found = ok && c.Enabled && c.State.Streak > 0
	default:
		return false, nil
	}
	if errors.Is(err, fleet.ErrNotFound) {
		return false, nil
	}
	return found && err == nil, err
}

// undecided says whether a job of the workflow of an incident still waits for a
// person.
func (a *Alerts) undecided(r store.Reader, i *fleet.Incident) (bool, error) {
	what, workflow, _ := strings.Cut(i.Cause, " ")
	if what == "decision" {
		list, err := r.Jobs(store.JobFilter{Workflow: fleet.ID(workflow), States: []fleet.State{fleet.NeedsDecision}}, fleet.Page{Limit: 1})
		return len(list.Jobs) > 0, err
	}
	var last struct {
		Job fleet.ID `json:"job_id"`
	}
	if err := jsonOf(i.Data, &last); err != nil {
		return false, err
	}
	job, err := r.Job(last.Job)
	return job.State == fleet.Pending && job.WaitingOn == fleet.WaitingHold, err
}
