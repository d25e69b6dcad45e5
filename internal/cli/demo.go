package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/internal/load"
	"github.com/casarerpa/fleet/internal/telemetry"
)

// demo lets a made-up fleet live until ctx ends.
func (c *devCmd) demo(ctx context.Context, sh *shell, api *client.Client, url string, log *slog.Logger) error {
	p := sh.paint
	d := &load.Demo{URL: url, API: api, Robots: c.Demo, Seed: c.DemoSeed, Failed: func(err error) { log.Warn("the demonstration asked in vain", telemetry.Err(err)) }}
	fmt.Fprintf(sh.out, "%s %s: a made-up fleet of %s\n\n", colour(p, bold, "Casare Fleet"), sh.version, count(c.Demo, "robot"))
	if err := d.Prepare(ctx); err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "  look at   %s\n\nThe robots are simulated and their jobs are made up. Ctrl-C ends it; nothing is kept.\n", colour(p, cyan, url))
	d.Run(ctx)
	fmt.Fprintln(sh.out, "\nStopping.")
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
