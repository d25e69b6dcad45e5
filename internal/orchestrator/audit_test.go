package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func (w *world) rows(f AuditFilter) []fleet.AuditEntry {
	w.Helper()
	f.Limit = maxAuditPage
	rows, err := w.Audits.List(w.Context(), w.admin, f)
	w.must(err)
	return rows
}

func TestDecideIsAudited(t *testing.T) {
	w := newWorld(t)
	w.connect()
	job := w.submit()
	ref := w.start(job)
	_, err := w.Jobs.Decide(t.Context(), w.admin, job.ID, 0, fleet.Decision{Do: "retry", Reason: "x"})
	if err == nil || len(w.rows(AuditFilter{Action: "job.decide"})) != 0 {
		t.Errorf("a decision that was refused: %v", err)
	}
	if v := w.report(fleet.Report{Kind: fleet.ReportEffectBegin, Node: "pay", EffectKey: "1"}, ref); v != fleet.VerdictGo {
		t.Fatalf("verdict %s", v)
	}
	w.fail(ref, fleet.ClassApplication)
	_, err = w.Jobs.Decide(t.Context(), w.admin, job.ID, 0, fleet.Decision{Do: "retry", Reason: "looked"})
	w.must(err)
	if rows := w.rows(AuditFilter{Action: "job.decide"}); len(rows) != 1 || !strings.Contains(string(rows[0].After), "looked") {
		t.Errorf("%+v", rows)
	}
}

// Refusals of one kind in a minute are two rows at the most: the first, and how
// many followed.
func TestDenialsAreCounted(t *testing.T) {
	w := newWorld(t)
	viewer := w.admin
	viewer.Name, viewer.KeyID = "key v", "k1"
	deny := func() { t.Helper(); w.must(w.Audits.Deny(t.Context(), viewer, "jobs.cancel", fleet.JobsRun)) }
	for range 10 {
		deny()
	}
	w.must(w.Audits.KeepDenials(t.Context()))
	if rows := w.rows(AuditFilter{}); len(rows) != 1 || rows[0].Outcome != fleet.AuditDenied {
		t.Fatalf("%+v", rows)
	}
	w.now = w.now.Add(denialWindow)
	w.must(w.Audits.KeepDenials(t.Context()))
	w.must(w.Audits.KeepDenials(t.Context()))
	if rows := w.rows(AuditFilter{}); len(rows) != 2 || !strings.Contains(string(rows[1].After), `"times":9`) {
		t.Fatalf("%+v", rows)
	}
	deny()
	if rows := w.rows(AuditFilter{}); len(rows) != 3 {
		t.Errorf("in the next minute: %+v", rows)
	}
}

// forger stands between the use cases and the store, as somebody who can write
// to the database does.
type forger struct {
	store.Store
	forge func(rows []fleet.AuditEntry) []fleet.AuditEntry
}

type forged struct {
	store.Reader
	rows []fleet.AuditEntry
}

// View shows what the forger has made of the rows.
func (f *forger) View(ctx context.Context, s store.Scope, fn func(r store.Reader) error) error {
	return f.Store.View(ctx, s, func(r store.Reader) error {
		rows, err := r.AuditRows(store.AuditFilter{})
		if err != nil {
			return err
		}
		return fn(&forged{r, f.forge(rows)})
	})
}

func (f *forged) AuditRows(q store.AuditFilter) ([]fleet.AuditEntry, error) {
	if q.After > 0 { // all of it fits one page
		return nil, nil
	}
	return f.rows, nil
}

// Whoever can write to the database is found out: rows are changed, taken out,
// moved, put in and cut off at 200 places each, and Verify names the place.
func TestAuditChain(t *testing.T) {
	f := &forger{forge: slices.Clone[[]fleet.AuditEntry]}
	w := newWorld(t, func(o *Options) { f.Store = o.Store; o.Store = f })
	const n = 60
	for i := range n {
		w.must(w.Audits.Deny(t.Context(), w.admin, fmt.Sprintf("x.y%d", i), fleet.JobsRun))
	}
	if r, err := w.Audits.Verify(t.Context(), w.admin); err != nil || r.Fault != nil || r.Rows != n || r.Last.Seq != n {
		t.Fatalf("before: %+v %v", r, err)
	}
	found := 0
	for i := range 200 {
		at := i % n
		for kind, forge := range map[string]func(rows []fleet.AuditEntry) []fleet.AuditEntry{
			"edited":   func(rows []fleet.AuditEntry) []fleet.AuditEntry { rows[at].Actor.Name += fmt.Sprint(i); return rows },
			"deleted":  func(rows []fleet.AuditEntry) []fleet.AuditEntry { return slices.Delete(rows, at, at+1) },
			"inserted": func(rows []fleet.AuditEntry) []fleet.AuditEntry { return slices.Insert(rows, at, rows[at]) },
			"cut off":  func(rows []fleet.AuditEntry) []fleet.AuditEntry { return rows[:at] },
			"moved": func(rows []fleet.AuditEntry) []fleet.AuditEntry {
				other := (at + 1 + i/n) % n
				rows[at], rows[other] = rows[other], rows[at]
				return rows
			},
		} {
			f.forge = func(rows []fleet.AuditEntry) []fleet.AuditEntry { return forge(slices.Clone(rows)) }
			r, err := w.Audits.Verify(t.Context(), w.admin)
			if err != nil || r.Fault == nil {
				t.Errorf("%s at %d: %+v %v", kind, at, r, err)
				continue
			}
			found++
		}
	}
	if found != 1000 {
		t.Errorf("%d of 1000 were found", found)
	}
	if _, err := w.Audits.Verify(t.Context(), w.robot); !errors.Is(err, fleet.ErrForbidden) {
		t.Errorf("a robot verifies: %v", err)
	}
}
