package orchestrator

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// Word is a status as a robot, or somebody for it, says it.
type Word string

// The words. Online is a second word for idle.
const (
	WordIdle        Word = "idle"
	WordOnline      Word = "online"
	WordBusy        Word = "busy"
	WordOffline     Word = "offline"
	WordError       Word = "error"
	WordMaintenance Word = "maintenance"
	WordPaused      Word = "paused"
)

// Known says whether the word is one of the list.
func (w Word) Known() bool {
	switch w {
	case WordIdle, WordOnline, WordBusy, WordOffline, WordError, WordMaintenance, WordPaused:
		return true
	}
	return false
}

// Reported is what the word tells of the robot itself.
func (w Word) Reported() fleet.Reported {
	switch w {
	case WordBusy:
		return fleet.ReportedBusy
	case WordError:
		return fleet.ReportedError
	case WordPaused, WordMaintenance:
		return fleet.ReportedPaused
	case WordIdle, WordOnline, WordOffline:
	}
	return fleet.ReportedReady
}

// Say takes the word of somebody who may act for any robot: maintenance and
// paused set its mode, idle and online end that. They all count as a sign of
// life but offline, which ends the session of a robot that polls.
func (r *Robots) Say(ctx context.Context, p auth.Principal, id fleet.RobotID, member fleet.ID, w Word) error {
	change, kind := fleet.ModeChange{}, fleet.CommandKind("")
	switch w {
	case WordMaintenance:
		change, kind = fleet.ModeChange{Mode: fleet.ModeMaintenance}, fleet.CommandMaintenance
	case WordPaused:
		change, kind = fleet.ModeChange{Mode: fleet.ModePaused}, fleet.CommandPause
	case WordIdle, WordOnline:
		change, kind = fleet.ModeChange{Mode: fleet.ModeActive}, fleet.CommandResume
	case WordBusy, WordError, WordOffline:
	}
	st, err := r.Poll(ctx, p, id, PollHello{Member: member})
	if err != nil && !lostRace(err) || st.Robot.ID == "" {
		return err
	}
	socket := err != nil // one speaks for it
	if kind != "" && st.Robot.Mode != change.Mode {
		if _, _, err := r.SetMode(ctx, p, id, kind, change); err != nil {
			return err
		}
	}
	switch {
	case socket:
		return nil
	case w == WordOffline:
		return r.Disconnect(ctx, p, st.Session, "set offline by "+p.Name)
	}
	reported := w.Reported()
	if kind != "" {
		reported = fleet.ReportedReady // the mode says it
	}
	return r.Heard(ctx, p, st, reported, st.Robot.Metrics, w == WordBusy)
}

// SignOf is the sign of life of a robot that was registered just now: it reads
// idle for as long as any sign lasts.
func (r *Robots) SignOf(ctx context.Context, p auth.Principal, id fleet.RobotID, member fleet.ID) error {
	st, err := r.Poll(ctx, p, id, PollHello{Member: member})
	if err != nil {
		if st.Robot.ID != "" && lostRace(err) { // a socket speaks for it
			return nil
		}
		return err
	}
	return r.Heard(ctx, p, st, fleet.ReportedReady, st.Robot.Metrics, false)
}
