package cli

import (
	"context"

	"github.com/casarerpa/fleet/internal/config"
)

// dbImportCmd takes an installation of CasareRPA over.
type dbImportCmd struct {
	config.Database
	From   config.Secret `help:"the database of CasareRPA: postgres://USER:PASSWORD@HOST/DATABASE, or file:/path that holds it" required:"" placeholder:"DATABASE"`
	Tokens config.Secret `name:"robot-tokens" env:"ROBOT_TOKENS" help:"what ROBOT_TOKENS is there: ROBOT:SHA256, with commas between" placeholder:"LIST"`
	Apply  bool          `help:"do it; without it nothing is changed, and the report says what would be"`
	Output string        `short:"o" help:"${enum}" enum:"table,json,yaml" default:"table" placeholder:"FORM"`
}

// Help is the long form of the help.
func (dbImportCmd) Help() string {
	return `Robots come with their names, limits, capabilities and tags; keys with the hash that is kept of them, so that robots go on with the keys that they have; workflows with their documents. What is here already stays as it is, so it can be done again. The database of CasareRPA is only read.

No orchestrator may run on an embedded database meanwhile. Jobs and schedules stay where they are; the report counts them.

Examples:

    fleet db import-casarerpa --from postgres://reader:PASSWORD@db.example.org/casare_rpa
    fleet db import-casarerpa --from file:/run/secrets/casarerpa --apply`
}

// Run imports, or says what an import would do.
func (c *dbImportCmd) Run(ctx context.Context, sh *shell) error {
	r, err := sh.database(c.Database).ImportCasareRPA(ctx, c.From.Reveal(), c.Tokens.Reveal(), c.Apply)
	if err != nil {
		return err
	}
	err = sh.answer(c.Output, r, func() error {
		t := table{head: []string{"KIND", "ID", "NAME", "", "REASON"}, paint: sh.paint, state: -1}
		for i := range r.Things {
			x := &r.Things[i]
			t.add(x.Kind, clean(x.ID), clean(x.Name), map[bool]string{true: "would be " + x.Fate, false: x.Fate}[!r.Applied && x.Fate == "taken"], clean(x.Reason))
		}
		return t.write(sh.out, "")
	})
	if err != nil {
		return err
	}
	for _, kind := range []string{"robot", "key", "workflow"} {
		sh.note("%ss: %d taken, %d here already, %d left", kind, r.Count(kind, "taken"), r.Count(kind, "there"), r.Count(kind, "left"))
	}
	if !r.Applied {
		sh.note("%s", "Nothing was changed. --apply does it.")
	}
	return nil
}
