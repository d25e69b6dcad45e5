package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/migrate"
	"github.com/casarerpa/fleet/internal/store/transfer"
)

// Migrate brings both files of a folder to the schema of this program and
// returns how many scripts that took. It is refused while an orchestrator runs.
func Migrate(ctx context.Context, dir string, now func() time.Time) (n int, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	if err := refuseNetwork(dir); err != nil {
		return 0, err
	}
	held, err := acquire(filepath.Join(dir, lockName))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	for _, f := range [][2]string{{mainFile, mainScripts}, {logsFile, logsScripts}} {
		at := file{path: filepath.Join(dir, f[0]), synchronous: "FULL"}
		before, err := at.history()
		if err != nil {
			return n, err
		}
		if err := bring(ctx, at, f[1], now); err != nil {
			return n, err
		}
		after, err := at.history()
		if err != nil {
			return n, err
		}
		n += len(after) - len(before)
	}
	return n, nil
}

// history reads which scripts a file has, without making it.
func (f file) history() (done []migrate.Record, err error) {
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	c, err := f.open(false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.db.Close()) }()
	return applied(c)
}

// Status looks at a folder; an orchestrator may run on it.
func Status(_ context.Context, dir string) (_ transfer.Status, err error) {
	s := transfer.Status{Database: "sqlite", Where: dir, Tables: []transfer.TableStatus{}, Members: []fleet.Member{}}
	all, err := migrate.Load(migrations, mainScripts)
	if err != nil {
		return s, err
	}
	s.Program = len(all)
	if err := there(dir); err != nil {
		return s, err
	}
	for _, name := range []string{mainFile, mainFile + "-wal", logsFile, logsFile + "-wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			s.Bytes += info.Size()
		}
	}
	if held, err := acquire(filepath.Join(dir, lockName)); err == nil {
		if err := held.Release(); err != nil {
			return s, err
		}
	} else if errors.Is(err, fleet.ErrConflict) {
		s.Held = true
	}
	main, err := (file{path: filepath.Join(dir, mainFile), synchronous: "FULL"}).open(false)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, main.db.Close()) }()
	done, err := applied(main)
	if err != nil || len(done) == 0 {
		return s, err
	}
	s.Schema = len(done)
	return s, look(&s, dir, main)
}

// look reads what a schema of any number has.
func look(s *transfer.Status, dir string, main *conn) (err error) {
	files := tables{main: main}
	logs := file{path: filepath.Join(dir, logsFile), synchronous: "FULL"}
	if lines, err := logs.history(); err == nil && len(lines) > 0 {
		if files.logs, err = logs.open(false); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, files.logs.db.Close()) }()
	}
	if err := main.read("select store_id, generation from store_meta", func(st *sqlite.Stmt) {
		s.StoreID, s.Generation = st.ColumnText(0), st.ColumnInt64(1)
	}); err != nil {
		return err
	}
	if err := main.read("select id, version, address, started_at from members order by id", func(st *sqlite.Stmt) {
		s.Members = append(s.Members, fleet.Member{
			ID: fleet.ID(st.ColumnText(0)), Version: st.ColumnText(1), Address: st.ColumnText(2),
			StartedAt: time.UnixMicro(st.ColumnInt64(3)).UTC(),
		})
	}); err != nil {
		return err
	}
	for _, t := range transfer.Tables() {
		c := files.of(&t)
		if c == nil {
			continue
		}
		there := false
		if err := c.read("select 1 from sqlite_schema where type = 'table' and name = '"+t.Name+"'", func(*sqlite.Stmt) { there = true }); err != nil {
			return err
		}
		if !there {
			continue
		}
		rows := transfer.TableStatus{Name: t.Name}
		if err := c.read("select count(*) from "+t.Name, func(st *sqlite.Stmt) { rows.Rows = st.ColumnInt64(0) }); err != nil {
			return err
		}
		s.Tables = append(s.Tables, rows)
	}
	return nil
}
