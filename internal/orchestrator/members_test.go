package orchestrator

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/store"
)

// members are the robots' use cases of two orchestrators on one PostgreSQL,
// with n robots of which nobody has heard yet.
func members(t *testing.T, n int) (out [2]*Robots, ids []fleet.RobotID, db [2]dbtest.Store) {
	t.Helper()
	db = dbtest.Members(t, dbtest.Options{Now: time.Now})
	for i := range out {
		out[i] = New(Options{
			Store: db[i], IDs: fleet.NewIDs(time.Now, rand.Reader), Now: time.Now, Logger: slog.New(slog.DiscardHandler),
			Chance: func() float64 { return 0 }, Limits: DefaultLimits(), Timing: func(string) fleet.Timing { return fleet.DefaultTiming() },
		}).Robots
	}
	for i := range n {
		id := fleet.RobotID(fmt.Sprintf("r%03d", i))
		ids = append(ids, id)
		err := db[0].Update(t.Context(), store.Tenant("default"), func(tx store.Tx) error {
			return tx.PutRobot(fleet.Robot{ID: id, Tenant: "default", Name: string(id), Environment: "default", CreatedAt: time.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out, ids, db
}

// together runs all at once and waits for them.
func together(t *testing.T, all ...func() error) {
	t.Helper()
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Each change of a robot writes its whole row. What one orchestrator changes is
// still there when another has changed something else at the same time.
func TestModesOnTwoMembers(t *testing.T) {
	m, ids, _ := members(t, 40)
	pool, at := "night", time.Now()
	m[1].Now = func() time.Time { return at.Add(time.Minute) } // the pauses of the first round are over
	var all []func() error
	for _, id := range ids {
		if _, _, err := m[0].SetMode(t.Context(), auth.Local(), id, fleet.CommandPause, fleet.ModeChange{Mode: fleet.ModePaused, For: time.Second}); err != nil {
			t.Fatal(err)
		}
		all = append(all, func() error {
			_, _, err := m[0].SetMode(t.Context(), auth.Local(), id, fleet.CommandMaintenance, fleet.ModeChange{Mode: fleet.ModeMaintenance, Note: "new disk"})
			return err
		}, func() error {
			_, err := m[1].Edit(t.Context(), auth.Local(), id, RobotChange{Pool: &pool})
			return err
		})
	}
	for range 4 {
		all = append(all, func() error { return m[1].KeepModes(t.Context(), store.System("test")) })
	}
	together(t, all...)
	for _, id := range ids {
		got, err := m[0].Get(t.Context(), auth.Local(), id)
		if err != nil || got.Mode != fleet.ModeMaintenance || got.ModeNote != "new disk" || got.Pool != pool {
			t.Errorf("%s is in mode %s (%q), pool %s: %v", id, got.Mode, got.ModeNote, got.Pool, err)
		}
	}
}
