package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// userCmds are the verbs for people.
type userCmds struct {
	List     userListCmd     `cmd:"" help:"list people"`
	Get      userGetCmd      `cmd:"" aliases:"show" help:"show a person"`
	Create   userCreateCmd   `cmd:"" help:"make a person who can sign in"`
	Edit     userEditCmd     `cmd:"" help:"change name, role or address of a person"`
	Disable  userDisableCmd  `cmd:"" help:"sign a person out everywhere, and let them in no more"`
	Enable   userEnableCmd   `cmd:"" help:"let a person sign in again"`
	Password userPasswordCmd `cmd:"" help:"change one's own password, or give a person another one"`
	Delete   userDeleteCmd   `cmd:"" help:"delete a person"`
	Sessions userSessionsCmd `cmd:"" help:"list one's own sign-ins"`
	SignOut  userSignOutCmd  `cmd:"" name:"sign-out" help:"end one of one's own sign-ins"`
}

// findUser takes an id or a name.
func findUser(ctx context.Context, api *client.Client, text string) (fleet.User, error) {
	if id := fleet.ID(text); id.Valid() {
		return api.GetUser(ctx, id)
	}
	all, err := allUsers(ctx, api)
	if err != nil {
		return fleet.User{}, err
	}
	var found []fleet.User
	for _, u := range all {
		if fleet.NameKey(u.Name) == fleet.NameKey(text) {
			found = append(found, u)
		}
	}
	switch len(found) {
	case 0:
		return fleet.User{}, fleet.NotFound("user", text)
	case 1:
		return found[0], nil
	}
	return fleet.User{}, fleet.Invalid("user", "%d tenants have a user %s.", len(found), text).WithFix("Name the tenant with --tenant, or give the id.")
}

func allUsers(ctx context.Context, api *client.Client) ([]fleet.User, error) {
	return pageTo(0, func(cursor string) ([]fleet.User, string, error) {
		page, err := api.ListUsers(ctx, fleet.Page{Limit: fleet.PageMax, Cursor: cursor})
		return page.Users, page.Next, err
	})
}

type userListCmd struct{ config.Client }

// Run lists people.
func (c *userListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := allUsers(ctx, api)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"users": list}, func() error {
		t := table{head: []string{"USER", "NAME", "ROLE", "TENANT", "STATUS", "SIGNED IN"}, paint: sh.paint, state: -1}
		for i := range list {
			u := &list[i]
			t.add(string(u.ID), clip(clean(u.Name), 30), string(u.Role), string(u.Tenant), statusOfUser(u), ago(u.SignedInAt, time.Now()))
		}
		return t.write(sh.out, `There is nobody yet; "fleet user create --help" says how to let somebody in.`)
	})
}

func statusOfUser(u *fleet.User) string {
	switch {
	case u.Disabled:
		return "disabled"
	case u.Issuer != "":
		return "vouched for"
	}
	return "enabled"
}

// showUser prints a person.
func (s *shell) showUser(output string, u fleet.User) error {
	return s.answer(output, u, func() error {
		card := &card{}
		card.add("user", string(u.ID))
		card.add("name", clean(u.Name))
		card.add("role", string(u.Role))
		card.add("tenant", string(u.Tenant))
		card.add("address", clean(u.Email))
		card.add("status", statusOfUser(&u))
		card.add("issuer", clean(u.Issuer))
		card.add("made", wall(u.CreatedAt))
		if !u.SignedInAt.IsZero() {
			card.add("signed in", wall(u.SignedInAt))
		}
		return card.write(s.out, s.paint)
	})
}

// userCall is what one command does to one person.
type userCall struct {
	config.Client
	User string `arg:"" help:"name or id of the person"`
}

func (c *userCall) do(ctx context.Context, sh *shell, call func(api *client.Client, u fleet.User) error) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	u, err := findUser(ctx, api, c.User)
	if err != nil {
		return err
	}
	return call(api, u)
}

type userGetCmd struct{ userCall }

// Run shows a person.
func (c *userGetCmd) Run(ctx context.Context, sh *shell) error {
	return c.do(ctx, sh, func(_ *client.Client, u fleet.User) error { return sh.showUser(c.Output, u) })
}

type userCreateCmd struct {
	config.Client
	Name  string     `arg:"" help:"name to sign in with; upper and lower case are the same"`
	Role  fleet.Role `help:"viewer, operator, developer, admin or super_admin" enum:"viewer,operator,developer,admin,super_admin" required:"" placeholder:"ROLE"`
	Email string     `help:"address of the person" placeholder:"ADDRESS"`
}

// Help is the long form of the help.
func (userCreateCmd) Help() string {
	return `Asks for the password, or reads it as a line of standard input; it is never an argument. A viewer reads; an operator also runs jobs and decides; a developer also stores workflows; an admin does everything in the tenant.

Example:

    fleet user create ada --role operator`
}

// Run makes a person.
func (c *userCreateCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	password, err := sh.newPassword()
	if err != nil {
		return err
	}
	u, err := api.CreateUser(ctx, client.UserRequest{Name: c.Name, Email: c.Email, Role: c.Role, Password: password})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, u, func() error {
		_, err := fmt.Fprintf(sh.out, "%s can sign in as %s.\n", clean(u.Name), u.Role)
		return err
	})
}

type userEditCmd struct {
	userCall
	Rename *string     `help:"another name" placeholder:"NAME"`
	Role   *fleet.Role `help:"another role" placeholder:"ROLE"`
	Email  *string     `help:"another address" placeholder:"ADDRESS"`
}

// Run changes a person.
func (c *userEditCmd) Run(ctx context.Context, sh *shell) error {
	if c.Rename == nil && c.Role == nil && c.Email == nil {
		return fleet.Invalid("edit", "Nothing was asked for: give --rename, --role or --email.")
	}
	return c.change(ctx, sh, client.UserChange{Name: c.Rename, Email: c.Email, Role: c.Role})
}

func (c *userCall) change(ctx context.Context, sh *shell, r client.UserChange) error {
	return c.do(ctx, sh, func(api *client.Client, u fleet.User) error {
		u, err := api.UpdateUser(ctx, u.ID, r)
		if err != nil {
			return err
		}
		return sh.answer(c.Output, u, func() error {
			_, err := fmt.Fprintf(sh.out, "%s: %s, %s.\n", clean(u.Name), u.Role, statusOfUser(&u))
			return err
		})
	})
}

type userDisableCmd struct{ userCall }

// Run keeps a person out.
func (c *userDisableCmd) Run(ctx context.Context, sh *shell) error {
	yes := true
	return c.change(ctx, sh, client.UserChange{Disabled: &yes})
}

type userEnableCmd struct{ userCall }

// Run lets a person in again.
func (c *userEnableCmd) Run(ctx context.Context, sh *shell) error {
	no := false
	return c.change(ctx, sh, client.UserChange{Disabled: &no})
}

type userPasswordCmd struct {
	config.Client
	User string `arg:"" optional:"" help:"name or id of a person; one's own password if left out"`
}

// Help is the long form of the help.
func (userPasswordCmd) Help() string {
	return `Asks for the passwords, or reads each as a line of standard input: for one's own the present one first. Every other sign-in of the person ends.

Examples:

    fleet user password
    fleet user password ada < new-password.txt`
}

// Run changes a password.
func (c *userPasswordCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if c.User == "" {
		current, err := sh.askSecret("Present password: ")
		if err != nil {
			return err
		}
		next, err := sh.newPassword()
		if err != nil {
			return err
		}
		if err := api.ChangePassword(ctx, current, next); err != nil {
			return err
		}
		return sh.said(c.Output, "password", "The password is changed; every other sign-in has ended.")
	}
	u, err := findUser(ctx, api, c.User)
	if err != nil {
		return err
	}
	next, err := sh.newPassword()
	if err != nil {
		return err
	}
	if err := api.SetPassword(ctx, u.ID, next); err != nil {
		return err
	}
	return sh.said(c.Output, "password", fmt.Sprintf("%s has another password; every sign-in of theirs has ended.", clean(u.Name)))
}

// said tells that something was changed that is not shown.
func (s *shell) said(output, what, text string) error {
	return s.answer(output, map[string]any{what: "changed"}, func() error {
		_, err := fmt.Fprintln(s.out, text)
		return err
	})
}

type userDeleteCmd struct{ userCall }

// Run deletes a person.
func (c *userDeleteCmd) Run(ctx context.Context, sh *shell) error {
	return c.do(ctx, sh, func(api *client.Client, u fleet.User) error {
		if err := api.DeleteUser(ctx, u.ID); err != nil {
			return err
		}
		return sh.answer(c.Output, map[string]any{"user_id": u.ID, "deleted": true}, func() error {
			_, err := fmt.Fprintf(sh.out, "%s is deleted.\n", clean(u.Name))
			return err
		})
	})
}

type userSessionsCmd struct{ config.Client }

// Run lists one's own sign-ins.
func (c *userSessionsCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.OwnSessions(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"sessions": list}, func() error {
		now := time.Now()
		t := table{head: []string{"SESSION", "KIND", "FROM", "PROGRAM", "BEGAN", "SEEN", "THIS"}, paint: sh.paint, state: -1}
		for _, s := range list {
			this := ""
			if s.Current {
				this = "yes"
			}
			t.add(string(s.ID), string(s.Kind), dash(s.Address), clip(clean(s.Agent), 30), ago(s.CreatedAt, now), ago(s.SeenAt, now), this)
		}
		return t.write(sh.out, "There are none.")
	})
}

type userSignOutCmd struct {
	config.Client
	Session string `arg:"" help:"id of the sign-in"`
}

// Run ends one of one's own sign-ins.
func (c *userSignOutCmd) Run(ctx context.Context, sh *shell) error {
	id := fleet.ID(c.Session)
	if !id.Valid() {
		return fleet.Invalid("session", "%q is not the id of a sign-in.", clip(c.Session, 40)).WithFix(`"fleet user sessions" shows them.`)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.EndSession(ctx, id); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"session_id": id, "ended": true}, func() error {
		_, err := fmt.Fprintln(sh.out, "The sign-in has ended.")
		return err
	})
}
