package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// Triggers are the use cases of triggers and their firings.
type Triggers struct {
	*core
	jobs    *Jobs
	secrets *Secrets
}

// TriggerChange is what is to hold of a trigger; nil leaves things as they are.
type TriggerChange struct {
	Name        *string
	Description *string
	WorkflowID  *fleet.ID
	Version     *int

	Inputs              json.RawMessage // null takes them away
	Priority            *fleet.Priority
	Environment         *string
	Target              *fleet.RobotID
	Placement           *fleet.Placement
	Labels              *map[string]string
	QueueTimeoutSeconds *int
	RunTimeoutSeconds   *int

	Kind            *fleet.TriggerKind
	Webhook         *fleet.WebhookRule
	Queue           *fleet.QueueRule
	Event           *fleet.EventRule
	File            *fleet.FileRule
	Email           *fleet.EmailRule
	Enabled         *bool
	CooldownSeconds *int
	MaxActive       *int
	Filter          *[]fleet.Comparison
	PauseAfter      *int
}

func (c *TriggerChange) apply(t *fleet.Trigger) {
	give(c.Name, &t.Name)
	give(c.Description, &t.Description)
	give(c.WorkflowID, &t.WorkflowID)
	give(c.Version, &t.Version)
	if c.Priority != nil {
		t.Priority = c.Priority
	}
	give(c.Environment, &t.Environment)
	give(c.Target, &t.Target)
	give(c.Placement, &t.Placement)
	give(c.Labels, &t.Labels)
	give(c.QueueTimeoutSeconds, &t.QueueTimeoutSeconds)
	give(c.RunTimeoutSeconds, &t.RunTimeoutSeconds)
	switch {
	case string(c.Inputs) == "null" || string(c.Inputs) == "{}":
		t.Inputs = nil
	case len(c.Inputs) > 0:
		t.Inputs = c.Inputs
	}
	switch {
	case c.Kind != nil:
		t.Kind = *c.Kind
	case c.Webhook != nil: // who gives a rule says by it of which kind it is
		t.Kind = fleet.TriggerWebhook
	case c.Queue != nil:
		t.Kind = fleet.TriggerQueue
	case c.Event != nil:
		t.Kind = fleet.TriggerEvent
	case c.File != nil:
		t.Kind = fleet.TriggerFile
	case c.Email != nil:
		t.Kind = fleet.TriggerEmail
	}
	if c.Webhook != nil {
		t.Webhook = c.Webhook
	}
	if c.Queue != nil {
		t.Queue = c.Queue
	}
	if c.Event != nil {
		t.Event = c.Event
	}
	if c.File != nil {
		t.File = c.File
	}
	if c.Email != nil {
		t.Email = c.Email
	}
	give(c.Enabled, &t.Enabled)
	give(c.CooldownSeconds, &t.CooldownSeconds)
	give(c.MaxActive, &t.MaxActive)
	give(c.Filter, &t.Filter)
	give(c.PauseAfter, &t.PauseAfterFailures)
	t.Normal()
}

// requestOf asks for a job of a trigger, with these inputs. That of a file is for
// the robot which has it, unless something else was asked for.
func requestOf(t *fleet.Trigger, inputs json.RawMessage) SubmitRequest {
	target := t.Target
	if t.File != nil && target == "" && t.Placement.IsZero() {
		target = t.File.RobotID
	}
	return SubmitRequest{
		WorkflowID: t.WorkflowID, Version: t.Version, JobName: t.Name, Variables: inputs, Priority: t.Priority, PrioritySource: fleet.PriorityOfTrigger, Environment: t.Environment,
		Target: target, Placement: t.Placement, Labels: t.Labels,
		WaitLimit: time.Duration(t.QueueTimeoutSeconds) * time.Second, RunTimeout: time.Duration(t.RunTimeoutSeconds) * time.Second,
	}
}

// check is what the trigger itself cannot know: whether its workflow, its queue
// and its secret are there, and whether a job of it could be made.
func (t *Triggers) check(ctx context.Context, p auth.Principal, was, is *fleet.Trigger) (err error) {
	if err := is.Validate(); err != nil {
		return err
	}
	if err := mayUse(p, triggerUse(was), triggerUse(is)); err != nil {
		return err
	}
	if err := placement.CheckConditions("filter", is.Filter); err != nil {
		return err
	}
	if is.Environment, err = p.Place(is.Environment); err != nil {
		return err
	}
	err = t.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		switch {
		case is.Queue != nil:
			_, err := r.Queue(is.Queue.QueueID)
			return unknownIn("queue.queue_id", err)
		case is.Webhook != nil:
			return secretThere(r, "webhook.secret", is.Webhook.Secret)
		case is.Email != nil:
			return checkUse(r, "email.secret", triggerUse(is), is)
		case is.File != nil:
			_, err := r.Robot(is.File.RobotID)
			return unknownIn("file.robot_id", err)
		case is.Event.Workflow != "":
			_, err := r.Workflow(is.Event.Workflow)
			return unknownIn("event.workflow_id", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fixed, _, err := is.Fill(nil)
	if err != nil {
		return err
	}
	_, err = t.jobs.prepare(ctx, p, requestOf(is, fixed))
	if err != nil && fleet.AsError(err).Code == fleet.CodeExhausted { // for now
		err = nil
	}
	return err
}

// secretThere asks whether the secret that a field names is there.
func secretThere(r store.Reader, field, named string) error {
	name, _, _ := strings.Cut(named, ".")
	_, err := r.Secret(name)
	if err := unknownIn(field, err); err != nil {
		return fleet.AsError(err).WithFix("Make it with 'fleet secret set " + name + "'.")
	}
	return nil
}

// unknownIn makes of something missing a fault of the field that names it.
func unknownIn(field string, err error) error {
	if !errors.Is(err, fleet.ErrNotFound) {
		return err
	}
	e := *fleet.AsError(err)
	e.Code, e.Fields = fleet.CodeInvalid, []fleet.FieldError{{Field: field, Message: e.Message}}
	return &e
}

func triggerEvent(kind fleet.EventKind, p auth.Principal, t *fleet.Trigger, more map[string]any) fleet.EventDraft {
	data := map[string]any{"name": t.Name, "kind": t.Kind, "workflow_id": t.WorkflowID}
	maps.Copy(data, more)
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectTrigger, SubjectID: string(t.ID), Actor: p.Name, Data: data}
}

// Create makes a trigger.
func (t *Triggers) Create(ctx context.Context, p auth.Principal, c TriggerChange) (out fleet.Trigger, err error) {
	if err := p.Require(fleet.SchedulesWrite); err != nil {
		return out, err
	}
	out = fleet.Trigger{Enabled: true}
	c.apply(&out)
	now := t.Now()
	out.ID, out.Tenant, out.Revision, out.CreatedAt, out.CreatedBy, out.UpdatedAt, out.UpdatedBy = t.IDs.New(), p.Tenant, 1, now, p.Name, now, p.Name
	if err := t.check(ctx, p, &fleet.Trigger{}, &out); err != nil {
		return out, err
	}
	err = t.act(ctx, p, string(fleet.EventTriggerCreated), fleet.SubjectTrigger, string(out.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		list, err := tx.Triggers()
		if err != nil {
			return err
		}
		if len(list) >= t.Limits.Triggers {
			return fleet.Errorf(fleet.CodeExhausted, "too_many_triggers", "A tenant may have at most %d triggers.", t.Limits.Triggers).WithFix("Delete one that is no longer used.")
		}
		if out.Since, err = tx.Head(); err != nil {
			return err
		}
		d.Object.Name = out.Name
		if err := errors.Join(changed(d, nil, out), tx.AddTrigger(out)); err != nil {
			return err
		}
		return tx.Append(p.Tenant, triggerEvent(fleet.EventTriggerCreated, p, &out, nil))
	})
	return out, err
}

// findTrigger reads a trigger by its id or its name.
func findTrigger(r store.Reader, ref string) (fleet.Trigger, error) {
	if id := fleet.ID(ref); id.Valid() {
		return r.Trigger(id)
	}
	return r.TriggerNamed(ref)
}

// change changes a trigger; revision 0 is any. Without a kind nothing changed.
func (t *Triggers) change(ctx context.Context, p auth.Principal, ref string, revision int64, do func(was fleet.Trigger, is *fleet.Trigger) (fleet.EventKind, error)) (out fleet.Trigger, err error) {
	var was fleet.Trigger
	if err := t.Store.View(ctx, p.Scope(), func(r store.Reader) error { was, err = findTrigger(r, ref); return err }); err != nil {
		return out, err
	}
	if revision != 0 && revision != was.Revision {
		return out, versionChanged("trigger", was.Name)
	}
	is := was
	is.UpdatedAt, is.UpdatedBy = t.Now(), p.Name
	kind, err := do(was, &is)
	if err != nil || kind == "" {
		return was, err
	}
	err = t.act(ctx, p, string(kind), fleet.SubjectTrigger, string(was.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		now, err := tx.TriggerToChange(was.ID)
		if err != nil {
			return err
		}
		if now.Revision != was.Revision {
			return versionChanged("trigger", was.Name)
		}
		out = is
		if kind == fleet.EventTriggerEnabled { // what came before is none of it
			out.Streak = 0
		}
		if kind == fleet.EventTriggerEnabled || was.Source() != is.Source() {
			out.Place, out.Fault = "", ""
			if out.Since, err = tx.Head(); err != nil {
				return err
			}
		} else {
			out.Place, out.Fault = now.Place, now.Fault // which may have moved since
		}
		d.Object.Name = was.Name
		var after any = out
		if !out.DeletedAt.IsZero() {
			after = nil
		}
		if err := errors.Join(changed(d, was, after), tx.PutTrigger(out)); err != nil {
			return err
		}
		out.Revision++
		return tx.Append(p.Tenant, triggerEvent(kind, p, &out, map[string]any{"note": out.Note}))
	})
	return out, err
}

// Update changes a trigger.
func (t *Triggers) Update(ctx context.Context, p auth.Principal, ref string, revision int64, c TriggerChange) (fleet.Trigger, error) {
	if err := p.Require(fleet.SchedulesWrite); err != nil {
		return fleet.Trigger{}, err
	}
	return t.change(ctx, p, ref, revision, func(was fleet.Trigger, is *fleet.Trigger) (fleet.EventKind, error) {
		c.apply(is)
		kind := fleet.EventTriggerUpdated
		switch {
		case is.Enabled && !was.Enabled:
			kind, is.Note = fleet.EventTriggerEnabled, ""
		case was.Enabled && !is.Enabled:
			kind = fleet.EventTriggerDisabled
		}
		return kind, t.check(ctx, p, &was, is)
	})
}

// Enable lets a trigger fire again, or disables it with a note. What comes while
// it is disabled is not made up for.
func (t *Triggers) Enable(ctx context.Context, p auth.Principal, ref string, enabled bool, note string) (fleet.Trigger, error) {
	if err := p.Require(fleet.SchedulesRun); err != nil {
		return fleet.Trigger{}, err
	}
	return t.change(ctx, p, ref, 0, func(was fleet.Trigger, is *fleet.Trigger) (fleet.EventKind, error) {
		if was.Enabled == enabled && (enabled || was.Note == note) {
			return "", nil
		}
		is.Enabled, is.Note = enabled, note
		if !enabled {
			return fleet.EventTriggerDisabled, is.Validate()
		}
		is.Note = ""
		return fleet.EventTriggerEnabled, t.check(ctx, p, &was, is)
	})
}

// Delete takes a trigger away. Its jobs go on, and its firings are kept for a while.
func (t *Triggers) Delete(ctx context.Context, p auth.Principal, ref string) error {
	if err := p.Require(fleet.SchedulesWrite); err != nil {
		return err
	}
	_, err := t.change(ctx, p, ref, 0, func(_ fleet.Trigger, is *fleet.Trigger) (fleet.EventKind, error) {
		is.DeletedAt, is.Enabled = t.Now(), false
		return fleet.EventTriggerDeleted, nil
	})
	return err
}

// TriggerView is a trigger with how many of its jobs have not ended.
type TriggerView struct {
	fleet.Trigger
	Active  int64
	Backlog *fleet.Backlog // of kind queue
}

// Get returns a trigger.
func (t *Triggers) Get(ctx context.Context, p auth.Principal, ref string) (out TriggerView, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return out, err
	}
	err = t.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		out = TriggerView{}
		if out.Trigger, err = findTrigger(r, ref); err != nil {
			return err
		}
		return t.look(r, &out)
	})
	return out, err
}

func (t *Triggers) look(r store.Reader, out *TriggerView) (err error) {
	if out.Queue == nil {
		out.Active, err = r.TriggerActive(out.ID)
		return err
	}
	b, err := r.Backlog(out.ID, out.Queue.QueueID)
	if errors.Is(err, fleet.ErrNotFound) { // its queue is gone
		out.Active, err = r.TriggerActive(out.ID)
		return err
	}
	out.Active, out.Backlog = b.Active, &b
	return err
}

// List returns all triggers by name.
func (t *Triggers) List(ctx context.Context, p auth.Principal) (out []TriggerView, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return nil, err
	}
	err = t.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		list, err := r.Triggers()
		if err != nil {
			return err
		}
		out = make([]TriggerView, len(list))
		for i := range list {
			out[i].Trigger = list[i]
			if err := t.look(r, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Firings lists what became of the occasions of a trigger, the newest first.
func (t *Triggers) Firings(ctx context.Context, p auth.Principal, ref string, outcome fleet.FiringOutcome, page fleet.Page) (list []fleet.Firing, next string, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return nil, "", err
	}
	if page, err = page.Normalize(); err != nil {
		return nil, "", err
	}
	if outcome != "" && !slices.Contains(fleet.FiringOutcomes(), outcome) {
		return nil, "", fleet.Invalid("outcome", "outcome must be one of %s; got %q.", fleet.Listed(fleet.FiringOutcomes()), string(outcome))
	}
	err = t.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		of, err := findTrigger(r, ref)
		if err != nil {
			return err
		}
		list, next, err = r.Firings(store.FiringFilter{Trigger: of.ID, Outcome: outcome}, page)
		return err
	})
	return list, next, err
}
