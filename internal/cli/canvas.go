package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/canvas"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/local"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// canvasCmd is the editor on the author's own machine.
type canvasCmd struct {
	Dir string `arg:"" optional:"" help:"folder of workflow files that the page may open and save; default: the current one" default:"." placeholder:"DIR"`
	config.Canvas
	policyFlags
	secretFlags
}

// Help is the long form of the help.
func (canvasCmd) Help() string {
	return `Opens the same interface as the orchestrator's on this machine: workflow files of one folder, runs on this very machine, and, once an orchestrator is reached, everything of the fleet. The page never sees the key: this program holds it and passes requests on.

Examples:

    fleet canvas
    fleet canvas ~/workflows --url https://fleet.example.com --key file:~/.config/fleet/key
    fleet canvas --listen 127.0.0.1:0 --allow-python

Without --url it tries the addresses of config.yaml, then those of FLEET_URL, ORCHESTRATOR_URL and CASARE_API_URL, then the defaults, in turn; the page shows how each answered. If none does, it works alone and keeps trying. A key comes from --key, config.yaml, FLEET_KEY, ORCHESTRATOR_API_KEY, or the sign-in of "fleet login", in this order.

Local runs work in the folder. Programs and scripts stay off unless you allow them. Every program of yours can reach the page while it is open.`
}

// Run serves until it is told to stop.
func (c *canvasCmd) Run(ctx context.Context, sh *shell) error {
	log, err := sh.logger(c.Log)
	if err != nil {
		return err
	}
	link, err := c.link(sh)
	if err != nil {
		return err
	}
	files, err := local.OpenFiles(c.Dir, 0)
	if err != nil {
		return err
	}
	defer discard(files)
	desk, err := newDesk(c.policy(), local.DeskOptions{Slots: c.Slots, Dir: files.Dir(), Files: files, Secrets: c.forRun(sh)})
	if err != nil {
		return err
	}
	defer desk.Close()
	program, err := canvas.New(ctx, canvas.Options{Listen: c.Listen, Link: link, Here: desk, Dir: c.UIDir, Version: sh.version, Logger: log})
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.err, "The canvas is open at %s\n", program.URL())
	sh.note("folder       %s", files.Dir())
	for _, try := range link.Link().Tried {
		sh.note("orchestrator %s (%s)", try.URL, try.Source)
	}
	return program.Run(ctx)
}

// link prepares the connection with the orchestrator.
func (c *canvasCmd) link(sh *shell) (*canvas.Link, error) {
	file, err := config.ReadClientFile(string(sh.root.Config), sh.getenv)
	if err != nil {
		return nil, err
	}
	key, err := c.CanvasKey()
	if err != nil {
		return nil, err
	}
	if key.Empty() {
		key = file.Key
	}
	for _, name := range []string{"FLEET_KEY", "ORCHESTRATOR_API_KEY"} {
		if key.Empty() && sh.getenv(name) != "" {
			if err := key.UnmarshalText([]byte(sh.getenv(name))); err != nil {
				return nil, fleet.Errorf(fleet.CodeInvalid, "key", "%s: %w", name, err)
			}
		}
	}
	transport, err := httpClient(c.CAFile)
	if err != nil {
		return nil, err
	}
	o := canvas.LinkOptions{Now: time.Now, Agent: "fleet-canvas/" + sh.version, Try: c.Try}
	if transport != nil {
		o.HTTP = transport.Transport
	} else {
		o.HTTP = http.DefaultTransport
	}
	var known []string
	for _, a := range config.Addresses(c.URL, file, sh.getenv) {
		o.Candidates = append(o.Candidates, canvas.Candidate{URL: a.URL, Source: a.Source})
		if a.Source != "default" {
			known = append(known, a.URL) // a key goes to addresses that somebody here has named
		}
	}
	if len(known) == 0 {
		known = []string{config.DefaultURL} // or to this machine, where none is named: not to whoever listens here while a named one is away
	}
	o.Key = func(ctx context.Context, url string) (string, error) {
		if !slices.ContainsFunc(known, func(k string) bool { return canvas.SameAddress(k, url) }) {
			return "", nil
		}
		if !key.Empty() {
			return key.Reveal(), nil
		}
		kept, err := sh.signedIn(ctx, config.Client{URL: []string{url}, CAFile: c.CAFile, Timeout: c.Try})
		if err != nil || kept == nil {
			return "", err
		}
		return kept.Access, nil
	}
	return canvas.NewLink(o)
}

// forRun finds secrets for each run anew: the author may have changed the file.
func (f secretFlags) forRun(sh *shell) func([]string) (func(context.Context, string) (string, error), []string, error) {
	return func(named []string) (func(context.Context, string) (string, error), []string, error) {
		s, err := f.secrets(sh, named)
		if err != nil {
			return nil, nil, err
		}
		return s.fetch, s.values(), nil
	}
}

// newDesk makes the room for local runs that people follow on a page.
func newDesk(policy runner.Policy, o local.DeskOptions) (*local.Desk, error) {
	cat, err := catalog.Load()
	if err != nil {
		return nil, fmt.Errorf("load the node catalog: %w", err)
	}
	if o.Runner, err = newRunner(cat, policy, ""); err != nil {
		return nil, err
	}
	o.Catalog, o.IDs = cat, fleet.NewIDs(time.Now, rand.Reader)
	return local.NewDesk(o), nil
}
