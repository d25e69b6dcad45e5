package orchestrator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// attention is what needs somebody, once what was said before no longer holds.
func (w *world) needs(p auth.Principal) fleet.Attention {
	w.Helper()
	w.now = w.now.Add(attentionHeld)
	out, err := w.Attention.List(w.Context(), p)
	w.must(err)
	return out
}

// entry is the only entry of a kind.
func (w *world) entry(kind fleet.AttentionKind) fleet.AttentionEntry {
	w.Helper()
	var found []fleet.AttentionEntry
	for _, e := range w.needs(w.admin).Entries {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		w.Fatalf("%d entries of %s: %+v", len(found), kind, found)
	}
	return found[0]
}

func (w *world) says(e fleet.AttentionEntry, severity fleet.Severity, count int64, words ...string) {
	w.Helper()
	if e.Severity != severity || e.Count != count {
		w.Errorf("%s is %s about %d, want %s about %d: %s", e.Kind, e.Severity, e.Count, severity, count, e.Sentence)
	}
	for _, text := range words {
		if !strings.Contains(e.Sentence, text) {
			w.Errorf("%s: %q does not say %q", e.Kind, e.Sentence, text)
		}
	}
	if e.Action.Label == "" || !strings.HasPrefix(e.Action.Page, "/") || !strings.HasPrefix(e.Action.Command, "fleet ") || len(e.Objects) == 0 {
		w.Errorf("%s: nothing to do first: %+v", e.Kind, e)
	}
}

func TestNothingNeedsAnybody(t *testing.T) {
	w := newWorld(t)
	w.connect()
	got := w.needs(w.admin)
	if len(got.Entries) != 0 || got.Entries == nil || !got.CheckedAt.Equal(w.now) {
		t.Errorf("%+v", got)
	}
	w.start(w.submit())
	if got := w.needs(w.admin); len(got.Entries) != 0 {
		t.Errorf("a job that runs: %+v", got)
	}
}

func TestWaitingNeedsSomebodyByItsReason(t *testing.T) {
	w := newWorld(t)
	w.connect()
	gpu := func(r *SubmitRequest) { r.Requires = []string{"gpu"} }
	first := w.submit(gpu)
	w.now = w.now.Add(fleet.AttentionWait - 2*attentionHeld)
	w.submit(gpu) // only just
	if got := w.needs(w.admin); len(got.Entries) != 0 {
		t.Errorf("before its time: %+v", got.Entries)
	}
	w.now = w.now.Add(2 * attentionHeld)
	e := w.entry(fleet.AttentionWaiting)
	w.says(e, fleet.SeverityCritical, 1, "1 job waits for a robot with gpu", "none of 1 robot fits")
	if e.Reason != fleet.CodeNoMatch || e.Objects[0] != string(first.ID) || !e.Since.Equal(first.CreatedAt) || e.Action.Label != "Why it waits" {
		t.Errorf("%+v", e)
	}
	for range 12 {
		w.submit(gpu)
	}
	w.now = w.now.Add(fleet.AttentionWait)
	e = w.entry(fleet.AttentionWaiting)
	w.says(e, fleet.SeverityCritical, 14, "14 jobs wait for a robot with gpu")
	if len(e.Objects) != fleet.AttentionObjects || e.AtLeast {
		t.Errorf("%+v", e)
	}
	for range lookJobs - 14 {
		w.submit(gpu)
	}
	w.now = w.now.Add(fleet.AttentionWait)
	if e = w.entry(fleet.AttentionWaiting); !e.AtLeast || !strings.HasPrefix(e.Sentence, "1000 or more jobs wait") {
		t.Errorf("not all were read: %+v", e)
	}
}

func TestRobotsThatNeedSomebody(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.now = w.now.Add(40 * time.Second) // 30 s is silent, 90 s is offline
	e := w.entry(fleet.AttentionSilent)
	w.says(e, fleet.SeverityWarning, 1, "is connected but silent")
	if e.Objects[0] != "r1" || !e.Since.Equal(w.now.Add(-42*time.Second)) {
		t.Errorf("%+v", e)
	}
	w.must(w.store.Update(t.Context(), w.admin.Scope(), func(tx store.Tx) error {
		r, err := tx.Robot("r1")
		r.QuarantineTill = w.now.Add(time.Hour)
		if err != nil {
			return err
		}
		return tx.PutRobot(r)
	}))
	w.says(w.entry(fleet.AttentionError), fleet.SeverityCritical, 1, "quarantine")
	w.now = w.now.Add(time.Minute)
	if got := w.needs(w.admin); len(got.Entries) != 0 {
		t.Errorf("one that is offline: %+v", got.Entries)
	}
}

func TestDecisionsAndHeldJobsNeedSomebody(t *testing.T) {
	w := newWorld(t)
	w.connect()
	lost := w.submit()
	ref := w.start(lost)
	w.report(fleet.Report{Kind: fleet.ReportEffectBegin, Node: "pay", EffectKey: "1"}, ref)
	parent := w.submit()
	held := w.submit(func(r *SubmitRequest) {
		r.DependsOn, r.OnUnmet = []Dependency{{Job: parent.ID}}, fleet.UnmetHold
	})
	_, err := w.Jobs.Cancel(t.Context(), w.admin, parent.ID, fleet.CancelRequest{})
	w.must(err)
	w.now = w.now.Add(fleet.AttentionWait)
	e := w.entry(fleet.AttentionHeld)
	w.says(e, fleet.SeverityWarning, 1, "nothing is held")
	if e.Objects[0] != string(held.ID) {
		t.Errorf("%+v", e)
	}
	w.fail(ref, fleet.ClassApplication)
	e = w.entry(fleet.AttentionDecision)
	w.says(e, fleet.SeverityCritical, 1, "nothing needs a decision")
	if e.Objects[0] != string(lost.ID) || !e.Since.Equal(w.now.Add(-attentionHeld)) || w.needs(w.admin).Entries[0].Kind != fleet.AttentionDecision {
		t.Errorf("%+v", e)
	}
}

func TestTimesAndKeysThatNeedSomebody(t *testing.T) {
	w := newWorld(t)
	v, _, err := w.Workflows.Put(t.Context(), w.admin, "nothing", []byte(document))
	w.must(err)
	s := fleet.NewSchedule()
	s.ID, s.Tenant, s.Name, s.WorkflowID, s.Cron, s.Timezone, s.Revision = w.Jobs.IDs.New(), "default", "Month end", v.WorkflowID, "0 * * * *", "UTC", 1
	s.CreatedAt, s.UpdatedAt, s.Since, s.Cursor, s.DueAt = w.now, w.now, w.now, w.now, w.now.Add(time.Hour)
	key := func(name string, in time.Duration) fleet.Key {
		return fleet.Key{
			ID: w.Jobs.IDs.New(), Tenant: "default", Kind: fleet.KeyService, Name: name, Role: "viewer", Hash: name, Hint: "abcd", CreatedAt: w.now, ExpiresAt: w.now.Add(in),
		}
	}
	w.must(w.store.Update(t.Context(), w.admin.Scope(), func(tx store.Tx) error {
		var fires []fleet.Fire
		for i := range 3 {
			at := w.now.Add(-time.Duration(i+1) * time.Hour)
			fires = append(fires, fleet.Fire{Tenant: "default", Schedule: s.ID, At: at, Kind: fleet.FireScheduled, DueAt: at, Outcome: fleet.FireMissed, MadeAt: w.now})
		}
		for _, k := range []fleet.Key{key("deploy", 5*24*time.Hour), key("other", 8*24*time.Hour)} {
			if err := tx.PutKey(k); err != nil {
				return err
			}
		}
		if err := tx.AddSchedule(s); err != nil {
			return err
		}
		return tx.AddFires(fires)
	}))
	e := w.entry(fleet.AttentionMissed)
	w.says(e, fleet.SeverityWarning, 3, "Month end missed 3 runs in the last 24 h.")
	if e.Objects[0] != string(s.ID) || !e.Since.Equal(w.now.Add(-attentionHeld-3*time.Hour)) {
		t.Errorf("%+v", e)
	}
	w.says(w.entry(fleet.AttentionKeyEnding), fleet.SeverityInfo, 1, "The key deploy ends on 2026-11-28 10:00 UTC.")
	w.now = w.now.Add(25 * time.Hour)
	w.says(w.entry(fleet.AttentionKeyEnding), fleet.SeverityInfo, 2, "2 keys end within 7 days, the first (deploy)")
	for _, e := range w.needs(w.admin).Entries {
		if e.Kind == fleet.AttentionMissed {
			t.Errorf("of the day before: %+v", e)
		}
	}
}

func TestQueuesAndTriggersThatNeedSomebody(t *testing.T) {
	w, workflow := newTriggers(t)
	after := 2
	tr := w.trigger(workflow, TriggerChange{Event: &fleet.EventRule{Types: []fleet.EventKind{fleet.EventRobotConnected}}, PauseAfter: &after})
	w.must(w.store.Update(t.Context(), w.admin.Scope(), func(tx store.Tx) error {
		now, err := tx.TriggerToChange(tr.ID)
		if err != nil {
			return err
		}
		now.Enabled, now.Streak = false, 2
		return tx.PutTrigger(now)
	}))
	name, seconds := "invoices", 60
	_, err := w.Queues.Create(t.Context(), w.admin, QueueChange{Name: &name, SLASeconds: &seconds})
	w.must(err)
	for range 2 {
		_, _, err = w.Queues.Add(t.Context(), w.admin, name, store.Ref{}, fleet.ItemSpec{}, nil)
		w.must(err)
	}
	w.now = w.now.Add(2 * time.Minute)
	e := w.entry(fleet.AttentionSLA)
	w.says(e, fleet.SeverityCritical, 2, "invoices: 2 items are overdue.")
	for _, e := range w.needs(w.admin).Entries {
		if e.Kind == fleet.AttentionTriggers {
			w.says(e, fleet.SeverityWarning, 1, "is disabled: 2 of its jobs in a row have failed.")
		}
	}
}

func TestFailuresThatDoubled(t *testing.T) {
	w := newWorld(t)
	tally := func(failed, completed int64) *fleet.Tally {
		return &fleet.Tally{Label: "Invoices", Failed: failed, Completed: completed}
	}
	rows := fleet.Rollup{}
	add := func(ago time.Duration, key string, t *fleet.Tally) {
		for _, s := range fleet.RollupSpans() {
			rows[fleet.RollupKey{Span: s, At: s.Floor(w.now.Add(-ago)), Dim: fleet.DimWorkflow, Key: key}] = t
		}
	}
	add(2*time.Hour, "a", tally(4, 6))
	add(30*time.Hour, "a", tally(1, 9))
	add(2*time.Hour, "same", tally(4, 6))
	add(30*time.Hour, "same", tally(4, 6))
	add(2*time.Hour, "new", tally(9, 1))
	w.must(w.store.Update(t.Context(), w.admin.Scope(), func(tx store.Tx) error {
		_, err := tx.AddReadings("default", w.now.Truncate(time.Minute), rows)
		return err
	}))
	e := w.entry(fleet.AttentionFailures)
	w.says(e, fleet.SeverityWarning, 4, "Invoices fails more: 40 % of 10 runs in the last 24 h, 10 % of 10 in the 24 h before.")
	if e.Objects[0] != "a" {
		t.Errorf("%+v", e)
	}
}

// What one may not read, and what is of others, needs somebody else.
func TestAttentionIsOfWhatOneSees(t *testing.T) {
	w := newWorld(t)
	w.connect()
	for _, environment := range []string{"lab", "prod"} {
		w.submit(func(r *SubmitRequest) { r.Environment, r.Requires = environment, []string{"gpu"} })
	}
	w.now = w.now.Add(fleet.AttentionWait)
	if e := w.entry(fleet.AttentionWaiting); e.Count != 2 {
		t.Errorf("all: %+v", e)
	}
	bound := w.admin
	bound.Environments = []string{"lab"}
	if got := w.needs(bound).Entries; len(got) != 1 || got[0].Count != 1 {
		t.Errorf("of one environment: %+v", got)
	}
	other := auth.Robot("globex", "r9", "default")
	if _, err := w.Attention.List(t.Context(), other); err == nil {
		t.Error("a robot is told what needs people")
	}
	globex := w.admin
	globex.Tenant = "globex"
	if got := w.needs(globex).Entries; len(got) != 0 {
		t.Errorf("another tenant: %+v", got)
	}
}

func TestAttentionIsRanked(t *testing.T) {
	list := []fleet.AttentionEntry{
		{Kind: fleet.AttentionKeyEnding, Severity: fleet.SeverityInfo},
		{Kind: fleet.AttentionMissed, Severity: fleet.SeverityWarning, Count: 1},
		{Kind: fleet.AttentionMissed, Severity: fleet.SeverityWarning, Count: 9},
		{Kind: fleet.AttentionDecision, Severity: fleet.SeverityCritical},
	}
	for range fleet.AttentionMost {
		list = append(list, fleet.AttentionEntry{Kind: fleet.AttentionWaiting, Severity: fleet.SeverityInfo})
	}
	kept, left := fleet.RankAttention(list)
	if got := fmt.Sprint(kept[0].Kind, kept[1].Count, kept[2].Count, len(kept), left); got != fmt.Sprint(fleet.AttentionDecision, 9, 1, fleet.AttentionMost, 4) {
		t.Error(got)
	}
}

// Incidents that nobody looks after are one entry, which goes when somebody does.
func TestIncidentsThatWait(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	a.failing(2)
	a.pass()
	e := a.entry(fleet.AttentionIncidents)
	i := a.only(fleet.AlertDeadLetter)
	a.says(e, i.Severity, 1, "1 incident waits for somebody: "+i.Title)
	if !slices.Equal(e.Objects, []string{string(i.ID)}) || !e.Since.Equal(i.OpenedAt) {
		t.Errorf("%+v", e)
	}
	_, err := a.Alerts.Acknowledge(t.Context(), a.admin, i.ID, "mine")
	a.must(err)
	a.now = a.now.Add(attentionHeld)
	for _, e := range a.needs(a.admin).Entries {
		if e.Kind == fleet.AttentionIncidents {
			t.Errorf("although somebody looks after it: %+v", e)
		}
	}
}
