package law

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// While members are replaced one by one, the version before runs on the schema
// of the version after. So a migration adds: what it would take away or make
// stricter waits for the release in which nobody needs it any more, in a
// migration whose name ends in _contract.

// firstKept is the first migration of which an installation may have stopped
// before: the schema until then was never run by two versions at once.
const firstKept = "0004"

// narrows says what a statement takes from a version that does not know it.
var narrows = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"drops a column", regexp.MustCompile(`\bdrop column\b`)},
	{"drops a table", regexp.MustCompile(`^drop table\b`)},
	{"drops a constraint, which may be the target of an on conflict", regexp.MustCompile(`\bdrop constraint\b`)},
	{"renames", regexp.MustCompile(`\brename\b`)},
	{"changes the type of a column", regexp.MustCompile(`\balter column \w+ (set data )?type\b`)},
	{"makes a column mandatory", regexp.MustCompile(`\bset not null\b`)},
	{"adds a mandatory column without a default", regexp.MustCompile(`\badd column (if not exists )?\w+ [^,]*\bnot null\b(?:[^,d]|d[^e])*$`)},
	{"adds a rule that old rows, or what the old version writes, may break", regexp.MustCompile(`\badd constraint\b`)},
}

func narrow(sql string) (found []string) {
	for _, statement := range statements(sql) {
		for _, n := range narrows {
			if n.pattern.MatchString(statement) {
				found = append(found, n.what+": "+statement)
			}
		}
	}
	return found
}

// statements are those outside of function bodies, in small letters, on a line
// each.
func statements(sql string) (out []string) {
	body := regexp.MustCompile(`(?s)\$(\w*)\$.*?\$\w*\$`).ReplaceAllString(sql, "''")
	body = regexp.MustCompile(`(?m)--.*$`).ReplaceAllString(body, "")
	for s := range strings.SplitSeq(body, ";") {
		if s = strings.ToLower(strings.Join(strings.Fields(s), " ")); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func TestMigrationsOnlyAdd(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "internal", "store", "postgres", "migrations", "*.sql"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".sql")
		if name < firstKept || strings.HasSuffix(name, "_contract") {
			continue
		}
		sql, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range narrow(string(sql)) {
			t.Errorf("%s %s\n(the version before must still run: expand now, contract in a later release)", name, fault)
		}
	}
}

// The law sees what it is there for.
func TestNarrowingIsSeen(t *testing.T) {
	for sql, bad := range map[string]bool{
		"alter table jobs add column a text;":                                     false,
		"alter table jobs add column a text collate \"C\" not null default '';":   false,
		"alter table jobs add column a bigint not null default 0 check (a >= 0);": false,
		"alter table jobs add column a text not null;":                            true,
		"alter table jobs\n  drop column a;":                                      true,
		"alter table jobs rename to works;":                                       true,
		"alter table jobs alter column a type bigint;":                            true,
		"alter table jobs alter column a set not null;":                           true,
		"-- drop column in words only\ncreate table a (b text not null);":         false,
		"create function f() returns void language sql as $$ drop table a $$;":    false,
		"drop table jobs;": true,
		"alter table lanes drop constraint lanes_key;":       true,
		"create index a on jobs (b); drop index jobs_ready;": false,
	} {
		if got := narrow(sql); (len(got) > 0) != bad {
			t.Errorf("%q: %q", sql, got)
		}
	}
}
