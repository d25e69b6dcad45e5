package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/internal/config"
)

type jobExplainCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
	All bool   `help:"show every check of every robot"`
}

// Help is the long form of the help.
func (jobExplainCmd) Help() string {
	return `The answer is placement's own: it plans the fleet as dispatch would and tells what came out.

Examples:

    fleet job explain 01939c3e-7b1a-7c3d-8e4f-0123456789ab
    fleet job explain 01939c3e-7b1a-7c3d-8e4f-0123456789ab --all
    fleet job explain 01939c3e-7b1a-7c3d-8e4f-0123456789ab -o json`
}

// Run explains why a job waits.
func (c *jobExplainCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	limit := 30
	if c.All || c.Output != "table" {
		limit = 10_000
	}
	e, err := api.ExplainJob(ctx, id, limit)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, e, func() error { return c.show(sh, &e) })
}

func (c *jobExplainCmd) show(sh *shell, e *client.Explanation) error {
	card := &card{}
	card.add("job", string(e.JobID))
	card.add("status", string(e.Status))
	if !e.WaitingSince.IsZero() {
		card.add("waits", ago(e.WaitingSince, time.Now()))
		card.add("because", string(e.WaitingCode))
	}
	if e.Position.Total > 0 {
		card.add("position", fmt.Sprintf("%d (%d of higher priority, %d of the same before it)", e.Position.Total, e.Position.Higher, e.Position.Same))
	}
	if err := card.write(sh.out, sh.paint); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(sh.out, "\n%s\n", clean(e.WaitingSummary)); err != nil || e.Counts.Robots == 0 && len(e.Changes) == 0 {
		return err
	}
	if len(e.Changes) > 0 {
		if _, err := fmt.Fprintln(sh.out, "\nIt would run if"); err != nil {
			return err
		}
		for _, x := range e.Changes {
			if _, err := fmt.Fprintf(sh.out, "  - %s\n", clean(x.Text)); err != nil {
				return err
			}
		}
	}
	if _, err := fmt.Fprintf(sh.out, "\n%s, %d fit, %d free\n", count(e.Counts.Robots, "robot"), e.Counts.Fit, e.Counts.Free); err != nil {
		return err
	}
	t := table{head: []string{"ROBOT", "REASON", "WANTED", "FOUND"}, paint: sh.paint, state: -1}
	for _, r := range e.Robots {
		if r.FirstReason == "" {
			t.add(string(r.RobotID), "fits", "", "")
			continue
		}
		for _, check := range r.Checks {
			if check.Code == r.FirstReason || c.All {
				mark := strings.ReplaceAll(check.Code, "_", " ")
				if check.OK {
					mark += " ok"
				}
				t.add(string(r.RobotID), mark, clip(clean(check.Wanted), 40), clip(clean(check.Found), 50))
			}
		}
	}
	if err := t.write(sh.out, "No robot is registered yet."); err != nil {
		return err
	}
	if more := e.RobotsTotal - len(e.Robots); more > 0 {
		_, err := fmt.Fprintf(sh.out, "… and %s; --all shows them.\n", count(more, "more robot"))
		return err
	}
	return nil
}
