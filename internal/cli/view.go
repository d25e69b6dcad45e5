package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// viewCmds are the verbs for views of lists.
type viewCmds struct {
	List   viewListCmd   `cmd:"" help:"list your own views and the shared ones"`
	Add    viewAddCmd    `cmd:"" aliases:"create" help:"keep a view of a page"`
	Edit   viewEditCmd   `cmd:"" help:"change a view"`
	Delete viewDeleteCmd `cmd:"" aliases:"rm" help:"delete a view"`
}

type viewListCmd struct {
	config.Client
	Page string `help:"only those of a page, such as robots or jobs" placeholder:"PAGE"`
}

// Run lists views.
func (c *viewListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListViews(ctx, c.Page)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"views": list}, func() error {
		t := table{head: []string{"ID", "PAGE", "VIEW", "SHARED", "QUERY"}, paint: sh.paint, state: -1}
		for i := range list {
			v := &list[i]
			q := url.Values{}
			for name, text := range v.Query {
				q.Set(name, text)
			}
			t.add(string(v.ID), clean(v.Page), clip(clean(v.Name), 40), yesNo(v.Shared), clip(clean(q.Encode()), 60))
		}
		return t.write(sh.out, "There is no view.")
	})
}

// viewQuery reads what is in an address, with or without the question mark.
func viewQuery(text string) (map[string]string, error) {
	values, err := url.ParseQuery(strings.TrimPrefix(text, "?"))
	if err != nil {
		return nil, fleet.Invalid("query", "--query is what stands behind the question mark of an address, such as status=failed&q=erp.")
	}
	out := map[string]string{}
	for name, list := range values {
		out[name] = list[0]
	}
	return out, nil
}

// saidOfView is one sentence about a view.
func (s *shell) saidOfView(output string, v fleet.View, words string) error {
	return s.answer(output, v, func() error {
		_, err := fmt.Fprintf(s.out, "View %s %s: %s.\n", clean(v.Name), words, v.ID)
		return err
	})
}

type viewAddCmd struct {
	config.Client
	Page   string `arg:"" help:"the page, such as robots or jobs"`
	Name   string `arg:"" help:"name of the view"`
	Query  string `help:"what stands behind the question mark of the address" placeholder:"QUERY"`
	Shared bool   `help:"show it to everybody in the tenant"`
}

// Run keeps a view.
func (c *viewAddCmd) Run(ctx context.Context, sh *shell) error {
	query, err := viewQuery(c.Query)
	if err != nil {
		return err
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	v, err := api.CreateView(ctx, client.ViewChange{Page: &c.Page, Name: &c.Name, Query: &query, Shared: &c.Shared})
	if err != nil {
		return err
	}
	return sh.saidOfView(c.Output, v, "is kept")
}

type viewEditCmd struct {
	config.Client
	View   fleet.ID `arg:"" help:"id of the view"`
	Name   string   `help:"another name" placeholder:"NAME"`
	Query  *string  `help:"what stands behind the question mark of the address" placeholder:"QUERY"`
	Shared *bool    `help:"show it to everybody in the tenant, or not any more" negatable:""`
}

// Run changes a view.
func (c *viewEditCmd) Run(ctx context.Context, sh *shell) error {
	change := client.ViewChange{Name: given(c.Name), Shared: c.Shared}
	if c.Query != nil {
		query, err := viewQuery(*c.Query)
		if err != nil {
			return err
		}
		change.Query = &query
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	v, err := api.UpdateView(ctx, c.View, change)
	if err != nil {
		return err
	}
	return sh.saidOfView(c.Output, v, "is changed")
}

type viewDeleteCmd struct {
	config.Client
	View fleet.ID `arg:"" help:"id of the view"`
}

// Run deletes a view.
func (c *viewDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteView(ctx, c.View); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]string{"deleted": string(c.View)}, func() error {
		_, err := fmt.Fprintf(sh.out, "View %s is gone.\n", c.View)
		return err
	})
}
