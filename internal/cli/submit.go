package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// jobSubmitCmd asks for a job.
type jobSubmitCmd struct {
	config.Client
	File       string `arg:"" optional:"" help:"workflow file; - is standard input"`
	WorkflowID string `help:"run a stored workflow instead of a file" placeholder:"ID"`
	Version    int    `name:"workflow-version" help:"version of the stored workflow; default: the newest" placeholder:"N"`
	variableFlags
	Name           string        `help:"name of the job, for people" placeholder:"TEXT"`
	Priority       string        `help:"0 (goes first) to 20, or critical, high, normal, low" default:"normal"`
	Robot          string        `help:"only this robot may run it" placeholder:"ID"`
	Environment    string        `help:"where it must run" placeholder:"NAME"`
	Capability     []string      `help:"further capability that the robot must have (repeatable)" placeholder:"WORD"`
	Pool           string        `help:"only robots of this pool" placeholder:"NAME"`
	Tag            []string      `help:"only robots with this tag (repeatable)" placeholder:"WORD"`
	Placement      string        `help:"file with a whole placement in JSON; - is standard input" placeholder:"FILE"`
	After          []string      `help:"wait for this job (repeatable)" placeholder:"JOB"`
	Rule           string        `help:"which ends of those jobs let it run: all_completed, all_finished, any_completed or any_failed; default: all_completed" placeholder:"RULE"`
	Hold           bool          `help:"keep it waiting when they end otherwise; without this it is cancelled then"`
	Label          []string      `help:"label of the job (repeatable)" placeholder:"KEY=VALUE"`
	Delay          time.Duration `help:"do not start before this time has passed" placeholder:"DURATION"`
	RunTimeout     time.Duration `help:"time for each attempt; default: one day" placeholder:"DURATION"`
	QueueTimeout   time.Duration `help:"end the job if it waits longer" placeholder:"DURATION"`
	Retries        int           `help:"how often a failed attempt is tried again" default:"3" placeholder:"N"`
	IdempotencyKey string        `help:"the same key gives the same job, however often it is sent" placeholder:"TEXT"`
	DryRun         bool          `help:"check everything and store nothing"`
	waitFlags
}

// waitFlags are those of commands that can stay until a job has ended.
type waitFlags struct {
	Wait    bool          `short:"w" help:"stay until the job has ended; the exit code says how"`
	Follow  bool          `short:"f" help:"show the log while it runs; stays as well"`
	Timeout time.Duration `help:"give up waiting after this time (exit code 24); the job goes on" placeholder:"DURATION"`
}

// Help is the long form of the help.
func (jobSubmitCmd) Help() string {
	return `The job is kept from the moment this command answers. Without --wait it says the id and ends.

Examples:

    fleet job submit report.json --wait
    fleet job submit report.json --var month=7 --priority high --follow
    fleet job submit --workflow-id 01939c3e-7b1a-7c3d-8e4f-0123456789ab
    fleet job submit report.json --wait -o json > result.json

Exit codes of --wait: 0 completed, 20 failed, 21 cancelled, 22 timeout, 23 a person has to decide, 24 waiting gave up, 130 interrupted. Lower codes are about the request itself.`
}

// Run submits, and stays if asked to.
func (c *jobSubmitCmd) Run(ctx context.Context, sh *shell) error {
	req, err := c.request(sh)
	if err != nil {
		return err
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	job, err := api.SubmitJob(ctx, req)
	if err != nil {
		return err
	}
	sh.used(api)
	for _, w := range job.Warnings {
		sh.note("warning: %s", clean(w))
	}
	if c.DryRun {
		return sh.answer(c.Output, job, func() error {
			_, err := fmt.Fprintf(sh.out, "%s can run; nothing was stored.\n", clean(job.Workflow.Name))
			return err
		})
	}
	if c.Wait || c.Follow {
		sh.note("Job %s submitted.", job.ID)
		return sh.await(ctx, api, job.ID, c.waitFlags, c.Output)
	}
	return sh.answer(c.Output, job, func() error {
		_, err := fmt.Fprintf(sh.out, "Job %s submitted: %s, priority %d.\n", job.ID, clean(job.Workflow.Name), job.Priority)
		return err
	})
}

// request reads files and flags. What the orchestrator checks better is left
// to it, except for the document: its author is here.
func (c *jobSubmitCmd) request(sh *shell) (client.SubmitRequest, error) {
	req := client.SubmitRequest{
		WorkflowID: fleet.ID(c.WorkflowID), Version: c.Version, Name: c.Name, Target: fleet.RobotID(c.Robot),
		Environment: c.Environment, DryRun: c.DryRun, IdempotencyKey: c.IdempotencyKey,
		DelaySeconds: seconds(c.Delay), RunTimeout: seconds(c.RunTimeout), QueueTimeout: seconds(c.QueueTimeout),
	}
	switch {
	case c.File == "" && c.WorkflowID == "":
		return req, fleet.Invalid("file", "A job needs a workflow: name a file or give --workflow-id.")
	case c.File != "" && c.WorkflowID != "":
		return req, fleet.Invalid("file", "Name a file or give --workflow-id, not both.")
	case c.File == "-" && c.VarsFile == "-":
		return req, fleet.Invalid("vars-file", "Standard input can be the workflow or the variables, not both.")
	}
	priority, err := fleet.ParsePriority(c.Priority)
	if err != nil {
		return req, err
	}
	req.Priority = &priority
	if c.Retries != fleet.DefaultRetry().Max {
		req.Retry = &client.RetryChange{Max: &c.Retries}
	}
	if err := c.place(sh, &req); err != nil {
		return req, err
	}
	vars, err := c.variables(sh)
	if err != nil {
		return req, err
	}
	if vars.Len() > 0 {
		req.Variables = vars
	}
	if c.File == "" {
		return req, nil
	}
	text, err := sh.read(c.File)
	if err != nil {
		return req, err
	}
	cat, err := catalog.Load()
	if err != nil {
		return req, fmt.Errorf("load the node catalog: %w", err)
	}
	// Only the shape is looked at here: another version of the orchestrator may
	// know node types that this program does not.
	if _, err := workflow.Parse(text, workflow.Options{Catalog: cat}); err != nil {
		check(cat, c.File, text).show(sh.err, sh.paintErr)
		return req, quiet(exitUsage)
	}
	req.Workflow = json.RawMessage(text)
	return req, nil
}

// place adds what flags and a file say of robots, and the labels.
func (c *jobSubmitCmd) place(sh *shell, req *client.SubmitRequest) error {
	var p fleet.Placement
	if c.Placement != "" {
		text, err := sh.read(c.Placement)
		if err != nil {
			return err
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&p); err != nil {
			return fleet.Invalid("placement", "%s does not hold a placement: %s.", c.Placement, err)
		}
	}
	p.Capabilities, p.Tags = append(p.Capabilities, c.Capability...), append(p.Tags, c.Tag...)
	if c.Pool != "" {
		p.Pool = c.Pool
	}
	if !p.IsZero() {
		req.Placement = &p
	}
	for _, id := range c.After {
		req.DependsOn = append(req.DependsOn, client.Dependency{Job: fleet.ID(id)})
	}
	req.Rule = fleet.DependencyRule(c.Rule)
	if c.Hold {
		req.OnUnmet = fleet.UnmetHold
	}
	labels, err := pairs("label", c.Label)
	req.Labels = labels
	return err
}

// pairs reads KEY=VALUE flags; nil for none.
func pairs(flag string, list []string) (map[string]string, error) {
	var out map[string]string
	for _, text := range list {
		k, v, ok := strings.Cut(text, "=")
		if !ok || k == "" {
			return nil, fleet.Invalid(flag, "--%s takes KEY=VALUE; got %q.", flag, text)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[k] = v
	}
	return out, nil
}

// seconds rounds up, so that a positive time never becomes none.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
