package fleet

import "time"

// FleetNumbers is the fleet at a glance, with the names that three readers of the
// original look for; each number stands under all of its names.
type FleetNumbers struct {
	TotalRobots       int `json:"total_robots"`
	ActiveRobots      int `json:"active_robots"` // no free slot
	BusyRobots        int `json:"busy_robots"`
	IdleRobots        int `json:"idle_robots"` // online with a free slot
	OnlineRobots      int `json:"online_robots"`
	OfflineRobots     int `json:"offline_robots"`
	ErrorRobots       int `json:"error_robots"`
	MaintenanceRobots int `json:"maintenance_robots"`
	PausedRobots      int `json:"paused_robots"`
	DrainingRobots    int `json:"draining_robots"`
	ConnectedRobots   int `json:"connected_robots"`
	ExecutingRobots   int `json:"executing_robots"` // with at least one live attempt

	TotalJobsToday int64   `json:"total_jobs_today"`
	ActiveJobs     int64   `json:"active_jobs"`
	RunningJobs    int64   `json:"running_jobs"`
	QueueDepth     int64   `json:"queue_depth"`
	QueuedJobs     int64   `json:"queued_jobs"`
	MeanSeconds    float64 `json:"average_job_duration_seconds"` // completed today

	TimeRange   string  `json:"time_range"`
	TotalJobs   int64   `json:"total_jobs"` // created in the range, as the four below
	Completed   int64   `json:"completed_jobs"`
	Failed      int64   `json:"failed_jobs"`
	SuccessRate float64 `json:"success_rate"`
	MeanMS      float64 `json:"avg_execution_time"` // milliseconds
	DeadLetters int64   `json:"dlq_count"`
	Utilization float64 `json:"utilization"` // percent of the slots in service that are taken now

	Slots      int `json:"slots"`
	TakenSlots int `json:"taken_slots"`

	AsOf time.Time `json:"as_of,omitzero"`
}

// FleetAnalytics is the answer of /metrics/analytics.
type FleetAnalytics struct {
	Days        int     `json:"days"`
	TotalJobs   int64   `json:"total_jobs"`
	Sample      int64   `json:"sample"`
	SuccessRate float64 `json:"success_rate"`
	FailureRate float64 `json:"failure_rate"`
	MeanMS      float64 `json:"average_duration_ms"`
	P50MS       float64 `json:"p50_duration_ms"`
	P90MS       float64 `json:"p90_duration_ms"`
	P99MS       float64 `json:"p99_duration_ms"`
	WaitP50MS   float64 `json:"wait_p50_ms"`
	WaitP90MS   float64 `json:"wait_p90_ms"`

	Slowest     []SlowWorkflow `json:"slowest_workflows"`
	Errors      []ErrorCount   `json:"error_distribution"`
	SelfHealing *float64       `json:"self_healing_success_rate"` // null: no robot reports attempts at it
	Utilization []RobotUse     `json:"robot_utilization"`
	Daily       []NumbersPoint `json:"daily"`

	Fleet AnalyticsFleet `json:"fleet"`
	Jobs  AnalyticsJobs  `json:"jobs"`
	AsOf  time.Time      `json:"as_of,omitzero"`
}

// SlowWorkflow is a workflow with how long it takes.
type SlowWorkflow struct {
	ID     ID      `json:"workflow_id"`
	Name   string  `json:"workflow_name"`
	MeanMS float64 `json:"average_duration_ms"`
	Runs   int64   `json:"runs"`
}

// RobotUse is how much of its slots a robot used.
type RobotUse struct {
	ID          RobotID `json:"robot_id"`
	Name        string  `json:"name"`
	Utilization float64 `json:"utilization"` // percent
}

// AnalyticsFleet is a part of FleetAnalytics.
type AnalyticsFleet struct {
	Active     int   `json:"active_robots"`
	Total      int   `json:"total_robots"`
	QueueDepth int64 `json:"queue_depth"`
}

// AnalyticsJobs is a part of FleetAnalytics.
type AnalyticsJobs struct {
	CompletedToday int64 `json:"completed_today"`
	Active         int64 `json:"active_jobs"`
	Completed      int64 `json:"completed"`
	Failed         int64 `json:"failed"`
	Running        int64 `json:"running"`
	Pending        int64 `json:"pending"`
}

// QueueNumbers is what waits and runs now, and what ended since midnight in the
// tenant's zone.
type QueueNumbers struct {
	Depth          int64 `json:"queue_depth"`
	Active         int64 `json:"active_jobs"` // with a live attempt
	Running        int64 `json:"running_jobs"`
	CompletedToday int64 `json:"completed_today"`
	FailedToday    int64 `json:"failed_today"` // failed and timeout
	// ByEnvironment is how many wait for a robot. Jobs that wait for a time, or for
	// other jobs, are in queue_depth alone.
	ByEnvironment map[string]int64 `json:"by_environment"`
}
