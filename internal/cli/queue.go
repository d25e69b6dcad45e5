package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// queueCmds are the verbs for queues.
type queueCmds struct {
	List    queueListCmd    `cmd:"" help:"list queues with their counts"`
	Get     queueGetCmd     `cmd:"" aliases:"show" help:"show a queue"`
	Create  queueCreateCmd  `cmd:"" aliases:"add" help:"make a queue"`
	Edit    queueEditCmd    `cmd:"" help:"change a queue"`
	Stats   queueStatsCmd   `cmd:"" help:"say how a queue stands, and whether its deadlines will be met"`
	Depth   queueDepthCmd   `cmd:"" help:"draw how many items of a queue were new over time"`
	Figures queueFiguresCmd `cmd:"" help:"say how all queues do: oldest item, deadlines, depth"`
	Pause   queuePauseCmd   `cmd:"" help:"keep items from being taken"`
	Resume  queueResumeCmd  `cmd:"" help:"let items be taken again"`
	Delete  queueDeleteCmd  `cmd:"" aliases:"rm" help:"delete a queue that has nothing left to do"`
	Import  queueImportCmd  `cmd:"" help:"add any number of items from lines of JSON"`
	Export  queueExportCmd  `cmd:"" help:"write all items as lines of JSON"`
}

// oneQueue names a queue.
type oneQueue struct {
	Queue string `arg:"" help:"id or name of the queue"`
}

type queueListCmd struct{ config.Client }

// Run lists queues.
func (c *queueListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListQueues(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"queues": list}, func() error {
		t := table{head: []string{"QUEUE", "STATUS", "NEW", "IN PROGRESS", "SUCCESSFUL", "FAILED", "ABANDONED", "DESCRIPTION"}, paint: sh.paint, state: -1}
		for i := range list {
			q := &list[i]
			t.add(clip(clean(q.Name), 40), pausedWord(q.Paused), whole(q.Counts.New), whole(q.Counts.InProgress), whole(q.Counts.Successful),
				whole(q.Counts.Failed), whole(q.Counts.Abandoned), clip(clean(q.Description), 40))
		}
		return t.write(sh.out, "There is no queue.")
	})
}

func whole(n int64) string { return strconv.FormatInt(n, 10) }

func pausedWord(paused bool) string {
	if paused {
		return "paused"
	}
	return "active"
}

func (s *shell) showQueue(output string, q client.Queue) error {
	return s.answer(output, q, func() error {
		card := &card{}
		card.add("queue", clean(q.Name))
		card.add("id", string(q.ID))
		card.add("description", clean(q.Description))
		card.add("status", pausedWord(q.Paused))
		card.add("note", clean(q.Note))
		card.add("order", string(q.Order))
		card.add("unique references", string(q.Unique))
		card.add("retries", fmt.Sprintf("%d after %d s", q.MaxRetries, q.RetryDelaySeconds))
		card.add("kept for", fmt.Sprintf("%d days", q.RetentionDays))
		card.add("new", whole(q.Counts.New))
		card.add("in progress", whole(q.Counts.InProgress))
		card.add("successful", whole(q.Counts.Successful))
		card.add("failed", whole(q.Counts.Failed))
		return card.write(s.out, s.paint)
	})
}

type queueGetCmd struct {
	config.Client
	oneQueue
}

// Run shows a queue.
func (c *queueGetCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	q, err := api.GetQueue(ctx, c.Queue)
	if err != nil {
		return err
	}
	return sh.showQueue(c.Output, q)
}

// queueFlags are what can be set of a queue.
type queueFlags struct {
	Description  *string             `help:"for people" placeholder:"TEXT"`
	MaxRetries   *int                `help:"how often an item is tried again after an ApplicationException; 3 for a new queue" placeholder:"N"`
	RetryDelay   *int                `help:"seconds before a retry; 60 for a new queue" placeholder:"SECONDS"`
	AutoRetry    *bool               `negatable:"" help:"try again by itself"`
	Order        *fleet.ItemOrder    `help:"default, fifo or earliest_deadline_first" placeholder:"ORDER"`
	Unique       *fleet.Unique       `help:"among which items a reference stands once: none, forever, while_active or window" placeholder:"SCOPE"`
	Window       *int                `help:"seconds of unique window" placeholder:"SECONDS"`
	AbandonAfter *int                `help:"seconds after which an item that is held outside of a job is abandoned; 3600 for a new queue" placeholder:"SECONDS"`
	Schema       string              `help:"file with a JSON Schema of the data of items; {} takes it away" placeholder:"PATH"`
	OutputSchema string              `help:"file with a JSON Schema of their output" placeholder:"PATH"`
	OnDeadline   *fleet.DeadlineRule `help:"what becomes of a new item whose deadline passes: warn, expire or boost" placeholder:"RULE"`
	SLA          *int                `name:"sla" help:"seconds to the deadline of items that come without one" placeholder:"SECONDS"`
	Risk         *int                `help:"so many seconds before its deadline an item is at risk" placeholder:"SECONDS"`
	Retention    *int                `help:"days for which items that have ended are kept; 90 for a new queue" placeholder:"DAYS"`
}

func (f *queueFlags) change(sh *shell) (client.QueueChange, error) {
	c := client.QueueChange{
		Description: f.Description, MaxRetries: f.MaxRetries, RetryDelaySeconds: f.RetryDelay, AutoRetry: f.AutoRetry, Order: f.Order, Unique: f.Unique,
		WindowSeconds: f.Window, AbandonAfterSeconds: f.AbandonAfter, OnDeadline: f.OnDeadline, SLASeconds: f.SLA, RiskSeconds: f.Risk, RetentionDays: f.Retention,
	}
	for _, s := range []struct {
		file string
		into *json.RawMessage
	}{{f.Schema, &c.Schema}, {f.OutputSchema, &c.OutputSchema}} {
		if s.file == "" {
			continue
		}
		text, err := sh.read(s.file)
		if err != nil {
			return c, err
		}
		if !json.Valid(text) {
			return c, fleet.Invalid("schema", "%s holds no JSON.", s.file)
		}
		*s.into = text
	}
	return c, nil
}

type queueCreateCmd struct {
	config.Client
	Name string `arg:"" help:"name of the queue"`
	queueFlags
}

// Run makes a queue.
func (c *queueCreateCmd) Run(ctx context.Context, sh *shell) error {
	change, err := c.change(sh)
	if err != nil {
		return err
	}
	change.Name = &c.Name
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	q, err := api.CreateQueue(ctx, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, q, func() error {
		_, err := fmt.Fprintf(sh.out, "Queue %s is there.\n", clean(q.Name))
		return err
	})
}

type queueEditCmd struct {
	config.Client
	oneQueue
	Name *string `help:"a new name" placeholder:"NAME"`
	queueFlags
}

// Run changes a queue.
func (c *queueEditCmd) Run(ctx context.Context, sh *shell) error {
	change, err := c.change(sh)
	if err != nil {
		return err
	}
	change.Name = c.Name
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	q, err := api.UpdateQueue(ctx, c.Queue, change)
	if err != nil {
		return err
	}
	return sh.showQueue(c.Output, q)
}

type queueStatsCmd struct {
	config.Client
	oneQueue
}

// Run tells how a queue stands.
func (c *queueStatsCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	s, err := api.QueueStats(ctx, c.Queue)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, s, func() error {
		card := &card{}
		card.add("status", s.Status)
		card.add("new", fmt.Sprintf("%d, of which %d wait for their time", s.New, s.Postponed))
		card.add("in progress", whole(s.InProgress))
		card.add("successful", whole(s.Successful))
		card.add("failed", whole(s.Failed))
		card.add("abandoned", whole(s.Abandoned))
		card.add("retried", whole(s.Retried))
		card.add("oldest new item", (time.Duration(s.OldestAge) * time.Second).String())
		card.add("handling", (time.Duration(s.HandlingMS) * time.Millisecond).String())
		card.add("deadlines", slaWords(&s.SLA))
		return card.write(sh.out, sh.paint)
	})
}

func slaWords(s *fleet.SLA) string {
	text := map[fleet.SLAState]string{
		fleet.SLAUnknown: "nothing can be said before 5 items were handled", fleet.SLAGreen: "will be met", fleet.SLAAmber: "are at risk", fleet.SLARed: "some have passed",
	}[s.State]
	if s.RobotsNeeded > 0 {
		text += fmt.Sprintf("; %d robots are needed, %d work on it", s.RobotsNeeded, s.Consumers)
	}
	if s.EmptyInSecond > 0 {
		text += "; at this rate empty in " + (time.Duration(s.EmptyInSecond) * time.Second).String()
	}
	return text
}

type queuePauseCmd struct {
	config.Client
	oneQueue
	Note string `help:"why" placeholder:"TEXT"`
}

// Run pauses a queue.
func (c *queuePauseCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if _, err := api.PauseQueue(ctx, c.Queue, c.Note); err != nil {
		return err
	}
	sh.note("Nobody takes items of queue %s any more; what is held goes on.", c.Queue)
	return nil
}

type queueResumeCmd struct {
	config.Client
	oneQueue
}

// Run resumes a queue.
func (c *queueResumeCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if _, err := api.ResumeQueue(ctx, c.Queue); err != nil {
		return err
	}
	sh.note("Items of queue %s are taken again.", c.Queue)
	return nil
}

type queueDeleteCmd struct {
	config.Client
	oneQueue
}

// Run deletes a queue.
func (c *queueDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteQueue(ctx, c.Queue); err != nil {
		return err
	}
	sh.note("Queue %s is deleted.", c.Queue)
	return nil
}
