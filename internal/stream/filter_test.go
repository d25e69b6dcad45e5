package stream

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// TestGoneOfABoundCredential: who may see one environment only is told of a robot
// of it that is gone, and of no other.
func TestGoneOfABoundCredential(t *testing.T) {
	for env, want := range map[string]bool{"prod": true, "lab": false} {
		f := &fact{gone: true, event: fleet.Event{
			Kind: fleet.EventRobotDeleted, Subject: fleet.EventSubject{Kind: fleet.SubjectRobot, ID: "bot-1"}, Data: []byte(`{"name":"x","environment":"prod"}`),
		}}
		f.env = lastHome(&f.event)
		f.split()
		reader := filter{topics: []string{topicRobots}, who: auth.Principal{Tenant: "default", Environments: []string{env}}}
		told := slices.ContainsFunc(f.parts, reader.wants)
		if told != want {
			t.Errorf("bound to %s: told %v, want %v", env, told, want)
		}
	}
}

// TestMovedToAnotherEnvironment: who sees only the environment that a robot left
// is told that it is gone, who sees the new one gets its row, and nobody both.
func TestMovedToAnotherEnvironment(t *testing.T) {
	f := &fact{
		env: "lab", v: 7, robot: &fleet.Robot{ID: "bot-1", Environment: "lab"},
		event: fleet.Event{
			Kind: fleet.EventRobotUpdated, Subject: fleet.EventSubject{Kind: fleet.SubjectRobot, ID: "bot-1"},
			Data: []byte(`{"name":"x","from_environment":"prod"}`),
		},
	}
	f.split()
	for _, c := range []struct{ bound, asked, want []string }{
		{bound: []string{"prod"}, want: []string{opDel}},
		{bound: []string{"lab"}, want: []string{opPut}},
		{bound: []string{"prod", "lab"}, want: []string{opPut}},
		{asked: []string{"prod"}, want: []string{opDel}},
		{want: []string{opPut}},
		{bound: []string{"test"}},
	} {
		reader := filter{topics: []string{topicRobots}, envs: c.asked, who: auth.Principal{Tenant: "default", Environments: c.bound}}
		var got []string
		for _, p := range f.parts {
			if reader.wants(p) {
				var told change
				if err := json.Unmarshal(p.json(), &told); err != nil {
					t.Fatal(err)
				}
				got = append(got, told.Op)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("bound to %v, asked for %v: told %v, want %v", c.bound, c.asked, got, c.want)
		}
	}
}

// TestTopicOf: what a page must hear of has a topic. A calendar moves the runs of schedules.
func TestTopicOf(t *testing.T) {
	for kind, want := range map[fleet.EventKind]string{
		fleet.EventScheduleFired: topicSchedules, fleet.EventTriggerFired: topicSchedules,
		fleet.EventCalendarCreated: topicSchedules, fleet.EventCalendarUpdated: topicSchedules, fleet.EventCalendarDeleted: topicSchedules,
	} {
		if got := topicOf(&fleet.Event{Kind: kind}); got != want {
			t.Errorf("%s: topic %q, want %q", kind, got, want)
		}
	}
}

// TestOnesOwnViewIsToldToNobodyElse: what becomes of somebody's own view is for them
// alone, and of a shared one for all.
func TestOnesOwnViewIsToldToNobodyElse(t *testing.T) {
	for data, want := range map[string][]bool{
		`{"name":"mine","owner":"u-1"}`:  {true, false},
		`{"name":"ours","shared":true}`:  {true, true},
		`{"name":"hers","owner":"u-12"}`: {false, false},
	} {
		f := &fact{event: fleet.Event{
			Kind: fleet.EventViewUpdated, Subject: fleet.EventSubject{Kind: fleet.SubjectView, ID: "v"}, Data: []byte(data),
		}}
		f.split()
		for i, user := range []fleet.ID{"u-1", "u-2"} {
			reader := filter{topics: []string{topicEvents, topicActivity}, who: auth.Principal{Tenant: "default", UserID: user}}
			if told := slices.ContainsFunc(f.parts, reader.wants); told != want[i] {
				t.Errorf("%s, told to %s: %v, want %v", data, user, told, want[i])
			}
		}
	}
}
