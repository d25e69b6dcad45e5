package cli

import (
	"context"
	"fmt"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// alertCmds are the verbs for alerts.
type alertCmds struct {
	List    alertListCmd    `cmd:"" help:"list what needs a person, the newest first"`
	Show    alertShowCmd    `cmd:"" aliases:"get" help:"show an incident, and who was told of it"`
	Ack     alertAckCmd     `cmd:"" aliases:"acknowledge" help:"say that you look after an incident: nobody else is told"`
	Resolve alertResolveCmd `cmd:"" help:"end an incident; more of the same makes another one"`

	Rule    alertRuleCmds    `cmd:"" aliases:"rules" help:"say what people are to be told of"`
	Channel alertChannelCmds `cmd:"" aliases:"channels" help:"say how people are told"`
	Silence silenceCmds      `cmd:"" aliases:"silences" help:"hold notices for a while"`
}

type alertListCmd struct {
	config.Client
	All    bool            `help:"also those that are over"`
	State  string          `help:"only these: open, acknowledged or resolved" default:"" placeholder:"STATE"`
	Kind   fleet.AlertKind `help:"only of this kind, such as dead_letter" placeholder:"KIND"`
	Rule   fleet.ID        `help:"only of the rule with this id" placeholder:"ID"`
	Limit  int             `help:"how many" default:"20" placeholder:"N"`
	Cursor string          `help:"go on where the last list ended" placeholder:"CURSOR"`
}

// Run lists incidents.
func (c *alertListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	q := client.IncidentQuery{State: c.State, Rule: c.Rule, Kind: c.Kind}
	if q.State == "" && !c.All {
		q.State = "live"
	}
	page, err := api.ListIncidents(ctx, q, fleet.Page{Limit: c.Limit, Cursor: c.Cursor})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, page, func() error {
		t := table{head: []string{"ID", "STATE", "SEVERITY", "COUNT", "LAST", "WHAT"}, paint: sh.paint, state: 1}
		for i := range page.Incidents {
			n := &page.Incidents[i]
			t.add(string(n.ID), string(n.State), string(n.Severity), whole(n.Count), at(&n.LastAt), clip(clean(n.Title), 80))
		}
		if err := t.write(sh.out, "Nothing needs you."); err != nil || page.Next == "" {
			return err
		}
		sh.note("There are more: --cursor %s", page.Next)
		return nil
	})
}

// oneIncident names an incident.
type oneIncident struct {
	Incident fleet.ID `arg:"" help:"id of the incident"`
}

type alertShowCmd struct {
	config.Client
	oneIncident
}

// Run shows an incident.
func (c *alertShowCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	i, err := api.GetIncident(ctx, c.Incident)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, i, func() error {
		var k card
		for _, r := range [][2]string{
			{"incident", string(i.ID)},
			{"what", i.Title},
			{"rule", i.RuleName},
			{"kind", string(i.Kind)},
			{"severity", string(i.Severity)},
			{"state", string(i.State)},
			{"count", whole(i.Count)},
			{"about", string(i.Subject.Kind) + " " + i.Subject.ID},
			{"since", at(&i.FirstAt)},
			{"last", at(&i.LastAt)},
			{"acknowledged by", i.AcknowledgedBy},
			{"note", i.Note},
			{"resolved by", i.ResolvedBy},
			{"details", string(i.Data)},
		} {
			k.add(r[0], clean(r[1]))
		}
		for n := range i.Notices {
			notice := &i.Notices[n]
			text := fmt.Sprintf("%s to %s: %s", notice.Kind, notice.Channel, notice.State)
			if notice.Held {
				text += ", a silence holds it"
			}
			if notice.Fault != "" {
				text += ": " + notice.Fault
			}
			k.add("notice", clean(text))
		}
		return k.write(sh.out, sh.paint)
	})
}

type alertAckCmd struct {
	config.Client
	oneIncident
	Note string `help:"for the others" placeholder:"TEXT"`
}

// Run acknowledges an incident.
func (c *alertAckCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	i, err := api.AcknowledgeIncident(ctx, c.Incident, c.Note)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, i, func() error {
		_, err := fmt.Fprintf(sh.out, "The incident is %s.\n", i.State)
		return err
	})
}

type alertResolveCmd struct {
	config.Client
	oneIncident
	Note string `help:"for the others" placeholder:"TEXT"`
}

// Run ends an incident.
func (c *alertResolveCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	i, err := api.ResolveIncident(ctx, c.Incident, c.Note)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, i, func() error {
		_, err := fmt.Fprintf(sh.out, "The incident is %s.\n", i.State)
		return err
	})
}
