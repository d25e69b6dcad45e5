package fleet

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Of features: durations 100, 200, 300, 400 ms have p50 250 and p90 370; of none
// all are 0.
func TestPercentilesOfFew(t *testing.T) {
	h := Histogram{}
	if got := h.Percentiles(0.5, 0.99); got[0] != 0 || got[1] != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for _, ms := range []int64{400, 100, 300, 200} {
		h.Add(ms)
	}
	got := h.Percentiles(0, 0.5, 0.9, 1)
	for i, want := range []float64{100, 250, 370, 400} {
		if math.Abs(got[i]-want) > 1e-9 {
			t.Errorf("got %v", got)
		}
	}
}

func TestHistogramErrorIsBounded(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	parts := []Histogram{{}, {}, {}}
	var all []float64
	for range 20_000 {
		ms := int64(math.Exp(chance.Float64() * math.Log(30*24*3600*1000)))
		parts[chance.IntN(3)].Add(ms)
		all = append(all, float64(ms))
	}
	sum := Histogram{}
	for _, p := range parts {
		sum.Merge(DecodeHistogram(p.Encode()))
	}
	slices.Sort(all)
	for _, p := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		rank := p * float64(len(all)-1)
		low := int(rank)
		want := all[low]
		if low+1 < len(all) {
			want += (rank - float64(low)) * (all[low+1] - all[low])
		}
		if got := sum.Percentiles(p)[0]; math.Abs(got-want) > want*HistogramError+1e-9 {
			t.Errorf("p%g: %g, exact %g", 100*p, got, want)
		}
	}
	if DecodeHistogram([]byte{0x80}).Count() != 0 {
		t.Error("a broken histogram counts something")
	}
}

func TestWaitsByReason(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	sec := func(n int) time.Time { return at.Add(time.Duration(n) * time.Second) }
	event := func(n int, kind EventKind, to State, data string) Event {
		return Event{At: sec(n), Kind: kind, To: to, Data: []byte(data), Subject: EventSubject{Kind: SubjectJob}}
	}
	f := JobFacts{
		Job: Job{Rule: AllCompleted, State: Completed, EndedAt: sec(100)},
		Events: []Event{
			event(0, EventJobSubmitted, Pending, `{}`),
			event(10, EventJobReleased, Pending, `{"not_before":"2026-11-23T10:00:15Z"}`),
			event(18, EventJobAssigned, Assigned, `{}`),
			event(19, EventJobStarted, Running, `{}`),
			event(30, EventJobRetryScheduled, Pending, `{"in_ms":20000}`),
			event(57, EventJobAssigned, Assigned, `{}`),
			event(100, EventJobCompleted, Completed, `{}`),
		},
	}
	got := f.Waits()
	want := map[WaitingOn]time.Duration{
		WaitingDependencies: 10 * time.Second, WaitingTime: 5 * time.Second, WaitingRobot: 10 * time.Second, WaitingBackoff: 20 * time.Second,
	}
	for on, d := range want {
		if got[on] != d {
			t.Errorf("%s: %s, want %s", on, got[on], d)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

// Of features: a message "SelectorNotFoundError: …" without a type has that type.
func TestErrorTypes(t *testing.T) {
	for want, e := range map[string]JobError{
		"Mine":                  {Type: "Mine", Message: "TimeoutError: x"},
		"SelectorNotFoundError": {Message: "SelectorNotFoundError: #buy is not there"},
		"HTTPException":         {Message: "HTTPException in step 3"},
		"TimeoutError":          {Message: "the page had a timeout"},
		"ConnectionError":       {Message: "Connection refused"},
		"NotFoundError":         {Message: "file not found"},
		"PermissionError":       {Message: "no permission"},
		"ValidationError":       {Message: "validation of row 3 failed"},
		"UnknownError":          {Message: "it broke"},
	} {
		if got := e.ErrorType(); got != want {
			t.Errorf("%q: %s, want %s", e.Message, got, want)
		}
	}
}

func TestFailuresThatAreAlike(t *testing.T) {
	of := func(message, node string) string {
		f := JobFacts{Job: Job{Workflow: JobWorkflow{ID: "w"}}, Error: &JobError{Message: message, Node: node}}
		same, _ := f.Failure()
		return same
	}
	a := of(`invoice 17 of "Meier" (0192f7c4-1111-7222-8333-444455556666) is missing`, "n1")
	if b := of(`invoice 99 of "Schulz" (0192f7c4-9999-7aaa-8bbb-ccccddddeeee) is missing`, "n1"); a != b {
		t.Error("two that differ in numbers and names are told apart")
	}
	if of(`invoice 17 of "Meier" is late`, "n1") == a || of(`invoice 17 of "Meier" is missing`, "n2") == a {
		t.Error("two that differ are taken for one")
	}
}

func TestRobotHourTakesAMinuteOnce(t *testing.T) {
	var h RobotHour
	for _, m := range []int{5, 3, 5, 60} {
		h.With(RobotMinute{Minute: m, CPU: float64(10 * m), Slots: 2, Taken: 1, MemoryMB: 1e12})
	}
	if h.Samples != 2 || h.Mean.CPU != 40 || h.Peak.CPU != 50 || h.Minutes[0].Minute != 3 || h.Mean.Slots != 2 {
		t.Errorf("got %+v", h)
	}
	back := DecodeMinutes(EncodeMinutes(h.Minutes))
	if len(back) != 2 || back[1] != h.Minutes[1] {
		t.Errorf("got %+v, want %+v", back, h.Minutes)
	}
}
