package httpapi

import (
	"bytes"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Answers carry times in UTC with milliseconds, and lists that are never null.
// The functions here see to both.

func stamp(times ...*time.Time) {
	for _, t := range times {
		if !t.IsZero() {
			*t = t.UTC().Truncate(time.Millisecond)
		}
	}
}

func showJob(j fleet.Job) fleet.Job {
	stamp(&j.WaitingSince, &j.CreatedAt, &j.AvailableAt, &j.NotBefore, &j.Deadline, &j.ExpiresAt, &j.AssignedAt,
		&j.FirstStartedAt, &j.StartedAt, &j.EndedAt, &j.StopDeadline)
	return j
}

func showAttempt(a fleet.Attempt) fleet.Attempt {
	stamp(&a.OfferedAt, &a.StartedAt, &a.RunningAt, &a.EndedAt, &a.SilentSince)
	return a
}

func showRobot(r fleet.Robot) fleet.Robot {
	stamp(&r.LastSeen, &r.QuarantineTill, &r.CreatedAt, &r.ModeUntil, &r.DrainDeadline)
	if r.CurrentJobIDs == nil {
		r.CurrentJobIDs = []fleet.ID{}
	}
	r.Capabilities = r.Capabilities.Listed()
	return r
}

func showWorkflow(w fleet.Workflow) fleet.Workflow {
	stamp(&w.CreatedAt, &w.UpdatedAt)
	return w
}

func showVersion(v fleet.WorkflowVersion) fleet.WorkflowVersion {
	stamp(&v.CreatedAt)
	return v
}

func showEvent(e fleet.Event) fleet.Event {
	stamp(&e.At)
	if e.Name == "" {
		e.Name = e.Kind.Name()
	}
	return e
}

func showKey(k fleet.Key) fleet.Key {
	stamp(&k.CreatedAt, &k.ExpiresAt, &k.RevokedAt, &k.FirstUsedAt, &k.LastUsedAt, &k.LateUsedAt)
	return k
}

func showLine(l fleet.LogLine) fleet.LogLine {
	stamp(&l.At)
	return l
}

// showAll shows every element of a list, which is then never null.
func showAll[T any](list []T, show func(T) T) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = show(v)
	}
	return out
}

func sortSums(sums [][]byte) { slices.SortFunc(sums, bytes.Compare) }

func sortTexts(list []string) { slices.Sort(list) }
