package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// triggerCmds are the verbs for triggers.
type triggerCmds struct {
	Add     triggerAddCmd     `cmd:"" aliases:"create" help:"run a workflow when something happens"`
	List    triggerListCmd    `cmd:"" help:"list triggers by name"`
	Show    triggerShowCmd    `cmd:"" aliases:"get" help:"show a trigger"`
	Edit    triggerEditCmd    `cmd:"" help:"change a trigger"`
	Enable  triggerEnableCmd  `cmd:"" aliases:"resume" help:"let a trigger fire; what came before is not made up for"`
	Disable triggerDisableCmd `cmd:"" aliases:"pause" help:"let a trigger start nothing more"`
	Test    triggerTestCmd    `cmd:"" help:"say what a trigger would do now, and do nothing"`
	Fires   triggerFiresCmd   `cmd:"" help:"list what became of the occasions of a trigger"`
	Delete  triggerDeleteCmd  `cmd:"" aliases:"rm" help:"delete a trigger; its jobs go on"`
}

// triggerFlags are what can be set of a trigger.
type triggerFlags struct {
	Secret         string   `help:"of a webhook: the secret of the vault that a caller must have, as NAME or NAME.FIELD" placeholder:"NAME"`
	Auth           string   `help:"of a webhook: api_key, bearer, hmac_sha256, hmac_sha384, hmac_sha512, hmac_sha1, stripe or standard_webhooks" default:"" placeholder:"WAY"`
	Path           string   `help:"of a webhook: its path below /webhooks/; none: by its id alone" placeholder:"WORD"`
	Header         string   `help:"of a webhook: the header of key or signature, where it is not the usual one" placeholder:"NAME"`
	DeliveryHeader string   `help:"of a webhook: the header that names a delivery, where it is not the usual one" placeholder:"NAME"`
	Queue          string   `help:"of a queue: its id or name" placeholder:"QUEUE"`
	Min            int      `help:"of a queue: fewer ready items start nothing; 1" placeholder:"N"`
	Each           int      `help:"of a queue: items for each job; 1" placeholder:"N"`
	Max            int      `help:"of a queue: jobs at once; 10" placeholder:"N"`
	On             []string `help:"of events: a type, such as job.completed (repeatable)" placeholder:"TYPE"`
	Of             fleet.ID `help:"of events: only of jobs of this workflow" placeholder:"WORKFLOW"`

	triggerSourceFlags

	Filter      string         `help:"conditions on what the trigger is told, as JSON or a file of it: [{\"path\":\"/order/amount\",\"op\":\">\",\"value\":10}]" placeholder:"JSON"`
	Inputs      string         `help:"variables of its jobs, as JSON or a file of it; {\"pointer\":\"/a/b\"} takes a value from what the trigger is told" placeholder:"JSON"`
	Description string         `help:"for people" placeholder:"TEXT"`
	Version     *int           `help:"version of the workflow; 0: the newest" placeholder:"N"`
	Priority    string         `help:"0 (first) to 20, or critical, high, normal, low" placeholder:"PRIORITY"`
	Environment *string        `help:"where its jobs run" placeholder:"NAME"`
	Robot       *fleet.RobotID `help:"the robot that its jobs are for" placeholder:"ID"`
	Cooldown    time.Duration  `help:"the least time between two jobs" placeholder:"DURATION"`
	MaxActive   *int           `help:"jobs of it that have not ended; 0: any number" placeholder:"N"`
	PauseAfter  *int           `help:"disable it after so many failures in a row; 0: never" placeholder:"N"`
}

// change is what the flags ask for; was is the trigger as it is, whose rule the
// flags change, or an empty one.
func (f *triggerFlags) change(ctx context.Context, sh *shell, api *client.Client, was client.Trigger) (c client.TriggerChange, err error) {
	c = client.TriggerChange{
		Description: given(f.Description), Version: f.Version, Environment: f.Environment, Target: f.Robot, CooldownSeconds: givenSeconds(f.Cooldown),
		MaxActive: f.MaxActive, PauseAfterFailures: f.PauseAfter,
	}
	if err := f.rules(ctx, api, was, &c); err != nil {
		return c, err
	}
	if err := f.sources(was, &c); err != nil {
		return c, err
	}
	if f.Priority != "" {
		p, err := fleet.ParsePriority(f.Priority)
		if err != nil {
			return c, err
		}
		c.Priority = &p
	}
	if f.Inputs != "" {
		if c.Inputs, err = sh.jsonOf("inputs", f.Inputs); err != nil {
			return c, err
		}
	}
	if f.Filter != "" {
		text, err := sh.jsonOf("filter", f.Filter)
		if err != nil {
			return c, err
		}
		if err := json.Unmarshal(text, &c.Filter); err != nil {
			return c, fleet.Invalid("filter", "--filter is not a list of conditions.").WithFix(`For example [{"path":"/order/amount","op":">","value":10}].`)
		}
	}
	return c, nil
}

// rules changes the rule of a trigger by the flags that are about one.
func (f *triggerFlags) rules(ctx context.Context, api *client.Client, was client.Trigger, c *client.TriggerChange) error {
	if f.Secret+f.Auth+f.Path+f.Header+f.DeliveryHeader != "" {
		if was.Webhook == nil && f.Secret == "" {
			return fleet.Invalid("secret", "A trigger for web calls needs --secret.")
		}
		c.Webhook = &fleet.WebhookRule{}
		if was.Webhook != nil {
			*c.Webhook = *was.Webhook
		}
		for _, s := range []struct {
			from string
			into *string
		}{{f.Secret, &c.Webhook.Secret}, {f.Path, &c.Webhook.Path}, {f.Header, &c.Webhook.Header}, {f.DeliveryHeader, &c.Webhook.DeliveryHeader}} {
			*s.into = cmp.Or(s.from, *s.into)
		}
		c.Webhook.Auth = cmp.Or(fleet.WebhookAuth(f.Auth), c.Webhook.Auth)
	}
	if f.Queue != "" || f.Min+f.Each+f.Max != 0 {
		if was.Queue == nil && f.Queue == "" {
			return fleet.Invalid("queue", "A trigger for a queue needs --queue.")
		}
		c.Queue = &fleet.QueueRule{}
		if was.Queue != nil {
			*c.Queue = *was.Queue
		}
		if f.Queue != "" {
			q, err := api.GetQueue(ctx, f.Queue)
			if err != nil {
				return err
			}
			c.Queue.QueueID = q.ID
		}
		for _, n := range []struct {
			from int
			into *int
		}{{f.Min, &c.Queue.MinItems}, {f.Each, &c.Queue.ItemsPerJob}, {f.Max, &c.Queue.MaxJobs}} {
			*n.into = cmp.Or(n.from, *n.into)
		}
	}
	if len(f.On) > 0 || f.Of != "" {
		if was.Event == nil && len(f.On) == 0 {
			return fleet.Invalid("on", "A trigger for events needs --on.")
		}
		c.Event = &fleet.EventRule{}
		if was.Event != nil {
			*c.Event = *was.Event
		}
		if len(f.On) > 0 {
			c.Event.Types = nil
		}
		for _, kind := range f.On {
			c.Event.Types = append(c.Event.Types, fleet.EventKind(kind))
		}
		c.Event.Workflow = cmp.Or(f.Of, c.Event.Workflow)
	}
	return nil
}

type triggerAddCmd struct {
	config.Client
	Name     string   `arg:"" help:"name of the trigger"`
	Workflow fleet.ID `arg:"" help:"id of the workflow that it runs"`
	Disabled bool     `help:"let it start nothing yet"`
	triggerFlags
}

// Help is the long form of the help.
func (triggerAddCmd) Help() string {
	return `What it waits for is one of --secret (a web call), --queue (the backlog of a queue), --on (events), --file (files of
a robot) and --imap (messages in a mailbox).

Examples:

    fleet trigger add orders WORKFLOW --secret shop --auth hmac_sha256 --path orders --inputs '{"order":{"pointer":"/order/id"}}'
    fleet trigger add invoices WORKFLOW --queue Invoices --max 5
    fleet trigger add after-export WORKFLOW --on job.completed --of OTHER-WORKFLOW
    fleet trigger add scans WORKFLOW --file '/in/*.pdf' --file-robot bot-7 --inputs '{"file":{"pointer":"/path"}}'
    fleet trigger add mail WORKFLOW --imap imap.example.org --imap-user orders --imap-secret mail`
}

// Run makes a trigger.
func (c *triggerAddCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	change, err := c.change(ctx, sh, api, client.Trigger{})
	if err != nil {
		return err
	}
	change.Name, change.WorkflowID = &c.Name, &c.Workflow
	if c.Disabled {
		no := false
		change.Enabled = &no
	}
	t, err := api.CreateTrigger(ctx, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, t, func() error {
		where := ""
		if t.Address != "" {
			where = " It is called at " + t.Address + "."
		}
		_, err := fmt.Fprintf(sh.out, "Trigger %s is there: %s.%s\n", clean(t.Name), t.ID, where)
		return err
	})
}

// waitsFor is what a trigger waits for, in words.
func waitsFor(t *client.Trigger) string {
	switch {
	case t.Webhook != nil:
		return "calls of " + t.Address
	case t.Queue != nil:
		return fmt.Sprintf("queue %s: one job for %d, at most %d", t.Queue.QueueID, t.Queue.ItemsPerJob, t.Queue.MaxJobs)
	case t.Event != nil:
		kinds := make([]string, len(t.Event.Types))
		for i, k := range t.Event.Types {
			kinds[i] = string(k)
		}
		return strings.Join(kinds, ", ")
	case t.File != nil:
		return t.File.Path + " on " + string(t.File.RobotID)
	case t.Email != nil:
		return "mail of " + t.Email.Username + " at " + t.Email.Host
	}
	return string(t.Kind)
}

type triggerListCmd struct{ config.Client }

// Run lists triggers.
func (c *triggerListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListTriggers(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"triggers": list}, func() error {
		t := table{head: []string{"ID", "TRIGGER", "WAITS FOR", "ENABLED", "ACTIVE", "STARTED", "FAILED", "LAST"}, paint: sh.paint, state: -1}
		for i := range list {
			g := &list[i]
			t.add(string(g.ID), clip(clean(g.Name), 40), clip(clean(waitsFor(g)), 60), yesNo(g.Enabled), whole(g.Active), whole(g.Fired), whole(g.Failures), at(g.LastAt))
		}
		return t.write(sh.out, "There is no trigger.")
	})
}

// oneTrigger names a trigger.
type oneTrigger struct {
	Trigger string `arg:"" help:"id or name of the trigger"`
}

type triggerShowCmd struct {
	config.Client
	oneTrigger
}

// Run shows a trigger.
func (c *triggerShowCmd) Run(ctx context.Context, sh *shell) error {
	return answerOne(sh, c.Client, func(api *client.Client) (client.Trigger, error) { return api.GetTrigger(ctx, c.Trigger) }, func(t client.Trigger) error {
		var k card
		for _, r := range [][2]string{
			{"trigger", t.Name},
			{"id", string(t.ID)},
			{"description", t.Description},
			{"workflow", string(t.WorkflowID)},
			{"waits for", waitsFor(&t)},
			{"enabled", yesNo(t.Enabled)},
			{"note", t.Note},
			{"fault", t.Fault},
			{"inputs", string(t.Inputs)},
			{"active jobs", whole(t.Active)},
			{"started", whole(t.Fired)},
			{"succeeded", whole(t.Success)},
			{"failed", whole(t.Failures)},
			{"last", at(t.LastAt)},
		} {
			k.add(r[0], clean(r[1]))
		}
		if b := t.Backlog; b != nil {
			k.add("backlog", fmt.Sprintf("%d ready, %d taken by its jobs", b.Ready, b.Taken))
		}
		return k.write(sh.out, sh.paint)
	})
}

// saidOf is one sentence about a trigger.
func (s *shell) saidOf(words string) func(t client.Trigger) error {
	return func(t client.Trigger) error {
		_, err := fmt.Fprintf(s.out, "Trigger %s %s.\n", clean(t.Name), words)
		return err
	}
}

type triggerEditCmd struct {
	config.Client
	oneTrigger
	Name string `help:"another name" placeholder:"NAME"`
	triggerFlags
}

// Run changes a trigger.
func (c *triggerEditCmd) Run(ctx context.Context, sh *shell) error {
	return answerOne(sh, c.Client, func(api *client.Client) (client.Trigger, error) {
		was, err := api.GetTrigger(ctx, c.Trigger)
		if err != nil {
			return was, err
		}
		change, err := c.change(ctx, sh, api, was)
		if err != nil {
			return was, err
		}
		change.Name = given(c.Name)
		return api.UpdateTrigger(ctx, c.Trigger, change)
	}, sh.saidOf("is changed"))
}

type triggerEnableCmd struct {
	config.Client
	oneTrigger
}

// Run lets a trigger fire.
func (c *triggerEnableCmd) Run(ctx context.Context, sh *shell) error {
	return answerOne(sh, c.Client, func(api *client.Client) (client.Trigger, error) { return api.EnableTrigger(ctx, c.Trigger) }, sh.saidOf("is enabled"))
}

type triggerDisableCmd struct {
	config.Client
	oneTrigger
	Note string `help:"why" placeholder:"TEXT"`
}

// Run keeps a trigger from firing.
func (c *triggerDisableCmd) Run(ctx context.Context, sh *shell) error {
	return answerOne(sh, c.Client, func(api *client.Client) (client.Trigger, error) { return api.DisableTrigger(ctx, c.Trigger, c.Note) }, sh.saidOf("is disabled"))
}

type triggerTestCmd struct {
	config.Client
	oneTrigger
	Payload string `help:"what it would be told, as JSON or a file of it" placeholder:"JSON"`
}

// Run says what a trigger would do.
func (c *triggerTestCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	var payload json.RawMessage
	if c.Payload != "" {
		if payload, err = sh.jsonOf("payload", c.Payload); err != nil {
			return err
		}
	}
	t, err := api.TryTrigger(ctx, c.Trigger, payload)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, t, func() error {
		_, err := fmt.Fprintf(sh.out, "%s: %s would start. %s\n", t.Outcome, count(int(t.Jobs), "job"), clean(t.Reason))
		if err == nil && len(t.Inputs) > 0 {
			_, err = fmt.Fprintf(sh.out, "inputs: %s\n", clean(string(t.Inputs)))
		}
		return err
	})
}

type triggerFiresCmd struct {
	config.Client
	oneTrigger
	Outcome string `help:"only these: accepted, filtered, cooling, full, duplicate, disabled or refused" default:"" placeholder:"WORD"`
	Limit   int    `help:"how many" default:"20" placeholder:"N"`
	Cursor  string `help:"go on where the last list ended" placeholder:"CURSOR"`
}

// Run lists what became of the occasions of a trigger.
func (c *triggerFiresCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	page, err := api.TriggerFirings(ctx, c.Trigger, fleet.FiringOutcome(c.Outcome), fleet.Page{Limit: c.Limit, Cursor: c.Cursor})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, page, func() error {
		t := table{head: []string{"AT", "OUTCOME", "JOB", "ENDED", "WHY"}, paint: sh.paint, state: -1}
		for i := range page.Firings {
			f := &page.Firings[i]
			t.add(at(&f.At), string(f.Outcome), string(f.JobID), string(f.End), clip(clean(f.Reason), 70))
		}
		if err := t.write(sh.out, "The trigger was told of nothing yet."); err != nil || page.Next == "" {
			return err
		}
		sh.note("There are more: --cursor %s", page.Next)
		return nil
	})
}

type triggerDeleteCmd struct {
	config.Client
	oneTrigger
}

// Run deletes a trigger.
func (c *triggerDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteTrigger(ctx, c.Trigger); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]string{"deleted": c.Trigger}, func() error {
		_, err := fmt.Fprintf(sh.out, "Trigger %s is gone.\n", clean(c.Trigger))
		return err
	})
}
