package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// change is what one caller wants to do.
type change struct {
	scope store.Scope
	class class
	need  sqlstore.Need
	fn    func(tx *sqlstore.Tx) error
}

// class is a change's place in its group. The callers of a group came at the
// same time, so any order is right; this one lets what was read at the
// beginning hold as long as possible, and takes the tenant's head last.
type class int

const (
	classAssign class = iota
	classReport
	classUpdate
	classEnqueue
)

// errOutcome marks a commit of which nobody can say whether it happened.
var errOutcome = errors.New("the outcome of the commit is not known")

// writer owns one connection that writes. Only its committer's goroutine calls
// commit and uses the connection.
type writer struct {
	name      string // of this committer, in commits
	connect   func(ctx context.Context) (*pgx.Conn, error)
	env       sqlstore.Env
	role      string
	log       *slog.Logger
	committed func(b *sqlstore.Batch)

	pg     *pgx.Conn // nil: to be opened
	used   time.Time // when the connection last answered
	number uint64    // of the newest commit
}

// Bounds of one group. Whoever waits longer is told that the outcome is open.
const (
	connectWithin = 3 * time.Second
	groupWithin   = 20 * time.Second
	resolveWithin = 15 * time.Second
	maxTries      = 10
)

// Bounds of a read. An idle connection is asked whether it lives before it is
// used, and that question must not wait for ever either: the pool cannot be
// closed before it is answered.
const (
	viewWithin = 20 * time.Second
	pingWithin = 2 * time.Second
	// To begin takes no time; a connection that needs this long is not there.
	beginWithin = 5 * time.Second
)

// commit runs one group in one transaction, or each caller in its own if that
// is needed.
func (w *writer) commit(group []*committer.Op[change]) []error {
	answers := make([]error, len(group))
	if err := w.open(); err != nil {
		for i := range answers {
			answers[i] = err
		}
		return answers
	}
	at := make([]int, 0, len(group))
	for i, op := range group {
		if op.Begin() { // or its caller gave up
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return answers
	}
	slices.SortStableFunc(at, func(a, b int) int { return int(group[a].Work.class - group[b].Work.class) })
	list := make([]change, len(at))
	for k, i := range at {
		list[k] = group[i].Work
	}
	for k, err := range w.settle(list) {
		answers[at[k]] = err
	}
	w.used = time.Now()
	return answers
}

// settle gives every change its answer.
func (w *writer) settle(list []change) []error {
	for n := 1; ; n++ {
		answers, err := w.try(list, false)
		switch {
		case err == nil:
			return answers
		case errors.Is(err, errOutcome), w.open() != nil: // nobody can be served now
			return repeat(unavailable(err), len(list))
		case errors.Is(err, errLost) && n < 3: // nothing of it remains
			continue
		case errors.Is(err, sqlstore.ErrOvertaken) && n == 1: // what was remembered is not so any more
			w.env.Recent.Forget()
			continue
		}
		w.log.Debug("a group of changes is run one by one", "changes", len(list), "error", err)
		break
	}
	answers := make([]error, len(list))
	for i := range list {
		answers[i] = w.single(list[i : i+1])
		if errors.Is(answers[i], errLost) || errors.Is(answers[i], errOutcome) {
			// The others did not run. Each would wait as long as this one did.
			copy(answers[i+1:], repeat(unavailable(errLost), len(list)-i-1))
			break
		}
	}
	return answers
}

// single runs one change, again and again while it loses races.
func (w *writer) single(one []change) error {
	for n := 1; ; n++ {
		if err := w.open(); err != nil {
			return err
		}
		answers, err := w.try(one, true)
		switch {
		case err == nil:
			return answers[0]
		case errors.Is(err, errOutcome):
			return err
		case again(err) && n < maxTries:
			// Whoever lost waits a little, at random, so that two do not meet again.
			time.Sleep(time.Duration(rand.Int64N(int64(n) * int64(5*time.Millisecond)))) //nolint:gosec // no secret
		case errors.Is(err, errLost) && n < 3:
		case again(err):
			return unavailable(err)
		default:
			return err
		}
	}
}

// try runs changes in one transaction. An error means that nothing was written,
// or, if it is commit_unknown, that nobody can say; otherwise each change has
// its answer.
func (w *writer) try(list []change, alone bool) ([]error, error) {
	ctx, cancel := context.WithTimeout(context.Background(), groupWithin)
	defer cancel()
	answers, batch, id, err := w.attempt(ctx, list, alone)
	if err == nil && batch == nil { // every caller failed by itself
		w.rollback(ctx)
		return answers, nil
	}
	if err == nil {
		err = w.finish(ctx, id)
	}
	if err == nil {
		w.committed(batch)
		return answers, nil
	}
	w.rollback(ctx)
	return nil, err
}

// attempt runs the callers and writes what they decided, up to the commit. It
// returns no batch if no caller has anything to commit.
func (w *writer) attempt(ctx context.Context, list []change, alone bool) ([]error, *sqlstore.Batch, string, error) {
	env := w.env
	env.Known, env.Shared, env.Alone = sqlstore.NewKnown(), true, alone
	if alone {
		env.Recent = nil
	}
	c := &work{conn: conn{ctx: ctx, pg: w.pg}, alone: alone}
	need := needs(list, env.Recent)
	need.Now = env.Now()
	if asks, begin := env.Known.Asks(&need), w.begin(list, &need); need.Empty() {
		c.first = begin // it goes with the first statement
	} else if err := c.pipe(asks, begin...); err != nil {
		return nil, nil, "", err
	}
	if err := fail.At(fail.StoreLocked); err != nil {
		return nil, nil, "", err
	}
	c.batch = sqlstore.NewBatch(c, env)
	answers := make([]error, len(list))
	some := false
	for i := range list {
		wrote := c.wrote
		err := w.call(c.batch, list[i])
		switch {
		case err == nil:
			some = true
		case c.pg.IsClosed(), len(c.first) == 0 && c.pg.PgConn().TxStatus() != 'T', errors.Is(err, sqlstore.ErrOvertaken), errors.Is(err, errAlone):
			return nil, nil, "", err
		case c.wrote != wrote && !alone: // its writes must not go with the others'
			return nil, nil, "", errAlone
		default:
			answers[i] = err
			if alone {
				return answers, nil, "", nil
			}
		}
	}
	if !some {
		return answers, nil, "", nil
	}
	w.number++
	id := fmt.Sprintf("%s/%d", w.name, w.number)
	if err := c.batch.Finish(); err != nil {
		return nil, nil, "", err
	}
	return answers, c.batch, id, c.flush(command{"commit.put", commitPut, []any{w.name, id, env.Now()}})
}

const (
	commitPut = `insert into commits (committer, commit_id, at) values ($1, $2, $3)
		on conflict (committer) do update set commit_id = excluded.commit_id, at = excluded.at`
	// commitGet waits for a session that is still about to write the row, be it
	// the committer's first, and writes nothing: it is rolled back.
	commitGet = `insert into commits (committer, commit_id, at) values ($1, '', now())
		on conflict (committer) do update set commit_id = commits.commit_id returning commit_id`
)

// finish commits. When the answer is lost it finds out what became of it.
func (w *writer) finish(ctx context.Context, id string) error {
	if err := fail.At(fail.StoreBeforeCommit); err != nil {
		return err
	}
	answer := w.pg.PgConn().Exec(ctx, "commit") // it is on its way now
	if err := fail.At(fail.StoreCommitSent); err != nil {
		_ = answer.Close() // what it says is what got lost
		return w.resolve(id, err)
	}
	done, err := answer.ReadAll()
	switch {
	case err == nil && len(done) == 1 && done[0].CommandTag.String() == "COMMIT":
		return fail.At(fail.StoreAfterCommit)
	case err == nil: // it was a failed transaction
		return fmt.Errorf("the commit was answered with a rollback: %w", sqlstore.ErrOvertaken)
	}
	if err = fault("commit", err); !errors.Is(err, errLost) && !w.pg.IsClosed() {
		return err // the database itself says that it did not
	}
	return w.resolve(id, err)
}

// resolve asks by name what became of a commit whose answer was lost. The
// committer's row is written for that, which waits for the old session if that
// is still at it.
func (w *writer) resolve(id string, lost error) error {
	ctx, cancel := context.WithTimeout(context.Background(), resolveWithin)
	defer cancel()
	w.drop()
	for {
		committed, err := w.committedAs(ctx, id)
		switch {
		case err == nil && committed:
			w.log.Info("a commit whose answer was lost had succeeded", "commit", id)
			return nil
		case err == nil:
			return fmt.Errorf("commit %s did not happen: %w: %w", id, sqlstore.ErrOvertaken, lost)
		case ctx.Err() != nil:
			e := fleet.Errorf(fleet.CodeUnavailable, "commit_unknown", "%w", errors.Join(errOutcome, lost, err))
			e.Message = "The database was lost during the commit; whether the change was made is not known yet."
			e.Fix = "Ask again with the same idempotency key: the answer will be the one of this request if it was made."
			e.RetryAfter = 2 * time.Second
			w.drop()
			return e
		}
		w.drop()
		select {
		case <-ctx.Done():
		case <-time.After(100*time.Millisecond + time.Duration(rand.Int64N(int64(100*time.Millisecond)))): //nolint:gosec // no secret
		}
	}
}

func (w *writer) committedAs(ctx context.Context, id string) (bool, error) {
	if w.pg == nil {
		pg, err := w.connect(ctx)
		if err != nil {
			return false, err
		}
		w.pg = pg
	}
	c := conn{ctx: ctx, pg: w.pg}
	if err := c.pipe(nil, w.begin(nil, &sqlstore.Need{})...); err != nil {
		return false, err
	}
	var newest string
	if err := w.pg.QueryRow(ctx, commitGet, w.name).Scan(&newest); err != nil {
		return false, err
	}
	if _, err := w.pg.Exec(ctx, "rollback"); err != nil {
		return false, err
	}
	return newest == id, nil
}

// call runs one caller's part. A caller that panics fails alone.
func (w *writer) call(batch *sqlstore.Batch, c change) (err error) {
	defer func() {
		if r := recover(); r != nil {
			w.log.Error("a change panicked", "panic", r, "stack", string(debug.Stack()))
			err = fleet.Internal(fmt.Errorf("panic in a change: %v", r))
		}
	}()
	tx := batch.Begin(c.scope)
	if err := c.fn(tx); err != nil {
		return err
	}
	return tx.Close()
}

// begin opens the transaction, says whose rows it may touch, and locks what the
// group decides about: robots first, then jobs with their live attempts, each in
// order.
func (w *writer) begin(list []change, need *sqlstore.Need) []command {
	out := []command{{"begin", "begin isolation level read committed read write", nil}, enter(w.role, reach(list), restOfWriter), steady()}
	if len(need.Robots) > 0 {
		tenants, ids := make([]string, len(need.Robots)), make([]string, len(need.Robots))
		for i, r := range need.Robots {
			tenants[i], ids[i] = string(r.Tenant), string(r.RobotID)
		}
		out = append(out, command{"lock robots", `select 1 from robots where (tenant_id, id) in
			(select * from unnest($1::text[], $2::text[])) order by tenant_id, id for update`, []any{tenants, ids}})
	}
	if len(need.Jobs)+len(need.Offers) > 0 {
		ids := make([]string, 0, len(need.Jobs)+len(need.Offers))
		for _, id := range need.Jobs {
			ids = append(ids, string(id))
		}
		for _, id := range need.Offers {
			ids = append(ids, string(id))
		}
		out = append(out, command{"lock jobs", `select 1 from jobs where id = any ($1::text[]) order by id for update`, []any{ids}},
			command{"lock attempts", `select 1 from attempts where job_id = any ($1::text[]) and outcome is null
			order by job_id for update`, []any{ids}})
	}
	if len(need.Documents) > 0 {
		tenants, names := make([]string, len(need.Documents)), make([]string, len(need.Documents))
		for i, d := range need.Documents {
			tenants[i], names[i] = string(d.Tenant), clean(d.Name)
		}
		out = append(out, command{"lock workflows", `select 1 from workflows where (name, tenant_id) in
			(select * from unnest($1::text[], $2::text[])) and deleted_at is null order by name, tenant_id for update`, []any{names, tenants}})
	}
	return out
}

// The longest rests between two statements of a transaction. What writes holds
// locks, and when nothing more comes from its member, as over a connection that
// died without a word, others wait for them: so they are given up well before
// the half minute in which a member is to write again.
const (
	restOfWriter = "10s"
	restOfReader = "30s"
)

// enter is what every transaction begins with: nothing of it outlives it.
func enter(role, tenants, rest string) command {
	return command{"enter", `select set_config('fleet.tenants', $1, true), set_config('statement_timeout', '15s', true),
		set_config('lock_timeout', '5s', true), set_config('idle_in_transaction_session_timeout', $3, true),
		set_config('role', $2, true)`, []any{tenants, role, rest}}
}

// steady keeps the plans of a committer: by index, whatever the statistics say
// of tables that were empty a moment ago, and made once.
func steady() command {
	return command{"plans", `select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
		set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true),
		set_config('jit', 'off', true)`, nil}
}

// reach names the tenants of a group; a chore among them works for all.
func reach(list []change) string {
	if len(list) == 0 {
		return "*"
	}
	var names []string
	for i := range list {
		all, tenant := list[i].scope.Filter()
		if all {
			return "*"
		}
		if !slices.Contains(names, tenant) {
			names = append(names, tenant)
		}
	}
	return strings.Join(names, "\n")
}

func needs(list []change, recent *sqlstore.Recent) sqlstore.Need {
	var n sqlstore.Need
	named := map[sqlstore.DocumentName]bool{}
	for i := range list {
		c := &list[i].need
		n.Jobs = append(n.Jobs, c.Jobs...)
		for _, id := range c.Moves {
			if !recent.Has(id) {
				n.Jobs = append(n.Jobs, id)
			}
		}
		n.Offers = append(n.Offers, c.Offers...)
		n.Refused = append(n.Refused, c.Refused...)
		n.Robots = append(n.Robots, c.Robots...)
		n.Keys = append(n.Keys, c.Keys...)
		for _, d := range c.Documents {
			if !named[d] {
				named[d] = true
				n.Documents = append(n.Documents, d)
			}
		}
	}
	return n
}

// idleFor is how long a connection may be silent before it is asked whether it
// lives: the other end may be gone without a word, and a group would wait for
// its whole time to learn that.
const idleFor = time.Second

// open makes sure that there is a connection.
func (w *writer) open() error {
	if w.pg != nil && !w.pg.IsClosed() {
		if time.Since(w.used) < idleFor || w.answers() {
			return nil
		}
		w.drop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectWithin)
	defer cancel()
	pg, err := w.connect(ctx)
	if err != nil {
		return unavailable(err)
	}
	w.pg, w.used = pg, time.Now()
	return nil
}

func (w *writer) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), pingWithin)
	defer cancel()
	if w.pg.Ping(ctx) != nil {
		return false
	}
	w.used = time.Now()
	return true
}

// rollback ends a transaction that is not to be; a connection that cannot is
// given up.
func (w *writer) rollback(ctx context.Context) {
	if w.pg == nil || w.pg.IsClosed() {
		w.drop()
		return
	}
	if w.pg.PgConn().TxStatus() == 'I' {
		return
	}
	if _, err := w.pg.Exec(ctx, "rollback"); err != nil {
		w.drop()
	}
}

// drop gives the connection up.
func (w *writer) drop() {
	if w.pg == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.pg.Close(ctx) // it is broken, and the database finds out by itself
	w.pg = nil
}

func repeat(err error, n int) []error {
	out := make([]error, n)
	for i := range out {
		out[i] = err
	}
	return out
}

// forget takes the committer's row away when it will commit no more.
func (w *writer) forget() {
	if w.pg == nil || w.pg.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = w.pg.Exec(ctx, "delete from commits where committer = $1", w.name) // an old row does no harm
}
