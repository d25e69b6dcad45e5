package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// followPage is how many events are looked at in one transaction.
const followPage = 200

// Follow reads what was added to the logs of tenants that have triggers: it
// starts the jobs of triggers of events, counts jobs that have ended, and looks
// at the queues that something happened to. What it starts and how far it came
// are one commit, so an event is looked at once, wherever this stops and however
// many do it at once. It costs by what was added.
func (t *Triggers) Follow(ctx context.Context, s store.Scope) error {
	var heads []store.TriggerHead
	if err := t.Store.View(ctx, s, func(r store.Reader) (err error) { heads, err = r.TriggerHeads(); return err }); err != nil {
		return err
	}
	var faults []error // of single tenants, which stop none of the others
	for _, h := range heads {
		for h.Seq < h.Head {
			next, err := t.followStep(ctx, s.In(h.Tenant), h)
			if err != nil {
				faults = append(faults, fmt.Errorf("follow the log of tenant %s: %w", h.Tenant, err))
				break
			}
			h = next
		}
	}
	return errors.Join(faults...)
}

// logPart is what a part of a log tells triggers.
type logPart struct {
	seq       int64           // of its last event
	triggers  []fleet.Trigger // those that listen
	ends      []store.FiringEnd
	queues    map[fleet.ID]bool // to which something happened
	changed   map[fleet.ID]bool // triggers
	occasions []struct {
		trigger int
		occasion
	}
}

func (t *Triggers) followStep(ctx context.Context, s store.Scope, h store.TriggerHead) (store.TriggerHead, error) {
	var found logPart
	if err := t.Store.View(ctx, s, func(r store.Reader) (err error) { found, err = t.readLog(r, h); return err }); err != nil {
		return h, err
	}
	plans := make([]plan, len(found.occasions))
	for i, o := range found.occasions {
		pl, err := t.plan(ctx, found.triggers[o.trigger], o.occasion)
		if err != nil {
			return h, err
		}
		plans[i] = pl
	}
	planned := slices.Clone(plans)
	moved, ended := false, []store.TriggerEnded(nil)
	for range len(plans) + replans {
		err := t.Store.Update(ctx, s, func(tx store.Tx) (err error) {
			copy(plans, planned)
			if moved, err = tx.MoveTriggerHead(h.Tenant, h.Seq, found.seq); err != nil || !moved {
				return err
			}
			if ended, err = tx.EndFirings(found.ends); err != nil {
				return err
			}
			for i := range plans {
				_, err := t.commit(tx, &plans[i])
				switch {
				case errors.Is(err, fleet.ErrNotFound): // it was deleted
				case errors.Is(err, errJobRefused):
					planned[i].not(fleet.FiringRefused, plans[i].firing.Reason)
					return err
				case err != nil:
					return err
				}
			}
			return nil
		})
		if errors.Is(err, errReplan) { // it is read again as it is now
			return h, nil
		}
		if errors.Is(err, errJobRefused) {
			continue
		}
		if err != nil {
			return h, err
		}
		break
	}
	if !moved { // somebody else was faster: there is no need to race
		h.Seq = h.Head
		return h, nil
	}
	h.Seq = found.seq
	return h, t.afterwards(ctx, s, &found, ended)
}

// afterwards is what follows from a part of a log and can be repeated.
func (t *Triggers) afterwards(ctx context.Context, s store.Scope, found *logPart, ended []store.TriggerEnded) error {
	var faults []error
	for _, e := range ended {
		found.changed[e.Trigger] = true
		if e.Streak > 0 {
			faults = append(faults, t.pauseFailing(ctx, s, e))
		}
	}
	for i := range found.triggers {
		if of := &found.triggers[i]; of.Queue != nil && of.Enabled && (found.queues[of.Queue.QueueID] || found.changed[of.ID]) {
			faults = append(faults, t.lookAt(ctx, s, of.ID))
		}
	}
	return errors.Join(faults...)
}

// pauseFailing disables a trigger too many of whose jobs in a row have failed.
func (t *Triggers) pauseFailing(ctx context.Context, s store.Scope, e store.TriggerEnded) error {
	var of fleet.Trigger
	err := t.Store.View(ctx, s, func(r store.Reader) (err error) { of, err = r.Trigger(e.Trigger); return err })
	if err == nil && of.Enabled && of.PauseAfterFailures > 0 && e.Streak >= int64(of.PauseAfterFailures) {
		_, err = t.Enable(ctx, auth.Trigger(of.Tenant, of.Name), string(of.ID), false, fmt.Sprintf("%d jobs in a row have failed.", e.Streak))
	}
	if lostRace(err) { // or it is gone
		return nil
	}
	return err
}

// readLog reads a part of a log.
func (t *Triggers) readLog(r store.Reader, h store.TriggerHead) (out logPart, err error) {
	out = logPart{seq: h.Head, queues: map[fleet.ID]bool{}, changed: map[fleet.ID]bool{}}
	list, err := r.Events(store.EventFilter{After: h.Seq, Limit: followPage})
	if err != nil || len(list) == 0 { // where the log has a hole at its end, it is passed
		return out, err
	}
	out.seq = list[len(list)-1].Seq
	for _, kind := range []fleet.TriggerKind{fleet.TriggerEvent, fleet.TriggerQueue} { // the others do not listen to the log
		list, err := r.TriggersOf(kind)
		if err != nil {
			return out, err
		}
		out.triggers = append(out.triggers, list...)
	}
	for i := range list {
		e := &list[i]
		switch e.Subject.Kind { //nolint:exhaustive // the others are looked at by triggers of events alone
		case fleet.SubjectJob:
			if e.To.Final() {
				out.ends = append(out.ends, store.FiringEnd{Job: fleet.ID(e.Subject.ID), State: e.To, At: e.At})
			}
		case fleet.SubjectQueue:
			out.queues[fleet.ID(e.Subject.ID)] = true
		case fleet.SubjectItem:
			var about struct {
				Queue fleet.ID `json:"queue_id"`
			}
			if json.Unmarshal(e.Data, &about) == nil {
				out.queues[about.Queue] = true
			}
		case fleet.SubjectTrigger:
			if e.Kind != fleet.EventTriggerFired && e.Kind != fleet.EventTriggerSuppressed {
				out.changed[fleet.ID(e.Subject.ID)] = true
			}
		}
		if err := t.occasionsOf(r, e, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// occasionsOf adds what an event is to triggers of events.
func (t *Triggers) occasionsOf(r store.Reader, e *fleet.Event, out *logPart) error {
	if e.Only() != "" {
		return nil
	}
	var job *fleet.Job
	var depth int
	for i := range out.triggers {
		of := &out.triggers[i]
		if of.Event == nil || !of.Enabled || e.Seq <= of.Since || !slices.Contains(of.Event.Types, e.Kind) {
			continue
		}
		if job == nil && e.Subject.Kind == fleet.SubjectJob {
			j, err := r.Job(fleet.ID(e.Subject.ID))
			if errors.Is(err, fleet.ErrNotFound) {
				return nil // it is not kept any more
			}
			if err == nil {
				depth, err = r.TriggerDepth(j.ID)
			}
			if err != nil {
				return err
			}
			job = &j
		}
		workflow := fleet.ID("")
		if job != nil {
			workflow = job.Workflow.ID
		}
		if !of.Event.Waits(e.Kind, workflow) {
			continue
		}
		payload, err := t.eventPayload(r, of, e, job)
		if err != nil {
			return err
		}
		o := occasion{key: fmt.Sprintf("event %d", e.Seq), payload: payload, depth: depth + 1, about: map[string]any{
			"type": e.Kind, "seq": e.Seq, "subject_id": e.Subject.ID,
		}}
		out.occasions = append(out.occasions, struct {
			trigger int
			occasion
		}{i, o})
	}
	return nil
}

// tell is what others are told of an event.
func tell(e *fleet.Event) map[string]any {
	return map[string]any{"type": e.Kind, "seq": e.Seq, "at": e.At.UTC(), "subject": e.Subject, "data": e.Data}
}

// tellJob is what others are told of the job that an event is about, without its
// inputs and results.
func tellJob(job *fleet.Job) map[string]any {
	return map[string]any{
		"job_id": job.ID, "job_name": job.Name, "status": job.State, "workflow_id": job.Workflow.ID, "workflow_name": job.Workflow.Name,
		"robot_id": job.RobotID, "environment": job.Environment, "labels": job.Labels, "error_class": job.ErrorClass, "error_code": job.ErrorCode,
		"submitted_by": job.SubmittedBy,
	}
}

// eventPayload is what a trigger is told of an event.
func (t *Triggers) eventPayload(r store.Reader, of *fleet.Trigger, e *fleet.Event, job *fleet.Job) (json.RawMessage, error) {
	told := tell(e)
	if job != nil {
		about := tellJob(job)
		if strings.Contains(string(of.Inputs), "/job/outputs") { // results may be large
			d, err := r.JobData(job.ID)
			if err != nil {
				return nil, err
			}
			about["outputs"] = fleet.Outputs(d.Result)
		}
		told["job"] = about
	}
	text, err := json.Marshal(told)
	if err != nil {
		return nil, fleet.Internal(err)
	}
	return text, nil
}

// LookAll looks at the queues of all triggers: whoever did so before may have
// stopped between an event and what follows from it.
func (t *Triggers) LookAll(ctx context.Context, s store.Scope) error {
	var list []fleet.Trigger
	if err := t.Store.View(ctx, s, func(r store.Reader) (err error) { list, err = r.TriggersOf(fleet.TriggerQueue); return err }); err != nil {
		return err
	}
	faults := make([]error, 0, len(list))
	for i := range list {
		faults = append(faults, t.lookAt(ctx, s.In(list[i].Tenant), list[i].ID))
	}
	return errors.Join(faults...)
}

// backlogPayload is what a trigger of a queue tells its jobs.
func backlogPayload(q *fleet.QueueRule, b fleet.Backlog) json.RawMessage {
	text, err := json.Marshal(struct {
		Queue fleet.ID `json:"queue_id"`
		fleet.Backlog
	}{q.QueueID, b})
	if err != nil {
		return json.RawMessage("{}") // cannot happen: it is made of numbers
	}
	return text
}

// lookAt starts as many jobs as a queue wants now. The sum is made again under
// the lock of the trigger, so two that do this at once start no more than one.
func (t *Triggers) lookAt(ctx context.Context, s store.Scope, id fleet.ID) error {
	for range replans {
		again, err := t.tryLook(ctx, s, id)
		if err != nil && !errors.Is(err, errReplan) || err == nil && !again {
			return err
		}
	}
	return nil // it changes all the time: each change has it looked at again
}

func (t *Triggers) tryLook(ctx context.Context, s store.Scope, id fleet.ID) (again bool, err error) {
	var of fleet.Trigger
	var b fleet.Backlog
	err = t.Store.View(ctx, s, func(r store.Reader) error {
		if of, err = r.Trigger(id); err != nil || !of.Enabled || of.Queue == nil {
			return err
		}
		b, err = r.Backlog(id, of.Queue.QueueID)
		return err
	})
	if errors.Is(err, fleet.ErrNotFound) { // it, or its queue, is gone
		return false, nil
	}
	if err != nil || !of.Enabled || of.Queue == nil {
		return false, err
	}
	n, _ := of.Queue.Start(b)
	var plans []plan
	for range n {
		pl, err := t.plan(ctx, of, occasion{payload: backlogPayload(of.Queue, b), depth: 1})
		if err != nil {
			return false, err
		}
		plans = append(plans, pl)
		if pl.firing.Outcome != fleet.FiringAccepted { // the others would fare the same
			break
		}
	}
	if n == 0 {
		return false, nil
	}
	planned := slices.Clone(plans)
	err = t.Store.Update(ctx, s, func(tx store.Tx) error {
		again = false
		copy(plans, planned)
		now, err := tx.TriggerToChange(id)
		if err != nil || !now.Enabled {
			return err
		}
		if now.Revision != of.Revision {
			return errReplan
		}
		b, err := tx.Backlog(id, now.Queue.QueueID)
		if err != nil {
			return err
		}
		wants, why := now.Queue.Start(b)
		about, err := json.Marshal(map[string]any{"ready": b.Ready, "taken": b.Taken, "active": b.Active, "starts": wants, "sum": why})
		if err != nil {
			return fleet.Internal(err)
		}
		again = wants > int64(len(plans))
		for i := range plans[:min(int64(len(plans)), wants)] {
			plans[i].firing.About = about
			if plans[i].firing.Outcome == fleet.FiringRefused {
				again = false
				return t.refusedAgain(tx, &plans[i])
			}
			if err := t.write(tx, &plans[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errJobRefused) { // without the jobs, the reason is told once
		i := slices.IndexFunc(plans, func(pl plan) bool { return pl.firing.Outcome == fleet.FiringRefused })
		err = t.Store.Update(ctx, s, func(tx store.Tx) error {
			if _, err := tx.TriggerToChange(id); err != nil {
				return err
			}
			return t.refusedAgain(tx, &plans[i])
		})
		return false, err
	}
	if errors.Is(err, fleet.ErrNotFound) {
		return false, nil
	}
	return again, err
}

// refusedAgain writes that a job could not be made, unless that is what was
// written last: a queue is looked at each time something happens to it.
func (t *Triggers) refusedAgain(tx store.Tx, pl *plan) error {
	last, _, err := tx.Firings(store.FiringFilter{Trigger: pl.trigger.ID}, fleet.Page{Limit: 1})
	if err != nil || len(last) > 0 && last[0].Outcome == fleet.FiringRefused && last[0].Reason == pl.firing.Reason {
		return err
	}
	return t.write(tx, pl)
}

// Prune takes away firings that are older than a time, and deleted
// triggers without firings. It returns how many firings went.
func (t *Triggers) Prune(ctx context.Context, s store.Scope, before time.Time, step int) (n int, err error) {
	for took := step; err == nil && took >= step; n += took {
		err = t.Store.Update(ctx, s, func(tx store.Tx) (err error) { took, err = tx.PruneFirings(before, step); return err })
	}
	if err == nil {
		err = t.Store.Update(ctx, s, func(tx store.Tx) error { _, err := tx.PruneTriggers(step); return err })
	}
	return n, err
}
