package upkeep

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// lab sets how long a robot of the environment lab may be silent.
func (f *fleetOfOne) lab(seconds int) {
	f.t.Helper()
	if _, err := f.core.Environments.Put(f.t.Context(), f.admin(), fleet.Environment{Name: "lab", LostAfterSeconds: seconds}); err != nil {
		f.t.Fatal(err)
	}
}

// join connects a robot of lab, as one of a transport.
func (f *fleetOfOne) join(id fleet.RobotID, transport string, held ...store.Ref) orchestrator.Welcome {
	f.t.Helper()
	h := orchestrator.Hello{Member: "m", Transport: transport, InstanceID: "i", JournalID: "j", Hostname: "h", Slots: 10, Old: transport != "ws2"}
	for _, ref := range held {
		h.Attempts = append(h.Attempts, orchestrator.HeldAttempt{Ref: ref, Phase: orchestrator.PhaseRunning})
	}
	w, err := f.core.Robots.Connect(f.t.Context(), auth.Robot("default", id, "lab"), h, "token")
	if err != nil {
		f.t.Fatal(err)
	}
	return w
}

// poll lets a polling robot of lab call.
func (f *fleetOfOne) poll(id fleet.RobotID) orchestrator.PollState {
	f.t.Helper()
	st, err := f.core.Robots.Poll(f.t.Context(), auth.Robot("default", id, "lab"), id, orchestrator.PollHello{Member: "m", Slots: 10})
	if err != nil {
		f.t.Fatal(err)
	}
	return st
}

// work hands a job to a robot and lets it begin.
func (f *fleetOfOne) work(id fleet.RobotID, session int64) store.Ref {
	f.t.Helper()
	job := f.submit()
	won, lost, err := f.store.Assign(f.t.Context(), store.System("test"), []store.Assignment{{
		Tenant: "default", JobID: job.ID, Epoch: job.Epoch, RobotID: id, SessionEpoch: session, AcceptWithin: 10 * time.Second,
	}}, f.clock)
	if err != nil || len(won) != 1 {
		f.t.Fatalf("assign: %v, lost %+v", err, lost)
	}
	ref := store.Ref{JobID: job.ID, Epoch: won[0].Attempt.Epoch}
	if err := f.core.Attempts.Accept(f.t.Context(), auth.Robot("default", id, "lab"), ref); err != nil {
		f.t.Fatal(err)
	}
	return ref
}

// lostAfter sweeps until the attempt is taken away, and says after how long.
func (f *fleetOfOne) lostAfter(ref store.Ref) time.Duration {
	f.t.Helper()
	for began := f.clock; f.clock.Sub(began) < 10*time.Minute; f.clock = f.clock.Add(time.Second) {
		if err := f.reaper.RunOnce(f.t.Context(), f.clock); err != nil {
			f.t.Fatal(err)
		}
		j, err := f.core.Jobs.Get(f.t.Context(), f.admin(), ref.JobID)
		if err != nil {
			f.t.Fatal(err)
		}
		if j.Job.State != fleet.Running {
			return f.clock.Sub(began)
		}
	}
	f.t.Fatal("it is not taken away in ten minutes")
	return 0
}

func (f *fleetOfOne) status(id fleet.RobotID) fleet.RobotStatus {
	f.t.Helper()
	r, err := f.core.Robots.Get(f.t.Context(), f.admin(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	return r.Status
}

func TestLostAfterOfAnEnvironment(t *testing.T) {
	const short, long = 15 * time.Second, 90 * time.Second
	f := newFleet(t)
	f.lab(15)
	w := f.join("r2", "ws2")
	if got := w.Timing; got.Lost != short || got.Lease != 10*time.Second || got.Heartbeat != short/9 || got.Suspect != 5*time.Second || got.Fence != got.Lease*5/6 {
		t.Errorf("welcomed with %+v", got)
	}
	mine, theirs := f.work("r2", w.Session.Epoch), f.start(f.submit(), true)
	if got := f.lostAfter(mine); got != short {
		t.Errorf("in lab after %s", got)
	}
	f.clock = f.clock.Add(time.Second)
	if a, b := f.status("r2"), f.status("r1"); a != fleet.RobotOffline || b == fleet.RobotOffline {
		t.Errorf("after 16 s they are %s and %s", a, b)
	}
	if got := f.lostAfter(theirs); got != long-short-time.Second {
		t.Errorf("in default %s later", got)
	}
}

// A robot goes by what it was told. While it holds work, it is given the longest
// time that it may have been told: of its newest welcome it may not have heard.
func TestLostAfterIsThatOfTheWelcome(t *testing.T) {
	for name, c := range map[string]struct {
		first, then int
		again       bool // it connects anew with what it holds
		want        time.Duration
	}{
		"lowered":                     {90, 15, false, 90 * time.Second},
		"lowered, and connected anew": {90, 15, true, 90 * time.Second},
		"raised":                      {15, 90, false, 15 * time.Second},
		"raised, and connected anew":  {15, 90, true, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			f.lab(c.first)
			ref := f.work("r2", f.join("r2", "ws2").Session.Epoch)
			f.lab(c.then)
			if c.again {
				f.join("r2", "ws2", ref)
				f.join("r2", "ws2", ref) // and once more, as a welcome may be lost
			}
			if got := f.lostAfter(ref); got != c.want {
				t.Errorf("after %s, want %s", got, c.want)
			}
			// With nothing in its hands the newest welcome holds.
			w := f.join("r2", "ws2")
			if got := f.lostAfter(f.work("r2", w.Session.Epoch)); got != time.Duration(c.then)*time.Second {
				t.Errorf("then after %s", got)
			}
		})
	}
}

// Robots of the original that poll, or beat every 30 seconds whatever they are
// told, are not lost sooner than the server has it; the other dialect is told.
func TestLostAfterOfOldRobots(t *testing.T) {
	for transport, want := range map[string][2]time.Duration{
		fleet.TransportFlat: {90 * time.Second, 180 * time.Second}, fleet.TransportEnvelope: {15 * time.Second, 180 * time.Second},
		fleet.TransportPoll: {90 * time.Second, 180 * time.Second},
	} {
		t.Run(transport, func(t *testing.T) {
			f := newFleet(t)
			if transport == fleet.TransportPoll {
				f.join("r2", "ws2")
				f.clock = f.clock.Add(5 * time.Minute)
			}
			connect := func() int64 {
				if transport == fleet.TransportPoll {
					return f.poll("r2").Session.Epoch
				}
				return f.join("r2", transport).Session.Epoch
			}
			for i, seconds := range []int{15, 180} {
				f.lab(seconds)
				ref := f.work("r2", connect())
				f.lab(15)
				if transport == fleet.TransportPoll {
					f.poll("r2") // a call while it works changes nothing
				}
				if got := f.lostAfter(ref); got != want[i] {
					t.Errorf("of %d s: after %s, want %s", seconds, got, want[i])
				}
				f.clock = f.clock.Add(5 * time.Minute)
			}
		})
	}
}

// The times of an environment are refused where two robots could hold one job.
func TestTimesThatAreRefused(t *testing.T) {
	f := newFleet(t)
	for field, e := range map[string]fleet.Environment{
		"lost_after_seconds": {LostAfterSeconds: 14}, "lease_seconds": {LostAfterSeconds: 15, LeaseSeconds: 16},
		"suspect_seconds": {LostAfterSeconds: 15, SuspectSeconds: 16}, "heartbeat_seconds": {HeartbeatSeconds: -1},
	} {
		e.Name = "lab"
		if _, err := f.core.Environments.Put(t.Context(), f.admin(), e); err == nil || fleet.AsError(err).Fields[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, e := range []fleet.Environment{{LostAfterSeconds: 86401}, {HeartbeatSeconds: 31}, {LeaseSeconds: 19}, {SuspectSeconds: 9}, {LostAfterSeconds: 86400, SuspectSeconds: 86401}} {
		e.Name = "lab"
		if _, err := f.core.Environments.Put(t.Context(), f.admin(), e); err == nil || fleet.AsError(err).Code != fleet.CodeInvalid {
			t.Errorf("%+v: %v", e, err)
		}
	}
	for _, e := range []fleet.Environment{{LostAfterSeconds: 15}, {LostAfterSeconds: 86400}, {HeartbeatSeconds: 30}, {LeaseSeconds: 20}, {LeaseSeconds: 90}, {SuspectSeconds: 10}} {
		e.Name = "lab"
		if _, err := f.core.Environments.Put(t.Context(), f.admin(), e); err != nil {
			t.Errorf("%+v: %v", e, err)
		}
	}
}

// While nobody swept, nobody may have taken a robot's word: the slot of a job that
// it was not able to stop is not given away at the first look.
func TestLateSweepFreesNoSlot(t *testing.T) {
	f := newFleet(t)
	ref := f.work("r2", f.join("r2", fleet.TransportEnvelope).Session.Epoch)
	taken := func() (n int) {
		t.Helper()
		if err := f.store.View(t.Context(), store.System("test"), func(r store.Reader) error {
			list, err := r.TakenSlots("r2")
			n = len(list)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := f.core.Jobs.Cancel(t.Context(), f.admin(), ref.JobID, fleet.CancelRequest{Force: true, By: "ada"}); err != nil {
		t.Fatal(err)
	}
	f.pass(time.Second)
	f.pass(29 * time.Second)
	f.want(ref.JobID, fleet.Cancelled)
	if taken() != 1 {
		t.Fatal("the slot of an attempt that did not stop is free")
	}
	f.pass(5 * time.Minute)
	if taken() != 1 {
		t.Error("a sweep that came late gave the slot away")
	}
	f.pass(10 * time.Second)
	if taken() != 0 {
		t.Error("the robot is not heard, and its slot is still taken")
	}
}
