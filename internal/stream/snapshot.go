package stream

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Snapshot is the whole fleet of a tenant at one moment.
type Snapshot struct {
	Cursor  string           `json:"cursor"`
	Mark    string           `json:"mark"`
	Now     time.Time        `json:"now"`
	Columns []string         `json:"columns"`
	Tables  map[string][]any `json:"tables"`
	Robots  [][]any          `json:"robots"`
}

// table numbers the values of a column that repeat.
type table struct {
	at     map[string]int
	values []any
}

func (t *table) put(key string, value any) int {
	n, ok := t.at[key]
	if !ok {
		n = len(t.values)
		t.at[key], t.values = n, append(t.values, value)
	}
	return n
}

// Snapshot reads all robots that a principal may see, and the cursor from which
// a stream goes on.
func (h *Hub) Snapshot(ctx context.Context, who auth.Principal) (any, error) {
	if err := who.Require(fleet.RobotsRead); err != nil {
		return nil, err
	}
	now := h.o.Now()
	var head int64
	var robots []fleet.Robot
	err := h.o.Store.View(ctx, who.Scope(), func(r store.Reader) (err error) {
		if head, err = r.Head(); err != nil {
			return err
		}
		robots, err = r.SeenSince(time.Time{})
		return err
	})
	if err != nil {
		return nil, err
	}
	tables := map[string]*table{}
	for _, name := range []string{"status", "mode", "environment", "tenant", "pool", "capabilities", "tags", "version"} {
		tables[name] = &table{at: map[string]int{}, values: []any{}}
	}
	word := func(name, value string) int { return tables[name].put(value, value) }
	set := func(name string, value []string) int { return tables[name].put(strings.Join(value, "\n"), value) }
	out := Snapshot{
		Cursor: showCursor(head), Mark: strconv.FormatInt(now.UnixMilli(), 10), Now: moment(now), Columns: columns,
		Tables: map[string][]any{}, Robots: make([][]any, len(robots)),
	}
	for i := range robots {
		robots[i].Derive(h.o.Timing(robots[i].Environment), now)
		r := showRobot(&robots[i], head)
		out.Robots[i] = []any{
			r.ID, r.Name, r.Hostname, word("status", r.Status), word("mode", r.Mode), r.Reason, r.Silent, word("environment", r.Environment),
			word("tenant", string(r.Tenant)), word("pool", r.Pool), set("capabilities", r.Capabilities), set("tags", r.Tags),
			r.Jobs, r.Max, r.JobIDs, r.CPU, r.Memory, r.Seen, r.Quarantine, r.Duplicate, word("version", r.Version), r.V,
		}
	}
	for name, t := range tables {
		out.Tables[name] = t.values
	}
	return out, nil
}
