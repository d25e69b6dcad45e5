package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// work is the connection of a transaction that writes. Statements whose effect
// is known beforehand are kept and sent together; anything that reads the
// database sends them first. One goroutine at a time.
type work struct {
	conn
	batch   *sqlstore.Batch
	alone   bool      // one caller: everything at once, and true counts
	first   []command // what begins the transaction, not yet sent
	pending []kept
	wrote   int // statements that wrote, kept or not
}

// kept is a statement that waits to be sent.
type kept struct {
	stmt *sqlstore.Stmt
	args []any
	row  string // which row it changes; set by bulk
	// later gets the row that the statement returns; nil if it returns none.
	later func(*sqlstore.Row)
}

// errAlone asks for the group to be run again, each caller in a transaction of
// its own: something happened that the shared one cannot take back.
var errAlone = errors.New("the callers must be run one by one")

// keep says which statements may wait: the rows they write are locked or new,
// so how many they touch is known. True is for those that must touch one row.
var keep = map[string]bool{
	"audit.insert": true, "audit.head_put": true,
	"attempt.beat": true, "attempt.insert": true, "attempt.move": true, "attempt.started": true,
	"effect.put": false, "event.number": true, "head.grow": true, "idempotency.put": true, "idempotency.sweep": false,
	"job.insert": true, "job.number": true, "job.move": true, "job_data.insert": true, "job_data.result": true, "journal.put": false,
	"lane.count": true, "job_parent.insert": true, "dead_letter.put": false, "job.child_added": true, "job.deps_open": true, "job_data.inputs": true, "refusal.drop": false, "refusal.put": true, "robot.assigned": true, "robot_sample.put": true,
	"secret_use.insert": true, "secret_use.delete": false,
	"queue_item.insert": true, "queue_item_data.insert": true, "queue_item.move": true, "queue_item_data.put": true, "queue_head.count": true,
	"schedule_fire.insert": true, "schedule_end.add": false,
	"log.insert": false, "log.move": true, "log.step_insert": false, "workflow.put": true, "workflow_body.put": false, "workflow_version.insert": true,
}

// apart are reads of tables that jobs do not touch: they miss nothing while jobs
// wait for their numbers.
var apart = map[string]bool{"workflow.named": true, "workflow.get": true, "workflow_version.get": true, "audit.head": true}

// lock is taken before a statement reads, as a statement of its own, so that
// what is read afterwards is what whoever held it before has left.
type lock struct {
	sql  string
	args []int // of the statement
}

// before holds the locks of reads that a decision follows. A job is locked with
// its live attempt: a heartbeat that comes meanwhile waits, and learns then
// whether the attempt still lives.
var before = map[string][]lock{
	"job.get":                     {lockJob, lockAttempt},
	"job.parent":                  {lockJob},
	"job.prune_check":             {lockJob},
	"job.retry_open":              {lockJob}, // one retry of a job at a time
	"job.subject":                 {lockJob, lockAttempt},
	"attempt.held":                {{"select 1 from jobs where id in (select job_id from attempts where robot_id = $1 and slot_free_at is null) order by id for update", []int{0}}},
	"robot.get":                   {{"select 1 from robots where id = $1 for update", []int{0}}},
	"robot.for_offer":             {lockRobot},
	"session.close_open":          {lockRobot},
	"key.list":                    {{"select 1 from store_meta for update", nil}}, // who looks for the first key makes it
	"workflow.get":                {{"select 1 from workflows where id = $1 for update", []int{0}}},
	"workflow.named":              {{"select 1 from workflows where name = $1 for update", []int{0}}},
	"secret.get":                  {{"select pg_advisory_xact_lock(hashtextextended('secret ' || $1::text || ' ' || $2::text, 0))", []int{0, 1}}}, // also one that is not there yet
	"secret.holder":               {{"select pg_advisory_xact_lock(hashtextextended('secret ' || $1::text || ' ' || $2::text, 0))", []int{0, 1}}},
	"asset.get":                   {{"select pg_advisory_xact_lock(hashtextextended('asset ' || $1::text || ' ' || $2::text, 0))", []int{0, 1}}},
	"queue.get":                   {{"select 1 from queues where id = $1 and tenant_id = $2 for share", []int{0, 1}}},
	"queue.named":                 {{"select 1 from queues where tenant_id = $1 and name_key = $2 and deleted_at is null for share", []int{0, 1}}},
	"queue.to_change":             {{"select 1 from queues where id = $1 and tenant_id = $2 for update", []int{0, 1}}},
	"schedule.to_change":          {{"select 1 from schedules where id = $1 and tenant_id = $2 for update", []int{0, 1}}},
	"schedule_backfill.to_change": {{"select 1 from schedule_backfills where tenant_id = $1 and schedule_id = $2 and id = $3 for update", []int{0, 1, 2}}},
	"queue_item.get":              {{"select 1 from queue_items where id = $1 for update", []int{0}}},
	"trigger.to_change":           {{"select 1 from triggers where id = $1 and tenant_id = $2 for update", []int{0, 1}}},
	"incident.to_change":          {{"select 1 from incidents where id = $1 and tenant_id = $2 for update", []int{0, 1}}},
	"webhook.to_change":           {{"select 1 from webhooks where id = $1 and tenant_id = $2 for update", []int{0, 1}}},
	"log.head":                    {{"select 1 from log_heads where job_id = $1 and epoch = $2 for update", []int{0, 1}}},
}

// passing are statements that pass over rows which another process is just
// about to change, by what stands for a part of their text.
var passing = passingForms(map[string][2]string{
	"queue_item.next":    {"limit $3", "limit $3 for update of i skip locked"},
	"queue_item.promote": {"limit $4)", "limit $4 for update skip locked)"},
})

func passingForms(parts map[string][2]string) map[string]*sqlstore.Stmt {
	out := map[string]*sqlstore.Stmt{}
	for _, s := range sqlstore.All() {
		if p, ok := parts[s.Name]; ok {
			out[s.Name] = &sqlstore.Stmt{Name: s.Name, SQL: strings.Replace(s.SQL, p[0], p[1], 1)}
		}
	}
	return out
}

// pass is the form of a statement that a writer runs.
func pass(s *sqlstore.Stmt) *sqlstore.Stmt {
	if p, ok := passing[s.Name]; ok {
		s.MarkUsed()
		return p
	}
	return s
}

var (
	lockJob     = lock{"select 1 from jobs where id = $1 for update", []int{0}}
	lockAttempt = lock{"select 1 from attempts where job_id = $1 and outcome is null for update", []int{0}}
	lockRobot   = lock{"select 1 from robots where id = $1 and tenant_id = $2 for update", []int{0, 1}}
)

// Exec keeps a statement or runs it.
func (w *work) Exec(s *sqlstore.Stmt, args ...any) (int, error) {
	w.wrote++
	if _, ok := keep[s.Name]; ok && !w.alone {
		s.MarkUsed()
		w.pending = append(w.pending, kept{stmt: s, args: arguments(args)})
		return 1, nil
	}
	if err := w.settle(s, args); err != nil {
		return 0, err
	}
	if s.Name == "job.insert" { // one job's fault must not end the transaction
		return w.guarded(s, args)
	}
	return w.conn.Exec(pass(s), args...)
}

// Later keeps a statement that returns a row, or runs it.
func (w *work) Later(s *sqlstore.Stmt, row func(*sqlstore.Row), args ...any) error {
	w.wrote++
	if w.alone {
		return sqlstore.LaterByQuery(w, s, row, args...)
	}
	s.MarkUsed()
	w.pending = append(w.pending, kept{stmt: s, args: arguments(args), later: row})
	return nil
}

// Query reads what the transaction has written so far.
func (w *work) Query(s *sqlstore.Stmt, row func(*sqlstore.Row) error, args ...any) error {
	if err := w.settle(s, args); err != nil {
		return err
	}
	w.reads(s)
	return w.conn.Query(pass(s), row, args...)
}

// Each reads what the transaction has written so far.
func (w *work) Each(s *sqlstore.Stmt, lists [][]any, row func(int, *sqlstore.Row) error) error {
	if len(lists) == 0 {
		return nil
	}
	if err := w.settle(s, lists[0]); err != nil {
		return err
	}
	w.reads(s)
	return w.conn.Each(s, lists, row)
}

// reads notes a statement that gives rows and writes all the same.
func (w *work) reads(s *sqlstore.Stmt) {
	if !strings.HasPrefix(s.SQL, "select") {
		w.wrote++
	}
}

// Asks reads what the transaction has written so far.
func (w *work) Asks(asks []sqlstore.Ask) error { return sqlstore.AsksByEach(w, asks) }

// settle sends what is kept and takes the lock that a statement needs.
func (w *work) settle(s *sqlstore.Stmt, args []any) error {
	if w.batch != nil && w.batch.Pending() && !s.Shared && !apart[s.Name] {
		return errAlone // the jobs that have no number yet cannot be seen
	}
	var locks []command
	for _, l := range before[s.Name] {
		c := command{"lock for " + s.Name, l.sql, nil}
		for _, i := range l.args {
			c.args = append(c.args, argument(args[i]))
		}
		locks = append(locks, c)
	}
	return w.flush(locks...)
}

// guarded runs a statement that may break a rule of the schema, and takes back
// what it did if it does.
func (w *work) guarded(s *sqlstore.Stmt, args []any) (int, error) {
	if _, err := w.pg.Exec(w.ctx, "savepoint one"); err != nil {
		return 0, fault("savepoint", err)
	}
	n, err := w.conn.Exec(s, args...)
	if err == nil || !errors.Is(err, sqlstore.ErrConstraint) {
		return n, err
	}
	if _, rerr := w.pg.Exec(w.ctx, "rollback to one"); rerr != nil {
		return 0, fault("rollback to savepoint", rerr)
	}
	return 0, err
}

// flush sends what is kept in one trip, in the order in which it was kept, and
// then the given commands.
func (w *work) flush(last ...command) error {
	if len(w.pending)+len(last)+len(w.first) == 0 {
		return nil
	}
	sending, first := w.pending, w.first
	w.pending, w.first = nil, nil
	var b pgx.Batch
	for _, c := range first {
		b.Queue(c.sql, c.args...)
	}
	groups := bulk(sending)
	for _, g := range groups {
		b.Queue(g.sql, g.args...)
	}
	for _, c := range last {
		b.Queue(c.sql, c.args...)
	}
	res := w.pg.SendBatch(w.ctx, &b)
	err := sent(res, first, groups, last)
	if cerr := res.Close(); err == nil && cerr != nil {
		err = fault("close a batch", cerr)
	}
	return err
}

func sent(res pgx.BatchResults, first []command, groups []bulked, last []command) error {
	for _, c := range first {
		if _, err := res.Exec(); err != nil {
			return fault(c.name, err)
		}
	}
	for i := range groups {
		g := &groups[i]
		n, err := g.answer(res)
		if err != nil {
			return err
		}
		if g.exact && n != g.rows {
			return fmt.Errorf("%s touched %d rows of %d: %w", g.name, n, g.rows, sqlstore.ErrOvertaken)
		}
	}
	for _, c := range last {
		if _, err := res.Exec(); err != nil {
			return fault(c.name, err)
		}
	}
	return nil
}

// answer reads what a statement did: how many rows it touched.
func (g *bulked) answer(res pgx.BatchResults) (int, error) {
	if g.later == nil {
		tag, err := res.Exec()
		if err != nil {
			return 0, fault(g.name, err)
		}
		return int(tag.RowsAffected()), nil
	}
	rows, err := res.Query()
	if err != nil {
		return 0, fault(g.name, err)
	}
	n := 0
	err = scan(g.name, rows, func(r *sqlstore.Row) error {
		n++
		g.later(r)
		return nil
	})
	return n, err
}

var _ sqlstore.Conn = (*work)(nil)
