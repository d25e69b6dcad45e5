package fleet

import "time"

// NumbersWindow says what numbers are about. Every answer of the analytics
// carries one.
type NumbersWindow struct {
	From        time.Time         `json:"from"` // as it was counted: the begin of a bucket
	To          time.Time         `json:"to"`
	AsOf        time.Time         `json:"as_of,omitzero"` // the newest event that is counted
	Behind      int64             `json:"events_behind"`  // events that are not counted yet
	Timezone    string            `json:"timezone"`
	Definitions map[string]string `json:"definitions"`
}

// Numbers is what a window, a bucket or a key counts. A rate or a mean of nothing
// is 0, and the sample beside it too.
type Numbers struct {
	Created   int64 `json:"created"`
	Ended     int64 `json:"ended"`
	Completed int64 `json:"completed"`
	Failed    int64 `json:"failed"`
	TimedOut  int64 `json:"timeout"`
	Cancelled int64 `json:"cancelled"`

	Sample      int64   `json:"sample"` // completed, failed and timed out
	SuccessRate float64 `json:"success_rate"`
	FailureRate float64 `json:"failure_rate"`

	MeanMS float64 `json:"average_duration_ms"`
	P50MS  float64 `json:"p50_duration_ms"`
	P90MS  float64 `json:"p90_duration_ms"`
	P99MS  float64 `json:"p99_duration_ms"`

	Waited     int64   `json:"wait_sample"`
	MeanWaitMS float64 `json:"average_wait_ms"`
	WaitP50MS  float64 `json:"wait_p50_ms"`
	WaitP90MS  float64 `json:"wait_p90_ms"`
	WaitP99MS  float64 `json:"wait_p99_ms"`

	Readings     int64   `json:"readings"` // minutes in which the three below were read
	QueueDepth   float64 `json:"queue_depth"`
	QueuePeak    int64   `json:"queue_depth_max"`
	RobotsOnline float64 `json:"robots_online"`

	BusySeconds      float64 `json:"busy_slot_seconds"`
	AvailableSeconds float64 `json:"available_slot_seconds"`
	Utilization      float64 `json:"utilization"` // percent
}

// Show is a tally as people read it. Percentiles are 0 where the tally came
// without histograms.
func (t *Tally) Show() Numbers {
	p, w := t.Runs.Percentiles(0.5, 0.9, 0.99), t.Waits.Percentiles(0.5, 0.9, 0.99)
	return Numbers{
		Created: t.Created, Ended: t.Ended(), Completed: t.Completed, Failed: t.Failed, TimedOut: t.TimedOut, Cancelled: t.Cancelled,
		Sample: t.Judged(), SuccessRate: t.SuccessRate(), FailureRate: t.FailureRate(),
		MeanMS: t.MeanRunMS(), P50MS: p[0], P90MS: p[1], P99MS: p[2],
		Waited: t.Waited, MeanWaitMS: t.MeanWaitMS(), WaitP50MS: w[0], WaitP90MS: w[1], WaitP99MS: w[2],
		Readings: t.Samples, QueueDepth: mean(t.PendingSum, t.Samples), QueuePeak: t.PendingMax, RobotsOnline: mean(t.OnlineSum, t.Samples),
		BusySeconds: float64(t.BusyMS) / 1000, AvailableSeconds: float64(t.CapacityMS) / 1000, Utilization: t.Utilization(),
	}
}

// NumbersChange is how far a window is from the one before it: differences, and
// for jobs and durations also percent of the former value; null where that was 0.
type NumbersChange struct {
	Jobs            int64    `json:"jobs"`
	JobsPercent     *float64 `json:"jobs_percent"`
	SuccessRate     float64  `json:"success_rate_points"`
	P50MS           float64  `json:"p50_duration_ms"`
	P50Percent      *float64 `json:"p50_duration_percent"`
	MeanWaitMS      float64  `json:"average_wait_ms"`
	MeanWaitPercent *float64 `json:"average_wait_percent"`
	QueueDepth      float64  `json:"queue_depth"`
	RobotsOnline    float64  `json:"robots_online"`
	Utilization     float64  `json:"utilization_points"`
}

// Since compares with the numbers of the former window.
func (n *Numbers) Since(o *Numbers) NumbersChange {
	return NumbersChange{
		Jobs: n.Ended - o.Ended, JobsPercent: change(float64(n.Ended), float64(o.Ended)),
		SuccessRate: n.SuccessRate - o.SuccessRate,
		P50MS:       n.P50MS - o.P50MS, P50Percent: change(n.P50MS, o.P50MS),
		MeanWaitMS: n.MeanWaitMS - o.MeanWaitMS, MeanWaitPercent: change(n.MeanWaitMS, o.MeanWaitMS),
		QueueDepth: n.QueueDepth - o.QueueDepth, RobotsOnline: n.RobotsOnline - o.RobotsOnline, Utilization: n.Utilization - o.Utilization,
	}
}

func change(is, was float64) *float64 {
	if was == 0 {
		return nil
	}
	v := 100 * (is - was) / was
	return &v
}

// NumbersOverview is a window beside the one before it.
type NumbersOverview struct {
	NumbersWindow
	Current  Numbers       `json:"current"`
	Previous Numbers       `json:"previous"` // the window of equal length before
	Change   NumbersChange `json:"change"`
}

// NumbersPoint is one bucket.
type NumbersPoint struct {
	At time.Time `json:"at"`
	Numbers
}

// NumbersSeries is a window bucket by bucket; empty buckets are in it.
type NumbersSeries struct {
	NumbersWindow
	Step   int64          `json:"step_seconds"`
	Points []NumbersPoint `json:"points"`
}

// NumbersRow is what one key counts.
type NumbersRow struct {
	Key  string `json:"key"`
	Name string `json:"name"`
	Job  ID     `json:"sample_job_id,omitempty"` // the newest job behind it
	Numbers
	// Previous is the window before; nil where it was not asked for.
	Previous *Numbers       `json:"previous,omitempty"`
	Change   *NumbersChange `json:"change,omitempty"`
}

// NumbersTable is a window key by key.
type NumbersTable struct {
	NumbersWindow
	By    RollupDim    `json:"by"`
	Sort  string       `json:"sort"`
	Rows  []NumbersRow `json:"rows"`
	Total int          `json:"total"` // keys, those that are left out too
}

// WaitRow is the time that was spent waiting for one thing.
type WaitRow struct {
	On      WaitingOn `json:"waiting_on"`
	Waits   int64     `json:"waits"`
	TotalMS int64     `json:"total_ms"`
	Share   float64   `json:"share"` // percent of all waiting
	MeanMS  float64   `json:"average_ms"`
	P50MS   float64   `json:"p50_ms"`
	P90MS   float64   `json:"p90_ms"`
	P99MS   float64   `json:"p99_ms"`
}

// WaitTable is the waiting of the jobs that ended in a window, by reason.
type WaitTable struct {
	NumbersWindow
	Rows []WaitRow `json:"rows"`
}

// FailureRow is failures that are alike.
type FailureRow struct {
	Fingerprint string `json:"fingerprint"`
	Failure
	Count  int64   `json:"count"`
	Share  float64 `json:"share"` // percent of all failures
	Before int64   `json:"count_before"`
	Job    ID      `json:"sample_job_id"`
}

// FailureTable is the failures of a window, those that are most first.
type FailureTable struct {
	NumbersWindow
	Failures int64        `json:"failures"`
	Types    []ErrorCount `json:"types"`
	Rows     []FailureRow `json:"rows"`
	Total    int          `json:"total"`
}

// ErrorCount is how often an error of a type ended a job.
type ErrorCount struct {
	Type  string `json:"error_type"`
	Count int64  `json:"count"`
}

// HeatCell is one hour of a weekday over all weeks of a window.
type HeatCell struct {
	Weekday     int     `json:"weekday"` // 0 is Monday
	Hour        int     `json:"hour"`
	Hours       int     `json:"hours"` // that had readings or jobs
	Busy        float64 `json:"busy_slot_seconds"`
	Available   float64 `json:"available_slot_seconds"`
	Utilization float64 `json:"utilization"` // percent
	Ended       int64   `json:"ended"`
	// CPU is how busy the machines of the connected robots were, read once a
	// minute; of one robot alone it is not told.
	CPUReadings int64   `json:"cpu_readings"`
	CPU         float64 `json:"cpu_percent"`
}

// HeatMap is 7 × 24 cells in the asked time zone.
type HeatMap struct {
	NumbersWindow
	Cells []HeatCell `json:"cells"`
}
