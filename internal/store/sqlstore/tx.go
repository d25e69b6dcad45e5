package sqlstore

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Env is what a batch needs from outside.
type Env struct {
	IDs   *fleet.IDs
	Now   func() time.Time
	Lanes *LaneCache
	// Known is what may be taken as read: between commits where one process
	// writes alone, inside one transaction that holds the locks where there are
	// several. Nil is nothing.
	Known *Known
	// Recent is what this writer left a moment ago, where there are several; nil
	// is nothing.
	Recent *Recent
	// Shared says that other processes write to the same database. Numbers of
	// events and jobs are then taken as the last thing before the commit, under
	// the lock of the tenant's head, and not before.
	Shared bool
	// Alone says that this batch carries one caller only, so that what it writes
	// is written at once and a fault is its own. Only with Shared.
	Alone bool
}

// Batch is one transaction of the database, shared by the callers whose
// changes it carries. One goroutine at a time.
type Batch struct {
	conn    Conn
	env     Env
	now     time.Time
	tenants []*tenantState // few, so a slice
	lanes   []laneDelta
	queues  []queueDelta
	fresh   []fresh // lanes made in this batch, not yet committed
	raise   []store.Topic
	timers  time.Time // earliest timer that was set
	keys    bool      // an idempotency key was written: old ones may go
	live    map[fleet.ID]fleet.Subject
	recent  map[fleet.ID]fleet.Subject // Shared: see Recent
	events  []pendingEvent             // Shared: those that have no number yet
	audits  []pendingAudit             // numbered by Finish
	jobs    []pendingJob               // Shared: those that have no number yet
	unseen  bool                       // a caller has jobs that have no number yet
}

// tenantState is the tenant's head row as it will be written; where the
// database is shared, by how much it will grow.
type tenantState struct {
	id      fleet.TenantID
	seq     int64 // newest event number
	jobSeq  int64
	counts  [9]int64
	served  int64 // milliseconds, a difference: see Tx.serve
	changed bool
}

// NewBatch begins to collect changes on a transaction that has just begun.
func NewBatch(conn Conn, env Env) *Batch {
	return &Batch{conn: conn, env: env, now: Stored(env.Now())}
}

// Tx is one caller's part of a batch. It satisfies store.Tx.
type Tx struct {
	reader
	batch  *Batch
	events []pendingEvent
	audits []pendingAudit
	told   []told // requests whose row is among them
	deltas []tenantDelta
	lanes  []laneDelta
	queues []queueDelta
	fresh  []fresh
	raise  []store.Topic
	timer  time.Time
	keys   bool
	live   map[fleet.ID]fleet.Subject
	recent map[fleet.ID]fleet.Subject
	jobs   []pendingJob
}

type pendingEvent struct {
	tenant fleet.TenantID
	draft  fleet.EventDraft
}

type tenantDelta struct {
	id     fleet.TenantID
	events int64
	jobs   int64
	counts [9]int64
	served int64
}

// Begin starts one caller's part, on top of a savepoint of the database.
func (b *Batch) Begin(s store.Scope) *Tx {
	return &Tx{reader: reader{conn: b.conn, scope: s}, batch: b}
}

// NewReader reads with a connection that is inside a transaction.
func NewReader(conn Conn, s store.Scope) store.Reader { return &reader{conn: conn, scope: s} }

// reader satisfies store.Reader.
type reader struct {
	conn  Conn
	scope store.Scope
}

// all and tenant are the scope as arguments of a statement.
func (r *reader) all() bool      { all, _ := r.scope.Filter(); return all }
func (r *reader) tenant() string { _, t := r.scope.Filter(); return t }

// within is a condition: an environment is one of those that an argument names,
// as Scope.Bounds writes them; none named are all.
func within(column, arg string) string {
	return "(" + arg + " = '' or replace(" + arg + ", '\n' || " + column + " || '\n', '') <> " + arg + ")"
}

// covers refuses a row of a tenant that the scope does not reach.
func (r *reader) covers(t fleet.TenantID) error {
	if r.scope.Covers(t) {
		return nil
	}
	return fleet.Errorf(fleet.CodeInternal, "scope", "a row of another tenant was handed to the store")
}

// only is the scope's single tenant, for reads that make no sense for all.
func (r *reader) only() (fleet.TenantID, error) {
	if t, ok := r.scope.One(); ok {
		return t, nil
	}
	return "", fleet.Errorf(fleet.CodeInternal, "scope", "this read needs the scope of one tenant")
}

// Close ends the caller's part: its events get their numbers and are written,
// and its counts go to the batch. After an error the caller's savepoint must be
// rolled back and the Tx dropped.
func (t *Tx) Close() error {
	for i := range t.events {
		if t.batch.env.Shared { // numbered by Finish
			t.delta(t.events[i].tenant).events++
			continue
		}
		e := &t.events[i]
		d := t.delta(e.tenant)
		st, err := t.batch.tenant(e.tenant)
		if err != nil {
			return err
		}
		d.events++
		if err := t.batch.writeEvent(eventInsert, st.seq+d.events, e); err != nil {
			return err
		}
	}
	for _, d := range t.deltas { // reads them all, so that nothing below fails
		if _, err := t.batch.tenant(d.id); err != nil {
			return err
		}
	}
	t.batch.merge(t)
	return nil
}

// merge takes over the counts and signals of a caller that succeeded.
func (b *Batch) merge(t *Tx) {
	for _, st := range b.tenants {
		for _, d := range t.deltas {
			if d.id != st.id {
				continue
			}
			st.seq += d.events
			st.jobSeq += d.jobs
			st.served += d.served
			for i, n := range d.counts {
				st.counts[i] += n
			}
			st.changed = true
		}
	}
	for _, l := range t.lanes {
		b.lanes = addLane(b.lanes, l)
	}
	for _, d := range t.queues {
		b.queues = addQueue(b.queues, d)
	}
	b.fresh = append(b.fresh, t.fresh...)
	b.audits = append(b.audits, t.audits...)
	if b.env.Shared {
		b.events = append(b.events, t.events...)
		b.jobs = append(b.jobs, t.jobs...)
	}
	if len(t.events) > 0 {
		t.signal(store.TopicEvents)
	}
	for _, topic := range t.raise {
		if !slices.Contains(b.raise, topic) {
			b.raise = append(b.raise, topic)
		}
	}
	if !t.timer.IsZero() && (b.timers.IsZero() || t.timer.Before(b.timers)) {
		b.timers = t.timer
	}
	b.keys = b.keys || t.keys
	b.keep(t.live, t.recent)
}

var (
	headGet = stmt("head.get", `select seq, job_seq, pending, assigned, running, cancelling, needs_decision,
		completed, failed, cancelled, timed_out from tenant_heads where tenant_id = $1`)
	headPut = soleStmt("head.put", `insert into tenant_heads (tenant_id, seq, job_seq, pending, assigned, running, cancelling,
		needs_decision, completed, failed, cancelled, timed_out, served_ms)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		on conflict (tenant_id) do update set seq = excluded.seq, job_seq = excluded.job_seq, pending = excluded.pending,
		assigned = excluded.assigned, running = excluded.running, cancelling = excluded.cancelling,
		needs_decision = excluded.needs_decision, completed = excluded.completed, failed = excluded.failed,
		cancelled = excluded.cancelled, timed_out = excluded.timed_out,
		served_ms = tenant_heads.served_ms + excluded.served_ms`)
)

// tenant is the head row of a tenant inside this batch.
func (b *Batch) tenant(id fleet.TenantID) (*tenantState, error) {
	for _, st := range b.tenants {
		if st.id == id {
			return st, nil
		}
	}
	st := &tenantState{id: id}
	if b.env.Shared {
		b.tenants = append(b.tenants, st)
		return st, nil
	}
	_, err := one(b.conn, headGet, func(r *Row) {
		st.seq, st.jobSeq = r.int64(), r.int64()
		for i := range st.counts {
			st.counts[i] = r.int64()
		}
	}, id)
	if err != nil {
		return nil, err
	}
	b.tenants = append(b.tenants, st)
	return st, nil
}

// Finish writes what the callers shared: lanes, then the heads, last.
func (b *Batch) Finish() error {
	slices.SortFunc(b.lanes, func(x, y laneDelta) int { return int(x.id - y.id) })
	for _, l := range b.lanes {
		if l.n == 0 {
			continue
		}
		if _, err := b.conn.Exec(laneCount, l.id, l.n); err != nil {
			return err
		}
	}
	if err := b.writeQueues(); err != nil {
		return err
	}
	if b.keys {
		if _, err := b.conn.Exec(keySweep, b.now, 100); err != nil {
			return err
		}
	}
	if err := b.writeAudits(); err != nil {
		return err
	}
	slices.SortFunc(b.tenants, func(x, y *tenantState) int { return compareText(x.id, y.id) })
	for _, st := range b.tenants {
		if !st.changed {
			continue
		}
		if b.env.Shared {
			if err := b.number(st); err != nil {
				return err
			}
			continue
		}
		c := &st.counts
		if _, err := b.conn.Exec(headPut, st.id, st.seq, st.jobSeq, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], st.served); err != nil {
			return err
		}
	}
	return nil
}

// Committed is called after the commit. It returns the signals to raise and
// the earliest timer that was set, zero if none was.
func (b *Batch) Committed() ([]store.Topic, time.Time) {
	for _, f := range b.fresh {
		b.env.Lanes.put(f.key, f.id)
	}
	b.env.Known.remember(b.live)
	b.env.Recent.remember(b.recent)
	return b.raise, b.timers
}

// delta is this caller's change to the tenant's counts.
func (t *Tx) delta(id fleet.TenantID) *tenantDelta {
	for i := range t.deltas {
		if t.deltas[i].id == id {
			return &t.deltas[i]
		}
	}
	t.deltas = append(t.deltas, tenantDelta{id: id})
	return &t.deltas[len(t.deltas)-1]
}

func (t *Tx) signal(topics ...store.Topic) {
	for _, topic := range topics {
		if !slices.Contains(t.raise, topic) {
			t.raise = append(t.raise, topic)
		}
	}
}

// timerAt notes that something will be due.
func (t *Tx) timerAt(at time.Time) {
	if !at.IsZero() && (t.timer.IsZero() || at.Before(t.timer)) {
		t.timer = at
	}
}

func compareText[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// stateIndex is the state's place in the counts of a head row.
func stateIndex(s fleet.State) int { return slices.Index(stateOrder[:], s) }

// stateOrder is fleet.States as an array, which costs nothing to search.
var stateOrder = [9]fleet.State(fleet.States())

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fleet.Internal(err)
	}
	return b, nil
}

var _ store.Tx = (*Tx)(nil)
