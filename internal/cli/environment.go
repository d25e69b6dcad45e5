package cli

import (
	"context"
	"fmt"
	"slices"
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
		t := table{head: []string{"ENVIRONMENT", "PRODUCTION", "MATCHES", "AGEING", "LOST AFTER", "NOTE"}, paint: sh.paint, state: -1}
		for i := range list {
			e := &list[i]
			t.add(clean(e.Name), yesNo(e.Production), matchesOf(e), ageingOf(e), lostOf(e), clip(clean(e.Note), 40))
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
		card.add("production", yesNo(e.Production))
		card.add("matches", matchesOf(&e))
		card.add("ageing", ageingOf(&e))
		if t := e.Applied; t != nil {
			card.add("lost after", lostOf(&e))
			card.add("suspect", spell(t.Suspect))
			card.add("heartbeat", spell(t.Heartbeat))
			card.add("lease", spell(t.Lease)+"; a robot stops itself after "+spell(t.Fence))
		}
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
	Prod    *bool          `help:"it is production: the interface says so and asks twice" name:"production" negatable:""`
	AgeStep *time.Duration `help:"each so much of waiting makes a job more urgent by 1; 0: never" placeholder:"DURATION"`
	Lost    *time.Duration `help:"what a robot runs is taken away after so long a silence, 15s to 24h; 0: the server's" name:"lost-after" placeholder:"DURATION"`
	Beat    *time.Duration `help:"between two signs of life of a robot; 0: a ninth of lost-after" name:"heartbeat" placeholder:"DURATION"`
	Suspect *time.Duration `help:"a robot gets no new work after so long a silence; 0: a third" placeholder:"DURATION"`
	Lease   *time.Duration `help:"how long a robot may go on without word from here; 0: two thirds" placeholder:"DURATION"`
	Note    *string        `help:"for people" placeholder:"TEXT"`
}

// Help is the long form of the help.
func (environmentEditCmd) Help() string {
	return `What is not named stays as it is.

Examples:

    fleet environment edit production --strict --production
    fleet environment edit default --age-step 10m
    fleet environment edit lab --lost-after 15s`
}

// Run sets an environment.
func (c *environmentEditCmd) Run(ctx context.Context, sh *shell) error {
	times := c.times()
	if c.Strict == nil && c.Prod == nil && c.Note == nil && !slices.ContainsFunc(times, environmentTime.given) {
		return fleet.Invalid("edit", "Nothing was asked for: give --strict, --no-strict, --production, --no-production, --age-step, --lost-after, --heartbeat, --suspect, --lease or --note.")
	}
	for _, t := range times {
		if t.given() && *t.value%time.Second != 0 {
			return fleet.Invalid(t.flag, "--%s is in whole seconds; got %s.", t.flag, *t.value)
		}
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
	if c.Prod != nil {
		e.Production = *c.Prod
	}
	for _, t := range times {
		if t.given() {
			*t.of(&e) = int(*t.value / time.Second)
		}
	}
	if c.Note != nil {
		e.Note = *c.Note
	}
	if e, err = api.PutEnvironment(ctx, e); err != nil {
		return err
	}
	return sh.answer(c.Output, e, func() error {
		_, err := fmt.Fprintf(sh.out, "Environment %s: matches %s; ageing %s; robots that connect from now on are lost after %s.\n",
			clean(e.Name), matchesOf(&e), ageingOf(&e), lostOf(&e))
		return err
	})
}

// environmentTime is a flag that sets a time of an environment.
type environmentTime struct {
	flag  string
	value *time.Duration
	of    func(e *fleet.Environment) *int
}

func (t environmentTime) given() bool { return t.value != nil }

func (c *environmentEditCmd) times() []environmentTime {
	return []environmentTime{
		{"age-step", c.AgeStep, func(e *fleet.Environment) *int { return &e.AgeStepSeconds }},
		{"lost-after", c.Lost, func(e *fleet.Environment) *int { return &e.LostAfterSeconds }},
		{"heartbeat", c.Beat, func(e *fleet.Environment) *int { return &e.HeartbeatSeconds }},
		{"suspect", c.Suspect, func(e *fleet.Environment) *int { return &e.SuspectSeconds }},
		{"lease", c.Lease, func(e *fleet.Environment) *int { return &e.LeaseSeconds }},
	}
}

// spell writes seconds as a duration.
func spell(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(100 * time.Millisecond).String()
}

func lostOf(e *fleet.Environment) string {
	if e.Applied == nil {
		return "-"
	}
	return spell(e.Applied.LostAfter)
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
