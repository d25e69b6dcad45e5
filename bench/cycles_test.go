package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/pgtest"
)

// setup is one way to run whole life cycles.
type setup struct {
	name    string
	sqlite  bool
	nodes   int
	clients int
	bulk    int
	known   bool
	flags   []string
	program string                       // that a node runs if env is set
	env     func(args []string) []string // what it is told in place of arguments
}

// robots of a run and the slots of each: a thousand in all.
const robots, slots = 20, 50

// measure is how many whole life cycles a second a way of running completes:
// from the first submit to the acknowledgement of the last result. note takes
// down who used the processor meanwhile.
func (s setup) measure(t *testing.T, c *pgtest.Cluster, d time.Duration, note *string) (rate float64) {
	t.Helper()
	t.Run("", func(t *testing.T) { // it leaves nothing running
		database := ""
		if !s.sqlite {
			database = c.Database(t).OwnerURL
		}
		var nodes []*node
		var urls []string
		for i := range max(s.nodes, 1) {
			key := ""
			if i > 0 {
				key = nodes[0].key
			}
			var n *node
			if s.env != nil {
				n = startNode(t, s.program, s.env, database, key, s.flags...)
			} else {
				n = newNode(t, database, key, s.flags...)
			}
			nodes, urls = append(nodes, n), append(urls, n.url)
		}
		keys := nodes[0].robotKeys(robots)
		var groups []*child // robots stay with their orchestrator
		for i, url := range urls {
			share := len(keys) / len(urls)
			groups = append(groups, newChild(t, "robots", robotsPlan{URLs: []string{url}, Keys: keys[i*share : (i+1)*share], Slots: slots}))
		}
		clients := newChild(t, "clients", clientsPlan{URLs: urls, Key: nodes[0].key, Clients: s.clients, Bulk: s.bulk, Known: s.known})
		done := func() (n int64) {
			for _, g := range groups {
				n += g.done()
			}
			return n
		}
		round := func(d time.Duration, before int64) (jobs int64, took time.Duration) {
			start := time.Now()
			jobs = clients.submit(d).Jobs
			for limit := time.Now().Add(3 * time.Minute); done() < before+jobs; {
				if time.Now().After(limit) {
					t.Fatalf("%s: %d of %d jobs were never acknowledged: %s", s.name, before+jobs-done(), jobs, content(nodes[0].log))
				}
				time.Sleep(5 * time.Millisecond)
			}
			return jobs, time.Since(start)
		}
		warm, _ := round(d/4, 0)
		used := ticks(nodes[0].cmd.Process.Pid)
		var base time.Duration
		if !s.sqlite {
			base = databaseTicks(t, c)
		}
		jobs, took := round(d, warm)
		rate = float64(jobs) / took.Seconds()
		cores := func(d time.Duration) float64 { return d.Seconds() / took.Seconds() }
		*note = fmt.Sprintf("%s: %.0f/s; the (first) orchestrator used %.2f cores", s.name, rate, cores(ticks(nodes[0].cmd.Process.Pid)-used))
		if !s.sqlite {
			*note += fmt.Sprintf(", PostgreSQL %.2f", cores(databaseTicks(t, c)-base))
		}
		for _, n := range nodes {
			n.stop()
		}
	})
	if rate == 0 {
		t.FailNow()
	}
	return rate
}

// alternate measures all ways round by round, in a turning order.
func alternate(t *testing.T, r *report, c *pgtest.Cluster, list []setup, others map[string]func() float64) map[string]series {
	t.Helper()
	out := map[string]series{}
	if *only == "cycles" && *ways != "" {
		wanted := strings.Split(*ways, ",")
		list = slices.DeleteFunc(list, func(s setup) bool { return !slices.Contains(wanted, s.name) })
		maps.DeleteFunc(others, func(name string, _ func() float64) bool { return !slices.Contains(wanted, name) })
	}
	notes := make([]string, len(list))
	for round := range *rounds {
		for i := range list {
			k := (i + round) % len(list)
			out[list[k].name] = append(out[list[k].name], list[k].measure(t, c, *period, &notes[k]))
			tell("%s", notes[k])
		}
		for name, measure := range others {
			rate := measure()
			tell("%s: %.0f/s", name, rate)
			out[name] = append(out[name], rate)
		}
	}
	for _, n := range notes {
		r.note("last round of %s", n)
	}
	return out
}

func cycles(t *testing.T, r *report) {
	c := server(t, r)
	list := []setup{
		{name: "postgres", clients: 64},
		{name: "known", clients: 64, known: true},
		{name: "bulk", clients: 8, bulk: 100},
		{name: "sqlite", clients: 64, sqlite: true},
		{name: "each 64", clients: 64, flags: []string{"--group-commit", "1"}},
	}
	if *long {
		list = append(list,
			setup{name: "each 8", clients: 8, flags: []string{"--group-commit", "1"}},
			setup{name: "each 256", clients: 256, flags: []string{"--group-commit", "1"}})
	}
	got := alternate(t, r, c, list, map[string]func() float64{"river": func() float64 { return riverCycles(t, c, *period, 64, 0) }, "river bulk": func() float64 { return riverCycles(t, c, *period, 8, 100) }})
	best := got["each 64"]
	for _, name := range []string{"each 8", "each 256"} {
		if got[name].median() > best.median() {
			best = got[name]
		}
	}
	r.ratio(row{Number: "1", What: "life cycles e2e ÷ River, each job a workflow of its own", Unit: "1/s", Floor: 3, Target: 8}, got["postgres"], got["river"])
	r.ratio(row{Number: "1k", What: "the same, one workflow with other variables", Unit: "1/s"}, got["known"], got["river"])
	r.ratio(row{Number: "1b", What: "life cycles e2e, 100 per request ÷ River, one each", Unit: "1/s", Floor: 6, Target: 15}, got["bulk"], got["river"])
	r.ratio(row{Number: "1b'", What: "life cycles e2e, 100 per request ÷ River, InsertMany of 100", Unit: "1/s"}, got["bulk"], got["river bulk"])
	r.ratio(row{Number: "2", What: "life cycles e2e ÷ one transaction per change (--group-commit 1)", Unit: "1/s", Floor: 2, Target: 5}, got["postgres"], best)
	r.ratio(row{Number: "5", What: "life cycles e2e, SQLite ÷ PostgreSQL", Unit: "1/s", Floor: 1, Target: 1.2}, got["sqlite"], got["postgres"])
}

func twoNodes(t *testing.T, r *report) {
	c := server(t, r)
	got := alternate(t, r, c, []setup{
		{name: "one", clients: 64, nodes: 1},
		{name: "two", clients: 64, nodes: 2},
		{name: "one bulk", clients: 8, bulk: 100, nodes: 1, known: true},
		{name: "two bulk", clients: 8, bulk: 100, nodes: 2, known: true},
	}, nil)
	r.ratio(row{Number: "17", What: "two orchestrators ÷ one, e2e", Unit: "1/s"}, got["two"], got["one"])
	r.ratio(row{Number: "17b", What: "two orchestrators ÷ one, bulk of known workflows", Unit: "1/s", Floor: 1.3, Target: 1.8}, got["two bulk"], got["one bulk"])
}
