package sqlite

import (
	"testing"

	"github.com/casarerpa/fleet/internal/store/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, openWith(Options{})) }
