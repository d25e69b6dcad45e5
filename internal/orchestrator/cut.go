package orchestrator

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/nodeplace"
	"github.com/casarerpa/fleet/workflow"
)

// part is a segment of a document with all that a job of it needs.
type part struct {
	entry    string
	nodes    []string
	private  []string       // see workflow.Segment
	place    fleet.PlacedAt // of its nodes
	requires fleet.Capabilities
	hash     string
	body     []byte
}

// cut cuts a document where its nodes ask for it; nil if none does. With one
// part only the placement of all nodes is the news.
func (w *Workflows) cut(d *workflow.Document, overrides []fleet.NodeOverride) ([]part, error) {
	segments, err := nodeplace.Cut(d, overrides, w.Limits.Segments)
	if err != nil {
		return nil, err
	}
	var out []part
	for _, s := range segments {
		body, err := workflow.Canonical(s.Document)
		if err != nil {
			return nil, fleet.Internal(err)
		}
		hash, err := workflow.Hash(s.Document)
		if err != nil {
			return nil, fleet.Internal(err)
		}
		read, err := workflow.Parse(body, workflow.Options{Catalog: w.Catalog, Limits: w.Limits.Document})
		if err != nil {
			return nil, unreadable(err)
		}
		if found := workflow.Validate(read, w.Catalog, w.Policy); !found.OK() {
			return nil, invalidDocument(found.Errors())
		}
		requires, err := fleet.NewCapabilities(workflow.Require(read).Capabilities...)
		if err != nil {
			return nil, err
		}
		out = append(out, part{
			entry: s.Entry, nodes: s.Nodes, private: s.Private, requires: requires, hash: hash, body: body,
			place: s.Place,
		})
	}
	return out, nil
}

// cuts remembers how documents are cut, by what they are and by what stands
// beside them: the same always gives the same.
type cuts struct {
	mu   sync.Mutex
	list map[cutKey][]part
	size int // bytes of what the parts run
}

type cutKey struct{ hash, overrides string }

// What is remembered at most; beyond it all is forgotten.
const (
	cutsMost  = 16_384
	cutsBytes = 64 << 20
)

func (c *cuts) get(k cutKey) ([]part, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.list[k]
	return p, ok
}

func (c *cuts) put(k cutKey, p []part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.list[k]; known { // the same as before
		return
	}
	size := 0
	for i := range p {
		size += len(p[i].body)
	}
	if c.list == nil || len(c.list) >= cutsMost || c.size+size > cutsBytes {
		c.list, c.size = map[cutKey][]part{}, 0
	}
	c.list[k], c.size = p, c.size+size
}

// overrideText is what of overrides decides.
func overrideText(overrides []fleet.NodeOverride) string {
	var b bytes.Buffer
	for _, o := range overrides {
		if o.Active {
			fmt.Fprintf(&b, "%q %q %s\n", o.NodeID, o.SameAs, o.Whole().Text())
		}
	}
	return b.String()
}
