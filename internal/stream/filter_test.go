package stream

import (
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
