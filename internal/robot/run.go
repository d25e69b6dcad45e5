package robot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/wire"
	"github.com/casarerpa/fleet/workflow/value"
)

// maxPath bounds the execution path in a result.
const maxPath = 1000

// run is what the robot has of one attempt, from the offer on. Its context is
// kept in the struct because a stop comes from elsewhere.
type run struct {
	offer    *wire.JobAssign
	ctx      context.Context
	cancel   context.CancelCauseFunc
	soft     chan struct{} // closed when it shall stop after the node under way
	softly   sync.Once
	reserved bool // by the executor

	mu       sync.Mutex
	progress engine.Progress
	changed  bool
}

func newRun(offer *wire.JobAssign) *run {
	r := &run{offer: offer, soft: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	return r
}

// stop never blocks.
func (u *run) stop(s protocol.Stop) {
	u.softly.Do(func() { close(u.soft) })
	if s.Hard {
		u.cancel(&protocol.Stopped{By: s.By, Reason: "the attempt was stopped: " + string(s.By)})
	}
}

// consider finds out whether an offer can be taken.
func (r *Robot) consider(offer *wire.JobAssign) {
	run := r.d.run(offer.Ref)
	if run == nil {
		return
	}
	if err := fail.At(fail.RobotOfferReceived); err != nil {
		r.reject(offer.Ref, fleet.RejectAtCapacity, err.Error())
		return
	}
	if err := r.journal.Reserve(r.o.reserve); err != nil {
		r.log.Error("no space for the result of another job", "folder", r.o.DataDir, "error", err)
		r.reject(offer.Ref, fleet.RejectNoSpace, "the disk of the robot has no room for the result")
		return
	}
	run.reserved = true
	if offer.WorkflowRef == "" {
		r.accept(offer.Ref)
		return
	}
	r.uploads.Go(func() {
		ctx, cancel := context.WithTimeout(run.ctx, max(offer.AcceptWithin.Std()-2*time.Second, 5*time.Second))
		defer cancel()
		defer context.AfterFunc(r.base, cancel)()
		doc, err := r.fetch(ctx, offer.WorkflowRef)
		if err != nil {
			r.log.Warn("the document of an offer was not fetched", "job_id", offer.JobID, "error", err)
			r.reject(offer.Ref, fleet.RejectAtCapacity, "the document could not be fetched")
			return
		}
		r.d.mu.Lock()
		offer.Workflow = doc // nobody else looks at it before the start
		r.d.mu.Unlock()
		r.accept(offer.Ref)
	})
}

func (r *Robot) accept(ref wire.Ref) {
	r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect { return m.Accept(ref, now) })
}

func (r *Robot) reject(ref wire.Ref, reason fleet.RejectReason, detail string) {
	r.log.Info("job refused", "job_id", ref.JobID, "epoch", ref.Epoch, "reason", reason)
	r.d.do(func(m *protocol.Robot, _ protocol.Instant) []protocol.Effect { return m.Reject(ref, reason, detail, 0) })
}

// gone frees what an attempt had.
func (r *Robot) gone(ref wire.Ref) {
	if err := r.files.drop(ref); err != nil {
		r.log.Warn("files of a job were not removed", "job_id", ref.JobID, "error", err)
	}
	run := r.d.drop(ref)
	if run == nil {
		return
	}
	run.cancel(errEnded)
	if run.reserved {
		r.journal.Release(r.o.reserve)
	}
	r.logs.finished(ref)
}

// start begins a run. Its job_started is on the disk already.
func (r *Robot) start(e protocol.Start) {
	run := r.d.run(e.Offer.Ref)
	if run == nil {
		return
	}
	r.attempts.Go(func() { r.perform(run) })
}

// perform takes one attempt to its end and says how it ended.
func (r *Robot) perform(u *run) {
	ref := u.offer.Ref
	defer context.AfterFunc(r.base, func() { u.cancel(errEnded) })()
	log := r.log.With("job_id", ref.JobID, "epoch", ref.Epoch, "workflow", u.offer.WorkflowName)
	log.Info("job started", "attempt", u.offer.Number)
	began := r.o.clock()
	why := ""
	r.broke(fail.At(fail.RobotRunBegin))
	out, err := r.runJob(u)
	r.broke(fail.At(fail.RobotRunEnd))
	took := r.o.clock() - began
	if err != nil {
		why = errText(err)
	}
	end := r.ending(ref, out, err, took)
	r.flushProgress(ref, u)
	if end.HandsOver, err = r.files.seal(ref); err != nil {
		log.Warn("the files of the job are not safe from a power cut", "error", err)
	}
	if !end.HandsOver { // else they wait for it beside the files
		r.finishLogs(ref)
	}
	switch {
	case end.Complete != nil:
		log.Info("job completed", "took", took.Round(time.Millisecond))
	case end.Failed != nil:
		log.Warn("job failed", "took", took.Round(time.Millisecond), "class", end.Failed.Error.Class, "node", end.Failed.Error.Node, "reason", end.Failed.Error.Message)
	default:
		log.Warn("job stopped", "took", took.Round(time.Millisecond), "reason", why)
	}
	r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect { return m.Ended(ref, end, now) })
}

// runJob calls the runner. A panic in it must not take the other jobs down.
func (r *Robot) runJob(u *run) (out *engine.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("the runner broke down: %v", p)
		}
	}()
	variables, err := variablesOf(u.offer)
	if err != nil {
		return &engine.Outcome{Error: err.Error(), ErrorType: "ValueError", ErrorClass: engine.ClassInvalid}, nil
	}
	return r.o.Runner.Run(u.ctx, runner.Job{
		ID: string(u.offer.JobID), Priority: int(u.offer.Priority), Document: u.offer.Workflow, Variables: variables,
		Hash: u.offer.WorkflowHash, Checkpoint: true, Resume: u.offer.Checkpoint,
		Secret: func(ctx context.Context, name string) (string, error) { return r.secret(ctx, u, name) },
		Queues: &items{r: r, run: u},
		Keep:   func(_ context.Context, name string, body []byte) error { return r.files.put(u.offer.Ref, name, body) },
	}, &sink{run: u, logs: r.logs}, &gate{r: r, run: u})
}

func variablesOf(offer *wire.JobAssign) (*value.Map, error) {
	if len(offer.Variables) == 0 {
		return value.NewMap(), nil
	}
	v, err := value.Parse(offer.Variables)
	if err != nil {
		return nil, fmt.Errorf("the variables of the job cannot be read: %w", err)
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil, errors.New("the variables of the job are no object")
	}
	return m, nil
}

// ending says how a run ended, in the words of the protocol.
func (r *Robot) ending(ref wire.Ref, out *engine.Outcome, err error, took time.Duration) protocol.End {
	var stopped *protocol.Stopped
	switch {
	case errors.As(err, &stopped), errors.Is(err, errEnded), errors.Is(err, context.Canceled):
		return protocol.End{Stopped: &wire.JobCancelled{Ref: ref, Duration: fleet.Duration(took)}}
	case err != nil:
		return failed(ref, took, fleet.JobError{Class: fleet.ClassInfrastructure, Code: "robot_error", Type: "RobotError", Message: err.Error()}, nil)
	case out == nil:
		return failed(ref, took, fleet.JobError{Class: fleet.ClassInfrastructure, Code: "robot_error", Type: "RobotError", Message: "The runner gave no outcome."}, nil)
	}
	stats := map[string]int64{"nodes_executed": int64(out.Executed), "visits": out.Visits}
	if !out.Success {
		class := fleet.ErrorClass(out.ErrorClass)
		if class == "" {
			class = fleet.ClassApplication
		}
		end := failed(ref, took, fleet.JobError{
			Class: class, Type: out.ErrorType, Message: out.Error, Node: out.FailedNode, Stack: out.Stack,
		}, stats)
		end.Checkpoint = checkpoint(ref, out)
		return end
	}
	return completed(ref, out, took, stats)
}

// checkpoint is what a run that failed leaves for the one that goes on from it.
func checkpoint(ref wire.Ref, out *engine.Outcome) *wire.Checkpoint {
	switch {
	case len(out.Checkpoint) > 0:
		return &wire.Checkpoint{Ref: ref, Node: wire.Cut(out.CheckpointNode, 256), Data: out.Checkpoint}
	case out.NoCheckpoint != "":
		return &wire.Checkpoint{Ref: ref, Node: wire.Cut(out.FailedNode, 256), Data: []byte("{}"), Reason: wire.Cut(out.NoCheckpoint, wire.MaxMessage)}
	}
	return nil
}

func failed(ref wire.Ref, took time.Duration, e fleet.JobError, stats map[string]int64) protocol.End {
	e.Node = wire.Cut(e.Node, 256)
	return protocol.End{Failed: &wire.JobFailed{Ref: ref, Error: e.Normalize(), Duration: fleet.Duration(took), Stats: stats}}
}

// completed makes the result that clients read. A large one travels beside
// the channel; one beyond the limit is a failure that no retry would mend.
func completed(ref wire.Ref, out *engine.Outcome, took time.Duration, stats map[string]int64) protocol.End {
	variables := out.Variables
	if variables == nil {
		variables = value.NewMap()
	}
	res := wire.Result{
		Success: true, NodesExecuted: out.Executed, DurationMS: took.Milliseconds(), ExecutionPath: out.Path, Notes: out.Notes,
	}
	if len(res.ExecutionPath) > maxPath {
		res.ExecutionPath, res.PathCut = res.ExecutionPath[:maxPath], true
	}
	if res.ExecutionPath == nil {
		res.ExecutionPath = []string{}
	}
	vars, err := variables.MarshalJSON()
	var body []byte
	if err == nil {
		res.Variables = vars
		body, err = json.Marshal(res)
	}
	if err != nil {
		return failed(ref, took, fleet.JobError{
			Class: fleet.ClassApplication, Code: "result_unreadable", Type: "ValueError", Message: "The result cannot be written as JSON: " + err.Error(),
		}, stats)
	}
	if len(body) > wire.MaxResult {
		no := false
		return failed(ref, took, fleet.JobError{
			Class: fleet.ClassApplication, Code: "result_too_large", Type: "ValueError", Retryable: &no,
			Message: fmt.Sprintf("The workflow succeeded, but its result has %d bytes; at most %d are allowed. Keep large data in files instead of variables.", len(body), wire.MaxResult),
		}, stats)
	}
	return carried(wire.JobComplete{Ref: ref, Duration: fleet.Duration(took), Stats: stats}, body)
}

// carried gives a completion its result, in the frame or beside it.
func carried(done wire.JobComplete, body []byte) protocol.End {
	if len(body) > wire.MaxInline || fleet.Nesting(body) > fleet.MaxNesting { // a frame holds neither
		sum := sha256.Sum256(body)
		done.ResultRef = &wire.ResultRef{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(body))}
		return protocol.End{Complete: &done, Body: body}
	}
	done.Result = body
	return protocol.End{Complete: &done}
}

// sink takes what a run tells. Its calls never wait.
type sink struct {
	run  *run
	logs *logs
}

// Log keeps a line for the next batch.
func (s *sink) Log(l engine.Line) {
	s.logs.add(s.run.offer.Ref, wire.LogLine{
		At: wire.At(l.At), Level: string(l.Level), Node: wire.Cut(l.NodeID, 256), Message: wire.Cut(l.Message, fleet.MaxLogLine),
	})
}

// Step keeps a record for the next batch. What a node gave out stays here.
func (s *sink) Step(st engine.Step) {
	if st.Seq > fleet.MaxSteps {
		return
	}
	s.logs.step(s.run.offer.Ref, wire.Step{
		Seq: st.Seq, Node: wire.Cut(st.NodeID, fleet.MaxStepWord), NodeType: wire.Cut(st.NodeType, fleet.MaxStepWord),
		Iteration: wire.Cut(st.Iteration, fleet.MaxStepWord), Branch: wire.Cut(st.Branch, fleet.MaxStepWord),
		Status: fleet.StepStatus(st.Status), At: wire.At(st.StartedAt), Took: fleet.Duration(st.Duration),
		Error: wire.Cut(st.Error, fleet.MaxStepError),
	})
}

// Progress keeps the newest reading.
func (s *sink) Progress(p engine.Progress) {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	s.run.progress, s.run.changed = p, true
}

// flushProgress sends a reading that is newer than the last one sent.
func (r *Robot) flushProgress(ref wire.Ref, u *run) {
	u.mu.Lock()
	p, changed := u.progress, u.changed
	u.changed = false
	u.mu.Unlock()
	if changed {
		r.d.do(func(m *protocol.Robot, _ protocol.Instant) []protocol.Effect {
			return m.Progress(ref, p.Percent, p.NodeID, p.Message)
		})
	}
}

var _ engine.Sink = (*sink)(nil)
