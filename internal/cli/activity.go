package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/internal/config"
)

// activityCmd reads the activity feed.
type activityCmd struct {
	config.Client
	Follow bool          `short:"f" help:"stay and show what happens"`
	Type   string        `help:"only entries of this type, such as job_failed" placeholder:"TYPE"`
	Since  time.Duration `help:"only what is not older" placeholder:"1h"`
	Limit  int           `help:"at most so many of the newest, up to 200" default:"50" placeholder:"N"`
}

// Help is the long form of the help.
func (activityCmd) Help() string {
	return `What happened to jobs and robots, in sentences, the newest last. The events behind them, with all that they say, are in fleet events.

Examples:

    fleet activity --type job_failed --since 24h
    fleet activity --follow`
}

// Run prints entries.
func (c *activityCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	cursor := ""
	if c.Follow { // before the list is read, so that nothing falls between
		s, err := api.FleetSnapshot(ctx)
		if err != nil {
			return err
		}
		cursor = s.Cursor
	}
	q := client.ActivityQuery{Type: c.Type, Limit: c.Limit}
	if c.Since > 0 {
		q.Since = time.Now().Add(-c.Since)
	}
	list, err := api.Activity(ctx, q)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, e := range slices.Backward(list.Events) {
		seen[string(e.ID)] = true
		if err := sh.entry(c.Output, e); err != nil {
			return err
		}
	}
	if !c.Follow {
		return nil
	}
	for f, err := range api.Stream(ctx, client.StreamQuery{Topics: []string{"activity"}, After: cursor}) {
		if err != nil {
			return err
		}
		for _, change := range f.Changes {
			var e client.ActivityEntry
			if err := json.Unmarshal(change.Row, &e); err != nil {
				return err
			}
			if seen[string(e.ID)] || c.Type != "" && e.Type != c.Type {
				continue
			}
			if err := sh.entry(c.Output, e); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// entry prints one entry in one line.
func (s *shell) entry(format string, e client.ActivityEntry) error {
	return s.piece(format, e, func() error {
		_, err := fmt.Fprintf(s.out, "%s  %-17s %s\n", colour(s.paint, faint, wall(e.At)), e.Type, clean(e.Title))
		return err
	})
}
