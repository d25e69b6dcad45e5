package postgres

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// TestForms holds the forms for many rows against the statements they are made
// of: every argument has its type, and the database takes the text.
func TestForms(t *testing.T) {
	s := openWith(Options{})(t).(*Store)
	pg, err := s.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(t.Context())
	found := 0
	for _, st := range sqlstore.All() {
		f, ok := forms[st.Name]
		if !ok {
			continue
		}
		found++
		if f.types == "" { // it is sent row by row
			continue
		}
		highest := 0
		for _, m := range parameter.FindAllStringSubmatch(st.SQL, -1) {
			n := 0
			for _, c := range m[1] {
				n = 10*n + int(c-'0')
			}
			highest = max(highest, n)
		}
		if highest != len(f.types) {
			t.Errorf("%s has %d arguments, its form has types for %d", st.Name, highest, len(f.types))
		}
		d, err := pg.Prepare(t.Context(), st.Name, st.SQL)
		if err != nil {
			t.Errorf("%s: %v", st.Name, err)
			continue
		}
		for i, oid := range d.ParamOIDs {
			typ, _ := pg.TypeMap().TypeForOID(oid)
			if want := map[string]string{"int8": "i", "text": "t", "bool": "b", "float8": "f", "timestamptz": "z", "bytea": "y"}[typ.Name]; want != strings.ToLower(f.types[i:i+1]) {
				t.Errorf("%s: argument %d is %s, its form says %c", st.Name, i+1, typ.Name, f.types[i])
			}
		}
		if _, err := pg.Prepare(t.Context(), st.Name+"/many", f.sql); err != nil {
			t.Errorf("%s for many rows: %v\n%s", st.Name, err, f.sql)
		}
		if strings.Contains(f.sql, "values") {
			t.Errorf("%s still has values: %s", st.Name, f.sql)
		}
	}
	if found != len(forms) {
		t.Errorf("%d of %d forms have a statement", found, len(forms))
	}
}

// Of what a caller keeps, statements about a job that are sent as they come go
// first, then its move, and what concerns its attempt after that: everybody
// locks a job before its attempt.
func TestOrderOfWhatIsKept(t *testing.T) {
	byName := map[string]*sqlstore.Stmt{}
	for _, s := range sqlstore.All() {
		byName[s.Name] = s
	}
	var list []kept
	for _, name := range []string{"job.move", "attempt.insert", "job.deps_open", "attempt.move", "job.move", "dead_letter.put"} {
		list = append(list, kept{stmt: byName[name], args: make([]any, max(len(forms[name].types), 3))})
	}
	var got []string
	for _, g := range bulk(list) {
		got = append(got, g.name)
	}
	if s := strings.Join(got, " "); s != "job.deps_open dead_letter.put job.move attempt.insert job.move attempt.move" {
		t.Errorf("sent in the order %s", s)
	}
}
