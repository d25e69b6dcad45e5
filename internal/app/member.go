package app

import (
	"context"
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/cluster"
)

// leaveTime bounds the good-bye to the other orchestrators, and what each last
// step of a stop has at least.
func (a *App) leaveTime() time.Duration { return min(3*time.Second, a.o.StopTimeout) }

// join makes this orchestrator a member, and its first look at the lease: an
// orchestrator that is alone does the chores from the start.
func (a *App) join(ctx context.Context, id fleet.ID, ids *fleet.IDs, exclusive bool) error {
	leader := &cluster.Leader{Store: a.store, Name: cluster.Chores, Member: id, Clock: time.Now, Logger: a.o.Logger}
	a.members = &cluster.Membership{
		Store: a.store, Self: fleet.Member{ID: id, Version: a.o.Version, Address: a.URL(), StartedAt: time.Now()},
		IDs: ids, Clock: time.Now, Now: time.Now, Logger: a.o.Logger, Exclusive: exclusive, Leader: leader,
		Rejoined: func() { a.gateway.Shed("this orchestrator was away; connect anew") },
	}
	if err := a.members.Join(ctx); err != nil {
		return err
	}
	a.push("membership", func(ctx context.Context) error {
		// Also when robots and requests took all the time there was: what is not
		// said now, the others wait for.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.leaveTime())
		defer cancel()
		return a.within(ctx, func() error { return errors.Join(leader.Release(ctx), a.members.Leave(ctx)) })
	})
	if !a.o.Local || exclusive {
		return leader.RunOnce(ctx)
	}
	if err := a.members.RunOnce(ctx); err != nil {
		return err
	}
	if n := len(a.members.Live()); n > 1 {
		return fleet.Errorf(fleet.CodeConflict, "not_alone", "Without keys an orchestrator must have its database for itself; %d others use this one.", n-1).
			WithFix("Give it a database of its own, or use keys. One that was killed counts for another half minute.")
	}
	return leader.RunOnce(ctx)
}

// health answers at once while the store is known to be away.
func (a *App) health(ctx context.Context) error {
	if err := a.reach.Fault(); err != nil {
		return err
	}
	return a.store.Health(ctx)
}
