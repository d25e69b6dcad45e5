package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/postgres"
	"github.com/casarerpa/fleet/internal/store/sqlite"
	"github.com/casarerpa/fleet/internal/store/transfer"
)

type (
	// DatabaseStatus is what can be seen of a database from outside.
	DatabaseStatus = transfer.Status
	// MoveStep tells how far a backup, a restore or a copy is.
	MoveStep = transfer.Step
	// MoveProgress is told of steps.
	MoveProgress = transfer.Progress
	// MoveResult says what was moved.
	MoveResult = transfer.Result
)

// Database is a store as people name it: a folder, or the address of a
// PostgreSQL.
type Database struct {
	Dir string
	URL string // may hold a password, so it is never printed
}

// ParseDatabase reads sqlite:FOLDER or postgres://…
func ParseDatabase(field, text string) (Database, error) {
	if dir, is := strings.CutPrefix(text, "sqlite:"); is && dir != "" {
		return Database{Dir: dir}, nil
	}
	if strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://") {
		return Database{URL: text}, nil
	}
	return Database{}, fleet.Invalid(field, "%s does not name a database.", field).
		WithFix("Write sqlite:FOLDER or postgres://USER:PASSWORD@HOST/DATABASE.")
}

// String names the database without a password.
func (d Database) String() string {
	if d.URL != "" {
		return postgres.Where(d.URL)
	}
	return "sqlite:" + d.Dir
}

// Status looks at the database.
func (d Database) Status(ctx context.Context) (DatabaseStatus, error) {
	if d.URL != "" {
		return postgres.Status(ctx, d.URL)
	}
	return sqlite.Status(ctx, d.Dir)
}

// Migrate brings the database to the schema of this program and says how many
// scripts that took.
func (d Database) Migrate(ctx context.Context) (int, error) {
	if d.URL != "" {
		return postgres.Migrate(ctx, postgres.Options{URL: d.URL, Now: time.Now})
	}
	return sqlite.Migrate(ctx, d.Dir, time.Now)
}

func (d Database) source(ctx context.Context, alone bool) (transfer.Source, error) {
	if d.URL == "" {
		return sqlite.Source(ctx, d.Dir, alone)
	}
	return postgres.Source(ctx, d.URL, alone)
}

func (d Database) sink(ctx context.Context) (transfer.Sink, error) {
	if d.URL == "" {
		return sqlite.Sink(ctx, d.Dir, time.Now)
	}
	return postgres.Sink(ctx, d.URL, time.Now())
}

// Backup writes everything into a new file. Orchestrators may run meanwhile.
// The file has its name only when it is complete.
func (d Database) Backup(ctx context.Context, path, version string, p MoveProgress) (r MoveResult, err error) {
	if _, err := os.Lstat(path); err == nil {
		return r, fleet.Errorf(fleet.CodeConflict, "file_exists", "The file %s is there already.", path).
			WithFix("Give another name, or remove the file.")
	}
	from, err := d.source(ctx, false)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	// The rows hold the inputs of jobs and the hashes of keys: for the owner alone.
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".unfinished-")
	if err != nil {
		return r, fmt.Errorf("write the backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreGone(os.Remove(f.Name())))
		}
	}()
	r, err = transfer.Backup(ctx, from, f, version, time.Now(), p)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return r, fmt.Errorf("write the backup: %w", err)
	}
	return r, os.Rename(f.Name(), path)
}

// Restore fills an empty database from a backup.
func (d Database) Restore(ctx context.Context, path string, p MoveProgress) (r MoveResult, err error) {
	f, err := os.Open(path)
	if err != nil {
		return r, fleet.Errorf(fleet.CodeInvalid, "backup_file", "The backup cannot be read: %w.", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	a, err := transfer.OpenArchive(f)
	if err != nil {
		return r, err
	}
	to, err := d.sink(ctx)
	if err != nil {
		return r, err
	}
	return transfer.Restore(ctx, a, to, p)
}

// CopyTo fills an empty database with everything of this one, which no
// orchestrator may use meanwhile.
func (d Database) CopyTo(ctx context.Context, target Database, p MoveProgress) (r MoveResult, err error) {
	from, err := d.source(ctx, true)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := target.sink(ctx)
	if err != nil {
		return r, err
	}
	return transfer.Copy(ctx, from, to, p)
}

func ignoreGone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
