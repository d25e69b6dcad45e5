package orchestrator

import (
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Tags are laid on many robots, and robots are deleted, as one operation that
// tells of each; only who manages robots may ask for it.
func TestBulkManages(t *testing.T) {
	w := newWorld(t)
	w.connect()
	for _, id := range []fleet.RobotID{"r2", "r3"} {
		_, err := w.Robots.Register(t.Context(), w.admin, fleet.Robot{ID: id})
		w.must(err)
	}
	do := func(b fleet.Bulk, ids ...fleet.RobotID) (fleet.Bulk, []fleet.BulkTarget) {
		t.Helper()
		b.StopPercent = 100
		made, err := w.Robots.StartBulk(t.Context(), w.admin, BulkRequest{Bulk: b, Robots: ids})
		w.must(err)
		w.must(w.Robots.KeepBulks(t.Context(), store.System("test")))
		now, targets, err := w.Robots.Bulk(t.Context(), w.admin, made.ID)
		w.must(err)
		return now, targets
	}
	tags := func(id fleet.RobotID) []string {
		t.Helper()
		r, err := w.Robots.Look(t.Context(), w.admin, id)
		w.must(err)
		return r.Tags
	}
	b, _ := do(fleet.Bulk{Kind: fleet.BulkTag, AddTags: fleet.Capabilities{"east", "night"}}, "r1", "r2")
	if b.State != fleet.BulkCompleted || b.Done != 2 || !slices.Equal(tags("r1"), []string{"east", "night"}) || len(tags("r3")) != 0 {
		t.Errorf("tagged: %+v, %v", b, tags("r1"))
	}
	do(fleet.Bulk{Kind: fleet.BulkTag, AddTags: fleet.Capabilities{"west"}, RemoveTags: fleet.Capabilities{"east"}}, "r1", "r3")
	if !slices.Equal(tags("r1"), []string{"night", "west"}) || !slices.Equal(tags("r3"), []string{"west"}) {
		t.Errorf("tagged anew: %v %v", tags("r1"), tags("r3"))
	}
	w.connect() // what a person has set stays
	if !slices.Equal(tags("r1"), []string{"night", "west"}) {
		t.Errorf("after it connected: %v", tags("r1"))
	}
	b, targets := do(fleet.Bulk{Kind: fleet.BulkDelete}, "r1", "r2")
	if b.State != fleet.BulkCompleted || b.Done != 2 || len(targets) != 2 {
		t.Errorf("deleted: %+v", b)
	}
	list, err := w.Robots.List(t.Context(), w.admin, store.RobotFilter{}, fleet.Page{})
	w.must(err)
	if list.Total != 1 || list.Robots[0].ID != "r3" {
		t.Errorf("left: %+v", list)
	}
	if got := w.count("events where kind = 'robot.deleted'"); got != "2" {
		t.Errorf("told of %s deletions, want 2", got)
	}
	_, err = w.Robots.StartBulk(t.Context(), w.admin, BulkRequest{Bulk: fleet.Bulk{Kind: fleet.BulkTag, Size: 1}, Robots: []fleet.RobotID{"r3"}})
	w.is(err, fleet.CodeInvalid, "invalid_field")
	keys := auth.NewKeys(w.store, fleet.NewIDs(func() time.Time { return w.now }, zeros{}), counter(), func() time.Time { return w.now })
	operator := w.caller(keys, "default", fleet.RoleOperator)
	_, err = w.Robots.StartBulk(t.Context(), operator, BulkRequest{Bulk: fleet.Bulk{Kind: fleet.BulkDelete}, Robots: []fleet.RobotID{"r3"}})
	w.is(err, fleet.CodeForbidden, "forbidden")
}
