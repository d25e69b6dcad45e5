package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type jobStepsCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
}

// Run draws when each node ran; with -o json it prints each execution of a node.
func (c *jobStepsCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	line, err := api.JobTimeline(ctx, id)
	if err != nil {
		return err
	}
	if c.Output == "table" {
		return sh.drawTimeline(line)
	}
	steps, err := allSteps(ctx, api, line)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"timeline": line, "steps": steps}, func() error { return nil })
}

// allSteps reads the steps of a job, or of its segments, to their end.
func allSteps(ctx context.Context, api *client.Client, line client.Timeline) ([]fleet.Step, error) {
	jobs := []fleet.ID{line.Job.ID}
	if len(line.Parts) > 0 {
		jobs = nil
		for i := range line.Parts {
			jobs = append(jobs, line.Parts[i].ID)
		}
	}
	steps := []fleet.Step{}
	for _, id := range jobs {
		q := client.StepQuery{Limit: 5000}
		for {
			page, err := api.JobSteps(ctx, id, q)
			if err != nil {
				return nil, err
			}
			steps = append(steps, page.Steps...)
			if len(page.Steps) < q.Limit {
				break
			}
			q.Epoch, q.From = page.NextEpoch, page.NextStep
		}
	}
	return steps, nil
}

// ganttWidth is how many characters the drawn time has.
const ganttWidth = 40

// drawTimeline prints a line for each node of each attempt with a bar where it
// ran between the first start and the end.
func (s *shell) drawTimeline(line client.Timeline) error {
	t := table{head: []string{"ATTEMPT", "NODE", "STATUS", "TIMES", "TOOK", "WHEN"}, paint: s.paint, state: 2}
	var from, to time.Time
	for _, n := range line.Nodes {
		if from.IsZero() || n.StartedAt.Before(from) {
			from = n.StartedAt
		}
		to = latest(to, ended(n, line.Now))
	}
	for _, n := range line.Nodes {
		end := ended(n, line.Now)
		times := strconv.Itoa(n.Passes)
		if n.Failed > 0 {
			times += fmt.Sprintf(" (%d failed)", n.Failed)
		}
		took := "<1ms" // robots tell of milliseconds
		if d := end.Sub(n.StartedAt).Round(time.Millisecond); d > 0 {
			took = d.String()
		}
		t.add(strconv.FormatInt(n.Epoch, 10), n.Node, string(n.Status), times, took, strings.TrimRight(gantt(n.StartedAt.Sub(from), end.Sub(from), to.Sub(from)), " "))
	}
	if err := t.write(s.out, "No steps: the job has not begun, or its robot does not tell of them."); err != nil {
		return err
	}
	if line.Cut {
		fmt.Fprintf(s.err, "Only the first %d steps were looked at.\n", line.Steps)
	}
	return nil
}

func ended(n client.NodeTime, now time.Time) time.Time {
	if n.EndedAt.IsZero() {
		return latest(now, n.StartedAt)
	}
	return n.EndedAt
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// gantt draws a span inside a whole; it is never narrower than one character.
func gantt(from, to, whole time.Duration) string {
	if whole <= 0 {
		return "█"
	}
	at := func(d time.Duration) int { return min(int(int64(ganttWidth)*int64(d)/int64(whole)), ganttWidth) }
	first := min(at(from), ganttWidth-1)
	width := max(at(to)-first, 1)
	return strings.Repeat("·", first) + strings.Repeat("█", width) + strings.Repeat("·", ganttWidth-first-width)
}
