package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/casarerpa/fleet/fleet"
)

// Canvas is the editor on one's own machine: fleet canvas. The address and the
// key of the orchestrator are looked for in an order of their own: see [Addresses].
type Canvas struct {
	Listen  string        `help:"loopback address of the page; port 0 picks a free one" placeholder:"HOST:PORT" default:"127.0.0.1:8001" env:"FLEET_CANVAS_LISTEN"`
	URL     []string      `name:"url" help:"address of the orchestrator, and no other; default: config.yaml, then the environment (FLEET_URL, ORCHESTRATOR_URL, CASARE_API_URL), then https://api.casare.net and http://localhost:8000, each tried in turn" placeholder:"URL" env:"FLEET_CANVAS_URL"`
	Key     Secret        `help:"key for the orchestrator, or file:/path; default: that of config.yaml, then FLEET_KEY, ORCHESTRATOR_API_KEY, then the sign-in of fleet login" placeholder:"KEY" env:"FLEET_CANVAS_KEY" secret:""`
	KeyFile string        `help:"file that holds the key" placeholder:"PATH" env:"FLEET_CANVAS_KEY_FILE"`
	CAFile  string        `name:"ca-file" help:"further certificate authorities (PEM) to trust" placeholder:"PATH" env:"FLEET_CA_FILE"`
	Slots   int           `help:"local runs at the same time; 1 to 16" default:"2" env:"FLEET_CANVAS_SLOTS"`
	Try     time.Duration `name:"try-timeout" help:"time for the attempt to reach one address" default:"5s" env:"FLEET_CANVAS_TRY_TIMEOUT"`
	UIDir   string        `name:"ui-dir" help:"folder of a web interface that is being worked on; default: the one in the program" placeholder:"PATH" env:"FLEET_UI_DIR"`
	Log
}

// Validate keeps the page on this machine.
func (c Canvas) Validate() error {
	if err := checkListen("listen", c.Listen); err != nil {
		return err
	}
	if !Loopback(c.Listen) {
		return fleet.Invalid("listen", "fleet canvas asks nobody for a key, so it listens on loopback only; %s is not.", c.Listen).
			WithFix("Open the page of the orchestrator from other machines.")
	}
	if err := checkURLs(c.URL); err != nil {
		return err
	}
	if !c.Key.Empty() && c.KeyFile != "" {
		return fleet.Invalid("key-file", "key and key-file are both set; use one.")
	}
	if c.Slots < 1 || c.Slots > 16 {
		return fleet.Invalid("slots", "slots must be between 1 and 16; got %d.", c.Slots)
	}
	if c.Try <= 0 {
		return fleet.Invalid("try-timeout", "try-timeout must be positive; got %s.", c.Try)
	}
	return nil
}

// CanvasKey returns the key from wherever it was given; empty when there is none.
func (c Canvas) CanvasKey() (Secret, error) { return keyFrom(c.Key, c.KeyFile) }

// Address is one place where the orchestrator may be, and who says so.
type Address struct{ URL, Source string }

// The addresses that are tried when nothing else is known.
const (
	DefaultTunnel = "https://api.casare.net"
	DefaultURL    = "http://localhost:8000"
)

// Addresses lists where the orchestrator may be, in the order of trying: the
// given ones alone, else those of the configuration file, of the environment,
// and the defaults. Of the defaults the public one counts only if nobody has
// named any address.
func Addresses(given []string, file ClientFile, getenv func(string) string) []Address {
	var out []Address
	add := func(source string, urls ...string) {
		for _, u := range urls {
			if u = strings.TrimSpace(u); u != "" {
				out = append(out, Address{u, source})
			}
		}
	}
	if len(given) > 0 {
		add("--url", given...)
		return out
	}
	add("config.yaml", file.URLs...)
	for _, name := range []string{"FLEET_URL", "ORCHESTRATOR_URL", "CASARE_API_URL"} {
		add(name, strings.Split(getenv(name), ",")...)
	}
	if len(out) == 0 {
		add("default", DefaultTunnel)
	}
	add("default", DefaultURL)
	return out
}

// ClientFile is what configuration files say of the orchestrator.
type ClientFile struct {
	URLs []string
	Key  Secret
}

// ReadClientFile reads the sections canvas and client of this program's file
// (path; empty: the usual one), and where they say nothing, the section
// orchestrator of the original's CasareRPA/config.yaml.
func ReadClientFile(path string, getenv func(string) string) (ClientFile, error) {
	out, err := readOwn(path, getenv)
	if err != nil || len(out.URLs) > 0 {
		return out, err
	}
	old, err := readOriginal(getenv)
	if err != nil {
		return out, err
	}
	if out.URLs = old.URLs; out.Key.Empty() {
		out.Key = old.Key
	}
	return out, nil
}

func readOwn(path string, getenv func(string) string) (out ClientFile, err error) {
	must := path != ""
	if path == "" {
		if path = getenv("FLEET_CONFIG"); path == "" {
			path = DefaultFile(getenv)
		}
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return out, nil
	}
	if err != nil {
		return out, fleet.Errorf(fleet.CodeInvalid, "config_file", "read the configuration: %w", err)
	}
	defer file.Close()
	f, err := Parse(path, file)
	if err != nil {
		return out, err
	}
	for _, section := range []string{"canvas", "client"} {
		if text := f.values[section]["url"]; text != "" && len(out.URLs) == 0 {
			out.URLs = strings.Split(text, ",")
		}
		if text := f.values[section]["key"]; text != "" && out.Key.Empty() {
			if err := out.Key.UnmarshalText([]byte(text)); err != nil {
				return out, fleet.Errorf(fleet.CodeInvalid, "config_file", "%s: %s.key: %w", path, section, err)
			}
		}
	}
	return out, nil
}

// readOriginal reads the file that the original's programs keep.
func readOriginal(getenv func(string) string) (out ClientFile, err error) {
	for _, name := range []string{"APPDATA", "HOME"} {
		dir := getenv(name)
		if dir == "" {
			continue
		}
		path := filepath.Join(dir, "CasareRPA", "config.yaml")
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil || len(text) > maxFile {
			return out, fleet.Errorf(fleet.CodeInvalid, "config_file", "The file %s cannot be read.", path)
		}
		var doc struct {
			Orchestrator struct {
				URL string `yaml:"url"`
				Key string `yaml:"api_key"`
			} `yaml:"orchestrator"`
		}
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return out, fleet.Errorf(fleet.CodeInvalid, "config_file", "%s: %w", path, err)
		}
		if u := strings.TrimSpace(doc.Orchestrator.URL); u != "" {
			out.URLs = []string{u}
		}
		if k := strings.TrimSpace(doc.Orchestrator.Key); k != "" {
			out.Key = NewSecret(k)
		}
		return out, nil
	}
	return out, nil
}
