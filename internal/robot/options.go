package robot

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/internal/runner"
)

// Runner takes one job to its end; [runner.Runner] is one.
type Runner interface {
	Run(ctx context.Context, job runner.Job, sink engine.Sink, gate engine.Gate) (*engine.Outcome, error)
}

// Options say what a robot is.
type Options struct {
	URLs    []string // addresses of orchestrators: http, https, ws or wss
	Key     string   // the robot's key
	DataDir string   // journal and session; one process at a time
	Name    string   // shown to people
	Slots   int      // attempts at once; 0 means 1
	Runner  Runner

	Capabilities fleet.Capabilities // see Offered
	Tags         fleet.Capabilities
	Pool         string         // empty: where it is, or the default one
	Facts        map[string]any // besides what it finds out about its machine
	Version      string
	Logger       *slog.Logger
	HTTPClient   *http.Client // nil: one of its own

	// Watch are the folders in which triggers may look for files; none: nobody does.
	Watch []string

	// ReconnectMax is the longest pause between attempts to connect; default 30 s.
	ReconnectMax time.Duration
	// DrainFor is how long the work under way may go on after the context of
	// Run has ended; 0 means 60 s.
	DrainFor time.Duration

	// For tests of this package.
	clock   func() protocol.Instant
	chance  func() float64
	onWrite func(protocol.Record) // after a record is on disk
	reserve int64                 // bytes set aside for an attempt; 0 means enough for the largest result
	limit   int64                 // size of the journal, as if the disk were full beyond; 0: none
}

// ErrRestart is returned by Run after an operator asked for a restart.
var ErrRestart = errors.New("the orchestrator asked for a restart")

func (o Options) filled() (Options, error) {
	switch {
	case len(o.URLs) == 0:
		return o, fleet.Invalid("url", "A robot needs the address of an orchestrator.").WithFix("Give --url https://HOST:PORT.")
	case o.Key == "":
		return o, fleet.Invalid("key", "A robot needs its key.").WithFix("Give --key or set FLEET_ROBOT_KEY.")
	case o.DataDir == "":
		return o, fleet.Invalid("data_dir", "A robot needs a folder for its journal.")
	case o.Runner == nil:
		return o, errors.New("make robot: a runner is required")
	case o.Slots < 0 || o.Slots > fleet.MaxSlots:
		return o, fleet.Invalid("slots", "slots must be between 1 and %d; got %d.", fleet.MaxSlots, o.Slots)
	}
	urls := make([]string, 0, len(o.URLs))
	for _, text := range o.URLs {
		u, err := address(text)
		if err != nil {
			return o, err
		}
		urls = append(urls, u)
	}
	o.URLs = urls
	if o.Slots == 0 {
		o.Slots = 1
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.DrainFor == 0 {
		o.DrainFor = time.Minute
	}
	if o.clock == nil {
		o.clock = bootClock()
	}
	if o.chance == nil {
		o.chance = rand.Float64
	}
	if o.reserve == 0 {
		o.reserve = reservePerAttempt
	}
	return o, nil
}

// address normalises the address of an orchestrator to http or https without
// a path: sockets and bodies are found from there.
func address(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" {
		return "", fleet.Invalid("url", "%q is not the address of an orchestrator; it looks like https://host:port.", text)
	}
	switch u.Scheme {
	case "http", "https":
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	default:
		return "", fleet.Invalid("url", "The address %q must begin with http, https, ws or wss.", text)
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return strings.TrimSuffix(u.String(), "/"), nil
}

// Offered lists what a robot with this policy can do on this machine: words
// for what is both allowed and there.
func Offered(p runner.Policy) fleet.Capabilities {
	there := func(programs ...string) bool {
		for _, name := range programs {
			if _, err := exec.LookPath(name); err == nil {
				return true
			}
		}
		return false
	}
	caps := fleet.Capabilities{}
	if p.AllowShell {
		caps = caps.Union(fleet.Capabilities{"shell"})
	}
	if p.AllowPython && there("python3", "python") {
		caps = caps.Union(fleet.Capabilities{"python"})
	}
	if p.AllowNode && there("node", "nodejs") {
		caps = caps.Union(fleet.Capabilities{"node"})
	}
	return caps
}
