package fleet

import (
	"testing"
	"time"
)

func TestCommandEndsOnce(t *testing.T) {
	now := time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)
	fresh := func(kind CommandKind, instance string) *Command {
		return &Command{Kind: kind, State: CommandRequested, InstanceID: instance, CreatedAt: now, ExpiresAt: now.Add(CommandLife)}
	}
	type step func(c *Command) (CommandState, bool)
	deliver := step(func(c *Command) (CommandState, bool) { return c.Deliver("i-1", now) })
	started := func(instance string) step {
		return func(c *Command) (CommandState, bool) { return c.Started(instance, now) }
	}
	left := step(func(c *Command) (CommandState, bool) { return c.Left("i-1", now) })
	refused := step(func(c *Command) (CommandState, bool) { return c.Refuse("no", now) })
	late := step(func(c *Command) (CommandState, bool) { return c.Expire(now.Add(CommandLife)) })
	early := step(func(c *Command) (CommandState, bool) { return c.Expire(now.Add(CommandLife - 1)) })
	tests := map[string]struct {
		c     *Command
		steps []step
		want  CommandState
	}{
		"told":                              {fresh(CommandRestart, "i-1"), []step{deliver}, CommandDelivered},
		"the same process comes back":       {fresh(CommandRestart, "i-1"), []step{deliver, started("i-1")}, CommandDelivered},
		"another process comes":             {fresh(CommandRestart, "i-1"), []step{deliver, started("i-2")}, CommandDone},
		"another process before it is told": {fresh(CommandRestart, "i-1"), []step{started("i-2")}, CommandDone},
		"asked while nobody was there":      {fresh(CommandRestart, ""), []step{started("i-1"), deliver}, CommandDelivered},
		"a restart says goodbye":            {fresh(CommandRestart, "i-1"), []step{deliver, left}, CommandDelivered},
		"a shutdown says goodbye":           {fresh(CommandShutdown, "i-1"), []step{deliver, left}, CommandDone},
		"an older process says goodbye":     {fresh(CommandShutdown, "i-0"), []step{left}, CommandRequested},
		"refused":                           {fresh(CommandRestart, "i-1"), []step{deliver, refused, started("i-2")}, CommandFailed},
		"never told":                        {fresh(CommandRestart, ""), []step{early, late}, CommandExpired},
		"told and never done":               {fresh(CommandRestart, "i-1"), []step{deliver, late, started("i-2")}, CommandFailed},
		"done, then its time is over":       {fresh(CommandRestart, "i-1"), []step{deliver, started("i-2"), late, refused, left}, CommandDone},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for i, s := range tt.steps {
				before := tt.c.State
				from, changed := s(tt.c)
				if from != before || changed != (tt.c.State != before) {
					t.Errorf("step %d says %s, %v; it went from %s to %s", i, from, changed, before, tt.c.State)
				}
			}
			if tt.c.State != tt.want || tt.c.Open() != tt.c.EndedAt.IsZero() {
				t.Errorf("state %s, ended %s; want %s", tt.c.State, tt.c.EndedAt, tt.want)
			}
		})
	}
}
