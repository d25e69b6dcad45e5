package stream

import (
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// An entry says in words what it is about; an id alone says nothing to people.
func TestActivityNamesItsSubject(t *testing.T) {
	item := fleet.EventSubject{Kind: fleet.SubjectItem, ID: "01939c3e-7b1a-7c3d-8e4f-0123456789ab"}
	robot := fleet.EventSubject{Kind: fleet.SubjectRobot, ID: "r1"}
	for want, e := range map[string]fleet.Event{
		"Item 4711 failed": {Kind: fleet.EventItemFailed, Subject: item, Data: []byte(`{"queue_id": "q", "reference": "4711"}`)},
		"Item 01939c3e-7b1a-7c3d-8e4f-0123456789ab failed": {Kind: fleet.EventItemFailed, Subject: item},
		"Robot Desk is online":                             {Kind: fleet.EventRobotConnected, Subject: robot, Data: []byte(`{"name": "Desk"}`)},
		"Robot r1 is offline":                              {Kind: fleet.EventRobotDisconnected, Subject: robot},
	} {
		a, ok := activityOf(&e, nil)
		if !ok || a.Title != want {
			t.Errorf("got %q, want %q", a.Title, want)
		}
	}
}
