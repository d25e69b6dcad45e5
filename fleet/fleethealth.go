package fleet

import (
	"slices"
	"time"
)

// RunningJob is a job that a robot holds, as lists of robots show it.
type RunningJob struct {
	ID        ID        `json:"job_id"`
	Workflow  string    `json:"workflow_name"`
	Status    State     `json:"status"`
	Progress  int       `json:"progress"`
	StartedAt time.Time `json:"started_at,omitzero"`
}

// FleetHealth is what the rows of robots do not tell of a fleet: whose
// connection does not hold, which words of what robots can do are scarce, and,
// if asked for, how well each robot's jobs ended.
type FleetHealth struct {
	At       time.Time        `json:"at"`
	Flapping []FlappingRobot  `json:"flapping"`
	Capacity []CapabilityRoom `json:"capacity"`
	// Success is percent of the jobs that ended on a robot in 24 hours, by its id;
	// one on which none ended is not in it.
	Success map[RobotID]float64 `json:"success,omitempty"`
}

// FlappingAt is from how many ends of its connection within an hour on a robot
// is said to flap.
const FlappingAt = 3

// FlappingRobot is a robot whose connection does not hold.
type FlappingRobot struct {
	RobotID     RobotID `json:"robot_id"`
	Name        string  `json:"name"`
	Disconnects int64   `json:"disconnects"` // within the hour
}

// CapabilityRoom is the room of the robots that can do something. Slots are those
// of connected robots: used, free, or held, which is on robots that take no new
// work for now.
type CapabilityRoom struct {
	Capability string `json:"capability"`
	Robots     int    `json:"robots"` // connected or not
	Connected  int    `json:"connected"`
	Slots      int    `json:"slots"`
	Used       int    `json:"used"`
	Free       int    `json:"free"`
	Held       int    `json:"held"`

	Waiting int64 `json:"waiting"` // jobs that ask for it and could run now
	// MeanWaitMS is over Sampled of them.
	MeanWaitMS int64 `json:"mean_wait_ms"`
	Sampled    int64 `json:"sampled"`
}

// MainCapabilities are the seven words that everything knows.
var MainCapabilities = []string{"browser", "desktop", "gpu", "high_memory", "secure", "cloud", "on_premise"}

// Room counts the room of capabilities: first the seven that everybody knows, then
// the others by name.
type Room struct{ by map[string]*CapabilityRoom }

func (m *Room) of(word string) *CapabilityRoom {
	if m.by == nil {
		m.by = map[string]*CapabilityRoom{}
	}
	c := m.by[word]
	if c == nil {
		c = &CapabilityRoom{Capability: word}
		m.by[word] = c
	}
	return c
}

// Robot counts a robot whose status was derived.
func (m *Room) Robot(r *Robot) {
	for _, word := range r.Capabilities.Listed() {
		c := m.of(word)
		c.Robots++
		if !r.Connected || r.Status == RobotOffline {
			continue
		}
		slots := max(r.Max(), r.Taken)
		c.Connected++
		c.Slots += slots
		c.Used += r.Taken
		if r.Status == RobotOnline || r.Status == RobotBusy {
			c.Free += slots - r.Taken
		} else {
			c.Held += slots - r.Taken
		}
	}
}

// Wait counts jobs that need words, of which some were read with how long they
// have waited.
func (m *Room) Wait(need Capabilities, jobs int64, read []time.Duration) {
	for _, word := range need.Listed() {
		c := m.of(word)
		c.Waiting += jobs
		for _, w := range read {
			c.MeanWaitMS += (w.Milliseconds() - c.MeanWaitMS) / (c.Sampled + 1)
			c.Sampled++
		}
	}
}

// List is what was counted.
func (m *Room) List() []CapabilityRoom {
	out := []CapabilityRoom{}
	for _, word := range MainCapabilities {
		out = append(out, *m.of(word))
	}
	main := len(out)
	for word, c := range m.by {
		if !slices.Contains(MainCapabilities, word) {
			out = append(out, *c)
		}
	}
	slices.SortFunc(out[main:], func(a, b CapabilityRoom) int {
		if a.Capability < b.Capability {
			return -1
		}
		return 1
	})
	return out
}
