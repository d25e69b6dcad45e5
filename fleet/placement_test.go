package fleet

import (
	"strings"
	"testing"
	"time"
)

// fallback are steps with a robot each; "fail" is the end of waiting.
func fallback(steps ...FallbackStep) Placement { return Placement{Fallback: steps} }

func on(robot RobotID, seconds int) FallbackStep {
	return FallbackStep{Match: Selector{Robots: []RobotID{robot}}, WaitSeconds: seconds}
}

func TestEndOfWaitingIsTheLastStep(t *testing.T) {
	end := FallbackStep{Fail: true}
	for name, c := range map[string]struct {
		p     Placement
		limit time.Duration
		why   string
	}{
		"none":                {fallback(on("a", 30), on("b", 0)), 0, ""},
		"one robot, then end": {fallback(on("a", 300), end), 5 * time.Minute, ""},
		"two, then end":       {fallback(on("a", 30), on("b", 60), end), 90 * time.Second, ""},
		"end alone":           {fallback(end), 0, "Only the last of several steps"},
		"end before others":   {fallback(on("a", 30), end, on("b", 60)), 0, "Only the last of several steps"},
		"at once":             {fallback(on("a", 0), end), 0, "between 1 and"},
		"never":               {fallback(on("a", MaxWaitSeconds), on("b", 1), end), (MaxWaitSeconds + 1) * time.Second, "between 1 and"},
		"end with robots":     {fallback(on("a", 30), FallbackStep{Fail: true, Match: Selector{All: true}}), 30 * time.Second, "has no match"},
		"a step of nothing":   {fallback(on("a", 30), FallbackStep{}), 0, "selects nothing"},
	} {
		err := c.p.Validate("placement")
		if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%s: %v", name, err)
		}
		if got := c.p.WaitLimit(); got != c.limit {
			t.Errorf("%s: waits %s, want %s", name, got, c.limit)
		}
	}
	p := fallback(on("a", 300), end)
	back, err := ParsePlacementText(p.Text())
	if err != nil || back.Text() != p.Text() || len(back.Open()) != 1 || !strings.HasSuffix(p.Text(), `,{"fail":true}]}`) {
		t.Errorf("%s, %v", p.Text(), err)
	}
}

// A hard tie may be the end of waiting as well.
func TestTieThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		tie   Sticky
		limit time.Duration
	}{
		"after what it says":   {Sticky{Mode: StickyHard, Key: "k", WaitSeconds: 60, Then: StickyFail}, time.Minute},
		"after the usual time": {Sticky{Mode: StickyHard, Key: "k", Then: StickyFail}, 5 * time.Minute},
		"waits":                {Sticky{Mode: StickyHard, Key: "k", WaitSeconds: 60}, 0},
		"opens others":         {Sticky{Mode: StickyHard, Key: "k", WaitSeconds: 60, Then: StickyAny}, 0},
		"is a wish only":       {Sticky{Mode: StickySoft, Key: "k", WaitSeconds: 60, Then: StickyFail}, 0},
	} {
		p := Placement{Sticky: &c.tie}
		if got := p.WaitLimit(); got != c.limit {
			t.Errorf("%s: waits %s, want %s", name, got, c.limit)
		}
		p.Fallback = []FallbackStep{on("a", 30), {Fail: true}}
		if got := p.WaitLimit(); got != 30*time.Second {
			t.Errorf("%s, with a fallback that ends earlier: %s", name, got)
		}
	}
}

// TestWaitLimitIsOfEachStay: what a placement allows is a wait limit, the
// shorter of two counts, and each stay among the waiting ones has all of it.
func TestWaitLimitIsOfEachStay(t *testing.T) {
	p := fallback(on("r1", 300), FallbackStep{Fail: true})
	spec := JobSpec{ID: "j", Tenant: DefaultTenant, RunTimeout: time.Hour, Retry: DefaultRetry(), Placement: p}
	for limit, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, time.Minute: time.Minute, time.Hour: 5 * time.Minute} {
		spec.WaitLimit = limit
		if j := NewJob(spec, at); !j.ExpiresAt.Equal(at.Add(want)) {
			t.Errorf("with a limit of %s: %s", limit, j.ExpiresAt)
		}
	}
	spec.WaitLimit = 0
	sub := Subject{Job: NewJob(spec, at)}
	took := at.Add(2 * time.Minute)
	m, err := sub.Offer(Slot{RobotID: "r1", Max: 1, Mode: StartTwoStep, AcceptWithin: time.Second}, took)
	if err != nil {
		t.Fatal(err)
	}
	offered := Subject{Job: m.Job, Attempt: m.Attempt}
	if m, err = offered.NotTaken(1, RejectNoAnswer, 0, took.Add(time.Second)); err != nil || !m.Job.ExpiresAt.Equal(at.Add(5*time.Minute)) {
		t.Errorf("an offer that lapsed is the same stay: %s, %v", m.Job.ExpiresAt, err)
	}
	ran := offered
	ran.Job.State, ran.Attempt.StartedAt = Running, took
	failed := took.Add(time.Hour)
	_, m = ran.Judge(Report{Kind: ReportFailed, RobotID: "r1", Epoch: 1, Error: &JobError{Class: ClassApplication, Message: "no"}}, failed)
	if m == nil || m.Job.State != Pending || !m.Job.ExpiresAt.Equal(m.Job.AvailableAt.Add(5*time.Minute)) {
		t.Errorf("after an error: %+v", m)
	}
	m, err = ran.Lose(Loss{Epoch: 1, Reason: "silent"}, failed)
	if err != nil || m.Job.State != Pending || !m.Job.ExpiresAt.Equal(m.Job.NotBefore.Add(5*time.Minute)) {
		t.Errorf("after a loss: %s, ends %s, %v", m.Job.State, m.Job.ExpiresAt, err)
	}
	m, err = ran.Release("r1", 1, 0, failed)
	if err != nil || !m.Job.ExpiresAt.Equal(failed.Add(5*time.Minute)) {
		t.Errorf("after a release: ends %s, %v", m.Job.ExpiresAt, err)
	}
}
