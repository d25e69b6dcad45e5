package fleet

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
