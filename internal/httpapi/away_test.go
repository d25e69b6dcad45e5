package httpapi

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// While nothing can be committed writes are refused at once and reads are
// tried; afterwards all is as before.
func TestWritesAreRefusedWhileTheStoreIsAway(t *testing.T) {
	var away atomic.Bool
	w := newWorld(t, func(o *Options) {
		o.Writable = func() error {
			if !away.Load() {
				return nil
			}
			e := fleet.Errorf(fleet.CodeUnavailable, "database_unreachable", "The database cannot be reached.")
			e.RetryAfter = 3 * time.Second
			return e
		}
	})
	submit := scenario{
		name: "submit", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"workflow_json":` + doc + `}`,
		status: http.StatusServiceUnavailable, has: []string{"database_unreachable"},
	}
	away.Store(true)
	if a := submit.run(w); a.header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	for _, s := range []scenario{
		{name: "even before the key is looked at", method: "DELETE", path: "/api/v1/keys/" + absent, status: http.StatusServiceUnavailable},
		{name: "a robot's result", as: "bot-1", method: "PUT", path: "/api/v1/robot/results/" + absent, body: `{}`, status: http.StatusServiceUnavailable},
		{name: "reads are tried", as: "viewer", method: "GET", path: "/api/v1/jobs", status: http.StatusOK},
		{name: "the process answers", method: "GET", path: "/health/live", status: http.StatusOK},
	} {
		s.run(w)
	}
	away.Store(false)
	submit.status, submit.has = http.StatusCreated, nil
	submit.events = []fleet.EventKind{fleet.EventWorkflowCreated, fleet.EventJobSubmitted}
	submit.run(w)
}
