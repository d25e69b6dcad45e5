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
