package sqlite

// This file puts the two Go drivers of one SQLite engine side by side with the
// shapes of the store, for ADR-0005. The product knows only one of them.

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver under measurement registers itself
	"zombiezen.com/go/sqlite"
)

const (
	driverSchema = `create table jobs (id text not null unique, tenant text not null, state text not null, epoch integer not null,
		version integer not null, robot text, body text not null) strict;
		create table events (tenant text not null, seq integer not null, kind text not null, data blob, primary key (tenant, seq)) strict, without rowid;`
	insertJob   = `insert into jobs (id, tenant, state, epoch, version, body) values (?1, 't', 'pending', 0, 1, ?2)`
	moveJob     = `update jobs set state = ?2, epoch = epoch + 1, version = version + 1, robot = ?3 where id = ?1 and tenant = 't' and state = 'pending'`
	insertEvent = `insert into events (tenant, seq, kind, data) values ('t', ?1, 'job.assigned', ?2)`
	readJob     = `select id, tenant, state, epoch, version, robot, body from jobs where id = ?1`
	driverBatch = 64
)

var driverPragmas = []string{"pragma journal_mode = wal", "pragma synchronous = full", "pragma foreign_keys = on"}

func driverID(i int) string { return fmt.Sprintf("01939c3e-7b1a-7c3d-8e4f-%012d", i) }

const driverBody = "a job's columns that no decision looks at, a few hundred bytes of them: " +
	"name, workflow, hash, environment, needs, times, budgets and so on and so forth"

func BenchmarkDriverBatch(b *testing.B) {
	b.Run("zombiezen", func(b *testing.B) {
		c := openZombiezen(b)
		seq := 0
		for b.Loop() {
			execOn(b, c, "begin immediate")
			for range driverBatch {
				seq++
				execOn(b, c, insertJob, driverID(seq), driverBody)
				execOn(b, c, moveJob, driverID(seq), "assigned", "r-1")
				execOn(b, c, insertEvent, seq, []byte(`{"robot_id":"r-1"}`))
			}
			execOn(b, c, "commit")
		}
		b.ReportMetric(float64(b.N*driverBatch)/b.Elapsed().Seconds(), "jobs/s")
	})
	b.Run("modernc-database-sql", func(b *testing.B) {
		db := openModernc(b)
		var st [3]*sql.Stmt
		for i, q := range []string{insertJob, moveJob, insertEvent} {
			var err error
			if st[i], err = db.PrepareContext(b.Context(), q); err != nil { //nolint:sqlclosecheck // closed with the database, as the product would
				b.Fatal(err)
			}
		}
		exec := func(ctx context.Context, s *sql.Stmt, args ...any) {
			if _, err := s.ExecContext(ctx, args...); err != nil {
				b.Fatal(err)
			}
		}
		seq := 0
		for b.Loop() {
			tx, err := db.BeginTx(b.Context(), nil)
			if err != nil {
				b.Fatal(err)
			}
			in := [3]*sql.Stmt{tx.StmtContext(b.Context(), st[0]), tx.StmtContext(b.Context(), st[1]), tx.StmtContext(b.Context(), st[2])}
			for range driverBatch {
				seq++
				exec(b.Context(), in[0], driverID(seq), driverBody)
				exec(b.Context(), in[1], driverID(seq), "assigned", "r-1")
				exec(b.Context(), in[2], seq, []byte(`{"robot_id":"r-1"}`))
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*driverBatch)/b.Elapsed().Seconds(), "jobs/s")
	})
}

func BenchmarkDriverRead(b *testing.B) {
	const rows = 10_000
	b.Run("zombiezen", func(b *testing.B) {
		c := openZombiezen(b)
		execOn(b, c, "begin immediate")
		for i := range rows {
			execOn(b, c, insertJob, driverID(i), driverBody)
		}
		execOn(b, c, "commit")
		st := c.Prep(readJob)
		i := 0
		for b.Loop() {
			i = (i + 7919) % rows
			st.BindText(1, driverID(i))
			more, err := st.Step()
			if err != nil || !more || st.ColumnText(0) == "" || st.ColumnText(2) == "" || st.ColumnInt64(3) != 0 || st.ColumnText(6) == "" {
				b.Fatal(err)
			}
			if err := st.Reset(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("modernc-database-sql", func(b *testing.B) {
		db := openModernc(b)
		tx, err := db.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		for i := range rows {
			if _, err := tx.ExecContext(b.Context(), insertJob, driverID(i), driverBody); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		st, err := db.PrepareContext(b.Context(), readJob)
		if err != nil {
			b.Fatal(err)
		}
		defer st.Close()
		i := 0
		for b.Loop() {
			i = (i + 7919) % rows
			var jid, tenant, state, text string
			var epoch, version int64
			var robot sql.NullString
			if err := st.QueryRowContext(b.Context(), driverID(i)).Scan(&jid, &tenant, &state, &epoch, &version, &robot, &text); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func openZombiezen(b *testing.B) *sqlite.Conn {
	b.Helper()
	c, err := sqlite.OpenConn(filepath.Join(b.TempDir(), "z.db"), sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	})
	for _, p := range driverPragmas {
		execOn(b, c, p)
	}
	rest := driverSchema
	for len(rest) > 0 {
		st, n, err := c.PrepareTransient(rest)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := st.Step(); err != nil {
			b.Fatal(err)
		}
		if err := st.Finalize(); err != nil {
			b.Fatal(err)
		}
		rest = rest[len(rest)-n:]
	}
	return c
}

func execOn(b *testing.B, c *sqlite.Conn, q string, args ...any) {
	st, err := c.Prepare(q)
	if err != nil {
		b.Fatal(err)
	}
	for i, a := range args {
		switch a := a.(type) {
		case string:
			st.BindText(i+1, a)
		case int:
			st.BindInt64(i+1, int64(a))
		case []byte:
			st.BindBytes(i+1, a)
		}
	}
	for more := true; more; {
		if more, err = st.Step(); err != nil {
			b.Fatal(err)
		}
	}
	if err := st.Reset(); err != nil {
		b.Fatal(err)
	}
}

func openModernc(b *testing.B) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "m.db")+
		"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	if _, err := db.ExecContext(b.Context(), driverSchema); err != nil {
		b.Fatal(err)
	}
	return db
}
