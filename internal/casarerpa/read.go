package casarerpa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
)

// Robot is a robot of the original.
type Robot struct {
	ID, Name, Hostname, Environment string
	Slots                           int
	Capabilities, Tags              []string
	CreatedAt, LastSeen             time.Time
}

// Key is the key of a robot. Hash is the SHA-256 of the raw key in lower-case
// hexadecimal, as both sides keep it.
type Key struct {
	ID, RobotID, Name, Description, Hash string
	Revoked                              bool
	CreatedAt, ExpiresAt, LastUsedAt     time.Time
}

// Workflow is a document under a name.
type Workflow struct {
	ID, Name string
	Document json.RawMessage
}

// Source is all that was read.
type Source struct {
	Robots    []Robot
	Keys      []Key
	Workflows []Workflow
	Jobs      map[string]int64 // of the queue, by status
	Schedules []Schedule
	Missing   []string // tables that are not there
}

// connectTime bounds how long the source may take to answer at first.
const connectTime = 15 * time.Second

// Read reads everything but the history of jobs, in one snapshot that changes nothing.
func Read(ctx context.Context, url string) (out Source, err error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return out, fmt.Errorf("read the database of CasareRPA: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it has only read
	s := source{ctx, tx, &out}
	for _, table := range []struct {
		name string
		row  func(row)
	}{{"robots", s.robot}, {"robot_api_keys", s.key}, {"workflows", s.workflow}, {"schedules", s.schedule}} {
		if err := s.table(table.name, table.row); err != nil {
			return out, err
		}
	}
	out.Jobs = map[string]int64{}
	if err := s.count(); err != nil {
		return out, err
	}
	return out, nil
}

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	dial, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := pgx.Connect(dial, url)
	if err != nil { // its words may name the password
		return nil, fleet.Errorf(fleet.CodeUnavailable, "source_away", "The database of CasareRPA does not answer, or refuses the login.").
			WithFix("Check host, port, user and password of --from.")
	}
	return conn, nil
}

type source struct {
	ctx context.Context //nolint:containedctx // of one reading
	tx  pgx.Tx
	out *Source
}

// row is a row as JSON gives it, whatever its columns are.
type row map[string]any

func (s *source) exists(table string) (there bool, err error) {
	err = s.tx.QueryRow(s.ctx, `select to_regclass($1) is not null`, "public."+table).Scan(&there)
	if err == nil && !there {
		s.out.Missing = append(s.out.Missing, table)
	}
	return there, err
}

// table reads all rows of a table. Its name is one of ours.
func (s *source) table(name string, take func(row)) error {
	there, err := s.exists(name)
	if err != nil || !there {
		return err
	}
	rows, err := s.tx.Query(s.ctx, `select to_jsonb(t)::text from public.`+name+` t`)
	if err != nil {
		return fmt.Errorf("read the table %s: %w", name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return fmt.Errorf("read the table %s: %w", name, err)
		}
		var r row
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return fmt.Errorf("read the table %s: %w", name, err)
		}
		take(r)
	}
	return rows.Err()
}

// count counts the jobs by their status.
func (s *source) count() error {
	if there, err := s.exists("job_queue"); err != nil || !there {
		return err
	}
	rows, err := s.tx.Query(s.ctx, `select coalesce(to_jsonb(t)->>'status', ''), count(*) from public.job_queue t group by 1`)
	if err != nil {
		return fmt.Errorf("count the table job_queue: %w", err)
	}
	var status string
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&status, &n}, func() error { s.out.Jobs[status] = n; return nil }); err != nil {
		return fmt.Errorf("count the table job_queue: %w", err)
	}
	return nil
}

func (s *source) robot(r row) {
	s.out.Robots = append(s.out.Robots, Robot{
		ID: r.text("robot_id", "id"), Name: r.text("name", "robot_name"), Hostname: r.text("hostname"), Environment: r.text("environment"),
		Slots: r.number("max_concurrent_jobs"), Capabilities: r.words("capabilities"), Tags: r.words("tags"),
		CreatedAt: r.time("created_at", "registered_at"), LastSeen: r.time("last_seen", "last_heartbeat"),
	})
}

func (s *source) key(r row) {
	revoked, _ := r["is_revoked"].(bool)
	s.out.Keys = append(s.out.Keys, Key{
		ID: r.text("id", "key_id"), RobotID: r.text("robot_id"), Name: r.text("name", "key_name"), Description: r.text("description"),
		Hash: strings.ToLower(r.text("api_key_hash", "key_hash")), Revoked: revoked || !r.time("revoked_at").IsZero(),
		CreatedAt: r.time("created_at"), ExpiresAt: r.time("expires_at"), LastUsedAt: r.time("last_used_at"),
	})
}

func (s *source) workflow(r row) {
	w := Workflow{ID: r.text("workflow_id", "id"), Name: r.text("workflow_name", "name")}
	for _, name := range []string{"workflow_json", "definition", "document"} {
		switch v := r[name].(type) {
		case nil:
			continue
		case string: // a text that holds the document
			w.Document = json.RawMessage(v)
		default:
			w.Document, _ = json.Marshal(v) // it came out of JSON
		}
		break
	}
	s.out.Workflows = append(s.out.Workflows, w)
}

// text is the first of some columns that holds something.
func (r row) text(names ...string) string {
	for _, name := range names {
		switch v := r[name].(type) {
		case string:
			if v != "" {
				return v
			}
		case float64:
			return fmt.Sprint(v)
		}
	}
	return ""
}

func (r row) number(name string) int {
	n, _ := r[name].(float64)
	return int(n)
}

// words reads a list, whether it is an array, JSON, or a text that holds JSON.
func (r row) words(name string) (out []string) {
	v := r[name]
	if text, is := v.(string); is {
		if json.Unmarshal([]byte(text), &v) != nil {
			v = nil
		}
	}
	list, _ := v.([]any)
	for _, x := range list {
		if s, is := x.(string); is {
			out = append(out, s)
		}
	}
	return out
}

// time reads a time; one without a zone is UTC.
func (r row) time(names ...string) time.Time {
	for _, name := range names {
		text, _ := r[name].(string)
		for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.Parse(form, text); err == nil {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}
