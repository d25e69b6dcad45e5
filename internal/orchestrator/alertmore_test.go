package orchestrator

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// The channels of a rule change while an incident escalates: each is told once, and
// none is passed over.
func TestEscalationFollowsTheChannels(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	for _, name := range []string{"first", "second", "third"} {
		a.hook(name, false)
	}
	rule := func(channels ...fleet.ID) {
		t.Helper()
		_, err := a.Alerts.UpdateRule(a.Context(), a.admin, "dead_letter", 0, AlertRuleChange{Channels: &channels, EscalateAfterSeconds: new(300)})
		a.must(err)
	}
	told := func() (out []string) {
		for _, c := range a.out.calls {
			out = append(out, c.to[strings.LastIndex(c.to, "/")+1:])
		}
		return out
	}
	rule("first", "second", "third")
	a.failing(1)
	a.pass()
	a.later(5 * time.Minute)
	if got := fmt.Sprint(told()); got != "[first second]" {
		t.Fatal(got)
	}
	a.must(a.Alerts.DeleteChannel(a.Context(), a.admin, "first")) // the third is the second of two now
	a.later(5 * time.Minute)
	if got := fmt.Sprint(told()); got != "[first second third]" {
		t.Fatal(got)
	}
	a.hook("fourth", false)
	rule("fourth", "third", "second")
	a.later(time.Hour)
	if got := fmt.Sprint(told()); got != "[first second third]" { // its last step was over before
		t.Error(got)
	}
}

// What a rule names and is gone does not keep anybody from changing the rest of it.
func TestRuleWhoseChannelIsGoneCanBeChanged(t *testing.T) {
	a := newAlerting(t)
	a.hook("first", false)
	_, err := a.Alerts.CreateSilence(a.Context(), a.admin, SilenceChange{Name: new("night"), Rules: &[]fleet.ID{"brake"}, Until: new(a.now.Add(time.Hour))})
	a.must(err)
	_, err = a.Alerts.UpdateRule(a.Context(), a.admin, "dead_letter", 0, AlertRuleChange{Channels: &[]fleet.ID{"first"}, Silences: &[]fleet.ID{"night"}})
	a.must(err)
	a.must(a.Alerts.DeleteChannel(a.Context(), a.admin, "first"))
	a.must(a.Alerts.DeleteSilence(a.Context(), a.admin, "night"))
	rule, err := a.Alerts.UpdateRule(a.Context(), a.admin, "dead_letter", 0, AlertRuleChange{Enabled: new(false)})
	a.must(err)
	if rule.Enabled {
		t.Error("it is enabled")
	}
	_, err = a.Alerts.UpdateRule(a.Context(), a.admin, "dead_letter", 0, AlertRuleChange{Channels: &[]fleet.ID{rule.Channels[0], "log"}}) // one of them is new
	a.must(err)
	_, err = a.Alerts.UpdateRule(a.Context(), a.admin, "dead_letter", 0, AlertRuleChange{Channels: &[]fleet.ID{"nobody"}})
	a.is(err, fleet.CodeInvalid, "alert_channel_not_found")
	_, err = a.Alerts.Incidents(a.Context(), a.admin, IncidentQuery{State: "gone"}, fleet.Page{})
	if err == nil || !strings.Contains(err.Error(), "one of open, acknowledged, resolved, or live") {
		t.Errorf("%v", err)
	}
}

// A good test of a channel that was failing is a good notice.
func TestGoodTestEndsTheStreakOfAChannel(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	c := a.hook("team", true)
	a.out.fail = func() error { return errors.New("no") }
	a.failing(1)
	a.pass()
	a.later(time.Minute)
	streak := func() int64 {
		got, err := a.Alerts.Channel(a.Context(), a.admin, string(c.ID))
		a.must(err)
		return got.State.Streak
	}
	before := streak()
	fault, err := a.Alerts.TestChannel(a.Context(), a.admin, "team")
	a.must(err)
	if before == 0 || fault == "" || streak() != before {
		t.Errorf("a test that fails: %q, from %d to %d", fault, before, streak())
	}
	a.out.fail = nil
	fault, err = a.Alerts.TestChannel(a.Context(), a.admin, "team")
	a.must(err)
	if fault != "" || streak() != 0 {
		t.Errorf("a good one: %q, %d", fault, streak())
	}
}

// A robot that comes and goes is not told of each time: the second incident within an
// hour lasts until it has held for an hour.
func TestFlappingRobotIsLostOnce(t *testing.T) {
	a := newAlerting(t)
	holds := func(minutes int) {
		for range minutes {
			a.connect() // which is a sign of life too
			a.later(time.Minute)
		}
	}
	for range 10 {
		holds(6)
		var s fleet.Session
		a.must(a.store.View(a.Context(), a.admin.Scope(), func(r store.Reader) (err error) { s, err = r.OpenSession("r1"); return err }))
		a.must(a.Robots.Disconnect(a.Context(), a.robot, s, "the connection broke"))
		a.pass()
		a.later(3 * time.Minute)
	}
	if n := a.events(fleet.EventAlertOpened); n != 2 {
		t.Errorf("it was told of %d times, want 2", n)
	}
	if i := a.only(fleet.AlertRobotLost); i.Count != 10 {
		t.Errorf("it was gone %d times, want 10", i.Count)
	}
	holds(56)
	a.only(fleet.AlertRobotLost)
	holds(8)
	if n := len(a.live(fleet.AlertRobotLost)); n != 0 {
		t.Errorf("%d incidents after it held for an hour", n)
	}
}

// A robot that dies together with its orchestrator is as lost as any other: the
// sessions that are closed for it are told of, and what was only offered to it goes
// elsewhere.
func TestRobotLostWithItsOrchestrator(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	runs, offered := a.submit(), a.submit()
	a.start(runs)
	won, _, err := a.store.Assign(a.Context(), a.admin.Scope(), []store.Assignment{{
		Tenant: "default", JobID: offered.ID, Epoch: offered.Epoch, RobotID: "r1", SessionEpoch: a.epoch, AcceptWithin: time.Hour,
	}}, a.now)
	a.must(err)
	if len(won) != 1 {
		t.Fatal("the second job was not offered")
	}
	a.must(a.store.Update(a.Context(), store.System("cluster"), func(tx store.Tx) error {
		n, err := tx.CloseMember("m", a.now)
		if n != 1 {
			t.Errorf("%d sessions were closed, want 1", n)
		}
		return err
	}))
	if got := a.get(offered.ID).Job.State; got != fleet.Pending {
		t.Errorf("the job that was offered is %s", got)
	}
	if got := a.get(runs.ID).Job.State; got != fleet.Running {
		t.Errorf("the job that runs is %s: its lease decides", got)
	}
	a.pass()
	a.later(2 * time.Minute)
	i := a.only(fleet.AlertRobotLost)
	if i.Subject.ID != "r1" || !strings.Contains(string(i.Data), "member_gone") {
		t.Errorf("%+v %s", i, i.Data)
	}
	var d struct {
		Jobs  []fleet.ID `json:"orphaned_job_ids"`
		Epoch int64      `json:"session_epoch"`
	}
	a.must(a.store.View(a.Context(), a.admin.Scope(), func(r store.Reader) error {
		list, err := r.Events(store.EventFilter{Kinds: []fleet.EventKind{fleet.EventRobotDisconnected}, Limit: 10})
		if len(list) != 1 {
			t.Fatalf("%d events of it, want 1", len(list))
		}
		return errors.Join(err, json.Unmarshal(list[0].Data, &d))
	}))
	if len(d.Jobs) != 2 || d.Epoch != a.epoch {
		t.Errorf("the event says %+v", d)
	}
}
