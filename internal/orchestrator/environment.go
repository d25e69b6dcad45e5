package orchestrator

import (
	"context"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Environments are the use cases of those who set what holds for a whole
// environment.
type Environments struct{ *core }

// List returns the environments of which something is set and those that robots
// live in, by name.
func (e *Environments) List(ctx context.Context, p auth.Principal) (out []fleet.Environment, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return nil, err
	}
	err = e.Store.View(ctx, p.Reach(), func(r store.Reader) error {
		if out, err = r.Environments(); err != nil {
			return err
		}
		robots, err := e.robots(r, e.Now())
		for i := range robots {
			if x := &robots[i]; settings(out, x.Tenant, x.Environment) == nil {
				out = append(out, fleet.Environment{Tenant: x.Tenant, Name: x.Environment})
			}
		}
		return err
	})
	for i := range out {
		out[i] = e.applied(out[i])
	}
	slices.SortFunc(out, func(a, b fleet.Environment) int {
		if a.Tenant != b.Tenant {
			return strings.Compare(string(a.Tenant), string(b.Tenant))
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, err
}

// applied fills in what follows from the settings of an environment.
func (e *Environments) applied(x fleet.Environment) fleet.Environment {
	x.Applied = x.Timing(e.core.Timing(x.Name)).Shown()
	return x
}

// settings finds an environment in a list; nil if it is not there.
func settings(list []fleet.Environment, tenant fleet.TenantID, name string) *fleet.Environment {
	for i := range list {
		if list[i].Tenant == tenant && list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// Get returns what is set of an environment; of one that nobody has heard of
// nothing is.
func (e *Environments) Get(ctx context.Context, p auth.Principal, name string) (out fleet.Environment, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return out, err
	}
	if err := fleet.ValidateEnvironment(name); err != nil {
		return out, err
	}
	out = fleet.Environment{Tenant: p.Tenant, Name: name}
	err = e.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		list, err := r.Environments()
		if have := settings(list, p.Tenant, name); have != nil {
			out = *have
		}
		return err
	})
	return e.applied(out), err
}

// Put sets an environment. Jobs that wait are looked at anew at once.
func (e *Environments) Put(ctx context.Context, p auth.Principal, in fleet.Environment) (fleet.Environment, error) {
	if err := p.Require(fleet.RobotsManage); err != nil {
		return in, err
	}
	if err := in.Validate(); err != nil {
		return in, err
	}
	if err := in.ValidateTiming(e.Timing(in.Name)); err != nil {
		return in, err
	}
	in.Applied, in.Tenant, in.UpdatedAt, in.UpdatedBy = nil, p.Tenant, e.Now(), p.Name
	return e.applied(in), e.act(ctx, p, "environment.update", fleet.SubjectEnvironment, in.Name, func(tx store.Tx, d *fleet.AuditDraft) error {
		list, err := tx.Environments()
		if err != nil {
			return err
		}
		var before fleet.Environment
		if have := settings(list, p.Tenant, in.Name); have != nil {
			before = *have
		} else if len(list) >= fleet.MaxEnvironments {
			return fleet.Invalid("name", "At most %d environments may have settings.", fleet.MaxEnvironments)
		}
		if err := changed(d, before, in); err != nil {
			return err
		}
		if err := tx.PutEnvironment(in); err != nil {
			return err
		}
		return tx.Append(p.Tenant, fleet.EventDraft{
			Kind: fleet.EventEnvironmentChanged, Subject: fleet.SubjectEnvironment, SubjectID: in.Name, Actor: p.Name,
			Data: map[string]any{
				"strict": in.Strict, "age_step_seconds": in.AgeStepSeconds, "strict_before": before.Strict, "age_step_seconds_before": before.AgeStepSeconds,
				"production": in.Production, "production_before": before.Production,
				"lost_after_seconds": in.LostAfterSeconds, "lost_after_seconds_before": before.LostAfterSeconds,
			},
		})
	})
}
