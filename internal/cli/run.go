package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/local"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// runCmd runs a workflow here, without any orchestrator.
type runCmd struct {
	File string `arg:"" help:"workflow file; - is standard input"`
	variableFlags
	Timeout time.Duration `help:"time for the whole run; 0: no limit" default:"0s"`
	Dir     string        `help:"folder that the workflow works in; default: the current one" placeholder:"PATH"`
	policyFlags
	secretFlags
	Quiet  bool   `short:"q" help:"show the result alone, without log and progress"`
	Output string `short:"o" help:"form of the answer: ${enum}" enum:"table,json,yaml" default:"table" env:"FLEET_OUTPUT"`
}

// Help is the long form of the help.
func (runCmd) Help() string {
	return `The file runs with the engine that robots use. Nothing is stored, and nobody is asked. Programs and scripts stay off unless you allow them.

Examples:

    fleet run examples/hello.json --var name=Ada
    fleet run report.json --vars-file inputs.json --timeout 5m
    fleet run report.json -o json > result.json
    fleet run pay.json --secrets-file ~/.config/fleet/secrets.json

Secrets and assets that settings.fleet.secrets names come from --secrets-file, or from one environment variable each: {{$secret:erp.password}} is FLEET_RUN_SECRET_ERP_PASSWORD. They show as *** in all that the run tells.

The exit code says how it ended: 0 completed, 20 failed, 21 cancelled, 22 timeout, 2 the file cannot run.`
}

// policyFlags say what a workflow may do on this machine.
type policyFlags struct {
	AllowShell   bool           `help:"let the workflow run programs and shell commands"`
	AllowPython  bool           `help:"let the workflow run the Python of this machine"`
	AllowNode    bool           `help:"let the workflow run the Node.js of this machine"`
	Root         []string       `help:"further folder that the workflow may use" placeholder:"PATH"`
	NoNetwork    bool           `help:"let the workflow reach no address at all"`
	PublicOnly   bool           `help:"let the workflow reach public addresses only"`
	AllowNetwork []netip.Prefix `help:"network that the workflow may reach whatever else is refused" placeholder:"CIDR"`
}

func (f policyFlags) policy() runner.Policy {
	p := policyOf(f.AllowShell, f.AllowPython, f.AllowNode, f.Root, f.PublicOnly, f.AllowNetwork)
	p.NetworkOff = f.NoNetwork
	return p
}

// Run runs the file to its end.
func (c *runCmd) Run(ctx context.Context, sh *shell) error {
	if c.Timeout < 0 {
		return fleet.Invalid("timeout", "timeout must not be negative; got %s.", c.Timeout)
	}
	text, err := sh.read(c.File)
	if err != nil {
		return err
	}
	cat, err := catalog.Load()
	if err != nil {
		return fmt.Errorf("load the node catalog: %w", err)
	}
	checked := check(cat, c.File, text)
	if !checked.Valid {
		checked.show(sh.err, sh.paintErr)
		return quiet(exitUsage)
	}
	vars, err := c.variables(sh)
	if err != nil {
		return err
	}
	secrets, err := c.secrets(sh, checked.doc.Fleet.Secrets)
	if err != nil {
		return err
	}
	r, err := newRunner(cat, c.policy(), "")
	if err != nil {
		return err
	}
	dir := c.Dir
	if dir == "" {
		dir = "."
	}
	runs := local.New(r, 1)
	defer runs.Close()
	show := newTeller(sh, c.Quiet)
	tell := func(e local.Event) {
		switch {
		case c.Quiet:
		case e.Log != nil:
			show.log(e.Log.At, string(e.Log.Level), e.Log.Message)
		case e.Progress != nil:
			show.set(e.Progress.Percent, e.Progress.NodeID)
		}
	}
	out, err := runs.Run(ctx, runner.Job{
		ID: "local", Parsed: checked.doc, Variables: vars, Dir: dir, KeepDir: true, Timeout: c.Timeout,
		Secret: secrets.fetch, Secrets: secrets.values(),
	}, tell)
	show.end()
	if err != nil && ctx.Err() == nil {
		return err
	}
	if out == nil {
		return quiet(exitInterrupted)
	}
	state, code := runState(out, ctx.Err() != nil)
	result := runResult{
		Workflow: checked.Name, Status: state, Seconds: out.CompletedAt.Sub(out.StartedAt).Seconds(),
		NodesExecuted: out.Executed, Error: out.Error, ErrorType: out.ErrorType, FailedNode: out.FailedNode,
		Variables: out.Variables, Notes: append([]string{}, out.Notes...),
	}
	if err := sh.answer(c.Output, result, func() error { return result.show(sh.out, sh.paint) }); err != nil {
		return err
	}
	if code != exitOK {
		return quiet(code)
	}
	return nil
}

// runResult is how a local run ended, for people and programs.
type runResult struct {
	Workflow      string      `json:"workflow_name"`
	Status        fleet.State `json:"status"`
	Seconds       float64     `json:"duration_seconds"`
	NodesExecuted int         `json:"nodes_executed"`
	Error         string      `json:"error,omitempty"`
	ErrorType     string      `json:"error_type,omitempty"`
	FailedNode    string      `json:"failed_node,omitempty"`
	Variables     *value.Map  `json:"variables"`
	Notes         []string    `json:"notes"`
}

func (r runResult) show(w io.Writer, paint bool) error {
	took := exact(time.Duration(r.Seconds * float64(time.Second)))
	word := colour(paint, colourOf(string(r.Status)), string(r.Status))
	fmt.Fprintf(w, "%s: %s in %s, %s\n", clean(r.Workflow), word, took, count(r.NodesExecuted, "node"))
	if r.Error != "" {
		at := ""
		if r.FailedNode != "" {
			at = " (at node " + r.FailedNode + ")"
		}
		fmt.Fprintf(w, "  %s: %s%s\n", dash(r.ErrorType), clean(r.Error), at)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "  note: %s\n", clean(n))
	}
	showVariables(w, r.Variables)
	return nil
}

// showVariables lists what a run leaves behind, each in one line.
func showVariables(w io.Writer, vars *value.Map) {
	if vars == nil || vars.Len() == 0 {
		return
	}
	width := 0
	for k := range vars.All() {
		width = max(width, len(clip(k, 24)))
	}
	for k, v := range vars.All() {
		fmt.Fprintf(w, "  %-*s = %s\n", width, clip(clean(k), 24), clip(clean(value.Repr(v)), 72-width))
	}
}

// runState reads an outcome in the words of jobs.
func runState(out *runner.Outcome, stopped bool) (fleet.State, int) {
	switch {
	case out.Success:
		return fleet.Completed, exitOK
	case stopped:
		return fleet.Cancelled, exitInterrupted
	case out.ErrorClass == runner.ClassTimeout:
		return fleet.TimedOut, exitTimeout
	}
	return fleet.Failed, exitFailed
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// newRunner makes the room that runs workflows, with every node that this
// program has.
func newRunner(cat *catalog.Catalog, policy runner.Policy, workDir string) (*runner.Runner, error) {
	library, err := nodes.Standard()
	if err != nil {
		return nil, err
	}
	return runner.New(runner.Config{Catalog: cat, Library: library, Policy: policy, WorkDir: workDir})
}

// parseVariables reads a JSON object as a run left it; anything else is none.
func parseVariables(raw json.RawMessage) *value.Map {
	parsed, err := value.Parse(raw)
	if err != nil {
		return nil
	}
	object, _ := parsed.(*value.Map)
	return object
}
