package postgres

import (
	"testing"

	"github.com/casarerpa/fleet/internal/store/sqlstore"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// TestStore is the suite, and the proof that it leaves no statement out.
func TestStore(t *testing.T) {
	storetest.Run(t, openWith(Options{}))
	for _, s := range sqlstore.All() {
		if !s.Used() && !s.Sole {
			t.Errorf("%s never ran in the suite", s.Name)
		}
	}
}

func TestConcurrent(t *testing.T) { storetest.RunConcurrent(t, openWith(Options{})) }
func TestModel(t *testing.T)      { storetest.RunModel(t, openWith(Options{})) }
func TestFaults(t *testing.T)     { storetest.RunFaults(t, openWith(Options{})) }
func TestLinear(t *testing.T)     { storetest.RunLinear(t, openWith(Options{})) }
