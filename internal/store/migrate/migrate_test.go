package migrate

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/casarerpa/fleet/fleet"
)

type memory struct {
	done []Record
	fail int
}

func (m *memory) Applied(context.Context) ([]Record, error) { return m.done, nil }

func (m *memory) Apply(_ context.Context, x Migration) error {
	if x.Number == m.fail {
		return errors.New("broken script")
	}
	m.done = append(m.done, Record{x.Number, x.Name, x.Sum})
	return nil
}

func files(names ...string) fstest.MapFS {
	out := fstest.MapFS{"m/readme.md": {}}
	for _, n := range names {
		out["m/"+n] = &fstest.MapFile{Data: []byte("-- " + n)}
	}
	return out
}

func TestLoad(t *testing.T) {
	for _, names := range [][]string{{"0002_b.sql"}, {"0001_a.sql", "1_b.sql"}, {"a.sql"}, {"0001.sql"}, {"0001_.sql"}} {
		if _, err := Load(files(names...), "m"); err == nil {
			t.Errorf("%v was accepted", names)
		}
	}
	if _, err := Load(files(), "nowhere"); err == nil {
		t.Error("a missing folder was accepted")
	}
	all, err := Load(files("0002_b.sql", "0001_a.sql"), "m")
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[0].Sum == all[1].Sum {
		t.Errorf("%v, %v", all, err)
	}
}

func TestRun(t *testing.T) {
	all, err := Load(files("0001_a.sql", "0002_b.sql", "0003_c.sql"), "m")
	if err != nil {
		t.Fatal(err)
	}
	db := &memory{fail: 3}
	if n, err := Run(t.Context(), db, all); err == nil || n != 2 {
		t.Errorf("a broken script: %d, %v", n, err)
	}
	db.fail = 0
	for _, want := range []int{1, 0} { // goes on where it stopped, then has nothing to do
		if n, err := Run(t.Context(), db, all); err != nil || n != want {
			t.Errorf("applied %d, %v, want %d", n, err, want)
		}
	}
	if _, err := Run(t.Context(), db, all[:2]); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("an older program: %v", err)
	}
	db.done[1].Sum = "other"
	if _, err := Run(t.Context(), db, all); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("a script was changed: %v", err)
	}
	db.done[1].Sum = all[1].Sum
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, &memory{}, all); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
