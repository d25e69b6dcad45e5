package orchestrator

import (
	"testing"
	"time"
)

// Room is remembered for a moment and only while there is plenty, for each
// tenant by itself.
func TestRooms(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Pending = roomEnough + 2 })
	ample := func(after time.Duration) bool { return w.Jobs.rooms.ample(w.admin.Tenant, w.Jobs.Now().Add(after)) }
	if ample(0) {
		t.Error("nobody has counted yet")
	}
	w.submit()
	if !ample(0) || ample(roomMoment+time.Second) {
		t.Error("plenty of room is not remembered for a moment")
	}
	if w.Jobs.rooms.ample("globex", w.Jobs.Now()) {
		t.Error("another tenant's room was never counted")
	}
	w.submit()
	w.Jobs.rooms = rooms{}
	w.submit() // two wait: what is left is just enough, and that is not plenty
	if ample(0) {
		t.Error("too little room is remembered")
	}
}
