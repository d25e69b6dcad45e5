package fleet

import (
	"cmp"
	"slices"
	"time"
)

// AttentionKind says what about the fleet needs a person.
type AttentionKind string

// The kinds, in the order in which they are looked at.
const (
	AttentionDecision  AttentionKind = "needs_decision"    // jobs that a person must answer
	AttentionIncidents AttentionKind = "incident_open"     // that nobody looks after
	AttentionError     AttentionKind = "robot_error"       // robots that say so, or are kept away
	AttentionSilent    AttentionKind = "robot_silent"      // connected, but not heard of
	AttentionWaiting   AttentionKind = "job_waiting"       // jobs that wait long, by the reason
	AttentionHeld      AttentionKind = "job_held"          // jobs whose parents did not end as they need
	AttentionMissed    AttentionKind = "schedule_missed"   // runs that nobody was there for
	AttentionSLA       AttentionKind = "queue_sla"         // deadlines of a queue
	AttentionFailures  AttentionKind = "workflow_failures" // failures that doubled
	AttentionTriggers  AttentionKind = "trigger_disabled"  // by failures
	AttentionBlind     AttentionKind = "trigger_fault"     // cannot look at its source
	AttentionKeyEnding AttentionKind = "key_expiring"
)

// Figures of what needs a person.
const (
	AttentionWait    = 5 * time.Minute // how long a job may wait unmentioned
	AttentionMost    = 50              // entries
	AttentionObjects = 10              // ids that an entry names
)

// Attention is what needs a person now, the worst first.
type Attention struct {
	CheckedAt time.Time        `json:"checked_at"`
	Entries   []AttentionEntry `json:"entries"`
	Left      int              `json:"left_out"` // entries beyond AttentionMost
}

// AttentionEntry is one thing that needs a person, whatever number of objects it
// is about.
type AttentionEntry struct {
	Kind     AttentionKind   `json:"kind"`
	Severity Severity        `json:"severity"`
	Sentence string          `json:"sentence"`
	Count    int64           `json:"count"`              // of objects
	AtLeast  bool            `json:"at_least,omitempty"` // there may be more than count
	Object   SubjectKind     `json:"object_kind"`
	Objects  []string        `json:"object_ids"`       // the first of them
	Reason   WaitingCode     `json:"reason,omitempty"` // of job_waiting
	Since    time.Time       `json:"since,omitzero"`   // of the oldest that is known
	Action   AttentionAction `json:"action"`
}

// AttentionAction is what to do first.
type AttentionAction struct {
	Label   string `json:"label"`
	Page    string `json:"page"`    // of the dashboard
	Command string `json:"command"` // that shows the same
}

// RankAttention puts entries into order: the worst first, and those of one kind by
// how many they are about. What is beyond the limit is left out and counted.
func RankAttention(list []AttentionEntry) (kept []AttentionEntry, left int) {
	weight := map[Severity]int{SeverityCritical: 0, SeverityWarning: 1, SeverityInfo: 2}
	slices.SortStableFunc(list, func(a, b AttentionEntry) int {
		if c := cmp.Compare(weight[a.Severity], weight[b.Severity]); c != 0 || a.Kind != b.Kind {
			return c
		}
		return cmp.Compare(b.Count, a.Count)
	})
	left = max(len(list)-AttentionMost, 0)
	return list[:len(list)-left], left
}
