package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// BulkRequest asks the same of many robots. Percent, if given, is the size of a
// wave as a share of all targets.
type BulkRequest struct {
	Bulk     fleet.Bulk // what is to be done, and in which waves
	Percent  int
	Selector fleet.Selector
	Robots   []fleet.RobotID // instead of a selector
}

// StartBulk fixes the targets and stores the operation. The chores carry it out.
func (r *Robots) StartBulk(ctx context.Context, p auth.Principal, in BulkRequest) (b fleet.Bulk, err error) {
	if err := cmp.Or(p.Require(fleet.RobotsOperate), p.WholeTenant()); err != nil {
		return b, err
	}
	if in.Bulk.Kind.Manages() {
		if err := p.Require(fleet.RobotsManage); err != nil {
			return b, err
		}
	}
	if in.Percent < 0 || in.Percent > 100 {
		return b, fleet.Invalid("waves.percent", "waves.percent must be between 1 and 100; got %d.", in.Percent)
	}
	robots := in.Robots
	switch {
	case len(robots) > 0 && !in.Selector.IsZero():
		return b, fleet.Invalid("ids", "Give ids or a selector, not both.")
	case len(robots) == 0:
		if robots, err = r.selected(ctx, p, in.Selector); err != nil {
			return b, err
		}
	}
	robots = distinct(robots)
	switch {
	case len(robots) == 0:
		e := fleet.Invalid("selector", "No robot is selected.")
		e.Reason = "empty_selection"
		return b, e
	case len(robots) > fleet.MaxBulkTargets:
		return b, fleet.Invalid("ids", "An operation may have at most %d robots; got %d.", fleet.MaxBulkTargets, len(robots))
	}
	b = in.Bulk
	if in.Percent > 0 {
		b.Size = (len(robots)*in.Percent + 99) / 100
	}
	if b.Size == 0 {
		b.Size = len(robots)
	}
	if err := b.Validate(); err != nil {
		return b, err
	}
	if !b.Kind.Process() && !b.Kind.Manages() {
		if err := b.Change.Validate(); err != nil {
			return b, err
		}
	}
	b.ID, b.Tenant, b.By, b.CreatedAt, b.State = r.IDs.New(), p.Tenant, p.Name, r.Now(), fleet.BulkRunning
	b.Total, b.Wave, b.Waves = len(robots), 1, (len(robots)+b.Size-1)/b.Size
	targets := make([]fleet.BulkTarget, len(robots))
	for i, id := range robots {
		targets[i] = fleet.BulkTarget{Bulk: b.ID, Position: i, RobotID: id, Wave: i/b.Size + 1, State: fleet.TargetPending}
	}
	err = r.act(ctx, p, "bulk.start", fleet.SubjectBulk, string(b.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		d.After = map[string]any{"kind": b.Kind, "change": b.Change, "running": b.Running, "total": b.Total, "waves": b.Waves, "retry_of": b.RetryOf}
		if b.Kind == fleet.BulkTag {
			d.After["add_tags"], d.After["remove_tags"] = b.AddTags, b.RemoveTags
		}
		for _, id := range in.Robots {
			if _, err := tx.Robot(id); err != nil {
				return err
			}
		}
		if err := tx.AddBulk(b, targets); err != nil {
			return err
		}
		return tx.Append(b.Tenant, bulkEvent(fleet.EventBulkStarted, &b))
	})
	return b, err
}

func distinct(in []fleet.RobotID) (out []fleet.RobotID) {
	seen := make(map[fleet.RobotID]bool, len(in))
	for _, id := range in {
		if !seen[id] {
			out = append(out, id)
		}
		seen[id] = true
	}
	return out
}

// selected lists the robots that a selector names now, by id.
func (r *Robots) selected(ctx context.Context, p auth.Principal, s fleet.Selector) (out []fleet.RobotID, err error) {
	if err := s.Validate("selector"); err != nil {
		return nil, err
	}
	if err := placement.CheckConditions("selector.facts", s.Facts); err != nil {
		return nil, err
	}
	now := r.Now()
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		return eachRobot(rd, store.RobotFilter{}, func(robot *fleet.Robot) {
			if c := placement.CandidateOf(robot); placement.Selects(&s, &c, now) {
				out = append(out, robot.ID)
			}
		})
	})
	return out, err
}

func eachRobot(rd store.Reader, f store.RobotFilter, visit func(*fleet.Robot)) error {
	for page := (fleet.Page{Limit: fleet.PageMax}); ; {
		list, err := rd.Robots(f, page)
		if err != nil {
			return err
		}
		for i := range list.Robots {
			visit(&list.Robots[i])
		}
		if page.Cursor = list.Next; page.Cursor == "" {
			return nil
		}
	}
}

func bulkEvent(kind fleet.EventKind, b *fleet.Bulk) fleet.EventDraft {
	data := map[string]any{"command": b.Kind, "total": b.Total}
	if kind == fleet.EventBulkEnded {
		data["status"], data["done"], data["failed"], data["skipped"] = b.State, b.Done, b.Failed, b.Skipped
	}
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectBulk, SubjectID: string(b.ID), Actor: b.By, Data: data}
}

// Bulk returns an operation with its robots.
func (r *Robots) Bulk(ctx context.Context, p auth.Principal, id fleet.ID) (b fleet.Bulk, targets []fleet.BulkTarget, err error) {
	if err := cmp.Or(p.Require(fleet.RobotsRead), p.WholeTenant()); err != nil {
		return b, nil, err
	}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		if b, err = rd.Bulk(id); err != nil {
			return err
		}
		targets, err = rd.BulkTargets(id, 0)
		return err
	})
	return b, targets, err
}

// Bulks lists operations, the newest first.
func (r *Robots) Bulks(ctx context.Context, p auth.Principal, page fleet.Page) (list []fleet.Bulk, next string, err error) {
	if err := cmp.Or(p.Require(fleet.RobotsRead), p.WholeTenant()); err != nil {
		return nil, "", err
	}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error { list, next, err = rd.Bulks(page); return err })
	return list, next, err
}

// CancelBulk begins nothing more; what is under way comes to its end. One that
// has ended stays as it is.
func (r *Robots) CancelBulk(ctx context.Context, p auth.Principal, id fleet.ID) (b fleet.Bulk, err error) {
	if err := cmp.Or(p.Require(fleet.JobsRun), p.WholeTenant()); err != nil {
		return b, err
	}
	err = r.act(ctx, p, "bulk.cancel", fleet.SubjectBulk, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		if b, err = tx.Bulk(id); err != nil {
			return err
		}
		if err := p.Require(b.Kind.Right()); err != nil {
			return err
		}
		if b.State != fleet.BulkRunning {
			d.Action = ""
			return nil
		}
		b.Stop = fleet.BulkCancelled
		if b.Kind.OfJobs() {
			return endBulk(tx, &b, r.Now())
		}
		return r.advance(tx, &b)
	})
	return b, err
}

// RetryBulk makes a new operation of the robots that failed.
func (r *Robots) RetryBulk(ctx context.Context, p auth.Principal, id fleet.ID) (fleet.Bulk, error) {
	b, targets, err := r.Bulk(ctx, p, id)
	if err = cmp.Or(err, p.Require(b.Kind.Right())); err != nil {
		return b, err
	}
	if b.State == fleet.BulkRunning {
		return b, fleet.Errorf(fleet.CodeConflict, "invalid_state", "The bulk operation %s has not ended yet.", id)
	}
	if b.Kind.OfJobs() {
		again := JobBulk{Kind: b.Kind, Change: b.Jobs, RetryOf: b.ID}
		for _, t := range targets {
			if t.State == fleet.TargetFailed {
				again.Jobs = append(again.Jobs, t.JobID)
			}
		}
		return r.jobs.StartBulk(ctx, p, again)
	}
	in := BulkRequest{Bulk: fleet.Bulk{
		Kind: b.Kind, Change: b.Change, Running: b.Running, AddTags: b.AddTags, RemoveTags: b.RemoveTags, Size: b.Size, MinAvailable: b.MinAvailable, StopPercent: b.StopPercent, RetryOf: b.ID,
	}}
	for _, t := range targets {
		if t.State == fleet.TargetFailed {
			in.Robots = append(in.Robots, t.RobotID)
		}
	}
	return r.StartBulk(ctx, p, in)
}

// KeepBulks takes every open operation a step further. It is done by whoever
// does the chores; two at once do no harm, as one of them loses the race.
func (r *Robots) KeepBulks(ctx context.Context, s store.Scope) error {
	var open []fleet.Bulk
	err := r.Store.View(ctx, s, func(rd store.Reader) (err error) { open, err = rd.OpenBulks(); return err })
	if err != nil {
		return err
	}
	var faults []error
	for _, x := range open {
		if x.Kind.OfJobs() {
			if err := r.jobs.keepBulk(ctx, s.In(x.Tenant), x.ID); err != nil && !lostRace(err) {
				faults = append(faults, err)
			}
			continue
		}
		err := r.Store.Update(ctx, s.In(x.Tenant), func(tx store.Tx) error {
			b, err := tx.Bulk(x.ID)
			if err != nil || b.State != fleet.BulkRunning {
				return err
			}
			return r.advance(tx, &b)
		})
		if err != nil && !lostRace(err) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// bulkStep bounds what one transaction begins.
const bulkStep = 100

// advance looks after what is under way, begins what may begin, and goes on to
// the next wave when nothing of this one is left.
func (r *Robots) advance(tx store.Tx, b *fleet.Bulk) error {
	targets, err := tx.BulkTargets(b.ID, b.Wave)
	if err != nil {
		return err
	}
	running, pending := 0, 0
	for i := range targets {
		t := &targets[i]
		if t.State == fleet.TargetRunning {
			if err := r.lookAfter(tx, b, t); err != nil {
				return err
			}
		}
		switch t.State { //nolint:exhaustive // the rest has ended
		case fleet.TargetRunning:
			running++
		case fleet.TargetPending:
			pending++
		}
	}
	if b.Stop == "" && pending > 0 {
		if pending, running, err = r.begin(tx, b, targets, running); err != nil {
			return err
		}
	}
	if b.Stop != "" {
		n, err := tx.SkipBulkTargets(b.Tenant, b.ID, "The operation was "+string(b.Stop)+".")
		if err != nil {
			return err
		}
		b.Skipped, pending = b.Skipped+n, 0
	}
	if running+pending == 0 {
		if b.Next(r.Now()); !b.EndedAt.IsZero() {
			if err := tx.Append(b.Tenant, bulkEvent(fleet.EventBulkEnded, b)); err != nil {
				return err
			}
		}
	}
	return tx.PutBulk(*b)
}

// settleTarget writes how far a robot is, and counts it if it has ended.
func settleTarget(tx store.Tx, b *fleet.Bulk, t *fleet.BulkTarget, to fleet.BulkTargetState, reason string) error {
	t.State, t.Reason = to, reason
	b.Settle(to)
	return tx.PutBulkTarget(b.Tenant, *t)
}

// lookAfter sees whether what was asked of a robot has ended.
func (r *Robots) lookAfter(tx store.Tx, b *fleet.Bulk, t *fleet.BulkTarget) error {
	if b.Kind.Process() {
		c, err := tx.Command(t.CommandID)
		switch {
		case err != nil:
			return err
		case c.State == fleet.CommandDone:
			return settleTarget(tx, b, t, fleet.TargetDone, c.Message)
		case !c.Open():
			return settleTarget(tx, b, t, fleet.TargetFailed, c.Message)
		}
		return nil
	}
	robot, err := tx.Robot(t.RobotID)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return settleTarget(tx, b, t, fleet.TargetFailed, "The robot was deleted.")
	case err == nil && robot.Mode != fleet.ModeDraining:
		return settleTarget(tx, b, t, fleet.TargetDone, "The robot is drained.")
	}
	return err
}

// begin asks the pending robots of a wave, as far as their pools keep enough.
func (r *Robots) begin(tx store.Tx, b *fleet.Bulk, targets []fleet.BulkTarget, running int) (left, nowRunning int, err error) {
	now := r.Now()
	var room map[string]int
	if b.MinAvailable > 0 && b.Kind.Away() {
		if room, err = r.available(tx, b, targets, now); err != nil {
			return 0, 0, err
		}
	}
	begun := 0
	for i := range targets {
		t := &targets[i]
		if t.State != fleet.TargetPending {
			continue
		}
		if b.Stop != "" || begun == bulkStep {
			left++
			continue
		}
		robot, err := tx.Robot(t.RobotID)
		if errors.Is(err, fleet.ErrNotFound) {
			if err := settleTarget(tx, b, t, fleet.TargetFailed, "The robot was deleted."); err != nil {
				return 0, 0, err
			}
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		if r.serves(&robot, now) && room != nil {
			if room[robot.Pool] <= b.MinAvailable {
				left++
				if why := fmt.Sprintf("Waits: pool %s must keep %d robots at work.", robot.Pool, b.MinAvailable); t.Reason != why {
					t.Reason = why
					if err := tx.PutBulkTarget(b.Tenant, *t); err != nil {
						return 0, 0, err
					}
				}
				continue
			}
			room[robot.Pool]--
		}
		begun++
		if err := r.ask(tx, b, t, &robot, now); err != nil {
			return 0, 0, err
		}
		if t.State == fleet.TargetRunning {
			running++
		}
	}
	return left, running, nil
}

// ask does to one robot what the operation is for.
func (r *Robots) ask(tx store.Tx, b *fleet.Bulk, t *fleet.BulkTarget, robot *fleet.Robot, now time.Time) error {
	if b.Kind.Manages() {
		return r.manage(tx, b, t, robot, now)
	}
	running := b.Change.Running
	if b.Kind.Process() {
		if !robot.Connected {
			return settleTarget(tx, b, t, fleet.TargetSkipped, "The robot is offline.")
		}
		c, err := r.request(tx, robot, b.Kind, b.By)
		if err != nil {
			return err
		}
		t.CommandID, running = c.ID, b.Running
	} else {
		if err := r.change(tx, robot, b.Change, b.By, now); err != nil {
			return err
		}
		c, err := r.note(tx, robot, b.Kind, b.By)
		if err != nil {
			return err
		}
		t.CommandID = c.ID
	}
	if running != "" && running != fleet.KeepRunning {
		if err := r.clear(tx, robot, running, b.By, now); err != nil {
			return err
		}
	}
	if b.Kind.Process() || b.Kind == fleet.CommandDrain {
		return settleTarget(tx, b, t, fleet.TargetRunning, "")
	}
	return settleTarget(tx, b, t, fleet.TargetDone, "")
}

// manage changes what is known of one robot. What cannot be changed is its
// failure, and not the others'.
func (r *Robots) manage(tx store.Tx, b *fleet.Bulk, t *fleet.BulkTarget, robot *fleet.Robot, now time.Time) error {
	if b.Kind == fleet.BulkDelete {
		if _, err := r.remove(tx, robot, b.By, now); err != nil {
			return err
		}
		return settleTarget(tx, b, t, fleet.TargetDone, "")
	}
	tags := slices.DeleteFunc(slices.Concat(robot.Tags, b.AddTags), func(w string) bool { return slices.Contains(b.RemoveTags, w) })
	change := RobotChange{Tags: (*[]string)(&tags)}
	fields, err := change.apply(robot, now)
	if err != nil {
		return settleTarget(tx, b, t, fleet.TargetFailed, err.Error())
	}
	if err := tx.PutRobot(*robot); err != nil {
		return err
	}
	err = tx.Append(robot.Tenant, modeEvent(fleet.EventRobotUpdated, robot.ID, b.By, map[string]any{"name": robot.Name, "changed": fields}))
	if err != nil {
		return err
	}
	return settleTarget(tx, b, t, fleet.TargetDone, "")
}

// serves says whether a robot can be given work now.
func (r *Robots) serves(robot *fleet.Robot, now time.Time) bool {
	robot.Derive(r.Timing(robot.Environment), now)
	return !robot.Suspect && (robot.Status == fleet.RobotOnline || robot.Status == fleet.RobotBusy)
}

// available counts, by pool, the robots at work that this wave has not asked.
func (r *Robots) available(tx store.Tx, b *fleet.Bulk, targets []fleet.BulkTarget, now time.Time) (map[string]int, error) {
	asked := map[fleet.RobotID]bool{}
	for _, t := range targets {
		if t.State == fleet.TargetRunning {
			asked[t.RobotID] = true
		}
	}
	room := map[string]int{}
	err := eachRobot(tx, store.RobotFilter{Connected: true}, func(robot *fleet.Robot) {
		if r.serves(robot, now) && !asked[robot.ID] {
			room[robot.Pool]++
		}
	})
	return room, err
}
