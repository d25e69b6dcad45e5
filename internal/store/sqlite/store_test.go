package sqlite

import (
	"testing"

	"github.com/casarerpa/fleet/internal/store/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, openWith(Options{})) }

func TestConcurrent(t *testing.T) { storetest.RunConcurrent(t, openWith(Options{})) }
func TestModel(t *testing.T)      { storetest.RunModel(t, openWith(Options{})) }
func TestFaults(t *testing.T)     { storetest.RunFaults(t, openWith(Options{})) }
func TestLinear(t *testing.T)     { storetest.RunLinear(t, openWith(Options{})) }
