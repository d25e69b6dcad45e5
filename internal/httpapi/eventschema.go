package httpapi

import (
	"bytes"
	"encoding/json"
	"maps"

	"github.com/casarerpa/fleet/fleet"
)

// eventShape says what the data of one kind of event holds. Members ending in
// "?" may be missing.
type eventShape struct {
	kind    fleet.EventKind
	subject fleet.SubjectKind
	text    string
	data    map[string]string // member → type: text, number, flag, texts
}

// inQueue adds what every event of an item may hold.
func inQueue(data map[string]string) map[string]string {
	data["queue_id"], data["reference?"], data["job_id?"], data["retry_no?"] = "text", "text", "text", "number"
	return data
}

// eventShapes is the closed list. A test holds it against fleet.EventKinds and
// against the events that the store writes.
func eventShapes() []eventShape {
	job, robot := fleet.SubjectJob, fleet.SubjectRobot
	return []eventShape{
		{fleet.EventJobSubmitted, job, "A job was stored.", map[string]string{
			"workflow_id": "text", "workflow_name": "text", "priority": "number", "priority_source?": "text", "retry_of?": "text",
			"parent_job_id?": "text", "segment?": "number", "segments?": "number", "not_before?": "text", "schedule_id?": "text",
		}},
		{fleet.EventJobAssigned, job, "A robot was offered the job.", map[string]string{"robot_id": "text"}},
		{fleet.EventJobStarted, job, "The robot took the job.", map[string]string{"robot_id": "text"}},
		{fleet.EventJobSilent, job, "The robot has not been heard of for a while; the job goes on.", map[string]string{"robot_id": "text"}},
		{fleet.EventJobRequeued, job, "The job waits again; no step of it counts.", map[string]string{
			"previous_robot_id": "text", "reason": "text", "detail?": "text", "rejected_by_count?": "number", "lost?": "number", "of?": "number", "in_ms?": "number",
		}},
		{fleet.EventJobRetryScheduled, job, "The attempt failed and another one follows.", map[string]string{
			"retry": "number", "of": "number", "in_ms": "number", "message?": "text", "node?": "text",
		}},
		{fleet.EventJobCancelRequested, job, "The robot is told to stop.", map[string]string{
			"grace_ms": "number", "stop_reason": "text", "by?": "text", "reason?": "text",
		}},
		{fleet.EventJobCompleted, job, "The job ended well.", map[string]string{
			"robot_id": "text", "success": "flag", "execution_time_ms": "number", "late?": "flag",
		}},
		{fleet.EventJobFailed, job, "The job ended with an error.", map[string]string{
			"error_class": "text", "error_code": "text", "message": "text", "node": "text", "dead_letter": "flag",
		}},
		{fleet.EventJobCancelled, job, "The job was stopped for good.", map[string]string{
			"by?": "text", "reason?": "text", "outcome?": "text", "parent_id?": "text", "parent_state?": "text",
		}},
		{fleet.EventJobTimeout, job, "The job waited or ran for too long.", map[string]string{"reason": "text"}},
		{fleet.EventJobNeedsDecision, job, "A step that must not run twice was under way; a person decides.", map[string]string{"reason": "text"}},
		{fleet.EventJobDecided, job, "A person decided.", map[string]string{
			"by": "text", "decision": "text", "reason": "text", "steps_done?": "texts", "steps_not_done?": "texts",
		}},
		{fleet.EventJobImported, job, "A job that had ended elsewhere was taken over for its history.", map[string]string{
			"workflow_id": "text", "workflow_name": "text", "status": "text",
		}},
		{fleet.EventJobLateResult, fleet.SubjectAttempt, "A result came from an attempt that no longer counts.", map[string]string{
			"robot_id": "text", "epoch": "number", "report": "text", "attempt_outcome": "text", "message?": "text",
		}},
		{fleet.EventJobArtifact, fleet.SubjectAttempt, "A file that an attempt left is kept, or kept anew under the same name.", map[string]string{
			"epoch": "number", "name": "text", "type": "text", "size": "number", "node_id?": "text",
		}},
		{fleet.EventUserCreated, fleet.SubjectUser, "A person can sign in.", userData()},
		{fleet.EventUserUpdated, fleet.SubjectUser, "A person's name, role, password or right to sign in changed.", userData()},
		{fleet.EventUserDeleted, fleet.SubjectUser, "A person is gone.", userData()},
		{fleet.EventRobotRegistered, robot, "A robot became known.", map[string]string{"name": "text"}},
		{fleet.EventRobotUpdated, robot, "A robot's name or limits changed.", map[string]string{"name": "text", "changed?": "texts", "from_environment?": "text"}},
		{fleet.EventRobotDeleted, robot, "A robot was taken out of the fleet for good; its keys ended with it.", map[string]string{"name": "text", "environment?": "text"}},
		{fleet.EventRobotMode, robot, "An operator, or time, changed what is wanted of a robot.", map[string]string{
			"from": "text", "to": "text", "note?": "text", "until?": "text",
		}},
		{fleet.EventRobotDrained, robot, "A draining robot holds nothing any more.", map[string]string{"then": "text"}},
		{fleet.EventCommandRequested, robot, "An operator asked something of a robot's process.", map[string]string{"command_id": "text", "command": "text"}},
		{fleet.EventCommandDelivered, robot, "The robot is told what was asked of it.", map[string]string{"command_id": "text", "command": "text"}},
		{fleet.EventCommandEnded, robot, "What was asked of a robot is done, failed, or came too late.", map[string]string{
			"command_id": "text", "command": "text", "status": "text", "message": "text",
		}},
		{fleet.EventBulkStarted, fleet.SubjectBulk, "The same is asked of many robots.", map[string]string{"command": "text", "total": "number"}},
		{fleet.EventBulkEnded, fleet.SubjectBulk, "A bulk operation has ended.", map[string]string{
			"command": "text", "total": "number", "status": "text", "done": "number", "failed": "number", "skipped": "number",
		}},
		{fleet.EventRobotConnected, robot, "A robot connected.", map[string]string{"session_epoch": "number", "hostname": "text", "from_environment?": "text"}},
		{fleet.EventRobotDisconnected, robot, "A robot's connection ended; its jobs go on until their leases lapse.", map[string]string{
			"reason": "text", "session_epoch": "number", "orphaned_job_ids": "texts",
		}},
		{fleet.EventRobotConflict, robot, "Two machines use one robot id; it is told of once in an hour.", map[string]string{
			"hostname": "text", "other_hostname": "text",
		}},
		{fleet.EventWorkflowCreated, fleet.SubjectWorkflow, "A workflow was stored for the first time.", workflowData()},
		{fleet.EventWorkflowVersion, fleet.SubjectWorkflow, "A workflow got another version.", workflowData()},
		{fleet.EventWorkflowDeleted, fleet.SubjectWorkflow, "A workflow was deleted; its jobs and versions stay.", map[string]string{"name": "text"}},
		{fleet.EventKeyCreated, fleet.SubjectKey, "A key was made.", map[string]string{"kind": "text", "name": "text"}},
		{fleet.EventKeyRevoked, fleet.SubjectKey, "A key was revoked.", map[string]string{"name": "text", "reason?": "text"}},
		{fleet.EventKeyUpdated, fleet.SubjectKey, "What people read of a key changed.", map[string]string{"name": "text", "name_before": "text"}},
		{fleet.EventKeyRotated, fleet.SubjectKey, "Another key takes the place of this one, which ends after an overlap.", map[string]string{
			"name": "text", "replaced_by": "text", "ends_at": "text",
		}},
		{fleet.EventKeyExpiring, fleet.SubjectKey, "A key will end within seven days.", keyEndData()},
		{fleet.EventKeyExpired, fleet.SubjectKey, "A key has ended by itself.", keyEndData()},
		{fleet.EventKeyUsedLate, fleet.SubjectKey, "A key is still used although another took its place.", map[string]string{"address": "text"}},
		{fleet.EventRobotEnrolled, robot, "A machine made itself a robot with an enrolment token.", map[string]string{
			"enrolment_id": "text", "environment": "text", "key_id": "text",
		}},
		{fleet.EventEnrolmentCreated, fleet.SubjectEnrolment, "A token was made with which machines enrol themselves.", map[string]string{
			"name_pattern": "text", "environment": "text", "uses_max": "number",
		}},
		{fleet.EventEnrolmentRevoked, fleet.SubjectEnrolment, "An enrolment token was revoked.", nil},
		{fleet.EventBrake, fleet.SubjectFleet, "So many robots fell silent at once that no lease was taken away: of this tenant so many attempts.", map[string]string{"silent": "number"}},
		{fleet.EventJobPriority, job, "Somebody changed the urgency of a job that waits.", map[string]string{"from": "number", "to": "number", "by": "text"}},
		{fleet.EventJobMoved, job, "A job that waits asks for another robot, or for any.", map[string]string{"from_robot_id?": "text", "to_robot_id?": "text", "by": "text"}},
		{fleet.EventJobReleased, job, "The jobs that it waited for have ended as it needs.", map[string]string{"parent_id": "text", "parent_state": "text", "not_before?": "text"}},
		{fleet.EventJobUnmet, job, "A job that it waits for did not end as it needs; it is held.", map[string]string{"parent_id": "text", "parent_state": "text"}},
		{fleet.EventAssignmentChanged, fleet.SubjectWorkflow, "The usual robots of a workflow changed.", map[string]string{
			"robot_id": "text", "is_default?": "flag", "removed?": "flag",
		}},
		{fleet.EventOverrideChanged, fleet.SubjectWorkflow, "Where a node of a workflow runs changed.", map[string]string{
			"node_id": "text", "robot_id?": "text", "is_active?": "flag", "reason?": "text", "removed?": "flag",
		}},
		{fleet.EventReservationCreated, fleet.SubjectReservation, "Slots are kept for some jobs.", reservationData()},
		{fleet.EventReservationUpdated, fleet.SubjectReservation, "A reservation changed.", reservationData()},
		{fleet.EventReservationDeleted, fleet.SubjectReservation, "The slots of a reservation are free again.", map[string]string{"name": "text"}},
		{fleet.EventReservationRecalled, fleet.SubjectReservation, "A job on a lent slot makes way for one that the slot is kept for.", map[string]string{
			"name": "text", "job_id": "text", "grace_seconds": "number",
		}},
		{fleet.EventEnvironmentChanged, fleet.SubjectEnvironment, "What holds for an environment was set.", map[string]string{
			"production": "flag", "production_before": "flag", "strict": "flag", "age_step_seconds": "number", "strict_before": "flag", "age_step_seconds_before": "number",
			"lost_after_seconds": "number", "lost_after_seconds_before": "number",
		}},
		{fleet.EventViewCreated, fleet.SubjectView, "A view of a list is kept. What is about somebody's own view is told to its owner alone.", viewData()},
		{fleet.EventViewUpdated, fleet.SubjectView, "A view of a list changed.", viewData()},
		{fleet.EventViewDeleted, fleet.SubjectView, "A view of a list is gone, or shared no more.", viewData()},
		{fleet.EventSecretCreated, fleet.SubjectSecret, "A secret was made.", nil},
		{fleet.EventSecretChanged, fleet.SubjectSecret, "A secret was changed.", nil},
		{fleet.EventSecretDeleted, fleet.SubjectSecret, "A secret was deleted.", nil},
		{fleet.EventSecretRead, fleet.SubjectSecret, "A secret was handed to a robot for an attempt.", map[string]string{"job_id": "text", "robot_id": "text"}},
		{fleet.EventQueueCreated, fleet.SubjectQueue, "A queue was made.", map[string]string{"name": "text"}},
		{fleet.EventQueueUpdated, fleet.SubjectQueue, "A queue was changed.", map[string]string{"name": "text"}},
		{fleet.EventQueuePaused, fleet.SubjectQueue, "Items of the queue are not taken any more.", map[string]string{"name": "text"}},
		{fleet.EventQueueResumed, fleet.SubjectQueue, "Items of the queue are taken again.", map[string]string{"name": "text"}},
		{fleet.EventQueueDeleted, fleet.SubjectQueue, "A queue was deleted.", map[string]string{"name": "text"}},
		{fleet.EventItemAdded, fleet.SubjectItem, "An item was added; several at once are one event about their queue.", map[string]string{"queue_id": "text", "reference?": "text", "count": "number"}},
		{fleet.EventItemTaken, fleet.SubjectItem, "An item was taken.", inQueue(map[string]string{"robot_id?": "text"})},
		{fleet.EventItemSuccessful, fleet.SubjectItem, "An item is done.", inQueue(map[string]string{"duration_ms": "number"})},
		{fleet.EventItemFailed, fleet.SubjectItem, "An item could not be done, and is not tried again by itself.", inQueue(map[string]string{"error_type?": "text", "error_message?": "text", "duration_ms?": "number"})},
		{fleet.EventItemRetried, fleet.SubjectItem, "An item could not be done; another one in its chain tries it again.", inQueue(map[string]string{"error_type?": "text", "error_message?": "text", "duration_ms?": "number", "next_item_id": "text"})},
		{fleet.EventItemAbandoned, fleet.SubjectItem, "The holder of an item is gone.", inQueue(map[string]string{"reason": "text", "next_item_id?": "text"})},
		{fleet.EventItemPostponed, fleet.SubjectItem, "An item is put back until a time.", inQueue(map[string]string{"not_before": "text"})},
		{fleet.EventItemReleased, fleet.SubjectItem, "An item was given back.", inQueue(map[string]string{})},
		{fleet.EventItemUpdated, fleet.SubjectItem, "An item was edited, reviewed or commented.", inQueue(map[string]string{"review?": "text", "reviewer?": "text", "comments?": "number"})},
		{fleet.EventItemDeleted, fleet.SubjectItem, "An item was taken out.", inQueue(map[string]string{})},
		{fleet.EventItemOverdue, fleet.SubjectItem, "The deadline of a new item has passed.", inQueue(map[string]string{"deadline": "text", "on_deadline": "text"})},
		{fleet.EventItemDue, fleet.SubjectQueue, "Postponed items of the queue stand in line again.", map[string]string{"count": "number"}},
		{fleet.EventTriggerCreated, fleet.SubjectTrigger, "A trigger was made.", ofTrigger(nil)},
		{fleet.EventTriggerUpdated, fleet.SubjectTrigger, "A trigger was changed.", ofTrigger(map[string]string{"note": "text"})},
		{fleet.EventTriggerDeleted, fleet.SubjectTrigger, "A trigger was deleted.", ofTrigger(map[string]string{"note": "text"})},
		{fleet.EventTriggerEnabled, fleet.SubjectTrigger, "A trigger fires again.", ofTrigger(map[string]string{"note": "text"})},
		{fleet.EventTriggerDisabled, fleet.SubjectTrigger, "A trigger starts nothing more: somebody said so, or too many of its jobs failed in a row, as the note says.", ofTrigger(map[string]string{"note": "text"})},
		{fleet.EventTriggerFired, fleet.SubjectTrigger, "A trigger has started a job.", ofTrigger(map[string]string{"firing_id": "text", "outcome": "text", "job_id": "text"})},
		{fleet.EventTriggerSuppressed, fleet.SubjectTrigger, "A trigger was told of something and started no job, for the reason given.", ofTrigger(map[string]string{"firing_id": "text", "outcome": "text", "reason": "text"})},
		{fleet.EventAlertOpened, fleet.SubjectIncident, "A rule of alerts has found something: there is an incident.", ofIncident(nil)},
		{fleet.EventAlertAcknowledged, fleet.SubjectIncident, "Somebody looks after an incident.", ofIncident(map[string]string{"note": "text"})},
		{fleet.EventAlertEscalated, fleet.SubjectIncident, "Nobody has acknowledged an incident in time: the next channel is told.", ofIncident(map[string]string{"channel": "text"})},
		{fleet.EventAlertResolved, fleet.SubjectIncident, "An incident is over: somebody said so, or it was quiet for long enough.", ofIncident(nil)},
		{fleet.EventScheduleCreated, fleet.SubjectSchedule, "A schedule was made.", ofSchedule(nil)},
		{fleet.EventScheduleUpdated, fleet.SubjectSchedule, "A schedule was changed.", ofSchedule(map[string]string{"note": "text"})},
		{fleet.EventScheduleDeleted, fleet.SubjectSchedule, "A schedule was deleted.", ofSchedule(map[string]string{"note": "text"})},
		{fleet.EventScheduleEnabled, fleet.SubjectSchedule, "A schedule goes on.", ofSchedule(map[string]string{"note": "text"})},
		{fleet.EventScheduleDisabled, fleet.SubjectSchedule, "A schedule starts nothing more: somebody said so, or too many of its jobs failed in a row, as the note says.", ofSchedule(map[string]string{"note": "text"})},
		{fleet.EventScheduleFired, fleet.SubjectSchedule, "A schedule, somebody by hand or a backfill has made a job.", ofSchedule(map[string]string{"fire_at": "text", "kind": "text", "outcome": "text", "job_id": "text", "reason?": "text"})},
		{fleet.EventScheduleMissed, fleet.SubjectSchedule, "Nobody was there for instants of the schedule; several in a row are one event.", ofSchedule(skippedData())},
		{fleet.EventScheduleSkipped, fleet.SubjectSchedule, "Instants of the schedule have no job: its jobs had not ended, a calendar does not allow them, or the job was refused.", ofSchedule(skippedData())},
		{fleet.EventScheduleLate, fleet.SubjectSchedule, "A job of the schedule has not begun, or not ended, in the time that it gives.", ofSchedule(map[string]string{"fire_at": "text", "job_id": "text", "late": "text"})},
		{fleet.EventBackfillStarted, fleet.SubjectSchedule, "Instants of the past are to be run.", ofSchedule(map[string]string{"backfill_id": "text", "from": "text", "until": "text", "total": "number"})},
		{fleet.EventBackfillEnded, fleet.SubjectSchedule, "A backfill makes no more jobs.", ofSchedule(map[string]string{"backfill_id": "text", "status": "text", "made": "number", "left_out": "number"})},
		{fleet.EventCalendarCreated, fleet.SubjectCalendar, "A working calendar was made.", map[string]string{"name": "text"}},
		{fleet.EventCalendarUpdated, fleet.SubjectCalendar, "A working calendar was changed.", map[string]string{"name": "text"}},
		{fleet.EventCalendarDeleted, fleet.SubjectCalendar, "A working calendar was deleted.", map[string]string{"name": "text"}},
		{fleet.EventAssetCreated, fleet.SubjectAsset, "An asset was made.", nil},
		{fleet.EventAssetChanged, fleet.SubjectAsset, "An asset was changed.", nil},
		{fleet.EventAssetDeleted, fleet.SubjectAsset, "An asset was deleted.", nil},
		{fleet.EventWebhookCreated, fleet.SubjectWebhook, "Events are sent to an address.", ofWebhook(nil)},
		{fleet.EventWebhookUpdated, fleet.SubjectWebhook, "A webhook was changed.", ofWebhook(nil)},
		{fleet.EventWebhookDeleted, fleet.SubjectWebhook, "A webhook was deleted.", ofWebhook(nil)},
		{fleet.EventWebhookEnabled, fleet.SubjectWebhook, "A webhook is sent events again.", ofWebhook(nil)},
		{fleet.EventWebhookDisabled, fleet.SubjectWebhook, "A webhook is sent nothing more: somebody said so, its receiver answered 410, or nothing has arrived for 5 days, as the reason says.", ofWebhook(map[string]string{"reason?": "text"})},
		{fleet.EventWebhookRecovered, fleet.SubjectWebhook, "An event has arrived at a webhook that could not be reached for a while.", ofWebhook(nil)},
		{fleet.EventWebhookRotated, fleet.SubjectWebhook, "A webhook has a new secret; the old one signs too for a while.", ofWebhook(map[string]string{"old_until": "text"})},
		{fleet.EventWebhookReplayed, fleet.SubjectWebhook, "Events are sent to a webhook once more: those since a time, or one.", ofWebhook(map[string]string{"from?": "text", "delivery_id?": "text"})},
		{fleet.EventTenantCreated, fleet.SubjectTenant, "A tenant was made.", tenantData()},
		{fleet.EventTenantUpdated, fleet.SubjectTenant, "What is set of a tenant was changed.", tenantData()},
		{fleet.EventTenantSuspended, fleet.SubjectTenant, "Nothing of the tenant starts from now on.", tenantData()},
		{fleet.EventTenantResumed, fleet.SubjectTenant, "Jobs of the tenant start again.", tenantData()},
	}
}

func tenantData() map[string]string {
	return map[string]string{"name": "text", "suspended": "flag", "weight": "number"}
}

func keyEndData() map[string]string {
	return map[string]string{"kind": "text", "name": "text", "ends_at": "text"}
}

func viewData() map[string]string {
	return map[string]string{"page": "text", "name": "text", "shared": "flag", "owner?": "text"}
}

func reservationData() map[string]string {
	return map[string]string{"name": "text", "slots": "number", "enabled": "flag"}
}

func workflowData() map[string]string {
	return map[string]string{"name": "text", "version": "number", "hash": "text"}
}

// EventDocument is the closed list of events with a JSON Schema for each, as
// it is committed.
func EventDocument() ([]byte, error) {
	type entry struct {
		Type        fleet.EventKind   `json:"type"`
		Name        string            `json:"name"`
		Subject     fleet.SubjectKind `json:"subject"`
		Description string            `json:"description"`
		Data        map[string]any    `json:"data"`
	}
	doc := struct {
		Schema string  `json:"$schema"`
		Title  string  `json:"title"`
		Events []entry `json:"events"`
	}{"https://json-schema.org/draft/2020-12/schema", "Events of Casare Fleet", []entry{}}
	for _, s := range eventShapes() {
		doc.Events = append(doc.Events, entry{s.kind, s.kind.Name(), s.subject, s.text, s.schema()})
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// schema is the JSON Schema of an event's data. Kinds without a closed list of
// members take any object.
func (s eventShape) schema() map[string]any {
	out := map[string]any{"type": "object"}
	if s.data == nil {
		return out
	}
	types := map[string]map[string]any{
		"text": {"type": "string"}, "number": {"type": "integer"}, "flag": {"type": "boolean"},
		"texts": {"type": "array", "items": map[string]any{"type": "string"}},
	}
	properties, required := map[string]any{}, []string{}
	for name, kind := range s.data {
		if optional := name[len(name)-1] == '?'; optional {
			name = name[:len(name)-1]
		} else {
			required = append(required, name)
		}
		properties[name] = types[kind]
	}
	sortTexts(required)
	out["properties"], out["required"], out["additionalProperties"] = properties, required, false
	return out
}

func userData() map[string]string {
	return map[string]string{"name": "text", "role": "text", "disabled": "flag"}
}

func ofTrigger(more map[string]string) map[string]string {
	data := map[string]string{"name": "text", "kind": "text", "workflow_id": "text"}
	maps.Copy(data, more)
	return data
}

func ofIncident(more map[string]string) map[string]string {
	data := map[string]string{"rule_id": "text", "rule": "text", "kind": "text", "severity": "text", "cause": "text", "title": "text", "count": "number"}
	maps.Copy(data, more)
	return data
}

func ofWebhook(more map[string]string) map[string]string {
	data := map[string]string{"name": "text"}
	maps.Copy(data, more)
	return data
}

func ofSchedule(more map[string]string) map[string]string {
	data := map[string]string{"name": "text", "workflow_id": "text"}
	maps.Copy(data, more)
	return data
}

func skippedData() map[string]string {
	return map[string]string{"fire_at": "text", "last_fire_at": "text", "kind": "text", "outcome": "text", "job_id?": "text", "reason?": "text", "count": "number"}
}
