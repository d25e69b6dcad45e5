package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// alertChannelCmds are the verbs for channels.
type alertChannelCmds struct {
	Add    alertChannelAddCmd    `cmd:"" aliases:"create" help:"tell people by a web call or by mail"`
	List   alertChannelListCmd   `cmd:"" help:"list channels by name"`
	Show   alertChannelShowCmd   `cmd:"" aliases:"get" help:"show a channel"`
	Edit   alertChannelEditCmd   `cmd:"" help:"change a channel"`
	Test   alertChannelTestCmd   `cmd:"" help:"send a test by a channel now"`
	Rotate alertChannelRotateCmd `cmd:"" help:"give a webhook another secret; the old one counts no more"`
	Delete alertChannelDeleteCmd `cmd:"" aliases:"rm" help:"delete a channel"`
}

// alertChannelFlags are what can be set of a channel.
type alertChannelFlags struct {
	Webhook     string   `help:"of a webhook: the https address that is called" placeholder:"URL"`
	SMTP        string   `name:"smtp" help:"of mail: the mail server" placeholder:"HOST"`
	Port        int      `help:"of mail: 465, or 587 with --starttls" placeholder:"N"`
	Starttls    bool     `name:"starttls" help:"of mail: encrypt by STARTTLS instead of from the first byte"`
	Username    string   `help:"of mail: who signs in; none: nobody" placeholder:"NAME"`
	Secret      string   `help:"of mail: the secret of the vault with the password, as NAME or NAME.FIELD" placeholder:"NAME"`
	From        string   `help:"of mail: the sender" placeholder:"ADDRESS"`
	To          []string `help:"of mail: who gets it (repeatable)" placeholder:"ADDRESS"`
	Description string   `help:"for people" placeholder:"TEXT"`
	Default     *bool    `help:"rules that name no channel use it" negatable:""`
	Resolved    *bool    `help:"it is told of the end of an incident too" negatable:""`
	Enabled     *bool    `help:"let it be used, or not" negatable:""`
}

// change is what the flags ask for; was is the channel as it is.
func (f *alertChannelFlags) change(was *client.AlertChannel) client.AlertChannelChange {
	c := client.AlertChannelChange{Description: given(f.Description), Default: f.Default, Resolved: f.Resolved, Enabled: f.Enabled}
	if f.Webhook != "" {
		c.Webhook = &fleet.WebhookWay{URL: f.Webhook}
	}
	if f.SMTP+f.Username+f.Secret+f.From != "" || f.Port != 0 || f.Starttls || len(f.To) > 0 {
		c.Email = &fleet.EmailWay{}
		if was.Email != nil {
			*c.Email = *was.Email
		}
		for _, s := range []struct {
			from string
			into *string
		}{{f.SMTP, &c.Email.Host}, {f.Username, &c.Email.Username}, {f.Secret, &c.Email.Secret}, {f.From, &c.Email.From}} {
			*s.into = cmp.Or(s.from, *s.into)
		}
		c.Email.Port = cmp.Or(f.Port, c.Email.Port)
		if f.Starttls {
			c.Email.Security = fleet.MailStartTLS
		}
		if len(f.To) > 0 {
			c.Email.To = f.To
		}
	}
	return c
}

type alertChannelAddCmd struct {
	config.Client
	Name string `arg:"" help:"name of the channel"`
	alertChannelFlags
}

// Help is the long form of the help.
func (alertChannelAddCmd) Help() string {
	return `A channel is a web address (--webhook) or mail (--smtp):

    fleet alert channel add team --webhook https://hooks.example.org/fleet --default
    fleet alert channel add oncall --smtp mail.example.org --username fleet --secret mail --from fleet@example.org --to oncall@example.org

The calls of a webhook are signed as Standard Webhooks say. The secret is shown once.`
}

// Run makes a channel.
func (c *alertChannelAddCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	change := c.change(&client.AlertChannel{})
	change.Name = &c.Name
	ch, err := api.CreateAlertChannel(ctx, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, ch, func() error {
		if _, err := fmt.Fprintf(sh.out, "Channel %s is there: %s.\n", clean(ch.Name), ch.ID); err != nil {
			return err
		}
		return sh.showSigning(ch.Secret)
	})
}

// showSigning shows what can be seen once.
func (s *shell) showSigning(secret string) error {
	if secret == "" {
		return nil
	}
	_, err := fmt.Fprintf(s.out, "Its calls are signed with this secret, which nobody can read later:\n%s\n", secret)
	return err
}

// goesTo is where a channel goes, in words.
func goesTo(c *client.AlertChannel) string {
	switch {
	case c.Webhook != nil:
		return c.Webhook.URL
	case c.Email != nil:
		return strings.Join(c.Email.To, ", ") + " by " + c.Email.Host
	}
	return "the log of the server"
}

type alertChannelListCmd struct{ config.Client }

// Run lists channels.
func (c *alertChannelListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListAlertChannels(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"channels": list}, func() error {
		t := table{head: []string{"ID", "CHANNEL", "KIND", "TO", "DEFAULT", "ENABLED", "LAST SENT", "FAULT"}, paint: sh.paint, state: -1}
		for i := range list {
			ch := &list[i]
			t.add(string(ch.ID), clip(clean(ch.Name), 30), string(ch.Kind), clip(clean(goesTo(ch)), 60), yesNo(ch.Default), yesNo(ch.Enabled), at(ch.LastOK), clip(clean(ch.Fault), 60))
		}
		return t.write(sh.out, "There is no channel.")
	})
}

// oneChannel names a channel.
type oneChannel struct {
	Channel string `arg:"" help:"id or name of the channel"`
}

type alertChannelShowCmd struct {
	config.Client
	oneChannel
}

// Run shows a channel.
func (c *alertChannelShowCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	ch, err := api.GetAlertChannel(ctx, c.Channel)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, ch, func() error {
		var k card
		for _, r := range [][2]string{
			{"channel", ch.Name},
			{"id", string(ch.ID)},
			{"description", ch.Description},
			{"kind", string(ch.Kind)},
			{"to", goesTo(&ch)},
			{"default", yesNo(ch.Default)},
			{"tells the end", yesNo(ch.Resolved)},
			{"enabled", yesNo(ch.Enabled)},
			{"last sent", at(ch.LastOK)},
			{"failures in a row", whole(ch.Streak)},
			{"fault", ch.Fault},
		} {
			k.add(r[0], clean(r[1]))
		}
		return k.write(sh.out, sh.paint)
	})
}

type alertChannelEditCmd struct {
	config.Client
	oneChannel
	Name string `help:"another name" placeholder:"NAME"`
	alertChannelFlags
}

// Run changes a channel.
func (c *alertChannelEditCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	was, err := api.GetAlertChannel(ctx, c.Channel)
	if err != nil {
		return err
	}
	change := c.change(&was)
	change.Name = given(c.Name)
	ch, err := api.UpdateAlertChannel(ctx, c.Channel, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, ch, func() error {
		_, err := fmt.Fprintf(sh.out, "Channel %s is changed.\n", clean(ch.Name))
		return err
	})
}

type alertChannelTestCmd struct {
	config.Client
	oneChannel
}

// Run sends a test.
func (c *alertChannelTestCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	t, err := api.TestAlertChannel(ctx, c.Channel)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, t, func() error {
		if t.Sent {
			_, err := fmt.Fprintln(sh.out, "The test was sent.")
			return err
		}
		_, err := fmt.Fprintf(sh.out, "The test could not be sent: %s\n", clean(t.Fault))
		return err
	})
}

type alertChannelRotateCmd struct {
	config.Client
	oneChannel
}

// Run gives a webhook another secret.
func (c *alertChannelRotateCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	ch, err := api.RotateAlertChannel(ctx, c.Channel)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, ch, func() error { return sh.showSigning(ch.Secret) })
}

type alertChannelDeleteCmd struct {
	config.Client
	oneChannel
}

// Run deletes a channel.
func (c *alertChannelDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteAlertChannel(ctx, c.Channel); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]string{"deleted": c.Channel}, func() error {
		_, err := fmt.Fprintf(sh.out, "Channel %s is gone.\n", clean(c.Channel))
		return err
	})
}
