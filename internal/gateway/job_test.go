package gateway_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
	"github.com/casarerpa/fleet/wire"
)

func TestJobStartsOnlyAfterItsCommit(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit(func(r *orchestrator.SubmitRequest) { r.Variables = json.RawMessage(`{"n":1}`) })
	m := expect[*wire.JobAssign](r)
	if m.JobID != job.ID || m.Epoch != 1 || m.Number != 1 || string(m.Variables) != `{"n":1}` || len(m.Workflow) == 0 || m.WorkflowHash != job.Workflow.Hash {
		t.Errorf("offer %+v", m)
	}
	if got := w.job(job.ID).Job.State; got != fleet.Assigned {
		t.Errorf("offered, the job is %s", got)
	}
	id := r.send(&wire.JobAccept{Ref: m.Ref})
	start := expect[*wire.JobStart](r)
	if got := w.job(job.ID).Job; got.State != fleet.Running || got.Epoch != m.Epoch || start.Echo != id {
		t.Errorf("at job_start (%+v) the job is %s in epoch %d", start, got.State, got.Epoch)
	}
	// An answer that was lost is given again.
	r.send(&wire.JobAccept{Ref: m.Ref})
	if again := expect[*wire.JobStart](r); again.Ref != m.Ref {
		t.Errorf("the second accept was answered with %+v", again)
	}
	r.says(&wire.JobStarted{Ref: m.Ref}, fleet.VerdictApplied)
	r.says(&wire.JobStarted{Ref: m.Ref}, fleet.VerdictDuplicate)
	r.says(complete(m.Ref), fleet.VerdictApplied)
	if got := w.job(job.ID); got.Job.State != fleet.Completed || string(got.Data.Result) != `{"ok":true}` {
		t.Errorf("job is %s with the result %s", got.Job.State, got.Data.Result)
	}
}

func TestRejectGoesToAnotherRobot(t *testing.T) {
	w := newWorld(t)
	a, b := w.connected("a"), w.connected("b")
	job := w.submit(func(r *orchestrator.SubmitRequest) { r.Priority = new(fleet.Priority) })
	ref := a.offered(job.ID) // of two equal robots the first by id
	a.send(&wire.JobReject{Ref: ref, Reason: fleet.RejectNoSpace, Detail: "disk full"})
	second := b.start(job.ID)
	got := w.job(job.ID).Job
	if got.RetriesUsed != 0 || got.LostUsed != 0 || got.RejectedBy != 1 || second.Epoch != 2 {
		t.Errorf("a reject cost something: %+v", got)
	}
	// Refusal memory: when b gives up, a is still left out for this job, and the
	// answer says so.
	b.says(&wire.JobFailed{Ref: second, Error: fleet.JobError{Class: fleet.ClassInfrastructure, Message: "no"}}, fleet.VerdictApplied)
	w.eventually("the job waits for its robots", func() bool {
		v := w.job(job.ID)
		return v.Job.WaitingCode == fleet.CodeRejectedByAll && strings.Contains(v.Waiting, "refused")
	})
	none[*wire.JobAssign](a)
	// A late reject of the old epoch changes nothing.
	a.send(&wire.JobReject{Ref: ref, Reason: fleet.RejectAtCapacity})
	a.answered()
	if now := w.job(job.ID).Job; now.RejectedBy != 1 || now.Epoch != 2 {
		t.Errorf("a late reject was counted: %+v", now)
	}
}

func TestRejectAsInvalidFails(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	r.send(&wire.JobReject{Ref: r.offered(job.ID), Reason: fleet.RejectInvalid, Detail: "no such node"})
	if got := w.reaches(job.ID, fleet.Failed); !got.DeadLetter || got.ErrorClass != fleet.ClassInvalid {
		t.Errorf("%+v", got)
	}
}

func TestVerdicts(t *testing.T) {
	w := newWorld(t)
	a, b := w.connected("a"), w.connected("b")
	b.send(&wire.RobotDrain{Reason: "the test"})
	expect[*wire.DrainAck](b)
	job := w.submit()
	first := a.start(job.ID)
	b.says(complete(first), fleet.VerdictInvalid) // never given to it
	a.says(complete(wire.Ref{JobID: job.ID, Epoch: 7}), fleet.VerdictInvalid)
	a.says(complete(wire.Ref{JobID: "01939c3e-7b1a-7c3d-8e4f-0123456789ab", Epoch: 1}), fleet.VerdictInvalid)
	a.says(&wire.JobFailed{Ref: first, Error: fleet.JobError{Class: fleet.ClassInfrastructure, Message: "gone"}}, fleet.VerdictApplied)
	second := job.ID
	c := w.connected("c")
	ref := c.start(second)
	if ref.Epoch != 2 {
		t.Fatalf("epoch %d", ref.Epoch)
	}
	a.says(complete(first), fleet.VerdictStale)
	c.says(complete(ref), fleet.VerdictApplied)
	c.says(complete(ref), fleet.VerdictDuplicate)
	c.says(&wire.JobFailed{Ref: ref, Error: fleet.JobError{Message: "after all"}}, fleet.VerdictStale)
	if got := w.job(job.ID); got.Job.State != fleet.Completed || got.Data.Error != nil {
		t.Errorf("%s, error %+v", got.Job.State, got.Data.Error)
	}
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	r.reports++
	r.raw(fmt.Sprintf(`{"v":2,"type":"job_complete","id":"x","seq":9,"session":1,"report_id":%d,"weather":"fine","payload":
		{"job_id":"%s","epoch":%d,"result":{"ok":1},"duration_ms":5,"mood":{"a":[1]}}}`, r.reports, ref.JobID, ref.Epoch))
	if v := r.verdict(r.reports); v.Verdict != fleet.VerdictApplied {
		t.Errorf("verdict %+v", v)
	}
	r.raw(`{"v":2,"type":"sing","id":"y","payload":{}}`)
	if e := expect[*wire.Error](r); e.Code != wire.UnknownType || e.InReplyTo != "y" {
		t.Errorf("%+v", e)
	}
}

func TestHeartbeat(t *testing.T) {
	w := newWorld(t)
	r := w.robot("r1")
	r.slots = 4
	r.connect()
	job, other := w.submit(), w.submit()
	ref, lost := r.start(job.ID), r.start(other.ID)
	gone := wire.Ref{JobID: job.ID, Epoch: 9}
	ack := r.beat(ref, lost, gone)
	if len(ack.Renewed) != 2 || len(ack.Stale) != 1 || ack.Stale[0] != gone || len(ack.Cancel) != 0 || ack.Mode != fleet.ModeActive {
		t.Errorf("%+v", ack)
	}
	if got := w.job(job.ID).Job.Progress; got != 50 {
		t.Errorf("progress %d", got)
	}
	// Left out once is nothing, twice is proof.
	r.beat(ref)
	if got := w.job(other.ID).Job.State; got != fleet.Running {
		t.Errorf("after one beat without it the job is %s", got)
	}
	r.beat(ref)
	got := w.reaches(other.ID, fleet.Pending)
	if got.LostUsed != 0 {
		t.Errorf("an attempt that never began cost %d", got.LostUsed)
	}
	if _, err := w.core.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{Grace: time.Minute}); err != nil {
		t.Fatal(err)
	}
	ack = r.beat(ref)
	if len(ack.Cancel) != 1 || ack.Cancel[0].Ref != ref || ack.Cancel[0].Cause != fleet.StopCancel || ack.Cancel[0].Grace.Std() < 50*time.Second {
		t.Errorf("%+v", ack)
	}
}

// What a robot reports of itself is text from outside.
func TestHeartbeatTextsAreBounded(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	long := strings.Repeat("ä", 100_000)
	r.send(&wire.Heartbeat{Status: fleet.Reported(long), Attempts: []wire.BeatAttempt{{Ref: ref, Node: long}}})
	expect[*wire.HeartbeatAck](r)
	robot, err := w.core.Robots.Get(t.Context(), w.admin, "r1")
	w.must(err)
	if len(robot.Reported) > 64 || len(w.job(job.ID).Job.CurrentNode) > 256 {
		t.Errorf("kept %d and %d bytes", len(robot.Reported), len(w.job(job.ID).Job.CurrentNode))
	}
}

// A progress message is no heartbeat: what the robot last said of itself stays.
func TestProgressKeepsTheSample(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	r.send(&wire.Heartbeat{Status: fleet.ReportedPaused, CPUPercent: 40, Attempts: []wire.BeatAttempt{{Ref: ref}}})
	expect[*wire.HeartbeatAck](r)
	r.send(&wire.JobProgress{Ref: ref, Progress: 70, CurrentNode: "n", Message: "half"})
	r.answered()
	robot, err := w.core.Robots.Get(t.Context(), w.admin, "r1")
	w.must(err)
	if got := w.job(job.ID).Job; got.Progress != 70 || got.CurrentNode != "n" {
		t.Errorf("%+v", got)
	}
	if robot.Metrics.CPUPercent != 40 || robot.Reported != fleet.ReportedPaused {
		t.Errorf("a progress message changed the sample: %+v, %s", robot.Metrics, robot.Reported)
	}
}

func TestCancelOfAnOffer(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.offered(job.ID)
	answer, err := w.core.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{})
	if err != nil || !answer.Accepted || answer.Job.State != fleet.Cancelled || answer.Previous != fleet.Assigned {
		t.Fatalf("%+v, %v", answer, err)
	}
	if m := expect[*wire.JobForget](r); m.Ref != ref {
		t.Errorf("%+v", m)
	}
	r.send(&wire.JobAccept{Ref: ref}) // it was on its way
	if m := expect[*wire.JobForget](r); m.Ref != ref || m.Reason != wire.ForgetFenced {
		t.Errorf("%+v", m)
	}
	none[*wire.JobStart](r)
}

func TestCancelOfARun(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	_, err := w.core.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{Grace: time.Minute, Reason: "wrong file"})
	w.must(err)
	if m := expect[*wire.JobCancel](r); m.Ref != ref || m.Cause != fleet.StopCancel || m.Force || m.Grace.Std() < 50*time.Second {
		t.Errorf("%+v", m)
	}
	r.says(&wire.JobCancelled{Ref: ref, By: fleet.ByRequest, How: fleet.StoppedForced}, fleet.VerdictApplied)
	if got := w.job(job.ID).Job; got.State != fleet.Cancelled || got.CancelOutcome != fleet.StoppedForced {
		t.Errorf("%s, %s", got.State, got.CancelOutcome)
	}
	again, err := w.core.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{})
	if err != nil || again.Accepted || again.Job.State != fleet.Cancelled {
		t.Errorf("%+v, %v", again, err)
	}
}

// Of a cancel and a completion at once one wins, and both sides learn which.
func TestCancelAgainstComplete(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	for range 30 {
		job := w.submit()
		ref := r.start(job.ID)
		var answer orchestrator.CancelAnswer
		var err error
		var wg sync.WaitGroup
		wg.Go(func() {
			answer, err = w.core.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{Grace: time.Minute})
		})
		r.says(complete(ref), fleet.VerdictApplied)
		wg.Wait()
		w.must(err)
		got := w.job(job.ID).Job
		if got.State != fleet.Completed || got.CancelTooLate != answer.Accepted {
			t.Fatalf("job is %s, too late %v; the cancel was told %+v", got.State, got.CancelTooLate, answer)
		}
	}
}

func TestUnreadableReport(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	r.reports++
	r.raw(fmt.Sprintf(`{"v":2,"type":"job_complete","id":"bad","report_id":%d,"payload":{"job_id":"%s","epoch":%d,"result":[1]}}`,
		r.reports, ref.JobID, ref.Epoch))
	if v := r.verdict(r.reports); v.Verdict != fleet.VerdictInvalid || v.Reason == "" {
		t.Errorf("%+v", v)
	}
	if e := expect[*wire.Error](r); e.Code != wire.BadPayload || e.InReplyTo != "bad" {
		t.Errorf("%+v", e)
	}
	// It does not come back, and the robot that drops it is given work again.
	r.vanish()
	<-r.ended
	got := r.connect(wire.HeldAttempt{Ref: ref, Phase: wire.PhaseRunning})
	if got.CommittedReportID != r.reports {
		t.Errorf("committed %d, want %d: the report would be sent for ever", got.CommittedReportID, r.reports)
	}
	r.says(complete(ref), fleet.VerdictApplied)
	r.start(w.submit().ID)
}

// The answer to an unreadable report says "up to": everything before it must
// be on disk by then.
func TestUnreadableReportWaitsForThoseBeforeIt(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	for range 20 {
		job := w.submit()
		ref := r.start(job.ID)
		good := r.report(complete(ref))
		r.reports++
		r.raw(fmt.Sprintf(`{"v":2,"type":"job_started","id":"bad","report_id":%d,"payload":{"job_id":"?","epoch":1}}`, r.reports))
		for seen := int64(0); seen < r.reports; {
			ack := expect[*wire.ReportAck](r)
			if ack.Upto >= good && w.job(job.ID).Job.State != fleet.Completed {
				t.Fatalf("reports up to %d are acknowledged, and report %d is not committed", ack.Upto, good)
			}
			seen = ack.Upto
		}
	}
}

func TestCheckpointIsCommitted(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	r.says(&wire.Checkpoint{Ref: ref, Node: "s", Data: []byte(`{"i":1}`)}, fleet.VerdictApplied)
	r.vanish()
	<-r.ended
	if got := r.connect(wire.HeldAttempt{Ref: ref, Phase: wire.PhaseRunning}); got.CommittedReportID != r.reports {
		t.Errorf("committed %d, want %d: the robot would think that the store went back", got.CommittedReportID, r.reports)
	}
}

// A job that goes on from a checkpoint is offered with it, and only to a session
// that knows checkpoints.
func TestOfferWithCheckpoint(t *testing.T) {
	w := newWorld(t)
	old := w.connected("r1")
	once := 0
	job := w.submit(func(r *orchestrator.SubmitRequest) {
		r.Retry = &fleet.RetryChange{Max: &once}
		r.Variables = []byte(`{"n":1}`)
	})
	ref := old.start(job.ID)
	data := fmt.Sprintf(`{"format":1,"workflow":%q,"node":"s","before":[]}`, job.Workflow.Hash)
	old.says(&wire.Checkpoint{Ref: ref, Node: "s", Data: []byte(data)}, fleet.VerdictApplied)
	old.says(&wire.JobFailed{Ref: ref, Error: fleet.JobError{Class: fleet.ClassApplication, Message: "no", Node: "s"}}, fleet.VerdictApplied)
	again, _, err := w.core.Jobs.Retry(t.Context(), w.admin, job.ID, orchestrator.RetryHow{From: orchestrator.RetryFromFailed})
	if err != nil {
		t.Fatal(err)
	}
	old.beat()
	none[*wire.JobAssign](old)
	able := w.robot("r2")
	able.features = []string{wire.FeatureCheckpoint}
	able.connect()
	m := expect[*wire.JobAssign](able)
	if m.JobID != again.ID || string(m.Checkpoint) != data || m.Variables != nil {
		t.Errorf("the offer is %+v", m)
	}
}

func TestDrainingRobotIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	r := w.robot("r1")
	r.slots = 5
	r.connect()
	job := w.submit()
	ref := r.start(job.ID)
	r.send(&wire.RobotDrain{Reason: "update"})
	expect[*wire.DrainAck](r)
	r.says(complete(ref), fleet.VerdictApplied)
	if robots := w.gateway.Present(); len(robots) != 0 {
		t.Errorf("a draining robot is offered work: %+v", robots)
	}
	w.submit()
	r.beat()
	none[*wire.JobAssign](r)
}

func TestEffects(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit(func(r *orchestrator.SubmitRequest) { r.RetrySafety = fleet.RetryAlways })
	ref := r.start(job.ID)
	begin := func(ref wire.Ref, key string) *wire.EffectBegin {
		return &wire.EffectBegin{Ref: ref, Node: "pay", EffectKey: key}
	}
	r.says(begin(ref, "1"), fleet.VerdictGo)
	r.says(begin(ref, "1"), fleet.VerdictGo) // the answer was lost
	r.says(&wire.EffectEnd{Ref: ref, Node: "pay", EffectKey: "1", OK: true, Outcome: []byte(`{"paid":7}`)}, fleet.VerdictApplied)
	r.says(&wire.JobFailed{Ref: ref, Error: fleet.JobError{Class: fleet.ClassInfrastructure, Message: "no screen"}}, fleet.VerdictApplied)
	r.says(begin(ref, "2"), fleet.VerdictStop)

	other := w.connected("r2")
	second := other.start(job.ID)
	if v := other.verdict(other.report(begin(second, "1"))); v.Verdict != fleet.VerdictSkip || string(v.Outcome) != `{"paid":7}` {
		t.Errorf("%+v", v)
	}
	other.says(begin(second, "2"), fleet.VerdictGo)
	_, err := w.core.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{Grace: time.Minute})
	w.must(err)
	other.says(begin(second, "3"), fleet.VerdictStop)
}

func TestLogs(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	lines := func(first int64, texts ...string) *wire.LogBatch {
		b := &wire.LogBatch{Ref: ref, FirstLine: first}
		for _, text := range texts {
			b.Lines = append(b.Lines, wire.LogLine{Level: "info", Message: text})
		}
		return b
	}
	for _, c := range []struct {
		batch *wire.LogBatch
		next  int64
	}{
		{lines(1, "a", "b"), 3},
		{lines(1, "a", "b"), 3},      // repeated
		{lines(2, "B", "c"), 4},      // overlapping: what is there stays
		{lines(9, "z"), 4},           // a gap
		{lines(4, "d", "e", "f"), 7}, // the robot goes on where it was told
	} {
		r.send(c.batch)
		if ack := expect[*wire.LogAck](r); ack.NextLine != c.next || ack.Window == 0 || ack.Ref != ref {
			t.Errorf("batch from %d: %+v, want next line %d", c.batch.FirstLine, ack, c.next)
		}
	}
	_, got, err := w.core.Jobs.Log(t.Context(), w.admin, job.ID, store.LogQuery{})
	w.must(err)
	var text []string
	for _, l := range got {
		text = append(text, l.Message)
	}
	if strings.Join(text, "") != "abcdef" {
		t.Errorf("kept %q", text)
	}
	foreign := w.connected("r2")
	foreign.send(lines(7, "from another robot"))
	if ack := expect[*wire.LogAck](foreign); ack.Window != 0 {
		t.Errorf("another robot may go on: %+v", ack)
	}
}

func TestLargeDocumentTravelsByReference(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	var doc map[string]any
	w.must(json.Unmarshal([]byte(document), &doc))
	doc["variables"] = map[string]any{"text": map[string]any{"name": "text", "type": "String", "default_value": strings.Repeat("x", wire.MaxDocument)}}
	body, err := json.Marshal(doc)
	w.must(err)
	job := w.submit(func(r *orchestrator.SubmitRequest) { r.Document = body })
	m := expect[*wire.JobAssign](r)
	if m.Workflow != nil || m.WorkflowRef != job.Workflow.Hash {
		t.Fatalf("offer by reference %q with %d bytes", m.WorkflowRef, len(m.Workflow))
	}
}

func TestResultByReference(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	job := w.submit()
	ref := r.start(job.ID)
	body := []byte(`{"big":"` + strings.Repeat("y", wire.MaxInline) + `"}`)
	sum := sha256.Sum256(body)
	m := &wire.JobComplete{Ref: ref, ResultRef: &wire.ResultRef{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(body))}}
	r.report(m)
	if e := expect[*wire.Error](r); e.Code != "result_missing" {
		t.Errorf("%+v", e)
	}
	r.closedWith(wire.CloseLater)
	if got := w.job(job.ID).Job.State; got != fleet.Running {
		t.Errorf("job is %s", got)
	}
	keys, err := w.keys.List(t.Context(), w.admin)
	w.must(err)
	p, err := auth.NewResolver(w.keys).Resolve(t.Context(), auth.Presented{Bearer: r.key})
	w.must(err)
	w.must(w.core.Attempts.PutResult(p, m.ResultRef.SHA256, body))
	r.connect(wire.HeldAttempt{Ref: ref, Phase: wire.PhaseFinished})
	if len(r.welcome.Desired) != 1 || r.welcome.Desired[0].Want != wire.WantReport {
		t.Errorf("desired %+v (%d keys)", r.welcome.Desired, len(keys))
	}
	r.write(m, r.reports)
	if v := r.verdict(r.reports); v.Verdict != fleet.VerdictApplied {
		t.Errorf("%+v", v)
	}
	if got := w.job(job.ID); string(got.Data.Result) != string(body) {
		t.Errorf("the result has %d bytes, want %d", len(got.Data.Result), len(body))
	}
}

// A result that is no object would make the job unreadable for ever.
func TestUploadedResultMustBeAnObject(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	p, err := auth.NewResolver(w.keys).Resolve(t.Context(), auth.Presented{Bearer: r.key})
	w.must(err)
	for _, body := range []string{"", "nonsense", `[1]`, `{"a":`, `{} {}`} {
		sum := sha256.Sum256([]byte(body))
		if err := w.core.Attempts.PutResult(p, hex.EncodeToString(sum[:]), []byte(body)); err == nil {
			t.Errorf("%q was taken", body)
		}
	}
}

// Whatever is taken in must reach a robot: a frame that cannot be read ends
// the connection of every robot that it is offered to, again and again.
func TestDeepestInputsArrive(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	taken := 0
	for depth := 50; depth <= 70; depth++ {
		for _, req := range []orchestrator.SubmitRequest{
			{Document: []byte(document), Variables: json.RawMessage(nested(depth))},
			{Document: []byte(strings.Replace(document, `"config":{}`, `"config":{"x":`+nested(depth-4)+`}`, 1))},
		} {
			out, err := w.core.Jobs.Submit(t.Context(), w.admin, req)
			if err != nil {
				continue
			}
			taken++
			r.says(complete(r.start(out.Job.ID)), fleet.VerdictApplied)
		}
	}
	if taken < 2*(fleet.MaxNesting-50) || fleet.MaxNesting != wire.MaxDepth-2 {
		t.Errorf("only %d were taken in", taken)
	}
}

// Heartbeats that were sent before an attempt was taken say nothing about it,
// however long they lie in a network or before a slow database.
func TestOldHeartbeatsTakeNothingAway(t *testing.T) {
	var slow *storetest.Faulty
	release := make(chan struct{})
	w := newWorld(t, func(w *world) {
		w.wrap = func(s store.Store) store.Store { slow = storetest.NewFaulty(s); return slow }
	})
	r := w.connected("r1")
	slow.Plan("Beat", storetest.Fault{Delay: release}, storetest.Fault{Delay: release})
	r.send(&wire.Heartbeat{Status: fleet.ReportedReady})
	w.eventually("the first heartbeat is at the store", func() bool { return slow.Hits("Beat") == 1 })
	r.send(&wire.Heartbeat{Status: fleet.ReportedReady}) // waits behind it
	job := w.submit()
	ref := r.start(job.ID)
	close(release)
	expect[*wire.HeartbeatAck](r)
	expect[*wire.HeartbeatAck](r)
	r.beat(ref)
	if got := w.job(job.ID).Job; got.State != fleet.Running || got.Epoch != ref.Epoch {
		t.Fatalf("the job is %s, epoch %d", got.State, got.Epoch)
	}
	// Two that were sent afterwards and leave it out take it away.
	r.beat()
	r.beat()
	w.eventually("the attempt is lost", func() bool { return w.job(job.ID).Job.State == fleet.Pending })
}
