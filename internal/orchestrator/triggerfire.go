package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/hook"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// occasion is something that a trigger was told.
type occasion struct {
	key     string // names it; empty: it cannot come twice
	payload json.RawMessage
	about   any // what is kept of it
	depth   int // in a chain of triggers
	// held says that it lies where it is until it was dealt with; see holds.
	held bool
	also func(tx store.Tx) error // in the commit of what it became, unless it waits
}

// plan is what is to become of an occasion, with the job that it may start. The
// locks of the transaction that writes it have the last word.
type plan struct {
	trigger fleet.Trigger
	firing  store.NewFiring // accepted, or why not
	inputs  json.RawMessage
	job     submission // of accepted
	held    bool
	also    func(tx store.Tx) error
}

// errReplan says that a trigger has changed since the plan was made.
var errReplan = errors.New("the trigger has changed meanwhile")

// plan decides about an occasion, as far as that needs no lock.
func (t *Triggers) plan(ctx context.Context, of fleet.Trigger, o occasion) (pl plan, err error) {
	about, err := json.Marshal(o.about)
	if err != nil {
		return pl, fleet.Internal(err)
	}
	pl = plan{trigger: of, held: o.held, also: o.also, firing: store.NewFiring{Depth: o.depth, Firing: fleet.Firing{
		ID: t.IDs.New(), Tenant: of.Tenant, Trigger: of.ID, At: t.Now(), Outcome: fleet.FiringAccepted, Key: o.key, About: about,
	}}}
	if !placement.Holds(of.Filter, o.payload) {
		pl.not(fleet.FiringFiltered, "The filter does not hold.")
		return pl, nil
	}
	if o.depth > fleet.MaxTriggerDepth {
		pl.not(fleet.FiringRefused, fmt.Sprintf("It would be job %d in a chain of triggers: that is a loop.", o.depth))
		return pl, nil
	}
	inputs, missing, err := of.Fill(o.payload)
	if err != nil {
		return pl, err
	}
	if missing != "" {
		pl.not(fleet.FiringRefused, fmt.Sprintf("There is nothing at the pointer of input %q, and it has no default.", missing))
		return pl, nil
	}
	pl.inputs = inputs
	pl.job, err = t.jobs.prepare(ctx, auth.Trigger(of.Tenant, of.Name), requestOf(&of, inputs))
	if err == nil {
		err = ownParents(pl.job.first())
	}
	switch {
	case err != nil && passing(err):
		return pl, err
	case err != nil:
		pl.not(fleet.FiringRefused, refusal(err))
	default:
		pl.firing.JobID = pl.job.Job.ID
	}
	return pl, nil
}

func (pl *plan) not(outcome fleet.FiringOutcome, reason string) {
	pl.firing.Outcome, pl.firing.Reason, pl.firing.JobID = outcome, reason, ""
}

// admit lets the trigger, as it is under its lock, decide about a plan. wait is
// how long a trigger that cools does so still.
func (t *Triggers) admit(r store.Reader, pl *plan, now *fleet.Trigger) (wait time.Duration, err error) {
	if key := pl.firing.Key; key != "" {
		first, err := r.FiringOf(now.ID, key)
		if err == nil {
			pl.not(fleet.FiringDuplicate, "The same came before.")
			pl.firing.JobID = first.JobID
			return 0, nil
		}
		if !errors.Is(err, fleet.ErrNotFound) {
			return 0, err
		}
	}
	if pl.firing.Outcome == fleet.FiringFiltered && now.Enabled {
		return 0, nil
	}
	active, err := r.TriggerActive(now.ID)
	if err != nil {
		return 0, err
	}
	outcome, reason, wait := now.Admit(active, pl.firing.At)
	if outcome != fleet.FiringAccepted {
		pl.not(outcome, reason)
	}
	return wait, nil
}

// errJobRefused says that the store would not take the job of a plan.
var errJobRefused = errors.New("the job of a trigger was refused")

// commit writes a plan: the row, the job if there is one, and the events.
func (t *Triggers) commit(tx store.Tx, pl *plan) (wait time.Duration, err error) {
	now, err := tx.TriggerToChange(pl.trigger.ID)
	if err != nil {
		return 0, err
	}
	if now.Revision != pl.trigger.Revision {
		return 0, errReplan
	}
	if wait, err = t.admit(tx, pl, &now); err != nil {
		return 0, err
	}
	if pl.held {
		held, known, err := holds(tx, pl)
		switch {
		case err != nil || held && known:
			return wait, err
		case held:
			return wait, t.write(tx, pl)
		}
	}
	return wait, t.settle(tx, pl)
}

// settle stores a plan with what goes with it.
func (t *Triggers) settle(tx store.Tx, pl *plan) error {
	if pl.also != nil {
		if err := pl.also(tx); err != nil {
			return err
		}
	}
	return t.write(tx, pl)
}

// write stores a plan that was decided.
func (t *Triggers) write(tx store.Tx, pl *plan) error {
	p := auth.Trigger(pl.trigger.Tenant, pl.trigger.Name)
	if pl.firing.Outcome == fleet.FiringAccepted {
		d := p.Audit(string(fleet.EventTriggerFired), fleet.SubjectTrigger, string(pl.trigger.ID))
		d.Object.Name, d.After = pl.trigger.Name, map[string]any{"job_id": pl.firing.JobID}
		pl.job.Audit = &d
		out, err := insert(tx, []submission{pl.job})
		if err != nil {
			return err
		}
		if out[0].Err != nil {
			pl.not(fleet.FiringRefused, refusal(out[0].Err))
			return errJobRefused
		}
	}
	if err := tx.AddFirings([]store.NewFiring{pl.firing}); err != nil {
		return err
	}
	f, kind := &pl.firing, fleet.EventTriggerFired
	switch f.Outcome {
	case fleet.FiringFiltered, fleet.FiringDuplicate:
		return nil // that is as it should be
	case fleet.FiringAccepted:
	default:
		kind = fleet.EventTriggerSuppressed
	}
	more := map[string]any{"firing_id": f.ID, "outcome": f.Outcome}
	if f.JobID != "" {
		more["job_id"] = f.JobID
	}
	if f.Reason != "" {
		more["reason"] = f.Reason
	}
	e := triggerEvent(kind, p, &pl.trigger, more)
	return tx.Append(pl.trigger.Tenant, e)
}

// replans bounds how often a plan is made anew for a trigger that changes.
const replans = 20

// occur decides about one occasion and writes what became of it.
func (t *Triggers) occur(ctx context.Context, p auth.Principal, id fleet.ID, o occasion) (f fleet.Firing, wait time.Duration, err error) {
	for range replans {
		var of fleet.Trigger
		if err := t.Store.View(ctx, p.Scope(), func(r store.Reader) error { of, err = r.Trigger(id); return err }); err != nil {
			return f, 0, err
		}
		pl, err := t.plan(ctx, of, o)
		if err != nil {
			return f, 0, err
		}
		planned := pl.firing
		err = t.Store.Update(ctx, p.Scope(), func(tx store.Tx) (err error) {
			pl.firing = planned
			wait, err = t.commit(tx, &pl)
			return err
		})
		if errors.Is(err, errJobRefused) {
			err = t.Store.Update(ctx, p.Scope(), func(tx store.Tx) error { return t.settle(tx, &pl) })
		}
		switch {
		case errors.Is(err, errReplan), errors.Is(err, fleet.ErrConflict): // of the same key, at the same moment
			continue
		case err != nil:
			return f, 0, err
		}
		return pl.firing.Firing, wait, nil
	}
	return f, 0, fleet.Errorf(fleet.CodeConflict, "trigger_busy", "The trigger changes all the time.").WithFix("Try again.")
}

// WebhookCall is a web call as it came.
type WebhookCall struct {
	hook.Call
	Address string // of the sender
	Form    bool   // the body is a form; else it is JSON
}

// Call is told of a web call for a trigger. A call that does not prove that it
// may call leaves nothing behind. wait is how long a trigger that cools does so
// still.
func (t *Triggers) Call(ctx context.Context, p auth.Principal, id fleet.ID, c WebhookCall) (f fleet.Firing, wait time.Duration, err error) {
	var of fleet.Trigger
	var sealed []store.Sealed
	err = t.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if of, err = r.Trigger(id); err != nil || of.Webhook == nil {
			return err
		}
		name, _, _ := strings.Cut(of.Webhook.Secret, ".")
		sealed, err = r.Sealed(name)
		return err
	})
	if err != nil {
		return f, 0, err
	}
	if of.Webhook == nil {
		return f, 0, fleet.NotFound("webhook", string(id))
	}
	secret, err := t.secrets.opened(of.Webhook.Secret, sealed)
	if err != nil {
		return f, 0, err
	}
	if err := hook.Check(of.Webhook, secret, c.Call, t.Now()); err != nil {
		return f, 0, err
	}
	o := occasion{depth: 1, about: map[string]any{"address": c.Address, "bytes": len(c.Body)}}
	if o.key, err = hook.Delivery(of.Webhook, c.Call); err != nil {
		return f, 0, err
	}
	if o.payload, err = c.payload(); err != nil {
		return f, 0, err
	}
	return t.occur(ctx, p, id, o)
}

// payload is the body as JSON.
func (c *WebhookCall) payload() (json.RawMessage, error) {
	switch {
	case len(strings.TrimSpace(string(c.Body))) == 0:
		return json.RawMessage("{}"), nil
	case c.Form:
		values, err := url.ParseQuery(string(c.Body))
		if err != nil {
			return nil, fleet.Invalid("body", "The body is not a form that can be read.")
		}
		object := make(map[string]string, len(values))
		for name, list := range values {
			object[name] = list[0]
		}
		return json.Marshal(object)
	case !json.Valid(c.Body):
		return nil, fleet.Invalid("body", "The body is not JSON.")
	case fleet.Nesting(c.Body) > fleet.MaxNesting:
		return nil, fleet.Invalid("body", "The body may be nested %d deep.", fleet.MaxNesting)
	}
	return c.Body, nil
}

// Tried says what would become of an occasion.
type Tried struct {
	Outcome fleet.FiringOutcome
	Reason  string
	Inputs  json.RawMessage // of the job that would start
	Jobs    int64           // how many would
}

// Try says what a trigger would do with a payload now, and does nothing. One of a
// queue looks at its queue instead, and one of mail without a payload at the
// newest message.
func (t *Triggers) Try(ctx context.Context, p auth.Principal, ref string, payload json.RawMessage) (out Tried, err error) {
	if err := p.Require(fleet.SchedulesRun); err != nil {
		return out, err
	}
	view, err := t.Get(ctx, p, ref)
	if err != nil {
		return out, err
	}
	of := view.Trigger
	if of.Queue != nil && view.Backlog != nil {
		out.Jobs, out.Reason = of.Queue.Start(*view.Backlog)
		payload = backlogPayload(of.Queue, *view.Backlog)
	}
	if of.Email != nil && len(payload) == 0 {
		if payload, err = t.newestMail(ctx, p, of.ID); err != nil {
			if fleet.AsError(err).Code == fleet.CodeInternal {
				return out, err
			}
			return Tried{Outcome: fleet.FiringRefused, Reason: said(err)}, nil
		}
	}
	pl, err := t.plan(ctx, of, occasion{payload: payload, depth: 1})
	if err != nil {
		return out, err
	}
	err = t.Store.View(ctx, p.Scope(), func(r store.Reader) error { _, err := t.admit(r, &pl, &of); return err })
	if out.Outcome, out.Inputs = pl.firing.Outcome, pl.inputs; out.Outcome != fleet.FiringAccepted {
		out.Jobs, out.Reason = 0, pl.firing.Reason
	} else if of.Queue == nil {
		out.Jobs = 1
	}
	return out, err
}
