package stream

import (
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// fact is one event with the rows it is about. Of several facts of one reading
// about the same row the last one carries it.
type fact struct {
	event fleet.Event
	about *fleet.Job // of a job's event, also where a later one carries the row
	job   *fleet.Job
	robot *fleet.Robot
	env   string // where what the event is about lives
	gone  bool   // the row that the event is about is not there any more
	v     int64
	parts []*part
}

// part is what one topic shows of a fact. It is encoded when the first reader
// wants it, and then is the same for all.
type part struct {
	topic string
	id    string
	env   string // empty: of no environment, or of one that is not known any more
	only  string // not empty: for nobody else
	gone  bool   // says that a row is not there any more
	now   string // not empty: it left env for there, which concerns those who see env alone
	once  sync.Once
	text  []byte
	build func() any
}

// change is one entry of an ev frame.
type change struct {
	Seq   int64           `json:"seq"`
	Topic string          `json:"topic"`
	Op    string          `json:"op"`
	ID    string          `json:"id"`
	V     int64           `json:"v"`
	Kind  fleet.EventKind `json:"type"`
	At    time.Time       `json:"at"`
	From  fleet.State     `json:"from_state,omitempty"`
	To    fleet.State     `json:"to_state,omitempty"`
	D     any             `json:"d,omitempty"`
}

func (p *part) json() []byte {
	p.once.Do(func() {
		p.text, _ = json.Marshal(p.build()) // plain structs and texts always encode
		p.build = nil
	})
	return p.text
}

// The operations of a change.
const (
	opPut  = "put"
	opDel  = "del"
	opNote = "note"
)

// split makes the parts of a fact.
func (f *fact) split() {
	e := &f.event
	base := change{Seq: e.Seq, ID: e.Subject.ID, V: f.v, Kind: e.Kind, At: moment(e.At), From: e.From, To: e.To}
	switch topic := topicOf(e); topic {
	case topicJobs:
		c := base
		if c.Topic, c.Op = topic, opNote; f.job != nil {
			c.Op, c.D = opPut, showJob(*f.job)
		} else if f.gone {
			c.Op = opDel
		}
		f.add(c, f.env)
		if f.robot != nil {
			c := base
			c.Topic, c.Op, c.ID, c.From, c.To = topicRobots, opPut, string(f.robot.ID), "", ""
			c.D = showRobot(f.robot, f.v)
			f.add(c, f.robot.Environment)
		}
	case topicRobots:
		c := base
		if c.Topic, c.Op = topic, opNote; f.robot != nil {
			c.Op, c.D = opPut, showRobot(f.robot, f.v)
		} else if f.gone {
			c.Op = opDel
		}
		f.add(c, f.env)
		if home := homeBefore(e); home != "" && !f.gone && home != f.env {
			c := base
			c.Topic, c.Op = topic, opDel
			f.add(c, home)
			f.parts[len(f.parts)-1].now = f.env
		}
	case "":
	default:
		c := base
		c.Topic, c.Op, c.D = topic, opNote, raw(e.Data)
		f.add(c, "")
	}
	if a, ok := activityOf(e, f.about); ok {
		c := base
		c.Topic, c.Op, c.D = topicActivity, opNote, a
		f.add(c, "")
	}
	c := base
	shown := *e
	shown.At = moment(e.At)
	c.Topic, c.Op, c.D = topicEvents, opNote, shown
	f.add(c, "")
}

func (f *fact) add(c change, env string) {
	f.parts = append(f.parts, &part{topic: c.Topic, id: c.ID, env: env, only: f.event.Only(), gone: c.Op == opDel, build: func() any { return c }})
}

func raw(data json.RawMessage) any {
	if len(data) == 0 {
		return nil
	}
	return data
}

// lastHome is where a robot lived that is there no more, so that those who may
// see that environment, and no others, are told; empty: nobody wrote it down.
func lastHome(e *fleet.Event) string {
	var data struct {
		Environment string `json:"environment"`
	}
	if e.Kind != fleet.EventRobotDeleted || json.Unmarshal(e.Data, &data) != nil {
		return ""
	}
	return data.Environment
}

// homeBefore is where a robot lived until an event; empty: where it does now.
func homeBefore(e *fleet.Event) string {
	var data struct {
		From string `json:"from_environment"`
	}
	if e.Subject.Kind != fleet.SubjectRobot || json.Unmarshal(e.Data, &data) != nil {
		return ""
	}
	return data.From
}

// topicOf is the topic of an event's noun; empty: it has none of its own.
func topicOf(e *fleet.Event) string {
	switch e.Subject.Kind { //nolint:exhaustive // others are told by their kind
	case fleet.SubjectJob, fleet.SubjectAttempt:
		return topicJobs
	case fleet.SubjectRobot:
		return topicRobots
	case fleet.SubjectWorkflow:
		return topicWorkflows
	case fleet.SubjectBulk:
		return topicBulk
	}
	switch noun, _, _ := strings.Cut(string(e.Kind), "."); noun {
	case "schedule", "trigger", "calendar":
		return topicSchedules
	case "queue", "queue_item", "item":
		return topicQueues
	}
	return ""
}

// robotOf is the robot whose load an event about a job changed; empty: none.
func robotOf(e *fleet.Event, j *fleet.Job) fleet.RobotID {
	var in struct {
		Robot fleet.RobotID `json:"robot_id"`
	}
	if len(e.Data) > 0 && json.Unmarshal(e.Data, &in) == nil && in.Robot != "" {
		return in.Robot
	}
	if j != nil {
		return j.RobotID
	}
	return ""
}
