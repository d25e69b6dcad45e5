package orchestrator

import (
	"sync"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/redact"
	"github.com/casarerpa/fleet/internal/store"
)

// handed knows the secrets that were handed to attempts here, and takes them out
// of what comes back from these. Robots do so first; this is the second wall, for
// a robot that is broken or somebody's own program. An attempt is measured by
// what it was handed itself, so that nobody finds out another's secret by
// telling guesses. It goes on after the end: log lines come later.
type handed struct {
	mu    sync.Mutex
	list  map[attemptKey]*handedTo
	order []attemptKey // from the oldest
	bytes int          // of all values
}

// handedTo is what one attempt has got.
type handedTo struct {
	values map[string]bool
	bytes  int
	hide   *redact.Redactor
}

type attemptKey struct {
	tenant fleet.TenantID
	ref    store.Ref
}

// maxHanded bounds the bytes of the values that are remembered; the oldest
// attempts go first. To look for a value takes some thirty times its length.
const maxHanded = 4 << 20

// add remembers a value that is about to be handed out.
func (h *handed) add(tenant fleet.TenantID, ref store.Ref, value string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := attemptKey{tenant, ref}
	known := h.list[key]
	if known == nil {
		if h.list == nil {
			h.list = map[attemptKey]*handedTo{}
		}
		known = &handedTo{values: map[string]bool{}, hide: redact.New()}
		h.list[key], h.order = known, append(h.order, key)
	}
	if known.values[value] {
		return
	}
	known.values[value] = true
	known.bytes += len(value)
	h.bytes += len(value)
	known.hide.Add(value)
	for h.bytes > maxHanded && len(h.order) > 1 {
		h.bytes -= h.list[h.order[0]].bytes
		delete(h.list, h.order[0])
		h.order = h.order[1:]
	}
}

// to is what was handed to an attempt; nil, which changes nothing, for most.
func (h *handed) to(tenant fleet.TenantID, job fleet.ID, epoch int64) *redact.Redactor {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known := h.list[attemptKey{tenant, store.Ref{JobID: job, Epoch: epoch}}]; known != nil {
		return known.hide
	}
	return nil
}

// report cleans a report of the tenant. The outcome of a step that must not run
// twice is left out where it holds a secret: a later attempt takes it for the
// truth, and a mask is none.
func (h *handed) report(r *fleet.Report) {
	hide := h.to(r.Tenant, r.JobID, r.Epoch)
	if hide == nil {
		return
	}
	r.Result = hide.JSON(r.Result)
	if clean := hide.JSON(r.Outcome); string(clean) != string(r.Outcome) {
		if r.Outcome = nil; r.Kind == fleet.ReportCheckpoint {
			r.Reason = "what the run holds shows a secret"
		}
	}
	r.Reason = hide.Text(r.Reason)
	if r.Error != nil {
		e := *r.Error
		for _, text := range []*string{&e.Code, &e.Type, &e.Node, &e.Message, &e.Stack} {
			*text = hide.Text(*text)
		}
		r.Error = &e
	}
}

// lines cleans lines of a log.
func (h *handed) lines(b *fleet.LogBatch) {
	hide := h.to(b.Tenant, b.JobID, b.Epoch)
	if hide == nil {
		return
	}
	for i := range b.Lines {
		b.Lines[i].Message, b.Lines[i].Node = hide.Text(b.Lines[i].Message), hide.Text(b.Lines[i].Node)
	}
	for i := range b.Steps {
		s := &b.Steps[i]
		for _, text := range []*string{&s.Node, &s.NodeType, &s.Iteration, &s.Branch, &s.Error} {
			*text = hide.Text(*text)
		}
	}
}

// beat cleans what a robot says in passing.
func (h *handed) beat(b *store.Beat) {
	for i := range b.Attempts {
		a := &b.Attempts[i]
		hide := h.to(b.Tenant, a.JobID, a.Epoch)
		a.Message, a.Node = hide.Text(a.Message), hide.Text(a.Node)
	}
}
