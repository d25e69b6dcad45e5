package fleet

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A long error text must not be cut inside a character: the broken one would be
// written as a longer one, and the text would be beyond its limit.
func TestErrorTextIsCutBetweenCharacters(t *testing.T) {
	for shift := range 4 {
		for _, r := range []string{"x", "é", "€", "🤖"} {
			got := (JobError{Message: strings.Repeat("x", shift) + strings.Repeat(r, MaxErrorText+1)}).Normalize().Message
			if !utf8.ValidString(got) || len(got) > MaxErrorText || !strings.HasSuffix(got, "[…cut]") {
				t.Errorf("%s after %d: %d bytes, ends in %q", r, shift, len(got), got[len(got)-20:])
			}
		}
	}
}

// T27: only the robot that lost the newest attempt of a waiting job, and cannot
// tell attempts apart, gets it back.
func TestRegrant(t *testing.T) {
	lost := func(mode StartMode) Subject {
		s := subject(Running)
		s.Attempt.StartMode = mode
		m, err := s.Lose(Loss{Epoch: 1, Reason: "silent"}, at)
		if err != nil {
			t.Fatal(err)
		}
		return Subject{Job: m.Job, Attempt: m.Attempt}
	}
	slot := Slot{RobotID: "r1", SessionEpoch: 4, Max: 1}
	s := lost(StartClaim)
	m, err := s.Regrant(slot, at)
	if err != nil || m.Job.State != Running || m.Job.Epoch != 2 || m.Job.LostUsed != 0 || m.Attempt.StartMode != StartRegrant {
		t.Fatalf("%+v, %v", m, err)
	}
	checkShape(t, m)
	for name, wrong := range map[string]func() (*Move, error){
		"two steps":     func() (*Move, error) { return lost(StartTwoStep).Regrant(slot, at) },
		"another robot": func() (*Move, error) { x := slot; x.RobotID = "r2"; return s.Regrant(x, at) },
		"no slot":       func() (*Move, error) { x := slot; x.Taken = 1; return s.Regrant(x, at) },
		"running":       func() (*Move, error) { return subject(Running).Regrant(slot, at) },
		"released": func() (*Move, error) {
			x := subject(Running)
			x.Attempt.StartMode = StartClaim
			m, _ := x.Release("r1", 1, 0, at)
			return Subject{Job: m.Job, Attempt: m.Attempt}.Regrant(slot, at)
		},
	} {
		if m, err := wrong(); m != nil || err == nil {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// What a robot of the original may have done before it was lost.
func TestLossOfAnOldRobot(t *testing.T) {
	for name, c := range map[string]struct {
		mode  StartMode
		state State
		seq   int64
		want  bool
	}{
		"two steps, not begun":      {StartTwoStep, Running, 9, true},
		"claimed, never heard":      {StartClaim, Running, 2, true},
		"claimed, and heard":        {StartClaim, Running, 3, false},
		"on a socket, never heard":  {StartOneStep, Assigned, 1, false},
		"regranted, as it goes on":  {StartRegrant, Running, 3, false},
		"offered to a held claim":   {StartClaim, Assigned, 1, true},
		"on a socket, and accepted": {StartOneStep, Running, 2, false},
	} {
		a := Attempt{StartMode: c.mode, RenewSeq: c.seq}
		if got := a.NeverBegan(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	s := subject(Running)
	s.Attempt.StartMode, s.Job.RetrySafety = StartOneStep, RetryUntilEffect
	if m, err := s.Lose(Loss{Epoch: 1, EffectsUnknown: true}, at); err != nil || m.Job.State != NeedsDecision {
		t.Errorf("%+v, %v", m, err)
	}
	// It cannot tell two attempts apart, so it gets no second one before it has
	// connected anew.
	m, err := s.Lose(Loss{Epoch: 1}, at)
	if err != nil || m.Refusal == nil || m.Refusal.RobotID != "r1" || !m.Refusal.Holds(at.Add(MaxRefusal-time.Second)) {
		t.Errorf("%+v, %v", m, err)
	}
	// A polling robot to which nothing was told may have it again at once.
	s.Attempt.StartMode = StartClaim
	if m, err = s.Lose(Loss{Epoch: 1, NeverStarted: true, Again: true}, at); err != nil || m.Refusal != nil || m.Job.LostUsed != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

// A robot that cannot be stopped keeps its slot when its time is over, as long
// as it is heard.
func TestSlotOfWhatCannotBeStopped(t *testing.T) {
	for mode, free := range map[StartMode]bool{StartTwoStep: true, StartOneStep: false, StartClaim: false, StartRegrant: false} {
		s := subject(Cancelling)
		s.Attempt.StartMode = mode
		m, err := s.StopLimit(1, at.Add(time.Hour))
		if err != nil || m.Job.State != Cancelled || m.Attempt.SlotFreeAt.IsZero() == free {
			t.Errorf("%s: %+v, %v", mode, m, err)
		}
		if m, err = s.Lose(Loss{Epoch: 1}, at); err != nil || m.Attempt.SlotFreeAt.IsZero() {
			t.Errorf("%s, lost: %+v, %v", mode, m, err)
		}
	}
}

// M29: the words that the original's clients send for any robot.
func TestEnvironmentsOfTheOriginal(t *testing.T) {
	for _, c := range []struct {
		job, robot string
		want       bool
	}{
		{"lan", "production", true},
		{"internet", "lab", true},
		{"", "lab", true},
		{"default", "lab", true},
		{"lab", "default", true},
		{"lab", "lab", true},
		{"lab", "production", false},
		{"production", "lan", false},
	} {
		if got := EnvironmentsMatch(c.job, c.robot); got != c.want {
			t.Errorf("a job for %q on a robot in %q: %v", c.job, c.robot, got)
		}
	}
}
