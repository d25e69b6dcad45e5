package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// clone copies a job's rows of a table n times, with other values in some
// columns. id and g, the number of the copy, may be used in them.
func clone(t *testing.T, pg *pgx.Conn, table, key, job string, n int, with map[string]string) {
	t.Helper()
	rows, err := pg.Query(t.Context(), `select attname from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped order by attnum`, table)
	must(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = "x." + name
		if name == key {
			values[i] = "v.id"
		}
		if other, ok := with[name]; ok {
			values[i] = other
		}
	}
	const step = 200_000 // a statement must not take all memory
	for from := 1; from <= n; from += step {
		// The ids of copies begin like the template's, so they lie in its month.
		sql := fmt.Sprintf(`insert into %s (%s) select %s from %s x, (select g, substr($1, 1, 8) || '-' || lpad(to_hex(g / 65536), 4, '0') || '-7' ||
			lpad(to_hex(g %% 4096), 3, '0') || '-8000-' || lpad(to_hex(g), 12, '0') id from generate_series($2::bigint, $3::bigint) g) v where x.%s = $1`,
			table, strings.Join(names, ", "), strings.Join(values, ", "), table, key)
		_, err = pg.Exec(t.Context(), sql, job, from, min(from+step-1, n))
		must(t, err)
	}
}

// fillPending copies a pending job, and counts the copies where the product counts.
func fillPending(t *testing.T, db pgtest.DB, job string, n int) {
	t.Helper()
	if n == 0 {
		return
	}
	pg := connect(t, db.SuperURL)
	clone(t, pg, "jobs", "id", job, n, map[string]string{"seq": "x.seq + g", "priority": "g % 21"})
	clone(t, pg, "job_data", "job_id", job, n, nil)
	for _, sql := range []string{
		"update tenant_heads h set pending = pending + $2, job_seq = job_seq + $2 from jobs j where j.id = $1 and h.tenant_id = j.tenant_id",
		"update lanes l set waiting = waiting + $2 from jobs j where j.id = $1 and l.id = j.lane_id",
	} {
		tag, err := pg.Exec(t.Context(), sql, job, n)
		must(t, err)
		if tag.RowsAffected() != 1 {
			t.Fatalf("%s: %s", sql, tag)
		}
	}
	settle(t, pg)
}

// settle leaves the tables as autovacuum would some minutes later.
func settle(t *testing.T, pg *pgx.Conn) {
	t.Helper()
	for _, sql := range []string{"vacuum analyze", "checkpoint"} {
		_, err := pg.Exec(t.Context(), sql)
		must(t, err)
	}
}

// submitBeside is the rate of single submits beside a backlog.
func submitBeside(t *testing.T, r *report) {
	c := server(t, r)
	type side struct {
		n      *node
		db     pgtest.DB
		client *child
		rates  series
	}
	sides := []*side{{}, {}}
	for i, s := range sides {
		s.db = c.Database(t)
		s.n = newNode(t, s.db.OwnerURL, "")
		var made struct {
			ID string `json:"job_id"`
		}
		must(t, s.n.call("POST", "/api/v1/jobs", map[string]any{"workflow_json": map[string]any{
			"metadata": map[string]any{"name": "nothing"}, "connections": []any{},
			"nodes": map[string]any{"s": map[string]any{"node_id": "s", "node_type": "StartNode", "config": map[string]any{}}},
		}}, &made))
		s.n.stop()
		if i == 1 {
			fillPending(t, s.db, made.ID, *backlog)
		}
		start := time.Now()
		s.n = newNode(t, s.db.OwnerURL, s.n.key)
		if i == 1 {
			r.figure(row{What: fmt.Sprintf("start of an orchestrator with %d pending", *backlog), Unit: "s"}, series{time.Since(start).Seconds()})
		}
		s.client = newChild(t, "clients", clientsPlan{URLs: []string{s.n.url}, Key: s.n.key, Clients: 64})
	}
	for range *rounds {
		for _, s := range sides {
			s.client.submit(*period / 4)
			a := s.client.submit(*period)
			s.rates = append(s.rates, float64(a.Jobs)/a.Took.Seconds())
		}
	}
	r.ratio(row{Number: "10", What: fmt.Sprintf("submits with %d pending ÷ with none", *backlog), Unit: "1/s", Floor: 0.8, Target: 0.95}, sides[1].rates, sides[0].rates)
}

// dispatchBeside is what it costs to find waiting jobs and to hand them out,
// beside backlogs of three sizes.
func dispatchBeside(t *testing.T, r *report) {
	const hand = 64
	c := server(t, r)
	sizes := []int{1000, min(100_000, *backlog), *backlog}
	find, claim := map[int]series{}, map[int]series{}
	for _, size := range sizes {
		if find[size] != nil {
			continue
		}
		db := c.Database(t)
		f := storetest.New(t, openStore(db.OwnerURL))
		robot := &hands{id: "bench-0", session: f.Robot("bench-0", hand)}
		fillPending(t, db, string(f.Submit(f.Spec()).ID), size-1)
		start := time.Now()
		for turn := 0; turn < 5 || time.Since(start) < *period; turn++ {
			var plan []store.Assignment
			at := time.Now()
			f.System(func(rd store.Reader) error {
				lanes, err := rd.Lanes()
				if err != nil {
					return err
				}
				for _, l := range lanes {
					jobs, err := rd.Ready(l, hand)
					if err != nil {
						return err
					}
					for _, j := range jobs[:min(len(jobs), hand-len(plan))] {
						plan = append(plan, store.Assignment{
							Tenant: f.Tenant, JobID: j.ID, Epoch: j.Epoch, RobotID: robot.id, SessionEpoch: robot.session, TokenHash: "t", AcceptWithin: 10 * time.Second,
						})
					}
				}
				return nil
			})
			found := time.Since(at)
			if len(plan) != hand {
				t.Fatalf("%d jobs were found of %d", len(plan), size)
			}
			at = time.Now()
			won, lost, err := f.Store.Assign(t.Context(), f.Scope, plan, f.Now)
			claimed := time.Since(at)
			must(t, err)
			if len(lost) > 0 {
				t.Fatalf("lost %v", lost)
			}
			must(t, robot.finish(f, won))
			again := make([]store.Submission, hand) // the backlog stays as it is
			for i := range again {
				again[i] = f.Submission(f.Spec())
			}
			_, err = f.Store.Enqueue(t.Context(), f.Scope, again)
			must(t, err)
			if turn > 1 {
				find[size] = append(find[size], float64(found.Microseconds())/hand)
				claim[size] = append(claim[size], float64(claimed.Microseconds())/hand)
			}
		}
		must(t, f.Store.Close())
	}
	small := sizes[0]
	for _, size := range sizes {
		r.ratio(row{Number: "D", What: fmt.Sprintf("find a waiting job at %d pending ÷ at %d", size, small), Unit: "µs a job"}, series{find[size].median()}, series{find[small].median()})
		r.ratio(row{Number: "D", What: fmt.Sprintf("hand out a job at %d pending ÷ at %d", size, small), Unit: "µs a job"}, series{claim[size].median()}, series{claim[small].median()})
	}
}

// historyPages reads lists beside a short and a long history.
func historyPages(t *testing.T, r *report) {
	c := server(t, r)
	sizes := []int{min(100_000, *history), *history}
	pages := []struct {
		name   string
		filter store.JobFilter
	}{
		{"first", store.JobFilter{}},
		{"by state", store.JobFilter{States: []fleet.State{fleet.Failed}}},
		{"by robot", store.JobFilter{Robot: "bench-7"}},
		{"by workflow", store.JobFilter{Workflow: "w-1"}},
		{"open", store.JobFilter{States: []fleet.State{fleet.Running}}},
	}
	medians, tails := map[string][]float64{}, map[string][]float64{}
	for _, size := range sizes {
		db := c.Database(t)
		f := storetest.New(t, openStore(db.OwnerURL))
		robot := &hands{id: "bench-0", session: f.Robot("bench-0", 1)}
		got, err := f.Store.Enqueue(t.Context(), f.Scope, []store.Submission{f.Submission(f.Spec())})
		must(t, err)
		must(t, robot.work(f, []store.Assignment{f.Plan(got[0].Job, robot.id, robot.session)}))
		pg := connect(t, db.SuperURL)
		job, by := string(got[0].Job.ID), "'bench-' || g % 100"
		clone(t, pg, "jobs", "id", job, size, map[string]string{
			"seq": "x.seq + g", "robot_id": by, "state": "case when g % 20 = 0 then 'failed' when g % 20 = 1 then 'cancelled' else 'completed' end",
		})
		clone(t, pg, "job_data", "job_id", job, size, nil)
		clone(t, pg, "attempts", "job_id", job, size, map[string]string{"robot_id": by})
		_, err = pg.Exec(t.Context(), `update tenant_heads set completed = completed + $1 - $2 - $3, failed = failed + $2, cancelled = cancelled + $3, job_seq = job_seq + $1`,
			size, size/20, (size+18)/20)
		must(t, err)
		settle(t, pg)
		for _, p := range pages {
			for _, kind := range []string{"", ", later pages"} {
				list := timePages(t, f, p.filter, kind != "")
				medians[p.name+kind] = append(medians[p.name+kind], quantile(list, 0.5))
				tails[p.name+kind] = append(tails[p.name+kind], quantile(list, 0.99))
			}
		}
		var counts []time.Duration
		for range 200 {
			at := time.Now()
			f.System(func(rd store.Reader) error { _, err := rd.Counts(); return err })
			counts = append(counts, time.Since(at))
		}
		medians["counters"] = append(medians["counters"], quantile(counts, 0.5))
		tails["counters"] = append(tails["counters"], quantile(counts, 0.99))
		must(t, f.Store.Close())
	}
	worst := 0.0
	for _, p := range pages {
		for _, kind := range []string{"", ", later pages"} {
			m := medians[p.name+kind]
			r.ratio(row{Number: "11", What: fmt.Sprintf("page of 100 %s%s, %d finished ÷ %d", p.name, kind, sizes[1], sizes[0]), Unit: "ms", Floor: 3, Target: 1.2, Less: true}, series{m[1]}, series{m[0]})
			worst = max(worst, tails[p.name+kind][1])
		}
	}
	r.figure(row{Number: "11", What: "worst p99 of these pages", Unit: "ms", Floor: 50, Target: 10, Less: true}, series{worst})
	r.figure(row{Number: "12", What: fmt.Sprintf("counters of the fleet at %d finished, p99", sizes[1]), Unit: "ms", Floor: 50, Target: 5, Less: true}, series{tails["counters"][1]})
}

// timePages reads a page many times: the first, or one after the other.
func timePages(t *testing.T, f *storetest.Fixture, filter store.JobFilter, later bool) []time.Duration {
	t.Helper()
	var list []time.Duration
	cursor := ""
	for range 210 {
		at := time.Now()
		f.View(func(rd store.Reader) error {
			p, err := rd.Jobs(filter, fleet.Page{Limit: 100, Cursor: cursor})
			if later {
				cursor = p.Next
			}
			return err
		})
		list = append(list, time.Since(at))
	}
	return list[10:]
}
