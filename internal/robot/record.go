package robot

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

// The file of a journal: a magic line, then frames. A frame is what was
// written between two flushes: its length and its CRC-32C, four bytes each in
// little endian, then records one after the other. A record is a line of JSON
// and, if the line says so, raw bytes after it.
//
// Since a frame is only begun when the one before it is on the disk, a crash
// can damage the last one and no other.
const (
	magic    = "fleet journal 1\n"
	maxFrame = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// line is the JSON of one record.
type line struct {
	Kind    protocol.RecordKind `json:"kind"`
	JobID   string              `json:"job_id,omitempty"`
	Epoch   int64               `json:"epoch,omitempty"`
	ID      int64               `json:"report_id,omitempty"`
	Type    wire.Type           `json:"type,omitempty"`
	Payload json.RawMessage     `json:"payload,omitempty"`
	Bytes   int                 `json:"bytes,omitempty"` // raw bytes that follow
	Upto    int64               `json:"upto,omitempty"`
	// The first record of a file only.
	Journal string `json:"journal_id,omitempty"`
	Host    string `json:"host,omitempty"`
	Next    int64  `json:"next,omitempty"`
}

// kindHead is the first record of every file.
const kindHead protocol.RecordKind = "journal"

// appendRecord adds a record in its form on disk.
func appendRecord(buf []byte, rec protocol.Record) ([]byte, error) {
	l := line{Kind: rec.Kind, JobID: string(rec.Ref.JobID), Epoch: rec.Ref.Epoch, Upto: rec.Upto}
	var raw []byte
	if rec.Kind == protocol.RecordReport || rec.Kind == protocol.RecordEnd {
		payload, err := json.Marshal(rec.Report.Message)
		if err != nil {
			return buf, fmt.Errorf("write down report %d: %w", rec.Report.ID, err)
		}
		l.ID, l.Type, l.Payload, raw = rec.Report.ID, rec.Report.Message.Type(), payload, rec.Report.Body
		l.Bytes = len(raw)
	}
	return appendLine(buf, l, raw)
}

func appendLine(buf []byte, l line, raw []byte) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return buf, fmt.Errorf("write down a record: %w", err)
	}
	buf = append(append(buf, text...), '\n')
	return append(buf, raw...), nil
}

// seal puts records into a frame.
func seal(records []byte) []byte {
	out := make([]byte, 8, 8+len(records))
	binary.LittleEndian.PutUint32(out[0:4], uint32(len(records)))
	binary.LittleEndian.PutUint32(out[4:8], crc32.Checksum(records, castagnoli))
	return append(out, records...)
}

// errTorn marks an end that a crash left behind: it is cut.
var errTorn = errors.New("the last write was cut short")

// errBroken marks damage that a crash does not explain.
var errBroken = errors.New("a record is broken")

// readFrames gives every whole frame to visit. It returns where the good part
// ends, with errTorn if something follows that a crash explains, or errBroken.
func readFrames(r io.Reader, size int64, visit func(records []byte) error) (good int64, err error) {
	head := make([]byte, len(magic))
	if n, err := io.ReadFull(r, head); err != nil {
		if bytes.HasPrefix([]byte(magic), head[:n]) || zeros(head[:n]) {
			return 0, errTorn
		}
		return 0, fmt.Errorf("%w: this is no journal", errBroken)
	}
	if string(head) != magic {
		if zeros(head) && size == int64(len(magic)) {
			return 0, errTorn
		}
		return 0, fmt.Errorf("%w: this is no journal of a robot, or one of another version", errBroken)
	}
	good = int64(len(magic))
	var frame [8]byte
	for good < size {
		if size-good < int64(len(frame)) {
			return good, errTorn
		}
		if _, err := io.ReadFull(r, frame[:]); err != nil {
			return good, err
		}
		length, sum := int64(binary.LittleEndian.Uint32(frame[0:4])), binary.LittleEndian.Uint32(frame[4:8])
		if length == 0 { // space that was given to the file and never filled
			rest, err := onlyZeros(r)
			if err != nil {
				return good, err
			}
			if rest && sum == 0 {
				return good, errTorn
			}
			return good, fmt.Errorf("%w: an empty frame at byte %d", errBroken, good)
		}
		if length > size-good-8 {
			// Either the end is missing, or the length itself is damaged. In the
			// second case whole frames may follow, and must not be cut off.
			rest, err := io.ReadAll(io.LimitReader(r, maxFrame))
			if err != nil {
				return good, err
			}
			if wholeFrame(rest) {
				return good, fmt.Errorf("%w: the frame at byte %d has a wrong length, and more follows", errBroken, good)
			}
			return good, errTorn
		}
		records := make([]byte, length)
		if _, err := io.ReadFull(r, records); err != nil {
			return good, err
		}
		if crc32.Checksum(records, castagnoli) != sum {
			if good+8+length == size {
				return good, errTorn
			}
			if rest, err := onlyZeros(r); err == nil && rest {
				return good, errTorn
			}
			return good, fmt.Errorf("%w: the checksum at byte %d is wrong, and more follows", errBroken, good)
		}
		if err := visit(records); err != nil {
			return good, fmt.Errorf("%w: at byte %d: %w", errBroken, good, err)
		}
		good += 8 + length
	}
	return good, nil
}

// wholeFrame says whether a frame that can be read begins anywhere in b.
func wholeFrame(b []byte) bool {
	first := []byte(`{"kind":`)
	for at := 0; ; {
		i := bytes.Index(b[at:], first)
		if i < 0 {
			return false
		}
		body := at + i
		at = body + 1
		if body < 8 {
			continue
		}
		length := int64(binary.LittleEndian.Uint32(b[body-8 : body-4]))
		if length > 0 && length <= int64(len(b)-body) &&
			crc32.Checksum(b[body:int64(body)+length], castagnoli) == binary.LittleEndian.Uint32(b[body-4:body]) {
			return true
		}
	}
}

func zeros(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

func onlyZeros(r io.Reader) (bool, error) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if !zeros(buf[:n]) {
			return false, nil
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// records gives every record of a frame to visit.
func records(frame []byte, visit func(l line, raw []byte) error) error {
	for len(frame) > 0 {
		end := bytes.IndexByte(frame, '\n')
		if end < 0 {
			return errors.New("a record does not end")
		}
		var l line
		if err := json.Unmarshal(frame[:end], &l); err != nil {
			return fmt.Errorf("a record is no JSON: %w", err)
		}
		frame = frame[end+1:]
		if l.Bytes < 0 || l.Bytes > len(frame) {
			return errors.New("a record names more bytes than there are")
		}
		if err := visit(l, frame[:l.Bytes]); err != nil {
			return err
		}
		frame = frame[l.Bytes:]
	}
	return nil
}

// report makes the report of a record.
func (l line) report(raw []byte) (protocol.Report, error) {
	m := wire.New(l.Type, wire.FromRobot)
	if m == nil || !wire.IsReport(l.Type) || l.ID < 1 && l.Kind == protocol.RecordReport {
		return protocol.Report{}, fmt.Errorf("record of report %d has the unknown type %q", l.ID, l.Type)
	}
	if err := json.Unmarshal(l.Payload, m); err != nil {
		return protocol.Report{}, fmt.Errorf("record of report %d: %w", l.ID, err)
	}
	rep := protocol.Report{ID: l.ID, Message: m}
	if len(raw) > 0 {
		rep.Body = bytes.Clone(raw)
	}
	return rep, nil
}
