package cli

import (
	"context"
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type itemClaimCmd struct {
	config.Client
	oneQueue
	Count int `help:"how many, at most 100" default:"1" placeholder:"N"`
}

// Help is the long form of the help.
func (itemClaimCmd) Help() string {
	return `Whoever takes items holds them until they are settled by "fleet item complete", "fail", "release" or "postpone", with the same key or sign-in. After the time that the queue sets (--abandon-after) they are abandoned, and stand in line again.`
}

// Run takes items.
func (c *itemClaimCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ClaimItems(ctx, c.Queue, c.Count, client.ItemHold{})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"items": list}, func() error { return sh.itemTable(list) })
}

type itemCompleteCmd struct {
	config.Client
	oneItem
	Result string `help:"the output, a JSON object" placeholder:"JSON"`
}

// Run settles an item.
func (c *itemCompleteCmd) Run(ctx context.Context, sh *shell) error {
	if c.Result != "" && !json.Valid([]byte(c.Result)) {
		return fleet.Invalid("result", "--result takes a JSON object; got %q.", clip(c.Result, 40))
	}
	return sh.settled(c.Client, c.Item, func(api *client.Client, id fleet.ID) (fleet.QueueItem, error) {
		return api.CompleteItem(ctx, id, client.ItemHold{}, json.RawMessage(c.Result))
	})
}

type itemFailCmd struct {
	config.Client
	oneItem
	Business bool   `help:"a BusinessException, which is not tried again"`
	Message  string `help:"why" placeholder:"TEXT"`
}

// Run settles an item.
func (c *itemFailCmd) Run(ctx context.Context, sh *shell) error {
	kind := fleet.ApplicationItemType
	if c.Business {
		kind = fleet.BusinessItemType
	}
	return sh.settled(c.Client, c.Item, func(api *client.Client, id fleet.ID) (fleet.QueueItem, error) {
		return api.FailItem(ctx, id, client.ItemHold{}, client.ItemFault{Type: kind, Message: c.Message})
	})
}

type itemReleaseCmd struct {
	config.Client
	oneItem
}

// Run gives an item back.
func (c *itemReleaseCmd) Run(ctx context.Context, sh *shell) error {
	return sh.settled(c.Client, c.Item, func(api *client.Client, id fleet.ID) (fleet.QueueItem, error) {
		return api.ReleaseItem(ctx, id, client.ItemHold{})
	})
}

type itemPostponeCmd struct {
	config.Client
	oneItem
	Until string `arg:"" help:"a time, or a span from now on such as 90m"`
}

// Run postpones an item.
func (c *itemPostponeCmd) Run(ctx context.Context, sh *shell) error {
	until, err := inTime("until", c.Until, time.Now())
	if err != nil {
		return err
	}
	if until == nil {
		return fleet.Invalid("until", "until is needed.")
	}
	return sh.settled(c.Client, c.Item, func(api *client.Client, id fleet.ID) (fleet.QueueItem, error) {
		return api.PostponeItem(ctx, id, client.ItemHold{}, *until)
	})
}

// settled connects, settles an item and shows it.
func (s *shell) settled(conf config.Client, text string, do func(api *client.Client, id fleet.ID) (fleet.QueueItem, error)) error {
	api, id, err := s.itemCall(conf, text)
	if err != nil {
		return err
	}
	i, err := do(api, id)
	if err != nil {
		return err
	}
	return s.showItem(conf.Output, i)
}
