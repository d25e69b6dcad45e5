package storetest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func commandTests() map[string]func(f *Fixture) {
	add := func(f *Fixture, robot fleet.RobotID, kind fleet.CommandKind) (c fleet.Command, added bool) {
		c = fleet.Command{
			ID: f.IDs.New(), Tenant: f.Tenant, RobotID: robot, Kind: kind, State: fleet.CommandRequested, By: "ada", InstanceID: "i-1",
			Message: "why", CreatedAt: f.Now, ExpiresAt: f.Now.Add(time.Minute),
		}
		f.Update(func(tx store.Tx) (err error) { added, err = tx.AddCommand(c); return err })
		return c, added
	}
	move := func(f *Fixture, c fleet.Command, from fleet.CommandState) (ok bool) {
		f.Update(func(tx store.Tx) (err error) { ok, err = tx.MoveCommand(c, from); return err })
		return ok
	}
	return map[string]func(f *Fixture){
		"one open command of each kind": func(f *Fixture) {
			first, added := add(f, "r1", fleet.CommandRestart)
			is(f, "added", added, true)
			_, added = add(f, "r1", fleet.CommandRestart)
			is(f, "a second of the kind", added, false)
			_, added = add(f, "r1", fleet.CommandShutdown)
			is(f, "another kind", added, true)
			_, added = add(f, "r2", fleet.CommandRestart)
			is(f, "another robot", added, true)
			f.View(func(r store.Reader) error {
				got, err := r.Command(first.ID)
				if d := cmp.Diff(first, got); d != "" {
					f.Errorf("(-want +got):\n%s", d)
				}
				open, oerr := r.OpenCommands("r1")
				is(f, "open", len(open), 2)
				return errors.Join(err, oerr)
			})
			from, _ := first.Deliver("i-2", f.Now.Add(time.Second))
			is(f, "delivered", move(f, first, from), true)
			is(f, "delivered again", move(f, first, from), false)
			from, _ = first.Refuse("no", f.Now.Add(2*time.Second))
			is(f, "ended", move(f, first, from), true)
			f.View(func(r store.Reader) error {
				got, err := r.Command(first.ID)
				if d := cmp.Diff(first, got); d != "" {
					f.Errorf("(-want +got):\n%s", d)
				}
				return err
			})
			_, added = add(f, "r1", fleet.CommandRestart)
			is(f, "after its end", added, true)
		},
		"commands are listed newest first, by tenant": func(f *Fixture) {
			var want []fleet.ID
			for range 5 {
				c, _ := add(f, "r1", fleet.CommandRestart)
				from, _ := c.Refuse("", f.Now)
				move(f, c, from)
				want = append([]fleet.ID{c.ID}, want...)
			}
			o := f.Other("globex")
			theirs, _ := add(o, "r1", fleet.CommandRestart)
			var got []fleet.ID
			f.View(func(r store.Reader) error {
				for p := (fleet.Page{Limit: 2}); ; {
					list, next, err := r.Commands("r1", p)
					for _, c := range list {
						got = append(got, c.ID)
					}
					if p.Cursor = next; next == "" || err != nil {
						return err
					}
				}
			})
			if d := cmp.Diff(want, got); d != "" {
				f.Errorf("(-want +got):\n%s", d)
			}
			f.View(func(r store.Reader) error {
				_, err := r.Command(theirs.ID)
				is(f, "another tenant's", errors.Is(err, fleet.ErrNotFound), true)
				open, err := r.OpenCommands("r1")
				is(f, "open of another tenant", len(open), 0)
				return err
			})
		},
		"commands run out": func(f *Fixture) {
			c, _ := add(f, "r1", fleet.CommandRestart)
			due := func(at time.Time) (n int) {
				f.System(func(r store.Reader) error {
					list, err := r.DueCommands(at, 10)
					n = len(list)
					return err
				})
				return n
			}
			is(f, "before", due(c.ExpiresAt.Add(-time.Microsecond)), 0)
			is(f, "then", due(c.ExpiresAt), 1)
			from, _ := c.Expire(c.ExpiresAt)
			is(f, "expired", move(f, c, from), true)
			is(f, "after", due(c.ExpiresAt), 0)
		},
	}
}
