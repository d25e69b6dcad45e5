package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// sureFlags say beforehand what else is asked.
type sureFlags struct {
	Yes bool `help:"in production: do it without asking for its name"`
}

// sure asks for the name of an environment that is marked as production before
// something is done there that cannot be undone. Where nobody sits at a terminal
// it is refused. Who may not see environments sees no marks.
func (f sureFlags) sure(ctx context.Context, sh *shell, api *client.Client, where func() ([]string, error)) error {
	if f.Yes {
		return nil
	}
	list, err := api.ListEnvironments(ctx)
	if errors.Is(err, fleet.ErrForbidden) {
		return nil
	}
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(e fleet.Environment) bool { return !e.Production })
	if len(list) == 0 {
		return nil
	}
	names, err := where()
	if err != nil {
		return err
	}
	for i := range list {
		name := list[i].Name
		if !slices.Contains(names, name) {
			continue
		}
		if !sh.asksHere() {
			return fleet.Errorf(fleet.CodeInvalid, "production", "The environment %s is production, and this cannot be undone.", name).
				WithFix("Add --yes to say that you mean it.")
		}
		typed, err := sh.ask("The environment " + name + " is production, and this cannot be undone.\nType " + name + " to say that you mean it: ")
		if err != nil {
			return err
		}
		if typed != name {
			return fleet.Errorf(fleet.CodeInvalid, "production", "Nothing was done: the name of the environment is %s.", name)
		}
	}
	return nil
}

// homeOf is where a robot lives; that of one which is not there is for the server to
// say.
func homeOf(ctx context.Context, api *client.Client, id fleet.RobotID) func() ([]string, error) {
	return func() ([]string, error) {
		r, err := api.GetRobot(ctx, id)
		if errors.Is(err, fleet.ErrNotFound) || errors.Is(err, fleet.ErrForbidden) {
			return nil, nil
		}
		return []string{r.Environment}, err
	}
}

// homes are where the robots live that are selected.
func (m *manyFlags) homes(ctx context.Context, api *client.Client) func() ([]string, error) {
	return func() ([]string, error) {
		list, err := pageTo(0, func(cursor string) ([]fleet.Robot, string, error) {
			page, err := api.ListRobots(ctx, client.RobotQuery{Page: fleet.Page{Limit: fleet.PageMax, Cursor: cursor}})
			return page.Robots, page.Next, err
		})
		var out []string
		for i := range list {
			r := &list[i]
			if (len(m.Pool) == 0 || slices.Contains(m.Pool, r.Pool)) && !slices.ContainsFunc(m.Tag, func(t string) bool { return !slices.Contains(r.Tags, t) }) {
				out = append(out, r.Environment)
			}
		}
		return out, err
	}
}
