package fleet

import "time"

// ModeChange is what an operator wants of a robot from now on.
type ModeChange struct {
	Mode AdminMode
	// For is how long a pause or a maintenance lasts; 0 is until somebody ends it.
	For  time.Duration
	Note string
	// Running says what becomes of live attempts when a maintenance begins.
	Running OnDeadline
	// Deadline is how long a drain may take, 0 is for ever; OnDeadline says what
	// becomes of what runs then, Then what the robot's mode is afterwards.
	Deadline   time.Duration
	OnDeadline OnDeadline
	Then       AdminMode
}

// OnDeadline says what becomes of live attempts.
type OnDeadline string

// The choices.
const (
	KeepRunning    OnDeadline = "keep" // they end by themselves
	RequeueRunning OnDeadline = "requeue"
	CancelRunning  OnDeadline = "cancel"
)

// ThenShutdown is what may follow a drain beside a mode: the robot's process is
// asked to end, and the robot is in maintenance.
const ThenShutdown AdminMode = "shutdown"

// MaxModeFor bounds a pause and the deadline of a drain.
const MaxModeFor = 30 * 24 * time.Hour

// Validate checks the words and times of a change.
func (c *ModeChange) Validate() error {
	switch c.Mode {
	case ModeActive, ModePaused, ModeDraining, ModeMaintenance:
	default:
		return Invalid("mode", "mode must be active, paused, draining or maintenance; got %q.", clip(string(c.Mode), 40))
	}
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"for_seconds", c.For}, {"deadline_seconds", c.Deadline}} {
		if f.d < 0 || f.d > MaxModeFor {
			return Invalid(f.name, "%s must be between 0 and %d; got %d.", f.name, int64(MaxModeFor/time.Second), int64(f.d/time.Second))
		}
	}
	if len([]rune(c.Note)) > 500 {
		return Invalid("note", "note may have at most 500 characters.")
	}
	for _, f := range []struct {
		name string
		word OnDeadline
	}{{"running", c.Running}, {"on_deadline", c.OnDeadline}} {
		switch f.word {
		case "", KeepRunning, RequeueRunning, CancelRunning:
		default:
			return Invalid(f.name, "%s must be keep, requeue or cancel; got %q.", f.name, clip(string(f.word), 40))
		}
	}
	switch c.Then {
	case "", ModePaused, ModeMaintenance, ModeActive, ThenShutdown:
		return nil
	case ModeDraining:
	}
	return Invalid("then", "then must be maintenance, paused, active or shutdown; got %q.", clip(string(c.Then), 40))
}

// SetMode writes a change into the robot. A repeated one is the same one.
func (r *Robot) SetMode(c ModeChange, now time.Time) {
	r.Mode, r.ModeNote = c.Mode, c.Note
	r.ModeUntil, r.DrainDeadline, r.OnDeadline, r.DrainThen = time.Time{}, time.Time{}, "", ""
	switch c.Mode {
	case ModeActive:
		r.ModeNote, r.QuarantineTill = "", time.Time{}
	case ModeDraining:
		if c.Deadline > 0 {
			r.DrainDeadline = now.Add(c.Deadline)
		}
		r.OnDeadline, r.DrainThen = c.OnDeadline, c.Then
		if r.OnDeadline == "" {
			r.OnDeadline = RequeueRunning
		}
		if r.DrainThen == "" {
			r.DrainThen = ModeMaintenance
		}
	case ModePaused, ModeMaintenance, ThenShutdown: // the last is no mode and is refused before
		if c.For > 0 {
			r.ModeUntil = now.Add(c.For)
		}
	}
}

// Lapse writes a change that comes by itself: a time is over, or a drain has
// ended. Unlike a person's word it lifts no quarantine.
func (r *Robot) Lapse(c ModeChange, now time.Time) {
	till := r.QuarantineTill
	r.SetMode(c, now)
	r.QuarantineTill = till
}

// Hand takes a live attempt from its robot for an operator's reason: it goes to
// another one and counts as no attempt. Nil when it is being stopped already.
func (s Subject) Hand(grace time.Duration, now time.Time) (*Move, error) {
	return s.handBack(StopDrain, grace, now)
}

// Recall takes a live attempt from a slot that was lent to it; the rest is as
// with Hand.
func (s Subject) Recall(epoch int64, grace time.Duration, now time.Time) (*Move, error) {
	if s.Job.Epoch != epoch {
		return nil, nil // it has gone by itself
	}
	return s.handBack(StopRecall, grace, now)
}

func (s Subject) handBack(why StopReason, grace time.Duration, now time.Time) (*Move, error) {
	switch {
	case s.Job.State == Assigned && s.Attempt.StartMode.BeginsOnWord():
		return s.NotTaken(s.Job.Epoch, RejectReleased, 0, now)
	case s.Job.State == Running, s.Job.State == Assigned:
		return s.stop("T19", why, grace, false, map[string]any{}, now), nil
	}
	return nil, nil
}
