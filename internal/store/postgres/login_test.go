package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/pgtest"
)

// TestWorkingLoginStarts shows that a member whose login owns nothing starts
// with the default, which is to migrate, and that it learns what to do when
// there is something to migrate.
func TestWorkingLoginStarts(t *testing.T) {
	open(t, migrated(t).URL, Options{Migrate: true})

	empty := pgtest.Database(t)
	s, err := Open(t.Context(), Options{URL: empty.URL, Migrate: true})
	if err == nil {
		err = errors.Join(errors.New("it opened"), s.Close())
	}
	if e := fleet.AsError(err); e.Reason != "schema_older" || !strings.Contains(e.Fix, "fleet db migrate") {
		t.Errorf("an empty database and a login that may not make tables: %v", err)
	}
}
