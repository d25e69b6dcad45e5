package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
)

// file says how the connections of one database file are opened. Every
// connection goes through open, so none lacks a setting.
type file struct {
	path        string
	synchronous string
	maxPages    int // the size at which it is full; 0: no limit
	trace       func(statement string, rows int)
}

func (f file) open(write bool) (*conn, error) {
	db, err := sqlite.OpenConn(f.path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.path, err)
	}
	db.SetBusyTimeout(5 * time.Second)
	c := &conn{db: db, trace: f.trace}
	pragmas := "pragma journal_mode = wal; pragma foreign_keys = on; pragma temp_store = memory; pragma trusted_schema = off;" +
		"pragma synchronous = " + f.synchronous + ";"
	if write {
		pragmas += "pragma cache_size = -65536; pragma wal_autocheckpoint = 4000; pragma journal_size_limit = 67108864;"
		if f.maxPages > 0 {
			pragmas += fmt.Sprintf("pragma max_page_count = %d;", f.maxPages)
		}
	} else {
		pragmas += "pragma cache_size = -8192; pragma query_only = on;"
	}
	if err := c.exec(pragmas); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", f.path, err), db.Close())
	}
	return c, nil
}

// pool lends connections that read. At most size of them exist; whoever comes
// later waits.
type pool struct {
	file file
	free chan *conn // nil: may be opened
}

func newPool(f file, size int) *pool {
	p := &pool{file: f, free: make(chan *conn, size)}
	for range size {
		p.free <- nil
	}
	return p
}

// view runs fn on one snapshot.
func (p *pool) view(ctx context.Context, fn func(c *conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var c *conn
	select {
	case c = <-p.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	keep := c
	defer func() { p.free <- keep }()
	if c == nil {
		opened, err := p.file.open(false)
		if err != nil {
			return err
		}
		c, keep = opened, opened
	}
	if err := c.exec("begin"); err != nil {
		return err
	}
	err := fn(c)
	if rerr := c.exec("rollback"); rerr != nil && err == nil {
		err = rerr
	}
	return err
}

// close waits for the views that run and closes every connection.
func (p *pool) close() error {
	var errs []error
	for range cap(p.free) {
		if c := <-p.free; c != nil {
			errs = append(errs, c.db.Close())
		}
	}
	return errors.Join(errs...)
}
