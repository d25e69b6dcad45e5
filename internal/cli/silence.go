package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// silenceCmds are the verbs for silences.
type silenceCmds struct {
	Add    silenceAddCmd    `cmd:"" aliases:"create" help:"hold notices for a while, or outside of the working time of a calendar"`
	List   silenceListCmd   `cmd:"" help:"list silences by name"`
	Edit   silenceEditCmd   `cmd:"" help:"change a silence"`
	Delete silenceDeleteCmd `cmd:"" aliases:"rm,end" help:"end a silence; what it held and is open still is told"`
}

// silenceFlags are what can be set of a silence.
type silenceFlags struct {
	Note     string        `help:"why" placeholder:"TEXT"`
	All      bool          `help:"for every rule"`
	Rule     []fleet.ID    `help:"id or name of a rule that it is for (repeatable)" placeholder:"RULE"`
	From     time.Time     `help:"when it begins; now" placeholder:"TIME"`
	Until    time.Time     `help:"when it ends" placeholder:"TIME"`
	For      time.Duration `help:"how long it lasts from now" placeholder:"DURATION"`
	Calendar fleet.ID      `help:"id or name of a working calendar, outside of which it is silent" placeholder:"CALENDAR"`
}

func (f *silenceFlags) change(now time.Time) client.SilenceChange {
	c := client.SilenceChange{Note: given(f.Note), All: given(f.All), From: givenTime(f.From), Until: givenTime(f.Until), Calendar: given(f.Calendar)}
	if len(f.Rule) > 0 {
		c.Rules = &f.Rule
	}
	if f.For > 0 {
		until := now.Add(f.For)
		c.Until = &until
	}
	return c
}

type silenceAddCmd struct {
	config.Client
	Name string `arg:"" help:"name of the silence"`
	silenceFlags
}

// Run makes a silence.
func (c *silenceAddCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if c.For == 0 && c.Until.IsZero() && c.Calendar == "" {
		return fleet.Invalid("for", "A silence needs an end: --for, --until, or --calendar.")
	}
	change := c.change(time.Now())
	change.Name = &c.Name
	s, err := api.CreateSilence(ctx, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, s, func() error {
		_, err := fmt.Fprintf(sh.out, "Silence %s is there: %s.\n", clean(s.Name), s.ID)
		return err
	})
}

type silenceListCmd struct{ config.Client }

// Run lists silences.
func (c *silenceListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListSilences(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"silences": list}, func() error {
		wide := c.Output == "wide"
		t := table{head: []string{"SILENCE", "RULES", "FROM", "UNTIL"}, paint: sh.paint, state: -1}
		if wide {
			t.head = []string{"ID", "SILENCE", "RULES", "FROM", "UNTIL", "CALENDAR", "NOTE"}
		}
		for i := range list {
			s := &list[i]
			rules := idList(s.Rules)
			if s.All {
				rules = "all"
			}
			if !wide {
				from, until := minute(s.From), minute(s.Until)
				if s.Calendar != "" {
					from, until = "by a calendar", "-"
				}
				t.add(clip(clean(s.Name), 24), counted(s), from, until)
				continue
			}
			t.add(string(s.ID), clip(clean(s.Name), 30), clip(rules, 60), at(&s.From), at(&s.Until), string(s.Calendar), clip(clean(s.Note), 60))
		}
		return t.write(sh.out, "There is no silence.")
	})
}

// counted says in a word for which rules a silence is.
func counted(s *fleet.Silence) string {
	switch {
	case s.All:
		return "all"
	case len(s.Rules) == 0:
		return "that name it"
	}
	return count(len(s.Rules), "rule")
}

// minute is a time as short as a list of several needs it.
func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

// oneSilence names a silence.
type oneSilence struct {
	Silence string `arg:"" help:"id or name of the silence"`
}

type silenceEditCmd struct {
	config.Client
	oneSilence
	silenceFlags
}

// Run changes a silence.
func (c *silenceEditCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	s, err := api.UpdateSilence(ctx, c.Silence, c.change(time.Now()))
	if err != nil {
		return err
	}
	return sh.answer(c.Output, s, func() error {
		_, err := fmt.Fprintf(sh.out, "Silence %s is changed.\n", clean(s.Name))
		return err
	})
}

type silenceDeleteCmd struct {
	config.Client
	oneSilence
}

// Run ends a silence.
func (c *silenceDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteSilence(ctx, c.Silence); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]string{"deleted": c.Silence}, func() error {
		_, err := fmt.Fprintf(sh.out, "Silence %s is over.\n", clean(c.Silence))
		return err
	})
}
