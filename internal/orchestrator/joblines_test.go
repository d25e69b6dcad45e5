package orchestrator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func (w *world) lines(q JobQuery) []JobLine {
	w.Helper()
	out, err := w.Jobs.Lines(w.Context(), w.admin, q, fleet.Page{Limit: 100})
	w.must(err)
	return out.Lines
}

func (w *world) finds(q JobQuery, want ...fleet.Job) {
	w.Helper()
	var got, ids []fleet.ID
	for _, l := range w.lines(q) {
		got = append(got, l.Job.ID)
	}
	for _, j := range want {
		ids = append(ids, j.ID)
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	if !slices.Equal(got, ids) {
		w.Errorf("%+v finds %v, want %v", q, got, ids)
	}
}

// A row has all that a list shows, and the filters find what the rows say.
func TestJobLines(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.submit()
	gpu := w.submit(func(r *SubmitRequest) { r.Requires, r.Priority = []string{"gpu"}, new(fleet.Priority(5)) })
	later := w.submit(func(r *SubmitRequest) { r.Delay = time.Hour })
	failed := w.submit(func(r *SubmitRequest) { r.Document, r.Retry = named("invoices"), &fleet.RetryChange{Max: new(0)} })
	ref := w.start(failed)
	w.now = w.now.Add(3 * time.Second)
	w.fail(ref, fleet.ClassBusiness)
	w.now = w.now.Add(reasonsHeld)
	again, _, err := w.Jobs.Retry(t.Context(), w.admin, failed.ID, RetryHow{})
	w.must(err)
	running := w.submit()
	w.start(running)
	w.now = w.now.Add(40 * time.Second)
	by := map[fleet.ID]JobLine{}
	for _, l := range w.lines(JobQuery{}) {
		by[l.Job.ID] = l
	}
	if l := by[gpu.ID]; l.Why != fleet.CodeNoMatch || !strings.Contains(l.Waiting, "gpu") || l.Trigger != "manual" {
		t.Errorf("one that no robot fits: %+v", l)
	}
	if l := by[later.ID]; l.Why != fleet.CodeNotBefore || !strings.HasPrefix(l.Waiting, "Waits until 2026-11-23 11:00:00 UTC") {
		t.Errorf("one that waits for its time: %+v", l)
	}
	if l := by[failed.ID]; l.RetriedAs != again.ID || l.Job.RunMS() != 3000 || l.Waiting != "" || l.RobotName == "" {
		t.Errorf("one that is repeated: %+v", l)
	}
	if l := by[again.ID]; l.Trigger != "retry" || l.RetriedAs != "" {
		t.Errorf("the one that repeats it: %+v", l)
	}
	w.finds(JobQuery{Why: []string{"no_match"}}, gpu)
	w.finds(JobQuery{Why: []string{"time", "no_match"}}, later, gpu)
	w.finds(JobQuery{Triggers: []string{"retry"}}, again)
	w.finds(JobQuery{Priorities: []fleet.Priority{5}}, gpu)
	w.finds(JobQuery{Text: "INVOI"}, failed, again)
	w.finds(JobQuery{Text: string(gpu.ID[20:])}, gpu)
	w.finds(JobQuery{Text: "invoi", JobFilter: store.JobFilter{States: []fleet.State{fleet.Failed}}}, failed)
	w.finds(JobQuery{JobFilter: store.JobFilter{Robots: []fleet.RobotID{"r1"}}}, failed, running)
	w.finds(JobQuery{Longest: true, JobFilter: store.JobFilter{States: []fleet.State{fleet.Running}}}, running)
	for _, bad := range []JobQuery{
		{Triggers: []string{"moon"}},
		{Priorities: []fleet.Priority{21}},
		{Longest: true},
		{Longest: true, Text: "x", JobFilter: store.JobFilter{States: []fleet.State{fleet.Running}}},
		{Longest: true, JobFilter: store.JobFilter{States: []fleet.State{fleet.Running}, From: w.now}},
		{Text: strings.Repeat("x", 201)},
		{JobFilter: store.JobFilter{From: w.now, To: w.now}},
		{JobFilter: store.JobFilter{Robots: make([]fleet.RobotID, 51)}},
	} {
		_, err := w.Jobs.Lines(t.Context(), w.admin, bad, fleet.Page{})
		if fleet.AsError(err) == nil || fleet.AsError(err).Code != fleet.CodeInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestJobHistogram(t *testing.T) {
	w := newWorld(t)
	w.connect()
	begin := w.now
	for i := range 6 {
		w.now = begin.Add(time.Duration(i)*10*time.Minute + time.Minute)
		job := w.submit()
		if i%2 == 0 {
			w.complete(w.start(job))
		}
	}
	w.now = begin.Add(time.Hour)
	get := func(q JobQuery, buckets int) JobHistogram {
		t.Helper()
		out, err := w.Jobs.Histogram(t.Context(), w.admin, q, buckets)
		w.must(err)
		return out
	}
	h := get(JobQuery{JobFilter: store.JobFilter{From: begin, To: w.now}}, 3)
	if h.By != "created" || !h.Whole || h.Counted != 6 || h.StepMS != (20*time.Minute).Milliseconds() {
		t.Errorf("%+v", h)
	}
	for _, b := range h.Buckets {
		if fmt.Sprint(b.Counts) != "map[completed:1 pending:1]" {
			t.Errorf("%s: %v", b.At, b.Counts)
		}
	}
	if h := get(JobQuery{JobFilter: store.JobFilter{States: []fleet.State{fleet.Completed}}}, 10); h.Counted != 3 || !h.From.Equal(begin.Add(time.Minute)) {
		t.Errorf("without a beginning: %+v", h)
	}
	if h := get(JobQuery{Text: "nobody"}, 1); h.Counted != 0 || len(h.Buckets) != 1 {
		t.Errorf("nothing: %+v", h)
	}
	if _, err := w.Jobs.Histogram(t.Context(), w.admin, JobQuery{}, 201); fleet.AsError(err) == nil {
		t.Error("too many buckets")
	}
}

// More than are counted one by one are counted by when they ended, where that is
// kept; else what was not counted is said.
func TestJobHistogramOfMany(t *testing.T) {
	w := newWorld(t)
	specs := make([]SubmitRequest, 1000)
	for i := range specs {
		specs[i] = SubmitRequest{Document: []byte(document)}
	}
	for range countedJobs/len(specs) + 1 {
		w.now = w.now.Add(time.Minute)
		_, _, err := w.Jobs.SubmitMany(t.Context(), w.admin, specs, true)
		w.must(err)
	}
	f := store.JobFilter{From: w.now.Add(-time.Hour), To: w.now.Add(time.Minute)}
	h, err := w.Jobs.Histogram(t.Context(), w.admin.In("default"), JobQuery{JobFilter: f}, 60)
	w.must(err)
	if h.By != "ended" || !h.Whole {
		t.Errorf("%s %v", h.By, h.Whole)
	}
	h, err = w.Jobs.Histogram(t.Context(), w.admin, JobQuery{JobFilter: store.JobFilter{To: f.To}}, 60)
	w.must(err)
	if h.By != "created" || h.Whole || h.Counted != countedJobs || h.CountedFrom.IsZero() {
		t.Errorf("%s %v %d", h.By, h.Whole, h.Counted)
	}
}
