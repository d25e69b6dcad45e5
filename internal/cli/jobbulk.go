package cli

import (
	"context"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// jobBulkCmd asks the same of many jobs.
type jobBulkCmd struct {
	config.Client
	Do  string   `arg:"" enum:"cancel,retry,priority,move" help:"cancel, retry, priority or move"`
	IDs []string `arg:"" optional:"" name:"id" help:"ids of the jobs; else all of the filter below"`

	Status   []string         `help:"of all jobs in this state (repeatable)" placeholder:"STATE"`
	Robot    []string         `help:"of all jobs of this robot (repeatable)" placeholder:"ID"`
	Workflow []string         `help:"of all jobs of this workflow (repeatable)" placeholder:"ID"`
	Why      []string         `help:"of all jobs that wait for this (repeatable)" placeholder:"CODE"`
	Trigger  []string         `help:"of all jobs that come from this (repeatable)" placeholder:"WORD"`
	Priority []fleet.Priority `help:"of all jobs of this priority (repeatable)" placeholder:"N"`
	Search   string           `help:"of all jobs whose id, names, robot or submitter contain this" placeholder:"TEXT"`
	Since    time.Duration    `help:"of all jobs that are not older" placeholder:"24h"`
	All      bool             `help:"of all jobs"`

	From   string `enum:"start,failed-node" default:"start" help:"retry: start, or failed-node where that can be"`
	Force  bool   `help:"cancel: do not wait for the step to end"`
	Reason string `help:"cancel: why" placeholder:"TEXT"`
	To     string `help:"priority: 0 to 20, 0 goes first; move: the id of a robot, or any" placeholder:"VALUE"`
}

// Help is the long form of the help.
func (jobBulkCmd) Help() string {
	return `One operation of the server with a result for each job; "fleet bulk get" shows it later. Each job is asked as it would be alone. What cannot be asked of a job of the filter leaves it out.

Examples:

    fleet job bulk cancel --status pending --why no_match
    fleet job bulk priority --workflow 01939c3e-7b1a-7c3d-8e4f-0123456789ab --to 2
    fleet job bulk move --why robot_offline --to any
    fleet job bulk retry --status failed --since 24h --workflow 01939c3e-7b1a-7c3d-8e4f-0123456789ab
    fleet job bulk retry --status failed --from failed-node`
}

// Run starts the operation and shows how far it is.
func (c *jobBulkCmd) Run(ctx context.Context, sh *shell) error {
	f := client.JobFilter{Status: c.Status, Why: c.Why, Triggers: c.Trigger, Priorities: c.Priority, Text: c.Search}
	for _, id := range c.Robot {
		f.Robots = append(f.Robots, fleet.RobotID(id))
	}
	for _, id := range c.Workflow {
		f.Workflows = append(f.Workflows, fleet.ID(id))
	}
	if c.Since > 0 {
		f.From = time.Now().Add(-c.Since)
	}
	narrow := len(c.Status)+len(c.Robot)+len(c.Workflow)+len(c.Why)+len(c.Trigger)+len(c.Priority) > 0 || c.Search != "" || c.Since > 0
	in := client.JobBulkRequest{Kind: fleet.BulkCancelJobs, Params: map[string]any{"force": c.Force, "reason": c.Reason}}
	switch c.Do {
	case "retry":
		in.Kind, in.Params = fleet.BulkRetryJobs, map[string]any{"from": strings.ReplaceAll(c.From, "-", "_")}
	case "priority":
		to, err := fleet.ParsePriority(c.To)
		if err != nil {
			return err
		}
		in.Kind, in.Params = fleet.BulkPriorityJobs, map[string]any{"priority": to}
	case "move":
		in.Kind, in.Params = fleet.BulkMoveJobs, map[string]any{"target_robot_id": c.To}
	}
	switch {
	case len(c.IDs) > 0 && (narrow || c.All):
		return fleet.Invalid("id", "Give ids or a filter, not both.")
	case len(c.IDs) == 0 && !narrow && !c.All:
		return fleet.Invalid("id", "Say which jobs: ids, a filter such as --status failed, or --all.")
	case len(c.IDs) == 0:
		in.Filter = &f
	}
	for _, text := range c.IDs {
		id, err := fleet.ParseID(text)
		if err != nil {
			return err
		}
		in.Jobs = append(in.Jobs, id)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	b, err := api.ActOnJobs(ctx, in)
	if err != nil {
		return err
	}
	if b, err = api.GetBulk(ctx, b.ID); err != nil {
		return err
	}
	return sh.showBulk(c.Output, b)
}
