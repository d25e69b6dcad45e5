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
)

// webhookCmds are the verbs for webhooks that are sent events.
type webhookCmds struct {
	Add        webhookAddCmd        `cmd:"" aliases:"create" help:"have events sent to an address; its secret is shown once"`
	List       webhookListCmd       `cmd:"" help:"list webhooks by name"`
	Show       webhookShowCmd       `cmd:"" aliases:"get" help:"show a webhook"`
	Edit       webhookEditCmd       `cmd:"" help:"change a webhook"`
	Enable     webhookEnableCmd     `cmd:"" aliases:"resume" help:"send events again, from where it stopped"`
	Disable    webhookDisableCmd    `cmd:"" aliases:"pause" help:"send nothing more; what happens meanwhile waits"`
	Test       webhookTestCmd       `cmd:"" help:"send a test event now, and say what was answered"`
	Rotate     webhookRotateCmd     `cmd:"" help:"replace the secret; the old one signs too for a while"`
	Deliveries webhookDeliveriesCmd `cmd:"" help:"list what was and is to be sent"`
	Delivery   webhookDeliveryCmd   `cmd:"" help:"show one delivery, with what was sent and what was answered"`
	Replay     webhookReplayCmd     `cmd:"" help:"send again what happened since a time, or one delivery"`
	Delete     webhookDeleteCmd     `cmd:"" aliases:"rm" help:"delete a webhook"`
}

// webhookFlags are what can be set of a webhook.
type webhookFlags struct {
	On          []string `help:"type of events that are sent, such as job.failed (repeatable), or all; all unless said otherwise" placeholder:"TYPE"`
	Filter      string   `help:"conditions on the data of an event, as JSON or a file of it: [{\"path\":\"/job/environment\",\"op\":\"=\",\"value\":\"prod\"}]" placeholder:"JSON"`
	Description string   `help:"for people" placeholder:"TEXT"`
	Ordered     *bool    `help:"send the events of one subject one after another" negatable:""`
	Rate        *int     `help:"calls a second at most; 10" placeholder:"N"`
}

func (f *webhookFlags) change(sh *shell) (c client.WebhookChange, err error) {
	c = client.WebhookChange{Description: given(f.Description), Ordered: f.Ordered, RatePerSecond: f.Rate}
	if len(f.On) > 0 {
		types := []fleet.EventKind{}
		for _, kind := range f.On {
			if kind != "all" {
				types = append(types, fleet.EventKind(kind))
			}
		}
		c.Types = &types
	}
	if f.Filter != "" {
		text, err := sh.jsonOf("filter", f.Filter)
		if err != nil {
			return c, err
		}
		if err := json.Unmarshal(text, &c.Filter); err != nil {
			return c, fleet.Invalid("filter", "--filter is not a list of conditions.").WithFix(`For example [{"path":"/job/environment","op":"=","value":"prod"}].`)
		}
	}
	return c, nil
}

type webhookAddCmd struct {
	config.Client
	Name     string `arg:"" help:"name of the webhook"`
	URL      string `arg:"" name:"address" help:"where events are sent, by https"`
	Disabled bool   `help:"send nothing yet"`
	webhookFlags
}

// Help is the long form of the help.
func (webhookAddCmd) Help() string {
	return `Events are sent as CloudEvents, signed as Standard Webhooks say. The secret is written to the standard output, this once.

Examples:

    fleet webhook add pager https://example.org/events --on job.failed --on robot.disconnected
    fleet webhook add store https://example.org/all --ordered --rate 50 > secret.txt`
}

// Run makes a webhook.
func (c *webhookAddCmd) Run(ctx context.Context, sh *shell) error {
	change, err := c.change(sh)
	if err != nil {
		return err
	}
	change.Name, change.URL = &c.Name, &c.URL
	if c.Disabled {
		no := false
		change.Enabled = &no
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	w, err := api.CreateWebhook(ctx, change)
	if err != nil {
		return err
	}
	return sh.webhookSecret(c.Output, w, fmt.Sprintf("Webhook %s is there: %s. Its secret is shown this once.", clean(w.Name), w.ID))
}

// webhookSecret hands out a new secret, this once.
func (s *shell) webhookSecret(output string, w client.Webhook, note string) error {
	return s.answer(output, w, func() error {
		s.note("%s", note)
		_, err := fmt.Fprintln(s.out, w.Secret)
		return err
	})
}

// standing is how a webhook fares, in a word.
func standing(w *client.Webhook) string {
	switch {
	case !w.Enabled:
		return "disabled"
	case w.FailingSince != nil:
		return "failing"
	case w.Delivered == 0:
		return "new"
	}
	return "ok"
}

func sentTypes(w *client.Webhook) string {
	if len(w.Types) == 0 {
		return "all events"
	}
	kinds := make([]string, len(w.Types))
	for i, k := range w.Types {
		kinds[i] = string(k)
	}
	return strings.Join(kinds, ", ")
}

type webhookListCmd struct{ config.Client }

// Run lists webhooks.
func (c *webhookListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListWebhooks(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"webhooks": list}, func() error {
		t := table{head: []string{"WEBHOOK", "URL", "STATE", "WAITING", "GIVEN UP"}, paint: sh.paint, state: -1} // 80 columns; show has the rest
		for i := range list {
			w := &list[i]
			t.add(clip(clean(w.Name), 18), clip(clean(w.URL), 29), standing(w), whole(w.Waiting+w.Behind), whole(w.GivenUp))
		}
		return t.write(sh.out, "There is no webhook.")
	})
}

// oneWebhook names a webhook.
type oneWebhook struct {
	Webhook string `arg:"" help:"id or name of the webhook"`
}

// saidOfWebhook is one sentence about a webhook.
func (s *shell) saidOfWebhook(words string) func(w client.Webhook) error {
	return func(w client.Webhook) error {
		_, err := fmt.Fprintf(s.out, "Webhook %s %s.\n", clean(w.Name), words)
		return err
	}
}

type webhookShowCmd struct {
	config.Client
	oneWebhook
}

// Run shows a webhook.
func (c *webhookShowCmd) Run(ctx context.Context, sh *shell) error {
	return answerOne(sh, c.Client, func(api *client.Client) (client.Webhook, error) { return api.GetWebhook(ctx, c.Webhook) }, func(w client.Webhook) error {
		var k card
		for _, r := range [][2]string{
			{"webhook", w.Name},
			{"id", string(w.ID)},
			{"description", w.Description},
			{"url", w.URL},
			{"sends", sentTypes(&w)},
			{"state", standing(&w)},
			{"note", w.Note},
			{"fault", w.Fault},
			{"failing since", at(w.FailingSince)},
			{"left alone until", at(w.HoldUntil)},
			{"ordered", yesNo(w.Ordered)},
			{"calls a second", whole(int64(w.RatePerSecond))},
			{"waiting", whole(w.Waiting)},
			{"not looked at yet", whole(w.Behind)},
			{"delivered", whole(w.Delivered)},
			{"given up", whole(w.GivenUp)},
			{"missed", whole(w.Missed)},
			{"last success", at(w.LastSuccess)},
			{"old secret until", at(w.OldUntil)},
		} {
			k.add(r[0], clean(r[1]))
		}
		return k.write(sh.out, sh.paint)
	})
}

type webhookEditCmd struct {
	config.Client
	oneWebhook
	Name string `help:"another name" placeholder:"NAME"`
	To   string `help:"another address" placeholder:"URL"`
	webhookFlags
}

// Run changes a webhook.
func (c *webhookEditCmd) Run(ctx context.Context, sh *shell) error {
	change, err := c.change(sh)
	if err != nil {
		return err
	}
	change.Name, change.URL = given(c.Name), given(c.To)
	return answerOne(sh, c.Client, func(api *client.Client) (client.Webhook, error) { return api.UpdateWebhook(ctx, c.Webhook, change) }, sh.saidOfWebhook("is changed"))
}

type webhookEnableCmd struct {
	config.Client
	oneWebhook
	Skip bool `help:"send what happens from now on, and nothing of what happened meanwhile"`
}

// Run sends events again.
func (c *webhookEnableCmd) Run(ctx context.Context, sh *shell) error {
	return answerOne(sh, c.Client, func(api *client.Client) (client.Webhook, error) { return api.EnableWebhook(ctx, c.Webhook, c.Skip) }, sh.saidOfWebhook("is enabled"))
}

type webhookDisableCmd struct {
	config.Client
	oneWebhook
	Note string `help:"why" placeholder:"TEXT"`
}

// Run sends nothing more.
func (c *webhookDisableCmd) Run(ctx context.Context, sh *shell) error {
	return answerOne(sh, c.Client, func(api *client.Client) (client.Webhook, error) { return api.DisableWebhook(ctx, c.Webhook, c.Note) }, sh.saidOfWebhook("is disabled"))
}

type webhookTestCmd struct {
	config.Client
	oneWebhook
}

// errNotArrived ends a test that did not arrive with a fault.
func errNotArrived(try fleet.DeliveryTry) error {
	return fleet.Errorf(fleet.CodeUnavailable, "webhook_test_failed", "The test did not arrive. %s", try.Reason())
}

// Run sends a test event.
func (c *webhookTestCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	try, err := api.TestWebhook(ctx, c.Webhook)
	if err != nil {
		return err
	}
	if !try.Arrived() {
		return errNotArrived(try)
	}
	return sh.answer(c.Output, try, func() error {
		_, err := fmt.Fprintf(sh.out, "The test has arrived: %d after %d ms.\n", try.Status, try.TookMS)
		return err
	})
}

type webhookRotateCmd struct {
	config.Client
	oneWebhook
	Keep time.Duration `help:"for how long the old secret signs too; 0: not at all" default:"24h" placeholder:"DURATION"`
}

// Run replaces the secret.
func (c *webhookRotateCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	w, err := api.RotateWebhook(ctx, c.Webhook, c.Keep)
	if err != nil {
		return err
	}
	return sh.webhookSecret(c.Output, w, fmt.Sprintf("Webhook %s has a new secret, which is shown this once. The old one signs too for %s.", clean(w.Name), c.Keep))
}

type webhookDeliveriesCmd struct {
	config.Client
	oneWebhook
	State  string `help:"only these: waiting, delivered or given_up" default:"" placeholder:"WORD"`
	Limit  int    `help:"how many" default:"20" placeholder:"N"`
	Cursor string `help:"go on where the last list ended" placeholder:"CURSOR"`
}

// Run lists deliveries.
func (c *webhookDeliveriesCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	page, err := api.WebhookDeliveries(ctx, c.Webhook, fleet.DeliveryState(c.State), fleet.Page{Limit: c.Limit, Cursor: c.Cursor})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, page, func() error {
		t := table{head: []string{"DELIVERY", "HAPPENED", "EVENT", "ABOUT", "STATE", "TRIES", "NEXT", "WHY"}, paint: sh.paint, state: -1}
		for i := range page.Deliveries {
			d := &page.Deliveries[i]
			t.add(string(d.ID), at(&d.EventAt), string(d.Kind), clip(clean(d.Subject), 46), string(d.State), whole(int64(d.Tries)), at(&d.NextAt), clip(clean(d.Reason), 60))
		}
		if err := t.write(sh.out, "Nothing was sent yet."); err != nil || page.Next == "" {
			return err
		}
		sh.note("There are more: --cursor %s", page.Next)
		return nil
	})
}

type webhookDeliveryCmd struct {
	config.Client
	oneWebhook
	Delivery fleet.ID `arg:"" help:"id of the delivery, which is that of its event"`
}

// Run shows one delivery.
func (c *webhookDeliveryCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	d, err := api.GetDelivery(ctx, c.Webhook, c.Delivery)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, d, func() error {
		var k card
		for _, r := range [][2]string{
			{"delivery", string(d.ID)},
			{"event", string(d.Kind) + " of " + d.Subject},
			{"happened", at(&d.EventAt)},
			{"state", string(d.State)},
			{"next try", at(&d.NextAt)},
			{"why", d.Reason},
			{"body", string(d.Body)},
		} {
			k.add(r[0], clean(r[1]))
		}
		for i := range d.Log {
			y := &d.Log[i]
			what := fmt.Sprintf("%s: %d after %d ms", at(&y.At), y.Status, y.TookMS)
			if y.Fault != "" {
				what = at(&y.At) + ": " + y.Fault
			} else if y.Answer != "" {
				what += ": " + clip(y.Answer, 200)
			}
			k.add(fmt.Sprintf("try %d", i+1), clean(what))
		}
		return k.write(sh.out, sh.paint)
	})
}

type webhookReplayCmd struct {
	config.Client
	oneWebhook
	Since    time.Duration `help:"what is not older, up to 14 days" placeholder:"DURATION"`
	Delivery fleet.ID      `help:"one delivery" placeholder:"ID"`
}

// Run sends events again.
func (c *webhookReplayCmd) Run(ctx context.Context, sh *shell) error {
	if (c.Since > 0) == (c.Delivery != "") {
		return fleet.Invalid("since", "Give either --since or --delivery.")
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	events := int64(1)
	if c.Since > 0 {
		events, err = api.ReplayWebhook(ctx, c.Webhook, time.Now().Add(-c.Since))
	} else {
		err = api.ReplayDelivery(ctx, c.Webhook, c.Delivery)
	}
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]int64{"events": events}, func() error {
		_, err := fmt.Fprintf(sh.out, "%s of the log %s looked at again for webhook %s.\n", count(int(events), "event"), isAre(events), clean(c.Webhook))
		return err
	})
}

func isAre(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

type webhookDeleteCmd struct {
	config.Client
	oneWebhook
}

// Run deletes a webhook.
func (c *webhookDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteWebhook(ctx, c.Webhook); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]string{"deleted": c.Webhook}, func() error {
		_, err := fmt.Fprintf(sh.out, "Webhook %s is gone.\n", clean(c.Webhook))
		return err
	})
}
