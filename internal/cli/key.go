package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// keyCmds are the verbs for keys.
type keyCmds struct {
	Create struct {
		Robot   keyRobotCmd   `cmd:"" help:"make the key of a robot"`
		Service keyServiceCmd `cmd:"" help:"make the key of a program or a person"`
	} `cmd:"" help:"make a key; it is shown once"`
	List   keyListCmd   `cmd:"" help:"list keys, without their secrets"`
	Revoke keyRevokeCmd `cmd:"" help:"end a key at once"`
}

// lifeFlags say how long a key is valid.
type lifeFlags struct {
	Expires *time.Duration `help:"how long the key is valid; 0: for ever; default: 90 days" placeholder:"DURATION"`
}

func (f lifeFlags) life() *int64 {
	if f.Expires == nil {
		return nil
	}
	n := seconds(*f.Expires)
	return &n
}

type keyRobotCmd struct {
	config.Client
	Robot       string `arg:"" help:"id of the robot: letters, digits, - and _"`
	Environment string `help:"where the robot lives" default:"default" placeholder:"NAME"`
	lifeFlags
}

// Help is the long form of the help.
func (keyRobotCmd) Help() string {
	return `The key says which robot it is, whatever the robot says of itself. Standard output holds the key alone.

Example:

    fleet key create robot warehouse-1 > robot.key
    fleet robot run --key-file robot.key`
}

// Run makes the key of a robot.
func (c *keyRobotCmd) Run(ctx context.Context, sh *shell) error {
	if _, err := fleet.ParseRobotID(c.Robot); err != nil {
		return err
	}
	return sh.makeKey(ctx, c.Client, client.KeyRequest{
		Kind: fleet.KeyRobot, RobotID: fleet.RobotID(c.Robot), Environment: c.Environment, LifeSeconds: c.life(),
	})
}

type keyServiceCmd struct {
	config.Client
	Name string `arg:"" help:"name of the key, for people"`
	Role string `help:"viewer, operator, developer, admin or super_admin" enum:"viewer,operator,developer,admin,super_admin" required:"" placeholder:"ROLE"`
	lifeFlags
}

// Help is the long form of the help.
func (keyServiceCmd) Help() string {
	return `Standard output holds the key alone. A viewer reads; an operator also runs jobs and decides; a developer also stores workflows; an admin does everything in its tenant, and a super admin in all.

Example:

    fleet key create service ci --role developer > ci.key`
}

// Run makes the key of a program.
func (c *keyServiceCmd) Run(ctx context.Context, sh *shell) error {
	return sh.makeKey(ctx, c.Client, client.KeyRequest{
		Kind: fleet.KeyService, Name: c.Name, Role: fleet.Role(c.Role), LifeSeconds: c.life(),
	})
}

func (s *shell) makeKey(ctx context.Context, c config.Client, in client.KeyRequest) error {
	if in.LifeSeconds != nil && *in.LifeSeconds < 0 {
		return fleet.Invalid("expires", "expires must not be negative.")
	}
	api, err := s.connect(c)
	if err != nil {
		return err
	}
	key, err := api.CreateKey(ctx, in)
	if err != nil {
		return err
	}
	return s.answer(c.Output, key, func() error {
		until := "does not expire"
		if !key.ExpiresAt.IsZero() {
			until = "valid until " + wall(key.ExpiresAt)
		}
		s.note("Key %s for %s, %s. It is shown this once.", key.ID, clean(key.Name), until)
		_, err := fmt.Fprintln(s.out, key.Secret)
		return err
	})
}

type keyListCmd struct {
	config.Client
}

// Run lists keys.
func (c *keyListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	keys, err := api.ListKeys(ctx)
	if err != nil {
		return err
	}
	if keys == nil {
		keys = []fleet.Key{}
	}
	return sh.answer(c.Output, map[string]any{"keys": keys}, func() error {
		now := time.Now()
		t := table{head: []string{"KEY", "KIND", "NAME", "ROLE", "ENDS IN", "STATUS", "CREATED"}, paint: sh.paint, state: -1}
		for _, k := range keys {
			status := "usable"
			switch {
			case !k.RevokedAt.IsZero():
				status = "revoked"
			case !k.Usable(now):
				status = "expired"
			}
			role := k.Role
			if k.Kind == fleet.KeyRobot {
				role = string(fleet.RoleRobot)
			}
			t.add(string(k.ID), string(k.Kind), clip(clean(k.Name), 30), role, "…"+k.Hint, status, ago(k.CreatedAt, now))
		}
		return t.write(sh.out, "There are no keys.")
	})
}

type keyRevokeCmd struct {
	config.Client
	Key string `arg:"" help:"id of the key"`
}

// Run revokes a key. What it has opened is closed.
func (c *keyRevokeCmd) Run(ctx context.Context, sh *shell) error {
	id := fleet.ID(c.Key)
	if !id.Valid() {
		return fleet.Invalid("key", "%q is not the id of a key.", clip(c.Key, 12)).WithFix(`"fleet key list" shows the ids.`)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.RevokeKey(ctx, id); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"key_id": id, "revoked": true}, func() error {
		_, err := fmt.Fprintf(sh.out, "Key %s is revoked.\n", id)
		return err
	})
}
