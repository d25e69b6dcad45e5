package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/store/transfer"
)

// TestTablesAreTheSchema holds the shared description against the database:
// nothing is missing in it, nothing is too much.
func TestTablesAreTheSchema(t *testing.T) {
	pg, err := pgx.Connect(t.Context(), migrated(t).OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pg.Close(t.Context()) }()
	types := map[transfer.Kind]string{
		transfer.Int: "bigint", transfer.Float: "double precision", transfer.Text: "text", transfer.Bytes: "bytea",
		transfer.Time: "timestamp with time zone", transfer.Bool: "boolean",
	}
	var want []string
	for _, table := range transfer.Tables() {
		for _, c := range table.Columns {
			want = append(want, table.Name+"."+c.Name+" "+types[c.Kind])
			// Rows are compared in the order of their keys, byte by byte.
		}
		for _, k := range table.Keys {
			if c := table.Columns[k]; c.Kind == transfer.Text {
				var collation string
				err := pg.QueryRow(t.Context(), `select o.collname from pg_attribute a join pg_collation o on o.oid = a.attcollation
					where a.attrelid = $1::text::regclass and a.attname = $2`, table.Name, c.Name).Scan(&collation)
				if err != nil || collation != "C" {
					t.Errorf("%s.%s is put in order by %q: %v", table.Name, c.Name, collation, err)
				}
			}
		}
	}
	rows, err := pg.Query(t.Context(), `select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, null)
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
		and c.relname not in ('schema_migrations', 'commits')`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if a, b := strings.Join(want, "\n"), strings.Join(got, "\n"); a != b {
		t.Errorf("described:\n%s\n\nthere:\n%s", a, b)
	}
}
