package fleet

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// ID is an identifier made by us: UUID version 7 as text, so that later ids
// sort after earlier ones and new rows land at the end of an index.
type ID string

// String returns the text form.
func (id ID) String() string { return string(id) }

// Time returns the millisecond at which the id was made; zero for other text.
func (id ID) Time() time.Time {
	if !id.Valid() {
		return time.Time{}
	}
	b, err := hex.DecodeString(string(id[0:8] + id[9:13]))
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(append([]byte{0, 0}, b...)))).UTC()
}

// Valid says whether the text has the form of a UUID in lower case.
func (id ID) Valid() bool { return uuidForm.MatchString(string(id)) }

// FirstID is the least id that can be made at a time, for searches by age.
func FirstID(at time.Time) ID {
	h := fmt.Sprintf("%012x", max(at.UnixMilli(), 0))
	return ID(h[:8] + "-" + h[8:])
}

var (
	uuidForm   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	callerForm = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
)

// ParseID reads an id from a path or a flag.
func ParseID(text string) (ID, error) {
	id := ID(text)
	if !id.Valid() {
		return "", Invalid("id", "%q is not an id; an id looks like 01939c3e-7b1a-7c3d-8e4f-0123456789ab", text)
	}
	return id, nil
}

// IDs makes ids that rise within one process, also inside one millisecond.
// It is safe for concurrent use.
type IDs struct {
	now  func() time.Time
	rand io.Reader

	mu   sync.Mutex
	last uint64 // milliseconds
	seq  uint16 // 12 bits, rises within one millisecond
}

// NewIDs takes its time and chance as arguments; tests hand in fixed ones.
func NewIDs(now func() time.Time, random io.Reader) *IDs { return &IDs{now: now, rand: random} }

// New returns the next id.
func (g *IDs) New() ID {
	var b [16]byte
	g.mu.Lock()
	if _, err := io.ReadFull(g.rand, b[6:]); err != nil {
		g.mu.Unlock()
		panic("fleet: the random source failed: " + err.Error()) //nolint:forbidigo // crypto/rand never fails
	}
	ms := uint64(g.now().UnixMilli())
	if ms <= g.last { // same millisecond, or the clock stepped back
		ms = g.last
		g.seq++
		if g.seq > 0x0fff {
			ms, g.seq = ms+1, 0
		}
	} else {
		g.seq = binary.BigEndian.Uint16(b[6:8]) & 0x03ff // room to count up
	}
	g.last = ms
	seq := g.seq
	g.mu.Unlock()

	binary.BigEndian.PutUint32(b[0:4], uint32(ms>>16))
	binary.BigEndian.PutUint16(b[4:6], uint16(ms))
	binary.BigEndian.PutUint16(b[6:8], 0x7000|seq)
	b[8] = b[8]&0x3f | 0x80

	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	return ID(out[:])
}

// RobotID names a robot inside its tenant. Callers choose it.
type RobotID string

// String returns the text form.
func (id RobotID) String() string { return string(id) }

// ParseRobotID checks the form of an id chosen by a caller.
func ParseRobotID(text string) (RobotID, error) {
	if !callerForm.MatchString(text) {
		return "", Invalid("robot_id", "robot_id must be 1 to 64 letters, digits, '-' or '_'; got %q", clip(text, 80))
	}
	return RobotID(text), nil
}

// TenantID names a customer. Every row belongs to exactly one.
type TenantID string

// DefaultTenant is the tenant of an installation that has only one.
const DefaultTenant TenantID = "default"

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…" // not inside a character
}
