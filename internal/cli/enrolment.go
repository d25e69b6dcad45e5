package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// enrolmentCmds are the verbs for enrolment tokens.
type enrolmentCmds struct {
	Create enrolmentCreateCmd `cmd:"" help:"make a token; it is shown once"`
	List   enrolmentListCmd   `cmd:"" help:"list tokens, without their secrets"`
	Revoke enrolmentRevokeCmd `cmd:"" help:"end a token at once; robots that it made stay"`
}

type enrolmentCreateCmd struct {
	config.Client
	Pattern     string        `help:"of the ids that robots may take; * is any text, ? any character" default:"*" placeholder:"PATTERN"`
	Environment string        `help:"where the robots live" default:"default" placeholder:"NAME"`
	Pool        string        `help:"pool that the robots belong to" placeholder:"NAME"`
	Tag         []string      `help:"tag that the robots get; several may be named" placeholder:"WORD"`
	Uses        int           `help:"how many machines; 1 to 1000" default:"1" placeholder:"N"`
	Expires     time.Duration `help:"how long the token is valid; 1m to 24h" default:"1h" placeholder:"DURATION"`
}

// Help is the long form of the help.
func (enrolmentCreateCmd) Help() string {
	return `Whoever holds the token may make a robot of a machine, and nothing else. Standard output holds the token alone.

Example:

    fleet enrolment create --environment prod --pattern 'warehouse-*' --uses 20 > token
    fleet robot enrol --url https://fleet.example.com:8443 --id warehouse-1 --token - < token`
}

// Run makes a token.
func (c *enrolmentCreateCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	made, err := api.CreateEnrolment(ctx, client.EnrolmentRequest{
		NamePattern: c.Pattern, Environment: c.Environment, Pool: c.Pool, Tags: c.Tag, Uses: c.Uses, LifeSeconds: seconds(c.Expires),
	})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, made, func() error {
		sh.note("Token %s for %s, valid until %s. It is shown this once.", made.ID, count(made.UsesMax, "machine"), wall(made.ExpiresAt))
		_, err := fmt.Fprintln(sh.out, made.Token)
		return err
	})
}

type enrolmentListCmd struct{ config.Client }

// Run lists tokens.
func (c *enrolmentListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListEnrolments(ctx)
	if err != nil {
		return err
	}
	if list == nil {
		list = []fleet.Enrolment{}
	}
	return sh.answer(c.Output, map[string]any{"enrolments": list}, func() error {
		t := table{head: []string{"TOKEN", "IDS", "ENVIRONMENT", "USED", "VALID UNTIL", "STATUS"}, paint: sh.paint, state: -1}
		for i := range list {
			e := &list[i]
			status := "usable"
			switch {
			case !e.RevokedAt.IsZero():
				status = "revoked"
			case !e.Usable && e.Uses >= e.UsesMax:
				status = "used up"
			case !e.Usable:
				status = "expired"
			}
			t.add(string(e.ID), clean(e.NamePattern), clip(clean(e.Environment), 30), strconv.Itoa(e.Uses)+" of "+strconv.Itoa(e.UsesMax), wall(e.ExpiresAt), status)
		}
		return t.write(sh.out, "There are no enrolment tokens.")
	})
}

type enrolmentRevokeCmd struct {
	config.Client
	Token string `arg:"" help:"id of the token"`
}

// Run revokes a token.
func (c *enrolmentRevokeCmd) Run(ctx context.Context, sh *shell) error {
	id := fleet.ID(c.Token)
	if !id.Valid() {
		return fleet.Invalid("token", "%q is not the id of an enrolment token.", clip(c.Token, 12)).WithFix(`"fleet enrolment list" shows the ids.`)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.RevokeEnrolment(ctx, id); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"enrolment_id": id, "revoked": true}, func() error {
		_, err := fmt.Fprintf(sh.out, "Enrolment token %s is revoked.\n", id)
		return err
	})
}

// robotKeyFile is where a robot's key is kept in its data folder.
const robotKeyFile = "robot.key"

type robotEnrolCmd struct {
	URL     []string      `name:"url" help:"address of an orchestrator; several are tried in turn" placeholder:"URL" default:"http://127.0.0.1:8000" env:"FLEET_ROBOT_URL,FLEET_URL,ORCHESTRATOR_URL,CASARE_API_URL"`
	CAFile  string        `name:"ca-file" help:"further certificate authorities (PEM) to trust for the orchestrator" placeholder:"PATH" env:"FLEET_CA_FILE"`
	Token   config.Secret `help:"enrolment token, file:/path, or - for the first line of standard input" placeholder:"TOKEN" env:"FLEET_ENROLMENT_TOKEN" required:""`
	ID      string        `name:"id" help:"id of the robot; default: the machine's name" placeholder:"ID"`
	Name    string        `help:"name of the robot, for people; default: its id" env:"FLEET_ROBOT_NAME"`
	DataDir string        `help:"folder of journal and jobs, where the key is kept; default: the user's data folder" placeholder:"PATH" env:"FLEET_ROBOT_DATA_DIR"`
	KeyFile string        `help:"keep the robot's key in this file instead (mode 0600)" placeholder:"PATH" env:"FLEET_ROBOT_KEY_FILE"`
	Timeout time.Duration `name:"request-timeout" help:"time for one request" default:"30s" env:"FLEET_REQUEST_TIMEOUT"`
	Output  string        `short:"o" help:"form of the answer: ${enum}" enum:"table,json,yaml" default:"table" env:"FLEET_OUTPUT"`
}

// Help is the long form of the help.
func (robotEnrolCmd) Help() string {
	return `Makes a robot of this machine: it gets a key of its own, which is kept in the data folder where "fleet robot run" finds it. Ask an administrator for the token: "fleet enrolment create".

Example:

    fleet robot enrol --url https://fleet.example.com:8443 --token - < token
    fleet robot run --url https://fleet.example.com:8443`
}

// Run makes a robot of this machine.
func (c *robotEnrolCmd) Run(ctx context.Context, sh *shell) error {
	token := c.Token.Reveal()
	if token == "-" {
		line, err := bufio.NewReader(io.LimitReader(sh.in, 4096)).ReadString('\n')
		if token = strings.TrimSpace(line); token == "" {
			return fleet.Errorf(fleet.CodeInvalid, "no_token", "Standard input holds no enrolment token: %w.", err)
		}
	}
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "robot"
	}
	id := fleet.RobotID(c.ID)
	if id == "" {
		id = robotIDOf(hostname)
	}
	if _, err := fleet.ParseRobotID(string(id)); err != nil {
		return err
	}
	// Made before the token is spent: a key that cannot be kept is lost.
	path := c.KeyFile
	if path == "" {
		path = filepath.Join(robotDir(c.DataDir, sh), robotKeyFile)
	}
	file, err := newKeyFile(path)
	if err != nil {
		return err
	}
	keep := false
	defer func() {
		discard(file)
		if !keep {
			_ = os.Remove(path) // it is empty, and was not there before
		}
	}()
	api, err := sh.connect(config.Client{URL: c.URL, Key: config.NewSecret(token), CAFile: c.CAFile, Timeout: c.Timeout})
	if err != nil {
		return err
	}
	got, err := api.Enrol(ctx, client.EnrolRequest{RobotID: id, Name: c.Name, Hostname: hostname})
	if err != nil {
		return err
	}
	if err := writeKey(file, got.APIKey); err != nil {
		return fleet.Errorf(fleet.CodeInternal, "key_file", "The robot %s is made, but its key cannot be kept in %s: %w.", id, path, cause(err)).
			WithFix("Make it another: fleet key create robot " + string(id) + ".")
	}
	keep = true
	return sh.answer(c.Output, map[string]any{"robot_id": got.Robot.ID, "environment": got.Robot.Environment, "key_id": got.KeyID, "key_file": path}, func() error {
		_, err := fmt.Fprintf(sh.out, "This machine is robot %s in environment %s. Its key is in %s.\n", got.Robot.ID, clean(got.Robot.Environment), path)
		return err
	})
}

// robotIDOf makes an id of a machine's name.
func robotIDOf(hostname string) fleet.RobotID {
	name, _, _ := strings.Cut(hostname, ".")
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, name)
	return fleet.RobotID(id[:min(len(id), 64)])
}

// robotDir is the data folder of a robot.
func robotDir(given string, sh *shell) string {
	if given != "" {
		return given
	}
	return filepath.Join(config.DefaultDataDir(sh.getenv), "robot")
}

// newKeyFile makes a file that nobody else may read. One that is there already
// is left alone.
func newKeyFile(path string) (*os.File, error) {
	refuse := func(err error) error {
		return fleet.Errorf(fleet.CodeInvalid, "key_file", "The robot's key cannot be kept in %s: %w.", path, cause(err))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, refuse(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fleet.Errorf(fleet.CodeConflict, "key_file", "This machine has a robot's key already: %s.", path).
			WithFix("Go on with it, move it away, or name another folder with --data-dir.")
	}
	if err != nil {
		return nil, refuse(err)
	}
	return f, nil
}
