package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Checkpoint is one as far as the store looks into it.
func Checkpoint(workflow, node string, before ...string) json.RawMessage {
	quoted := make([]string, len(before))
	for i, id := range before {
		quoted[i] = strconv.Quote(id)
	}
	return fmt.Appendf(nil, `{"before":[%s],"format":1,"node":%q,"workflow":%q}`, strings.Join(quoted, ","), node, workflow)
}

// checkpoint reads what a job left and what it starts from.
func (f *Fixture) checkpoint(id fleet.ID) (left fleet.Checkpoint, starts *fleet.Resumption) {
	f.Helper()
	f.View(func(r store.Reader) (err error) {
		left, starts, err = r.Checkpoint(id)
		return err
	})
	return left, starts
}

// testCheckpoints: a checkpoint is kept with its attempt, is that of the newest
// attempt, and goes with a job that starts from it into its offer.
func testCheckpoints(f *Fixture) {
	session := f.Robot("r1", 9)
	j := f.Running(f.Spec(), "r1", session)
	say := func(what string, id int64, want fleet.VerdictKind, change func(r *fleet.Report)) {
		f.Helper()
		r := f.NewReport(j, fleet.ReportCheckpoint, id)
		change(&r)
		is(f, what, f.Report(r)[0].Verdict, want)
	}
	none := func(*fleet.Report) {}
	left, starts := f.checkpoint(j.ID)
	is(f, "none yet", left.Epoch == 0 && left.Data == nil && starts == nil, true)
	say("nothing", 1, fleet.VerdictInvalid, func(r *fleet.Report) { r.Outcome = nil })
	say("no JSON", 2, fleet.VerdictInvalid, func(r *fleet.Report) { r.Outcome = []byte(`{"a`) })
	say("too large", 3, fleet.VerdictInvalid, func(r *fleet.Report) {
		r.Outcome, _ = json.Marshal(map[string]string{"a": string(make([]byte, fleet.MaxCheckpoint))})
	})
	say("of another robot", 4, fleet.VerdictStale, func(r *fleet.Report) { r.RobotID = "r2" })
	say("a reason", 5, fleet.VerdictApplied, func(r *fleet.Report) { r.Outcome, r.Reason = nil, "node p holds a page" })
	left, _ = f.checkpoint(j.ID)
	is(f, "the reason", left.Reason, "node p holds a page")
	is(f, "no data", len(left.Data), 0)

	failed := f.NewReport(j, fleet.ReportFailed, 7)
	failed.Error.Class = fleet.ClassBusiness
	verdicts := f.Report(f.NewReport(j, fleet.ReportCheckpoint, 6), failed)
	is(f, "with the end", verdicts[0].Verdict, fleet.VerdictApplied)
	is(f, "the end", verdicts[1].Verdict, fleet.VerdictApplied)
	say("after the end", 8, fleet.VerdictStale, none)
	left, _ = f.checkpoint(j.ID)
	is(f, "data", string(left.Data), string(Checkpoint("abc", "n1", "s")))
	is(f, "epoch", left.Epoch, j.Epoch)
	is(f, "no reason any more", left.Reason, "")
	done := f.Job(j.ID)
	is(f, "resumable", *done.Resumable(left), fleet.Resumable{Node: "n1"})

	again := f.Submission(f.Spec())
	again.Data.Resumes = &fleet.Resumption{From: j.ID, Node: "n1", Data: left.Data}
	got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{again})
	f.must(err)
	f.must(got[0].Err)
	_, starts = f.checkpoint(got[0].Job.ID)
	if starts == nil {
		f.Fatalf("the new job starts from the start")
	}
	is(f, "from", starts.From, j.ID)
	is(f, "node", starts.Node, "n1")
	is(f, "before", len(starts.Before), 1)
	is(f, "what it starts from", string(starts.Data), string(left.Data))
	for range 2 { // an attempt that is lost starts from it again
		won, _, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(f.Job(got[0].Job.ID), "r1", session)}, f.Now)
		f.must(err)
		is(f, "offers", len(won), 1)
		is(f, "in the offer", string(won[0].Resumes), string(left.Data))
		f.Accept(won[0].Job)
		f.must(f.Move(won[0].Job.ID, func(s fleet.Subject) (*fleet.Move, error) {
			return s.Lose(fleet.Loss{Epoch: won[0].Job.Epoch, Reason: "silent"}, f.Now)
		}))
		f.Later(time.Hour)
		f.must(f.Move(won[0].Job.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.Due(f.Now) }))
		f.Update(func(tx store.Tx) error { return tx.ClearRefusals("r1") })
	}
	plain, _, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(f.Submit(f.Spec()), "r1", session)}, f.Now)
	f.must(err)
	is(f, "no other offer has one", len(plain[0].Resumes), 0)

	f.Other("globex").View(func(r store.Reader) error {
		_, _, err := r.Checkpoint(j.ID)
		is(f, "of another tenant", errors.Is(err, fleet.ErrNotFound), true)
		return nil
	})
}
