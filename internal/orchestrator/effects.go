package orchestrator

import (
	"sync"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow"
)

// effectful remembers of documents, by hash, whether they have steps that must
// not run twice.
type effectful struct {
	mu  sync.Mutex
	yes map[string]bool
}

// effectfulMost bounds what is remembered; beyond it all is forgotten.
const effectfulMost = 10_000

// neverBegan says whether it counts as certain that no step of a live attempt
// ran. That a polling robot showed no sign of life after its claim is believed
// once: a job that takes its robot down as soon as it begins looks just the
// same, and without a count it would never come to an end.
func neverBegan(r store.Reader, sub *fleet.Subject) (bool, error) {
	if !sub.Attempt.NeverBegan() || sub.Attempt.StartMode != fleet.StartClaim {
		return sub.Attempt.NeverBegan(), nil
	}
	all, err := r.Attempts(sub.Job.ID)
	for i := range all {
		a := &all[i]
		if a.Epoch == sub.Attempt.Epoch-1 && a.Outcome == fleet.OutcomeLost && a.NeverBegan() {
			return false, err
		}
	}
	return true, err
}

// effectsUnknown says whether an attempt may have run a step that must not run
// twice although its robot told of none: robots of the original never tell.
func (c *core) effectsUnknown(r store.Reader, sub *fleet.Subject) (bool, error) {
	if !sub.Attempt.EffectsUnknown() || sub.Job.RetrySafety != fleet.RetryUntilEffect {
		return false, nil
	}
	hash := sub.Job.Workflow.Hash
	c.effects.mu.Lock()
	yes, known := c.effects.yes[hash]
	c.effects.mu.Unlock()
	if known {
		return yes, nil
	}
	body, ok := c.bodies.get(hash)
	if !ok {
		var err error
		if body, err = r.Body(hash); err != nil {
			return false, err
		}
	}
	yes = true // of a document that cannot be read nothing is certain
	if d, err := workflow.Parse(body, workflow.Options{Catalog: c.Catalog, Limits: c.Limits.Document}); err == nil {
		yes = false
		for _, n := range d.Nodes {
			yes = yes || d.Effect(n)
		}
	}
	c.effects.mu.Lock()
	defer c.effects.mu.Unlock()
	if c.effects.yes == nil || len(c.effects.yes) >= effectfulMost {
		c.effects.yes = map[string]bool{}
	}
	c.effects.yes[hash] = yes
	return yes, nil
}
