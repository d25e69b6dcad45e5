package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// failOver kills one of three orchestrators under a steady load and looks for
// the job that waited longest for its start. A free robot is always there.
func failOver(t *testing.T, r *report) {
	c := server(t, r)
	found := map[string]series{}
	for round := range *rounds {
		for _, leader := range []bool{true, false} {
			name := "a follower"
			if leader {
				name = "the leader"
			}
			t.Run("", func(t *testing.T) {
				db := c.Database(t)
				var nodes []*node
				var urls []string
				for i := range 3 {
					key := ""
					if i > 0 {
						key = nodes[0].key
					}
					n := newNode(t, db.OwnerURL, key)
					nodes, urls = append(nodes, n), append(urls, n.url)
				}
				pg := connect(t, db.SuperURL)
				var leads string
				for leads == "" {
					_ = pg.QueryRow(t.Context(), "select m.address from leases l join members m on m.id = l.member_id limit 1").Scan(&leads) // nobody may lead yet
					time.Sleep(20 * time.Millisecond)
				}
				at := slices.IndexFunc(urls, func(u string) bool { return strings.HasSuffix(u, leads[strings.LastIndexByte(leads, ':'):]) })
				if at < 0 {
					t.Fatalf("the leader %s is none of %v", leads, urls)
				}
				if !leader {
					at = (at + 1 + round%2) % 3
				}
				workers := newChild(t, "robots", robotsPlan{URLs: urls, Keys: nodes[0].robotKeys(robots), Slots: slots, Starts: true})
				clients := newChild(t, "clients", clientsPlan{URLs: urls, Key: nodes[0].key, Clients: 16, Rate: 100, Times: true, Retry: true})
				clients.submit(2 * time.Second)
				killed := make(chan int64)
				go func() {
					time.Sleep(2 * time.Second)
					now := time.Now().UnixNano()
					nodes[at].kill()
					killed <- now
				}()
				asked := clients.submit(6 * time.Second).Asked
				moment := <-killed
				_ = waits(t, asked, workers, 2*time.Minute)
				var began map[string]int64
				workers.ask("starts", &began)
				var longest, gap time.Duration
				var order []int64
				for id := range asked {
					longest = max(longest, time.Duration(began[id]-asked[id]))
					order = append(order, began[id])
				}
				slices.Sort(order)
				for i := 1; i < len(order); i++ {
					if order[i] > moment && order[i-1] < asked0(asked)+int64(6*time.Second) {
						gap = max(gap, time.Duration(order[i]-order[i-1]))
					}
				}
				found[name] = append(found[name], longest.Seconds())
				found["gap "+name] = append(found["gap "+name], gap.Seconds())
			})
			if t.Failed() {
				return
			}
		}
	}
	for _, name := range []string{"the leader", "a follower"} {
		r.figure(row{Number: "18", What: "longest wait of a job, three orchestrators, kill -9 of " + name, Unit: "s", Floor: 15, Target: 3, Less: true}, found[name])
		r.figure(row{What: "longest time in which nothing started, kill -9 of " + name, Unit: "s"}, found["gap "+name])
	}
}

// asked0 is when the first job was asked for.
func asked0(asked map[string]int64) int64 {
	first := int64(0)
	for _, at := range asked {
		if first == 0 || at < first {
			first = at
		}
	}
	return first
}

// profile leaves a profile of an orchestrator under load, and what PostgreSQL
// spent its time on.
func profile(t *testing.T, r *report) {
	dir := *profiles
	if dir == "" {
		dir = *out
	}
	c := server(t, r, "shared_preload_libraries=pg_stat_statements", "track_io_timing=on")
	_, err := connect(t, c.URL()).Exec(t.Context(), "create extension pg_stat_statements")
	must(t, err)
	self, err := os.Executable()
	must(t, err)
	for _, s := range []setup{{name: "single", clients: 64}, {name: "bulk", clients: 8, bulk: 100}} {
		pg := connect(t, c.URL())
		_, err := pg.Exec(t.Context(), "select pg_stat_statements_reset()")
		must(t, err)
		path, err := filepath.Abs(filepath.Join(dir, "profile-"+s.name+".pprof"))
		must(t, err)
		s.program = self
		s.env = func(args []string) []string {
			return []string{role + "=node", "FLEET_BENCH_PROFILE=" + path, "FLEET_BENCH_ARGS=" + strings.Join(args, "\n")}
		}
		var note string
		s.measure(t, c, *period, &note)
		r.note("profile %s", note)
		var table string
		must(t, pg.QueryRow(t.Context(), `select string_agg(format('%10s ms %6s%% %8s calls %8s rows/call %8s us/call %10s wal/call  %s', round(total_exec_time::numeric, 0),
			round((100 * total_exec_time / sum)::numeric, 1), calls, round(rows::numeric / calls, 1), round((1000 * total_exec_time / calls)::numeric, 0), round(wal_bytes / calls, 0),
			left(regexp_replace(query, '\s+', ' ', 'g'), 150)), e'\n' order by total_exec_time desc)
			from (select *, sum(total_exec_time) over () sum from pg_stat_statements order by total_exec_time desc limit 40) x`).Scan(&table))
		must(t, os.WriteFile(filepath.Join(dir, "statements-"+s.name+".txt"), []byte(table+"\n"), 0o644))
	}
}
