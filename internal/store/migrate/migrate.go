// Package migrate brings a database to the schema that the program knows:
// numbered scripts, forward only, each with its checksum kept beside it.
//
// The package does not know SQL or a driver; a database gives it a Target. It
// must not change a script that was applied: a checksum that differs stops the
// program before it touches anything.
package migrate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
)

// Migration is one script.
type Migration struct {
	Number int
	Name   string
	SQL    string
	Sum    string // SHA-256 of the script, hex
}

// Record is a migration as the database remembers it.
type Record struct {
	Number int
	Name   string
	Sum    string
}

// Target is a database that can be migrated. The caller of Run keeps others
// away from it, with a lock that both processes respect.
type Target interface {
	// Applied lists what was applied, by number. On an empty database it makes
	// the table to remember it in.
	Applied(ctx context.Context) ([]Record, error)
	// Apply runs one script and remembers it, in one transaction.
	Apply(ctx context.Context, m Migration) error
}

// Load reads the scripts of a folder: NNNN_name.sql, numbered from 1 without a
// hole.
func Load(files fs.FS, dir string) ([]Migration, error) {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	var out []Migration
	for _, e := range entries {
		if e.IsDir() || path.Ext(e.Name()) != ".sql" {
			continue
		}
		number, name, ok := strings.Cut(strings.TrimSuffix(e.Name(), ".sql"), "_")
		n, err := strconv.Atoi(number)
		if err != nil || !ok || name == "" {
			return nil, fmt.Errorf("migration %s is not named NNNN_name.sql", e.Name())
		}
		text, err := fs.ReadFile(files, path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", e.Name(), err)
		}
		sum := sha256.Sum256(text)
		out = append(out, Migration{Number: n, Name: name, SQL: string(text), Sum: hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(out, func(a, b Migration) int { return a.Number - b.Number })
	for i, m := range out {
		if m.Number != i+1 {
			return nil, fmt.Errorf("migration %d is missing or doubled", i+1)
		}
	}
	return out, nil
}

// Run applies what is missing and returns how many scripts that were. It
// refuses a database whose history is not the beginning of ours.
func Run(ctx context.Context, t Target, all []Migration) (int, error) {
	done, err := t.Applied(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the schema's history: %w", err)
	}
	if err := Check(done, all); err != nil {
		return 0, err
	}
	for i, m := range all[len(done):] {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		if err := fail.At(fail.MigrateBefore); err != nil {
			return i, err
		}
		if err := t.Apply(ctx, m); err != nil {
			return i, fmt.Errorf("apply migration %04d_%s: %w", m.Number, m.Name, err)
		}
		if err := fail.At(fail.MigrateAfter); err != nil {
			return i + 1, err
		}
	}
	return len(all) - len(done), nil
}

// Check refuses a history that is not the beginning of ours.
func Check(done []Record, all []Migration) error {
	if len(done) > len(all) {
		return fleet.Errorf(fleet.CodeConflict, "schema_newer",
			"The store was written by a newer version: it has %d migrations, this program knows %d.", len(done), len(all)).
			WithFix("Use the newer version, or restore a backup from before the upgrade.")
	}
	for i, r := range done {
		m := all[i]
		if r.Number != m.Number || r.Name != m.Name || r.Sum != m.Sum {
			return fleet.Errorf(fleet.CodeConflict, "schema_differs",
				"Migration %d of the store is %s (%.12s…), this program has %s (%.12s…).", i+1, r.Name, r.Sum, m.Name, m.Sum).
				WithFix("The store or the program was changed by hand. Use the program that made the store.")
		}
	}
	return nil
}

// Current refuses a history that is not the whole of ours; where names the
// store as fleet db migrate takes it.
func Current(done []Record, all []Migration, where string) error {
	if err := Check(done, all); err != nil {
		return err
	}
	if len(done) < len(all) {
		return fleet.Errorf(fleet.CodeConflict, "schema_older", "The store has %d of %d migrations of this program.", len(done), len(all)).
			WithFix("Run: fleet db migrate " + where)
	}
	return nil
}
