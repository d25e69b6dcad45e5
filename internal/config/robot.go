package config

import (
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Robot is a robot: fleet robot run. Its key decides for whom it works; what is
// set here is what it offers and what it permits on this machine.
type Robot struct {
	URL         []string `name:"url" help:"address of an orchestrator; several are tried in turn" placeholder:"URL" default:"http://127.0.0.1:8000" env:"FLEET_ROBOT_URL,FLEET_URL,ORCHESTRATOR_URL,CASARE_API_URL"`
	Key         Secret   `help:"robot key, or file:/path" placeholder:"KEY" env:"FLEET_ROBOT_KEY,ORCHESTRATOR_API_KEY" secret:""`
	KeyFile     string   `help:"file that holds the robot key" placeholder:"PATH" env:"FLEET_ROBOT_KEY_FILE"`
	CAFile      string   `name:"ca-file" help:"further certificate authorities (PEM) to trust for the orchestrator" placeholder:"PATH" env:"FLEET_CA_FILE"`
	ClientCert  string   `name:"client-cert" help:"certificate of the robot (PEM), where the orchestrator asks for one" placeholder:"PATH" env:"FLEET_ROBOT_CLIENT_CERT"`
	ClientKey   string   `name:"client-key" help:"private key of that certificate (PEM)" placeholder:"PATH" env:"FLEET_ROBOT_CLIENT_KEY"`
	Name        string   `help:"name of the robot; default: name of the machine" env:"FLEET_ROBOT_NAME"`
	Slots       int      `help:"jobs at the same time" default:"1" env:"FLEET_ROBOT_SLOTS"`
	Environment string   `help:"environment it lives in" default:"default" env:"FLEET_ROBOT_ENVIRONMENT"`
	Capability  []string `help:"further capability it offers" placeholder:"WORD" env:"FLEET_ROBOT_CAPABILITY"`
	Tag         []string `help:"tag shown with it" placeholder:"WORD" env:"FLEET_ROBOT_TAG"`
	Pool        string   `help:"pool it belongs to, unless an operator has set another" placeholder:"NAME" env:"FLEET_ROBOT_POOL"`
	Fact        []string `help:"something to know about it, such as office=16.0.3 or licences=3" placeholder:"NAME=VALUE" env:"FLEET_ROBOT_FACT"`
	DataDir     string   `help:"folder of journal and jobs; default: the user's data folder" placeholder:"PATH" env:"FLEET_ROBOT_DATA_DIR"`

	Root         []string       `help:"further folder that workflows may use and triggers may look into for files" placeholder:"PATH" env:"FLEET_ROBOT_ROOT"`
	AllowShell   bool           `help:"let workflows run programs and shell commands" env:"FLEET_ROBOT_ALLOW_SHELL"`
	AllowPython  bool           `help:"let workflows run the Python of this machine" env:"FLEET_ROBOT_ALLOW_PYTHON"`
	AllowNode    bool           `help:"let workflows run the Node.js of this machine" env:"FLEET_ROBOT_ALLOW_NODE"`
	PublicOnly   bool           `help:"let workflows reach public addresses only" env:"FLEET_ROBOT_PUBLIC_ONLY"`
	AllowNetwork []netip.Prefix `help:"network that workflows may reach whatever else is refused" placeholder:"CIDR" env:"FLEET_ROBOT_ALLOW_NETWORK"`

	ReconnectMax time.Duration `help:"longest pause between attempts to connect; the first ones are shorter; 100ms to 1h" default:"30s" env:"FLEET_ROBOT_RECONNECT_MAX"`
	DrainTimeout time.Duration `help:"how long a stop waits for running jobs before it hands them back" default:"30s" env:"FLEET_ROBOT_DRAIN_TIMEOUT"`
	Log
}

// Validate checks the form of everything; whether an orchestrator answers is
// found out by connecting.
func (c Robot) Validate() error {
	if err := checkURLs(c.URL); err != nil {
		return err
	}
	if !c.Key.Empty() && c.KeyFile != "" {
		return fleet.Invalid("key-file", "key and key-file are both set; use one.")
	}
	if (c.ClientCert == "") != (c.ClientKey == "") {
		return fleet.Invalid("client-cert", "client-cert and client-key belong together; only one of them is set.")
	}
	if c.Slots < 1 || c.Slots > 100 {
		return fleet.Invalid("slots", "slots must be between 1 and 100; got %d.", c.Slots)
	}
	if _, err := fleet.NewCapabilities(c.Capability...); err != nil {
		return err
	}
	if _, err := fleet.ParseFacts(c.Fact); err != nil {
		return err
	}
	if c.Pool != "" {
		if err := fleet.ValidatePool(c.Pool); err != nil {
			return err
		}
	}
	if c.ReconnectMax < 100*time.Millisecond || c.ReconnectMax > time.Hour {
		return fleet.Invalid("reconnect-max", "reconnect-max must be between 100ms and 1h; got %s.", c.ReconnectMax)
	}
	if c.DrainTimeout < 0 {
		return fleet.Invalid("drain-timeout", "drain-timeout must not be negative; got %s.", c.DrainTimeout)
	}
	for _, root := range c.Root {
		if info, err := os.Stat(root); err != nil || !info.IsDir() {
			return fleet.Invalid("root", "root %q is not a folder of this machine.", root)
		}
	}
	return nil
}

// RobotKey returns the key from wherever it was given.
func (c Robot) RobotKey() (Secret, error) { return keyFrom(c.Key, c.KeyFile) }

// Client is how the other commands reach an orchestrator.
type Client struct {
	URL     []string      `name:"url" help:"address of an orchestrator; several are tried in turn" placeholder:"URL" default:"http://127.0.0.1:8000" env:"FLEET_URL,ORCHESTRATOR_URL,CASARE_API_URL"`
	Key     Secret        `help:"key, or file:/path" placeholder:"KEY" env:"FLEET_KEY,ORCHESTRATOR_API_KEY" secret:""`
	KeyFile string        `help:"file that holds the key" placeholder:"PATH" env:"FLEET_KEY_FILE"`
	Tenant  string        `help:"tenant to act for, for those who work across tenants" placeholder:"ID" env:"FLEET_TENANT"`
	CAFile  string        `name:"ca-file" help:"further certificate authorities (PEM) to trust" placeholder:"PATH" env:"FLEET_CA_FILE"`
	Timeout time.Duration `name:"request-timeout" help:"time for one request" default:"30s" env:"FLEET_REQUEST_TIMEOUT"`
	Output  string        `short:"o" help:"form of the answer: ${enum}" enum:"table,wide,json,yaml" default:"table" env:"FLEET_OUTPUT"`
}

// Validate checks the form.
func (c Client) Validate() error {
	if err := checkURLs(c.URL); err != nil {
		return err
	}
	if !c.Key.Empty() && c.KeyFile != "" {
		return fleet.Invalid("key-file", "key and key-file are both set; use one.")
	}
	if c.Timeout <= 0 {
		return fleet.Invalid("request-timeout", "request-timeout must be positive; got %s.", c.Timeout)
	}
	return nil
}

// ClientKey returns the key from wherever it was given; empty when there is none.
func (c Client) ClientKey() (Secret, error) { return keyFrom(c.Key, c.KeyFile) }

func keyFrom(key Secret, file string) (Secret, error) {
	if file == "" {
		return key, nil
	}
	text, err := ReadSecret(file)
	if err != nil {
		return Secret{}, fleet.Errorf(fleet.CodeInvalid, "key_file", "%w", err)
	}
	return NewSecret(text), nil
}

func checkURLs(list []string) error {
	for _, text := range list {
		u, err := url.Parse(text)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fleet.Invalid("url", "url must be http://HOST:PORT or https://HOST; got %q.", text)
		}
		if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
			return fleet.Invalid("url", "url must be an address alone, without user, path or query; got %q.", u.Redacted())
		}
	}
	return nil
}
