// Package auditchain says what the hash of an audit row is over, and checks that
// a sequence of rows is the one that was written.
//
// It must not know a store, a clock or a network: an exported file is checked
// with it on a machine that has never seen the server.
//
// Guarantee: a row that was changed, taken out, moved or put in is found, and
// named by its number. A restore of the store is a row of the chain itself: what
// was written after the backup is gone, and the check says so. What a chain alone cannot show is that all of it was
// written anew from some row on, or that its end was cut off: that needs an
// anchor that was kept elsewhere.
package auditchain

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gowebpki/jcs"

	"github.com/casarerpa/fleet/fleet"
)

// Canonical is all of a row but the two hashes, in the form of RFC 8785: what
// its hash is over.
func Canonical(e fleet.AuditEntry) ([]byte, error) {
	e.PrevHash, e.Hash = "", ""
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write the audit row: %w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("write the audit row: %w", err)
	}
	delete(fields, "prev_hash")
	delete(fields, "hash")
	if text, err = json.Marshal(fields); err != nil {
		return nil, fmt.Errorf("write the audit row: %w", err)
	}
	if text, err = jcs.Transform(text); err != nil {
		return nil, fmt.Errorf("write the canonical form of the audit row: %w", err)
	}
	return text, nil
}

// Hash is that of a row in canonical form, after the row with another hash.
func Hash(prev string, canonical []byte) string {
	h := sha256.New()
	_, _ = h.Write([]byte(prev)) // never fails
	_, _ = h.Write(canonical)
	return hex.EncodeToString(h.Sum(nil))
}

// Parse reads a row from its canonical form.
func Parse(canonical []byte, prev, hash string) (e fleet.AuditEntry, err error) {
	if err := json.Unmarshal(canonical, &e); err != nil {
		return e, fmt.Errorf("read the audit row: %w", err)
	}
	e.PrevHash, e.Hash = prev, hash
	return e, nil
}

// Anchor is a row that is known to be right: what comes next follows it.
type Anchor struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Start is before the first row.
func Start() Anchor { return Anchor{Hash: fleet.AuditStart} }

// FaultKind says what was done to a row.
type FaultKind string

// What can be wrong.
const (
	Changed   FaultKind = "changed"   // the row is not what its hash was made of
	Missing   FaultKind = "missing"   // the row is not there
	Reordered FaultKind = "reordered" // the row stands at another place
	Inserted  FaultKind = "inserted"  // there are two rows of the number, or one before the beginning
)

// Fault is the first thing that is wrong.
type Fault struct {
	Seq  int64     `json:"seq"`
	Kind FaultKind `json:"kind"`
	Text string    `json:"text"`
}

// Checker goes through rows in their order. The zero value is of no use.
type Checker struct {
	at     Anchor
	rows   int64
	fault  *Fault
	points map[int64][]*Checkpoint // of rows that are still to come
	held   int                     // checkpoints that a row has met
	gap    int64                   // the number that was expected when one came too early

	restores []Restore
	foreign  []*Checkpoint // those that were signed with a key that is not given
}

// From begins after a row that is known to be right.
func From(a Anchor) *Checker { return &Checker{at: a} }

// Take looks at the next row. After the first fault it looks for nothing but
// whether the missing row comes later.
func (c *Checker) Take(e fleet.AuditEntry) {
	if c.fault != nil {
		c.late(e)
		return
	}
	c.rows++
	next := c.at.Seq + 1
	switch {
	case e.Seq > next:
		c.fault = &Fault{next, Missing, fmt.Sprintf("Row %d is not there: after row %d comes row %d.", next, c.at.Seq, e.Seq)}
		c.gap = next
		return
	case e.Seq < next:
		c.fault = &Fault{e.Seq, Inserted, fmt.Sprintf("Row %d stands after row %d: it was put in, or stands there twice.", e.Seq, c.at.Seq)}
		return
	}
	text, err := Canonical(e)
	switch {
	case err != nil:
		c.fault = &Fault{e.Seq, Changed, fmt.Sprintf("Row %d cannot be read: %v.", e.Seq, err)}
	case e.PrevHash != c.at.Hash:
		c.fault = &Fault{e.Seq, Changed, fmt.Sprintf("Row %d does not follow row %d: it names another hash before it.", e.Seq, c.at.Seq)}
	case Hash(e.PrevHash, text) != e.Hash:
		c.fault = &Fault{e.Seq, Changed, fmt.Sprintf("Row %d is not what its hash was made of.", e.Seq)}
	default:
		before := c.at
		c.at = Anchor{e.Seq, e.Hash}
		if c.restored(&e, before); c.fault == nil {
			c.meet()
		}
	}
}

// meet compares the row that was just found right with its checkpoints.
func (c *Checker) meet() {
	for _, p := range c.points[c.at.Seq] {
		switch {
		case p.Hash == c.at.Hash:
			if !slices.Contains(c.foreign, p) {
				c.held++
			}
		case !c.lost(p):
			c.fault = &Fault{c.at.Seq, Changed, fmt.Sprintf("Row %d has another hash than its checkpoint says: the chain was written anew.", c.at.Seq)}
		}
	}
	delete(c.points, c.at.Seq)
}

// late tells a row that is not there from one that stands at another place.
func (c *Checker) late(e fleet.AuditEntry) {
	if c.fault.Kind == Missing && e.Seq == c.gap {
		c.fault = &Fault{c.gap, Reordered, fmt.Sprintf("Row %d stands after rows that follow it.", c.gap)}
	}
}

// End says what was found; head is where the rows are known to end, if they are.
func (c *Checker) End(head *Anchor) Report {
	r := Report{Rows: c.rows, Checkpoints: c.held, Last: c.at, Fault: c.fault}
	if c.fault != nil {
		r.Restores = c.restores
		return r
	}
	for seq, points := range c.points {
		for _, p := range points {
			if !c.lost(p) && (r.Fault == nil || seq < r.Fault.Seq) {
				r.Fault = &Fault{seq, Missing, fmt.Sprintf("The rows end with %d, and there is a checkpoint of row %d.", c.at.Seq, seq)}
			}
		}
	}
	if p := c.strange(); p != nil && r.Fault == nil {
		r.Fault = &Fault{p.Seq, Changed, fmt.Sprintf("The checkpoint of row %d is signed with another key than was given.", p.Seq)}
	}
	r.Restores, r.OtherKey = c.restores, len(c.foreign)
	if r.Fault != nil || head == nil {
		return r
	}
	switch {
	case head.Seq > c.at.Seq:
		r.Fault = &Fault{c.at.Seq + 1, Missing, fmt.Sprintf("The rows end with %d, and there were %d.", c.at.Seq, head.Seq)}
	case head.Seq < c.at.Seq:
		r.Fault = &Fault{head.Seq + 1, Inserted, fmt.Sprintf("There are rows up to %d, and only %d were written.", c.at.Seq, head.Seq)}
	case head.Hash != c.at.Hash:
		r.Fault = &Fault{c.at.Seq, Changed, fmt.Sprintf("Row %d has another hash than was kept.", c.at.Seq)}
	}
	return r
}

// Report is what a check found.
type Report struct {
	Rows        int64 `json:"rows"`        // that were looked at
	Checkpoints int   `json:"checkpoints"` // that agree with them
	// OtherKey counts the checkpoints, from before a restore, that were signed with
	// a key which is not at hand: nobody can say that they are genuine.
	OtherKey int       `json:"other_key,omitempty"`
	Restores []Restore `json:"restores,omitempty"` // the rows at which the store went back to a backup
	Last     Anchor    `json:"last"`               // the last one that is right
	Fault    *Fault    `json:"fault,omitempty"`
}
