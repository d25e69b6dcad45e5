package orchestrator

import (
	"context"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// IncidentQuery selects incidents; empty fields select all.
type IncidentQuery struct {
	State string // of those that people see, or live: open and acknowledged
	Rule  fleet.ID
	Kind  fleet.AlertKind
}

// IncidentList is a part of the incidents with the counts of those that are not
// resolved.
type IncidentList struct {
	Incidents []fleet.Incident
	Next      string
	Counts    store.IncidentCounts
}

// Incidents lists incidents, the newest first.
func (a *Alerts) Incidents(ctx context.Context, p auth.Principal, q IncidentQuery, page fleet.Page) (out IncidentList, err error) {
	if err := p.Require(fleet.AlertsRead); err != nil {
		return out, err
	}
	if page, err = page.Normalize(); err != nil {
		return out, err
	}
	f := store.IncidentFilter{State: fleet.IncidentState(q.State), Rule: q.Rule, Kind: q.Kind}
	if q.State == "live" {
		f.State, f.Live = "", true
	}
	if f.State != "" && !slices.Contains(fleet.IncidentStates(), f.State) {
		return out, fleet.Invalid("state", "state must be one of %s, or live; got %q.", fleet.Listed(fleet.IncidentStates()), string(f.State))
	}
	if f.Kind != "" && !slices.Contains(fleet.AlertKinds(), f.Kind) {
		return out, fleet.Invalid("kind", "kind must be one of %s; got %q.", fleet.Listed(fleet.AlertKinds()), string(f.Kind))
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out.Incidents, out.Next, err = r.Incidents(f, page); err != nil {
			return err
		}
		out.Counts, err = r.IncidentCounts()
		return err
	})
	return out, err
}

// Incident returns one with what was told of it.
func (a *Alerts) Incident(ctx context.Context, p auth.Principal, id fleet.ID) (out fleet.Incident, told []fleet.Notice, err error) {
	if err := p.Require(fleet.AlertsRead); err != nil {
		return out, nil, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out, err = r.Incident(id); err != nil {
			return err
		}
		if out.State == fleet.IncidentWatched {
			return fleet.NotFound("incident", string(id))
		}
		told, err = r.NoticesOf(id)
		return err
	})
	return out, told, err
}

// Acknowledge says that somebody looks after an incident: it escalates no more.
func (a *Alerts) Acknowledge(ctx context.Context, p auth.Principal, id fleet.ID, note string) (fleet.Incident, error) {
	return a.word(ctx, p, id, note, fleet.EventAlertAcknowledged, func(_ store.Tx, i *fleet.Incident) (bool, error) {
		if i.State != fleet.IncidentOpen {
			return false, nil
		}
		i.Acknowledge(p.Name, note, a.Now())
		return true, nil
	})
}

// Resolve ends an incident by hand.
func (a *Alerts) Resolve(ctx context.Context, p auth.Principal, id fleet.ID, note string) (fleet.Incident, error) {
	return a.word(ctx, p, id, note, fleet.EventAlertResolved, func(_ store.Tx, i *fleet.Incident) (bool, error) {
		if i.State == fleet.IncidentResolved {
			return false, nil
		}
		if note != "" {
			i.Note = note
		}
		i.Resolve(p.Name, a.Now())
		return true, nil
	})
}

// word writes what a person says of an incident; where that is so already, nothing
// changes.
func (a *Alerts) word(ctx context.Context, p auth.Principal, id fleet.ID, note string, kind fleet.EventKind, do func(tx store.Tx, i *fleet.Incident) (bool, error)) (out fleet.Incident, err error) {
	if err := p.Require(fleet.AlertsRun); err != nil {
		return out, err
	}
	if len([]rune(note)) > fleet.MaxAlertText {
		return out, fleet.Invalid("note", "note may have at most %d characters.", fleet.MaxAlertText)
	}
	err = a.act(ctx, p, string(kind), fleet.SubjectIncident, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		i, err := tx.IncidentToChange(id)
		if err == nil && i.State == fleet.IncidentWatched {
			err = fleet.NotFound("incident", string(id))
		}
		if err != nil {
			return err
		}
		d.Object.Name = i.Title
		d.Before = map[string]any{"state": i.State}
		changes, err := do(tx, &i)
		out = i
		if err != nil || !changes {
			d.Action = ""
			return err
		}
		d.After = map[string]any{"state": i.State, "note": note}
		if kind == fleet.EventAlertResolved {
			set, err := readAlerts(tx, p.Tenant)
			if err != nil {
				return err
			}
			return a.resolved(tx, &set, &i, p)
		}
		if err := tx.PutIncident(i); err != nil {
			return err
		}
		return tx.Append(p.Tenant, incidentEvent(kind, p, &i, map[string]any{"note": note}))
	})
	return out, err
}

// Prune takes away incidents that were resolved before a time. It returns how many
// went.
func (a *Alerts) Prune(ctx context.Context, s store.Scope, before time.Time, step int) (n int, err error) {
	for took := step; err == nil && took >= step; n += took {
		err = a.Store.Update(ctx, s, func(tx store.Tx) (err error) { took, err = tx.PruneIncidents(before, step); return err })
	}
	return n, err
}
