package orchestrator

import (
	"encoding/json"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// Whichever way a robot comes into another environment, its event tells which one
// it left, so that those who see only that one lose it from sight.
func TestMovedRobotTellsWhereItWas(t *testing.T) {
	w := newWorld(t)
	last := func() (from string) {
		t.Helper()
		list, err := w.store.TailEvents(t.Context(), w.admin.Scope(), "default", 0, 1000)
		w.must(err)
		for _, e := range list {
			var data struct {
				From string `json:"from_environment"`
			}
			if e.Subject.Kind == fleet.SubjectRobot {
				w.must(json.Unmarshal(e.Data, &data))
				from = data.From
			}
		}
		return from
	}
	w.connect()
	if from := last(); from != "" {
		t.Errorf("a new robot came from %q", from)
	}
	home := w.robot.Environment
	w.robot = auth.Robot("default", "r1", "lab")
	w.connect()
	if from := last(); from != home {
		t.Errorf("connected from %q, want %q", from, home)
	}
	w.connect()
	if from := last(); from != "" {
		t.Errorf("at home it came from %q", from)
	}
	_, err := w.Robots.Edit(t.Context(), w.admin, "r1", RobotChange{Environment: new("prod")})
	w.must(err)
	if from := last(); from != "lab" {
		t.Errorf("edited from %q, want lab", from)
	}
	_, err = w.Robots.Register(t.Context(), w.admin, fleet.Robot{ID: "r1", Name: "r1", Environment: "test"})
	w.must(err)
	if from := last(); from != "prod" {
		t.Errorf("registered from %q, want prod", from)
	}
}
