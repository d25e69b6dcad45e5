package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type jobGraphCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
}

// Help is the long form of the help.
func (jobGraphCmd) Help() string {
	return `Jobs stand below those that they wait for. One that waits for several stands below the first and is named again below the others.

Example:

    fleet job graph 01939c3e-7b1a-7c3d-8e4f-0123456789ab`
}

// Run draws what waits for what.
func (c *jobGraphCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	g, err := api.JobGraph(ctx, id)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, g, func() error {
		_, err := fmt.Fprint(sh.out, drawGraph(&g, id))
		return err
	})
}

// drawGraph draws a graph as trees, roots first.
func drawGraph(g *client.JobGraph, marked fleet.ID) string {
	jobs, children, parents := map[fleet.ID]*fleet.Job{}, map[fleet.ID][]fleet.ID{}, map[fleet.ID]int{}
	for i := range g.Jobs {
		jobs[g.Jobs[i].ID] = &g.Jobs[i]
	}
	for i := range g.Jobs { // a whole stands above its first segment
		if j := &g.Jobs[i]; j.Segment == 1 && jobs[j.Parent] != nil {
			children[j.Parent] = append(children[j.Parent], j.ID)
			parents[j.ID]++
		}
	}
	for _, e := range g.Edges {
		children[e.Parent] = append(children[e.Parent], e.Child)
		parents[e.Child]++
	}
	var roots []fleet.ID
	for id := range jobs {
		slices.Sort(children[id])
		if parents[id] == 0 {
			roots = append(roots, id)
		}
	}
	slices.Sort(roots)
	var b strings.Builder
	drawn := map[fleet.ID]bool{}
	var draw func(id fleet.ID, lead, tail string)
	draw = func(id fleet.ID, lead, tail string) {
		job, mark := jobs[id], ""
		if id == marked {
			mark = "  <- this one"
		}
		switch {
		case job == nil:
			fmt.Fprintf(&b, "%s%s\n", lead, id)
			return
		case drawn[id]:
			fmt.Fprintf(&b, "%s%s (see above)\n", lead, clean(nameOf(job)))
			return
		}
		drawn[id] = true
		fmt.Fprintf(&b, "%s%s  %s  %s%s\n", lead, clean(nameOf(job)), job.State, id, mark)
		for i, child := range children[id] {
			if i == len(children[id])-1 {
				draw(child, tail+"└── ", tail+"    ")
			} else {
				draw(child, tail+"├── ", tail+"│   ")
			}
		}
	}
	for _, id := range roots {
		draw(id, "", "")
	}
	if g.More {
		fmt.Fprintf(&b, "… and more than %d others\n", fleet.MaxGraph)
	}
	return b.String()
}

func nameOf(j *fleet.Job) string {
	name := cmp.Or(j.Name, j.Workflow.Name)
	if j.Segment > 0 {
		name = fmt.Sprintf("%s, segment %d", name, j.Segment)
	}
	return name
}
