package wire

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The limits of a frame.
const (
	MaxFrame     = 1 << 20   // bytes of one frame
	MaxDepth     = 64        // nesting of objects and lists
	MaxInline    = 256 << 10 // bytes of a result inside a frame; above: result_ref
	MaxResult    = 10 << 20  // bytes of a result at all
	MaxCheckData = 64 << 10  // bytes of a checkpoint, of an effect's outcome
	MaxAttempts  = 1000      // entries of a list of attempts
	MaxBatch     = 1000      // lines of a log batch
	MaxMessage   = 500       // characters of a progress message
	// MaxVariables leaves room beside the variables of an offer; whoever takes
	// jobs in must refuse more, since they travel inside the frame.
	MaxVariables = MaxFrame - 64<<10
	// MaxDocument is the largest workflow that travels inside an offer.
	MaxDocument = 128 << 10
)

// Type names a message.
type Type string

// Message is the payload of a frame: one of the structs of this package.
type Message interface {
	// Type is the word in the envelope.
	Type() Type
}

// Frame is one message with its envelope.
type Frame struct {
	Type          Type   // set by Encode from the payload
	ID            string // unique per message
	CorrelationID string // id of the message that is answered
	Seq           int64  // numbered per session and direction, from 1
	Session       int64  // session epoch; 0 in hello
	ReportID      int64  // reports only; rises per journal for ever
	Timestamp     Time   // for people
	Payload       Message
}

// envelope is the JSON form of a frame.
type envelope struct {
	V             int             `json:"v"`
	Type          Type            `json:"type"`
	ID            string          `json:"id"`
	CorrelationID string          `json:"correlation_id,omitempty"`
	Seq           int64           `json:"seq"`
	Session       int64           `json:"session"`
	ReportID      int64           `json:"report_id,omitempty"`
	Timestamp     Time            `json:"timestamp"`
	Payload       json.RawMessage `json:"payload"`
}

// Time is an instant for people: RFC 3339 in UTC with at most six digits of a
// second. Nothing may depend on it, so an unreadable one is read as zero.
type Time struct{ time.Time }

// At makes a Time.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Microsecond)} }

// MarshalJSON writes the text form, and null for the zero time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	u := t.UTC().Truncate(time.Microsecond)
	if y := u.Year(); y < 0 || y > 9999 {
		return []byte("null"), nil
	}
	return strconv.AppendQuote(nil, u.Format(time.RFC3339Nano)), nil
}

// UnmarshalJSON never fails.
func (t *Time) UnmarshalJSON(b []byte) error {
	var text string
	*t = Time{}
	if json.Unmarshal(b, &text) != nil {
		return nil //nolint:nilerr // times are for people; a bad one is left out
	}
	if parsed, err := time.Parse(time.RFC3339Nano, text); err == nil {
		*t = At(parsed)
	}
	return nil
}

// Ref names an attempt: a job and the number of its hand-out.
type Ref struct {
	JobID fleet.ID `json:"job_id"`
	Epoch int64    `json:"epoch"`
}

// String is the form for logs, and the idempotency key that a workflow may use
// for its effects in the outside world.
func (r Ref) String() string { return string(r.JobID) + "." + strconv.FormatInt(r.Epoch, 10) }

// Attempt returns the reference itself; messages embed Ref and so have it too.
func (r Ref) Attempt() Ref { return r }

func (r Ref) check() error {
	if !r.JobID.Valid() {
		return fleet.Invalid("job_id", "job_id must be an id; got %.80q.", r.JobID)
	}
	if r.Epoch < 1 {
		return fleet.Invalid("epoch", "epoch must be 1 or more; got %d.", r.Epoch)
	}
	return nil
}
