package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/postgres"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// core puts the store alone, driven as orchestrator, dispatch and gateway drive
// it, beside what the same PostgreSQL can do at best: life cycles written by
// hand in batches of 1,000, and in one transaction per change.
func core(t *testing.T, r *report) {
	c := server(t, r)
	var ours, batch, each series
	for range *rounds {
		ours = append(ours, coreCycles(t, c, *period))
		best := 0.0
		for _, conns := range []int{1, 2} {
			best = max(best, handCycles(t, c, *period/2, conns, 1000))
		}
		batch = append(batch, best)
		best = 0
		for _, conns := range []int{8, 16, 32, 64} {
			best = max(best, handCycles(t, c, *period/4, conns, 1))
		}
		each = append(each, best)
	}
	r.ratio(row{Number: "4", What: "core life cycles ÷ best hand-written batch of 1,000", Unit: "1/s", Floor: 0.6, Target: 0.8}, ours, batch)
	r.ratio(row{Number: "2c", What: "core life cycles ÷ hand-written, one transaction per change", Unit: "1/s"}, ours, each)
}

// openStore opens a database of its own for a fixture.
func openStore(url string) storetest.Open {
	return func(tb testing.TB) store.Store {
		st, err := postgres.Open(tb.Context(), postgres.Options{URL: url, Migrate: true})
		must(tb, err)
		tb.Cleanup(func() {
			if err := st.Close(); err != nil {
				tb.Error(err)
			}
		})
		return st
	}
}

// coreCycles runs sixteen callers with 64 jobs in hand each: 1,024 in all.
func coreCycles(t *testing.T, c *pgtest.Cluster, d time.Duration) float64 {
	t.Helper()
	const callers, hand = 16, 64
	f := storetest.New(t, openStore(c.Database(t).OwnerURL))
	robots := make([]hands, callers)
	for i := range robots {
		id := fleet.RobotID(fmt.Sprintf("bench-%d", i))
		robots[i] = hands{id: id, session: f.Robot(id, hand)}
	}
	run := func(d time.Duration) float64 {
		var n atomic.Int64
		var wg sync.WaitGroup
		start := time.Now()
		for i := range robots {
			wg.Go(func() {
				for time.Since(start) < d {
					if err := robots[i].cycle(f, hand); err != nil {
						t.Error(err)
						return
					}
					n.Add(hand)
				}
			})
		}
		wg.Wait()
		return float64(n.Load()) / time.Since(start).Seconds()
	}
	run(d / 4)
	return run(d)
}

// hands is a robot of the store's own tests.
type hands struct {
	id      fleet.RobotID
	session int64
	report  int64
}

// cycle takes new jobs from submit to completion, each step acknowledged before
// the next begins.
func (h *hands) cycle(f *storetest.Fixture, n int) error {
	ctx := f.Context()
	in := make([]store.Submission, n)
	for i := range in {
		in[i] = f.Submission(f.Spec())
	}
	got, err := f.Store.Enqueue(ctx, f.Scope, in)
	if err != nil {
		return err
	}
	plan := make([]store.Assignment, n)
	for i := range plan {
		plan[i] = f.Plan(got[i].Job, h.id, h.session)
	}
	return h.work(f, plan)
}

// work takes a plan to its end.
func (h *hands) work(f *storetest.Fixture, plan []store.Assignment) error {
	ctx := f.Context()
	won, lost, err := f.Store.Assign(ctx, f.Scope, plan, f.Now)
	if err != nil || len(lost) > 0 {
		return fmt.Errorf("assign: %w, lost %v", err, lost)
	}
	return h.finish(f, won)
}

func (h *hands) finish(f *storetest.Fixture, won []store.Won) error {
	ctx := f.Context()
	accept := make([]store.Acceptance, len(won))
	reports := make([]fleet.Report, len(won))
	for i := range won {
		j := won[i].Job
		accept[i] = store.Acceptance{Tenant: j.Tenant, RobotID: j.RobotID, JobID: j.ID, Epoch: j.Epoch}
		h.report++
		reports[i] = f.NewReport(j, fleet.ReportComplete, h.report)
	}
	errs, err := f.Store.Accept(ctx, f.Scope, accept, f.Now)
	if err != nil || errs[0] != nil {
		return fmt.Errorf("accept: %w, %w", err, errs[0])
	}
	verdicts, err := f.Store.Report(ctx, f.Scope, reports, f.Now)
	if err != nil || verdicts[0].Verdict != fleet.VerdictApplied {
		return fmt.Errorf("report: %w, %v", err, verdicts)
	}
	return nil
}

// handTables hold rows as long as ours, with the keys that the work needs.
const handTables = `
create table j (id text collate "C" primary key, tenant text not null, seq bigint, name text, workflow text, hash text, state text not null,
	epoch bigint not null, robot text, priority bigint, environment text, requires text, created timestamptz, available timestamptz, assigned timestamptz,
	started timestamptz, ended timestamptz, timeout_ms bigint, retries bigint, policy text, by_whom text, pad text) with (fillfactor = 70);
create index j_ready on j (priority, seq) where state = 'pending';
create table d (id text collate "C" primary key, variables bytea, result bytea, traceparent text) with (fillfactor = 80);
create table a (id text collate "C", epoch bigint, tenant text, robot text, session bigint, offered timestamptz, started timestamptz, ended timestamptz,
	outcome text, token text, primary key (id, epoch)) with (fillfactor = 70);
create table e (tenant text, seq bigint generated always as identity, id text, at timestamptz, kind text, subject text, from_state text, to_state text,
	epoch bigint, actor text, data bytea, primary key (tenant, seq));
create index e_subject on e (tenant, subject, seq);`

// handSteps are the changes of a life cycle. $1 are ids.
var handSteps = [][]string{
	{
		`insert into j select id, 'acme', 1, 'Invoice', 'w-1', 'abc', 'pending', 0, null, 10, 'default', '', now(), now(), null, null, null, 3600000, 3,
			'until_effect', 'user:1', repeat('x', 120) from unnest($1::text[]) id`,
		`insert into d select id, '{"n":1}', null, '00-1' from unnest($1::text[]) id`,
		`insert into e (tenant, id, at, kind, subject, to_state, epoch, actor, data) select 'acme', id, now(), 'job.submitted', id, 'pending', 0, 'user:1', '{}' from unnest($1::text[]) id`,
	},
	{
		`update j set state = 'assigned', epoch = 1, robot = 'bench-1', assigned = now() from unnest($1::text[]) v where j.id = v and state = 'pending'`,
		`insert into a select id, 1, 'acme', 'bench-1', 1, now(), null, null, null, 't' from unnest($1::text[]) id`,
		`insert into e (tenant, id, at, kind, subject, from_state, to_state, epoch, actor, data) select 'acme', id, now(), 'job.assigned', id, 'pending', 'assigned', 1, 'dispatch', '{}' from unnest($1::text[]) id`,
	},
	{
		`update j set state = 'running', started = now() from unnest($1::text[]) v where j.id = v and state = 'assigned'`,
		`update a set started = now() from unnest($1::text[]) v where a.id = v and a.epoch = 1`,
		`insert into e (tenant, id, at, kind, subject, from_state, to_state, epoch, actor, data) select 'acme', id, now(), 'job.started', id, 'assigned', 'running', 1, 'robot', '{}' from unnest($1::text[]) id`,
	},
	{
		`update j set state = 'completed', ended = now() from unnest($1::text[]) v where j.id = v and state = 'running'`,
		`update a set ended = now(), outcome = 'completed' from unnest($1::text[]) v where a.id = v and a.epoch = 1`,
		`update d set result = '{"ok":true}' from unnest($1::text[]) v where d.id = v`,
		`insert into e (tenant, id, at, kind, subject, from_state, to_state, epoch, actor, data) select 'acme', id, now(), 'job.completed', id, 'running', 'completed', 1, 'robot', '{}' from unnest($1::text[]) id`,
	},
}

// handCycles is how many life cycles connections complete that take so many
// jobs through each change in one transaction.
func handCycles(t *testing.T, c *pgtest.Cluster, d time.Duration, conns, batch int) float64 {
	t.Helper()
	config, err := pgxpool.ParseConfig(c.Database(t).OwnerURL + "&plan_cache_mode=force_generic_plan&enable_seqscan=off&enable_hashjoin=off&enable_mergejoin=off&jit=off")
	must(t, err)
	config.MaxConns = int32(conns)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	must(t, err)
	defer pool.Close()
	_, err = pool.Exec(t.Context(), handTables)
	must(t, err)
	ids := fleet.NewIDs(time.Now, rand.Reader)
	run := func(d time.Duration) float64 {
		var n atomic.Int64
		var wg sync.WaitGroup
		start := time.Now()
		for range conns {
			wg.Go(func() {
				for time.Since(start) < d {
					if err := handCycle(t.Context(), pool, ids, batch); err != nil {
						t.Error(err)
						return
					}
					n.Add(int64(batch))
				}
			})
		}
		wg.Wait()
		return float64(n.Load()) / time.Since(start).Seconds()
	}
	run(d / 4)
	return run(d)
}

func handCycle(ctx context.Context, pool *pgxpool.Pool, ids *fleet.IDs, batch int) error {
	list := make([]string, batch)
	for i := range list {
		list[i] = string(ids.New())
	}
	for _, step := range handSteps {
		var b pgx.Batch
		b.Queue("begin")
		for _, sql := range step {
			b.Queue(sql, list)
		}
		b.Queue("commit")
		if err := pool.SendBatch(ctx, &b).Close(); err != nil {
			return err
		}
	}
	return nil
}
