package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/config"
)

// dbCmds are the verbs for the database itself. They need no orchestrator.
type dbCmds struct {
	Status  dbStatusCmd  `cmd:"" help:"say where the database is and what is in it"`
	Migrate dbMigrateCmd `cmd:"" help:"bring the database to this program's schema"`
	Backup  dbBackupCmd  `cmd:"" help:"write everything into a file, while orchestrators run"`
	Restore dbRestoreCmd `cmd:"" help:"fill an empty database from a backup"`
	Copy    dbCopyCmd    `cmd:"" help:"move an installation to another database"`

	ImportCasareRPA dbImportCmd `cmd:"" name:"import-casarerpa" help:"take robots, their keys, workflows, schedules and history over from CasareRPA"`
}

// database is the one that the flags name.
func (s *shell) database(c config.Database) app.Database {
	if url := c.DatabaseURL.Reveal(); url != "" {
		return app.Database{URL: url}
	}
	return app.Database{Dir: c.Folder(s.getenv)}
}

type dbStatusCmd struct {
	config.Database
	Output string `short:"o" help:"${enum}" enum:"table,json,yaml" default:"table" placeholder:"FORM"`
}

// Run shows what can be seen without opening the store.
func (c *dbStatusCmd) Run(ctx context.Context, sh *shell) error {
	got, err := sh.database(c.Database).Status(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, got, func() error {
		out := card{}
		out.add("database", got.Database)
		out.add("where", clean(got.Where))
		switch {
		case got.Schema == 0:
			out.add("schema", fmt.Sprintf("none yet; this program has %d: run fleet db migrate", got.Program))
		case got.Schema < got.Program:
			out.add("schema", fmt.Sprintf("%d, older than this program's %d: run fleet db migrate", got.Schema, got.Program))
		case got.Schema > got.Program:
			out.add("schema", fmt.Sprintf("%d, newer than this program's %d: use the newer program", got.Schema, got.Program))
		default:
			out.add("schema", fmt.Sprintf("%d, as this program's", got.Schema))
		}
		out.add("size", config.Size(got.Bytes>>10<<10).String())
		out.add("store", got.StoreID)
		if got.Generation > 0 {
			out.add("generation", fmt.Sprint(got.Generation))
		}
		if got.Database == "sqlite" {
			out.add("in use", map[bool]string{true: "yes, by an orchestrator on this machine", false: "no"}[got.Held])
		}
		for _, m := range got.Members {
			out.add("member", fmt.Sprintf("%s %s %s, started %s", m.ID, clean(m.Address), clean(m.Version), ago(m.StartedAt, time.Now())))
		}
		if err := out.write(sh.out, sh.paint); err != nil || got.Schema == 0 {
			return err
		}
		fmt.Fprintln(sh.out)
		t := table{head: []string{"TABLE", "ROWS"}, paint: sh.paint, state: -1}
		for _, r := range got.Tables {
			text := fmt.Sprint(r.Rows)
			if r.Estimate {
				text = "about " + text
			}
			t.add(r.Name, text)
		}
		return t.write(sh.out, "There are no tables.")
	})
}

type dbMigrateCmd struct {
	config.Database
}

// Help is the long form of the help.
func (dbMigrateCmd) Help() string {
	return `On PostgreSQL give the login that owns the database; orchestrators of this version and the one before may run meanwhile. An embedded database is migrated while no orchestrator runs; fleet serve does it at its start too.

Example:

    fleet db migrate --database-url postgres://owner:PASSWORD@db.example.org/fleet`
}

// Run migrates.
func (c *dbMigrateCmd) Run(ctx context.Context, sh *shell) error {
	db := sh.database(c.Database)
	n, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	if n == 0 {
		_, err = fmt.Fprintf(sh.out, "%s has the schema of this program already.\n", db)
		return err
	}
	_, err = fmt.Fprintf(sh.out, "%s was brought up to date by %d migrations.\n", db, n)
	return err
}

type dbBackupCmd struct {
	config.Database
	File string `arg:"" help:"file to write; it must not exist" placeholder:"FILE"`
}

// Help is the long form of the help.
func (dbBackupCmd) Help() string {
	return `The file holds one moment of the whole store, and restores into either kind of database. It has its name only when it is complete. It holds the inputs and results of jobs and the hashes of keys: keep it safe.

Example:

    fleet db backup fleet-2026-11-26.tar.gz`
}

// Run writes a backup.
func (c *dbBackupCmd) Run(ctx context.Context, sh *shell) error {
	db := sh.database(c.Database)
	tell, end := sh.moving()
	r, err := db.Backup(ctx, c.File, sh.version, tell)
	end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "%s is in %s: %d rows, %d jobs.\n", db, c.File, r.Total(), r.Rows["jobs"])
	return err
}

type dbRestoreCmd struct {
	config.Database
	File string `arg:"" help:"backup to restore" placeholder:"FILE"`
}

// Help is the long form of the help.
func (dbRestoreCmd) Help() string {
	return `The target is a folder that does not exist or is empty, or a PostgreSQL database that fleet db migrate has prepared, with the login that owns it. All of it takes effect at once, after everything was read back and compared.

Robots that still run jobs from after the backup are told to forget them; these jobs run again.

Example:

    fleet db restore --data-dir /var/lib/fleet fleet-2026-11-26.tar.gz`
}

// Run restores.
func (c *dbRestoreCmd) Run(ctx context.Context, sh *shell) error {
	db := sh.database(c.Database)
	tell, end := sh.moving()
	r, err := db.Restore(ctx, c.File, tell)
	end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "%s was restored and verified: %d rows, %d jobs. Its generation is %d.\n", db, r.Total(), r.Rows["jobs"],
		r.Origin.Generation+1)
	return err
}

type dbCopyCmd struct {
	From config.Secret `help:"sqlite:FOLDER or postgres://USER:PASSWORD@HOST/DATABASE, or file:/path that holds it" required:"" placeholder:"DATABASE"`
	To   config.Secret `help:"the same for the target, which is empty" required:"" placeholder:"DATABASE"`
}

// Help is the long form of the help.
func (dbCopyCmd) Help() string {
	return `No orchestrator may run on either. The target is as fleet db restore wants it. Every row is read again on both sides and compared before the copy takes effect; the source stays as it is.

Example:

    fleet db migrate --database-url postgres://owner:PASSWORD@db.example.org/fleet
    fleet db copy --from sqlite:/var/lib/fleet --to postgres://owner:PASSWORD@db.example.org/fleet`
}

// Run copies.
func (c *dbCopyCmd) Run(ctx context.Context, sh *shell) error {
	from, err := app.ParseDatabase("from", c.From.Reveal())
	if err != nil {
		return err
	}
	to, err := app.ParseDatabase("to", c.To.Reveal())
	if err != nil {
		return err
	}
	if from == to {
		return fleet.Invalid("to", "The source and the target are the same database.")
	}
	tell, end := sh.moving()
	r, err := from.CopyTo(ctx, to, tell)
	end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "%s was copied to %s and verified row by row: %d rows, %d jobs.\n", from, to, r.Total(), r.Rows["jobs"])
	return err
}

// moving shows the steps of a transfer: one line that overwrites itself on a
// terminal, else a line for each table with rows.
func (s *shell) moving() (tell app.MoveProgress, end func()) {
	if !s.terminal {
		return func(m app.MoveStep) {
			if m.Done && m.Rows > 0 {
				s.note("%s %s: %d rows", m.What, m.Table, m.Rows)
			}
		}, func() {}
	}
	return func(m app.MoveStep) {
		fmt.Fprintf(s.err, "\r\x1b[K%s", clip(fmt.Sprintf("%s %s: %d rows", m.What, m.Table, m.Rows), s.width-1))
	}, func() { fmt.Fprint(s.err, "\r\x1b[K") }
}
