package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
	"github.com/casarerpa/fleet/internal/store/storetest"
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
	for name := range forms {
		if _, ok := keep[name]; !ok { // nothing would ever be sent for many rows
			t.Errorf("%s has a form for many rows and is not kept until there are many", name)
		}
	}
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

// Submits with their rows of the audit share commits. A statement that cannot
// wait while jobs have no numbers makes every group run one by one, which
// nothing shows but the clock.
func TestAuditedSubmitsShareCommits(t *testing.T) {
	f := storetest.New(t, openWith(Options{}))
	s := f.Store.(*Store)
	const callers, each = 32, 10
	before := s.writer.number
	done := make(chan error, callers)
	for range callers {
		go func() {
			var err error
			for range each {
				one := f.Submission(f.Spec())
				one.Audit = &fleet.AuditDraft{Action: "job.submit"}
				out, fault := s.Enqueue(t.Context(), f.Scope, []store.Submission{one})
				if err = errors.Join(err, fault); fault == nil {
					err = errors.Join(err, out[0].Err)
				}
			}
			done <- err
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := s.writer.number - before; n > callers*each/2 {
		t.Errorf("%d submits took %d commits", callers*each, n)
	}
	if rows := f.Chain(); len(rows) != callers*each {
		t.Errorf("%d rows of the audit", len(rows))
	}
}
