package fleet

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTurn(t *testing.T) {
	for want, states := range map[State][]State{
		Running: {Completed, Running, Pending}, Completed: {Completed, Completed}, Failed: {Failed, Cancelled}, Pending: {Completed, Pending, Cancelled},
	} {
		var list []Job
		for i, s := range states {
			list = append(list, Job{Segment: i + 1, State: s})
		}
		if got := Turn(list); got.State != want {
			t.Errorf("%v: %s, want %s", states, got.State, want)
		}
	}
	if Turn(nil) != nil {
		t.Error("no segment has the turn of none")
	}
}

// Whatever happens to segments, the whole has one end, and it is that of the
// segment which decides.
func TestWholeFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := Subject{Job: NewJob(JobSpec{ID: "w", Segments: 3, RunTimeout: time.Hour}, at)}
		segments := make([]Job, 3)
		for i := range segments {
			segments[i] = Job{ID: ID(rune('a' + i)), State: Pending, Segment: i + 1, RunTimeout: Duration(time.Hour)}
		}
		ends := 0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			i := rapid.IntRange(0, 2).Draw(t, "segment")
			seg := &segments[i]
			if seg.State.Final() {
				continue
			}
			choices := []State{Pending, Assigned, Cancelled, TimedOut}
			if i == 0 || segments[i-1].State == Completed {
				choices = append(choices, Running, Running, Running, Completed, Completed, Failed, Cancelling, NeedsDecision)
			}
			if seg.State = rapid.SampledFrom(choices).Draw(t, "state"); seg.State == Cancelling {
				seg.StopReason, seg.StopDeadline = StopCancel, at.Add(time.Minute)
			}
			seg.RobotID, seg.EndReason = "r", "because"
			turn := Turn(segments)
			m, err := whole.AfterSegment(SegmentTurn{Segment: *turn, Result: []byte("{}")}, at)
			if whole.Job.State.Final() {
				if m != nil || err == nil {
					t.Fatalf("a whole left %s", whole.Job.State)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if m == nil {
				if turn.State.Final() {
					t.Fatalf("segment %d is %s and the whole still %s", turn.Segment, turn.State, whole.Job.State)
				}
				continue
			}
			if _, ok := Allowed(OnSegment, m.From, m.Job.State); !ok {
				t.Fatalf("%s to %s is not in the table", m.From, m.Job.State)
			}
			checkShape(t, m)
			if m.Job.State.Final() {
				ends++
				if m.Job.State != turn.State || m.Job.EndReason != turn.EndReason {
					t.Fatalf("ended as %s, the segment that decides as %s", m.Job.State, turn.State)
				}
			}
			whole.Job = m.Job
		}
		if ends > 1 {
			t.Fatalf("%d ends", ends)
		}
	})
}

func TestWholeIsNothingToPlaceOrCancel(t *testing.T) {
	whole := Subject{Job: NewJob(JobSpec{ID: "w", Segments: 2, Target: "r1", NotBefore: at.Add(time.Hour), WaitLimit: time.Minute}, at)}
	j := &whole.Job
	if j.Ready(at.AddDate(1, 0, 0)) || j.Target != "" || !j.NotBefore.IsZero() || !j.ExpiresAt.IsZero() || j.WaitingCode != CodeSegments {
		t.Errorf("a whole: %+v", j)
	}
	for name, try := range map[string]func() (*Move, error){
		"due":    func() (*Move, error) { return whole.Due(at) },
		"offer":  func() (*Move, error) { return whole.Offer(Slot{RobotID: "r1", Max: 1}, at) },
		"cancel": func() (*Move, error) { return whole.Cancel(CancelRequest{}, at) },
	} {
		if m, err := try(); m != nil || err == nil {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func TestRunTimeIsKeptOverTheWhole(t *testing.T) {
	j := Job{RunTimeout: Duration(time.Hour), StartedAt: at, EndedAt: at.Add(20 * time.Minute)}
	if got := j.RunLeft(); got != 40*time.Minute {
		t.Errorf("left %s", got)
	}
	j.EndedAt = at.Add(-time.Minute) // the clock was set back
	if got := j.RunLeft(); got != time.Hour {
		t.Errorf("with a clock that was set back: %s", got)
	}
	j.EndedAt = at.Add(2 * time.Hour)
	if got := j.RunLeft(); got != time.Second {
		t.Errorf("with nothing left: %s", got)
	}
	s := Subject{Job: NewJob(JobSpec{ID: "s", DependsOn: []ID{"p"}, RunTimeout: time.Hour}, at)}
	m, err := s.AfterParent(ParentEnd{Parent: "p", State: Completed, Parents: Parents{Completed: 1}, RunLeft: time.Minute}, at)
	if err != nil || m.Job.RunTimeout.Std() != time.Minute {
		t.Errorf("%v, %+v", err, m)
	}
}

func TestHandOver(t *testing.T) {
	if v, bad := HandOver([]byte(`{"success":true,"variables":{"a":1}}`)); string(v) != `{"a":1}` || bad != "" {
		t.Errorf("%s %s", v, bad)
	}
	if v, bad := HandOver(nil); string(v) != "{}" || bad != "" {
		t.Errorf("of nothing: %s %s", v, bad)
	}
	big := `{"variables":{"a":"` + strings.Repeat("x", MaxInputs) + `"}}`
	if _, bad := HandOver([]byte(big)); !strings.Contains(bad, "bytes") {
		t.Errorf("too much: %q", bad)
	}
	if _, bad := HandOver([]byte(`3`)); bad == "" {
		t.Error("a number was handed over")
	}
}

func TestJoinResults(t *testing.T) {
	got := JoinResults([]json.RawMessage{
		[]byte(`{"success":true,"nodes_executed":2,"duration_ms":5,"execution_path":["a","b"],"variables":{"x":1}}`),
		[]byte(`{"success":true,"nodes_executed":1,"duration_ms":7,"execution_path":["c"],"variables":{"x":1,"y":2}}`),
	})
	want := `{"duration_ms":12,"execution_path":["a","b","c"],"nodes_executed":3,"success":true,"variables":{"x":1,"y":2}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := JoinResults([]json.RawMessage{nil, []byte(`[1]`)}); string(got) != `[1]` {
		t.Errorf("of what is no object: %s", got)
	}
}

func TestHandedOut(t *testing.T) {
	for _, c := range []struct {
		epoch, skipped int64
		want           bool
	}{{0, 0, false}, {1, 0, true}, {1000, 1000, false}, {1001, 1000, true}, {1000, 999, true}} {
		if got := (&Job{Epoch: c.epoch, EpochSkipped: c.skipped}).HandedOut(); got != c.want {
			t.Errorf("epoch %d of which %d were skipped: %v", c.epoch, c.skipped, got)
		}
	}
}

// An orchestrator that knows no segments fills the inputs of one as those of any
// job that waits for another.
func TestVariablesThatNobodyHandsOverAreAFault(t *testing.T) {
	const before = ID("01939c3e-7b1a-7c3d-8e4f-0123456789ab")
	_, problem, err := FillInputs(Awaits(before), func(id ID) (json.RawMessage, error) {
		if id != before {
			t.Errorf("reads job %s", id)
		}
		return json.RawMessage(`{"success":true,"variables":{"amount":7}}`), nil
	})
	if err != nil || !strings.Contains(problem, "knows segments") {
		t.Errorf("%q, %v", problem, err)
	}
}
