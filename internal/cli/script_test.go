package cli

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/examples"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/robot"
)

// tests stops the PostgreSQL of the scripts after them, if there was one.
type tests struct{ *testing.M }

func (m tests) Run() int { return pgtest.Run(m.M) }

// TestMain makes this binary the program when a script calls it as fleet.
func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){
		"fleet": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			os.Exit(Main(ctx, os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Version: "v0.0.0-test"}, os.Getenv))
		},
	})
}

// TestScripts runs the command line as people do: a process of its own for
// each command, against an orchestrator and robots in this process that speak
// over real sockets.
func TestScripts(t *testing.T) {
	testscript.Run(t, params(t, "script", nil))
}

// TestPostgres runs the scripts that need a database with its logins.
func TestPostgres(t *testing.T) {
	db := pgtest.New(t).Database(t)
	at, err := url.Parse(db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	testscript.Run(t, params(t, "postgres", map[string]string{"OWNER_URL": db.OwnerURL, "APP_URL": db.URL, "PASSWORD": password}))
}

func params(t *testing.T, folder string, more map[string]string) testscript.Params {
	return testscript.Params{
		Dir: filepath.Join("testdata", folder),
		Setup: func(env *testscript.Env) error {
			for name, value := range more {
				env.Setenv(name, value)
			}
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_DATA_HOME", "")
			env.Setenv("XDG_CONFIG_HOME", "")
			tb, ok := env.T().(testing.TB)
			if !ok {
				return errors.New("a script is no test")
			}
			at := dbtest.NewPlace(tb)
			if at.DatabaseURL == "" { // where scripts that look at the folder find it
				at.DataDir = filepath.Join(env.WorkDir, "orchestrator")
			}
			env.Values[placeKey{}], env.Values[testKey{}] = at, tb
			if more == nil { // a script with databases of its own names them
				env.Setenv(databaseName, at.DatabaseURL)
			}
			for _, name := range examples.Names() {
				text, err := examples.Get(name)
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(env.WorkDir, name+".json"), text, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "postgres" {
				return false, errors.New("no such condition")
			}
			return dbtest.OnPostgres(t), nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"orchestrator": startOrchestrator,
			"robot":        startRobot,
			"code":         wantCode,
			"capture":      capture,
			"inbackground": inBackground,
			"await":        awaitOutput,
			"certificate":  makeCertificate,
			"issuer":       startIssuer,
			"browse":       browse,
		},
	}
}

// placeKey finds the place of a script's orchestrator among its values.
type placeKey struct{}

// testKey finds the test that a script is.
type testKey struct{}

// world is what the commands of one script share.
type world struct {
	app *app.App
	api *client.Client
}

// The names under which a script's things are kept between commands.
const (
	urlName      = "FLEET_URL"
	keyName      = "FLEET_KEY"
	databaseName = "FLEET_DATABASE_URL"
)

// worlds finds the world of a script; scripts run in parallel.
var worlds sync.Map

// startOrchestrator starts one with an admin key and tells the script where it
// is: FLEET_URL and FLEET_KEY.
func startOrchestrator(ts *testscript.TestScript, _ bool, _ []string) {
	w := &world{}
	at, _ := ts.Value(placeKey{}).(dbtest.Place)
	ctx, cancel := context.WithCancel(context.Background())
	o := app.Options{DataDir: at.DataDir, DatabaseURL: at.DatabaseURL, Listen: "127.0.0.1:0", Version: "test"}
	if at.DatabaseURL != "" { // one with a folder makes its own
		o.SecretKeys = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	}
	a, err := app.New(ctx, o)
	ts.Check(err)
	w.app = a
	key, err := a.Keys().EnsureAdmin(ctx)
	ts.Check(err)
	a.Start(ctx)
	ts.Defer(func() {
		err := a.Stop(context.Background())
		cancel()
		ts.Check(err)
	})
	w.api, err = client.New(client.Options{URLs: []string{a.URL()}, Key: key.Reveal()})
	ts.Check(err)
	worlds.Store(ts, w)
	ts.Setenv(urlName, a.URL())
	ts.Setenv(keyName, key.Reveal())
}

// startRobot starts robots with these names and waits until they are online.
func startRobot(ts *testscript.TestScript, _ bool, names []string) {
	found, ok := worlds.Load(ts)
	if !ok {
		ts.Fatalf("start an orchestrator first")
	}
	w, _ := found.(*world)
	for _, name := range names {
		ctx, cancel := context.WithCancel(context.Background())
		key, err := w.api.CreateKey(ctx, client.KeyRequest{Kind: fleet.KeyRobot, RobotID: fleet.RobotID(name)})
		ts.Check(err)
		ended := make(chan error, 1)
		go func() {
			ended <- runRobot(ctx, robot.Options{
				URLs: []string{w.app.URL()}, Key: key.Secret, DataDir: ts.MkAbs("robot-" + name), Name: name,
				Slots: 2, Version: "test", DrainFor: time.Second,
			}, policyOf(true, false, false, nil, false, nil), slog.New(slog.DiscardHandler))
		}()
		ts.Defer(func() { cancel(); ts.Check(<-ended) })
	}
	online := map[string]bool{}
	deadline := time.Now().Add(20 * time.Second)
	for len(online) < len(names) && time.Now().Before(deadline) {
		for _, name := range names {
			r, err := w.api.GetRobot(context.Background(), fleet.RobotID(name))
			if err == nil && r.Status == fleet.RobotOnline {
				online[name] = true
			}
		}
	}
	if len(online) < len(names) {
		ts.Fatalf("only %v came online", online)
	}
}

// wantCode runs a command and wants this exit code.
func wantCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code CODE COMMAND [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// capture keeps the first group of a pattern in the last output as a variable.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: capture NAME stdout|stderr PATTERN")
	}
	m := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(m) < 2 {
		ts.Fatalf("%s does not match %s:\n%s", args[1], args[2], ts.ReadFile(args[1]))
	}
	ts.Setenv(args[0], m[1])
}

// inBackground starts the program with its output in a file and leaves it
// running; await reads the file, and the script's end interrupts it.
func inBackground(ts *testscript.TestScript, _ bool, args []string) {
	out, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	path, err := os.Executable()
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Args[0] = "fleet"
	cmd.Dir = ts.MkAbs(".")
	cmd.Stdout, cmd.Stderr = out, out
	for _, name := range []string{"HOME", "PATH", urlName, keyName, databaseName} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	ts.Check(cmd.Start())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600)) // for scripts that kill it
	ts.Defer(func() {
		cancel()
		_ = cmd.Wait() // it was interrupted
		ts.Check(out.Close())
	})
}

// awaitOutput waits until a file matches a pattern.
func awaitOutput(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE PATTERN")
	}
	pattern := regexp.MustCompile("(?m)" + args[1])
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		if text := ts.ReadFile(args[0]); pattern.MatchString(text) {
			return
		}
	}
	ts.Fatalf("%s never matched %s:\n%s", args[0], args[1], strings.TrimSpace(ts.ReadFile(args[0])))
}

// makeCertificate writes a certificate for this machine and its key. The
// certificate is its own authority.
func makeCertificate(ts *testscript.TestScript, _ bool, args []string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	sheet := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, sheet, sheet, private.Public(), private)
	ts.Check(err)
	key, err := x509.MarshalPKCS8PrivateKey(private)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
}
