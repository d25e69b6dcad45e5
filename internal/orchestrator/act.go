package orchestrator

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// act makes a change that somebody asked for, with the row of the audit that
// tells of it, in one transaction. do fills in what changed; without an action
// nothing did, and nothing is told.
func (c *core) act(ctx context.Context, p auth.Principal, action string, kind fleet.SubjectKind, id string, do func(tx store.Tx, d *fleet.AuditDraft) error) error {
	return c.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		d := p.Audit(action, kind, id)
		if err := do(tx, &d); err != nil || d.Action == "" {
			return err
		}
		return tx.Audit(p.Tenant, d)
	})
}

// changed notes the fields in which two things of a kind differ, by the names
// that the API gives them. Nil is a thing that is not there.
func changed(d *fleet.AuditDraft, before, after any) error {
	was, err := fieldsOf(before)
	if err != nil {
		return err
	}
	is, err := fieldsOf(after)
	if err != nil {
		return err
	}
	d.Before, d.After = map[string]any{}, map[string]any{}
	for name, value := range was {
		if !bytes.Equal(value, is[name]) {
			d.Before[name] = value
		}
	}
	for name, value := range is {
		if !bytes.Equal(value, was[name]) {
			d.After[name] = value
		}
	}
	return nil
}

func fieldsOf(v any) (map[string]json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	if v == nil {
		return fields, nil
	}
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		return nil, fleet.Internal(err)
	}
	return fields, nil
}
