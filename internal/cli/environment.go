package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// environmentCmds are the verbs for environments.
type environmentCmds struct {
	List environmentListCmd `cmd:"" help:"list the environments that robots live in or that are set"`
	Get  environmentGetCmd  `cmd:"" aliases:"show" help:"show what is set of an environment"`
	Edit environmentEditCmd `cmd:"" help:"set what holds for an environment"`
}

type environmentListCmd struct{ config.Client }

// Run lists environments.
func (c *environmentListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListEnvironments(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"environments": list}, func() error {
		t := table{head: []string{"ENVIRONMENT", "MATCHES", "AGEING", "NOTE"}, paint: sh.paint, state: -1}
		for i := range list {
			e := &list[i]
			t.add(clean(e.Name), matchesOf(e), ageingOf(e), clip(clean(e.Note), 40))
		}
		return t.write(sh.out, "No robot is registered, and nothing is set.")
	})
}

type environmentGetCmd struct {
	config.Client
	Name string `arg:"" help:"name of the environment"`
}

// Run shows an environment.
func (c *environmentGetCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	e, err := api.GetEnvironment(ctx, c.Name)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, e, func() error {
		card := &card{}
		card.add("environment", clean(e.Name))
		card.add("matches", matchesOf(&e))
		card.add("ageing", ageingOf(&e))
		card.add("note", clean(e.Note))
		if !e.UpdatedAt.IsZero() {
			card.add("set", wall(e.UpdatedAt)+" by "+clean(e.UpdatedBy))
		}
		return card.write(sh.out, sh.paint)
	})
}

type environmentEditCmd struct {
	config.Client
	Name    string         `arg:"" help:"name of the environment"`
	Strict  *bool          `help:"its jobs and robots match only each other, not those of default" negatable:""`
	AgeStep *time.Duration `help:"each so much of waiting makes a job more urgent by 1; 0: never" placeholder:"DURATION"`
	Note    *string        `help:"for people" placeholder:"TEXT"`
}

// Help is the long form of the help.
func (environmentEditCmd) Help() string {
	return `What is not named stays as it is.

Examples:

    fleet environment edit production --strict
    fleet environment edit default --age-step 10m`
}

// Run sets an environment.
func (c *environmentEditCmd) Run(ctx context.Context, sh *shell) error {
	if c.Strict == nil && c.AgeStep == nil && c.Note == nil {
		return fleet.Invalid("edit", "Nothing was asked for: give --strict, --no-strict, --age-step or --note.")
	}
	if c.AgeStep != nil && *c.AgeStep%time.Second != 0 {
		return fleet.Invalid("age-step", "--age-step is in whole seconds; got %s.", *c.AgeStep)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	e, err := api.GetEnvironment(ctx, c.Name)
	if err != nil {
		return err
	}
	if c.Strict != nil {
		e.Strict = *c.Strict
	}
	if c.AgeStep != nil {
		e.AgeStepSeconds = int(*c.AgeStep / time.Second)
	}
	if c.Note != nil {
		e.Note = *c.Note
	}
	if e, err = api.PutEnvironment(ctx, e); err != nil {
		return err
	}
	return sh.answer(c.Output, e, func() error {
		_, err := fmt.Fprintf(sh.out, "Environment %s: matches %s; ageing %s.\n", clean(e.Name), matchesOf(&e), ageingOf(&e))
		return err
	})
}

// matchesOf says in words which environments match.
func matchesOf(e *fleet.Environment) string {
	switch {
	case e.Strict:
		return "only itself"
	case e.Name == fleet.DefaultEnvironment:
		return "every one that is not strict"
	}
	return "itself and " + fleet.DefaultEnvironment
}

func ageingOf(e *fleet.Environment) string {
	if e.AgeStepSeconds == 0 {
		return "none"
	}
	return "a step each " + e.AgeStep().String()
}
