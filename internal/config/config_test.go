package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/casarerpa/fleet/fleet"
)

// cli is a command line like the real one: a command for each section.
type cli struct {
	Config kong.ConfigFlag
	Serve  struct{ Serve } `cmd:""`
	Dev    struct{ Dev }   `cmd:""`
	Robot  struct {
		Run  struct{ Robot }  `cmd:""`
		List struct{ Client } `cmd:""`
	} `cmd:""`
}

// parseArgs runs a command line against an environment and a file.
func parseArgs(t *testing.T, env map[string]string, file string, args ...string) (*cli, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		env["FLEET_CONFIG"] = path
	}
	if env["XDG_CONFIG_HOME"] == "" {
		env["XDG_CONFIG_HOME"] = t.TempDir()
	}
	options, err := Options(func(name string) string { return env[name] })
	if err != nil {
		return nil, err
	}
	var c cli
	k, err := kong.New(&c, append(options, kong.Exit(func(int) { t.Fatal("kong wants to exit") }))...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	return &c, err
}

func TestPrecedence(t *testing.T) {
	const file = "serve:\n  listen: 127.0.0.1:3\n  timing:\n    lost: 2m\n  limit_body: 64KiB\n"
	c, err := parseArgs(t, map[string]string{}, "", "serve")
	if err != nil {
		t.Fatal(err)
	}
	if c.Serve.Listen != "127.0.0.1:8000" || c.Serve.Limits != DefaultLimits() {
		t.Errorf("defaults: %+v", c.Serve)
	}
	c, err = parseArgs(t, map[string]string{}, file, "serve")
	if err != nil {
		t.Fatal(err)
	}
	if c.Serve.Listen != "127.0.0.1:3" || c.Serve.Timing.Lost != 2*time.Minute || c.Serve.Limits.Body != 64<<10 {
		t.Errorf("file: %+v", c.Serve)
	}
	c, err = parseArgs(t, map[string]string{"FLEET_LISTEN": "127.0.0.1:2"}, file, "serve")
	if err != nil || c.Serve.Listen != "127.0.0.1:2" {
		t.Errorf("the environment must win over the file: %v, %s", err, c.Serve.Listen)
	}
	c, err = parseArgs(t, map[string]string{"FLEET_LISTEN": "127.0.0.1:2"}, file, "serve", "--listen", "127.0.0.1:1")
	if err != nil || c.Serve.Listen != "127.0.0.1:1" {
		t.Errorf("the flag must win over all: %v, %s", err, c.Serve.Listen)
	}
}

// TestConfigFlag: a file named on the command line counts more than the default one.
func TestConfigFlag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(path, []byte("robot:\n  slots: 7\n  capability: [gpu, 'a,b']\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := parseArgs(t, map[string]string{}, "robot: {slots: 3}", "robot", "run", "--config", path)
	if err == nil || !strings.Contains(err.Error(), "a,b") {
		t.Errorf("a comma inside an element must survive up to the check: %v", err)
	}
	if err := os.WriteFile(path, []byte("robot:\n  slots: 7\n  capability: [gpu, excel]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := parseArgs(t, map[string]string{}, "robot: {slots: 3}", "robot", "run", "--config", path)
	if err != nil || c.Robot.Run.Slots != 7 || len(c.Robot.Run.Capability) != 2 {
		t.Errorf("%v: %+v", err, c.Robot.Run.Robot)
	}
}

// TestSections: a command reads its own section only.
func TestSections(t *testing.T) {
	c, err := parseArgs(t, map[string]string{}, "client: {request_timeout: 5s}\nrobot: {url: ['http://a:1', 'http://b:2']}", "robot", "list")
	if err != nil || c.Robot.List.Timeout != 5*time.Second || len(c.Robot.List.URL) != 1 {
		t.Errorf("%v: %+v", err, c.Robot.List.Client)
	}
	for command, want := range map[string]string{"serve": "serve", "dev": "dev", "robot run": "robot", "robot start": "robot", "robot": "client", "job list": "client", "": ""} {
		if got := sectionOf(strings.Fields(command)); got != want {
			t.Errorf("%q reads %q, want %q", command, got, want)
		}
	}
}

func TestUnknownKeys(t *testing.T) {
	for file, want := range map[string]string{
		"serve: {lisen: x}":                         "Did you mean listen?",
		"serve: {timing: {lots: 90s}}":              "Did you mean timing_lost?",
		"server: {}":                                "Did you mean serve?",
		"robot: {zzzzzzzz: 1}":                      "there is no setting robot.zzzzzzzz",
		"serve: {listen: null}":                     "has no value",
		"serve: {timing_lost: 1m, timing-lost: 2m}": "set twice",
		"serve: {timing: {lost: {a: 1}}}":           "there is no setting",
		"serve: {tls-cert: 2026-01-01}":             "must be a text",
		"serve: 3":                                  "cannot unmarshal",
		"serve: {listen: a, listen: b}":             "already defined",
		"serve: [":                                  "yaml",
	} {
		_, err := Parse("c.yaml", strings.NewReader(file))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		} else if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "c.yaml") {
			t.Errorf("%s: the error must be invalid and name the file: %v", file, err)
		}
	}
	if _, err := Parse("c.yaml", strings.NewReader("")); err != nil {
		t.Errorf("an empty file is fine: %v", err)
	}
	if _, err := parseArgs(t, map[string]string{"FLEET_CONFIG": "/does/not/exist"}, "", "serve"); err == nil {
		t.Error("a file that was named must exist")
	}
}

func TestRefused(t *testing.T) {
	cert := []string{"--tls-cert", "c.pem", "--tls-key", "k.pem"}
	for _, c := range []struct {
		args []string
		want string // part of the message; "" means accepted
	}{
		{[]string{"serve"}, ""},
		{[]string{"serve", "--listen", "localhost:0"}, ""},
		{[]string{"serve", "--listen", "[::1]:9000"}, ""},
		{[]string{"serve", "--listen", "0.0.0.0:8000"}, "without TLS"},
		{[]string{"serve", "--listen", ":8000"}, "without TLS"},
		{[]string{"serve", "--listen", "example.com:8000"}, "without TLS"},
		{append([]string{"serve", "--listen", ":8000"}, cert...), ""},
		{[]string{"serve", "--listen", ":8000", "--behind-tls-proxy", "10.0.0.0/8"}, ""},
		{[]string{"serve", "--behind-tls-proxy", "ten"}, "behind-tls-proxy"},
		{[]string{"serve", "--tls-cert", "c.pem"}, "belong together"},
		{[]string{"serve", "--listen", "8000"}, "HOST:PORT"},
		{[]string{"serve", "--listen", "127.0.0.1:99999"}, "port"},
		{[]string{"serve", "--metrics-listen", "0.0.0.0:9100"}, "loopback"},
		{[]string{"serve", "--timing-lost", "10s"}, "between 15s and 24h"},
		{[]string{"serve", "--timing-lost", "50s", "--timing-lease", "60s"}, "shorter than the lease"},
		{[]string{"serve", "--timing-lease", "15s"}, "twice the heartbeat"},
		{[]string{"serve", "--timing-fence", "60s"}, "fence"},
		{[]string{"serve", "--timing-stop-grace", "2h"}, "stop_grace"},
		{[]string{"serve", "--timing-stop-grace", "0s"}, ""},
		{[]string{"serve", "--limit-body", "0"}, "positive"},
		{[]string{"serve", "--limit-body", "20MiB"}, "smaller"},
		{[]string{"serve", "--limit-body", "many"}, "size"},
		{[]string{"serve", "--stop-timeout", "0s"}, "positive"},
		{[]string{"serve", "--log-level", "loud"}, "log-level"},
		{[]string{"dev"}, ""},
		{[]string{"dev", "--listen", "0.0.0.0:1"}, "loopback only"},
		{[]string{"dev", "--robots", "0"}, "between 1 and 64"},
		{[]string{"robot", "run", "--url", "ftp://x"}, "http://"},
		{[]string{"robot", "run", "--url", "http://user:pw@x"}, "alone"},
		{[]string{"robot", "run", "--slots", "0"}, "between 1 and 100"},
		{[]string{"robot", "run", "--capability", "No Word!"}, "capability"},
		{[]string{"robot", "run", "--root", "/does/not/exist"}, "not a folder"},
		{[]string{"robot", "run", "--key", "k", "--key-file", "f"}, "use one"},
		{[]string{"robot", "list", "--request-timeout", "0s"}, "positive"},
		{[]string{"robot", "list", "-o", "xml"}, "output"},
	} {
		_, err := parseArgs(t, map[string]string{}, "", c.args...)
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
}

// TestTiming: one figure moves the others.
func TestTiming(t *testing.T) {
	base := Timing{Accept: 10 * time.Second, StopGrace: time.Minute}
	got, err := base.Fleet()
	if err != nil || got != fleet.DefaultTiming() {
		t.Errorf("defaults: %v, %+v", err, got)
	}
	base.Lost = 180 * time.Second
	got, err = base.Fleet()
	if err != nil || got.Lease != 2*time.Minute || got.Fence != 100*time.Second || got.Heartbeat != 20*time.Second || got.Suspect != time.Minute {
		t.Errorf("lost 180s: %v, %+v", err, got)
	}
	base.Lease = 90 * time.Second
	if got, err = base.Fleet(); err != nil || got.Fence != 75*time.Second {
		t.Errorf("the fence follows the lease: %v, %+v", err, got)
	}
}

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("s3cr3t-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := parseArgs(t, map[string]string{"FLEET_ROBOT_KEY": "file:" + path}, "", "robot", "run")
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.Robot.Run.RobotKey()
	if err != nil || key.Reveal() != "s3cr3t-key" {
		t.Fatalf("secret from a file: %v, %q", err, key.Reveal())
	}
	c, err = parseArgs(t, map[string]string{}, "", "robot", "list", "--key-file", path)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = c.Robot.List.ClientKey(); err != nil || key.Reveal() != "s3cr3t-key" {
		t.Fatalf("key file: %v, %q", err, key.Reveal())
	}
	var out strings.Builder
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", key, "robot", c.Robot.List)
	text, err := json.Marshal(map[string]any{"a": key, "b": &key})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	fmt.Fprintf(&out, "%v %+v %#v %s %q %x %d %v", key, key, key, key, key, key, key, c.Robot.List)
	for _, form := range []string{"s3cr3t", "733363723374"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret got out: %s", out.String())
		}
	}
	for _, bad := range []string{"file:/does/not/exist", "file:" + t.TempDir()} {
		if err := new(Secret).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "512": 512, "7B": 7, "64KiB": 64 << 10, "10 MiB": 10 << 20, "1GiB": 1 << 30} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || int64(s) != want {
			t.Errorf("%q: %v, %d", text, err, s)
		}
		var back Size
		if err := back.UnmarshalText([]byte(s.String())); err != nil || back != s {
			t.Errorf("%q prints as %q, which reads as %d", text, s, back)
		}
	}
	for _, bad := range []string{"", "MiB", "-1", "1.5MiB", "1kb", "99999999999GiB", "1e3"} {
		if err := new(Size).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// TestEveryFieldIsSettable: each setting has a help text, and all but the
// switches of one command line have a name in the environment.
func TestEveryFieldIsSettable(t *testing.T) {
	for _, s := range Sections() {
		fields, err := Fields(s.Zero)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]string{}
		for _, f := range fields {
			if f.Help == "" {
				t.Errorf("%s --%s has no help", s.Name, f.Flag)
			}
			if len(f.Env) == 0 && f.Flag != "once" {
				t.Errorf("%s --%s cannot be set in the environment", s.Name, f.Flag)
			}
			for _, env := range f.Env {
				if other, taken := seen[env]; taken {
					t.Errorf("%s: %s means both --%s and --%s", s.Name, env, other, f.Flag)
				}
				seen[env] = f.Flag
			}
		}
	}
}

// TestReferenceIsCurrent compares the committed page with the structs.
func TestReferenceIsCurrent(t *testing.T) {
	for name, page := range map[string]func() (string, error){"config": Reference, "limits": LimitPage} {
		want, err := page()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile("../../docs/reference/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("docs/reference/%s.md is not current: run make generate", name)
		}
	}
}

// FuzzParse: no file makes the reader crash or forget to name itself.
func FuzzParse(f *testing.F) {
	f.Add("serve: {listen: 127.0.0.1:1, timing: {lost: 2m}}")
	f.Add("robot:\n  url: [a, [b, c]]\n")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Parse("f.yaml", strings.NewReader(text)); err != nil && !strings.Contains(err.Error(), "f.yaml") {
			t.Errorf("the error does not name the file: %v", err)
		}
	})
}
