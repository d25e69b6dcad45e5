package fleet

import "time"

// TraceCount is how many runs of a workflow there are to look at.
type TraceCount struct {
	WorkflowID   ID     `json:"workflow_id"`
	WorkflowName string `json:"workflow_name"`
	Count        int64  `json:"trace_count"`
}

// NodeStat is how one node of a workflow did.
type NodeStat struct {
	NodeID      string           `json:"node_id"`
	NodeType    string           `json:"node_type"`
	Executions  int64            `json:"execution_count"`
	Successes   int64            `json:"success_count"`
	Failures    int64            `json:"failure_count"`
	SuccessRate float64          `json:"success_rate"`
	MeanMS      float64          `json:"avg_duration_ms"`
	MinMS       float64          `json:"min_duration_ms"`
	MaxMS       float64          `json:"max_duration_ms"`
	P95MS       float64          `json:"p95_duration_ms"`
	Errors      map[string]int64 `json:"error_types"`
}

// NodeFailures is how often runs of a workflow ended at a node.
type NodeFailures struct {
	NodeID string           `json:"node_id"`
	Count  int64            `json:"failure_count"`
	Errors map[string]int64 `json:"error_types"`
}

// Bottleneck is what holds a workflow up most.
type Bottleneck struct {
	Type           string             `json:"type"`
	Severity       string             `json:"severity"` // low, medium, high, critical
	Location       string             `json:"location"`
	Description    string             `json:"description"`
	ImpactMS       float64            `json:"impact_ms"`
	Frequency      float64            `json:"frequency"` // 0 to 1
	Recommendation string             `json:"recommendation"`
	Evidence       map[string]float64 `json:"evidence"`
}

// Bottlenecks is what holds a workflow up.
type Bottlenecks struct {
	WorkflowID      ID             `json:"workflow_id"`
	Days            int            `json:"analysis_period_days"`
	Executions      int64          `json:"total_executions"`
	Bottlenecks     []Bottleneck   `json:"bottlenecks"`
	NodeStats       []NodeStat     `json:"node_stats"`
	SlowestNodes    []NodeStat     `json:"slowest_nodes"`
	FailingNodes    []NodeStat     `json:"failing_nodes"`
	FailuresByNode  []NodeFailures `json:"failures_by_node"`
	Recommendations []string       `json:"recommendations"`
	Note            string         `json:"note"` // what cannot be told, and why
}

// Trend compares a window with the one before it.
type Trend struct {
	Direction  string  `json:"direction"` // improving, stable, degrading: beyond 5 %
	Current    float64 `json:"current_value"`
	Previous   float64 `json:"previous_value"`
	Percent    float64 `json:"change_percent"`
	Confidence float64 `json:"confidence"` // runs ÷ 30, at most 1
}

// NewTrend judges two values; up says that more is better. n is how many runs the
// smaller side has.
func NewTrend(current, previous float64, up bool, n int64) Trend {
	t := Trend{Direction: "stable", Current: current, Previous: previous, Confidence: min(float64(n)/30, 1)}
	if n > 0 && previous > 0 {
		t.Percent = 100 * (current - previous) / previous
		if t.Percent > 5 == up && (t.Percent > 5 || t.Percent < -5) {
			t.Direction = "improving"
		} else if t.Percent > 5 || t.Percent < -5 {
			t.Direction = "degrading"
		}
	}
	return t
}

// TimeDistribution is when runs ended, in the tenant's zone.
type TimeDistribution struct {
	Hours    map[string]int64 `json:"hour_distribution"`        // "0" to "23"
	Days     map[string]int64 `json:"day_of_week_distribution"` // "0" is Monday
	PeakHour int              `json:"peak_hour"`
	PeakDay  int              `json:"peak_day"`
}

// Insight is a sentence that a number gives reason for.
type Insight struct {
	Type         string             `json:"type"`
	Title        string             `json:"title"`
	Description  string             `json:"description"`
	Significance float64            `json:"significance"` // 0 to 1
	Data         map[string]float64 `json:"data"`
	Action       string             `json:"recommended_action"`
}

// Execution is how the runs of a workflow go.
type Execution struct {
	WorkflowID   ID               `json:"workflow_id"`
	Days         int              `json:"analysis_period_days"`
	Duration     Trend            `json:"duration_trend"` // milliseconds
	Success      Trend            `json:"success_rate_trend"`
	Distribution TimeDistribution `json:"time_distribution"`
	Insights     []Insight        `json:"insights"`
	Summary      Numbers          `json:"summary"`
}

// TimelinePoint is one bucket of a timeline.
type TimelinePoint struct {
	At          time.Time `json:"timestamp"`
	Executions  int64     `json:"executions"`
	Successes   int64     `json:"successes"`
	Failures    int64     `json:"failures"`
	SuccessRate float64   `json:"success_rate"` // 0 to 1
	MeanMS      float64   `json:"avg_duration_ms"`
}

// Timeline is the runs of a workflow bucket by bucket.
type Timeline struct {
	WorkflowID  ID              `json:"workflow_id"`
	Days        int             `json:"period_days"`
	Granularity string          `json:"granularity"`
	Points      []TimelinePoint `json:"data_points"`
}
