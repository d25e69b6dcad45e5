package stream

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Activity is one entry of the feed that people read: an event in a sentence.
type Activity struct {
	ID      fleet.ID        `json:"id"`
	Type    string          `json:"type"`
	At      time.Time       `json:"timestamp"`
	Title   string          `json:"title"`
	Details json.RawMessage `json:"details"`
	Robot   *fleet.RobotID  `json:"robot_id"`
	Job     *fleet.ID       `json:"job_id"`
}

// activityTypes are the words of the feed by the kind of the event.
var activityTypes = map[fleet.EventKind]string{
	fleet.EventJobSubmitted: "job_submitted", fleet.EventJobStarted: "job_started", fleet.EventJobCompleted: "job_completed",
	fleet.EventJobFailed: "job_failed", fleet.EventJobCancelled: "job_cancelled", fleet.EventJobTimeout: "job_timeout",
	fleet.EventJobRequeued: "job_requeued", fleet.EventRobotRegistered: "robot_registered", fleet.EventRobotEnrolled: "robot_registered",
	fleet.EventRobotConnected: "robot_online", fleet.EventRobotDisconnected: "robot_offline", fleet.EventRobotConflict: "robot_error",
	fleet.EventCommandRequested: "command",
	fleet.EventItemFailed:       "queue_item_failed",
}

// activityOf is the entry of an event; false: it has none. job is the row that it
// is about, where it is known.
func activityOf(e *fleet.Event, job *fleet.Job) (a Activity, ok bool) {
	a.Type, ok = activityTypes[e.Kind]
	if !ok {
		return a, false
	}
	a.ID, a.At, a.Details = e.ID, moment(e.At), e.Data
	if len(a.Details) == 0 {
		a.Details = json.RawMessage("{}")
	}
	var in struct {
		Robot    fleet.RobotID `json:"robot_id"`
		Job      fleet.ID      `json:"job_id"`
		Name     string        `json:"name"`
		Item     string        `json:"reference"`
		Command  string        `json:"kind"`
		Duration *int64        `json:"execution_time_ms"`
	}
	_ = json.Unmarshal(a.Details, &in) // the store wrote it
	switch e.Subject.Kind {            //nolint:exhaustive // the rest is about neither
	case fleet.SubjectJob, fleet.SubjectAttempt:
		in.Job = fleet.ID(e.Subject.ID)
	case fleet.SubjectRobot:
		in.Robot = fleet.RobotID(e.Subject.ID)
	}
	if in.Robot != "" {
		a.Robot = &in.Robot
	}
	if in.Job != "" {
		a.Job = &in.Job
	}
	a.Title = title(a.Type, subjectOf(e, job, cmp.Or(in.Name, in.Item)), string(in.Robot), in.Command, in.Duration)
	return a, true
}

// subjectOf names what an entry is about.
func subjectOf(e *fleet.Event, job *fleet.Job, name string) string {
	switch {
	case job != nil && job.Workflow.Name != "":
		return "Workflow " + job.Workflow.Name
	case e.Subject.Kind == fleet.SubjectJob:
		return "Job " + e.Subject.ID
	case e.Subject.Kind == fleet.SubjectRobot && name != "":
		return "Robot " + name
	case e.Subject.Kind == fleet.SubjectRobot:
		return "Robot " + e.Subject.ID
	case e.Subject.Kind == fleet.SubjectItem:
		return "Item " + cmp.Or(name, e.Subject.ID)
	}
	return cmp.Or(name, e.Subject.ID)
}

func title(kind, what, robot, command string, ms *int64) string {
	on, in := "", ""
	if robot != "" {
		on = " on " + robot
	}
	if ms != nil {
		in = " in " + (time.Duration(*ms) * time.Millisecond).Round(100*time.Millisecond).String()
	}
	switch kind {
	case "job_submitted":
		return what + " submitted"
	case "job_started":
		return what + " started" + on
	case "job_completed":
		return what + " completed" + on + in
	case "job_failed":
		return what + " failed" + on + in
	case "job_cancelled":
		return what + " cancelled"
	case "job_timeout":
		return what + " timed out" + on
	case "job_requeued":
		return what + " waits again"
	case "robot_registered":
		return what + " registered"
	case "robot_online":
		return what + " is online"
	case "robot_offline":
		return what + " is offline"
	case "robot_error":
		return what + " is claimed by two machines"
	case "command":
		return fmt.Sprintf("%s: command %s", what, command)
	case "schedule_triggered":
		return what + " fired"
	case "schedule_missed":
		return what + " missed its time"
	}
	return what + " failed"
}
