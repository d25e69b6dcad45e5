package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// AlertReader reads rules of alerts, what they found, and who is told.
type AlertReader interface {
	// AlertRules lists the rules of a tenant that somebody made or changed, by name.
	AlertRules() ([]fleet.AlertRule, error)
	// AlertChannels lists the channels of a tenant by name.
	AlertChannels() ([]fleet.AlertChannel, error)
	// Silences lists the silences of a tenant by name.
	Silences() ([]fleet.Silence, error)
	Incident(id fleet.ID) (fleet.Incident, error)
	// Incidents lists those that people see, the newest first.
	Incidents(f IncidentFilter, p fleet.Page) (list []fleet.Incident, next string, err error)
	// IncidentCounts counts those that are not resolved.
	IncidentCounts() (IncidentCounts, error)
	// IncidentOf finds the one of a cause that is not resolved, also one that is
	// only watched.
	IncidentOf(rule fleet.ID, cause string) (fleet.Incident, error)
	// IncidentBefore finds the newest one of a cause that was resolved after a time. It
	// costs by all that were.
	IncidentBefore(rule fleet.ID, cause string, after time.Time) (fleet.Incident, error)
	// NoticesOf lists the notices of an incident, the oldest first.
	NoticesOf(incident fleet.ID) ([]fleet.Notice, error)
	Notice(id fleet.ID) (fleet.Notice, error)

	// AlertHeads lists the tenants whose logs were not followed to their ends.
	// System scope.
	AlertHeads() ([]AlertHead, error)
	// DueIncidents lists those whose time has come, at most so many of each tenant, and
	// limit of each way of being due. The first of every tenant come before the second
	// of any, so that nobody's hold up those of others.
	DueIncidents(now time.Time, each, limit int) ([]IncidentRef, error)
	// DueNotices lists those that are to be sent in the same order.
	DueNotices(now time.Time, each, limit int) ([]fleet.Notice, error)
	// LongestWaiting lists for each class of jobs that wait for a robot the one that
	// has waited for the longest, if it is ready since before a time. It costs by the
	// classes that wait, not by their jobs.
	LongestWaiting(before time.Time) ([]WaitingJob, error)
	// Working lists the attempts that run, with how far they are. It costs by those.
	Working() ([]WorkingJob, error)
}

// AlertWriter changes them.
type AlertWriter interface {
	// LockAlerts holds whoever else looks for alerts of the tenant until the commit.
	LockAlerts(tenant fleet.TenantID) error
	// PutAlertRule writes a rule: a new one at revision 0, one that was read else.
	// fleet.ErrConflict if its name is taken or it has changed.
	PutAlertRule(r fleet.AlertRule) error
	DeleteAlertRule(id fleet.ID) (bool, error)
	PutAlertChannel(c fleet.AlertChannel) error
	DeleteAlertChannel(id fleet.ID) (bool, error)
	// ChannelSent notes how a channel did: an empty fault is well. It returns how
	// many notices in a row could not be sent.
	ChannelSent(id fleet.ID, fault string, now time.Time) (streak int64, err error)
	PutSilence(s fleet.Silence) error
	DeleteSilence(id fleet.ID) (bool, error)
	// IncidentToChange is Incident with a lock.
	IncidentToChange(id fleet.ID) (fleet.Incident, error)
	// AddIncident stores a new one; fleet.ErrConflict if its cause has one.
	AddIncident(i fleet.Incident) error
	PutIncident(i fleet.Incident) error
	// ForgetIncident takes one away that was only watched.
	ForgetIncident(id fleet.ID) error
	// AddNotices stores notices; one that is there for the same incident, channel
	// and kind is left as it is.
	AddNotices(list []fleet.Notice) error
	// ClaimNotice takes a waiting notice to be sent: it counts the attempt, and puts
	// it off until a time. False if it was not so often tried, or is not waiting.
	ClaimNotice(id fleet.ID, attempts int, until time.Time) (bool, error)
	// RestNotice gives back the attempt of one that was claimed at this count of
	// attempts and could not be made, and puts it off until a time; false if somebody
	// claimed it since, or nobody has.
	RestNotice(id fleet.ID, attempts int, until time.Time) (bool, error)
	// SettleNotice writes what became of one that was claimed at this count of
	// attempts; false if somebody claimed it since.
	SettleNotice(n fleet.Notice) (bool, error)
	// FreeNotices lets the notices that a silence holds be looked at again.
	FreeNotices(now time.Time) error
	// MoveAlertHead says how far the log was followed; false if somebody else was
	// first.
	MoveAlertHead(tenant fleet.TenantID, from, to int64) (bool, error)
	// PruneIncidents takes up to limit that were resolved before a time, with their
	// notices.
	PruneIncidents(before time.Time, limit int) (int, error)
}

// IncidentFilter selects incidents; empty fields select all.
type IncidentFilter struct {
	State fleet.IncidentState // empty: all that people see
	Live  bool                // open and acknowledged
	Rule  fleet.ID
	Kind  fleet.AlertKind
}

// IncidentCounts counts incidents that are not resolved.
type IncidentCounts struct {
	Open         int64
	Acknowledged int64
}

// IncidentRef names an incident of any tenant.
type IncidentRef struct {
	Tenant fleet.TenantID
	ID     fleet.ID
}

// AlertHead is how far the log of a tenant was followed.
type AlertHead struct {
	Tenant fleet.TenantID
	Seq    int64 // followed
	Head   int64 // where the log ends
}

// WaitingJob is the job of its class that has waited for the longest.
type WaitingJob struct {
	Tenant      fleet.TenantID
	JobID       fleet.ID
	Name        string
	Environment string
	On          fleet.WaitingOn
	Since       time.Time
	Waiting     int64 // jobs of the class
}

// WorkingJob is an attempt that runs.
type WorkingJob struct {
	Tenant      fleet.TenantID
	JobID       fleet.ID
	Name        string
	Workflow    fleet.ID
	Environment string
	Epoch       int64
	RobotID     fleet.RobotID
	Progress    int
	Node        string
	Message     string
}
