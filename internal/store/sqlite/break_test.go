package sqlite

import "github.com/casarerpa/fleet/internal/store/sqlstore"

// These run inside the committer's goroutine, which owns the connection.

// roomier lifts the limit of the file.
func roomier(s *Store) func(*sqlstore.Tx) error {
	return func(*sqlstore.Tx) error { return s.writer.conn.exec("pragma max_page_count = 100000") }
}

// readOnly makes every later write fail as a broken file does.
func readOnly(s *Store) func(*sqlstore.Tx) error {
	return func(*sqlstore.Tx) error { return s.writer.conn.exec("pragma query_only = on") }
}
