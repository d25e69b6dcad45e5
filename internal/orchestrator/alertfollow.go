package orchestrator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// alertEvents are the facts that rules look for.
func alertEvents() []fleet.EventKind {
	return []fleet.EventKind{
		fleet.EventJobFailed, fleet.EventJobNeedsDecision, fleet.EventJobUnmet, fleet.EventRobotDisconnected, fleet.EventScheduleMissed,
		fleet.EventScheduleLate, fleet.EventScheduleDisabled, fleet.EventTriggerDisabled, fleet.EventWebhookDisabled, fleet.EventItemOverdue, fleet.EventKeyExpiring,
		fleet.EventKeyExpired, fleet.EventBrake,
	}
}

// Follow reads what was added to the logs of tenants and makes incidents of what
// their rules look for. What is found and how far it came are one commit, so an
// event is counted once, wherever this stops and however many do it at once. It
// costs by what was added.
func (a *Alerts) Follow(ctx context.Context, s store.Scope) error {
	var heads []store.AlertHead
	if err := a.Store.View(ctx, s, func(r store.Reader) (err error) { heads, err = r.AlertHeads(); return err }); err != nil {
		return err
	}
	var faults []error // of single tenants, which stop none of the others
	for _, h := range heads {
		for h.Seq < h.Head {
			next, err := a.followStep(ctx, s.In(h.Tenant), h)
			if err != nil {
				faults = append(faults, fmt.Errorf("look for alerts in the log of tenant %s: %w", h.Tenant, err))
				break
			}
			h = next
		}
	}
	return errors.Join(faults...)
}

// sighted is what some rules have seen.
type sighted struct {
	rule fleet.AlertRule
	fleet.Sighting
}

func (a *Alerts) followStep(ctx context.Context, s store.Scope, h store.AlertHead) (store.AlertHead, error) {
	var set alertSet
	var found []sighted
	seq := h.Head // where nothing more is looked for, the rest is passed
	err := a.Store.View(ctx, s, func(r store.Reader) error {
		found, seq = nil, h.Head
		list, err := r.Events(store.EventFilter{After: h.Seq, Kinds: alertEvents(), Limit: followPage})
		if err != nil || len(list) == 0 {
			return err
		}
		if len(list) == followPage || list[len(list)-1].Seq > seq {
			seq = list[len(list)-1].Seq
		}
		if set, err = readAlerts(r, h.Tenant); err != nil {
			return err
		}
		sightings, err := a.sightingsOf(r, &set, list)
		found = set.match(sightings)
		return err
	})
	if err != nil {
		return h, err
	}
	moved := false
	err = a.Store.Update(ctx, s, func(tx store.Tx) (err error) {
		if moved, err = tx.MoveAlertHead(h.Tenant, h.Seq, seq); err != nil || !moved {
			return err
		}
		return a.seeAll(tx, &set, found)
	})
	if err != nil {
		return h, err
	}
	if !moved { // somebody else was faster: there is no need to race
		seq = h.Head
	}
	h.Seq = seq
	return h, nil
}

// match gives each sighting to the rules that look for it. Those of one cause are
// counted together.
func (a *alertSet) match(list []fleet.Sighting) (out []sighted) {
	at := map[[2]string]int{}
	for i := range a.rules {
		rule := &a.rules[i]
		for j := range list {
			s := &list[j]
			if !s.For(rule) {
				continue
			}
			key := [2]string{string(rule.ID), s.Cause}
			if k, ok := at[key]; ok {
				n := out[k].Count + s.Count
				if s.Began.IsZero() || s.Began.Before(out[k].Began) { // of things that last, the one that does for the longest
					out[k].Sighting = *s
				}
				out[k].Count = n
				continue
			}
			at[key] = len(out)
			out = append(out, sighted{*rule, *s})
		}
	}
	return out
}

// seeAll counts what was seen.
func (a *Alerts) seeAll(tx store.Tx, set *alertSet, found []sighted) error {
	for i := range found {
		if err := a.see(tx, set, &found[i].rule, &found[i].Sighting); err != nil {
			return err
		}
	}
	return nil
}

// see counts a sighting: in the incident of its cause, or in a new one. Whoever
// calls it holds the alerts of the tenant.
func (a *Alerts) see(tx store.Tx, set *alertSet, rule *fleet.AlertRule, s *fleet.Sighting) error {
	i, err := tx.IncidentOf(rule.ID, s.Cause)
	if err == nil {
		if i, err = tx.IncidentToChange(i.ID); err != nil {
			return err
		}
	}
	if errors.Is(err, fleet.ErrNotFound) || err == nil && i.State == fleet.IncidentResolved {
		if i, err = a.begin(tx, rule, s); err != nil {
			return err
		}
		if i.State != fleet.IncidentOpen {
			return tx.AddIncident(i)
		}
		told := i.FirstTold(rule, set.tells(rule, aboutChannel(&i)), s.At)
		if err := tx.AddIncident(i); err != nil {
			return err
		}
		return a.opened(tx, &i, told)
	}
	if err != nil {
		return err
	}
	var told []fleet.ID
	opens := i.See(rule, s)
	if opens {
		told = i.FirstTold(rule, set.tells(rule, aboutChannel(&i)), s.At)
	}
	if err := tx.PutIncident(i); err != nil || !opens {
		return err
	}
	return a.opened(tx, &i, told)
}

// begin makes the incident of a sighting, with what it has of the one before.
func (a *Alerts) begin(tx store.Tx, rule *fleet.AlertRule, s *fleet.Sighting) (fleet.Incident, error) {
	i := rule.Begin(a.IDs.New(), s)
	within := i.Recurs()
	if within == 0 {
		return i, nil
	}
	was, err := tx.IncidentBefore(rule.ID, s.Cause, s.At.Add(-within))
	if errors.Is(err, fleet.ErrNotFound) {
		return i, nil
	}
	i.Count += was.Count
	return i, err
}

// aboutChannel is the channel that an incident is about.
func aboutChannel(i *fleet.Incident) fleet.ID {
	if i.Subject.Kind == fleet.SubjectChannel {
		return fleet.ID(i.Subject.ID)
	}
	return ""
}

// opened tells of an incident that is new.
func (a *Alerts) opened(tx store.Tx, i *fleet.Incident, channels []fleet.ID) error {
	if err := tx.Append(i.Tenant, incidentEvent(fleet.EventAlertOpened, auth.Principal{}, i, nil)); err != nil {
		return err
	}
	return a.notify(tx, i, fleet.NoticeOpened, channels)
}

// notify stores what is to be told; it is sent after the commit.
func (a *Alerts) notify(tx store.Tx, i *fleet.Incident, kind fleet.NoticeKind, channels []fleet.ID) error {
	return a.notifyAt(tx, i, kind, channels, a.Now())
}

func (a *Alerts) notifyAt(tx store.Tx, i *fleet.Incident, kind fleet.NoticeKind, channels []fleet.ID, due time.Time) error {
	now := a.Now()
	list := make([]fleet.Notice, len(channels))
	for k, c := range channels {
		list[k] = fleet.Notice{
			ID: a.IDs.New(), Tenant: i.Tenant, Incident: i.ID, Channel: c, Kind: kind, State: fleet.NoticeWaiting, DueAt: due, CreatedAt: now,
		}
	}
	return tx.AddNotices(list)
}

func incidentEvent(kind fleet.EventKind, p auth.Principal, i *fleet.Incident, more map[string]any) fleet.EventDraft {
	data := map[string]any{"rule_id": i.RuleID, "rule": i.RuleName, "kind": i.Kind, "severity": i.Severity, "cause": i.Cause, "title": i.Title, "count": i.Count}
	maps.Copy(data, more)
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectIncident, SubjectID: string(i.ID), Actor: p.Name, Data: data}
}

// eventData is what events say in their data, as far as rules ask.
type eventData struct {
	Name       string         `json:"name"`
	Workflow   fleet.ID       `json:"workflow_id"`
	Reason     string         `json:"reason"`
	Note       string         `json:"note"`
	DeadLetter bool           `json:"dead_letter"`
	Count      int64          `json:"count"`
	FireAt     string         `json:"fire_at"`
	JobID      fleet.ID       `json:"job_id"`
	Late       fleet.FireLate `json:"late"`
	Queue      fleet.ID       `json:"queue_id"`
	Reference  string         `json:"reference"`
	EndsAt     string         `json:"ends_at"`
}

// sightingsOf is what events are to the rules of a tenant.
func (a *Alerts) sightingsOf(r store.Reader, set *alertSet, list []fleet.Event) (out []fleet.Sighting, err error) {
	facts, err := deadLetters(r, set, list)
	if err != nil {
		return nil, err
	}
	for i := range list {
		e := &list[i]
		var d eventData
		if len(e.Data) > 0 && json.Unmarshal(e.Data, &d) != nil {
			continue
		}
		s := fleet.Sighting{At: e.At, Count: 1, Subject: e.Subject}
		switch e.Subject.Kind { //nolint:exhaustive // the others are of no rule
		case fleet.SubjectJob:
			err = a.jobSighting(r, set, e, &d, facts, &s)
		case fleet.SubjectRobot:
			err = robotGone(r, set, e, &d, &s)
		case fleet.SubjectSchedule:
			scheduleSighting(e, &d, &s)
		case fleet.SubjectTrigger:
			if e.Actor == auth.Trigger(e.Tenant, d.Name).Name { // it was the trigger itself
				s.Kind, s.Cause, s.Of.Workflow = fleet.AlertTriggerDisabled, e.Subject.ID, d.Workflow
				s.Title, s.Data = fmt.Sprintf("The trigger %s has disabled itself: %s", d.Name, d.Note), map[string]any{"note": d.Note}
			}
		case fleet.SubjectWebhook:
			if e.Actor == auth.Webhook(e.Tenant, d.Name).Name {
				s.Kind, s.Cause, s.Data = fleet.AlertWebhookDisabled, e.Subject.ID, map[string]any{"reason": d.Reason}
				s.Title = fmt.Sprintf("The webhook %s is sent nothing more: %s", d.Name, d.Reason)
			}
		case fleet.SubjectItem:
			err = overdue(r, set, e, &d, &s)
		case fleet.SubjectKey:
			s.Kind, s.Cause, s.Data = fleet.AlertKeyExpiring, e.Subject.ID, map[string]any{"ends_at": d.EndsAt}
			s.Title = fmt.Sprintf("The key %s ends at %s.", d.Name, d.EndsAt)
			if e.Kind == fleet.EventKeyExpired {
				s.Title = fmt.Sprintf("The key %s has ended.", d.Name)
			}
		case fleet.SubjectFleet:
			s.Kind, s.Cause, s.Title = fleet.AlertBrake, "brake", "So many robots fell silent at once that none was given up: is it them, or is it the orchestrator?"
		}
		if err != nil {
			return nil, err
		}
		if s.Kind != "" {
			out = append(out, s)
		}
	}
	return out, nil
}

// deadLetters reads the jobs of a part of the log that failed for good.
func deadLetters(r store.Reader, set *alertSet, list []fleet.Event) (map[fleet.ID]fleet.JobFacts, error) {
	if !set.wants(fleet.AlertDeadLetter) {
		return nil, nil
	}
	var ids []fleet.ID
	for i := range list {
		var d eventData
		if list[i].Kind == fleet.EventJobFailed && json.Unmarshal(list[i].Data, &d) == nil && d.DeadLetter {
			ids = append(ids, fleet.ID(list[i].Subject.ID))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	return r.JobFacts(slices.Compact(ids))
}

func (a *Alerts) jobSighting(r store.Reader, set *alertSet, e *fleet.Event, d *eventData, facts map[fleet.ID]fleet.JobFacts, s *fleet.Sighting) error {
	id := fleet.ID(e.Subject.ID)
	if e.Kind == fleet.EventJobFailed {
		f, ok := facts[id]
		if !ok {
			return nil
		}
		alike, failure := f.Failure()
		s.Kind, s.Cause = fleet.AlertDeadLetter, alike
		s.Subject = fleet.EventSubject{Kind: fleet.SubjectWorkflow, ID: string(failure.Workflow)}
		s.Of = fleet.AlertThing{Workflow: failure.Workflow, Environment: f.Job.Environment}
		where := ""
		if failure.Node != "" {
			where = " at node " + failure.Node
		}
		s.Title = fmt.Sprintf("Jobs of %s fail%s: %s", failure.WorkflowName, where, cmp.Or(failure.Message, failure.Type))
		s.Data = map[string]any{"job_id": id, "error_type": failure.Type, "error_class": failure.Class, "error_code": failure.Code, "node": failure.Node, "message": failure.Message}
		return nil
	}
	if !set.wants(fleet.AlertNeedsDecision) {
		return nil
	}
	job, err := r.Job(id)
	if errors.Is(err, fleet.ErrNotFound) {
		return nil // it is not kept any more
	}
	if err != nil {
		return err
	}
	s.Subject = fleet.EventSubject{Kind: fleet.SubjectWorkflow, ID: string(job.Workflow.ID)}
	s.Of = fleet.AlertThing{Workflow: job.Workflow.ID, Environment: job.Environment}
	s.Data = map[string]any{"job_id": id, "reason": d.Reason}
	if e.Kind == fleet.EventJobNeedsDecision {
		s.Kind, s.Cause = fleet.AlertNeedsDecision, "decision "+string(job.Workflow.ID)
		s.Title = fmt.Sprintf("A job of %s waits for a person's decision.", job.Workflow.Name)
	} else if job.State == fleet.Pending && job.WaitingOn == fleet.WaitingHold {
		s.Kind, s.Cause = fleet.AlertNeedsDecision, "hold "+string(job.Workflow.ID)
		s.Title = fmt.Sprintf("A job of %s is held: a job before it did not end as it needs.", job.Workflow.Name)
	}
	return nil
}

// orderly are the reasons for which a connection ends as somebody wants it to.
var orderly = []string{"the robot said goodbye", "set offline by "}

func robotGone(r store.Reader, set *alertSet, e *fleet.Event, d *eventData, s *fleet.Sighting) error {
	if !set.wants(fleet.AlertRobotLost) || slices.ContainsFunc(orderly, func(w string) bool { return strings.HasPrefix(d.Reason, w) }) {
		return nil
	}
	robot, err := r.Robot(fleet.RobotID(e.Subject.ID))
	if errors.Is(err, fleet.ErrNotFound) {
		return nil
	}
	s.Kind, s.Cause = fleet.AlertRobotLost, e.Subject.ID
	s.Of = fleet.AlertThing{Robot: robot.ID, Environment: robot.Environment}
	s.Title, s.Data = fmt.Sprintf("The robot %s is gone.", robot.Name), map[string]any{"reason": d.Reason}
	return err
}

func scheduleSighting(e *fleet.Event, d *eventData, s *fleet.Sighting) {
	s.Of = fleet.AlertThing{Schedule: fleet.ID(e.Subject.ID), Workflow: d.Workflow}
	s.Cause = e.Subject.ID
	switch e.Kind { //nolint:exhaustive // the others are of no rule
	case fleet.EventScheduleMissed:
		s.Kind, s.Count, s.Data = fleet.AlertScheduleMissed, max(d.Count, 1), map[string]any{"fire_at": d.FireAt}
		s.Title = fmt.Sprintf("The schedule %s was missed.", d.Name)
	case fleet.EventScheduleLate:
		s.Kind, s.Cause, s.Data = fleet.AlertScheduleLate, e.Subject.ID+" "+string(d.Late), map[string]any{"fire_at": d.FireAt, "job_id": d.JobID}
		s.Title = fmt.Sprintf("A job of the schedule %s has not begun in time.", d.Name)
		if d.Late == fleet.LateEnd {
			s.Title = fmt.Sprintf("A job of the schedule %s has not ended in time.", d.Name)
		}
	case fleet.EventScheduleDisabled:
		if e.Actor == auth.Schedule(e.Tenant, d.Name).Name { // it was the schedule itself
			s.Kind, s.Data = fleet.AlertScheduleDisabled, map[string]any{"note": d.Note}
			s.Title = fmt.Sprintf("The schedule %s has disabled itself: %s", d.Name, d.Note)
		}
	}
}

func overdue(r store.Reader, set *alertSet, e *fleet.Event, d *eventData, s *fleet.Sighting) error {
	if !set.wants(fleet.AlertQueueSLA) {
		return nil
	}
	q, err := r.Queue(d.Queue)
	if errors.Is(err, fleet.ErrNotFound) {
		return nil
	}
	s.Kind, s.Cause, s.Of.Queue = fleet.AlertQueueSLA, string(d.Queue), d.Queue
	s.Subject = fleet.EventSubject{Kind: fleet.SubjectQueue, ID: string(d.Queue)}
	s.Title = fmt.Sprintf("Items of the queue %s are overdue.", q.Name)
	s.Data = map[string]any{"item_id": e.Subject.ID, "reference": d.Reference}
	return err
}
