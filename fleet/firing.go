package fleet

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Firing is one occasion of a trigger, and what became of it.
type Firing struct {
	ID      ID            `json:"firing_id"`
	Tenant  TenantID      `json:"-"`
	Trigger ID            `json:"trigger_id"`
	At      time.Time     `json:"at"`
	Outcome FiringOutcome `json:"outcome"`
	JobID   ID            `json:"job_id,omitempty"` // of accepted; of duplicate the first one's
	Reason  string        `json:"reason,omitempty"` // a sentence; empty if it simply started a job
	// Key names the occasion: a delivery, or an event with its number. No two
	// firings of a trigger that count have the same.
	Key string `json:"key,omitempty"`
	// About is what the decision was made from: the numbers of a queue, the kind of
	// an event, the sender's address.
	About json.RawMessage `json:"about,omitempty"`

	Ended time.Time `json:"ended_at,omitzero"` // of its job
	End   State     `json:"job_status,omitempty"`
}

// FiringOutcome says what became of an occasion.
type FiringOutcome string

// The outcomes.
const (
	FiringAccepted  FiringOutcome = "accepted"  // there is a job
	FiringFiltered  FiringOutcome = "filtered"  // the filter does not hold
	FiringCooling   FiringOutcome = "cooling"   // too soon after the last
	FiringFull      FiringOutcome = "full"      // as many jobs as there may be have not ended
	FiringDuplicate FiringOutcome = "duplicate" // the same delivery came before
	FiringDisabled  FiringOutcome = "disabled"
	FiringRefused   FiringOutcome = "refused" // the job could not be made, or the caller could not prove who it is
)

// FiringOutcomes lists them.
func FiringOutcomes() []FiringOutcome {
	return []FiringOutcome{FiringAccepted, FiringFiltered, FiringCooling, FiringFull, FiringDuplicate, FiringDisabled, FiringRefused}
}

// Backlog is what a trigger of a queue looks at.
type Backlog struct {
	Ready  int64 `json:"ready"`  // new items that are due, of a queue that is not paused
	Taken  int64 `json:"taken"`  // items that jobs of the trigger hold
	Active int64 `json:"active"` // jobs of the trigger that have not ended
}

// Wanted is how many jobs a queue wants for its backlog.
func (q *QueueRule) Wanted(b Backlog) int64 {
	if b.Ready < int64(q.MinItems) {
		return 0
	}
	each := int64(q.ItemsPerJob)
	return min(max((b.Ready+b.Taken+each-1)/each, 1), int64(q.MaxJobs))
}

// Start is how many jobs are started for a backlog, with the sum that says why.
func (q *QueueRule) Start(b Backlog) (n int64, why string) {
	want := q.Wanted(b)
	n = max(want-b.Active, 0)
	if want == 0 {
		return 0, fmt.Sprintf("%d ready items are fewer than %d.", b.Ready, q.MinItems)
	}
	return n, fmt.Sprintf("(%d ready + %d taken) / %d for each job, at most %d: %d jobs; %d are active.", b.Ready, b.Taken, q.ItemsPerJob, q.MaxJobs, want, b.Active)
}

// Admit says whether an occasion that was understood may start a job now.
func (t *Trigger) Admit(active int64, now time.Time) (FiringOutcome, string, time.Duration) {
	switch left := t.LastFired.Add(time.Duration(t.CooldownSeconds) * time.Second).Sub(now); {
	case !t.Enabled:
		return FiringDisabled, "The trigger is disabled.", 0
	case t.CooldownSeconds > 0 && !t.LastFired.IsZero() && left > 0:
		return FiringCooling, fmt.Sprintf("It fired less than %d s before.", t.CooldownSeconds), min(left, time.Duration(t.CooldownSeconds)*time.Second)
	case t.MaxActive > 0 && active >= int64(t.MaxActive):
		return FiringFull, fmt.Sprintf("%d of its jobs have not ended; at most %d may.", active, t.MaxActive), 0
	}
	return FiringAccepted, "", 0
}

// Waits says whether an event is one that the rule names. workflow is that of
// the job which the event is about, if it is about one.
func (e *EventRule) Waits(kind EventKind, workflow ID) bool {
	return slices.Contains(e.Types, kind) && (e.Workflow == "" || e.Workflow == workflow)
}
