package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// TriggerReader reads triggers and their firings.
type TriggerReader interface {
	// Trigger finds one that was not deleted.
	Trigger(id fleet.ID) (fleet.Trigger, error)
	TriggerNamed(name string) (fleet.Trigger, error)
	// Triggers lists all of a tenant by name.
	Triggers() ([]fleet.Trigger, error)
	// HookAt finds the webhook of a path, or of an id, in any tenant of the scope.
	HookAt(path string) (tenant fleet.TenantID, id fleet.ID, err error)
	// Firings lists those of a trigger, the newest first.
	Firings(f FiringFilter, p fleet.Page) (list []fleet.Firing, next string, err error)
	// FiringOf finds the firing that has a key.
	FiringOf(trigger fleet.ID, key string) (fleet.Firing, error)
	// TriggerDepth is how deep in a chain of triggers a job stands; 0: no trigger
	// started it.
	TriggerDepth(job fleet.ID) (int, error)
	// TriggerActive counts the jobs of a trigger that have not ended.
	TriggerActive(trigger fleet.ID) (int64, error)
	// Backlog is what a trigger of a queue looks at.
	Backlog(trigger fleet.ID, queue fleet.ID) (fleet.Backlog, error)
	// TriggerHeads lists tenants that have triggers, or had some whose firings are
	// kept still, with how far their logs were followed and where they end. System
	// scope.
	TriggerHeads() ([]TriggerHead, error)
	// TriggersOf lists the enabled ones of a kind, by tenant and id.
	TriggersOf(kind fleet.TriggerKind) ([]fleet.Trigger, error)
	// TriggersWatchedBy lists the enabled ones of files that a robot looks for.
	TriggersWatchedBy(robot fleet.RobotID) ([]fleet.Trigger, error)
}

// TriggerWriter changes triggers and writes firings.
type TriggerWriter interface {
	// AddTrigger stores a new one; fleet.ErrConflict if its name or its path is taken.
	AddTrigger(t fleet.Trigger) error
	// PutTrigger writes one that was read for a change.
	PutTrigger(t fleet.Trigger) error
	// TriggerToChange is Trigger with a lock: what is decided from its counts
	// afterwards holds until the commit.
	TriggerToChange(id fleet.ID) (fleet.Trigger, error)
	// MoveTriggerPlace says how far the source of an enabled trigger was read, and
	// that it could be; false if it is of another revision or was not read up to from.
	MoveTriggerPlace(id fleet.ID, revision int64, from, to string) (bool, error)
	// SetTriggerFault says why a trigger cannot look at its source, empty if it
	// can; false if that was known.
	SetTriggerFault(id fleet.ID, fault string) (bool, error)
	// AddFirings writes rows and counts those that have a job.
	AddFirings(list []NewFiring) error
	// MoveTriggerHead says how far the log was followed; false if somebody else was
	// first.
	MoveTriggerHead(tenant fleet.TenantID, from, to int64) (bool, error)
	// EndFirings notes the ends of jobs, those that triggers started, and counts
	// them. It returns their triggers, each once.
	EndFirings(ends []FiringEnd) ([]TriggerEnded, error)
	// PruneFirings takes up to limit that are older and whose jobs have ended, and
	// PruneTriggers deleted triggers that have none any more.
	PruneFirings(before time.Time, limit int) (int, error)
	PruneTriggers(limit int) (int, error)
}

// FiringFilter selects firings of a trigger.
type FiringFilter struct {
	Trigger fleet.ID
	Outcome fleet.FiringOutcome // empty: all
}

// NewFiring is a firing that is written.
type NewFiring struct {
	fleet.Firing
	Depth int // in a chain of triggers, from 1
}

// FiringEnd is the end of a job.
type FiringEnd struct {
	Job   fleet.ID
	State fleet.State
	At    time.Time
}

// TriggerEnded is a trigger some of whose jobs have ended.
type TriggerEnded struct {
	Trigger fleet.ID
	Streak  int64 // failures since the last success
}

// TriggerHead is how far the log of a tenant was followed.
type TriggerHead struct {
	Tenant fleet.TenantID
	Seq    int64 // followed
	Head   int64 // where the log ends
}
