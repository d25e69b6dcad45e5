package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
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
	Get    keyGetCmd    `cmd:"" aliases:"show" help:"show a key, without its secret"`
	Edit   keyEditCmd   `cmd:"" help:"change name and description of a key"`
	Rotate keyRotateCmd `cmd:"" help:"make a key that takes the place of another; it is shown once"`
	Revoke keyRevokeCmd `cmd:"" help:"end a key at once"`
}

// lifeFlags say how long a key is valid, and what it is for.
type lifeFlags struct {
	Expires     *time.Duration `help:"how long the key is valid; 0: for ever; default: 90 days, of a robot's key for ever" placeholder:"DURATION"`
	Description string         `help:"what it is for, for people" placeholder:"TEXT"`
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
		Kind: fleet.KeyRobot, RobotID: fleet.RobotID(c.Robot), Environment: c.Environment, LifeSeconds: c.life(), Description: c.Description,
	})
}

type keyServiceCmd struct {
	config.Client
	Name        string   `arg:"" help:"name of the key, for people"`
	Role        string   `help:"viewer, operator, developer, admin or super_admin" enum:"viewer,operator,developer,admin,super_admin" required:"" placeholder:"ROLE"`
	Scope       []string `help:"permission of the role that it has, such as jobs:run; several may be named; default: all" placeholder:"PERMISSION"`
	Environment []string `help:"environment whose jobs and robots it sees; several may be named; default: all" placeholder:"NAME"`
	From        []string `help:"network or address from which it counts; several may be named; default: all" placeholder:"CIDR"`
	lifeFlags
}

// Help is the long form of the help.
func (keyServiceCmd) Help() string {
	return `Standard output holds the key alone. A viewer reads; an operator also runs jobs and decides; a developer also stores workflows; an admin does everything in its tenant, and a super admin in all.

With --scope it has only some permissions of its role, with --environment it sees jobs and robots of these alone, with --from it counts from these networks alone.

Examples:

    fleet key create service ci --role developer > ci.key
    fleet key create service nightly --role operator --scope jobs:run --scope jobs:read --environment prod --from 10.1.0.0/16 > nightly.key`
}

// Run makes the key of a program.
func (c *keyServiceCmd) Run(ctx context.Context, sh *shell) error {
	in := client.KeyRequest{
		Kind: fleet.KeyService, Name: c.Name, Role: fleet.Role(c.Role), LifeSeconds: c.life(), Description: c.Description,
		Environments: c.Environment, Ranges: c.From,
	}
	for _, scope := range c.Scope {
		in.Scopes = append(in.Scopes, fleet.Permission(scope))
	}
	return sh.makeKey(ctx, c.Client, in)
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
	return s.showSecret(c.Output, key)
}

// showSecret hands out a new key, this once.
func (s *shell) showSecret(form string, key client.NewKey) error {
	return s.answer(form, key, func() error {
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
	Status string        `help:"only those that are ${enum}" enum:"all,active,expiring,revoked,expired" default:"all"`
	Robot  fleet.RobotID `help:"only those of a robot" placeholder:"ID"`
}

// Run lists keys.
func (c *keyListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	all, err := api.ListKeys(ctx)
	if err != nil {
		return err
	}
	keys := []fleet.Key{}
	for _, k := range all {
		if (c.Status == "all" || c.Status == string(k.Status)) && (c.Robot == "" || c.Robot == k.RobotID) {
			keys = append(keys, k)
		}
	}
	return sh.answer(c.Output, map[string]any{"keys": keys}, func() error {
		now := time.Now()
		wide := c.Output == "wide"
		t := table{head: []string{"KEY", "KIND", "NAME", "ROLE", "ENDS IN", "STATUS", "LAST USED"}, paint: sh.paint, state: -1}
		if wide {
			t.head = append(t.head, "FROM", "USES 7D", "CREATED BY", "VALID UNTIL")
		}
		for i := range keys {
			k := &keys[i]
			used := "never"
			if !k.LastUsedAt.IsZero() {
				used = ago(k.LastUsedAt, now)
			}
			row := []string{string(k.ID), string(k.Kind), clip(clean(k.Name), 30), keyRole(k), "…" + k.Hint, string(k.Status), used}
			if wide {
				until := "for ever"
				if !k.ExpiresAt.IsZero() {
					until = wall(k.ExpiresAt)
				}
				row = append(row, k.LastUsedIP, strconv.FormatInt(k.Uses, 10), clip(clean(k.CreatedBy), 30), until)
			}
			t.add(row...)
		}
		return t.write(sh.out, "There are no keys.")
	})
}

// keyRole is a role, marked when the key has less than all of it.
func keyRole(k *fleet.Key) string {
	switch {
	case k.Kind == fleet.KeyRobot:
		return string(fleet.RoleRobot)
	case len(k.Scopes)+len(k.Environments)+len(k.Ranges) > 0:
		return k.Role + " (bounded)"
	}
	return k.Role
}

// keyID reads an id from the command line.
func keyID(text string) (fleet.ID, error) {
	id := fleet.ID(text)
	if !id.Valid() {
		return "", fleet.Invalid("key", "%q is not the id of a key.", clip(text, 12)).WithFix(`"fleet key list" shows the ids.`)
	}
	return id, nil
}

type keyGetCmd struct {
	config.Client
	Key string `arg:"" help:"id of the key"`
}

// Run shows a key.
func (c *keyGetCmd) Run(ctx context.Context, sh *shell) error {
	id, err := keyID(c.Key)
	if err != nil {
		return err
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	k, err := api.GetKey(ctx, id)
	if err != nil {
		return err
	}
	return sh.showKey(c.Output, &k)
}

// showKey prints what is known of a key.
func (s *shell) showKey(form string, k *fleet.Key) error {
	return s.answer(form, k, func() error {
		out := card{}
		ranges := make([]string, len(k.Ranges))
		for i, r := range k.Ranges {
			ranges[i] = r.String()
		}
		scopes := make([]string, len(k.Scopes))
		for i, p := range k.Scopes {
			scopes[i] = string(p)
		}
		for _, row := range [][2]string{
			{"key", string(k.ID)},
			{"status", string(k.Status)},
			{"kind", string(k.Kind)},
			{"name", clean(k.Name)},
			{"description", clean(k.Description)},
			{"role", k.Role},
			{"robot", string(k.RobotID)},
			{"environment", clean(k.Env)},
			{"scopes", strings.Join(scopes, ", ")},
			{"environments", clean(strings.Join(k.Environments, ", "))},
			{"counts from", strings.Join(ranges, ", ")},
			{"ends in", "…" + k.Hint},
			{"created", moment(k.CreatedAt)},
			{"created by", clean(k.CreatedBy)},
			{"valid until", moment(k.ExpiresAt)},
			{"revoked", moment(k.RevokedAt)},
			{"replaced by", string(k.ReplacedBy)},
			{"first used", moment(k.FirstUsedAt)},
			{"last used", moment(k.LastUsedAt)},
			{"last used from", k.LastUsedIP},
			{"uses in 7 days", strconv.FormatInt(k.Uses, 10)},
			{"used after rotation", moment(k.LateUsedAt)},
		} {
			out.add(row[0], row[1])
		}
		return out.write(s.out, s.paint)
	})
}

// moment is a time on the wall, or nothing.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return wall(t)
}

type keyEditCmd struct {
	config.Client
	Key         string  `arg:"" help:"id of the key"`
	Name        *string `help:"for people" placeholder:"TEXT"`
	Description *string `help:"what it is for, for people" placeholder:"TEXT"`
}

// Run changes what people read of a key.
func (c *keyEditCmd) Run(ctx context.Context, sh *shell) error {
	id, err := keyID(c.Key)
	if err != nil {
		return err
	}
	if c.Name == nil && c.Description == nil {
		return fleet.Invalid("name", "Nothing is to be changed.").WithFix("Give --name or --description. What a key may do is for its life: make another.")
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	k, err := api.EditKey(ctx, id, client.KeyChange{Name: c.Name, Description: c.Description})
	if err != nil {
		return err
	}
	return sh.showKey(c.Output, &k)
}

type keyRotateCmd struct {
	config.Client
	Key     string         `arg:"" help:"id of the key"`
	Overlap *time.Duration `help:"how long the old key goes on, 0 to 168h; default: 24h" placeholder:"DURATION"`
}

// Help is the long form of the help.
func (keyRotateCmd) Help() string {
	return `The new key may do what the old one may, and lives as long as that was made for. Standard output holds it alone. When the old key is used after this, an event says so.

Example:

    fleet key rotate 0193a6c4-9c1e-7d2b-8f00-0123456789ab --overlap 2h > ci.key`
}

// Run makes a key that takes the place of another.
func (c *keyRotateCmd) Run(ctx context.Context, sh *shell) error {
	id, err := keyID(c.Key)
	if err != nil {
		return err
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	var overlap *int64
	if c.Overlap != nil {
		n := seconds(*c.Overlap)
		overlap = &n
	}
	key, err := api.RotateKey(ctx, id, overlap)
	if err != nil {
		return err
	}
	return sh.showSecret(c.Output, key)
}

type keyRevokeCmd struct {
	config.Client
	Key string `arg:"" help:"id of the key"`
	sureFlags
}

// Run revokes a key. What it has opened is closed.
func (c *keyRevokeCmd) Run(ctx context.Context, sh *shell) error {
	id, err := keyID(c.Key)
	if err != nil {
		return err
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	err = c.sure(ctx, sh, api, func() ([]string, error) {
		k, err := api.GetKey(ctx, id)
		return []string{k.Env}, err
	})
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
