package protocol

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// jobs of the tests: real ids with one digit that tells them apart.
func jobID(n int) fleet.ID {
	return fleet.ID(fmt.Sprintf("01939c3e-7b1a-7c3d-8e4f-%012d", n))
}

func testConfig(slots int) Config {
	return Config{Instance: "i", Slots: slots, Hello: wire.Hello{JournalID: "j", BootID: "b"}}
}

// world drives a Robot at random and keeps the truth about what runs, apart
// from the machine: who executed what, which numbers were used, what was acked.
type world struct {
	t         *rapid.T
	r         *Robot
	slots     int
	now       Instant
	disk      map[int64]Report // written reports
	acks      int64            // newest lazy ack that reached the disk
	inSession bool
	session   int64
	committed int64 // by the orchestrator
	epochs    map[fleet.ID]int64
	runs      map[wire.Ref]bool // really under way
	soft      map[wire.Ref]bool
	lastFence map[wire.Ref]Instant // newest promise that this robot may rely on
	consider  []wire.Ref
	sentEver  map[int64]bool
	beats     map[string]Instant
	beatRefs  map[string][]wire.Ref
	acceptAt  map[wire.Ref]Instant
	helloAt   Instant
	uploads   []int64
	ends      map[wire.Ref]Report // written ends of which there is no report yet
	handing   []wire.Ref
}

const testFence = 50 * time.Second

func (w *world) do(effects []Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case Write:
			switch e.Record.Kind {
			case RecordReport:
				if old, ok := w.disk[e.Record.Report.ID]; ok && old.Message != e.Record.Report.Message {
					w.t.Fatalf("report %d was written twice with different contents", e.Record.Report.ID)
				}
				w.disk[e.Record.Report.ID] = e.Record.Report
				if wire.IsEnd(e.Record.Report.Message.Type()) {
					delete(w.ends, refOf(e.Record.Report.Message))
				}
			case RecordEnd:
				w.ends[e.Record.Ref] = e.Record.Report
			case RecordAck:
				w.acks = max(w.acks, e.Record.Upto)
			case RecordAccept, RecordDrop:
			}
		case Send:
			w.sent(e.Frame)
		case Consider:
			w.consider = append(w.consider, e.Offer.Ref)
		case Start:
			ref := e.Offer.Ref
			for other := range w.runs {
				if other.JobID == ref.JobID {
					w.t.Fatalf("%s starts while %s runs", ref, other)
				}
			}
			if w.now >= w.lastFence[ref] {
				w.t.Fatalf("%s starts at %s, past its fence at %s", ref, w.now, w.lastFence[ref])
			}
			w.runs[ref] = true
			if len(w.runs) > w.slots {
				w.t.Fatalf("%d runs in %d slots", len(w.runs), w.slots)
			}
		case Stop:
			if !w.runs[e.Ref] {
				w.t.Fatalf("stop of %s, which does not run", e.Ref)
			}
			w.soft[e.Ref] = true
			if e.Hard {
				w.ended(e.Ref, End{Stopped: &wire.JobCancelled{Ref: e.Ref}})
			}
		case HandOver:
			if _, ok := w.ends[e.Ref]; !ok {
				w.t.Fatalf("what belongs to %s is handed over, and its end is not written", e.Ref)
			}
			w.handing = append(w.handing, e.Ref)
		case Upload:
			w.uploads = append(w.uploads, e.ReportID)
		case Reload:
			var back []Report
			for id := e.From; id < w.r.reports.next; id++ {
				if rep, ok := w.disk[id]; ok {
					back = append(back, rep)
				}
			}
			w.do(w.r.Reloaded(back, w.now))
		case Gone, Answer, Prune, Leave, Quit:
		}
	}
}

func (w *world) sent(f wire.Frame) {
	if !w.inSession {
		w.t.Fatalf("%s was sent without a session", f.Type)
	}
	if wire.IsReport(f.Type) {
		if _, ok := w.disk[f.ReportID]; !ok {
			w.t.Fatalf("report %d was sent before it was written", f.ReportID)
		}
		w.sentEver[f.ReportID] = true
	}
	if m, ok := f.Payload.(*wire.JobAccept); ok {
		w.acceptAt[m.Ref] = w.now
	}
}

func (w *world) ended(ref wire.Ref, e End) {
	delete(w.runs, ref)
	w.do(w.r.Ended(ref, e, w.now))
}

func (w *world) promise(ref wire.Ref, sent Instant) {
	w.lastFence[ref] = max(w.lastFence[ref], sent+testFence)
}

func (w *world) connect(committed int64, forgetting bool) {
	w.inSession = false
	hello := w.r.Hello(w.now)
	w.helloAt, w.session, w.inSession = w.now, w.session+1, true
	w.handing = nil
	w.uploads, w.beats, w.beatRefs = nil, map[string]Instant{}, map[string][]wire.Ref{}
	welcome := &wire.Welcome{
		SessionEpoch: w.session, CommittedReportID: committed, Fence: fleet.Duration(testFence), Heartbeat: fleet.Duration(10 * time.Second),
	}
	for _, a := range hello.Payload.(*wire.Hello).Attempts {
		d := wire.Desired{Ref: a.Ref, Want: wire.WantContinue}
		switch {
		case a.Phase == wire.PhaseFinished:
			d.Want = wire.WantReport
		case forgetting:
			d.Want = wire.WantForget
		default:
			w.promise(a.Ref, w.now)
		}
		welcome.Desired = append(welcome.Desired, d)
	}
	w.do(w.r.Handle(wire.Frame{Payload: welcome}, w.now))
}

func (w *world) frame(m wire.Message) {
	if w.inSession {
		w.do(w.r.Handle(wire.Frame{Payload: m}, w.now))
	}
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, slots: rapid.IntRange(1, 3).Draw(t, "slots"), disk: map[int64]Report{}, epochs: map[fleet.ID]int64{},
		runs: map[wire.Ref]bool{}, soft: map[wire.Ref]bool{}, lastFence: map[wire.Ref]Instant{}, sentEver: map[int64]bool{},
		beats: map[string]Instant{}, beatRefs: map[string][]wire.Ref{}, acceptAt: map[wire.Ref]Instant{},
		ends: map[wire.Ref]Report{},
	}
	w.r = New(testConfig(w.slots), Restored{})
	return w
}

// anyRef draws an attempt, of the past or of the present.
func (w *world) anyRef() wire.Ref {
	job := jobID(rapid.IntRange(1, 3).Draw(w.t, "job"))
	if w.epochs[job] == 0 {
		return wire.Ref{JobID: job, Epoch: 1}
	}
	return wire.Ref{JobID: job, Epoch: rapid.Int64Range(max(w.epochs[job]-1, 1), w.epochs[job]).Draw(w.t, "epoch")}
}

func (w *world) anyRun() (wire.Ref, bool) {
	var best wire.Ref
	for ref := range w.runs {
		if best.Epoch == 0 || ref.String() < best.String() {
			best = ref
		}
	}
	return best, best.Epoch > 0
}

func TestRobotSafety(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"time":    func(t *rapid.T) { w.now += time.Duration(rapid.IntRange(0, 30000).Draw(t, "ms")) * time.Millisecond },
			"tick":    func(*rapid.T) { w.do(w.r.Tick(w.now)) },
			"connect": func(t *rapid.T) { w.connect(w.committed, rapid.Bool().Draw(t, "forgetting")) },
			"rewind": func(t *rapid.T) {
				w.committed = rapid.Int64Range(0, w.committed).Draw(t, "committed")
				w.connect(w.committed, false)
			},
			"cut": func(*rapid.T) { w.inSession = false; w.do(w.r.Disconnected()) },
			"offer": func(t *rapid.T) {
				job := jobID(rapid.IntRange(1, 3).Draw(t, "job"))
				w.epochs[job]++
				w.frame(&wire.JobAssign{Ref: wire.Ref{JobID: job, Epoch: w.epochs[job]}, Timeout: fleet.Duration(2 * time.Minute)})
			},
			"offer of the past": func(*rapid.T) {
				if ref := w.anyRef(); ref.Epoch <= w.epochs[ref.JobID] {
					w.frame(&wire.JobAssign{Ref: ref})
				}
			},
			"consider": func(t *rapid.T) {
				if len(w.consider) == 0 {
					return
				}
				ref := w.consider[0]
				w.consider = w.consider[1:]
				if rapid.IntRange(0, 3).Draw(t, "take") > 0 {
					w.do(w.r.Accept(ref, w.now))
				} else {
					w.do(w.r.Reject(ref, fleet.RejectNoSpace, "", 0))
				}
			},
			"start": func(*rapid.T) {
				ref := w.anyRef()
				if at, ok := w.acceptAt[ref]; ok {
					w.promise(ref, at)
				}
				w.frame(&wire.JobStart{Ref: ref})
			},
			"beat": func(*rapid.T) {
				if f, ok := w.r.Beat(wire.Heartbeat{}, w.now); ok {
					w.beats[f.ID] = w.now
					for _, a := range f.Payload.(*wire.Heartbeat).Attempts {
						w.beatRefs[f.ID] = append(w.beatRefs[f.ID], a.Ref)
					}
				}
			},
			"ack of a beat": func(*rapid.T) {
				for id, at := range w.beats { // one is as good as another
					for _, ref := range w.beatRefs[id] {
						w.promise(ref, at)
					}
					w.frame(&wire.HeartbeatAck{Echo: id, Renewed: w.beatRefs[id]})
					delete(w.beats, id)
					return
				}
			},
			"stale":  func(*rapid.T) { w.frame(&wire.HeartbeatAck{Stale: []wire.Ref{w.anyRef()}}) },
			"forget": func(*rapid.T) { w.frame(&wire.JobForget{Ref: w.anyRef()}) },
			"cancel": func(t *rapid.T) {
				w.frame(&wire.JobCancel{Ref: w.anyRef(), Grace: fleet.Duration(time.Minute), Force: rapid.Bool().Draw(t, "force")})
			},
			"report ack": func(t *rapid.T) {
				if !w.inSession || len(w.sentEver) == 0 {
					return
				}
				w.committed = rapid.Int64Range(w.committed, maxKey(w.sentEver)).Draw(t, "upto")
				w.frame(&wire.ReportAck{Upto: w.committed})
			},
			"uploaded": func(*rapid.T) {
				if len(w.uploads) > 0 {
					id := w.uploads[0]
					w.uploads = w.uploads[1:]
					w.do(w.r.Uploaded(id, w.now))
				}
			},
			"handed over": func(*rapid.T) { w.handOne() },
			"run ends": func(t *rapid.T) {
				ref, ok := w.anyRun()
				if !ok {
					return
				}
				files := rapid.Bool().Draw(t, "with files")
				switch rapid.IntRange(0, 3).Draw(t, "how") {
				case 0:
					w.ended(ref, End{Complete: &wire.JobComplete{Ref: ref}, HandsOver: files})
				case 1:
					w.ended(ref, End{Complete: &wire.JobComplete{Ref: ref, ResultRef: &wire.ResultRef{}}, Body: []byte("x"), HandsOver: files})
				case 2:
					w.ended(ref, End{Failed: &wire.JobFailed{Ref: ref}, HandsOver: files})
				default:
					w.ended(ref, End{Stopped: &wire.JobCancelled{Ref: ref}, HandsOver: files})
				}
			},
			"kill -9": func(t *rapid.T) {
				if rapid.IntRange(0, 4).Draw(t, "rarely") > 0 {
					return
				}
				from := Restored{Acked: w.acks}
				for id := int64(1); id < w.r.reports.next; id++ {
					if rep, ok := w.disk[id]; ok && id > w.acks {
						from.Reports = append(from.Reports, rep)
					}
					from.Next = id + 1
				}
				for _, end := range w.ends {
					from.Ends = append(from.Ends, end)
				}
				slices.SortFunc(from.Ends, func(a, b Report) int { return strings.Compare(refOf(a.Message).String(), refOf(b.Message).String()) })
				w.r = New(testConfig(w.slots), from)
				w.inSession, w.consider, w.uploads, w.handing = false, nil, nil, nil
				clear(w.runs)
				clear(w.soft)
			},
			"": w.check,
		})
		w.deliverAll()
	})
}

func maxKey(m map[int64]bool) (best int64) {
	for k := range m {
		best = max(best, k)
	}
	return best
}

// handOne ends one hand-over.
func (w *world) handOne() {
	if len(w.handing) == 0 {
		return
	}
	ref := w.handing[0]
	w.handing = w.handing[1:]
	w.do(w.r.Delivered(ref, nil, nil, w.now))
}

// check holds after every step.
func (w *world) check(t *rapid.T) {
	for ref := range w.runs {
		if w.now >= w.lastFence[ref] && w.r.MayEnter(ref, "n", w.now) == nil {
			t.Fatalf("%s may enter a node at %s, past its fence at %s", ref, w.now, w.lastFence[ref])
		}
		if w.soft[ref] && w.r.MayEnter(ref, "n", w.now) == nil {
			t.Fatalf("%s was stopped and may enter a node", ref)
		}
	}
	for ref := range w.ends {
		if a := w.r.attempts[ref]; a == nil || a.end == nil {
			t.Fatalf("the end of %s is written down, and the robot does not know of it", ref)
		}
	}
	for id := range w.disk {
		if id > max(w.committed, w.r.reports.acked) && w.r.reports.find(id) == nil && !w.r.reports.reloading {
			t.Fatalf("report %d is not committed, and the robot does not send it any more", id)
		}
	}
}

// deliverAll is the liveness half: once faults stop, every report arrives.
func (w *world) deliverAll() {
	w.now += time.Hour // every fence and timeout is over
	w.do(w.r.Tick(w.now))
	w.connect(w.committed, true)
	for range 1000 {
		if w.r.Idle() {
			break
		}
		for len(w.handing) > 0 {
			w.handOne()
		}
		for len(w.uploads) > 0 {
			id := w.uploads[0]
			w.uploads = w.uploads[1:]
			w.do(w.r.Uploaded(id, w.now))
		}
		if len(w.sentEver) > 0 {
			w.committed = max(w.committed, maxKey(w.sentEver))
		}
		w.frame(&wire.ReportAck{Upto: w.committed})
		for len(w.consider) > 0 {
			ref := w.consider[0]
			w.consider = w.consider[1:]
			w.do(w.r.Reject(ref, fleet.RejectNoSpace, "", 0))
		}
	}
	if !w.r.Idle() {
		w.t.Fatalf("after healing %d attempts and %d reports are left", len(w.r.attempts), w.r.Undelivered())
	}
	for id := range w.disk {
		if !w.sentEver[id] && id > w.committed {
			w.t.Fatalf("report %d was never sent", id)
		}
	}
}

func TestBackoffIsFullJitter(t *testing.T) {
	var b Backoff
	want := []time.Duration{1, 2, 4, 8, 16, 30, 30, 30}
	for i, span := range want {
		if got := b.Next(0.5); got != span*time.Second/2 {
			t.Errorf("attempt %d: %s, want half of %ds", i, got, span)
		}
	}
	b.Reset()
	if got := b.Next(0.999); got >= time.Second {
		t.Errorf("after a reset %s, want less than 1s", got)
	}
	for range 100 {
		if got := b.Next(rand.Float64()); got < 0 || got >= 30*time.Second {
			t.Errorf("pause %s is outside 0–30s", got)
		}
	}
}

func TestOnlyAnswersAboutTheRobotAreSlow(t *testing.T) {
	slow := map[wire.CloseCode]bool{
		wire.CloseUnauthenticated: true, wire.CloseForbidden: true, wire.CloseRevoked: true, wire.CloseVersion: true,
		wire.CloseDone: false, wire.CloseRestart: false, wire.CloseLater: false, wire.CloseSuperseded: false, wire.CloseTooMany: false, 4999: false,
	}
	for code, want := range slow {
		if got := AboutRobot(code); got != want {
			t.Errorf("%d: %v, want %v", code, got, want)
		}
	}
}
