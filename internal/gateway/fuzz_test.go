package gateway_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/storetest"
	"github.com/casarerpa/fleet/wire"
)

// sequences is how many random sequences of frames a test run tries: a plain
// one 1500, FLEET_GATEWAY_SEQUENCES as many as it says.
func sequences(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("FLEET_GATEWAY_SEQUENCES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("FLEET_GATEWAY_SEQUENCES is %q; it is a number of sequences", text)
		}
		return n
	}
	if testing.Short() {
		return 300
	}
	return 1500
}

// FuzzSession lets a robot say anything in any order, about its own jobs and
// about others. Whatever it says, the orchestrator does not fall over and the
// invariants of the data hold.
func FuzzSession(f *testing.F) {
	w := newWorld(f)
	for _, seed := range []string{"", "\x00\x01\x02", "\x03\x00\x00\x04\x00\x01\x05\x02\x03", "\x0f\x0e\x0d\x0c\x0b\x0a"} {
		f.Add([]byte(seed))
	}
	n := 0
	f.Fuzz(func(t *testing.T, script []byte) {
		n++
		w.TB = t
		w.babble(fleet.RobotID(fmt.Sprintf("fuzz%d", n%8)), script)
	})
}

func TestRandomSessions(t *testing.T) {
	w := newWorld(t)
	count := sequences(t)
	chance := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a test repeats itself
	robots := map[fleet.RobotID]*robot{}
	for i := range count {
		script := make([]byte, 3+chance.IntN(30))
		for j := range script {
			script[j] = byte(chance.Uint32())
		}
		id := fleet.RobotID(fmt.Sprintf("r%d", i%8))
		r := robots[id]
		if r == nil {
			r = w.robot(id)
			robots[id] = r
		}
		w.play(r, script)
		if i%1000 == 999 || i == count-1 {
			if err := storetest.Invariants(context.WithoutCancel(t.Context()), w.store); err != nil {
				t.Fatalf("after sequence %d: %v", i, err)
			}
		}
	}
}

// babble plays a script with a robot of its own.
func (w *world) babble(id fleet.RobotID, script []byte) {
	w.Helper()
	w.play(w.robot(id), script)
	if err := storetest.Invariants(context.WithoutCancel(w.Context()), w.store); err != nil {
		w.Fatal(err)
	}
}

// play connects a robot if it is not connected and says what the script says.
// Jobs are named by what the robot was offered and by what others were.
func (w *world) play(r *robot, script []byte) {
	w.Helper()
	if !r.alive() {
		r.open()
		r.slots = 3
		r.send(r.hello())
		expect[*wire.Welcome](r)
	}
	var refs []wire.Ref
	if len(script) > 0 && script[0]%3 == 0 {
		w.submit()
	}
	for len(script) >= 3 && r.alive() {
		op, which, what := script[0], script[1], script[2]
		script = script[3:]
		r.mu.Lock()
		for _, f := range r.inbox {
			if m, ok := f.Payload.(*wire.JobAssign); ok && !slices.Contains(refs, m.Ref) {
				refs = append(refs, m.Ref)
			}
		}
		if len(r.inbox) > 2000 {
			r.inbox = nil
		}
		r.mu.Unlock()
		ref := wire.Ref{JobID: "01939c3e-7b1a-7c3d-8e4f-0123456789ab", Epoch: 1}
		if len(refs) > 0 {
			ref = refs[int(which)%len(refs)]
		} else if list, err := w.core.Jobs.List(w.Context(), w.admin, anyJob, fleet.Page{Limit: 10}); err == nil && len(list.Jobs) > 0 {
			j := list.Jobs[int(which)%len(list.Jobs)]
			ref = wire.Ref{JobID: j.ID, Epoch: max(j.Epoch, 1)}
		}
		if what%16 == 7 {
			ref.Epoch += int64(what) % 3
		}
		w.say(r, op, what, ref)
	}
	if r.alive() {
		r.answered()
	}
}

func (w *world) say(r *robot, op, what byte, ref wire.Ref) {
	w.Helper()
	switch op % 18 {
	case 0, 1, 2, 3:
		r.send(&wire.JobAccept{Ref: ref})
	case 4:
		r.send(&wire.JobReject{Ref: ref, Reason: []fleet.RejectReason{fleet.RejectAtCapacity, fleet.RejectInvalid, fleet.RejectDraining}[what%3]})
	case 5:
		r.report(&wire.JobStarted{Ref: ref})
	case 6, 7:
		r.report(complete(ref))
	case 8:
		class := []fleet.ErrorClass{fleet.ClassApplication, fleet.ClassInfrastructure, fleet.ClassTimeout, "strange"}[what%4]
		r.report(&wire.JobFailed{Ref: ref, Error: fleet.JobError{Class: class, Message: "m"}})
	case 9:
		by := []fleet.StoppedBy{fleet.ByRequest, fleet.ByTimeout, fleet.BySelfFence, fleet.ByShutdown}[what%4]
		r.report(&wire.JobCancelled{Ref: ref, By: by, How: fleet.StoppedClean})
	case 10:
		r.report(&wire.EffectBegin{Ref: ref, Node: "n", EffectKey: string('a' + rune(what%3))})
	case 11:
		r.report(&wire.EffectEnd{Ref: ref, Node: "n", EffectKey: string('a' + rune(what%3)), OK: what%2 == 0})
	case 12:
		r.send(&wire.Heartbeat{Attempts: []wire.BeatAttempt{{Ref: ref}}})
	case 13:
		r.send(&wire.JobProgress{Ref: ref, Progress: int(what) % 101})
	case 14:
		r.send(&wire.LogBatch{Ref: ref, FirstLine: 1 + int64(what%4), Lines: []wire.LogLine{{Message: "x"}}})
	case 15:
		_, err := w.core.Jobs.Cancel(w.Context(), w.admin, ref.JobID, fleet.CancelRequest{Grace: fleet.DefaultTiming().StopGrace})
		if err != nil && fleet.AsError(err).Code == fleet.CodeInternal {
			w.Error(err)
		}
	case 16:
		r.reports++
		r.raw(fmt.Sprintf(`{"v":2,"type":"job_complete","id":"q","report_id":%d,"payload":{"job_id":%d}}`, r.reports, what))
	case 17:
		switch what % 4 {
		case 0:
			r.raw(`{"v":2,"type":"hello","id":"q","payload":{"instance_id":"i","journal_id":"j"}}`)
		case 1:
			r.raw("no JSON") // this one ends the connection
			<-r.ended
		case 2:
			r.vanish()
			<-r.ended
		case 3:
			r.send(&wire.Disconnect{Reason: "bye"})
			<-r.ended
		}
	}
}

func (r *robot) alive() bool {
	if r.ws == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}
