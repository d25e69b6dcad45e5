package chaos

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/sqlite"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// jsonText is a document as a value inside a request.
func jsonText(s string) json.RawMessage { return json.RawMessage(s) }

func plain() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

const nothing = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

// verify asks the database, after everything has stopped, whether the
// invariants hold and every accepted job is there and final.
func (f *fleetUnderTest) verify(accepted *sync.Map) {
	f.t.Helper()
	f.invariants()
	missing, open := 0, 0
	states := f.states()
	accepted.Range(func(id, key any) bool {
		state, ok := states[id.(string)]
		switch {
		case !ok:
			missing++
			f.t.Errorf("job %v (key %v) was accepted and is not there", id, key)
		case !state.Final():
			open++
			f.t.Errorf("job %v is %s", id, state)
		}
		return missing+open < 20
	})
	byState := map[fleet.State]int{}
	for _, s := range states {
		byState[s]++
	}
	f.t.Logf("jobs by state: %v", byState)
	if byState[fleet.Completed] == 0 {
		f.t.Error("no job completed: the robots were of no use")
	}
}

// states reads every job of the stopped orchestrator's database.
func (f *fleetUnderTest) states() map[string]fleet.State {
	f.t.Helper()
	db, err := sqlite.Open(f.t.Context(), sqlite.Options{Dir: f.dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	states := map[string]fleet.State{}
	page := fleet.Page{Limit: fleet.PageMax}
	err = db.View(f.t.Context(), store.Tenant(fleet.DefaultTenant), func(r store.Reader) error {
		for {
			list, err := r.Jobs(store.JobFilter{}, page)
			if err != nil {
				return err
			}
			for _, j := range list.Jobs {
				states[string(j.ID)] = j.State
			}
			if list.Next == "" {
				return nil
			}
			page.Cursor = list.Next
		}
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return states
}

// invariants asks the data's law of the stopped orchestrator's database.
func (f *fleetUnderTest) invariants() {
	f.t.Helper()
	db, err := sqlite.Open(f.t.Context(), sqlite.Options{Dir: f.dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	if err := storetest.Invariants(f.t.Context(), db); err != nil {
		f.t.Error(err)
	}
	// No slot is held once every job has ended.
	rows, err := db.QueryText(f.t.Context(), `select a.job_id, a.epoch, j.state from attempts a join jobs j on j.id = a.job_id where a.slot_free_at is null`)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, row := range rows {
		f.t.Errorf("a slot leaked: %v", row)
	}
}
