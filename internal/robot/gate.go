package robot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
	"github.com/casarerpa/fleet/workflow/value"
)

// gate lets a run go on as long as its attempt is this robot's.
type gate struct {
	r   *Robot
	run *run
}

// Enter asks the fence before each node.
func (g *gate) Enter(_ context.Context, nodeID string) error {
	return g.r.d.enter(g.run.offer.Ref, nodeID)
}

// Begin writes down that a step which must not run twice is about to run, and
// waits for the word of the orchestrator, however long the connection is away:
// the fence ends the wait if it must.
func (g *gate) Begin(ctx context.Context, nodeID, key string) (outcome map[string]any, skip bool, err error) {
	ref, d := g.run.offer.Ref, g.r.d
	node, key := short(nodeID, 256), short(key, 512)
	came := make(chan protocol.Answer, 1)
	var id int64
	d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect {
		var out []protocol.Effect
		id, out = m.EffectBegin(ref, node, key, now)
		d.answers[id] = came
		return out
	})
	giveUp := func() {
		d.do(func(m *protocol.Robot, _ protocol.Instant) []protocol.Effect {
			delete(d.answers, id)
			m.GiveUp(id)
			return nil
		})
	}
	var a protocol.Answer
	select {
	case a = <-came:
	case <-ctx.Done():
		giveUp()
		return nil, false, context.Cause(ctx)
	case <-g.run.soft:
		giveUp()
		return nil, false, d.enter(ref, nodeID)
	}
	switch a.Verdict.Verdict {
	case fleet.VerdictGo:
		if err := fail.At(fail.RobotEffectGo); err != nil {
			return nil, false, err
		}
		return nil, false, d.enter(ref, nodeID) // the wait may have reached the fence
	case fleet.VerdictSkip:
		outcome, err = outcomeOf(a.Verdict.Outcome)
		return outcome, true, err
	case fleet.VerdictApplied, fleet.VerdictDuplicate, fleet.VerdictStale, fleet.VerdictInvalid, fleet.VerdictStop:
	}
	reason := "the orchestrator does not let this step run: " + string(a.Verdict.Verdict)
	if a.Verdict.Reason != "" {
		reason += " (" + a.Verdict.Reason + ")"
	}
	return nil, false, &protocol.Stopped{By: fleet.ByRequest, Reason: reason}
}

// End writes down how the announced step ended. It does not wait for the
// answer: the record is on its way to the disk, in order.
func (g *gate) End(_ context.Context, nodeID, key string, ok bool, outcome map[string]any) error {
	if err := fail.At(fail.RobotEffectDone); err != nil {
		return err
	}
	ref := g.run.offer.Ref
	text, err := value.Marshal(value.FromGo(outcome))
	if err != nil || len(text) > wire.MaxCheckData || fleet.Nesting(text) > fleet.MaxNesting || outcome == nil {
		text = nil // a later attempt then skips the step without its outputs
	}
	g.r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect {
		return m.EffectEnd(ref, short(nodeID, 256), short(key, 512), ok, text, now)
	})
	return nil
}

func outcomeOf(text []byte) (map[string]any, error) {
	out := map[string]any{}
	if len(text) == 0 {
		return out, nil
	}
	v, err := value.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the outcome of an earlier attempt: %w", err)
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil, errors.New("the outcome of an earlier attempt is no object")
	}
	maps.Insert(out, m.All())
	return out, nil
}

// short keeps a name within its limit without making two of them equal.
func short(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return wire.Cut(s, limit-33) + "~" + hex.EncodeToString(sum[:16])
}

type secretAnswer struct {
	value string
	err   error
}

// secretWait is a run that waits for a secret.
type secretWait struct {
	ref     wire.Ref
	name    string
	message string // that asked last; empty: none yet
	came    chan secretAnswer
}

// secret fetches a secret for a run. While the orchestrator is away it waits,
// as Begin does.
func (r *Robot) secret(ctx context.Context, u *run, name string) (string, error) {
	w := &secretWait{ref: u.offer.Ref, name: name, came: make(chan secretAnswer, 1)}
	away := false
	r.d.do(func(m *protocol.Robot, _ protocol.Instant) []protocol.Effect {
		r.d.secrets[w] = struct{}{}
		out := w.ask(m)
		away = w.message == ""
		return out
	})
	if away {
		r.log.Info("a job waits for a secret until the orchestrator is back", "job_id", w.ref.JobID, "epoch", w.ref.Epoch)
	}
	defer func() {
		r.d.mu.Lock()
		delete(r.d.secrets, w)
		r.d.mu.Unlock()
	}()
	select {
	case a := <-w.came:
		return a.value, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-u.soft:
		return "", errors.New("the attempt is being stopped")
	}
}

// ask asks for the secret, if there is a session to ask in; the driver's lock is
// held.
func (w *secretWait) ask(m *protocol.Robot) (out []protocol.Effect) {
	w.message, out = m.SecretGet(w.ref, w.name)
	return out
}

// welcomed opens the session in the machine and asks anew for what the sessions
// before were asked for in vain.
func (d *driver) welcomed(f wire.Frame) {
	d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect {
		out := m.Handle(f, now)
		for w := range d.secrets {
			out = append(out, w.ask(m)...)
		}
		return out
	})
}

// secretCame hands an answer to the run that waits for it.
func (d *driver) secretCame(message string, a secretAnswer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for w := range d.secrets {
		if w.message == message && message != "" {
			delete(d.secrets, w)
			w.came <- a // has room for its one answer
		}
	}
}

var _ engine.Gate = (*gate)(nil)
