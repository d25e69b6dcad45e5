package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/casarerpa/fleet/fleet"
)

// Fault says why bytes are no usable frame.
type Fault struct {
	Code    string // goes into the code of an error message
	Message string
	Close   CloseCode // ends the connection; 0: it stays, answer with an error
}

// The codes of faults.
const (
	BadMessage         = "bad_message"         // no readable envelope
	TooBig             = "too_big"             // beyond MaxFrame
	UnsupportedVersion = "unsupported_version" // v is not 2
	UnknownType        = "unknown_type"        // not a message of this direction
	BadPayload         = "bad_payload"         // envelope fine, payload not
)

// Error returns the message.
func (f *Fault) Error() string { return f.Message }

func fault(code string, closing CloseCode, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...), Close: closing}
}

// Direction says who sent a frame.
type Direction int

// The directions.
const (
	FromRobot Direction = iota
	FromOrchestrator
)

// Encode gives the bytes of a frame. It fails on frames above [MaxFrame],
// which the sender must avoid by sending less or by reference. The message is
// not changed, so one message may be encoded by several goroutines.
func Encode(f Frame) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(filled(f.Payload)); err != nil {
		return nil, fmt.Errorf("encode %s: %w", f.Payload.Type(), err)
	}
	payload := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	env := envelope{
		V: Version, Type: f.Payload.Type(), ID: f.ID, CorrelationID: f.CorrelationID, Seq: f.Seq,
		Session: f.Session, ReportID: f.ReportID, Timestamp: f.Timestamp,
	}
	// The payload is spliced in rather than marshalled a second time.
	head, err := json.Marshal(env)
	if err != nil {
		return nil, fmt.Errorf("encode envelope of %s: %w", env.Type, err)
	}
	const tail = `null}`
	out := make([]byte, 0, len(head)+len(payload))
	out = append(out, head[:len(head)-len(tail)]...)
	out = append(out, payload...)
	out = append(out, '}')
	if len(out) > MaxFrame {
		return nil, fault(TooBig, CloseTooBig, "A %s of %d bytes exceeds the limit of %d for a frame.", env.Type, len(out), MaxFrame)
	}
	return out, nil
}

// Decode reads a frame of the other side. The error, if any, is a [*Fault].
// Where the envelope could be read the frame carries it, also with an error,
// so that the answer can name the message and its report.
func Decode(data []byte, from Direction) (Frame, error) {
	switch {
	case len(data) > MaxFrame:
		return Frame{}, fault(TooBig, CloseTooBig, "A frame of %d bytes exceeds the limit of %d.", len(data), MaxFrame)
	case !utf8.Valid(data):
		return Frame{}, fault(BadMessage, CloseBadMessage, "The frame is not UTF-8.")
	}
	if err := scan(data); err != nil {
		return Frame{}, err
	}
	var env envelope
	if err := json.Unmarshal(data, &env); err != nil {
		return Frame{}, fault(BadMessage, CloseBadMessage, "The frame is no envelope: %s.", plain(err))
	}
	f := Frame{
		Type: env.Type, ID: env.ID, CorrelationID: env.CorrelationID, Seq: env.Seq, Session: env.Session,
		ReportID: env.ReportID, Timestamp: env.Timestamp,
	}
	switch {
	case env.V != Version:
		return f, fault(UnsupportedVersion, CloseVersion, "Version %d of the protocol is not spoken here; this side speaks %d.", env.V, Version)
	case env.Type == "" || len(env.Type) > 64 || len(env.ID) > 128 || len(env.CorrelationID) > 128 || env.ReportID < 0 || env.Seq < 0 || env.Session < 0:
		return f, fault(BadMessage, CloseBadMessage, "The envelope breaks its limits.")
	}
	m := New(env.Type, from)
	if m == nil {
		return f, fault(UnknownType, 0, "There is no message of type %q in this direction.", env.Type)
	}
	if len(env.Payload) > 0 && !bytes.Equal(env.Payload, []byte("null")) {
		if err := json.Unmarshal(env.Payload, m); err != nil {
			return f, fault(BadPayload, 0, "The payload of %s cannot be read: %s.", env.Type, plain(err))
		}
	}
	if c, ok := m.(interface{ check() error }); ok {
		if err := c.check(); err != nil {
			return f, fault(BadPayload, 0, "The payload of %s is refused: %s", env.Type, fleet.AsError(err).Message)
		}
	}
	if IsReport(env.Type) && env.ReportID == 0 {
		return f, fault(BadPayload, 0, "A %s is a report and must carry a report_id.", env.Type)
	}
	f.Payload = m
	return f, nil
}

// plain words for people instead of Go's names of types.
func plain(err error) string {
	if typ, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("field %q must not be a %s", typ.Field, typ.Value)
	}
	if e, ok := errors.AsType[*fleet.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// scan bounds the nesting and refuses objects of the envelope and of the
// payload that name a field twice: which of the two counts would depend on the
// reader. Deeper objects belong to users and are checked where they are read.
// Whether the text is JSON at all is the business of the parser after it.
func scan(data []byte) error {
	const watched, maxKeys = 2, 256
	var kind [MaxDepth + 1]byte
	var keys [watched + 1][][]byte
	depth, key := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '{', '[':
			depth++
			if depth > MaxDepth {
				return fault(BadMessage, CloseBadMessage, "The frame is nested deeper than %d.", MaxDepth)
			}
			kind[depth], key = c, c == '{'
			if depth <= watched {
				keys[depth] = keys[depth][:0]
			}
		case '}', ']':
			if depth--; depth < 0 {
				return nil
			}
			key = false
		case ',':
			key = kind[depth] == '{'
		case '"':
			end := i + 1
			for end < len(data) && data[end] != '"' {
				if data[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(data) {
				return nil
			}
			if key && depth <= watched {
				name := data[i+1 : end]
				if bytes.IndexByte(name, '\\') >= 0 {
					name = unquoted(data[i : end+1])
				}
				for _, seen := range keys[depth] {
					if bytes.EqualFold(seen, name) {
						return fault(BadMessage, CloseBadMessage, "The frame names the field %.80q twice.", name)
					}
				}
				if keys[depth] = append(keys[depth], name); len(keys[depth]) > maxKeys {
					return fault(BadMessage, CloseBadMessage, "An object of the frame has more than %d fields.", maxKeys)
				}
			}
			key, i = false, end
		}
	}
	return nil
}

func unquoted(quoted []byte) []byte {
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return quoted
	}
	return []byte(s)
}

// New returns an empty message of a type, or nil if the direction has none.
func New(t Type, from Direction) Message {
	if t == TypeError {
		return new(Error)
	}
	if from == FromRobot {
		return newRobotMessage(t)
	}
	return newOrchestratorMessage(t)
}

func newRobotMessage(t Type) Message {
	switch t { //nolint:exhaustive // the rest is of the other direction
	case TypeHello:
		return new(Hello)
	case TypeHeartbeat:
		return new(Heartbeat)
	case TypeJobAccept:
		return new(JobAccept)
	case TypeJobReject:
		return new(JobReject)
	case TypeJobStarted:
		return new(JobStarted)
	case TypeJobProgress:
		return new(JobProgress)
	case TypeEffectBegin:
		return new(EffectBegin)
	case TypeEffectEnd:
		return new(EffectEnd)
	case TypeCheckpoint:
		return new(Checkpoint)
	case TypeJobComplete:
		return new(JobComplete)
	case TypeJobFailed:
		return new(JobFailed)
	case TypeJobCancelled:
		return new(JobCancelled)
	case TypeLogBatch:
		return new(LogBatch)
	case TypeSecretGet:
		return new(SecretGet)
	case TypeCommandResult:
		return new(CommandResult)
	case TypeDrain:
		return new(RobotDrain)
	case TypeDisconnect:
		return new(Disconnect)
	}
	return nil
}

func newOrchestratorMessage(t Type) Message {
	switch t { //nolint:exhaustive // the rest is of the other direction
	case TypeWelcome:
		return new(Welcome)
	case TypeHeartbeatAck:
		return new(HeartbeatAck)
	case TypeJobAssign:
		return new(JobAssign)
	case TypeJobStart:
		return new(JobStart)
	case TypeJobCancel:
		return new(JobCancel)
	case TypeJobForget:
		return new(JobForget)
	case TypeReportAck:
		return new(ReportAck)
	case TypeLogAck:
		return new(LogAck)
	case TypeSecret:
		return new(Secret)
	case TypeDrainAck:
		return new(DrainAck)
	case TypePause:
		return new(Pause)
	case TypeResume:
		return new(ResumeWork)
	case TypeRestart:
		return new(Restart)
	case TypeSelfTest:
		return new(SelfTest)
	case TypeShutdown:
		return new(Shutdown)
	case TypeDrain:
		return new(Drain)
	case TypeConfig:
		return new(Config)
	case TypeGoaway:
		return new(Goaway)
	}
	return nil
}

// Types lists the messages of a direction in the order of the documentation.
func Types(from Direction) []Type {
	if from == FromRobot {
		return []Type{
			TypeHello, TypeHeartbeat, TypeJobAccept, TypeJobReject, TypeJobStarted, TypeJobProgress, TypeEffectBegin,
			TypeEffectEnd, TypeCheckpoint, TypeJobComplete, TypeJobFailed, TypeJobCancelled, TypeLogBatch,
			TypeSecretGet, TypeCommandResult, TypeDrain, TypeDisconnect, TypeError,
		}
	}
	return []Type{
		TypeWelcome, TypeHeartbeatAck, TypeJobAssign, TypeJobStart, TypeJobCancel, TypeJobForget, TypeReportAck,
		TypeLogAck, TypeSecret, TypeDrainAck, TypePause, TypeResume, TypeRestart, TypeSelfTest, TypeShutdown, TypeDrain,
		TypeConfig, TypeGoaway, TypeError,
	}
}
