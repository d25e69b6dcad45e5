package sqlite

import (
	"slices"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/casarerpa/fleet/internal/store/transfer"
)

// TestTablesAreTheSchema holds the shared description against both files:
// nothing is missing in it, nothing is too much.
func TestTablesAreTheSchema(t *testing.T) {
	files := tables{testConn(t, mainFile, mainScripts), testConn(t, logsFile, logsScripts)}
	types := map[transfer.Kind]string{
		transfer.Int: "INTEGER", transfer.Time: "INTEGER", transfer.Bool: "INTEGER", transfer.Float: "REAL",
		transfer.Text: "TEXT", transfer.Bytes: "BLOB",
	}
	var want, got []string
	for _, table := range transfer.Tables() {
		if err := files.of(&table).read("select 1 from "+table.Name+" limit 0", func(*sqlite.Stmt) {}); err != nil {
			t.Errorf("%s is not in its file: %v", table.Name, err)
		}
		for _, c := range table.Columns {
			want = append(want, table.Name+"."+c.Name+" "+types[c.Kind])
		}
	}
	for _, c := range []*conn{files.main, files.logs} {
		err := c.read(`select t.name, c.name, c.type from sqlite_schema t join pragma_table_info(t.name) c
			where t.type = 'table' and t.name not like 'sqlite_%' and t.name <> 'schema_migrations'`, func(st *sqlite.Stmt) {
			got = append(got, st.ColumnText(0)+"."+st.ColumnText(1)+" "+st.ColumnText(2))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if a, b := strings.Join(want, "\n"), strings.Join(got, "\n"); a != b {
		t.Errorf("described:\n%s\n\nthere:\n%s", a, b)
	}
	// A key that is not unique would hide rows from a comparison.
	for _, table := range transfer.Tables() {
		unique := false
		err := files.of(&table).read(`select (select group_concat(name, ', ') from (select name from pragma_index_info(i.name) order by seqno))
			from pragma_index_list('`+table.Name+`') i where i."unique" and not i.partial
			union all select name from pragma_table_info('`+table.Name+`') where pk = 1 and type = 'INTEGER'`, func(st *sqlite.Stmt) {
			unique = unique || st.ColumnText(0) == table.Order()
		})
		if err != nil || !unique {
			t.Errorf("%s: (%s) is not unique: %v", table.Name, table.Order(), err)
		}
	}
}
