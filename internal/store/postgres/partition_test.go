package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// parted lists in which partitions a table's rows lie.
func parted(t *testing.T, s *Store, table string) string {
	t.Helper()
	rows, err := s.QueryText(t.Context(), "select distinct tableoid::regclass::text from "+table+" order by 1")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, r[0])
	}
	return strings.Join(out, " ")
}

// TestPartitions: rows of today lie in the partitions of today, and none in
// those that take what fits nowhere.
func TestPartitions(t *testing.T) {
	db := migrated(t)
	s := open(t, db.URL, Options{})
	f := storetest.New(t, func(testing.TB) store.Store { return s })
	now := time.Now().UTC()
	f.Now = now
	session := f.Robot("r1", 9)
	j := f.Running(f.Spec(), "r1", session)
	if _, err := s.AppendLogs(t.Context(), f.Scope, []fleet.LogBatch{{
		JobID: j.ID, Tenant: f.Tenant, RobotID: "r1", Epoch: 1, First: 1, Lines: []fleet.LogLine{{Epoch: 1, Line: 1, At: now, Level: "info"}},
	}}); err != nil {
		t.Fatal(err)
	}
	month := now.Format("200601")
	monday := now.AddDate(0, 0, -int(now.Weekday()+6)%7).Format("20060102")
	for table, want := range map[string]string{
		"jobs": month, "job_data": month, "attempts": month, "events": monday, "log_heads": monday, "log_lines": monday,
	} {
		if got := parted(t, s, table); got != table+"_"+want {
			t.Errorf("rows of %s lie in %s, want %s", table, got, want)
		}
	}
}

// TestPartitionsAgain: making them once more makes none; where the default one
// holds rows of that time they stay there, are found and can be changed, and the
// months after it get theirs.
func TestPartitionsAgain(t *testing.T) {
	db := migrated(t)
	s := open(t, db.URL, Options{})
	f := storetest.New(t, func(testing.TB) store.Store { return s })
	pg, err := pgx.Connect(t.Context(), db.URL) // no owner's rights are needed
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	partitions := func(since, until time.Time) (n int) {
		t.Helper()
		if err := pg.QueryRow(t.Context(), "select fleet_partitions($1, $2)", since, until).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	now := time.Now()
	if n := partitions(now, now.Add(partitionsAhead)); n != 0 {
		t.Errorf("once more makes %d", n)
	}
	future := time.Date(now.Year()+2, 5, 20, 0, 0, 0, 0, time.UTC)
	spec := f.Spec()
	spec.ID = fleet.NewIDs(func() time.Time { return future }, zero{}).New()
	f.Submit(spec)
	if got := parted(t, s, "jobs"); got != "jobs_other" {
		t.Errorf("a job of the far future lies in %s", got)
	}
	if n := partitions(future, future.AddDate(0, 1, 0)); n == 0 {
		t.Error("nothing was made around the month of the default partition's row")
	}
	f.Cancel(spec.ID) // it is found and changed where it is
	if got := parted(t, s, "jobs"); got != "jobs_other" {
		t.Errorf("then it lies in %s", got)
	}
	later := f.Spec()
	later.ID = fleet.NewIDs(func() time.Time { return future.AddDate(0, 1, 0) }, zero{}).New()
	f.Submit(later)
	if got := parted(t, s, "jobs"); got != "jobs_"+future.AddDate(0, 1, 0).Format("200601")+" jobs_other" {
		t.Errorf("the two lie in %s", got)
	}
	f.CheckInvariants()
}

// TestArtifactsGoWithTheirMonth: a month of jobs is dropped as a whole, and the
// files that they left, which lie in no partition, go with it.
func TestArtifactsGoWithTheirMonth(t *testing.T) {
	s := open(t, migrated(t).URL, Options{})
	f := storetest.New(t, func(testing.TB) store.Store { return s })
	month := time.Date(time.Now().Year()+1, 3, 10, 12, 0, 0, 0, time.UTC)
	s.options.Now = func() time.Time { return month }
	if err := s.partitionNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Now = month
	var jobs []fleet.ID
	for _, at := range []time.Time{month, month.AddDate(0, 1, 0)} {
		spec := f.Spec()
		spec.ID = fleet.NewIDs(func() time.Time { return at }, zero{}).New()
		f.Submit(spec)
		f.Update(func(tx store.Tx) error {
			return tx.PutArtifact(fleet.Artifact{JobID: spec.ID, Tenant: f.Tenant, Epoch: 1, Name: "a.txt", CreatedAt: at}, []byte("x"))
		})
		f.Cancel(spec.ID)
		jobs = append(jobs, spec.ID)
	}
	if n, err := s.DropPartitions(t.Context(), store.Retention{Jobs: month.AddDate(0, 1, -5)}); err != nil || n == 0 {
		t.Fatalf("dropped %d, %v", n, err)
	}
	f.View(func(r store.Reader) error {
		for i, want := range []int{0, 1} {
			list, err := r.Artifacts(jobs[i])
			if err != nil || len(list) != want {
				t.Errorf("the job of month %d has %d files, %v", i, len(list), err)
			}
		}
		return nil
	})
}

// TestPartitionsGiveWay: while somebody reads a table for long, the member does
// not stop everybody else to make partitions of it.
func TestPartitionsGiveWay(t *testing.T) {
	t.Parallel() // it waits, on a database of its own
	db := migrated(t)
	long := time.Now().AddDate(3, 0, 0)
	s := open(t, db.URL, Options{})
	s.options.Now = func() time.Time { return long } // partitions that are not there yet
	pg, err := pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	tx, err := pg.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select count(*) from jobs"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.partitionNow(t.Context()); err == nil {
		t.Error("partitions were made under a reader")
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it stood in the way for %s", took)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.partitionNow(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// zero is a source of chance that has none.
type zero struct{}

func (zero) Read(b []byte) (int, error) { clear(b); return len(b), nil }
