package fleet

import (
	"strings"
	"time"
)

// LogLine is one line of an attempt's log. Line counts from 1 without a gap,
// so a reader that was cut off goes on where it stood.
type LogLine struct {
	Epoch   int64     `json:"epoch"`
	Line    int64     `json:"line"`
	At      time.Time `json:"at"`
	Level   string    `json:"level"`
	Node    string    `json:"node_id,omitempty"`
	Message string    `json:"message"`
}

// MaxLogLine bounds the text of one line; MaxLogBytes what is kept of one attempt.
const (
	MaxLogLine  = 64 << 10
	MaxLogBytes = 50 << 20
)

// LogRank orders the words for a level, in any case: 0 for debug and below, 1 for
// info and every unknown word, 2 for warnings, 3 for errors and above. A least
// level lets through what ranks as high.
func LogRank(level string) int {
	switch strings.ToLower(level) {
	case "debug", "trace":
		return 0
	case "warn", "warning":
		return 2
	case "error", "critical", "fatal":
		return 3
	}
	return 1
}

// LogBatch is what a robot sends: lines from First on, and the records of steps
// that came with them. Dropped counts lines that the robot itself left out
// before First.
type LogBatch struct {
	JobID   ID
	Tenant  TenantID
	RobotID RobotID
	Epoch   int64
	First   int64
	Lines   []LogLine
	Steps   []Step // a step that began and ended between two batches comes once, ended
	Dropped int64
	Quota   int64 // bytes kept of the attempt; 0: MaxLogBytes
}

// Room is the quota of the batch's attempt.
func (b *LogBatch) Room() int64 {
	if b.Quota > 0 {
		return b.Quota
	}
	return MaxLogBytes
}

// LogAck answers a batch: the next line that is expected.
type LogAck struct {
	NextLine int64
	Full     bool // the attempt's quota is used up; further lines are counted only
}
