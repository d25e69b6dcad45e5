package cli

import (
	"context"
	"encoding/json"
	"fmt"
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
	waitFlags
}

// Help is the long form of the help.
func (jobRetryCmd) Help() string {
	return `The new job has the same workflow version, variables and priority, and names the old one, which stays as it is.

Examples:

    fleet job retry ID --wait
    fleet job retry ID --robot same`
}

// Run makes the new job.
func (c *jobRetryCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	answer, err := api.RetryJob(ctx, id, client.RetryRequest{Dependents: c.Dependents, Robot: c.Robot})
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
}

// Help is the long form of the help.
func (jobDecideCmd) Help() string {
	return `A job needs a person when its robot was lost inside a step that must not run twice: nobody knows whether that step was done.

Examples:

    fleet job decide ID retry --reason "the payment was not sent"
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
	decided, err := api.DecideJob(ctx, id, d)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, decided, func() error {
		_, err := fmt.Fprintf(sh.out, "Decided: job %s is %s.\n", decided.ID, decided.State)
		return err
	})
}
