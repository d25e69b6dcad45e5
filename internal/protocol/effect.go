package protocol

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// Effect is something to do, in the order in which it was returned.
type Effect interface{ effect() }

// Write puts a record into the journal. It must be on disk before the effects
// after it are carried out; if that fails, the robot must stop. Acknowledgements
// (Lazy) may reach the disk later: without them a report is sent once more.
type Write struct {
	Record Record
	Lazy   bool
}

// Send puts a frame into the present session. Seq is the writer's to fill in.
type Send struct{ Frame wire.Frame }

// Consider asks whether an offer can be taken: document, capabilities, space.
// The answer is a call of Accept or Reject.
type Consider struct{ Offer *wire.JobAssign }

// Start begins the run of an attempt.
type Start struct {
	Offer *wire.JobAssign
	Token string
}

// Stop asks a run to end: soft after the node under way, hard inside it, with
// its whole process group. A hard one may follow a soft one.
type Stop struct {
	Ref  wire.Ref
	By   fleet.StoppedBy
	Hard bool
}

// Gone says that an attempt holds nothing any more: its slot and its space are free.
type Gone struct{ Ref wire.Ref }

// Answer brings the verdict that an announced effect waits for.
type Answer struct {
	ReportID int64
	Verdict  fleet.Verdict
}

// Upload asks to put the body of a result by HTTP before its report is sent.
// Call Uploaded when it is there.
type Upload struct {
	ReportID int64
	Result   wire.ResultRef
	Body     []byte
}

// HandOver asks to hand over what belongs to the end of an attempt, such as its
// files, before the end is told. Call Delivered when that is done, or given up; it
// is asked for again in each session. Message and Body are the end as it is written
// down.
type HandOver struct {
	Ref     wire.Ref
	Message wire.Message
	Body    []byte
}

// Reload asks for the acknowledged reports from a number on: the store of the
// orchestrator has gone back in time. Answer with Reloaded.
type Reload struct{ From int64 }

// Prune allows to delete the reports up to a number.
type Prune struct{ Upto int64 }

// Leave asks to end the connection and to come back after a while.
type Leave struct {
	Reason string
	After  time.Duration
	To     string
}

// Quit asks the process to end, after its work if Graceful.
type Quit struct{ Graceful, Restart bool }

// Test asks whether the robot could work. Answer with Tested.
type Test struct{ CommandID, Answers string }

func (Test) effect()     {}
func (Write) effect()    {}
func (Send) effect()     {}
func (Consider) effect() {}
func (Start) effect()    {}
func (Stop) effect()     {}
func (Gone) effect()     {}
func (Answer) effect()   {}
func (Upload) effect()   {}
func (HandOver) effect() {}
func (Reload) effect()   {}
func (Prune) effect()    {}
func (Leave) effect()    {}
func (Quit) effect()     {}

// RecordKind says what a journal record tells.
type RecordKind string

// The kinds of records.
const (
	RecordAccept RecordKind = "accept" // an offer was taken
	RecordReport RecordKind = "report" // a report waits for its acknowledgement
	RecordAck    RecordKind = "ack"    // reports up to a number are acknowledged
	RecordDrop   RecordKind = "drop"   // an attempt is of no more use
	RecordEnd    RecordKind = "end"    // a run has ended; it becomes a report once its files are handed over
)

// Record is one line of the journal.
type Record struct {
	Kind   RecordKind
	Ref    wire.Ref // accept, drop
	Report Report   // report; end: without a number
	Upto   int64    // ack
}

// Report is one entry that has to be delivered.
type Report struct {
	ID      int64
	Message wire.Message
	Body    []byte // of a result that travels by reference
}

// Restored is what a journal held when the robot started.
type Restored struct {
	Next    int64    // number of the next report; 0 means 1
	Acked   int64    // newest acknowledged one
	Reports []Report // not acknowledged, in order
	Ends    []Report // of runs whose files were not handed over yet; without numbers
	Kept    []int64  // numbers of acknowledged ones that are still there, in order
}
