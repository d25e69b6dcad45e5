package casarerpa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Job is a job of the queue that has ended.
type Job struct {
	ID, WorkflowID, WorkflowName  string
	Status                        string // as it is written there
	RobotID, Environment          string
	Priority, Retries, MaxRetries int
	Created, Started, Ended       time.Time
	Variables, Result             json.RawMessage // objects, or nil
	Error                         string
}

// Schedule is a schedule.
type Schedule struct {
	ID, Name, WorkflowID, WorkflowName string
	Cron, Timezone, ExecutionMode      string
	Enabled                            bool
	Priority                           *int
	Input                              json.RawMessage // an object, or nil
	Metadata                           map[string]any
	Runs                               int
	NextRun                            time.Time
}

// Once says that the schedule was meant for a single time, which its expression
// cannot say.
func (s *Schedule) Once() bool {
	c, _ := s.Metadata["schedule_config"].(map[string]any)
	return c["frequency"] == "once" || s.Metadata["frequency"] == "once"
}

// Robot is the one that its jobs are for, if it names one.
func (s *Schedule) Robot() string {
	id, _ := s.Metadata["robot_id"].(string)
	return id
}

// History reads the jobs that have ended, one after the other, without the
// documents that stand in their rows. What take returns ends the reading.
func History(ctx context.Context, url string, take func(Job) error) (err error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("read the database of CasareRPA: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it has only read
	var there bool
	if err := tx.QueryRow(ctx, `select to_regclass('public.job_queue') is not null`).Scan(&there); err != nil || !there {
		return err
	}
	rows, err := tx.Query(ctx, `select (to_jsonb(t) - 'workflow_json')::text from public.job_queue t
		where lower(to_jsonb(t)->>'status') in ('completed', 'failed', 'cancelled', 'canceled', 'timeout', 'timed_out')`)
	if err != nil {
		return fmt.Errorf("read the table job_queue: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return fmt.Errorf("read the table job_queue: %w", err)
		}
		var r row
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return fmt.Errorf("read the table job_queue: %w", err)
		}
		if err := take(r.job()); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r row) job() Job {
	j := Job{
		ID: r.text("id", "job_id"), WorkflowID: r.text("workflow_id"), WorkflowName: r.text("workflow_name"), Status: r.text("status"),
		RobotID: r.text("robot_id"), Environment: r.text("environment"), Priority: r.number("priority"), Retries: r.number("retry_count"),
		MaxRetries: r.number("max_retries"), Created: r.time("created_at"), Started: r.time("started_at"), Ended: r.time("completed_at", "updated_at"),
		Variables: r.object("variables"), Result: r.object("result"), Error: r.text("error_message"),
	}
	if _, given := r["priority"].(float64); !given {
		j.Priority = 10
	}
	for _, at := range []time.Time{j.Started, j.Created} { // some of its ways to end write no time
		if j.Ended.IsZero() {
			j.Ended = at
		}
	}
	if j.Created.IsZero() {
		j.Created = j.Ended
		if !j.Started.IsZero() {
			j.Created = j.Started
		}
	}
	return j
}

func (s *source) schedule(r row) {
	out := Schedule{
		ID: r.text("schedule_id", "id"), Name: r.text("schedule_name", "name"), WorkflowID: r.text("workflow_id"), WorkflowName: r.text("workflow_name"),
		Cron: r.text("cron_expression", "cron"), Timezone: r.text("timezone"), ExecutionMode: r.text("execution_mode"), Enabled: true,
		Input: r.object("input", "variables", "parameters"), Runs: r.number("run_count"), NextRun: r.time("next_run", "next_run_at"),
	}
	if on, given := r["enabled"].(bool); given {
		out.Enabled = on
	}
	if n, given := r["priority"].(float64); given {
		p := int(n)
		out.Priority = &p
	}
	if text := r.object("metadata"); text != nil {
		_ = json.Unmarshal(text, &out.Metadata) // it came out of JSON
	}
	s.out.Schedules = append(s.out.Schedules, out)
}

// object is the first of some columns that holds an object, as JSON or as a text
// that holds JSON; any other value stands under the name value.
func (r row) object(names ...string) json.RawMessage {
	for _, name := range names {
		v := r[name]
		if text, is := v.(string); is && json.Unmarshal([]byte(text), &v) != nil {
			v = text
		}
		switch x := v.(type) {
		case nil:
			continue
		case map[string]any:
			if len(x) == 0 {
				continue
			}
		default:
			v = map[string]any{"value": x}
		}
		text, err := json.Marshal(v)
		if err == nil {
			return text
		}
	}
	return nil
}
