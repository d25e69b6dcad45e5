package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/config"
)

// dbImportCmd takes an installation of CasareRPA over.
type dbImportCmd struct {
	config.Database
	From   config.Secret `help:"the database of CasareRPA: postgres://USER:PASSWORD@HOST/DATABASE, or file:/path that holds it" required:"" placeholder:"DATABASE"`
	Tokens config.Secret `name:"robot-tokens" env:"ROBOT_TOKENS" help:"what ROBOT_TOKENS is there: ROBOT:SHA256, with commas between" placeholder:"LIST"`
	Apply  bool          `help:"do it; without it nothing is changed, and the report says what would be"`

	HistoryDays     int    `help:"jobs that ended longer ago stay where they are; 0: all are taken. Keep it with --retention-jobs-days of the orchestrator" default:"90" placeholder:"N"`
	EnableSchedules bool   `help:"let schedules go on that are taken over, or were before, and are enabled there: when the other orchestrator has stopped"`
	Output          string `short:"o" help:"${enum}" enum:"table,json,yaml" default:"table" placeholder:"FORM"`
}

// Help is the long form of the help.
func (dbImportCmd) Help() string {
	return `Robots come with their names, limits, capabilities and tags; keys with the hash that is kept of them, so that robots go on with the keys that they have; workflows with their documents; schedules, disabled until --enable-schedules, so that two orchestrators do not run the same; and the jobs that have ended with their times, inputs, results and errors. What is here already stays as it is, so it can be done again. The database of CasareRPA is only read.

No orchestrator may run on an embedded database meanwhile. Jobs that have not ended stay where they are; the report counts them. The numbers of the fleet begin with its own first job.

Examples:

    fleet db import-casarerpa --from postgres://reader:PASSWORD@db.example.org/casare_rpa
    fleet db import-casarerpa --from file:/run/secrets/casarerpa --apply
    fleet db import-casarerpa --from file:/run/secrets/casarerpa --apply --enable-schedules`
}

// Run imports, or says what an import would do.
func (c *dbImportCmd) Run(ctx context.Context, sh *shell) error {
	r, err := sh.database(c.Database).ImportCasareRPA(ctx, app.ImportOptions{
		From: c.From.Reveal(), Tokens: c.Tokens.Reveal(), Apply: c.Apply, HistoryDays: c.HistoryDays, EnableSchedules: c.EnableSchedules,
	})
	if err != nil {
		return err
	}
	err = sh.answer(c.Output, r, func() error {
		t := table{head: []string{"KIND", "ID", "NAME", "NUMBER", "", "REASON"}, paint: sh.paint, state: -1}
		for i := range r.Things {
			x := &r.Things[i]
			number := ""
			if x.Number > 0 {
				number = strconv.FormatInt(x.Number, 10)
			}
			t.add(x.Kind, clean(x.ID), clean(x.Name), number, map[bool]string{true: "would be " + x.Fate, false: x.Fate}[!r.Applied && x.Fate == "taken"], clean(x.Reason))
		}
		return t.write(sh.out, "")
	})
	if err != nil {
		return err
	}
	for _, kind := range []string{"robot", "key", "workflow", "schedule", "jobs"} {
		sh.note("%ss: %d taken, %d here already, %d left", strings.TrimSuffix(kind, "s"), r.Count(kind, "taken"), r.Count(kind, "there"), r.Count(kind, "left"))
	}
	if !r.Applied {
		sh.note("%s", "Nothing was changed. --apply does it.")
	}
	return nil
}
