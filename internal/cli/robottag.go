package cli

import (
	"context"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type robotTagCmd struct {
	config.Client
	Robots []fleet.RobotID `arg:"" optional:"" name:"robot" help:"ids of robots; or select them with --pool, --tag or --all"`
	Add    []string        `help:"a tag that they get (repeatable)" placeholder:"WORD"`
	Remove []string        `help:"a tag that they lose (repeatable)" placeholder:"WORD"`
	manyFlags
}

// Help is the long form of the help.
func (robotTagCmd) Help() string {
	return `All other tags stay. It is one bulk operation, with a result for each robot; "fleet robot edit" sets all tags of one.

Examples:

    fleet robot tag bot-7 bot-8 --add night
    fleet robot tag --tag night --add late --remove night --wait`
}

// Run changes the tags of robots.
func (c *robotTagCmd) Run(ctx context.Context, sh *shell) error {
	params := map[string]any{"add_tags": c.Add, "remove_tags": c.Remove}
	switch {
	case c.any() == (len(c.Robots) > 0):
		return fleet.Invalid("robot", "Name robots, or select them with --pool, --tag or --all.")
	case c.any():
		return c.ask(ctx, sh, c.Client, fleet.BulkTag, params)
	}
	return c.start(ctx, sh, c.Client, client.BulkRequest{Kind: fleet.BulkTag, Robots: c.Robots, Params: params})
}
