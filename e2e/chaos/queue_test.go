package chaos

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// workOff is a job that takes items of a queue until there are none, a hundred at
// most. It says in the file of the truth when it begins and ends to work on one,
// and afterwards which word about it was taken.
const workOff = `{"metadata":{"name":"work off"},"nodes":{
 "s":{"node_id":"s","node_type":"StartNode","config":{}},
 "u":{"node_id":"u","node_type":"RandomUUIDNode","config":{"format":"hex"}},
 "l":{"node_id":"l","node_type":"WhileLoopStartNode","config":{"expression":"True","max_iterations":100}},
 "get":{"node_id":"get","node_type":"QueueGetItemNode","config":{"queue":"storm"}},
 "out":{"node_id":"out","node_type":"BreakNode","config":{}},
 "dice":{"node_id":"dice","node_type":"RandomNumberNode","config":{"min_value":0,"max_value":99,"integer_only":true}},
 "begin":{"node_id":"begin","node_type":"AppendFileNode","config":{"file_path":%[1]q,"content":"{{get.reference}} {{get.item_id}}/{{u.result}}/{{l.current_iteration}} begin\n"}},
 "work":{"node_id":"work","node_type":"WaitNode","config":{"duration":0.05}},
 "end":{"node_id":"end","node_type":"AppendFileNode","config":{"file_path":%[1]q,"content":"{{get.reference}} {{get.item_id}}/{{u.result}}/{{l.current_iteration}} end\n"}},
 "good":{"node_id":"good","node_type":"IfNode","config":{"expression":"dice.result < 84"}},
 "done":{"node_id":"done","node_type":"QueueCompleteItemNode","config":{"item_id":"{{get.item_id}}","output":{"by":"{{_job_id}}"}}},
 "done2":{"node_id":"done2","node_type":"AppendFileNode","config":{"file_path":%[1]q,"content":"said {{get.item_id}} successful\n"}},
 "bad":{"node_id":"bad","node_type":"IfNode","config":{"expression":"dice.result < 92"}},
 "app":{"node_id":"app","node_type":"QueueFailItemNode","config":{"item_id":"{{get.item_id}}","error_type":"ApplicationException","message":"away"}},
 "app2":{"node_id":"app2","node_type":"AppendFileNode","config":{"file_path":%[1]q,"content":"said {{get.item_id}} {{app.status}}\n"}},
 "wrong":{"node_id":"wrong","node_type":"IfNode","config":{"expression":"dice.result < 97"}},
 "biz":{"node_id":"biz","node_type":"QueueFailItemNode","config":{"item_id":"{{get.item_id}}","error_type":"BusinessException","message":"wrong"}},
 "biz2":{"node_id":"biz2","node_type":"AppendFileNode","config":{"file_path":%[1]q,"content":"said {{get.item_id}} {{biz.status}}\n"}},
 "back":{"node_id":"back","node_type":"QueueReleaseItemNode","config":{"item_id":"{{get.item_id}}"}},
 "le":{"node_id":"le","node_type":"WhileLoopEndNode","config":{"paired_start_id":"l"}},
 "e":{"node_id":"e","node_type":"EndNode","config":{}}},
 "connections":[%[2]s],"settings":{"fleet":{"retry_safety":"always","retry":{"max_lost":1}}}}`

// workOffLinks are the lines of it: source, port, target.
const workOffLinks = `s exec_out u, u exec_out l, l body get, l completed e, get empty out, get found begin, begin exec_out dice, dice exec_out work, work exec_out end, end exec_out good,
 good true done, done exec_out done2, done2 exec_out le, good false bad, bad true app, app exec_out app2, app2 exec_out le, bad false wrong,
 wrong true biz, biz exec_out biz2, biz2 exec_out le, wrong false back, back exec_out le`

// TestQueueKill lets robots work off a queue, in jobs that a trigger of the queue
// starts, and kills robots and the orchestrator at random: in the end every item
// is in one final state with every retry in its chain, nobody worked on one while
// somebody else did, and each word that was taken is kept. FLEET_QUEUE_ITEMS says
// how many items.
func TestQueueKill(t *testing.T) {
	workOffUnder(t, startFleet(t, 3, 4), time.Second, 4*time.Second)
}

// TestQueueKillCluster does the same with two members on PostgreSQL. After the
// death of a leader the chores rest until its term is over, so members live a
// little longer.
func TestQueueKillCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes: make test and make chaos run it")
	}
	w, _ := startCluster(t, size{members: 2, robots: 3, slots: 4})
	workOffUnder(t, w, 5*time.Second, 25*time.Second)
}

// workOffUnder kills robots about every second, and orchestrators for the first
// time within three seconds and then after pauses between least and most.
func workOffUnder(t *testing.T, w *world, least, most time.Duration) {
	t.Helper()
	n := envInt("FLEET_QUEUE_ITEMS", 400)
	t.Logf("seed %d, %d items", *seed, n)
	w.robotsKilled = true
	w.fillQueue(n)
	began, kills := time.Now(), map[string]int{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var killers sync.WaitGroup
	var mu sync.Mutex
	killer := func(stream uint64, list []*process, what string, least, most time.Duration) {
		rng := chance(stream)
		for first := true; ; first = false {
			span := least + time.Duration(rng.Int64N(int64(most-least)))
			if first {
				span = min(span, time.Second+time.Duration(rng.IntN(2000))*time.Millisecond)
			}
			if pause(ctx, span); ctx.Err() != nil {
				return
			}
			p := list[rng.IntN(len(list))]
			p.kill()
			p.start()
			mu.Lock()
			kills[what]++
			mu.Unlock()
		}
	}
	killers.Go(func() { killer(1, w.robots, "robots", 200*time.Millisecond, 1500*time.Millisecond) })
	killers.Go(func() { killer(2, w.members, "orchestrators", least, most) })
	await(t, 20*time.Second+time.Duration(n)*100*time.Millisecond, "items are still not final", func() bool {
		var q struct {
			Open int `json:"item_count"`
		}
		_, err := w.any(ctx).call(ctx, "GET", "/api/v1/queues/storm", nil, nil, &q)
		return err == nil && q.Open == 0
	})
	took := time.Since(began)
	stop()
	killers.Wait()
	w.ready()
	w.settle(2 * time.Minute)
	w.halt()
	t.Logf("%d items in %s, killed: %v", n, took.Round(time.Millisecond), kills)
	if kills["robots"] == 0 || kills["orchestrators"] == 0 {
		t.Errorf("nobody was killed: nothing was tested")
	}
	w.verifyQueue(n)
}

// any is a member that answers, or the first one.
func (w *world) any(ctx context.Context) *api {
	for _, a := range w.direct {
		if _, err := a.call(ctx, "GET", "/health/ready", nil, nil, nil); err == nil {
			return a
		}
	}
	return w.api
}

// fillQueue makes the queue, its items, and the trigger that has them worked off.
func (w *world) fillQueue(n int) {
	w.t.Helper()
	call := func(method, path string, body, out any) {
		w.t.Helper()
		if _, err := w.api.call(w.t.Context(), method, path, nil, body, out); err != nil {
			w.t.Fatal(err)
		}
	}
	var links []string
	for link := range strings.SplitSeq(workOffLinks, ",") {
		f := strings.Fields(link)
		links = append(links, fmt.Sprintf(`{"source_node":%q,"source_port":%q,"target_node":%q,"target_port":"exec_in"}`, f[0], f[1], f[2]))
	}
	var queue struct {
		ID string `json:"id"`
	}
	var flow struct {
		ID string `json:"workflow_id"`
	}
	call("POST", "/api/v1/queues", map[string]any{"name": "storm", "retry_delay_seconds": 0}, &queue)
	call("PUT", "/api/v1/workflows", map[string]any{"workflow_json": jsonText(fmt.Sprintf(workOff, w.truthFile(), strings.Join(links, ",")))}, &flow)
	for from := 0; from < n; from += 2000 {
		items := make([]map[string]any, min(2000, n-from))
		for k := range items {
			items[k] = map[string]any{"reference": fmt.Sprintf("item-%d", from+k)}
		}
		var added struct {
			Added int `json:"added"`
		}
		if call("POST", "/api/v1/queues/storm/items/bulk", map[string]any{"items": items}, &added); added.Added != len(items) {
			w.t.Fatalf("%d of %d items were added", added.Added, len(items))
		}
	}
	call("POST", "/api/v1/triggers", map[string]any{
		"name": "storm", "workflow_id": flow.ID, "kind": "queue", "queue": map[string]any{"queue_id": queue.ID, "max_jobs": 10},
	}, nil)
}

// verifyQueue judges the items by the store and by what was written down beside it.
func (w *world) verifyQueue(n int) {
	w.t.Helper()
	q, done := w.db.open(w.t)
	defer done()
	if err := storetest.Invariants(w.t.Context(), q); err != nil {
		w.t.Error(err)
	}
	var items []fleet.QueueItem
	states := map[fleet.ItemState]int{}
	for _, row := range w.query(q, `select id, chain_id, coalesce(previous_id, ''), coalesce(next_id, ''), reference, status from queue_items`) {
		i := fleet.QueueItem{
			ID: fleet.ID(row[0]), ChainID: fleet.ID(row[1]), PreviousID: fleet.ID(row[2]), NextID: fleet.ID(row[3]), Reference: row[4], Status: fleet.ItemState(row[5]),
		}
		states[i.Status]++
		items = append(items, i)
	}
	if err := storetest.Chains(items, n, nil); err != nil {
		w.t.Error(err)
	}
	text, err := os.ReadFile(w.truthFile())
	if err != nil {
		w.t.Fatal(err)
	}
	v := &verdict{w.t.Errorf, map[string]int{}}
	v.items(items, string(text))
	for kind, n := range v.counts {
		w.t.Errorf("%s: %d in all", kind, n)
	}
	jobs := map[fleet.State]int{}
	for _, j := range w.jobs(q) {
		jobs[j.state]++
	}
	lost := w.query(q, `select count(*) from attempts where outcome = 'lost'`)
	w.t.Logf("items by state %v; jobs by state %v, %s attempts lost", states, jobs, lost[0][0])
	if k, _ := strconv.Atoi(lost[0][0]); k == 0 {
		w.t.Error("no attempt was lost: nothing was tested")
	}
}

// items compares the items of a queue with what those who worked on them wrote
// down: nobody worked on one while somebody else did (I16), and whoever was told
// that a word was taken finds it so (I6).
func (v *verdict) items(items []fleet.QueueItem, text string) {
	var deeds strings.Builder
	taken := map[fleet.ID]string{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "said" {
			deeds.WriteString(line)
			continue
		}
		if was := taken[fleet.ID(f[1])]; was != "" {
			v.wrong("an item was settled twice", "%s as %s and as %s", f[1], was, f[2])
		}
		taken[fleet.ID(f[1])] = f[2]
	}
	ran, err := executions(deeds.String())
	if err != nil {
		v.wrong("the truth is torn", "%v", err)
		return
	}
	for _, o := range overlaps(ran) {
		v.wrong("two worked on one item", "%s", o)
	}
	ended := map[fleet.ID]bool{}
	for _, list := range ran {
		for _, e := range list {
			id, _, _ := strings.Cut(e.run, "/")
			ended[fleet.ID(id)] = ended[fleet.ID(id)] || e.ended
		}
	}
	for k := range items {
		i := &items[k]
		if word := taken[i.ID]; word != "" && word != string(i.Status) {
			v.wrong("a word was not kept", "%s, whose robot was told that it is %s", i, word)
		}
		if i.Status == fleet.ItemSuccessful && !ended[i.ID] {
			v.wrong("nobody worked on a successful item", "%s", i)
		}
		delete(taken, i.ID)
	}
	for i, word := range taken {
		v.wrong("an item is not there", "%s, which is %s", i, word)
	}
}

// TestItemVerdict plants one lie at a time, and shows that it is found.
func TestItemVerdict(t *testing.T) {
	for _, c := range []struct{ want, text string }{
		{"", "a i/r/1 begin\na i/r/1 end\na i/r/2 begin\na i/r/2 end\nsaid i successful\nb j/r/3 begin\n"},
		{"an item was settled twice", "a i/r/1 begin\na i/r/1 end\nsaid i successful\nsaid i successful\n"},
		{"two worked on one item", "a i/r/1 begin\na i/q/1 begin\na i/r/1 end\n"},
		{"two worked on one item", "a i/r/1 begin\na k/q/1 begin\na i/r/1 end\n"},
		{"a word was not kept", "a i/r/1 begin\na i/r/1 end\nsaid j retried\n"},
		{"nobody worked on a successful item", "a i/r/1 begin\n"},
		{"an item is not there", "a i/r/1 begin\na i/r/1 end\nsaid k failed\n"},
		{"the truth is torn", "a i/r/1\n"},
	} {
		v := &verdict{t.Logf, map[string]int{}}
		v.items([]fleet.QueueItem{{ID: "i", Status: fleet.ItemSuccessful}, {ID: "j", Status: fleet.ItemFailed}}, c.text)
		if got := strings.Join(slices.Sorted(maps.Keys(v.counts)), ", "); c.want == "" && got != "" || !strings.Contains(got, cmp.Or(c.want, got)) {
			t.Errorf("found %q, want %q", got, c.want)
		}
	}
	if !json.Valid([]byte(fmt.Sprintf(workOff, "f", "{}"))) {
		t.Error("the workflow is not JSON")
	}
}
