package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Dependency names a job to wait for: one that is stored, or one of the same
// request by its ref.
type Dependency struct {
	Job fleet.ID
	Ref string
}

// depends checks what a request says of dependencies and writes it into the job
// that is to be. The ids of jobs of the same request are not known here.
func depends(r SubmitRequest, s *fleet.JobSpec, most int) error {
	if err := r.Rule.Validate(); err != nil {
		return err
	}
	if err := r.OnUnmet.Validate(); err != nil {
		return err
	}
	if len(r.DependsOn) == 0 {
		if r.Rule != "" || r.OnUnmet != "" {
			return fleet.Invalid("dependency_rule", "dependency_rule and on_unmet go with depends_on.")
		}
		return nil
	}
	if len(r.DependsOn) > most {
		return fleet.Invalid("depends_on", "A job may wait for at most %d jobs; got %d.", most, len(r.DependsOn))
	}
	s.Rule, s.OnUnmet = r.Rule, r.OnUnmet
	for i, d := range r.DependsOn {
		switch {
		case (d.Job == "") == (d.Ref == ""):
			return fleet.Invalid(fmt.Sprintf("depends_on[%d]", i), "Give job, the id of a job, or ref, the name of one in this request.")
		case d.Job != "" && !d.Job.Valid():
			return fleet.Errorf(fleet.CodeInvalid, "dependency_unknown", "There is no job %.80s to wait for.", d.Job)
		case slices.Contains(r.DependsOn[:i], d):
			return fleet.Invalid(fmt.Sprintf("depends_on[%d]", i), "Job %s is named twice.", cmp.Or(string(d.Job), d.Ref))
		}
		s.DependsOn = append(s.DependsOn, d.Job) // a ref leaves its place empty
	}
	from, err := fleet.InputsFrom(r.Variables)
	s.FillInputs = len(from) > 0
	return err
}

// graph is a request whose jobs name each other.
type graph struct {
	requests []SubmitRequest
	byRef    map[string]int
}

// graphOf returns the graph of a request; nil when its jobs stand alone.
func graphOf(rs []SubmitRequest) (*graph, error) {
	g := &graph{requests: rs, byRef: map[string]int{}}
	linked := false
	for i, r := range rs {
		if r.Ref != "" {
			if other, taken := g.byRef[r.Ref]; taken {
				return nil, fleet.Invalid(fmt.Sprintf("jobs[%d].ref", i), "The ref %q names entry %d already.", r.Ref, other)
			}
			g.byRef[r.Ref] = i
		}
		linked = linked || slices.ContainsFunc(r.DependsOn, func(d Dependency) bool { return d.Ref != "" })
	}
	if !linked {
		return nil, nil
	}
	return g, nil
}

// order puts parents before children; a ring is named.
func (g *graph) order() ([]int, error) {
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(g.requests))
	var out, path []int
	var visit func(i int) error
	visit = func(i int) error {
		switch state[i] {
		case done:
			return nil
		case open:
			ring := append(slices.Clone(path[slices.Index(path, i):]), i)
			names := make([]string, len(ring))
			for k, n := range ring {
				names[k] = g.requests[n].Ref
			}
			return fleet.Errorf(fleet.CodeInvalid, "dependency_cycle", "The jobs wait for each other in a ring: %s.", strings.Join(names, " waits for "))
		}
		state[i] = open
		path = append(path, i)
		for k, d := range g.requests[i].DependsOn {
			if d.Ref == "" {
				continue
			}
			parent, ok := g.byRef[d.Ref]
			if !ok {
				return fleet.Errorf(fleet.CodeInvalid, "dependency_unknown", "Entry %d waits for %q (depends_on[%d]), and no entry has that ref.", i, d.Ref, k)
			}
			if err := visit(parent); err != nil {
				return err
			}
		}
		path, state[i] = path[:len(path)-1], done
		out = append(out, i)
		return nil
	}
	for i := range g.requests {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// submitGraph stores all jobs of a graph, or none.
func (j *Jobs) submitGraph(ctx context.Context, p auth.Principal, g *graph) ([]SubmitResult, error) {
	order, err := g.order()
	if err != nil {
		return nil, err
	}
	results := make([]SubmitResult, len(g.requests))
	ids := map[string]fleet.ID{}
	var subs []submission
	audit := submitted(p)
	for _, i := range order {
		r := g.requests[i]
		sub, err := j.prepare(ctx, p, r)
		if err != nil {
			return nil, AtEntry(i, err)
		}
		for k, d := range r.DependsOn {
			if d.Ref != "" {
				sub.first().Parents[k] = ids[d.Ref]
			}
		}
		first := sub.first()
		first.Data.Variables, err = fleet.RenameInputs(first.Data.Variables, func(ref string) (fleet.ID, bool) { id, ok := ids[ref]; return id, ok })
		if err != nil {
			return nil, err
		}
		if err := ownParents(first); err != nil {
			return nil, err
		}
		sub.Graph = true
		results[i].Warnings = sub.warnings
		if r.Ref != "" {
			ids[r.Ref] = sub.Job.ID
		}
		sub.Audit = audit
		subs = append(subs, sub)
	}
	if g.requests[0].DryRun {
		for k, i := range order {
			results[i].Job = subs[k].Job
		}
		return results, nil
	}
	stored := make([]SubmitResult, len(subs))
	if err := j.insertAll(ctx, p, subs, stored); err != nil {
		return nil, err
	}
	for k, i := range order {
		results[i].Job, results[i].Replayed = stored[k].Job, stored[k].Replayed
	}
	return results, nil
}

// ownParents makes sure that a job takes inputs only from jobs that it waits for.
func ownParents(sub *store.Submission) error {
	from, err := fleet.InputsFrom(sub.Data.Variables)
	for name, f := range from {
		if !slices.Contains(sub.Parents, f.Job) {
			return fleet.Invalid("variables."+name, "The input %s takes a value from %.80s, which is not in depends_on.", name, f.Job)
		}
	}
	return err
}

// Graph is a job with everything that waits for it or that it waits for.
type Graph struct {
	Jobs  []fleet.Job
	Edges [][2]fleet.ID // parent, child
	More  bool          // there are more than are shown
}

// Graph walks from a job along all dependencies, up and down.
func (j *Jobs) Graph(ctx context.Context, p auth.Principal, id fleet.ID) (g Graph, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return g, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		seen := map[fleet.ID]bool{id: true}
		edges := map[[2]fleet.ID]bool{}
		for queue := []fleet.ID{id}; len(queue) > 0; {
			at := queue[0]
			queue = queue[1:]
			job, err := r.Job(at)
			if at != id && errors.Is(err, fleet.ErrNotFound) { // retention was here first
				g.Edges = slices.DeleteFunc(g.Edges, func(e [2]fleet.ID) bool { return slices.Contains(e[:], at) })
				continue
			}
			if err != nil {
				return err
			}
			g.Jobs = append(g.Jobs, job)
			var parts []fleet.ID // of the same whole
			if job.Parent != "" {
				parts = append(parts, job.Parent)
			}
			if job.Segments > 0 {
				segments, err := r.Segments(at)
				if err != nil {
					return err
				}
				for i := range segments {
					parts = append(parts, segments[i].ID)
				}
			}
			for _, id := range parts {
				if !seen[id] && len(seen) < fleet.MaxGraph {
					seen[id] = true
					queue = append(queue, id)
				}
			}
			parents, err := r.Parents(at)
			if err != nil {
				return err
			}
			var children []fleet.ID
			if job.Children > 0 {
				if children, err = r.Children(at); err != nil {
					return err
				}
			}
			link := func(parent, child, next fleet.ID) {
				if e := [2]fleet.ID{parent, child}; !edges[e] {
					edges[e] = true
					g.Edges = append(g.Edges, e)
				}
				switch {
				case seen[next]:
				case len(seen) >= fleet.MaxGraph:
					g.More = true
				default:
					seen[next] = true
					queue = append(queue, next)
				}
			}
			for _, parent := range parents {
				link(parent, at, parent)
			}
			for _, child := range children {
				link(at, child, child)
			}
		}
		return nil
	})
	return g, err
}
