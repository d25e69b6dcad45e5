package fleet

import (
	"fmt"
	"math"
	"time"
)

// HealthState is how well a robot does.
type HealthState string

// The states, the best first. Unknown is not worse than failing: it says that
// there is nothing to judge by.
const (
	HealthHealthy  HealthState = "healthy"
	HealthDegraded HealthState = "degraded"
	HealthFailing  HealthState = "failing"
	HealthUnknown  HealthState = "unknown"
)

// HealthCheck is one reading held against its limits.
type HealthCheck struct {
	Name     string      `json:"name"`
	State    HealthState `json:"state"` // unknown: not measured
	Value    float64     `json:"value"`
	Unit     string      `json:"unit"`
	Degraded float64     `json:"degraded_at"` // from this value on
	Failing  float64     `json:"failing_at"`
	Reason   string      `json:"reason,omitempty"` // of one that is degraded or failing
}

// RobotHealth is the worst of a robot's checks.
type RobotHealth struct {
	RobotID RobotID       `json:"robot_id"`
	Name    string        `json:"name"`
	Status  RobotStatus   `json:"status"`
	State   HealthState   `json:"health"`
	Reasons []string      `json:"health_reasons"`
	Checks  []HealthCheck `json:"checks"`
	// Jobs are what it runs, where the robots were named one by one.
	Jobs []RunningJob `json:"jobs,omitempty"`
}

// HealthFacts is what the health of a robot is judged by.
type HealthFacts struct {
	Robot  Robot // with its status derived
	Timing Timing
	// Minutes are the readings of the last five minutes.
	Minutes []RobotMinute
	// Ended are the newest jobs that ended on it, at most 20.
	Ended []Job
	// Lost is how many attempts it lost in a day.
	Lost int64
	// Disconnects is how often its connection ended in an hour.
	Disconnects int64
}

// healthSample is how many ended jobs a share of failures needs.
const healthSample = 5

// Health judges a robot. A robot that is offline, or from which nothing was ever
// heard, is unknown.
func Health(f *HealthFacts, now time.Time) RobotHealth {
	r := &f.Robot
	out := RobotHealth{RobotID: r.ID, Name: r.Name, Status: r.Status, State: HealthHealthy, Reasons: []string{}}
	add := func(name, unit string, value, degraded, failing float64, measured bool, text string) {
		c := HealthCheck{Name: name, State: HealthHealthy, Value: value, Unit: unit, Degraded: degraded, Failing: failing}
		switch {
		case !measured:
			c.State, c.Value = HealthUnknown, 0
		case value >= failing:
			c.State = HealthFailing
		case value >= degraded:
			c.State = HealthDegraded
		}
		if c.State == HealthDegraded || c.State == HealthFailing {
			c.Reason = text
		}
		out.Checks = append(out.Checks, c)
	}
	silence := now.Sub(r.LastSeen).Seconds()
	lost := f.Timing.Lost.Seconds()
	add("heartbeat", "seconds", max(silence, 0), lost/2, lost, !r.LastSeen.IsZero(), fmt.Sprintf("It was last heard of %.0f s ago.", silence))
	n, cpu := float64(len(f.Minutes)), 0.0
	for _, m := range f.Minutes {
		cpu += m.CPU / n
	}
	read := n > 0
	if !read {
		cpu, read = r.Metrics.CPUPercent, r.Metrics != RobotMetrics{}
	}
	add("cpu", "percent", cpu, 80, 95, read, fmt.Sprintf("Its processor is used to %.0f %%, the mean of five minutes.", cpu))
	some := r.Metrics != RobotMetrics{}
	add("memory", "percent", r.Metrics.MemoryPercent, 85, 95, some, fmt.Sprintf("Its memory is used to %.0f %%.", r.Metrics.MemoryPercent))
	add("disk", "percent", r.Metrics.DiskPercent, 85, 95, some, fmt.Sprintf("Its disk is full to %.0f %%.", r.Metrics.DiskPercent))
	ended, failed := 0, 0
	for i := range f.Ended {
		j := &f.Ended[i]
		switch {
		case j.State == Cancelled, j.ErrorClass == ClassBusiness:
		case j.State == Failed, j.State == TimedOut:
			ended, failed = ended+1, failed+1
		case j.State == Completed:
			ended++
		}
	}
	rate := 0.0
	if ended > 0 {
		rate = 100 * float64(failed) / float64(ended)
	}
	add("failures", "percent", rate, 20, 50, ended >= healthSample, fmt.Sprintf("%d of the last %d jobs that ended on it failed, business errors left out.", failed, ended))
	add("lost_attempts", "in 24 h", float64(f.Lost), 1, 3, true, fmt.Sprintf("Attempts that it lost in 24 hours: %d.", f.Lost))
	add("disconnects", "in 1 h", float64(f.Disconnects), 3, 10, true, fmt.Sprintf("Its connection ended %d times within an hour.", f.Disconnects))
	quarantined := 0.0
	if now.Before(r.QuarantineTill) {
		quarantined = 1
	}
	add("quarantine", "", quarantined, 1, 1, true, "It is in quarantine: it gets no work for now.")
	offset, read := r.Facts.ClockOffset(now)
	way := "ahead of"
	if offset < 0 {
		way = "behind"
	}
	off := math.Abs(offset)
	add("clock_offset", "seconds", off, 5, 60, read, fmt.Sprintf("Its clock is %.0f s %s the orchestrator's.", off, way))
	fault, tested := r.Facts.SelfTest(now)
	wrong := 0.0
	if fault != "" {
		wrong = 1
	}
	add("self_test", "", wrong, 1, 1, tested, "Its last self-test failed. "+fault)
	rank := map[HealthState]int{HealthUnknown: 0, HealthHealthy: 0, HealthDegraded: 1, HealthFailing: 2}
	for _, c := range out.Checks {
		if rank[c.State] > rank[out.State] {
			out.State = c.State
		}
		if c.Reason != "" {
			out.Reasons = append(out.Reasons, c.Reason)
		}
	}
	if r.Status == RobotOffline || r.LastSeen.IsZero() {
		out.State = HealthUnknown
		out.Reasons = append([]string{"It is offline."}, out.Reasons...)
	}
	return out
}

// RobotPoint is how a robot was at a time: the mean and the peak of a minute or
// an hour.
type RobotPoint struct {
	At       time.Time `json:"at"`
	Samples  int       `json:"samples"` // minutes with a reading
	CPU      float64   `json:"cpu_percent"`
	CPUMax   float64   `json:"cpu_percent_max"`
	Memory   float64   `json:"memory_percent"`
	MemMax   float64   `json:"memory_percent_max"`
	MemoryMB float64   `json:"memory_mb"`
	Disk     float64   `json:"disk_percent"`
	Slots    int       `json:"slots"` // in service
	Taken    int       `json:"taken_slots"`
}

// RobotHistory is how a robot was over a time. Where there is no point it was not
// connected, or nobody read it.
type RobotHistory struct {
	Range       string       `json:"range"`
	From        time.Time    `json:"from"`
	To          time.Time    `json:"to"`
	Step        int64        `json:"step_seconds"`
	Points      []RobotPoint `json:"points"`
	Utilization float64      `json:"utilization"` // percent of slot time in service that attempts held
	Uptime      float64      `json:"uptime_percent"`
}
