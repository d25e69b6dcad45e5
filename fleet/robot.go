package fleet

import (
	"strings"
	"time"
	"unicode"
)

// DefaultEnvironment matches every other environment.
const DefaultEnvironment = "default"

// DefaultPool is the pool of a robot that was put into none.
const DefaultPool = "default"

// MaxSlots bounds the room of one robot.
const MaxSlots = 100

// Robot is a program that runs jobs, as the registry knows it. Id, tenant and
// environment come from its key, never from what it says of itself.
type Robot struct {
	ID           RobotID      `json:"robot_id"`
	Tenant       TenantID     `json:"tenant_id"`
	Name         string       `json:"name"`
	Hostname     string       `json:"hostname"`
	Environment  string       `json:"environment"`
	Capabilities Capabilities `json:"capabilities"`
	Pool         string       `json:"pool"`
	Tags         Capabilities `json:"tags"`
	Facts        Facts        `json:"facts,omitempty"`
	Pinned       Capabilities `json:"pinned,omitempty"`      // fields that a person has set: name, pool, tags
	SharedWith   []TenantID   `json:"shared_with,omitempty"` // tenants that may use it besides its own
	OS           string       `json:"os,omitempty"`
	Arch         string       `json:"arch,omitempty"`
	AgentVersion string       `json:"agent_version,omitempty"`

	WishedSlots   int        `json:"wished_slots"`         // what the robot asks for
	SlotLimit     int        `json:"slot_limit,omitempty"` // what an admin allows; 0: no limit
	Mode          AdminMode  `json:"mode"`
	ModeUntil     time.Time  `json:"mode_until,omitzero"` // then it is active again
	ModeNote      string     `json:"mode_note,omitempty"`
	DrainDeadline time.Time  `json:"drain_deadline,omitzero"`
	OnDeadline    OnDeadline `json:"on_deadline,omitempty"`
	DrainThen     AdminMode  `json:"drain_then,omitempty"`
	Reported      Reported   `json:"reported_status,omitempty"`

	SessionEpoch   int64     `json:"session_epoch"` // rises with each connection
	Connected      bool      `json:"connected"`
	MemberID       ID        `json:"-"` // orchestrator that owns the session
	LastSeen       time.Time `json:"last_seen,omitzero"`
	LastAssignedAt time.Time `json:"-"`
	QuarantineTill time.Time `json:"quarantine_until,omitzero"`
	CreatedAt      time.Time `json:"created_at"`
	DeletedAt      time.Time `json:"-"`

	Metrics RobotMetrics `json:"metrics"`

	// Derived when read.
	Status        RobotStatus `json:"status"`
	Suspect       bool        `json:"suspect"`
	DuplicateOf   string      `json:"duplicate_of,omitempty"` // host of a second machine that asked for this id
	Taken         int         `json:"current_jobs"`
	CurrentJobIDs []ID        `json:"current_job_ids"`

	// With what it was welcomed; 0 if it never was. See Session.
	LostAfter, SuspectAfter time.Duration `json:"-"`
}

// Max is how many attempts the robot may hold at once.
func (r *Robot) Max() int {
	n := r.WishedSlots
	if r.SlotLimit > 0 {
		n = min(n, r.SlotLimit)
	}
	return min(max(n, 0), MaxSlots)
}

// RobotMetrics is the newest sample of a robot's machine.
type RobotMetrics struct {
	CPUPercent    float64 `json:"cpu_percent"`
	MemoryPercent float64 `json:"memory_percent"`
	MemoryMB      float64 `json:"memory_mb"`
	DiskPercent   float64 `json:"disk_percent"`
}

// AdminMode is what an operator wants of a robot.
type AdminMode string

// The modes.
const (
	ModeActive      AdminMode = "active"
	ModePaused      AdminMode = "paused"
	ModeDraining    AdminMode = "draining"
	ModeMaintenance AdminMode = "maintenance"
)

// Reported is what a robot says of itself in a heartbeat.
type Reported string

// The words of a robot.
const (
	ReportedReady    Reported = "ready"
	ReportedBusy     Reported = "busy"
	ReportedPaused   Reported = "paused"
	ReportedDraining Reported = "draining"
	ReportedError    Reported = "error"
)

// RobotStatus is what people are shown.
type RobotStatus string

// The statuses.
const (
	RobotOffline     RobotStatus = "offline"
	RobotOnline      RobotStatus = "online"
	RobotBusy        RobotStatus = "busy"
	RobotError       RobotStatus = "error"
	RobotMaintenance RobotStatus = "maintenance"
	RobotPaused      RobotStatus = "paused"
	RobotDraining    RobotStatus = "draining"
)

// Times puts what the robot was welcomed with in the place of what holds now: it
// knows of nothing else.
func (r *Robot) Times(t Timing) Timing {
	if r.LostAfter > 0 {
		t.Lost, t.Suspect = r.LostAfter, r.SuspectAfter
	}
	return t
}

// Derive computes the status shown: the first rule that holds. suspect and
// lost are the environment's times.
func (r *Robot) Derive(t Timing, now time.Time) {
	t = r.Times(t)
	silence := now.Sub(r.LastSeen)
	r.Suspect = r.Connected && silence > t.Suspect
	r.DuplicateOf = r.Facts.DuplicateHost(now)
	switch {
	case r.Mode == ModeMaintenance:
		r.Status = RobotMaintenance
	case !r.Connected || silence > t.Lost:
		r.Status = RobotOffline
	case r.Reported == ReportedError || now.Before(r.QuarantineTill):
		r.Status = RobotError
	case r.Mode == ModeDraining || r.Reported == ReportedDraining:
		r.Status = RobotDraining
	case r.Mode == ModePaused || r.Reported == ReportedPaused:
		r.Status = RobotPaused
	case r.Taken >= r.Max():
		r.Status = RobotBusy
	default:
		r.Status = RobotOnline
	}
}

// ValidatePool checks the name of a pool.
func ValidatePool(name string) error {
	if name == "" || len(name) > 64 || strings.TrimSpace(name) != name {
		return Invalid("pool", "pool must be 1 to 64 characters without blanks around them; got %q.", clip(name, 80))
	}
	return nil
}

// ValidateEnvironment checks the name of an environment.
func ValidateEnvironment(name string) error {
	if name == "" || len(name) > 64 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl) {
		return Invalid("environment", "environment must be 1 to 64 characters without blanks around them or control characters; got %q.", clip(name, 80))
	}
	return nil
}

// EnvironmentsMatch says whether a job for one environment may run on a robot in
// another. The words that the original's clients send for any robot are lan and
// internet.
func EnvironmentsMatch(job, robot string) bool {
	switch job {
	case robot, DefaultEnvironment, "lan", "internet", "":
		return true
	}
	return robot == DefaultEnvironment
}

// Session is one connection of one robot, owned by one orchestrator. Only the
// one who opened it cleans it up.
type Session struct {
	ID         ID        `json:"session_id"`
	Tenant     TenantID  `json:"-"`
	RobotID    RobotID   `json:"robot_id"`
	Epoch      int64     `json:"session_epoch"`
	MemberID   ID        `json:"member_id"`
	Transport  string    `json:"transport"`
	InstanceID string    `json:"instance_id"`
	BootID     string    `json:"boot_id"`
	JournalID  string    `json:"journal_id"`
	Features   []string  `json:"features"`
	ResumeHash string    `json:"-"`
	OpenedAt   time.Time `json:"opened_at"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`
	Reason     string    `json:"reason,omitempty"`

	// The robot is suspect and lost after so long a silence, as it is told at its
	// welcome. While it holds work it keeps the longer of this and what it was told
	// before: it may not have heard of the change, and stops itself only later.
	LostAfter, SuspectAfter time.Duration `json:"-"`
}

// The transports of a session: our channel, the two dialects of the original's
// channel, and its robots that poll.
const (
	TransportSocket   = "ws2"
	TransportEnvelope = "envelope"
	TransportFlat     = "flat"
	TransportPoll     = "poll"
)

// Journal remembers how far the reports of one robot's disk were committed.
type Journal struct {
	Tenant    TenantID
	RobotID   RobotID
	ID        string
	Committed int64
}
