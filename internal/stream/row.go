package stream

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// robotRow is a robot as lists show it.
type robotRow struct {
	ID           fleet.RobotID  `json:"robot_id"`
	Name         string         `json:"name"`
	Hostname     string         `json:"hostname"`
	Status       string         `json:"status"`
	Mode         string         `json:"mode"`
	Reason       string         `json:"reason"`
	Silent       bool           `json:"silent"`
	Environment  string         `json:"environment"`
	Tenant       fleet.TenantID `json:"tenant"`
	Pool         string         `json:"pool"`
	Capabilities []string       `json:"capabilities"`
	Tags         []string       `json:"tags"`
	Jobs         int            `json:"current_jobs"`
	Max          int            `json:"max_concurrent_jobs"`
	JobIDs       []fleet.ID     `json:"jobs"`
	CPU          float64        `json:"cpu_percent"`
	Memory       float64        `json:"memory_mb"`
	Seen         *int64         `json:"last_heartbeat"`
	Quarantine   *int64         `json:"quarantine_until"`
	Duplicate    string         `json:"duplicate_of"` // host of a second machine with its id
	Version      string         `json:"version"`
	V            int64          `json:"v"`
}

// columns are those of a snapshot, in the order of cells.
var columns = []string{
	"robot_id", "name", "hostname", "status", "mode", "reason", "silent", "environment", "tenant", "pool", "capabilities", "tags",
	"current_jobs", "max_concurrent_jobs", "jobs", "cpu_percent", "memory_mb", "last_heartbeat", "quarantine_until", "duplicate_of", "version", "v",
}

// showRobot makes the row of a robot whose status was derived.
func showRobot(r *fleet.Robot, v int64) robotRow {
	return robotRow{
		ID: r.ID, Name: r.Name, Hostname: r.Hostname, Status: string(r.Status), Mode: string(r.Mode), Reason: r.ModeNote, Silent: r.Suspect,
		Environment: r.Environment, Tenant: r.Tenant, Pool: r.Pool, Capabilities: words(r.Capabilities.Listed()), Tags: words(r.Tags), Jobs: r.Taken,
		Max: r.Max(), JobIDs: append([]fleet.ID{}, r.CurrentJobIDs...), CPU: r.Metrics.CPUPercent, Memory: r.Metrics.MemoryMB,
		Seen: millis(r.LastSeen), Quarantine: millis(r.QuarantineTill), Duplicate: r.DuplicateOf, Version: r.AgentVersion, V: v,
	}
}

func words(c fleet.Capabilities) []string { return append([]string{}, c...) }

func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.UnixMilli())
}

// showJob brings the times of a job into the form of answers.
func showJob(j fleet.Job) fleet.Job {
	for _, t := range []*time.Time{
		&j.WaitingSince, &j.CreatedAt, &j.AvailableAt, &j.NotBefore, &j.Deadline, &j.ExpiresAt, &j.AssignedAt,
		&j.FirstStartedAt, &j.StartedAt, &j.EndedAt, &j.StopDeadline,
	} {
		*t = moment(*t)
	}
	return j
}

// moment is a time in UTC with milliseconds.
func moment(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}
