package fleet

import (
	"encoding/json"
	"time"
)

// EventKind names a fact. The list is closed; api/events.json is made from it.
type EventKind string

// The kinds of events.
const (
	EventJobSubmitted       EventKind = "job.submitted"
	EventJobAssigned        EventKind = "job.assigned"
	EventJobStarted         EventKind = "job.started"
	EventJobSilent          EventKind = "job.silent"
	EventJobRequeued        EventKind = "job.requeued"
	EventJobRetryScheduled  EventKind = "job.retry_scheduled"
	EventJobCancelRequested EventKind = "job.cancel_requested"
	EventJobCompleted       EventKind = "job.completed"
	EventJobFailed          EventKind = "job.failed"
	EventJobCancelled       EventKind = "job.cancelled"
	EventJobTimeout         EventKind = "job.timeout"
	EventJobNeedsDecision   EventKind = "job.needs_decision"
	EventJobDecided         EventKind = "job.decided"
	EventJobLateResult      EventKind = "job.late_result"
	EventJobPriority        EventKind = "job.priority_changed"
	EventJobMoved           EventKind = "job.moved" // it asks for another robot
	EventJobArtifact        EventKind = "job.artifact_added"
	EventJobImported        EventKind = "job.imported" // it had ended elsewhere, and is kept for its history
	EventRobotRegistered    EventKind = "robot.registered"
	EventRobotUpdated       EventKind = "robot.updated"
	EventRobotDeleted       EventKind = "robot.deleted"
	EventRobotConnected     EventKind = "robot.connected"
	EventRobotDisconnected  EventKind = "robot.disconnected"
	EventRobotMode          EventKind = "robot.mode_changed"
	EventRobotDrained       EventKind = "robot.drained"
	EventCommandRequested   EventKind = "robot.command_requested"
	EventCommandDelivered   EventKind = "robot.command_delivered"
	EventCommandEnded       EventKind = "robot.command_ended"
	EventBulkStarted        EventKind = "bulk.started"
	EventBulkEnded          EventKind = "bulk.ended"
	EventRobotConflict      EventKind = "robot.identity_conflict"
	EventWorkflowCreated    EventKind = "workflow.created"
	EventWorkflowVersion    EventKind = "workflow.version_added"
	EventWorkflowDeleted    EventKind = "workflow.deleted"
	EventKeyCreated         EventKind = "key.created"
	EventKeyRevoked         EventKind = "key.revoked"
	EventKeyUpdated         EventKind = "key.updated"
	EventKeyRotated         EventKind = "key.rotated"
	EventKeyExpiring        EventKind = "key.expiring"
	EventKeyExpired         EventKind = "key.expired"
	EventKeyUsedLate        EventKind = "key.used_after_rotation"
	EventRobotEnrolled      EventKind = "robot.enrolled"
	EventEnrolmentCreated   EventKind = "enrolment.created"
	EventEnrolmentRevoked   EventKind = "enrolment.revoked"
	EventBrake              EventKind = "fleet.brake"
	EventJobReleased        EventKind = "job.released"
	EventJobUnmet           EventKind = "job.dependency_unmet"
	EventAssignmentChanged  EventKind = "assignment.changed"
	EventOverrideChanged    EventKind = "node_override.changed"
	EventReservationCreated EventKind = "reservation.created"
	EventReservationUpdated EventKind = "reservation.updated"
	EventReservationDeleted EventKind = "reservation.deleted"
	// EventReservationRecalled says that a job must make way for a holder.
	EventReservationRecalled EventKind = "reservation.recalled"
	EventUserCreated         EventKind = "user.created"
	EventUserUpdated         EventKind = "user.updated"
	EventUserDeleted         EventKind = "user.deleted"
	EventEnvironmentChanged  EventKind = "environment.changed"

	EventSecretCreated EventKind = "secret.created"
	EventSecretChanged EventKind = "secret.changed"
	EventSecretDeleted EventKind = "secret.deleted"
	EventSecretRead    EventKind = "secret.read" // handed to a robot
	EventAssetCreated  EventKind = "asset.created"
	EventAssetChanged  EventKind = "asset.changed"
	EventAssetDeleted  EventKind = "asset.deleted"

	EventQueueCreated EventKind = "queue.created"
	EventQueueUpdated EventKind = "queue.updated"
	EventQueuePaused  EventKind = "queue.paused"
	EventQueueResumed EventKind = "queue.resumed"
	EventQueueDeleted EventKind = "queue.deleted"

	EventItemAdded      EventKind = "item.added" // of a bulk: one, with the queue as its subject and a count
	EventItemTaken      EventKind = "item.taken"
	EventItemSuccessful EventKind = "item.successful"
	EventItemFailed     EventKind = "item.failed"
	EventItemRetried    EventKind = "item.retried"
	EventItemAbandoned  EventKind = "item.abandoned"
	EventItemPostponed  EventKind = "item.postponed"
	EventItemReleased   EventKind = "item.released"
	EventItemUpdated    EventKind = "item.updated"
	EventItemDeleted    EventKind = "item.deleted"
	EventItemOverdue    EventKind = "item.overdue"

	EventScheduleCreated  EventKind = "schedule.created"
	EventScheduleUpdated  EventKind = "schedule.updated"
	EventScheduleDeleted  EventKind = "schedule.deleted"
	EventScheduleEnabled  EventKind = "schedule.enabled"
	EventScheduleDisabled EventKind = "schedule.disabled" // also by itself, after failures in a row
	EventScheduleFired    EventKind = "schedule.fired"
	EventScheduleMissed   EventKind = "schedule.missed"  // of several instants in a row: one, with a count
	EventScheduleSkipped  EventKind = "schedule.skipped" // likewise
	EventScheduleLate     EventKind = "schedule.late"    // a job has broken a limit of time of its schedule
	EventBackfillStarted  EventKind = "schedule.backfill_started"
	EventBackfillEnded    EventKind = "schedule.backfill_ended"
	EventCalendarCreated  EventKind = "calendar.created"
	EventCalendarUpdated  EventKind = "calendar.updated"
	EventCalendarDeleted  EventKind = "calendar.deleted"

	EventItemDue EventKind = "item.due" // postponed items stand in line again; of a queue, with a count

	EventTriggerCreated    EventKind = "trigger.created"
	EventTriggerUpdated    EventKind = "trigger.updated"
	EventTriggerDeleted    EventKind = "trigger.deleted"
	EventTriggerEnabled    EventKind = "trigger.enabled"
	EventTriggerDisabled   EventKind = "trigger.disabled" // also by itself, after failures in a row
	EventTriggerFired      EventKind = "trigger.fired"
	EventTriggerSuppressed EventKind = "trigger.suppressed" // an occasion that started no job

	EventAlertOpened       EventKind = "alert.opened"       // an incident is there
	EventAlertAcknowledged EventKind = "alert.acknowledged" // somebody looks after it
	EventAlertEscalated    EventKind = "alert.escalated"    // nobody did in time, and the next channel is told
	EventAlertResolved     EventKind = "alert.resolved"     // by somebody, or by itself after quiet
	EventWebhookCreated    EventKind = "webhook.created"
	EventWebhookUpdated    EventKind = "webhook.updated"
	EventWebhookDeleted    EventKind = "webhook.deleted"
	EventWebhookEnabled    EventKind = "webhook.enabled"
	EventWebhookDisabled   EventKind = "webhook.disabled"  // also by itself, when nothing arrives
	EventWebhookRecovered  EventKind = "webhook.recovered" // something has arrived again
	EventWebhookRotated    EventKind = "webhook.secret_rotated"
	EventWebhookReplayed   EventKind = "webhook.replayed" // events are sent once more

	// Views of lists: an event about one's own has its owner in its data, and is for
	// nobody else.
	EventViewCreated EventKind = "view.created"
	EventViewUpdated EventKind = "view.updated"
	EventViewDeleted EventKind = "view.deleted"

	EventTenantCreated   EventKind = "tenant.created"
	EventTenantUpdated   EventKind = "tenant.updated"
	EventTenantSuspended EventKind = "tenant.suspended"
	EventTenantResumed   EventKind = "tenant.resumed"
)

// EventKinds lists every kind.
func EventKinds() []EventKind {
	return []EventKind{
		EventJobSubmitted, EventJobAssigned, EventJobStarted, EventJobSilent, EventJobRequeued, EventJobRetryScheduled,
		EventJobCancelRequested, EventJobCompleted, EventJobFailed, EventJobCancelled, EventJobTimeout,
		EventJobNeedsDecision, EventJobDecided, EventJobLateResult, EventJobPriority, EventJobMoved, EventJobArtifact, EventJobImported, EventRobotRegistered,
		EventRobotUpdated, EventRobotDeleted, EventRobotMode, EventRobotDrained, EventCommandRequested, EventCommandDelivered, EventCommandEnded, EventBulkStarted, EventBulkEnded,
		EventRobotConnected, EventRobotDisconnected, EventRobotConflict, EventWorkflowCreated,
		EventWorkflowVersion, EventWorkflowDeleted, EventKeyCreated, EventKeyRevoked, EventBrake,
		EventKeyUpdated, EventKeyRotated, EventKeyExpiring, EventKeyExpired, EventKeyUsedLate,
		EventRobotEnrolled, EventEnrolmentCreated, EventEnrolmentRevoked,
		EventJobReleased, EventJobUnmet, EventAssignmentChanged, EventOverrideChanged, EventReservationCreated, EventReservationUpdated, EventReservationDeleted, EventReservationRecalled, EventEnvironmentChanged,
		EventUserCreated, EventUserUpdated, EventUserDeleted,
		EventSecretCreated, EventSecretChanged, EventSecretDeleted, EventSecretRead, EventAssetCreated, EventAssetChanged, EventAssetDeleted,
		EventQueueCreated, EventQueueUpdated, EventQueuePaused, EventQueueResumed, EventQueueDeleted,
		EventItemAdded, EventItemTaken, EventItemSuccessful, EventItemFailed, EventItemRetried, EventItemAbandoned, EventItemPostponed,
		EventItemReleased, EventItemUpdated, EventItemDeleted, EventItemOverdue,
		EventScheduleCreated, EventScheduleUpdated, EventScheduleDeleted, EventScheduleEnabled, EventScheduleDisabled, EventScheduleFired,
		EventScheduleMissed, EventScheduleSkipped, EventScheduleLate, EventBackfillStarted, EventBackfillEnded,
		EventCalendarCreated, EventCalendarUpdated, EventCalendarDeleted,
		EventItemDue,
		EventTriggerCreated, EventTriggerUpdated, EventTriggerDeleted, EventTriggerEnabled, EventTriggerDisabled, EventTriggerFired, EventTriggerSuppressed,
		EventAlertOpened, EventAlertAcknowledged, EventAlertEscalated, EventAlertResolved,
		EventWebhookCreated, EventWebhookUpdated, EventWebhookDeleted, EventWebhookEnabled, EventWebhookDisabled, EventWebhookRecovered, EventWebhookRotated, EventWebhookReplayed,
		EventViewCreated, EventViewUpdated, EventViewDeleted,
		EventTenantCreated, EventTenantUpdated, EventTenantSuspended, EventTenantResumed,
	}
}

// Name is the word of the specification for the kind, or the kind itself.
func (k EventKind) Name() string {
	switch k { //nolint:exhaustive // only some kinds have a second name
	case EventJobSubmitted:
		return "JobSubmitted"
	case EventJobAssigned:
		return "JobAssigned"
	case EventJobRequeued:
		return "JobRequeued"
	case EventJobCompleted, EventJobFailed, EventJobTimeout:
		return "JobCompletedOnOrchestrator"
	case EventRobotRegistered:
		return "RobotRegistered"
	case EventRobotDisconnected:
		return "RobotDisconnected"
	}
	return string(k)
}

// SubjectKind is the noun that an event is about.
type SubjectKind string

// The subjects.
const (
	SubjectJob       SubjectKind = "job"
	SubjectAttempt   SubjectKind = "attempt" // the id is that of the job; such events are not counted by it
	SubjectRobot     SubjectKind = "robot"
	SubjectWorkflow  SubjectKind = "workflow"
	SubjectKey       SubjectKind = "key"
	SubjectUser      SubjectKind = "user"
	SubjectEnrolment SubjectKind = "enrolment"
	SubjectFleet     SubjectKind = "fleet"

	SubjectReservation SubjectKind = "reservation"
	SubjectEnvironment SubjectKind = "environment"
	SubjectBulk        SubjectKind = "bulk_operation"
	SubjectTenant      SubjectKind = "tenant"
	SubjectSecret      SubjectKind = "secret"
	SubjectAsset       SubjectKind = "asset"
	SubjectLocal       SubjectKind = "local" // what is done on the machine that serves the page
	SubjectQueue       SubjectKind = "queue"
	SubjectItem        SubjectKind = "queue_item"
	SubjectSchedule    SubjectKind = "schedule"
	SubjectCalendar    SubjectKind = "calendar"
	SubjectStore       SubjectKind = "store" // in the audit only
	SubjectTrigger     SubjectKind = "trigger"
	SubjectIncident    SubjectKind = "incident"
	SubjectAlertRule   SubjectKind = "alert_rule" // in the audit only, as the next two
	SubjectChannel     SubjectKind = "alert_channel"
	SubjectSilence     SubjectKind = "silence"
	SubjectWebhook     SubjectKind = "webhook"
	SubjectView        SubjectKind = "view"
)

// EventDraft is an event before the store has numbered it.
type EventDraft struct {
	Kind       EventKind
	Subject    SubjectKind
	SubjectID  string
	SubjectSeq int64 // counts the subject's own events; 0 where it has no count
	From, To   State // jobs only
	Epoch      int64
	Actor      string // empty: the orchestrator itself
	Data       map[string]any
}

// Event is a fact, stored in the transaction of the change it tells of. Seq
// rises in commit order within a tenant, without a hole.
type Event struct {
	Seq        int64           `json:"seq"`
	ID         ID              `json:"id"`
	Tenant     TenantID        `json:"tenant_id"`
	At         time.Time       `json:"at"`
	Kind       EventKind       `json:"type"`
	Name       string          `json:"name"`
	Subject    EventSubject    `json:"subject"`
	SubjectSeq int64           `json:"subject_seq,omitempty"`
	From       State           `json:"from_state,omitempty"`
	To         State           `json:"to_state,omitempty"`
	Epoch      int64           `json:"epoch,omitempty"`
	Actor      string          `json:"actor,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
}

// EventSubject names what an event is about.
type EventSubject struct {
	Kind SubjectKind `json:"kind"`
	ID   string      `json:"id"`
}

// Only is whom alone an event is for; empty: everybody who may read events of the
// tenant. Somebody's own views are nobody else's business.
func (e *Event) Only() string {
	if e.Subject.Kind != SubjectView {
		return ""
	}
	var data struct {
		Owner string `json:"owner"`
	}
	if json.Unmarshal(e.Data, &data) != nil {
		return ""
	}
	return data.Owner
}
