package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/filelock"
	"github.com/casarerpa/fleet/internal/store/migrate"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
	"github.com/casarerpa/fleet/internal/store/transfer"
)

// The two files of a folder, and their scripts.
const (
	mainFile, mainScripts = "fleet.db", "migrations"
	logsFile, logsScripts = "logs.db", "migrations/logs"
	lockName              = "fleet.lock"
)

// tables reads and writes whole tables of the two files.
type tables struct{ main, logs *conn }

func (t tables) of(table *transfer.Table) *conn {
	if table.Logs {
		return t.logs
	}
	return t.main
}

func (t tables) close() error {
	var errs []error
	for _, c := range []*conn{t.main, t.logs} {
		if c != nil {
			errs = append(errs, c.db.Close())
		}
	}
	return errors.Join(errs...)
}

// Rows streams a table in the order of its key.
func (t tables) Rows(ctx context.Context, table *transfer.Table) iter.Seq2[transfer.Row, error] {
	return func(yield func(transfer.Row, error) bool) {
		st, _, err := t.of(table).db.PrepareTransient("select " + table.Names() + " from " + table.Name + " order by " + table.Order())
		if err != nil {
			yield(nil, fault("read "+table.Name, err))
			return
		}
		defer func() { _ = st.Finalize() }() // repeats the error of the step
		row := make(transfer.Row, len(table.Columns))
		for {
			more, err := st.Step()
			switch {
			case err != nil:
				yield(nil, fault("read "+table.Name, err))
				return
			case ctx.Err() != nil:
				yield(nil, ctx.Err())
				return
			case !more:
				return
			}
			for i, c := range table.Columns {
				row[i] = value(st, i, c.Kind)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func value(st *sqlite.Stmt, i int, kind transfer.Kind) any {
	if st.ColumnIsNull(i) {
		return nil
	}
	switch kind {
	case transfer.Int, transfer.Time:
		return st.ColumnInt64(i)
	case transfer.Float:
		return st.ColumnFloat(i)
	case transfer.Bool:
		return st.ColumnInt64(i) != 0
	case transfer.Bytes:
		b := make([]byte, st.ColumnLen(i))
		st.ColumnBytes(i, b)
		return b
	case transfer.Text:
	}
	return transfer.Clean(st.ColumnText(i))
}

// source is a snapshot of a folder; a server may run on it meanwhile.
type source struct {
	tables
	origin transfer.Origin
	lock   *filelock.Lock
}

// Source opens a snapshot of a folder. With alone it keeps every orchestrator
// away until it is closed, and is refused while one runs.
func Source(ctx context.Context, dir string, alone bool) (_ transfer.Source, err error) {
	if err := there(dir); err != nil {
		return nil, err
	}
	s := &source{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if alone {
		if s.lock, err = acquire(filepath.Join(dir, lockName)); err != nil {
			return nil, err
		}
	}
	// The lines first: they never belong to an attempt that the other file does
	// not know yet.
	if s.logs, _, err = snapshot(dir, logsFile, logsScripts); err != nil {
		return nil, err
	}
	if s.main, s.origin.Schema, err = snapshot(dir, mainFile, mainScripts); err != nil {
		return nil, err
	}
	s.origin.Database = "sqlite"
	return s, s.identify(ctx)
}

func there(dir string) error {
	_, err := os.Stat(filepath.Join(dir, mainFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fleet.Errorf(fleet.CodeNotFound, "no_store", "There is no store in the folder %s.", dir).
			WithFix("Give the data folder of an orchestrator with --data-dir, or sqlite:FOLDER.")
	}
	if err != nil {
		return fmt.Errorf("look into the folder: %w", err)
	}
	return nil
}

// snapshot opens a file and begins to read it, if its schema is ours.
func snapshot(dir, name, scripts string) (*conn, int, error) {
	c, err := (file{path: filepath.Join(dir, name), synchronous: "FULL"}).open(false)
	if err != nil {
		return nil, 0, err
	}
	all, err := migrate.Load(migrations, scripts)
	var done []migrate.Record
	if err == nil {
		err = c.exec("begin")
	}
	if err == nil {
		done, err = applied(c)
	}
	if err == nil {
		err = migrate.Current(done, all, "--data-dir "+dir)
	}
	if err != nil {
		return nil, 0, errors.Join(err, c.db.Close())
	}
	return c, len(done), nil
}

// applied reads the history of a file that may have none.
func applied(c *conn) (out []migrate.Record, err error) {
	found := false
	err = c.read("select 1 from sqlite_schema where name = 'schema_migrations'", func(*sqlite.Stmt) { found = true })
	if err != nil || !found {
		return nil, err
	}
	return out, c.read(historyList.SQL, func(st *sqlite.Stmt) {
		out = append(out, migrate.Record{Number: st.ColumnInt(0), Name: st.ColumnText(1), Sum: st.ColumnText(2)})
	})
}

// read runs a query that is not of the registry.
func (c *conn) read(sql string, row func(st *sqlite.Stmt)) (err error) {
	st, _, err := c.db.PrepareTransient(sql)
	if err != nil {
		return fault("read", err)
	}
	defer func() {
		if ferr := st.Finalize(); err == nil && ferr != nil {
			err = fault("read", ferr)
		}
	}()
	for {
		more, err := st.Step()
		if err != nil {
			return fault("read", err)
		}
		if !more {
			return nil
		}
		row(st)
	}
}

func (s *source) identify(context.Context) error {
	named := false
	err := s.main.read("select store_id, generation from store_meta", func(st *sqlite.Stmt) {
		named, s.origin.StoreID, s.origin.Generation = true, st.ColumnText(0), st.ColumnInt64(1)
	})
	if err != nil {
		return err
	}
	if !named {
		return fleet.Errorf(fleet.CodeNotFound, "no_store", "The store was never opened by an orchestrator, so there is nothing in it.")
	}
	return s.main.read("select min(t) from (select min(created_at) t from jobs union all select min(at) from events)", func(st *sqlite.Stmt) {
		if !st.ColumnIsNull(0) {
			s.origin.Oldest = time.UnixMicro(st.ColumnInt64(0)).UTC()
		}
	})
}

// Origin implements transfer.Source.
func (s *source) Origin() transfer.Origin { return s.origin }

// Close ends the snapshot.
func (s *source) Close() error { return errors.Join(s.close(), s.lock.Release()) }

// sink fills a folder that has another name until it is complete.
type sink struct {
	tables
	dir, temp string
	now       func() time.Time
	done      bool
}

// Sink prepares a folder. It must not exist, or be empty.
func Sink(ctx context.Context, dir string, now func() time.Time) (_ transfer.Sink, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("the folder of the store: %w", err)
	}
	if err := vacant(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the store: %w", err)
	}
	if err := refuseNetwork(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	s := &sink{dir: dir, now: now}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Discard())
		}
	}()
	if s.temp, err = os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".unfinished-"); err != nil {
		return nil, fmt.Errorf("make the folder of the store: %w", err)
	}
	if s.main, err = s.make(ctx, mainFile, mainScripts); err != nil {
		return nil, err
	}
	s.logs, err = s.make(ctx, logsFile, logsScripts)
	return s, err
}

// vacant refuses a folder that holds something, and says so if an orchestrator
// runs on it.
func vacant(dir string) error {
	found, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(found) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the folder: %w", err)
	}
	for _, f := range found {
		if f.Name() != lockName {
			continue
		}
		held, err := acquire(filepath.Join(dir, lockName))
		if err != nil {
			return err
		}
		if err := held.Release(); err != nil {
			return err
		}
	}
	return transfer.NotEmpty(dir, found[0].Name())
}

func (s *sink) make(ctx context.Context, name, scripts string) (*conn, error) {
	// The folder is nothing until its last file is on disk, so no commit before
	// that has to be.
	f := file{path: filepath.Join(s.temp, name), synchronous: "OFF"}
	if err := bring(ctx, f, scripts, s.now); err != nil {
		return nil, err
	}
	return f.open(true)
}

// Schema is the program's own: the files were made with it.
func (s *sink) Schema() (int, error) {
	all, err := migrate.Load(migrations, mainScripts)
	return len(all), err
}

// Prepare has nothing to do: the files have no partitions.
func (s *sink) Prepare(context.Context, time.Time) error { return nil }

// Take writes rows in a transaction of their own.
func (s *sink) Take(_ context.Context, t *transfer.Table, rows []transfer.Row) (err error) {
	c := s.of(t)
	st, err := c.db.Prepare("insert into " + t.Name + " (" + t.Names() + ") values (" +
		strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ") + ")")
	if err != nil {
		return fault("write "+t.Name, err)
	}
	if err := c.exec("begin immediate"); err != nil {
		return err
	}
	defer func() {
		if err != nil && !c.db.AutocommitEnabled() {
			_ = c.exec("rollback") // the first error tells more
		}
	}()
	for _, row := range rows {
		for i, v := range row {
			if err := bind(st, i+1, v); err != nil {
				return fmt.Errorf("column %s: %w", t.Columns[i].Name, err)
			}
		}
		if _, err := st.Step(); err != nil {
			_ = st.Reset() // repeats the error of the step
			return fault(t.Name+" ("+t.Key(row)+")", err)
		}
		if err := st.Reset(); err != nil {
			return fault("write "+t.Name, err)
		}
	}
	return c.exec("commit")
}

// Rewind runs in one transaction.
func (s *sink) Rewind(_ context.Context, at time.Time) (err error) {
	if err := s.main.exec("begin immediate"); err != nil {
		return err
	}
	for _, sql := range transfer.RewindSQL() {
		st, _, err := s.main.db.PrepareTransient(sql)
		if err != nil {
			return fault("rewind", err)
		}
		for i := range st.BindParamCount() {
			st.BindInt64(i+1, at.UnixMicro())
		}
		_, err = st.Step()
		if ferr := st.Finalize(); err == nil {
			err = ferr
		}
		if err != nil {
			return fault("rewind", err)
		}
	}
	r := sqlstore.Restored{BackupAt: at, Now: s.now()}
	err = s.main.read("select store_id, generation from store_meta", func(st *sqlite.Stmt) { r.StoreID, r.Generation = st.ColumnText(0), st.ColumnInt64(1) })
	if err != nil {
		return err
	}
	if err := sqlstore.Reanchor(s.main, r); err != nil {
		return err
	}
	return s.main.exec("commit")
}

// Commit brings the files to the disk and gives the folder its name.
func (s *sink) Commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.close(); err != nil { // folds the logs into the files
		return fmt.Errorf("close the new store: %w", err)
	}
	s.tables = tables{}
	for _, name := range []string{mainFile, logsFile, "."} {
		if err := flush(filepath.Join(s.temp, name)); err != nil {
			return err
		}
	}
	if err := os.Remove(s.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return transfer.NotEmpty(s.dir, "something new in it, or it cannot be removed ("+err.Error()+")")
	}
	if err := os.Rename(s.temp, s.dir); err != nil {
		return fmt.Errorf("name the new store: %w", err)
	}
	s.done = true
	return flush(filepath.Dir(s.dir))
}

// flush waits until a file or a folder is on the disk. Windows keeps the names
// of a folder by itself.
func flush(path string) error {
	mode := os.O_RDWR
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if runtime.GOOS == "windows" {
			return nil
		}
		mode = os.O_RDONLY
	}
	f, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return fmt.Errorf("flush %s: %w", path, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("flush %s: %w", path, err)
	}
	return nil
}

// Discard removes what has not become the store.
func (s *sink) Discard() error {
	if s.done {
		return nil
	}
	err := s.close()
	s.tables, s.done = tables{}, true
	if s.temp != "" {
		err = errors.Join(err, os.RemoveAll(s.temp))
	}
	return err
}

var (
	_ transfer.Source = (*source)(nil)
	_ transfer.Sink   = (*sink)(nil)
)
