package pgtest

import (
	"context"
	"testing"
)

// TestLent shows that a database that was given back comes again, with its
// tables and without their rows, and that it is prepared once.
func TestLent(t *testing.T) {
	prepared := 0
	prepare := func(ctx context.Context, ownerURL string) error {
		prepared++
		return statements(ctx, ownerURL, "create table schema_migrations (number int)", "insert into schema_migrations values (1)",
			"create table workflows (id int primary key)", "create table jobs (workflow int references workflows)")
	}
	for range 2 {
		t.Run("borrower", func(t *testing.T) {
			db := Lent(t, prepare)
			if got := ask(t, db.OwnerURL, "select (select count(*) from jobs)::text || ' ' || (select count(*) from schema_migrations)"); got != "0 1" {
				t.Errorf("rows of jobs and of the history: %s, want 0 1", got)
			}
			for _, sql := range []string{"insert into workflows values (1)", "insert into jobs values (1)"} {
				if err := exec1(t, db.OwnerURL, sql); err != nil {
					t.Fatal(err)
				}
			}
			other := Lent(t, prepare)
			if other.Name == db.Name {
				t.Error("one database is lent twice at a time")
			}
		})
	}
	if prepared != 2 {
		t.Errorf("prepared %d databases for two borrowers of two each, want 2", prepared)
	}
}
