package chaos

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// TestVerdict plants one lie at a time in records that agree, and shows that the
// checker finds it.
func TestVerdict(t *testing.T) {
	type all struct {
		jobs   map[string]*kept
		record *record
		runs   string
		own    started
	}
	now := time.Now()
	agree := func() *all {
		r := newRecord()
		for id, kind := range map[string]string{"a": "short", "b": "cancel", "c": "timeout"} {
			r.tried["k-"+id] = true
			r.orders[id] = &order{key: "k-" + id, kind: kind, id: id}
		}
		r.orders["b"].asked = now
		return &all{
			jobs: map[string]*kept{
				"a": {fleet.Completed, 2, 2, `{"run":"a2"}`, now, "k-a"},
				"b": {fleet.Cancelled, 1, 1, "", now.Add(time.Second), "k-b"},
				"c": {fleet.TimedOut, 1, 1, "", now, "k-c"},
			},
			record: r,
			runs:   "a a1 begin\nb b1 begin\na a2 begin\na a2 end\nc c1 begin\n",
			own:    started{map[string]int{"a.1": 1, "a.2": 1, "b.1": 1, "c.1": 1}, map[string]int{"a.2": 1}},
		}
	}
	for _, c := range []struct {
		want string
		lie  func(*all)
	}{
		{"", func(*all) {}},
		{"an accepted job is not there", func(a *all) { delete(a.jobs, "c") }},
		{"an accepted job has no end", func(a *all) { a.jobs["c"].state = fleet.Running }},
		{"a job has another key", func(a *all) { a.jobs["a"].key = "k-b" }},
		{"a time limit was not kept", func(a *all) { a.jobs["c"].state = fleet.Cancelled }},
		{"nobody asked for this end", func(a *all) { a.jobs["a"].state = fleet.Cancelled }},
		{"an accepted cancel did not end the job", func(a *all) { a.jobs["b"].state = fleet.TimedOut }},
		{"a cancel took longer than promised", func(a *all) { a.jobs["b"].ended = now.Add(12 * time.Second) }},
		{"a job that nobody asked for", func(a *all) { delete(a.record.tried, "k-a") }},
		{"executions overlap", func(a *all) { a.runs += "a a1 end\n" }},
		{"a job ran that the store does not know", func(a *all) { a.runs += "d d1 begin\n" }},
		{"an epoch was started twice", func(a *all) { a.runs += "c c2 begin\n" }},
		{"a result is of no execution", func(a *all) { a.jobs["a"].result = `{"run":"a1"}` }},
		{"an attempt was started twice", func(a *all) { a.own.starts["a.1"]++ }},
		{"a result was lost", func(a *all) { a.jobs["a"].state = fleet.Failed }},
		{"a robot completed a job that the store does not know", func(a *all) { a.own.completions["d.1"] = 1 }},
		{"no records", func(a *all) { clear(a.own.starts) }},
	} {
		a := agree()
		c.lie(a)
		v := &verdict{t.Logf, map[string]int{}}
		ran, err := executions(a.runs)
		if err != nil {
			t.Fatal(err)
		}
		v.clients(a.jobs, a.record, 0)
		v.truth(a.jobs, ran)
		v.robots(a.jobs, a.own)
		got := slices.Sorted(maps.Keys(v.counts))
		if c.want == "" && len(got) > 0 || c.want != "" && !slices.Contains(got, c.want) {
			t.Errorf("found %q, want %q", got, c.want)
		}
	}
}
