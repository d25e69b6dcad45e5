package gateway_test

import (
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

func TestResume(t *testing.T) {
	w := newWorld(t)
	r := w.robot("r1")
	r.slots = 4
	r.connect()
	running, offered, cancelled := w.submit(), w.submit(), w.submit()
	ref, offer, stopped := r.start(running.ID), r.offered(offered.ID), r.start(cancelled.ID)
	r.vanish()
	<-r.ended
	w.eventually("the end of the session was noticed", func() bool { return w.gateway.Connected() == 0 })
	if got := w.job(running.ID).Job.State; got != fleet.Running {
		t.Fatalf("an ending socket moved the job to %s", got)
	}
	w.reaches(offered.ID, fleet.Pending) // the offer that the socket carried
	_, err := w.core.Jobs.Cancel(t.Context(), w.admin, cancelled.ID, fleet.CancelRequest{Grace: time.Minute})
	w.must(err)
	unknown := wire.Ref{JobID: "01939c3e-7b1a-7c3d-8e4f-0123456789ab", Epoch: 1}
	got := r.connect(
		wire.HeldAttempt{Ref: ref, Phase: wire.PhaseRunning}, wire.HeldAttempt{Ref: offer, Phase: wire.PhaseAccepted},
		wire.HeldAttempt{Ref: stopped, Phase: wire.PhaseRunning}, wire.HeldAttempt{Ref: unknown, Phase: wire.PhaseRunning},
	)
	want := map[wire.Ref]wire.Want{ref: wire.WantContinue, offer: wire.WantForget, stopped: wire.WantCancel, unknown: wire.WantForget}
	for _, d := range got.Desired {
		if want[d.Ref] != d.Want {
			t.Errorf("of %v the wish is %s, want %s", d.Ref, d.Want, want[d.Ref])
		}
	}
	if len(got.Desired) != len(want) {
		t.Errorf("desired %+v", got.Desired)
	}
	r.says(complete(ref), fleet.VerdictApplied)
}

// An accept that was committed while its answer got lost goes on.
func TestResumeOfAnAcceptedOffer(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.offered(job.ID)
	old := r.ws
	got := r.connect(wire.HeldAttempt{Ref: ref, Phase: wire.PhaseAccepted}) // the old socket is still there
	if len(got.Desired) != 1 || got.Desired[0].Want != wire.WantContinue {
		t.Fatalf("%+v", got.Desired)
	}
	if now := w.job(job.ID).Job; now.State != fleet.Running || now.Epoch != ref.Epoch {
		t.Errorf("%s in epoch %d", now.State, now.Epoch)
	}
	_ = old.CloseNow()
	r.says(complete(ref), fleet.VerdictApplied)
}

func TestComingBackWithoutTheJobLosesIt(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	r.says(&wire.JobStarted{Ref: ref}, fleet.VerdictApplied)
	r.vanish()
	<-r.ended
	r.instance = "i-second"
	w.eventually("the session is over", func() bool { return w.gateway.Connected() == 0 })
	r.connect()
	if got := w.job(job.ID).Job; got.State != fleet.Pending || got.LostUsed != 1 {
		t.Errorf("%s, lost %d", got.State, got.LostUsed)
	}
}

func TestSecondMachineWithOneID(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	thief := &robot{w: w, id: "r1", key: r.key, instance: "i-thief", journal: "j-thief", slots: 1}
	thief.open()
	thief.send(thief.hello())
	thief.closedWith(wire.CloseSuperseded)
	if ack := r.beat(ref); len(ack.Renewed) != 1 {
		t.Errorf("the first machine was disturbed: %+v", ack)
	}
	// The token of the session is the proof of being the same robot.
	heir := &robot{w: w, id: "r1", key: r.key, instance: "i-heir", journal: r.journal, slots: 1}
	heir.open()
	hello := heir.hello(wire.HeldAttempt{Ref: ref, Phase: wire.PhaseRunning})
	hello.Resume = &wire.Resume{SessionID: r.welcome.SessionID, Token: r.welcome.ResumeToken}
	heir.send(hello)
	got := expect[*wire.Welcome](heir)
	if len(got.Desired) != 1 || got.Desired[0].Want != wire.WantContinue {
		t.Errorf("%+v", got.Desired)
	}
	r.closedWith(wire.CloseSuperseded)
	// It is good for once.
	again := &robot{w: w, id: "r1", key: r.key, instance: "i-again", journal: r.journal, slots: 1}
	again.open()
	hello.InstanceID = again.instance
	again.send(hello)
	again.closedWith(wire.CloseSuperseded)
}

func TestSecondMachineAfterTheFirstFellSilent(t *testing.T) {
	w := newWorld(t, func(w *world) { w.timing.Suspect = 50 * time.Millisecond })
	r := w.connected("r1")
	heir := &robot{w: w, id: "r1", key: r.key, instance: "i-heir", journal: "j-heir", slots: 1}
	<-time.After(100 * time.Millisecond) // silence is what is tested: there is no fact to wait for
	heir.connect()
	r.closedWith(wire.CloseSuperseded)
}

// Of the original (B1): the end of an old socket tore down the newer one.
func TestOldSocketEndsAfterTheNewOneRegistered(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	for range 20 {
		old := r.ws
		before := r.ended
		r.connect(wire.HeldAttempt{Ref: ref, Phase: wire.PhaseRunning})
		_ = old.CloseNow()
		<-before
		if ack := r.beat(ref); len(ack.Renewed) != 1 {
			t.Fatalf("%+v", ack)
		}
	}
	robot, err := w.core.Robots.Get(t.Context(), w.admin, "r1")
	w.must(err)
	if !robot.Connected || robot.SessionEpoch != 21 || w.gateway.Connected() != 1 {
		t.Errorf("connected %v in session %d", robot.Connected, robot.SessionEpoch)
	}
	r.says(complete(ref), fleet.VerdictApplied)
	r.start(w.submit().ID)
}

func TestNoWorkUntilOldReportsAreDelivered(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	r.vanish()
	<-r.ended
	r.reports = 1 // written down while it was away
	r.connect(wire.HeldAttempt{Ref: ref, Phase: wire.PhaseFinished})
	next := w.submit()
	r.beat(ref)
	if len(w.gateway.Present()) != 0 {
		t.Error("the robot is offered work before its reports are in")
	}
	none[*wire.JobAssign](r)
	r.write(complete(ref), 1)
	if v := r.verdict(1); v.Verdict != fleet.VerdictApplied {
		t.Errorf("%+v", v)
	}
	r.start(next.ID)
}

// Frames are numbered in the order in which they leave: a hole means loss.
func TestSequenceHasNoHole(t *testing.T) {
	w := newWorld(t)
	r := w.robot("r1")
	r.slots = 20
	r.connect()
	for range 20 {
		w.submit()
	}
	for i := range 300 {
		r.send(&wire.Heartbeat{})
		r.raw(`{"v":2,"type":"sing","id":"` + strconv.Itoa(i) + `","payload":{}}`)
	}
	r.answered()
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[string]bool{}
	last := int64(0)
	for _, f := range r.inbox {
		if f.Seq <= last || ids[f.ID] {
			t.Fatalf("frame %d (%s) came after %d", f.Seq, f.ID, last)
		}
		last, ids[f.ID] = f.Seq, true
	}
}

// smallBuffers makes a server whose sockets hold little, so that a peer that
// does not read is felt soon.
func smallBuffers(s *httptest.Server) { s.Listener = smallListener{s.Listener} }

type smallListener struct{ net.Listener }

func (l smallListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && err == nil {
		err = tcp.SetWriteBuffer(4 << 10)
	}
	return c, err
}

func TestRobotThatDoesNotRead(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.limits.Outbox, w.limits.Frames, w.limits.Burst = 64, 1e6, 1e6
		w.listen = smallBuffers
	})
	r := w.robot("deaf")
	r.deaf()
	other := w.connected("other")
	flood := `{"v":2,"type":"` + strings.Repeat("s", 64) + `","id":"` + strings.Repeat("i", 128) + `","payload":{}}`
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for w.gateway.Connected() > 1 {
			r.raw(flood)
		}
	}()
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		t.Fatal("the robot that does not read is still connected")
	}
	other.start(w.submit().ID) // nobody else noticed
}
