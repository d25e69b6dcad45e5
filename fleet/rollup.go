package fleet

import (
	"maps"
	"time"
)

// RollupSpan is the length of a bucket in seconds.
type RollupSpan int64

// The spans. Each bucket begins at a whole multiple of its span in UTC.
const (
	SpanShort RollupSpan = 300
	SpanHour  RollupSpan = 3600
	SpanDay   RollupSpan = 86400
)

// RollupSpans lists the spans, the shortest first.
func RollupSpans() []RollupSpan { return []RollupSpan{SpanShort, SpanHour, SpanDay} }

// Std is the span as a duration.
func (s RollupSpan) Std() time.Duration { return time.Duration(s) * time.Second }

// Floor is the begin of the bucket in which a time lies.
func (s RollupSpan) Floor(t time.Time) time.Time {
	sec := t.Unix()
	return time.Unix(sec-((sec%int64(s))+int64(s))%int64(s), 0).UTC()
}

// RollupDim is what the keys of a row are.
type RollupDim string

// The dimensions. Each job is counted once in each of the first five that it has
// a key for; failures once more by error and by fingerprint.
const (
	DimAll         RollupDim = "all"         // one key, empty
	DimWorkflow    RollupDim = "workflow"    // id
	DimRobot       RollupDim = "robot"       // id; segments count here one by one
	DimEnvironment RollupDim = "environment" // name
	DimTrigger     RollupDim = "trigger"     // a word of TriggerOf
	DimError       RollupDim = "error"       // type of the error
	DimFailure     RollupDim = "failure"     // fingerprint; the label tells of it
	DimWait        RollupDim = "wait"        // WaitingOn
	DimMachine     RollupDim = "machine"     // one key, empty; only readings: busy is the CPU time of the robots' machines, of capacity
	DimQueue       RollupDim = "queue"       // id; only readings, of the new items
)

// OtherFailures is the fingerprint of all failures beyond MaxFailures in a bucket.
const OtherFailures = "other"

// MaxFailures is how many fingerprints one bucket tells apart.
const MaxFailures = 500

// RollupKey names a row of the rollups.
type RollupKey struct {
	Span RollupSpan
	At   time.Time // begin of the bucket
	Dim  RollupDim
	Key  string
}

// Tally is what a row of the rollups counts. Tallies of parts add up.
type Tally struct {
	Label  string // for people; the newest one stays
	Sample ID     // a job that was counted, the newest

	Created   int64 // jobs, by their submission; all others by their end
	Completed int64
	Failed    int64
	TimedOut  int64
	Cancelled int64

	RunMS  int64 // of the completed ones, from the start of the last attempt to its end
	Waited int64 // jobs that were started, or stretches of a reason
	WaitMS int64 // until the first start, or of the stretches

	BusyMS     int64 // of slots that attempts held
	CapacityMS int64 // of slots in service

	// Readings once a minute: how many, and their sums.
	Samples    int64
	PendingSum int64
	PendingMax int64
	OnlineSum  int64

	Lost        int64 // attempts of a robot that was silent for too long
	Disconnects int64 // ends of a robot's connection

	Runs  Histogram // of RunMS
	Waits Histogram // of WaitMS
}

// Add adds another tally, which is the newer one.
func (t *Tally) Add(o *Tally) {
	if o.Label != "" {
		t.Label = o.Label
	}
	if o.Sample > t.Sample {
		t.Sample = o.Sample
	}
	t.Created += o.Created
	t.Completed += o.Completed
	t.Failed += o.Failed
	t.TimedOut += o.TimedOut
	t.Cancelled += o.Cancelled
	t.RunMS += o.RunMS
	t.Waited += o.Waited
	t.WaitMS += o.WaitMS
	t.BusyMS += o.BusyMS
	t.CapacityMS += o.CapacityMS
	t.Samples += o.Samples
	t.PendingSum += o.PendingSum
	t.PendingMax = max(t.PendingMax, o.PendingMax)
	t.OnlineSum += o.OnlineSum
	t.Lost += o.Lost
	t.Disconnects += o.Disconnects
	merge(&t.Runs, o.Runs)
	merge(&t.Waits, o.Waits)
}

func merge(to *Histogram, from Histogram) {
	if len(from) == 0 {
		return
	}
	if *to == nil {
		*to = maps.Clone(from)
		return
	}
	to.Merge(from)
}

// Ended is how many jobs ended, and Judged how many of them say how well it goes:
// a job that somebody cancelled does not.
func (t *Tally) Ended() int64 { return t.Judged() + t.Cancelled }

// Judged is the denominator of rates: completed, failed and timed out.
func (t *Tally) Judged() int64 { return t.Completed + t.Failed + t.TimedOut }

// SuccessRate is the share of the judged jobs that completed, in percent; 0 of none.
func (t *Tally) SuccessRate() float64 { return percent(t.Completed, t.Judged()) }

// FailureRate is the share that failed or timed out.
func (t *Tally) FailureRate() float64 { return percent(t.Failed+t.TimedOut, t.Judged()) }

// MeanRunMS is the mean of the completed runs; 0 of none.
func (t *Tally) MeanRunMS() float64 { return mean(t.RunMS, t.Completed) }

// MeanWaitMS is the mean wait until the first start; 0 of none.
func (t *Tally) MeanWaitMS() float64 { return mean(t.WaitMS, t.Waited) }

// Utilization is the share of slot time in service that attempts held, in
// percent; 0 where none was in service.
func (t *Tally) Utilization() float64 { return percent(t.BusyMS, t.CapacityMS) }

func percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

func mean(sum, n int64) float64 {
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

// TriggerOf says in one word what a job comes from: retry, dependency (it waited
// for others), segment, or request.
func TriggerOf(j *Job) string {
	switch {
	case j.RetryOf != "":
		return "retry"
	case j.Parent != "":
		return "segment"
	case j.Rule != "":
		return "dependency"
	}
	return "request"
}
