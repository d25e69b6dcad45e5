package chaos

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// jsonText is a document as a value inside a request.
func jsonText(s string) json.RawMessage { return json.RawMessage(s) }

func plain() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

const nothing = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

// kept is a job as the store has it.
type kept struct {
	state    fleet.State
	epoch    int64
	attempts int
	result   string
	ended    time.Time
	key      string
}

// verdict collects violations and tells the first of each kind.
type verdict struct {
	tell   func(format string, args ...any)
	counts map[string]int
}

func (v *verdict) wrong(kind, format string, args ...any) {
	v.counts[kind]++
	if v.counts[kind] <= 5 {
		v.tell(kind+": "+format, args...)
	}
}

// verify asks, after every program has stopped, whether the store keeps the
// data's law, and whether it agrees with what clients and robots wrote down.
// outage is how long cancels may have had to wait for the store.
func (w *world) verify(r *record, outage time.Duration) {
	w.t.Helper()
	q, done := w.db.open(w.t)
	defer done()
	if err := storetest.Invariants(w.t.Context(), q); err != nil {
		w.t.Error(err)
	}
	v := &verdict{w.t.Errorf, map[string]int{}}
	for _, row := range w.query(q, `select a.job_id, a.epoch, j.state from attempts a join jobs j on j.id = a.job_id where a.slot_free_at is null`) {
		v.wrong("a slot leaked", "%v", row)
	}
	// Times of one clock: all programs run on this machine.
	for _, row := range w.query(q, fmt.Sprintf(`select id, (%s - %s) from jobs where state = 'timeout' and started_at is not null and %s - %s < timeout_ms * 1000`,
		w.db.micros("ended_at"), w.db.micros("started_at"), w.db.micros("ended_at"), w.db.micros("started_at"))) {
		v.wrong("a job timed out early", "%s after %s microseconds", row[0], row[1])
	}
	if !w.robotsKilled {
		// Without a robot's death only silence or its own fence takes a job from it.
		for _, row := range w.query(q, fmt.Sprintf(`select job_id, epoch, (%s - %s) from attempts where outcome = 'lost' and %s - %s < %d`,
			w.db.micros("ended_at"), w.db.micros("offered_at"), w.db.micros("ended_at"), w.db.micros("offered_at"), fenced.Microseconds())) {
			v.wrong("a lease was not kept", "%s.%s was taken away after %s microseconds", row[0], row[1], row[2])
		}
	}
	for _, p := range r.problems {
		w.t.Errorf("an answer that no fault excuses: %s", p)
	}
	jobs := w.jobs(q)
	v.clients(jobs, r, outage)
	text, err := os.ReadFile(w.truthFile())
	if err != nil {
		w.t.Fatal(err)
	}
	ran, err := executions(string(text))
	if err != nil {
		w.t.Fatal(err)
	}
	v.truth(jobs, ran)
	v.robots(jobs, robotRecords(w.t, w.robots))
	byState := map[fleet.State]int{}
	attempts := 0
	for _, j := range jobs {
		byState[j.state]++
		attempts += j.attempts
	}
	w.t.Logf("jobs by state %v, %d attempts", byState, attempts)
	if byState[fleet.Completed] == 0 {
		w.t.Error("no job completed: the robots were of no use")
	}
	for kind, n := range v.counts {
		w.t.Errorf("%s: %d in all", kind, n)
	}
}

func (w *world) query(q storetest.Queryer, sql string) [][]string {
	w.t.Helper()
	rows, err := q.QueryText(w.t.Context(), sql)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, sql)
	}
	return rows
}

// jobs reads every job of the store.
func (w *world) jobs(q storetest.Queryer) map[string]*kept {
	w.t.Helper()
	jobs := map[string]*kept{}
	for _, row := range w.query(q, fmt.Sprintf(`select j.id, j.state, j.epoch, coalesce(%s, ''), coalesce(%s, 0), coalesce(k.key, ''),
		(select count(*) from attempts a where a.job_id = j.id)
		from jobs j left join job_data d on d.job_id = j.id left join idempotency_keys k on k.job_id = j.id`,
		w.db.text("d.result"), w.db.micros("j.ended_at"))) {
		if _, twice := jobs[row[0]]; twice {
			w.t.Errorf("job %s is there twice, or has two keys", row[0])
		}
		epoch, _ := strconv.ParseInt(row[2], 10, 64) // the store's own numbers
		ended, _ := strconv.ParseInt(row[4], 10, 64)
		attempts, _ := strconv.Atoi(row[6])
		jobs[row[0]] = &kept{fleet.State(row[1]), epoch, attempts, row[3], time.UnixMicro(ended), row[5]}
	}
	return jobs
}

// clients compares the store with what the clients were told (I6, I7, P1, P2, P7).
func (v *verdict) clients(jobs map[string]*kept, r *record, outage time.Duration) {
	for _, o := range r.accepted() {
		j := jobs[o.id]
		switch {
		case j == nil:
			v.wrong("an accepted job is not there", "%s (key %s)", o.id, o.key)
			continue
		case !j.state.Final():
			v.wrong("an accepted job has no end", "%s is %s", o.id, j.state)
		case j.key != o.key:
			v.wrong("a job has another key", "%s: %q in the store, %q asked", o.id, j.key, o.key)
		case o.kind == "timeout" && j.state != fleet.TimedOut && j.state != fleet.Failed:
			v.wrong("a time limit was not kept", "%s, which needs 4s and may take 1s, is %s", o.id, j.state)
		case j.state == fleet.Cancelled && o.kind != "cancel":
			v.wrong("nobody asked for this end", "%s (%s) is cancelled", o.id, o.kind)
		}
		if !o.asked.IsZero() {
			if j.state != fleet.Cancelled && j.state != fleet.Completed && j.state != fleet.Failed {
				v.wrong("an accepted cancel did not end the job", "%s is %s", o.id, j.state)
			}
			if late := j.ended.Sub(o.asked); late > 10*time.Second+outage {
				v.wrong("a cancel took longer than promised", "%s: %s", o.id, late)
			}
		}
	}
	for id, j := range jobs {
		r.mu.Lock()
		tried := r.tried[j.key]
		r.mu.Unlock()
		if !tried {
			v.wrong("a job that nobody asked for", "%s with the key %q", id, j.key)
		}
	}
}

// truth compares the store with what was executed (I16, P3).
func (v *verdict) truth(jobs map[string]*kept, ran map[string][]*execution) {
	for _, o := range overlaps(ran) {
		v.wrong("executions overlap", "%s", o)
	}
	for id, list := range ran {
		j := jobs[id]
		if j == nil {
			v.wrong("a job ran that the store does not know", "%s", id)
		} else if len(list) > j.attempts {
			v.wrong("an epoch was started twice", "%s was executed %d times in %d attempts", id, len(list), j.attempts)
		}
	}
	for id, j := range jobs {
		if j.state != fleet.Completed {
			continue
		}
		found := false
		for _, e := range ran[id] {
			found = found || e.ended && strings.Contains(j.result, e.run)
		}
		if !found {
			v.wrong("a result is of no execution", "%s: %.200s", id, j.result)
		}
	}
}

// robots compares the store with what the robots wrote down (I6).
func (v *verdict) robots(jobs map[string]*kept, own started) {
	for attempt, n := range own.starts {
		if n > 1 {
			v.wrong("an attempt was started twice", "%s %d times", attempt, n)
		}
	}
	for attempt := range own.completions {
		id, epoch, _ := strings.Cut(attempt, ".")
		j := jobs[id]
		if j == nil {
			v.wrong("a robot completed a job that the store does not know", "%s", attempt)
			continue
		}
		// A completion of the newest epoch is the job's end, unless it was being stopped.
		if strconv.FormatInt(j.epoch, 10) == epoch && j.state != fleet.Completed && j.state != fleet.Cancelled && j.state != fleet.TimedOut {
			v.wrong("a result was lost", "%s was completed by its robot and is %s", attempt, j.state)
		}
	}
	if len(own.starts) == 0 {
		v.wrong("no records", "no robot wrote down that it started anything")
	}
}
