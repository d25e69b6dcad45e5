package fleet

// WaitingOn says in one word why a pending job waits. It explains and never
// guards: placement looks at the columns behind it.
type WaitingOn string

// What a job can wait for, in the order in which it is looked at.
const (
	WaitingTime         WaitingOn = "time"
	WaitingBackoff      WaitingOn = "backoff"
	WaitingDependencies WaitingOn = "dependencies"
	WaitingHold         WaitingOn = "hold"
	WaitingConcurrency  WaitingOn = "concurrency"
	WaitingRate         WaitingOn = "rate"
	WaitingRobot        WaitingOn = "robot"
	WaitingReservation  WaitingOn = "reservation"
)

// WaitingCode refines WaitingOn.
type WaitingCode string

// The finer reasons that exist today.
const (
	CodeNotBefore      WaitingCode = "not_before"
	CodeRetryDelay     WaitingCode = "retry_delay"
	CodeParentsRunning WaitingCode = "parents_running"
	CodeUnmet          WaitingCode = "dependency_unmet" // the rule cannot come true; held
	CodeSegments       WaitingCode = "segments"         // its first segment has not begun
	CodeNoRobot        WaitingCode = "no_robot"         // none in the tenant
	CodeNoMatch        WaitingCode = "no_match"         // each fails a demand
	CodeNoneAvailable  WaitingCode = "none_available"   // those that match are away
	CodeRejectedByAll  WaitingCode = "rejected_by_all"  // all that match are left out for now
	CodeNoSlot         WaitingCode = "no_slot"          // all that match are full
	CodeBehindOthers   WaitingCode = "behind_others"    // it fits, others go first
	CodeReserved       WaitingCode = "reserved"         // the free slots are kept for other work
	CodeSuspended      WaitingCode = "tenant_suspended" // nothing of the tenant starts
	CodeTenantQuota    WaitingCode = "tenant_quota"     // as many of its jobs run as may
	CodeSecretHeld     WaitingCode = "secret_held"      // another job has an exclusive secret
)
