package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func TestFleetState(t *testing.T) {
	w := newWorld(t)
	w.connect("gpu")
	w.start(w.submit())
	for range 2 {
		w.submit(func(r *SubmitRequest) { r.Placement.Capabilities = fleet.Capabilities{"gpu"} })
	}
	w.now = w.now.Add(time.Minute)
	bucket := func(span fleet.RollupSpan, tally fleet.Tally) (fleet.RollupKey, *fleet.Tally) {
		return fleet.RollupKey{Span: span, At: span.Floor(w.now.Add(-10 * time.Minute)), Dim: fleet.DimRobot, Key: "r1"}, &tally
	}
	rows := fleet.Rollup{}
	for _, span := range fleet.RollupSpans() {
		key, tally := bucket(span, fleet.Tally{Disconnects: 4, Completed: 3, Failed: 1})
		rows[key] = tally
	}
	w.must(w.store.Update(t.Context(), w.admin.Scope(), func(tx store.Tx) error {
		_, err := tx.AddReadings("default", w.now, rows)
		return err
	}))
	out, err := w.Robots.FleetState(t.Context(), w.admin, true)
	w.must(err)
	gpu := out.Capacity[2]
	if gpu.Capability != "gpu" || gpu.Slots != 10 || gpu.Used != 1 || gpu.Free+gpu.Held != 9 || gpu.Waiting != 2 || gpu.Sampled != 2 || gpu.MeanWaitMS < 60_000 {
		t.Errorf("gpu = %+v", gpu)
	}
	if len(out.Flapping) != 1 || out.Flapping[0].RobotID != "r1" || out.Flapping[0].Disconnects != 4 {
		t.Errorf("flapping = %+v", out.Flapping)
	}
	if out.Success["r1"] != 75 {
		t.Errorf("success = %v", out.Success)
	}
	if out, err := w.Robots.FleetState(t.Context(), w.admin, false); err != nil || out.Success != nil {
		t.Errorf("nobody asked for success: %v %v", out.Success, err)
	}
	bound := w.admin
	bound.Environments = []string{"default"}
	_, err = w.Robots.FleetState(t.Context(), bound, false)
	w.is(err, fleet.CodeForbidden, "environment_bound")
}

func TestHealthOfNamedRobots(t *testing.T) {
	w := newWorld(t)
	w.connect()
	job := w.submit()
	w.start(job)
	out, err := w.Robots.HealthOf(t.Context(), w.admin, []fleet.RobotID{"r1", "nobody", "r1"})
	w.must(err)
	if len(out.Robots) != 1 || len(out.Robots[0].Jobs) != 1 || out.Robots[0].Jobs[0].ID != job.ID || out.Robots[0].Jobs[0].Workflow == "" {
		t.Errorf("health = %+v", out)
	}
	_, err = w.Robots.HealthOf(t.Context(), w.admin, make([]fleet.RobotID, 101))
	w.is(err, fleet.CodeInvalid, "invalid_field")
}

// Two machines use one id: the second one is refused, and the log tells of both,
// though the second one tries every few seconds.
func TestDoubledRobotIsTold(t *testing.T) {
	w := newWorld(t)
	w.connect()
	other := func() {
		t.Helper()
		_, err := w.Robots.Connect(t.Context(), w.robot, Hello{
			Member: "m", Transport: "ws2", InstanceID: "another", JournalID: "j2", Hostname: "h2", Slots: 1,
		}, "token2")
		w.is(err, fleet.CodeConflict, "robot_id_in_use")
	}
	told := func() []fleet.Event {
		t.Helper()
		list, _, err := w.Events.List(t.Context(), w.admin, store.EventFilter{Kinds: []fleet.EventKind{fleet.EventRobotConflict}})
		w.must(err)
		return list
	}
	other()
	other()
	list := told()
	if len(list) != 1 || list[0].Subject.ID != "r1" || string(list[0].Data) != `{"hostname":"h","other_hostname":"h2"}` {
		t.Fatalf("told = %+v", list)
	}
	row := func() fleet.Robot {
		t.Helper()
		got, err := w.Robots.Get(t.Context(), w.admin, "r1")
		w.must(err)
		return got
	}
	if r := row(); r.DuplicateOf != "h2" || r.Hostname != "h" {
		t.Errorf("the row says %q is doubled by %q", r.Hostname, r.DuplicateOf)
	}
	w.now = w.now.Add(time.Hour)
	w.connect()
	if r := row(); r.DuplicateOf != "h2" {
		t.Errorf("its next connection forgets the other machine: %q", r.DuplicateOf)
	}
	other()
	if list := told(); len(list) != 2 {
		t.Errorf("after an hour it was told %d times, want 2", len(list))
	}
}

// The offset of its clock is what the robot said of the time when it came, and
// what a later heartbeat showed.
func TestClockOfARobot(t *testing.T) {
	w := newWorld(t)
	hello := Hello{Member: "m", Transport: "ws2", InstanceID: "i", JournalID: "j", Hostname: "h", Slots: 1, Clock: w.now.Add(-90 * time.Second)}
	_, err := w.Robots.Connect(t.Context(), w.robot, hello, "token")
	w.must(err)
	check := func() fleet.HealthCheck {
		t.Helper()
		h, err := w.Robots.Health(t.Context(), w.admin, "r1")
		w.must(err)
		for _, c := range h.Checks {
			if c.Name == "clock_offset" {
				return c
			}
		}
		t.Fatalf("no clock among %+v", h.Checks)
		return fleet.HealthCheck{}
	}
	if c := check(); c.State != fleet.HealthFailing || c.Value != 90 {
		t.Errorf("at its hello: %+v", c)
	}
	w.must(w.Robots.NoteClock(t.Context(), w.robot, time.Second))
	if c := check(); c.State != fleet.HealthHealthy || c.Value != 1 {
		t.Errorf("after it was set: %+v", c)
	}
}
