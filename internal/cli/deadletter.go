package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// deadLetterCmds are the verbs for jobs that failed for good.
type deadLetterCmds struct {
	List   deadListCmd   `cmd:"" help:"list jobs that failed for good, the newest first"`
	Get    deadGetCmd    `cmd:"" aliases:"show" help:"show one with its error"`
	Stats  deadStatsCmd  `cmd:"" help:"count them"`
	Retry  deadRetryCmd  `cmd:"" help:"repeat the job of one"`
	Groups deadGroupsCmd `cmd:"" help:"list those that are alike together"`
	Again  deadAgainCmd  `cmd:"" help:"repeat the jobs of all that are alike"`
	Delete deadDeleteCmd `cmd:"" help:"take one from the list; its job stays"`
	Purge  deadPurgeCmd  `cmd:"" help:"take old ones from the list that were looked after"`
}

type deadListCmd struct {
	config.Client
	All   bool `help:"also those that somebody has looked after"`
	Limit int  `help:"how many; 0: all" default:"50"`
}

// Run lists dead letters.
func (c *deadListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := pageTo(c.Limit, func(cursor string) ([]client.DeadLetter, string, error) {
		page, err := api.ListDeadLetters(ctx, c.All, fleet.Page{Limit: fleet.PageMax, Cursor: cursor})
		return page.Entries, page.Next, err
	})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"entries": list}, func() error {
		t := table{head: []string{"JOB", "WORKFLOW", "ERROR", "RETRIES", "FAILED", "LOOKED AFTER"}, paint: sh.paint, state: -1}
		for _, d := range list {
			t.add(string(d.ID), clip(clean(d.WorkflowName), 30), clip(clean(string(d.ErrorClass)+" "+d.ErrorCode), 40), fmt.Sprint(d.RetryCount),
				ago(d.LastFailedAt, time.Now()), dash(clean(d.ReprocessedBy)))
		}
		return t.write(sh.out, "No job has failed for good.")
	})
}

type deadGetCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
}

// Run shows a dead letter.
func (c *deadGetCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	d, err := api.GetDeadLetter(ctx, id)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, d, func() error {
		card := &card{}
		card.add("job", string(d.ID))
		card.add("workflow", clean(d.WorkflowName))
		card.add("because", clean(d.Reason))
		card.add("error", clean(d.ErrorMessage))
		card.add("retries", fmt.Sprint(d.RetryCount))
		card.add("failed", wall(d.LastFailedAt))
		if d.ReprocessedBy != "" {
			card.add("looked after", wall(d.ReprocessedAt)+" by "+clean(d.ReprocessedBy))
		}
		return card.write(sh.out, sh.paint)
	})
}

type deadStatsCmd struct{ config.Client }

// Run counts dead letters.
func (c *deadStatsCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	n, err := api.CountDeadLetters(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, n, func() error {
		_, err := fmt.Fprintf(sh.out, "%d jobs failed for good: %d wait for somebody, %d were looked after.\n", n.Total, n.Pending, n.Reprocessed)
		return err
	})
}

type deadRetryCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
}

// Run repeats a job.
func (c *deadRetryCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	job, err := api.RetryDeadLetter(ctx, id)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"job_id": job, "original_job_id": id}, func() error {
		_, err := fmt.Fprintf(sh.out, "Job %s repeats it.\n", job)
		return err
	})
}

type deadDeleteCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
}

// Run takes a dead letter from the list.
func (c *deadDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	if err := api.DeleteDeadLetter(ctx, id); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "Job %s is off the list.\n", id)
	return err
}

type deadPurgeCmd struct {
	config.Client
	Days int `name:"older-than-days" help:"those that were looked after longer ago" default:"30" placeholder:"DAYS"`
}

// Run takes old ones from the list.
func (c *deadPurgeCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	n, err := api.PurgeDeadLetters(ctx, c.Days)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"purged": n}, func() error {
		_, err := fmt.Fprintf(sh.out, "%d are off the list.\n", n)
		return err
	})
}
