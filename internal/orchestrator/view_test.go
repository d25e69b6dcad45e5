package orchestrator

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// TestViewsAreOnesOwnOrShared: what is one's own nobody else sees, and what is
// shared those change who may run jobs.
func TestViewsAreOnesOwnOrShared(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ada, robot := auth.Schedule("default", "ada"), w.robot // an operator, and somebody who may see no lists
	viewer := auth.Webhook("default", "vera")
	make1 := func(p auth.Principal, name string, shared bool) (fleet.View, error) {
		page := "jobs"
		return w.Views.Create(ctx, p, ViewChange{Page: &page, Name: &name, Shared: &shared})
	}
	own, err := make1(ada, "mine", false)
	w.must(err)
	shared, err := make1(ada, "ours", true)
	w.must(err)
	if _, err := make1(viewer, "hers", true); fleet.AsError(err).Code != fleet.CodeForbidden {
		t.Errorf("a viewer shares: %v", err)
	}
	_, err = make1(viewer, "mine", false) // of another owner: no clash
	w.must(err)
	if _, err := make1(robot, "x", false); fleet.AsError(err).Code != fleet.CodeForbidden {
		t.Errorf("a robot: %v", err)
	}
	list, err := w.Views.List(ctx, viewer, "jobs")
	w.must(err)
	if len(list) != 2 || list[0].Name != "mine" || list[0].ID == own.ID || list[1].ID != shared.ID {
		t.Errorf("a viewer sees %+v", list)
	}
	name, no, yes := "new", false, true
	if _, err := w.Views.Update(ctx, viewer, own.ID, ViewChange{Name: &name}); fleet.AsError(err).Code != fleet.CodeNotFound {
		t.Errorf("somebody else's: %v", err)
	}
	if _, err := w.Views.Update(ctx, viewer, list[0].ID, ViewChange{Shared: &yes}); fleet.AsError(err).Code != fleet.CodeForbidden {
		t.Errorf("a viewer makes a shared one of their own: %v", err)
	}
	if err := w.Views.Delete(ctx, viewer, shared.ID); fleet.AsError(err).Code != fleet.CodeForbidden {
		t.Errorf("a viewer deletes a shared one: %v", err)
	}
	got, err := w.Views.Update(ctx, ada, shared.ID, ViewChange{Shared: &no})
	if err != nil || got.Shared || got.Revision != 2 {
		t.Errorf("taken back: %+v, %v", got, err)
	}
	w.must(w.Views.Delete(ctx, ada, shared.ID))
	if list, err = w.Views.List(ctx, w.admin.In("acme"), ""); err != nil || len(list) != 0 {
		t.Errorf("in another tenant: %+v, %v", list, err)
	}
}

// TestViewsAreToldToThoseWhoSeeThem: each change is an event, of a shared view for
// all, of one's own for its owner alone; what is left out makes no page short.
func TestViewsAreToldToThoseWhoSeeThem(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ada, vera := auth.Schedule("default", "ada"), auth.Webhook("default", "vera")
	_, start, err := w.Events.List(ctx, ada, EventFilter{})
	w.must(err)
	page, yes, no := "jobs", true, false
	change := func(name string, shared *bool) ViewChange {
		return ViewChange{Page: &page, Name: &name, Shared: shared}
	}
	mine, err := w.Views.Create(ctx, ada, change("mine", &no))
	w.must(err)
	_, err = w.Views.Update(ctx, ada, mine.ID, change("mine too", nil))
	w.must(err)
	_, err = w.Views.Create(ctx, vera, change("hers", &no))
	w.must(err)
	ours, err := w.Views.Create(ctx, ada, change("ours", &yes))
	w.must(err)
	_, err = w.Views.Update(ctx, ada, ours.ID, change("ours too", nil))
	w.must(err)
	_, err = w.Views.Update(ctx, ada, ours.ID, change("mine now", &no)) // gone for all others
	w.must(err)
	w.must(w.Views.Delete(ctx, ada, ours.ID))
	read := func(p auth.Principal, limit int) (out []string) {
		for after := start; ; {
			list, _, err := w.Events.List(ctx, p, EventFilter{After: after, Limit: limit})
			w.must(err)
			for i := range list {
				var data struct{ Name string }
				w.must(json.Unmarshal(list[i].Data, &data))
				out = append(out, string(list[i].Kind)+" "+data.Name)
			}
			if len(list) < limit {
				return out
			}
			after = list[len(list)-1].Seq
		}
	}
	all := []string{"view.created ours", "view.updated ours too", "view.deleted ours too"}
	for limit := 1; limit <= 10; limit++ {
		if got, want := read(vera, limit), slices.Concat([]string{"view.created hers"}, all); !slices.Equal(got, want) {
			t.Errorf("vera, %d at once: %v, want %v", limit, got, want)
		}
		want := slices.Concat([]string{"view.created mine", "view.updated mine too"}, all, []string{"view.created mine now", "view.deleted mine now"})
		if got := read(ada, limit); !slices.Equal(got, want) {
			t.Errorf("ada, %d at once: %v, want %v", limit, got, want)
		}
	}
}
