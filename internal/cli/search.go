package cli

import (
	"context"

	"github.com/casarerpa/fleet/internal/config"
)

type searchCmd struct {
	config.Client
	Text  string `arg:"" help:"the beginning of a name or an id"`
	Limit int    `help:"how many of each kind, up to 20" default:"8" placeholder:"N"`
}

// Run finds things.
func (c *searchCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	found, err := api.Search(ctx, c.Text, c.Limit)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"found": found}, func() error {
		t := table{head: []string{"KIND", "ID", "NAME", "STATUS"}, paint: sh.paint, state: 3}
		for _, f := range found {
			t.add(string(f.Kind), clean(f.ID), clip(clean(f.Name), 60), string(f.State))
		}
		return t.write(sh.out, "Nothing is called that.")
	})
}
