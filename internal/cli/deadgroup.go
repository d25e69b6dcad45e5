package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/internal/config"
)

type deadGroupsCmd struct {
	config.Client
}

// Run lists groups of dead letters.
func (c *deadGroupsCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.DeadLetterGroups(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"groups": list}, func() error {
		t := table{head: []string{"GROUP", "COUNT", "WORKFLOW", "NODE", "ERROR", "NEWEST"}, paint: sh.paint, state: -1}
		for i := range list {
			g := &list[i]
			t.add(g.Fingerprint, strconv.Itoa(g.Count), clip(clean(g.WorkflowName), 30), dash(clean(g.Node)), clip(clean(g.Type+" "+g.Message), 60), ago(g.Last, time.Now()))
		}
		return t.write(sh.out, "No dead letter waits for anybody.")
	})
}

type deadAgainCmd struct {
	config.Client
	Group string `arg:"" help:"the group, as deadletter groups tells it"`
}

// Help is the long form of the help.
func (deadAgainCmd) Help() string {
	return `Each job is repeated by itself, at most 500 at once; what is left is for the next call.

Example:

    fleet deadletter groups
    fleet deadletter again 3f9a1c0b7d2e4a56`
}

// Run repeats the jobs of a group.
func (c *deadAgainCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	done, err := api.RetryDeadLetterGroup(ctx, c.Group)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, done, func() error {
		if _, err := fmt.Fprintln(sh.out, clean(done.Message)); err != nil {
			return err
		}
		for _, r := range done.Refused {
			if _, err := fmt.Fprintf(sh.out, "%s: %s\n", r.JobID, clean(r.Why)); err != nil {
				return err
			}
		}
		return nil
	})
}
