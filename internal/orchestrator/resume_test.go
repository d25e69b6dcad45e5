package orchestrator

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// sign lets the robot of the world sign in with features.
func (w *world) sign(features, words []string) fleet.Robot {
	w.Helper()
	got, err := w.Robots.Connect(w.Context(), w.robot, Hello{
		Member: "m", Transport: "ws2", InstanceID: "i", JournalID: "j", Hostname: "h", Slots: 10, Features: features, Capabilities: words,
	}, "token")
	w.must(err)
	w.epoch = got.Session.Epoch
	return got.Robot
}

func (w *world) onceOnly() fleet.Job {
	none := 0
	return w.submit(func(r *SubmitRequest) { r.Retry = &fleet.RetryChange{Max: &none} })
}

// fails ends a job at node s; with a checkpoint or a reason.
func (w *world) fails(job fleet.Job, data json.RawMessage, reason string) {
	w.Helper()
	ref := w.start(job)
	if data != nil || reason != "" {
		if v := w.report(fleet.Report{Kind: fleet.ReportCheckpoint, Node: "s", Outcome: data, Reason: reason}, ref); v != fleet.VerdictApplied {
			w.Fatalf("the checkpoint got the verdict %s", v)
		}
	}
	w.fail(ref, fleet.ClassApplication)
}

func TestRetryFromTheFailedNode(t *testing.T) {
	w := newWorld(t)
	w.sign([]string{FeatureCheckpoint}, []string{"browser"})
	first := w.onceOnly()
	if v := w.get(first.ID); v.Resumable != nil || v.Resumed != nil {
		t.Errorf("a job that waits is %+v", v)
	}
	data := storetest.Checkpoint(first.Workflow.Hash, "s", "a", "b")
	w.fails(first, data, "")
	v := w.get(first.ID)
	if v.Resumable == nil || *v.Resumable != (fleet.Resumable{Node: "s"}) {
		t.Fatalf("resumable %+v", v.Resumable)
	}
	how := RetryHow{From: RetryFromFailed, Robot: RetrySameRobot}
	again, _, err := w.Jobs.Retry(t.Context(), w.admin, first.ID, how)
	w.must(err)
	if again.Workflow != first.Workflow || again.Target != "r1" || !slices.Equal(again.Requires, fleet.Capabilities{fleet.CapCheckpoints}) {
		t.Errorf("the new job is %+v", again)
	}
	r := w.get(again.ID).Resumed
	if r == nil || r.From != first.ID || r.Node != "s" || !slices.Equal(r.Before, []string{"a", "b"}) || string(r.Data) != string(data) {
		t.Errorf("it goes on from %+v", r)
	}
	rows, err := w.Audits.List(t.Context(), w.admin, AuditFilter{Action: "job.retry", Limit: 10})
	w.must(err)
	if len(rows) != 1 || !strings.Contains(string(rows[0].After), `"from_node":"s"`) {
		t.Errorf("the audit says %+v", rows)
	}

	// A retry of it from its start is one of the whole workflow, for any robot.
	w.fails(again, nil, "node p holds a page")
	v = w.get(again.ID)
	if v.Resumable == nil || *v.Resumable != (fleet.Resumable{Reason: "Node p holds a page."}) {
		t.Errorf("resumable %+v", v.Resumable)
	}
	_, _, err = w.Jobs.Retry(t.Context(), w.admin, again.ID, RetryHow{From: RetryFromFailed})
	w.is(err, fleet.CodeConflict, "not_resumable")
	if !strings.Contains(err.Error(), "Node p holds a page.") {
		t.Errorf("it says %v", err)
	}
	whole, _, err := w.Jobs.Retry(t.Context(), w.admin, again.ID, RetryHow{From: RetryFromStart})
	w.must(err)
	if len(whole.Requires) != 0 || w.get(whole.ID).Resumed != nil {
		t.Errorf("the retry from the start is %+v", whole)
	}
	_, _, err = w.Jobs.Retry(t.Context(), w.admin, first.ID, RetryHow{From: "middle"})
	if fleet.AsError(err).Code != fleet.CodeInvalid {
		t.Errorf("a word that is none: %v", err)
	}
}

// What cannot be gone on from says why.
func TestNotResumable(t *testing.T) {
	w := newWorld(t)
	w.sign([]string{FeatureCheckpoint}, nil)
	say := func(what string, job fleet.Job, want string) {
		t.Helper()
		v := w.get(job.ID)
		if v.Resumable == nil || v.Resumable.Node != "" || !strings.Contains(v.Resumable.Reason, want) {
			t.Errorf("%s: resumable %+v, want %q", what, v.Resumable, want)
		}
		if _, _, err := w.Jobs.Retry(t.Context(), w.admin, job.ID, RetryHow{From: RetryFromFailed}); err == nil {
			t.Errorf("%s: it was gone on from", what)
		}
	}
	none := w.onceOnly()
	w.fails(none, nil, "")
	say("no word", none, "left no checkpoint")

	other := w.onceOnly()
	w.fails(other, storetest.Checkpoint("another", "s"), "")
	say("another version", other, "another version of the workflow")

	stopped := w.submit()
	_, err := w.Jobs.Cancel(t.Context(), w.admin, stopped.ID, fleet.CancelRequest{})
	w.must(err)
	say("cancelled", stopped, "Only a job that failed")

	// The checkpoint of an attempt that was tried again is not that of the job.
	one := 1
	twice := w.submit(func(r *SubmitRequest) { r.Retry = &fleet.RetryChange{Max: &one} })
	w.fails(twice, storetest.Checkpoint(twice.Workflow.Hash, "s"), "")
	w.now = w.now.Add(3600e9)
	w.must(w.Attempts.Fire(t.Context(), w.admin.Scope(), store.Timer{Kind: store.TimerDue, JobID: twice.ID, Tenant: "default"}))
	w.fails(w.get(twice.ID).Job, nil, "")
	say("an older attempt's", twice, "left no checkpoint")
}

// Only a program that knows checkpoints makes its robot able to go on from one,
// whatever is said of its capabilities.
func TestOnlyProgramsKnowCheckpoints(t *testing.T) {
	w := newWorld(t)
	if r := w.sign(nil, []string{"browser", fleet.CapCheckpoints}); slices.Contains(r.Capabilities, fleet.CapCheckpoints) {
		t.Errorf("a robot that only says so has %v", r.Capabilities)
	}
	wish := []string{"browser", fleet.CapCheckpoints}
	edited, err := w.Robots.Edit(t.Context(), w.admin, "r1", RobotChange{Capabilities: &wish})
	w.must(err)
	if slices.Contains(edited.Capabilities, fleet.CapCheckpoints) {
		t.Errorf("a robot of which somebody says so has %v", edited.Capabilities)
	}
	first := w.onceOnly()
	w.fails(first, storetest.Checkpoint(first.Workflow.Hash, "s"), "")
	again, _, err := w.Jobs.Retry(t.Context(), w.admin, first.ID, RetryHow{From: RetryFromFailed})
	w.must(err)
	_, lost, err := w.store.Assign(t.Context(), w.admin.Scope(), []store.Assignment{{
		Tenant: "default", JobID: again.ID, Epoch: again.Epoch, RobotID: "r1", SessionEpoch: w.epoch, AcceptWithin: 10e9,
	}}, w.now)
	w.must(err)
	if len(lost) != 1 {
		t.Error("a robot that knows no checkpoints was given the job")
	}
	if v := w.get(again.ID); !strings.Contains(v.Waiting, fleet.CapCheckpoints) {
		t.Errorf("it waits because: %s", v.Waiting)
	}
	if r := w.sign([]string{FeatureCheckpoint}, nil); !slices.Equal(r.Capabilities, fleet.Capabilities{"browser", fleet.CapCheckpoints}) {
		t.Errorf("the newer program has %v", r.Capabilities)
	}
	w.start(again)
}

// A secret in a checkpoint is found here too, and then there is none.
func TestCheckpointShowsNoSecret(t *testing.T) {
	w := newWorld(t)
	w.sign([]string{FeatureCheckpoint}, nil)
	job := w.onceOnly()
	ref := w.start(job)
	w.Attempts.handed.add("default", ref, "c4n4ry-value")
	r := fleet.Report{Kind: fleet.ReportCheckpoint, Node: "s", Outcome: json.RawMessage(`{"workflow":"` + job.Workflow.Hash + `","node":"s","v":"c4n4ry-value"}`)}
	if v := w.report(r, ref); v != fleet.VerdictApplied {
		t.Fatalf("verdict %s", v)
	}
	w.fail(ref, fleet.ClassApplication)
	if v := w.get(job.ID).Resumable; v == nil || v.Reason != "What the run holds shows a secret." {
		t.Errorf("resumable %+v", v)
	}
}
