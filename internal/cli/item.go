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

// itemCmds are the verbs for items of queues.
type itemCmds struct {
	Add      itemAddCmd      `cmd:"" help:"add an item to a queue"`
	List     itemListCmd     `cmd:"" help:"list items of a queue, the newest first"`
	Get      itemGetCmd      `cmd:"" aliases:"show" help:"show an item with its data and output"`
	Chain    itemChainCmd    `cmd:"" help:"list all tries of an item"`
	Edit     itemEditCmd     `cmd:"" help:"change a new item"`
	Claim    itemClaimCmd    `cmd:"" help:"take the next items of a queue, to do them by hand"`
	Complete itemCompleteCmd `cmd:"" help:"say that an item is done that was taken by hand"`
	Fail     itemFailCmd     `cmd:"" help:"say that it could not be done"`
	Release  itemReleaseCmd  `cmd:"" help:"give it back unharmed"`
	Postpone itemPostponeCmd `cmd:"" help:"put an item back until a time"`
	Retry    itemRetryCmd    `cmd:"" help:"try a failed or abandoned item again"`
	Change   itemChangeCmd   `cmd:"" help:"do the same with many items of a queue"`
	Review   itemReviewCmd   `cmd:"" help:"say what is to hold of an item that failed, and who looks at it"`
	Comment  itemCommentCmd  `cmd:"" help:"add a comment to an item"`
	Delete   itemDeleteCmd   `cmd:"" aliases:"rm" help:"take items out that nobody holds"`
}

// oneItem names an item.
type oneItem struct {
	Item string `arg:"" help:"id of the item"`
}

// itemCall connects, and reads the id of an item.
func (s *shell) itemCall(conf config.Client, text string) (*client.Client, fleet.ID, error) {
	id, err := fleet.ParseID(text)
	if err != nil {
		return nil, "", err
	}
	api, err := s.connect(conf)
	return api, id, err
}

// inTime reads a time, or a span from now on such as 90m.
func inTime(field, text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		t := now.Add(d).UTC()
		return &t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fleet.Invalid(field, "--%s takes a time such as 2026-12-31T17:00:00Z, or a span such as 90m; got %q.", field, text)
	}
	t = t.UTC()
	return &t, nil
}

type itemAddCmd struct {
	config.Client
	oneQueue
	Reference string            `help:"what it is called in the business" placeholder:"TEXT"`
	Data      string            `help:"a JSON object" placeholder:"JSON"`
	File      string            `help:"file with the data; - is standard input" placeholder:"PATH"`
	Priority  *fleet.Priority   `help:"0 (first) to 20, or a name; 10 if left out" placeholder:"N"`
	Deadline  string            `help:"a time, or a span from now on such as 90m" placeholder:"TIME"`
	NotBefore string            `help:"nobody takes it before this time" placeholder:"TIME"`
	Label     map[string]string `help:"a label (repeatable)" placeholder:"KEY=VALUE" mapsep:"none"`
}

// Run adds an item.
func (c *itemAddCmd) Run(ctx context.Context, sh *shell) error {
	spec := fleet.ItemSpec{Reference: c.Reference, Data: json.RawMessage(c.Data), Priority: c.Priority, Labels: c.Label}
	if c.File != "" {
		text, err := sh.read(c.File)
		if err != nil {
			return err
		}
		spec.Data = text
	}
	if len(spec.Data) > 0 && !json.Valid(spec.Data) {
		return fleet.Invalid("data", "The data of an item is a JSON object; got %q.", clip(string(spec.Data), 40))
	}
	var err error
	if spec.Deadline, err = inTime("deadline", c.Deadline, time.Now()); err != nil {
		return err
	}
	if spec.NotBefore, err = inTime("not-before", c.NotBefore, time.Now()); err != nil {
		return err
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	i, err := api.AddItem(ctx, c.Queue, spec)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, i, func() error {
		_, err := fmt.Fprintf(sh.out, "Item %s is in the queue.\n", i.ID)
		return err
	})
}

type itemListCmd struct {
	config.Client
	oneQueue
	Status    []string `help:"in this state (repeatable)" placeholder:"STATE" sep:"none"`
	Reference string   `help:"with exactly this reference" placeholder:"TEXT"`
	Prefix    string   `help:"whose reference begins so" placeholder:"TEXT"`
	Job       fleet.ID `help:"held by this job, now or at their end" placeholder:"ID"`
	Line      bool     `help:"as they are worked off; else the newest first"`
	Limit     int      `help:"how many; 0: all" default:"50"`
}

// Run lists items.
func (c *itemListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := pageTo(c.Limit, func(cursor string) ([]fleet.QueueItem, string, error) {
		page, err := api.ListItems(ctx, c.Queue, client.ItemFilter{Status: c.Status, Reference: c.Reference, Prefix: c.Prefix, JobID: c.Job, InLine: c.Line}, fleet.Page{Limit: fleet.PageMax, Cursor: cursor})
		return page.Items, page.Next, err
	})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"items": list}, func() error { return sh.itemTable(list) })
}

func (s *shell) itemTable(list []fleet.QueueItem) error {
	t := table{head: []string{"ITEM", "REFERENCE", "STATE", "PRIORITY", "TRY", "DEADLINE", "HOLDER", "CHANGED", "ERROR"}, paint: s.paint, state: -1}
	for k := range list {
		i := &list[k]
		state := string(i.Status)
		if i.Postponed {
			state += " (postponed)"
		}
		deadline := ""
		if !i.Deadline.IsZero() {
			deadline = wall(i.Deadline)
		}
		t.add(string(i.ID), clip(clean(i.Reference), 30), state, strconv.Itoa(int(i.Priority)), strconv.Itoa(i.RetryNo+i.LostNo+1), dash(deadline),
			dash(clip(clean(i.Holder), 24)), ago(i.UpdatedAt, time.Now()), clip(clean(i.ErrorMessage), 40))
	}
	return t.write(s.out, "There is no such item.")
}

func (s *shell) showItem(output string, i fleet.QueueItem) error {
	return s.answer(output, i, func() error {
		card := &card{}
		card.add("item", string(i.ID))
		card.add("reference", clean(i.Reference))
		card.add("state", string(i.Status))
		card.add("priority", strconv.Itoa(int(i.Priority)))
		for _, t := range []struct {
			name string
			at   time.Time
		}{{"not before", i.NotBefore}, {"deadline", i.Deadline}, {"started", i.StartedAt}, {"ended", i.CompletedAt}} {
			if !t.at.IsZero() {
				card.add(t.name, wall(t.at))
			}
		}
		card.add("holder", clean(i.Holder))
		card.add("job", string(i.JobID))
		card.add("error", clean(i.ErrorType+" "+i.ErrorMessage))
		card.add("retry", string(i.NextID))
		card.add("reviewer", clean(i.Reviewer))
		card.add("data", clean(string(i.Data)))
		card.add("output", clean(string(i.Output)))
		for _, r := range i.Comments {
			card.add("comment of "+clean(r.By), clean(r.Text))
		}
		return card.write(s.out, s.paint)
	})
}

type itemGetCmd struct {
	config.Client
	oneItem
}

// Run shows an item.
func (c *itemGetCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.itemCall(c.Client, c.Item)
	if err != nil {
		return err
	}
	i, err := api.GetItem(ctx, id)
	if err != nil {
		return err
	}
	return sh.showItem(c.Output, i)
}

type itemChainCmd struct {
	config.Client
	oneItem
}

// Run lists the tries of an item.
func (c *itemChainCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.itemCall(c.Client, c.Item)
	if err != nil {
		return err
	}
	list, err := api.ItemChain(ctx, id)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"items": list}, func() error { return sh.itemTable(list) })
}

type itemEditCmd struct {
	config.Client
	oneItem
	Reference *string         `help:"what it is called in the business" placeholder:"TEXT"`
	Data      string          `help:"a JSON object" placeholder:"JSON"`
	Priority  *fleet.Priority `help:"0 (first) to 20, or a name" placeholder:"N"`
	Deadline  string          `help:"a time, or a span from now on" placeholder:"TIME"`
	Clear     []string        `help:"take away deadline, risk_at or not_before (repeatable)" placeholder:"FIELD" sep:"none"`
}

// Run changes an item.
func (c *itemEditCmd) Run(ctx context.Context, sh *shell) error {
	e := client.ItemEdit{Reference: c.Reference, Data: json.RawMessage(c.Data), Priority: c.Priority, Clear: c.Clear}
	if c.Data == "" {
		e.Data = nil
	} else if !json.Valid(e.Data) {
		return fleet.Invalid("data", "The data of an item is a JSON object; got %q.", clip(c.Data, 40))
	}
	var err error
	if e.Deadline, err = inTime("deadline", c.Deadline, time.Now()); err != nil {
		return err
	}
	api, id, err := sh.itemCall(c.Client, c.Item)
	if err != nil {
		return err
	}
	i, err := api.UpdateItem(ctx, id, e)
	if err != nil {
		return err
	}
	return sh.showItem(c.Output, i)
}

type itemRetryCmd struct {
	config.Client
	oneItem
}

// Run tries an item again.
func (c *itemRetryCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.itemCall(c.Client, c.Item)
	if err != nil {
		return err
	}
	i, err := api.RetryItem(ctx, id)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, i, func() error {
		_, err := fmt.Fprintf(sh.out, "Item %s tries it again.\n", i.ID)
		return err
	})
}

type itemReviewCmd struct {
	config.Client
	oneItem
	Review   fleet.Review `help:"in_review or verified; none if left out" placeholder:"WORD"`
	Reviewer string       `help:"who is to look at it" placeholder:"NAME"`
}

// Run notes a review.
func (c *itemReviewCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.itemCall(c.Client, c.Item)
	if err != nil {
		return err
	}
	i, err := api.ReviewItem(ctx, id, c.Review, c.Reviewer)
	if err != nil {
		return err
	}
	return sh.showItem(c.Output, i)
}

type itemCommentCmd struct {
	config.Client
	oneItem
	Text string `arg:"" help:"the comment"`
}

// Run adds a comment.
func (c *itemCommentCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.itemCall(c.Client, c.Item)
	if err != nil {
		return err
	}
	i, err := api.CommentItem(ctx, id, c.Text)
	if err != nil {
		return err
	}
	return sh.showItem(c.Output, i)
}

type itemDeleteCmd struct {
	config.Client
	Items []string `arg:"" name:"item" help:"ids of items"`
}

// Run deletes items.
func (c *itemDeleteCmd) Run(ctx context.Context, sh *shell) error {
	for _, text := range c.Items {
		api, id, err := sh.itemCall(c.Client, text)
		if err != nil {
			return err
		}
		if err := api.DeleteItem(ctx, id); err != nil {
			return err
		}
		sh.note("Item %s is deleted.", id)
	}
	return nil
}
