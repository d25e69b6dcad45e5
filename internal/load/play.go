package load

import (
	"context"
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// Script is how a simulated robot runs one job: its steps one after another,
// then its end. A script without steps is silent work.
type Script struct {
	Steps []ScriptStep
	Error *fleet.JobError // nil: it completes
	// Effect announces the last step as one that must not run twice; a robot
	// that goes away then leaves a job that needs a decision.
	Effect bool
}

// ScriptStep is one node of a workflow.
type ScriptStep struct {
	Node, NodeType string
	Took           time.Duration
	Level, Message string // of its line in the log
}

// show is a script under way.
type show struct {
	script   Script
	progress int
	node     string
	stop     context.CancelFunc // nil until it has begun
}

// take holds an attempt that was offered.
func (r *Robot) take(m *wire.JobAssign) {
	s := &show{}
	if r.Play != nil {
		s.script = r.Play(m)
	} else if r.Work > 0 {
		s.script.Steps = []ScriptStep{{Took: r.Work}}
	}
	r.mu.Lock()
	r.live[m.Ref] = s
	r.mu.Unlock()
}

// drop lets go of an attempt, whatever it is doing.
func (r *Robot) drop(ref wire.Ref) (was bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, was := r.live[ref]
	if was && s.stop != nil {
		s.stop()
	}
	delete(r.live, ref)
	return was
}

// begin plays the script of an attempt that is held, once. Its end is reported
// unless the attempt was dropped or the connection ended.
func (r *Robot) begin(ctx context.Context, ref wire.Ref) {
	r.mu.Lock()
	s := r.live[ref]
	if s == nil || s.stop != nil {
		r.mu.Unlock()
		return
	}
	ctx, s.stop = context.WithCancel(ctx)
	r.mu.Unlock()
	if len(s.script.Steps) == 0 { // without a goroutine of its own: this is what is measured
		r.end(ref, s, time.Now())
		return
	}
	go func() {
		began := time.Now()
		if r.Play != nil {
			r.send(r.report.Add(1), &wire.JobStarted{Ref: ref, At: wire.At(began)})
		}
		for i := range s.script.Steps {
			if !r.step(ctx, ref, s, i) {
				return
			}
		}
		r.end(ref, s, began)
	}()
}

// step plays one step; false when the attempt has ended meanwhile.
func (r *Robot) step(ctx context.Context, ref wire.Ref, s *show, i int) bool {
	p := &s.script.Steps[i]
	began := time.Now()
	r.mu.Lock()
	s.node, s.progress = p.Node, 100*i/len(s.script.Steps)
	r.mu.Unlock()
	last := i == len(s.script.Steps)-1
	if p.Node != "" {
		r.send(0, &wire.JobProgress{Ref: ref, Progress: s.progress, CurrentNode: p.Node})
		if last && s.script.Effect {
			r.send(r.report.Add(1), &wire.EffectBegin{Ref: ref, Node: p.Node, EffectKey: p.Node})
		}
	}
	t := time.NewTimer(p.Took)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	}
	if p.Node == "" {
		return true
	}
	if last && s.script.Effect {
		r.send(r.report.Add(1), &wire.EffectEnd{Ref: ref, Node: p.Node, EffectKey: p.Node, OK: s.script.Error == nil})
	}
	status, text := fleet.StepCompleted, ""
	if last && s.script.Error != nil {
		status, text = fleet.StepFailed, s.script.Error.Message
	}
	n := int64(i) + 1
	r.send(0, &wire.LogBatch{
		Ref: ref, FirstLine: n, FirstStep: n,
		Lines: []wire.LogLine{{At: wire.At(time.Now()), Level: p.Level, Node: p.Node, Message: p.Message}},
		Steps: []wire.Step{{
			Seq: n, Node: p.Node, NodeType: p.NodeType, Status: status, At: wire.At(began), Took: fleet.Duration(time.Since(began)), Error: text,
		}},
	})
	return true
}

// end reports how an attempt ended, unless it was dropped.
func (r *Robot) end(ref wire.Ref, s *show, began time.Time) {
	if !r.drop(ref) {
		return
	}
	took := fleet.Duration(time.Since(began))
	if s.script.Error != nil {
		r.send(r.report.Add(1), &wire.JobFailed{Ref: ref, Error: *s.script.Error, Duration: took})
		return
	}
	text := result
	if r.Play != nil {
		text = s.script.result(took.Std())
	}
	r.send(r.report.Add(1), &wire.JobComplete{Ref: ref, Result: text, Duration: took})
}

// result is what a robot would say of the steps it ran.
func (s *Script) result(took time.Duration) json.RawMessage {
	path := make([]string, len(s.Steps))
	for i := range path {
		path[i] = s.Steps[i].Node
	}
	text, err := json.Marshal(wire.Result{
		Success: true, NodesExecuted: len(path), DurationMS: took.Milliseconds(), Variables: json.RawMessage("{}"), ExecutionPath: path,
	})
	if err != nil {
		return result // cannot happen: it is made of texts and numbers
	}
	return text
}
