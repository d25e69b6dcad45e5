package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type itemChangeCmd struct {
	config.Client
	Queue    string    `arg:"" help:"id or name of the queue"`
	Do       string    `arg:"" enum:"retry,verify,postpone,set_priority,move,delete" help:"retry, verify, postpone, set_priority, move or delete"`
	Items    []string  `arg:"" help:"ids of the items, at most 500"`
	Until    time.Time `help:"with postpone" placeholder:"TIME"`
	Priority *int      `help:"with set_priority: 0 (first) to 20" placeholder:"N"`
	To       string    `help:"with move: id or name of the other queue" placeholder:"QUEUE"`
}

// Help is the long form of the help.
func (itemChangeCmd) Help() string {
	return `Each item is changed by itself: one that is in another state stops no other, and is told of.

Examples:

    fleet item change invoices retry ID1 ID2
    fleet item change invoices set_priority ID1 ID2 --priority 0
    fleet item change invoices move ID1 ID2 --to reminders`
}

// Run changes items.
func (c *itemChangeCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	req := client.ItemsChange{Do: c.Do, To: c.To}
	for _, id := range c.Items {
		req.IDs = append(req.IDs, fleet.ID(id))
	}
	if !c.Until.IsZero() {
		req.Until = &c.Until
	}
	if c.Priority != nil {
		p := fleet.Priority(*c.Priority)
		req.Priority = &p
	}
	done, err := api.ChangeItems(ctx, c.Queue, req)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, done, func() error {
		if _, err := fmt.Fprintf(sh.out, "%d done, %d refused.\n", done.Done, done.Refused); err != nil {
			return err
		}
		for _, i := range done.Items {
			if i.Why == "" {
				continue
			}
			if _, err := fmt.Fprintf(sh.out, "%s: %s\n", i.ID, clean(i.Why)); err != nil {
				return err
			}
		}
		return nil
	})
}
