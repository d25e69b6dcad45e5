package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// alertRuleCmds are the verbs for rules of alerts.
type alertRuleCmds struct {
	Add    alertRuleAddCmd    `cmd:"" aliases:"create" help:"tell people of something, beside what is built in"`
	List   alertRuleListCmd   `cmd:"" help:"list rules by name, the built-in ones too"`
	Show   alertRuleShowCmd   `cmd:"" aliases:"get" help:"show a rule"`
	Edit   alertRuleEditCmd   `cmd:"" help:"change a rule, also a built-in one"`
	Delete alertRuleDeleteCmd `cmd:"" aliases:"rm" help:"delete a rule; a built-in one is as it was built in again"`
}

// alertRuleFlags are what can be set of a rule.
type alertRuleFlags struct {
	Description   string          `help:"for people" placeholder:"TEXT"`
	Severity      fleet.Severity  `help:"info, warning or critical" placeholder:"WORD"`
	For           time.Duration   `help:"for how long it must hold; after twice that without anything new it is over" placeholder:"DURATION"`
	Channel       []fleet.ID      `help:"id or name of a channel that is told, in this order (repeatable); none: those for all rules" placeholder:"CHANNEL"`
	Silence       []fleet.ID      `help:"id or name of a silence that holds its notices (repeatable)" placeholder:"SILENCE"`
	EscalateAfter time.Duration   `help:"tell one channel after the other, if nobody acknowledges within this time" placeholder:"DURATION"`
	Workflow      []fleet.ID      `help:"only of this workflow (repeatable)" placeholder:"ID"`
	Robot         []fleet.RobotID `help:"only of this robot (repeatable)" placeholder:"ID"`
	Environment   []string        `help:"only of this environment (repeatable)" placeholder:"NAME"`
	Schedule      []fleet.ID      `help:"only of this schedule (repeatable)" placeholder:"ID"`
	Queue         []fleet.ID      `help:"only of this queue (repeatable)" placeholder:"ID"`
	Percent       int             `help:"of failure_rate: more than this share fails; 50" placeholder:"N"`
	AtLeast       int             `help:"of failure_rate: of at least so many; 5" placeholder:"N"`
	Window        time.Duration   `help:"of failure_rate: within this time; 1h" placeholder:"DURATION"`
	Enabled       *bool           `help:"let it look, or not" negatable:""`
}

// change is what the flags ask for.
func (f *alertRuleFlags) change(was *fleet.AlertRule) client.AlertRuleChange {
	c := client.AlertRuleChange{
		Description: given(f.Description), Severity: given(f.Severity), ForSeconds: givenSeconds(f.For), EscalateAfterSeconds: givenSeconds(f.EscalateAfter),
		Enabled: f.Enabled,
	}
	if len(f.Channel) > 0 {
		c.Channels = &f.Channel
	}
	if len(f.Silence) > 0 {
		c.Silences = &f.Silence
	}
	s := fleet.AlertSelector{Workflows: f.Workflow, Robots: f.Robot, Environments: f.Environment, Schedules: f.Schedule, Queues: f.Queue}
	if len(s.Workflows)+len(s.Robots)+len(s.Environments)+len(s.Schedules)+len(s.Queues) > 0 {
		c.Selector = &s
	}
	if f.Percent+f.AtLeast > 0 || f.Window > 0 {
		p := was.Params
		for _, n := range []struct {
			from int
			into *int
		}{{f.Percent, &p.Percent}, {f.AtLeast, &p.AtLeast}, {wholeSeconds(f.Window), &p.WindowSeconds}} {
			if n.from != 0 {
				*n.into = n.from
			}
		}
		c.Params = &p
	}
	return c
}

type alertRuleAddCmd struct {
	config.Client
	Name string          `arg:"" help:"name of the rule"`
	Kind fleet.AlertKind `arg:"" help:"what it looks for: a kind that 'fleet alert rule list' shows"`
	alertRuleFlags
}

// Help is the long form of the help.
func (alertRuleAddCmd) Help() string {
	return `There is a rule of each kind without anybody having made one. A further one is for some things alone:

    fleet alert rule add invoices-fail failure_rate --workflow WORKFLOW --percent 20 --severity critical --channel oncall
    fleet alert rule add night-robots robot_lost --environment night --channel oncall --channel boss --escalate-after 15m`
}

// Run makes a rule.
func (c *alertRuleAddCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	change := c.change(&fleet.AlertRule{})
	change.Name, change.Kind = &c.Name, &c.Kind
	r, err := api.CreateAlertRule(ctx, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, r, func() error {
		_, err := fmt.Fprintf(sh.out, "Rule %s is there: %s.\n", clean(r.Name), r.ID)
		return err
	})
}

type alertRuleListCmd struct{ config.Client }

// Run lists rules.
func (c *alertRuleListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListAlertRules(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"rules": list}, func() error {
		t := table{head: []string{"RULE", "KIND", "SEVERITY", "FOR", "ENABLED", "CHANNELS"}, paint: sh.paint, state: -1} // 80 columns; show has the rest
		for i := range list {
			r := &list[i]
			channels := "usual"
			if n := len(r.Channels); n > 0 {
				channels = whole(int64(n))
			}
			t.add(clip(clean(r.Name), 18), string(r.Kind), string(r.Severity), r.For().String(), yesNo(r.Enabled), channels)
		}
		return t.write(sh.out, "There is no rule.")
	})
}

// idList is ids with commas between them.
func idList(list []fleet.ID) string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = string(id)
	}
	return strings.Join(out, ", ")
}

// oneRule names a rule.
type oneRule struct {
	Rule string `arg:"" help:"id or name of the rule; the kind of a built-in one"`
}

type alertRuleShowCmd struct {
	config.Client
	oneRule
}

// Run shows a rule.
func (c *alertRuleShowCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	r, err := api.GetAlertRule(ctx, c.Rule)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, r, func() error {
		var k card
		var selects []string
		for _, s := range []struct {
			name string
			list []fleet.ID
		}{{"workflows", r.Selector.Workflows}, {"schedules", r.Selector.Schedules}, {"queues", r.Selector.Queues}} {
			if len(s.list) > 0 {
				selects = append(selects, s.name+" "+idList(s.list))
			}
		}
		if len(r.Selector.Robots)+len(r.Selector.Environments) > 0 {
			selects = append(selects, fmt.Sprintf("robots %v environments %v", r.Selector.Robots, r.Selector.Environments))
		}
		params := ""
		if r.Params != (fleet.AlertParams{}) {
			params = fmt.Sprintf("more than %d %% of at least %d within %s", r.Params.Percent, r.Params.AtLeast, time.Duration(r.Params.WindowSeconds)*time.Second)
		}
		escalates := ""
		if r.EscalateAfterSeconds > 0 {
			escalates = "after " + (time.Duration(r.EscalateAfterSeconds) * time.Second).String()
		}
		for _, row := range [][2]string{
			{"rule", r.Name},
			{"id", string(r.ID)},
			{"built in", yesNo(r.Builtin)},
			{"description", r.Description},
			{"kind", string(r.Kind)},
			{"params", params},
			{"only", strings.Join(selects, " ")},
			{"severity", string(r.Severity)},
			{"for", r.For().String()},
			{"over after", r.Quiet().String()},
			{"channels", idList(r.Channels)},
			{"escalates", escalates},
			{"silences", idList(r.Silences)},
			{"enabled", yesNo(r.Enabled)},
		} {
			k.add(row[0], clean(row[1]))
		}
		return k.write(sh.out, sh.paint)
	})
}

type alertRuleEditCmd struct {
	config.Client
	oneRule
	Name string `help:"another name" placeholder:"NAME"`
	alertRuleFlags
}

// Run changes a rule.
func (c *alertRuleEditCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	was, err := api.GetAlertRule(ctx, c.Rule)
	if err != nil {
		return err
	}
	change := c.change(&was)
	change.Name = given(c.Name)
	r, err := api.UpdateAlertRule(ctx, c.Rule, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, r, func() error {
		_, err := fmt.Fprintf(sh.out, "Rule %s is changed.\n", clean(r.Name))
		return err
	})
}

type alertRuleDeleteCmd struct {
	config.Client
	oneRule
}

// Run deletes a rule.
func (c *alertRuleDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteAlertRule(ctx, c.Rule); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]string{"deleted": c.Rule}, func() error {
		text := "Rule %s is gone.\n"
		if _, ok := fleet.AlertKind(c.Rule).Info(); ok {
			text = "Rule %s is as it was built in.\n"
		}
		_, err := fmt.Fprintf(sh.out, text, clean(c.Rule))
		return err
	})
}
