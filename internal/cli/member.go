package cli

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/internal/config"
)

// memberCmds are the verbs for orchestrators that share a database.
type memberCmds struct {
	List memberListCmd `cmd:"" help:"list the orchestrators that share the database"`
}

type memberListCmd struct {
	config.Client
}

// Run lists members.
func (c *memberListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListMembers(ctx)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, map[string]any{"members": list}, func() error {
		t := table{head: []string{"MEMBER", "ADDRESS", "VERSION", "STARTED", "CHORES", "ANSWERS"}, paint: sh.paint, state: -1}
		for _, m := range list {
			t.add(string(m.ID), clean(m.Address), clean(m.Version), ago(m.StartedAt, time.Now()), mark(m.Leader), mark(m.Self))
		}
		return t.write(sh.out, "No orchestrator has been seen yet.")
	})
}

// mark is yes, or the sign for nothing.
func mark(yes bool) string {
	if yes {
		return "yes"
	}
	return dash("")
}
