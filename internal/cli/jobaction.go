package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/workflow/value"
)

type jobCancelCmd struct {
	config.Client
	Job    string         `arg:"" help:"id of the job"`
	Grace  *time.Duration `help:"time for the step under way to end; default: that of the orchestrator" placeholder:"DURATION"`
	Force  bool           `help:"do not wait for the step to end"`
	Reason string         `help:"kept with the job" placeholder:"TEXT"`
	Wait   bool           `short:"w" help:"stay until the job has ended"`

	Cascade bool `help:"stop also what waits or waited for the job, directly or over others"`
	sureFlags
}

// Help is the long form of the help.
func (jobCancelCmd) Help() string {
	return `A job that waits is cancelled at once. One that runs is told to stop after the step under way; when the grace is over, its processes are killed. A second cancel with --force or a shorter --grace sharpens the first.

Examples:

    fleet job cancel ID --reason "wrong month"
    fleet job cancel ID --force --wait`
}

// Run cancels. A job that had ended before is no error.
func (c *jobCancelCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	req := client.CancelRequest{Force: c.Force, Reason: c.Reason, Cascade: c.Cascade}
	if c.Grace != nil {
		if *c.Grace < 0 {
			return fleet.Invalid("grace", "grace must not be negative; got %s.", *c.Grace)
		}
		n := seconds(*c.Grace)
		req.GraceSeconds = &n
	}
	if c.Force {
		err := c.sure(ctx, sh, api, func() ([]string, error) {
			j, err := api.GetJob(ctx, id)
			return []string{j.Environment}, err
		})
		if err != nil {
			return err
		}
	}
	answer, err := api.CancelJob(ctx, id, req)
	if err != nil {
		return err
	}
	if c.Wait {
		sh.note("%s", clean(answer.Message))
		job, err := api.WaitJob(ctx, id, nil)
		if err != nil {
			return err
		}
		return sh.answer(c.Output, job, func() error { return showEnd(sh.out, job, sh.paint) })
	}
	return sh.answer(c.Output, answer, func() error {
		if _, err := fmt.Fprintln(sh.out, clean(answer.Message)); err != nil || answer.Dependents == 0 {
			return err
		}
		_, err := fmt.Fprintf(sh.out, "Of the jobs that hang on it %d are stopped with it.\n", answer.Dependents)
		return err
	})
}

type jobRetryCmd struct {
	config.Client
	Job        string `arg:"" help:"id of the job"`
	Dependents bool   `name:"with-dependents" help:"make also those jobs anew that were cancelled because this one did not end as they need"`
	Robot      string `help:"same: the robot that had the job last; any: no certain one; else the id of a robot; default: what the job asked for" placeholder:"ROBOT"`
	From       string `enum:"start,failed-node" default:"start" help:"start, or failed-node: go on where the job failed"`
	waitFlags
}

// Help is the long form of the help.
func (jobRetryCmd) Help() string {
	return `The new job has the same workflow version, variables and priority, and names the old one, which stays as it is.

With --from failed-node it goes on with the node that failed; what ran before it
does not run again. "fleet job show" says whether that can be.

Examples:

    fleet job retry ID --wait
    fleet job retry ID --robot same
    fleet job retry ID --from failed-node`
}

// Run makes the new job.
func (c *jobRetryCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	answer, err := api.RetryJob(ctx, id, client.RetryRequest{Dependents: c.Dependents, Robot: c.Robot, From: strings.ReplaceAll(c.From, "-", "_")})
	if err != nil {
		return err
	}
	if c.Wait || c.Follow {
		sh.note("%s", clean(answer.Message))
		return sh.await(ctx, api, answer.NewJobID, c.waitFlags, c.Output)
	}
	return sh.answer(c.Output, answer, func() error {
		if _, err := fmt.Fprintln(sh.out, clean(answer.Message)); err != nil {
			return err
		}
		for _, id := range answer.Dependents {
			if _, err := fmt.Fprintf(sh.out, "Job %s waits for it.\n", id); err != nil {
				return err
			}
		}
		return nil
	})
}

type jobDecideCmd struct {
	config.Client
	Job    string `arg:"" help:"id of the job"`
	Choice string `arg:"" enum:"retry,complete,fail,cancel" help:"retry, complete, fail or cancel"`
	Reason string `required:"" help:"why; kept with the job" placeholder:"TEXT"`
	Result string `help:"with complete: the result, a JSON object" placeholder:"JSON"`

	Done    []string `help:"a step that was done: the next attempt skips it" placeholder:"STEP" sep:"none"`
	NotDone []string `help:"a step that was not done: it may run" placeholder:"STEP" sep:"none"`
	Outputs string   `help:"of the one --done step: a JSON object" placeholder:"JSON"`
}

// Help is the long form of the help.
func (jobDecideCmd) Help() string {
	return `A job needs a person when its robot was lost inside a step that must not run twice: nobody knows whether that step was done. 'fleet job get' lists such steps. Say of each whether it was done, by the id of its node, or by its key where a node has several; without a word about them, none was.

Examples:

    fleet job decide ID retry --reason "the payment was not sent"
    fleet job decide ID retry --reason "seen in the bank" --done pay --not-done mail
    fleet job decide ID complete --reason "sent, seen in the bank" --result '{"paid": true}'`
}

// Run answers. The job as it is now is what the answer is about: if it changes
// in between, the orchestrator says so.
func (c *jobDecideCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	d := client.Decision{Decision: c.Choice, Reason: c.Reason}
	if c.Result != "" {
		parsed, err := value.Parse([]byte(c.Result))
		if err != nil {
			return fleet.Invalid("result", "--result is not valid JSON: %s.", err)
		}
		if asObject(parsed) == nil {
			return fleet.Invalid("result", "--result must be a JSON object.")
		}
		d.Output = json.RawMessage(c.Result)
	}
	job, err := api.GetJob(ctx, id)
	if err != nil {
		return err
	}
	d.Version = job.Version
	if d.Effects, err = c.answers(job.Open); err != nil {
		return err
	}
	decided, err := api.DecideJob(ctx, id, d)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, decided, func() error {
		_, err := fmt.Fprintf(sh.out, "Decided: job %s is %s.\n", decided.ID, decided.State)
		return err
	})
}

// answers are what --done and --not-done say of the steps that are open.
func (c *jobDecideCmd) answers(open []client.OpenEffect) ([]fleet.EffectAnswer, error) {
	var outputs json.RawMessage
	if c.Outputs != "" {
		parsed, err := value.Parse([]byte(c.Outputs))
		if err != nil || asObject(parsed) == nil {
			return nil, fleet.Invalid("outputs", "--outputs must be a JSON object.")
		}
		if len(c.Done) != 1 {
			return nil, fleet.Invalid("outputs", "--outputs goes with one --done; there are %d.", len(c.Done))
		}
		outputs = json.RawMessage(c.Outputs)
	}
	var out []fleet.EffectAnswer
	say := func(step string, done bool, outputs json.RawMessage) error {
		before := len(out)
		for _, e := range open {
			if step == e.Node || step == e.Key {
				out = append(out, fleet.EffectAnswer{Node: e.Node, Key: e.Key, Done: done, Outputs: outputs})
			}
		}
		if len(out) == before {
			return fleet.Invalid("step", "No open step is called %s. Open: %s.", clean(step), openSteps(open))
		}
		return nil
	}
	for _, step := range c.Done {
		if err := say(step, true, outputs); err != nil {
			return nil, err
		}
	}
	for _, step := range c.NotDone {
		if err := say(step, false, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// openSteps names steps as --done takes them.
func openSteps(open []client.OpenEffect) string {
	if len(open) == 0 {
		return "none"
	}
	names := make([]string, len(open))
	for i, e := range open {
		names[i] = clean(e.Key)
		if e.Key == "" {
			names[i] = clean(e.Node)
		}
	}
	return strings.Join(names, ", ")
}
