package postgres

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// members are two stores on one database, as two orchestrators have them.
func members(t *testing.T, o Options) (*storetest.Fixture, [2]store.Store) {
	t.Helper()
	db := migrated(t)
	list := [2]store.Store{open(t, db.URL, o), open(t, db.URL, o)}
	return storetest.New(t, func(testing.TB) store.Store { return list[0] }), list
}

// both runs fn on both members at once.
func both(list [2]store.Store, fn func(member int, s store.Store)) {
	var wg sync.WaitGroup
	for i, s := range list {
		wg.Go(func() { fn(i, s) })
	}
	wg.Wait()
}

// TestSameKeyOnTwoMembers hands the same requests to two members at once: each
// key leads to one job, and both callers are told the same one.
func TestSameKeyOnTwoMembers(t *testing.T) {
	f, list := members(t, Options{})
	const keys = 60
	var got [2][keys]fleet.ID
	both(list, func(m int, s store.Store) {
		var wg sync.WaitGroup
		for i := range keys {
			wg.Go(func() {
				sub := f.Submission(f.Spec())
				sub.Key = &store.IdempotencyKey{Route: "jobs", Key: fmt.Sprint(i), Hash: "h", ExpiresAt: time.Now().Add(time.Hour)}
				out, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{sub})
				if err == nil {
					err = out[0].Err
				}
				if err != nil {
					t.Errorf("key %d on member %d: %v", i, m, err)
					return
				}
				got[m][i] = out[0].Job.ID
			})
		}
		wg.Wait()
	})
	for i := range keys {
		if got[0][i] != got[1][i] {
			t.Errorf("key %d gave %s and %s", i, got[0][i], got[1][i])
		}
	}
	counted(t, f, "select count(*) from jobs", keys)
	f.CheckInvariants()
}

// TestOneCallTwice puts the same key, and a retry of the same job, twice into
// one call: the second must see the first, which has no number yet.
func TestOneCallTwice(t *testing.T) {
	f, list := members(t, Options{})
	a, b := f.Submission(f.Spec()), f.Submission(f.Spec())
	a.Key = &store.IdempotencyKey{Route: "jobs", Key: "k", Hash: "h", ExpiresAt: time.Now().Add(time.Hour)}
	b.Key = a.Key
	out, err := list[0].Enqueue(t.Context(), f.Scope, []store.Submission{a, b})
	if err != nil || out[0].Err != nil || out[1].Err != nil {
		t.Fatal(err, out)
	}
	if out[0].Job.ID != out[1].Job.ID || !out[1].Replayed {
		t.Errorf("one key in one call gave %s and %s (replayed: %v)", out[0].Job.ID, out[1].Job.ID, out[1].Replayed)
	}
	again := f.Spec()
	again.RetryOf = out[0].Job.ID
	twice := again
	twice.ID = f.IDs.New()
	out, err = list[0].Enqueue(t.Context(), f.Scope, []store.Submission{f.Submission(again), f.Submission(twice)})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
	if !errors.Is(out[1].Err, fleet.ErrConflict) {
		t.Errorf("a second retry in one call: %v", out[1].Err)
	}
	f.CheckInvariants()
}

// TestRetryOnTwoMembers retries the same jobs on two members at once.
func TestRetryOnTwoMembers(t *testing.T) {
	f, list := members(t, Options{})
	for range 40 {
		old := f.Submit(f.Spec())
		both(list, func(m int, s store.Store) {
			spec := f.Spec()
			spec.RetryOf = old.ID
			out, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{f.Submission(spec)})
			if err != nil || out[0].Err != nil && !errors.Is(out[0].Err, fleet.ErrConflict) {
				t.Errorf("member %d: %v %v", m, err, out)
			}
		})
		counted(t, f, "select count(*) from jobs where retry_of = '"+string(old.ID)+"'", 1)
	}
	f.CheckInvariants()
}

// TestParentsEndOnTwoMembers ends the two parents of many children at once, one
// on each member and in opposite orders, while more children come: each child
// is released once, and none is left behind.
func TestParentsEndOnTwoMembers(t *testing.T) {
	f, list := members(t, Options{})
	const pairs = 12
	session := f.Robot("r1", 2*pairs)
	var jobs [2][pairs]fleet.Job
	var reports [2][pairs]fleet.Report
	for m := range jobs {
		for i := range pairs {
			jobs[m][i] = f.Running(f.Spec(), "r1", session)
			reports[m][i] = f.NewReport(jobs[m][i], fleet.ReportComplete, int64(1+m*pairs+i))
		}
	}
	child := func(s store.Store, parents ...fleet.ID) fleet.ID {
		spec := f.Spec()
		spec.DependsOn = parents
		sub := f.Submission(spec)
		sub.Parents = parents
		got, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{sub})
		if err != nil || got[0].Err != nil {
			t.Errorf("child: %v %v", err, got)
		}
		return sub.Job.ID
	}
	var children []fleet.ID
	for i := range pairs {
		children = append(children, child(f.Store, jobs[0][i].ID, jobs[1][i].ID))
	}
	var late [2][pairs]fleet.ID
	both(list, func(m int, s store.Store) {
		var wg sync.WaitGroup
		for n := range pairs {
			i := n
			if m == 1 {
				i = pairs - 1 - n
			}
			wg.Go(func() {
				verdicts, err := s.Report(t.Context(), f.Scope, reports[m][i:i+1], f.Now)
				if err != nil || verdicts[0].Verdict != fleet.VerdictApplied {
					t.Errorf("report: %v %v", err, verdicts)
				}
			})
			wg.Go(func() { late[m][i] = child(s, jobs[1-m][i].ID, jobs[m][i].ID) })
		}
		wg.Wait()
	})
	// One member ends a parent in the moment in which the other adds its child.
	for i := range 40 {
		parent := f.Running(f.Spec(), "r1", session)
		report := f.NewReport(parent, fleet.ReportComplete, int64(1000+i))
		both(list, func(m int, s store.Store) {
			if m == 0 {
				if _, err := s.Report(t.Context(), f.Scope, []fleet.Report{report}, f.Now); err != nil {
					t.Error(err)
				}
				return
			}
			children = append(children, child(s, parent.ID))
		})
	}
	for m := range late {
		children = append(children, late[m][:]...)
	}
	for _, id := range children {
		if j := f.Job(id); j.WaitingOn != fleet.WaitingRobot || j.DepsOpen != 0 {
			t.Errorf("child %s waits on %q for %d parents", id, j.WaitingOn, j.DepsOpen)
		}
	}
	counted(t, f, "select count(*) from events where kind = 'job.released'", len(children))
	f.CheckInvariants()
}

// TestSlotsOnTwoMembers lets two members plan onto the same robots, each more
// than there is room for.
func TestSlotsOnTwoMembers(t *testing.T) {
	f, list := members(t, Options{})
	const robots, slots = 3, 4
	sessions := map[fleet.RobotID]int64{}
	for i := range robots {
		id := fleet.RobotID(fmt.Sprint("r", i))
		sessions[id] = f.Robot(id, slots)
	}
	var jobs []fleet.Job
	for range 4 * robots * slots {
		jobs = append(jobs, f.Submit(f.Spec()))
	}
	var mu sync.Mutex
	won, held := map[fleet.ID]int{}, map[fleet.RobotID]int{}
	both(list, func(m int, s store.Store) {
		var wg sync.WaitGroup
		for c := range 8 {
			wg.Go(func() {
				for n := range 10 {
					robot := fleet.RobotID(fmt.Sprint("r", (c+n+m)%robots))
					var plan []store.Assignment
					for k := range 3 {
						plan = append(plan, f.Plan(jobs[(7*c+5*n+3*m+k)%len(jobs)], robot, sessions[robot]))
					}
					got, lost, err := s.Assign(t.Context(), f.Scope, plan, f.Now)
					if err != nil || len(got)+len(lost) != len(plan) {
						t.Errorf("won %d and lost %d of %d: %v", len(got), len(lost), len(plan), err)
					}
					mu.Lock()
					for _, w := range got {
						won[w.Job.ID]++
						held[w.Assignment.RobotID]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	})
	for id, n := range won {
		if n != 1 {
			t.Errorf("job %s was given %d times", id, n)
		}
	}
	for robot, n := range held {
		if n != slots {
			t.Errorf("%s holds %d of %d", robot, n, slots)
		}
	}
	f.CheckInvariants()
}

// TestAccountOnTwoMembers lets two members plan jobs that need the same exclusive
// secrets, in different orders: one of them wins, and nobody waits for ever.
func TestAccountOnTwoMembers(t *testing.T) {
	f, list := members(t, Options{})
	sessions := [2]int64{f.Robot("r0", 50), f.Robot("r1", 50)}
	f.Update(func(tx store.Tx) error {
		return errors.Join(tx.PutSecret(fleet.Secret{Tenant: f.Tenant, Name: "crm", Exclusive: true}), tx.PutSecret(fleet.Secret{Tenant: f.Tenant, Name: "erp", Exclusive: true}))
	})
	for range 15 {
		var jobs [2][]fleet.Job
		for m := range jobs {
			for i := range 4 {
				spec := f.Spec()
				spec.Placement.Secrets = [][]string{{"crm"}, {"erp"}, {"crm", "erp"}, {"other"}}[(i+2*m)%4]
				jobs[m] = append(jobs[m], f.Submit(spec))
			}
		}
		var won [2][]store.Won
		both(list, func(m int, s store.Store) {
			var plan []store.Assignment
			for _, j := range jobs[m] {
				plan = append(plan, f.Plan(j, fleet.RobotID(fmt.Sprint("r", m)), sessions[m]))
			}
			var err error
			if won[m], _, err = s.Assign(t.Context(), f.Scope, plan, f.Now); err != nil {
				t.Error(err)
			}
		})
		has := map[string]int{}
		for _, w := range slices.Concat(won[0], won[1]) {
			for _, name := range w.Job.Placement.Secrets {
				has[name]++
			}
			f.Report(f.NewReport(f.Accept(w.Job), fleet.ReportComplete, 0))
		}
		if has["crm"] != 1 || has["erp"] != 1 || has["other"] != 2 {
			t.Fatalf("holders %v", has)
		}
		for _, j := range slices.Concat(jobs[0], jobs[1]) {
			if f.Job(j.ID).State == fleet.Pending {
				f.Cancel(j.ID)
			}
		}
	}
	f.CheckInvariants()
}

// TestSameNamesOnTwoMembers makes the same lanes and workflows on two members
// at once. Of a workflow one wins, and the other is told so in the store's own
// words.
func TestSameNamesOnTwoMembers(t *testing.T) {
	f, list := members(t, Options{})
	for i := range 30 {
		var errs [2]error
		both(list, func(m int, s store.Store) {
			spec := f.Spec()
			spec.Environment = fmt.Sprint("env-", i)
			if out, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{f.Submission(spec)}); err != nil || out[0].Err != nil {
				t.Errorf("member %d: %v %v", m, err, out)
			}
		})
		both(list, func(m int, s store.Store) {
			errs[m] = s.Update(t.Context(), f.Scope, func(tx store.Tx) error {
				return tx.PutWorkflow(fleet.Workflow{ID: f.IDs.New(), Tenant: f.Tenant, Name: fmt.Sprint("w", i), CreatedAt: f.Now})
			})
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("workflow %d: %v and %v", i, errs[0], errs[1])
		}
		for _, err := range errs {
			if e := fleet.AsError(err); err != nil && e.Reason != "workflow_name_taken" {
				t.Errorf("workflow %d: %s: %v", i, e.Reason, err)
			}
		}
	}
	counted(t, f, "select count(*) from lanes", 30)
	counted(t, f, "select count(*) from workflows", 30)
	f.CheckInvariants()
}

// counted asks the database for a number.
func counted(t testing.TB, f *storetest.Fixture, sql string, want int) {
	t.Helper()
	rows, err := f.Store.(storetest.Queryer).QueryText(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	if got := rows[0][0]; got != fmt.Sprint(want) {
		t.Errorf("%s: %s, want %d", sql, got, want)
	}
}

// TestChangesOfASecretOnTwoMembers changes one secret and one asset on both at
// once: who restricts it must not be undone by who sets a value.
func TestChangesOfASecretOnTwoMembers(t *testing.T) {
	f, list := members(t, Options{})
	const each = 40
	change := func(member int, tx store.Tx) error {
		s, err := tx.Secret("erp")
		if errors.Is(err, fleet.ErrNotFound) {
			s, err = fleet.Secret{Tenant: f.Tenant, Name: "erp"}, nil
		}
		if err != nil {
			return err
		}
		a, err := tx.Asset("erp")
		if errors.Is(err, fleet.ErrNotFound) {
			a, err = fleet.Asset{Tenant: f.Tenant, Name: "erp"}, nil
		}
		if err != nil {
			return err
		}
		s.Environments, a.Description = append(s.Environments, fmt.Sprint(member)), a.Description+"."
		return errors.Join(tx.PutSecret(s), tx.PutAsset(a))
	}
	both(list, func(m int, s store.Store) {
		for range each {
			if err := s.Update(t.Context(), f.Scope, func(tx store.Tx) error { return change(m, tx) }); err != nil {
				t.Error(err)
			}
		}
	})
	f.View(func(r store.Reader) error {
		s, err := r.Secret("erp")
		if err == nil && len(s.Environments) != 2*each {
			t.Errorf("%d changes of the secret are left of %d", len(s.Environments), 2*each)
		}
		a, aerr := r.Asset("erp")
		if aerr == nil && len(a.Description) != 2*each {
			t.Errorf("%d changes of the asset are left of %d", len(a.Description), 2*each)
		}
		return errors.Join(err, aerr)
	})
}
