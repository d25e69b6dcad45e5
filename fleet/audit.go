package fleet

import (
	"encoding/json"
	"time"
)

// ActorKind says what kind of a principal acted.
type ActorKind string

// The kinds of actors.
const (
	ActorUser   ActorKind = "user"
	ActorKey    ActorKind = "key"
	ActorRobot  ActorKind = "robot"
	ActorSystem ActorKind = "system" // the orchestrator itself
)

// Actor is whoever did something.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id,omitempty"`
	Name string    `json:"name"`
}

// AuditOutcome says how an act ended.
type AuditOutcome string

// The outcomes.
const (
	AuditDone   AuditOutcome = "done"
	AuditDenied AuditOutcome = "denied"
	AuditFailed AuditOutcome = "failed"
)

// AuditObject is what an act was about.
type AuditObject struct {
	Kind SubjectKind `json:"kind"`
	ID   string      `json:"id,omitempty"`
	Name string      `json:"name,omitempty"`
}

// AuditDraft tells of an act before the store has numbered it and put it into
// the tenant's chain. It is written in the transaction of the change.
type AuditDraft struct {
	Actor     Actor
	Address   string // of the client; empty inside the server
	RequestID string
	Action    string // noun and verb: robot.update
	Object    AuditObject
	Outcome   AuditOutcome // AuditDone if empty
	Reason    string
	// Before and After hold the fields that changed, as a JSON object would. A
	// secret value is never in them: it shows as "changed".
	Before, After map[string]any
}

// AuditEntry is one row of a tenant's audit. Its numbers begin at 1 and have no
// hole; its hash is over the hash before it and all that stands in it, so that
// no row can be changed, taken out, moved or put in between unseen.
type AuditEntry struct {
	Seq       int64           `json:"seq"`
	At        time.Time       `json:"at"`
	Tenant    TenantID        `json:"tenant_id"`
	Actor     Actor           `json:"actor"`
	Address   string          `json:"address,omitempty"`
	RequestID string          `json:"request_id,omitempty"`
	Action    string          `json:"action"`
	Object    AuditObject     `json:"object"`
	Outcome   AuditOutcome    `json:"outcome"`
	Reason    string          `json:"reason,omitempty"`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
	PrevHash  string          `json:"prev_hash"`
	Hash      string          `json:"hash"` // SHA-256, hex
}

// AuditStart is what stands before the first row of a tenant.
const AuditStart = "0000000000000000000000000000000000000000000000000000000000000000"
