package client

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// AuditFilter selects rows of the audit; empty fields select all.
type AuditFilter struct {
	After      int64
	Limit      int // 1 to 1000; 0 is 100
	Action     string
	ActorID    string
	ObjectKind fleet.SubjectKind
	ObjectID   string
	Outcome    fleet.AuditOutcome
	From, To   time.Time
}

// AuditAnchor names a row by its number and hash.
type AuditAnchor struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// AuditPage is a part of the audit, oldest first.
type AuditPage struct {
	Entries []fleet.AuditEntry `json:"entries"`
	Next    int64              `json:"next_after"`
	Head    AuditAnchor        `json:"head"`
}

// AuditReport says whether the chain is whole.
type AuditReport struct {
	Rows int64 `json:"rows"`
	// Checkpoints that agree with the rows.
	Checkpoints int         `json:"checkpoints"`
	Last        AuditAnchor `json:"last"`
	// OtherKey counts those from before a restore whose signatures nobody can check:
	// their key is not at hand.
	OtherKey int            `json:"other_key,omitempty"`
	Restores []AuditRestore `json:"restores,omitempty"`
	Fault    *AuditFault    `json:"fault,omitempty"`
}

// AuditRestore is a row of the chain at which the store went back to a backup.
type AuditRestore struct {
	Seq        int64       `json:"seq"`
	At         time.Time   `json:"at"`
	Generation int64       `json:"generation"`
	BackupAt   time.Time   `json:"backup_at"`
	After      AuditAnchor `json:"after"` // the last row of the backup
	// LostTo is the highest row that a checkpoint from before the restore shows to
	// be gone; 0: none shows any.
	LostTo int64 `json:"lost_to,omitempty"`
}

// AuditFault is the first row that is wrong.
type AuditFault struct {
	Seq  int64  `json:"seq"`
	Kind string `json:"kind"` // changed, missing, reordered, inserted
	Text string `json:"text"`
}

// query is the filter as the API knows it.
func (f *AuditFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"action": f.Action, "actor_id": f.ActorID, "object_kind": string(f.ObjectKind), "object_id": f.ObjectID, "outcome": string(f.Outcome),
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, n := range map[string]int64{"after": f.After, "limit": int64(f.Limit)} {
		if n != 0 {
			q.Set(name, strconv.FormatInt(n, 10))
		}
	}
	for name, t := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	return q
}

// ListAudit returns a page of the audit.
func (c *Client) ListAudit(ctx context.Context, f AuditFilter) (out AuditPage, err error) {
	err = c.get(ctx, at("audit"), f.query(), &out)
	return out, err
}

// VerifyAudit lets the server check the chain of its own audit.
func (c *Client) VerifyAudit(ctx context.Context) (out AuditReport, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("audit", "verify"), safe: true}, &out)
	return out, err
}

// maxAuditLine bounds one row of an export.
const maxAuditLine = 16 << 20

// ExportAudit gives every row that a filter selects to take, oldest first; its
// limit does not count. Only with no more than After is it a chain that can be
// checked.
func (c *Client) ExportAudit(ctx context.Context, f AuditFilter, take func(line json.RawMessage) error) error {
	f.Limit = 0
	resp, err := c.send(ctx, c.streams, request{method: http.MethodGet, path: at("audit", "export"), query: f.query(), accept: "application/x-ndjson"})
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		_, err := readReply(resp)
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxAuditLine)
	for lines.Scan() {
		if err := take(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return broken(resp.Request.URL.Host, err)
	}
	return nil
}
