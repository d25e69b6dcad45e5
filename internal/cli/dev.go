package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/examples"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/local"
	"github.com/casarerpa/fleet/internal/robot"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/internal/telemetry"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// devCmd is the first minute with the product.
type devCmd struct {
	config.Dev
}

// Help is the long form of the help.
func (devCmd) Help() string {
	return `Starts an orchestrator and robots in this process, runs a sample job on them, says what happened, and stays. It listens on loopback only and asks nobody for a key. Robots run neither programs nor scripts here.

Examples:

    fleet dev
    fleet dev --listen 127.0.0.1:0 --data-dir ./try
    fleet dev --once
    fleet dev --demo 200

With --once it ends after the sample, with exit code 0 if that completed.

With --demo a made-up fleet of simulated robots runs made-up jobs, with every state, reason for waiting and failure somewhere: something to look at in the browser. Nothing of it is kept.`
}

// Run starts everything, shows the sample, and stays.
func (c *devCmd) Run(ctx context.Context, sh *shell) (err error) {
	dir, removeDir, err := c.folder(sh)
	if err != nil {
		return err
	}
	defer removeDir()
	log, closeLog, err := devLog(dir, c.Log)
	if err != nil {
		return err
	}
	defer closeLog()

	// An end of the orchestrator by itself ends everything else.
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	desk, closeDesk, err := c.desk()
	if err != nil {
		return err
	}
	defer closeDesk()
	var pages fs.FS
	if c.UIDir != "" {
		pages = os.DirFS(c.UIDir)
	}
	a, err := app.New(ctx, app.Options{
		Pages:   pages,
		DataDir: filepath.Join(dir, "orchestrator"), Listen: c.Listen, Local: true, Demo: c.Demo > 0, QueryTokens: c.CompatQuery, Version: sh.version, Logger: log, Here: desk,
		WebhookAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, // to try one out
	})
	if err != nil {
		return err
	}
	failed := a.Start(ctx)
	go func() {
		select {
		case err := <-failed:
			end(err)
		case <-ctx.Done():
		}
	}()
	defer func() { err = errors.Join(err, a.Stop(context.WithoutCancel(ctx))) }()

	api, err := client.New(client.Options{URLs: []string{a.URL()}, UserAgent: "fleet-dev/" + sh.version})
	if err != nil {
		return err
	}
	if c.Demo > 0 {
		return c.demo(ctx, sh, api, a.URL(), log)
	}
	crew, err := startRobots(ctx, api, a.URL(), dir, c.Robots, sh.version, log)
	if err != nil {
		return err
	}
	defer crew.stop()

	show := &devShow{sh: sh, out: sh.out}
	show.welcome(a.URL(), crew.names, dir)
	job, err := show.sample(ctx, api)
	switch {
	case context.Cause(ctx) != nil && !errors.Is(context.Cause(ctx), context.Canceled):
		return context.Cause(ctx)
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	}
	if c.Once {
		if job.State != fleet.Completed {
			return quiet(exitOf(job.State))
		}
		return nil
	}
	show.goOn(a.URL(), c.Listen)
	<-ctx.Done()
	fmt.Fprintln(sh.out, "\nStopping.")
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// folder is where everything is kept: that of a demonstration goes away.
func (c *devCmd) folder(sh *shell) (dir string, remove func(), err error) {
	if c.Demo > 0 {
		if dir, err = os.MkdirTemp("", "fleet-demo-"); err != nil {
			return "", nil, fmt.Errorf("make the folder of the demonstration: %w", err)
		}
		return dir, func() { _ = os.RemoveAll(dir) }, nil // a folder of the machine's own for such things
	}
	if dir = c.DataDir; dir == "" {
		dir = filepath.Join(config.DefaultDataDir(sh.getenv), "dev")
	}
	dir, err = filepath.Abs(dir)
	return dir, func() {}, err
}

// desk is the room for local runs, which may do as little as the robots here.
func (c *devCmd) desk() (*local.Desk, func(), error) {
	o := local.DeskOptions{}
	if c.Workflows != "" {
		files, err := local.OpenFiles(c.Workflows, 0)
		if err != nil {
			return nil, nil, err
		}
		o.Files = files
	}
	desk, err := newDesk(policyOf(false, false, false, nil, false, nil), o)
	if err != nil {
		return nil, nil, err
	}
	return desk, func() {
		desk.Close()
		if o.Files != nil {
			discard(o.Files)
		}
	}, nil
}

// devLog writes what the program has to say about itself to a file, so that
// the screen belongs to the sample.
func devLog(dir string, c config.Log) (*slog.Logger, func(), error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fleet.Errorf(fleet.CodeInvalid, "data_dir", "The data folder %s cannot be made: %w.", dir, cause(err)).
			WithFix("Name another with --data-dir.")
	}
	f, err := os.OpenFile(filepath.Join(dir, "dev.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fleet.Errorf(fleet.CodeInvalid, "data_dir", "The log cannot be written in %s: %w.", dir, cause(err)).
			WithFix("Name another folder with --data-dir.")
	}
	log, err := telemetry.NewLogger(f, telemetry.LogOptions{Level: c.LogLevel, Format: c.LogFormat})
	if err != nil {
		discard(f)
		return nil, nil, err
	}
	return log, func() { discard(f) }, nil
}

// crew is the robots of this process. Whoever starts it stops it.
type crew struct {
	names []string
	stop  func()
}

// startRobots starts robots that connect over real sockets with keys of their own.
func startRobots(ctx context.Context, api *client.Client, url, dir string, n int, version string, log *slog.Logger) (*crew, error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	c := &crew{stop: func() { cancel(); running.Wait() }}
	policy := policyOf(false, false, false, nil, false, nil)
	for i := range n {
		name := fmt.Sprintf("dev-%d", i+1)
		home := filepath.Join(dir, "robots", name)
		key, err := robotKey(ctx, api, fleet.RobotID(name), filepath.Join(home, "key"))
		if err != nil {
			c.stop()
			return nil, err
		}
		c.names = append(c.names, name)
		running.Go(func() { devRobot(ctx, url, key, home, name, version, policy, log.With("robot", name)) })
	}
	return c, nil
}

// devRobot is one robot until ctx ends.
func devRobot(ctx context.Context, url, key, home, name, version string, policy runner.Policy, log *slog.Logger) {
	for ctx.Err() == nil {
		err := runRobot(ctx, robot.Options{
			URLs: []string{url}, Key: key, DataDir: home, Name: name, Slots: 2, Version: version, DrainFor: 5 * time.Second,
		}, policy, log)
		if err != nil && !errors.Is(err, robot.ErrRestart) {
			log.Error("the robot ended", telemetry.Err(err))
			return
		}
	}
}

// robotKey returns the key of an earlier start if it still counts, or a new one.
func robotKey(ctx context.Context, api *client.Client, id fleet.RobotID, path string) (string, error) {
	kept, err := os.ReadFile(path)
	if err == nil {
		keys, err := api.ListKeys(ctx)
		if err != nil {
			return "", err
		}
		text, soon := strings.TrimSpace(string(kept)), time.Now().Add(24*time.Hour)
		for _, k := range keys {
			if k.Kind == fleet.KeyRobot && k.RobotID == id && k.Hint != "" && strings.HasSuffix(text, k.Hint) && k.Usable(soon) {
				return text, nil
			}
		}
	}
	key, err := api.CreateKey(ctx, client.KeyRequest{Kind: fleet.KeyRobot, RobotID: id})
	if err != nil {
		return "", fmt.Errorf("make the key of robot %s: %w", id, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep the key of robot %s: %w", id, err)
	}
	if err := os.WriteFile(path, []byte(key.Secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the key of robot %s: %w", id, err)
	}
	return key.Secret, nil
}

// devShow tells the story of the sample, in at most 80 columns.
type devShow struct {
	sh    *shell
	out   io.Writer
	mu    sync.Mutex
	began time.Time
}

func (d *devShow) welcome(url string, robots []string, dir string) {
	p := d.sh.paint
	names := strings.Join(robots, ", ")
	if len(robots) > 6 {
		names = fmt.Sprintf("%s to %s", robots[0], robots[len(robots)-1])
	}
	fmt.Fprintf(d.out, "%s %s: an orchestrator and %s on this machine\n\n", colour(p, bold, "Casare Fleet"), d.sh.version, count(len(robots), "robot"))
	fmt.Fprintf(d.out, "  address   %s\n  robots    %s\n  data      %s\n  keys      none are asked for on this machine; for others: fleet serve\n\n", colour(p, cyan, url), names, dir)
}

// step prints one line of the story with the time since the submit.
func (d *devShow) step(at time.Time, mark, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	since := max(at.Sub(d.began), 0).Seconds()
	fmt.Fprintf(d.out, "  %s  %-10s %s\n", colour(d.sh.paint, faint, fmt.Sprintf("%5.2fs", since)), mark, clip(clean(text), 58))
}

// sample submits the example and follows it to its end.
func (d *devShow) sample(ctx context.Context, api *client.Client) (client.JobDetail, error) {
	text, err := examples.Get(examples.HelloName)
	if err != nil {
		return client.JobDetail{}, err
	}
	cat, err := catalog.Load()
	if err != nil {
		return client.JobDetail{}, fmt.Errorf("load the node catalog: %w", err)
	}
	checked := check(cat, examples.HelloName+".json", text)
	before, err := api.Head(ctx)
	if err != nil {
		return client.JobDetail{}, err
	}
	fmt.Fprintf(d.out, "Running the sample %q (examples/%s.json, %s)\n\n", checked.Name, examples.HelloName, count(checked.Nodes, "node"))
	d.began = time.Now()
	sent, err := api.SubmitJob(ctx, client.SubmitRequest{Workflow: text, Name: "the sample of fleet dev"})
	if err != nil {
		return client.JobDetail{}, err
	}
	if err := d.follow(ctx, api, sent.ID, before); err != nil {
		return client.JobDetail{}, err
	}
	job, err := api.GetJob(ctx, sent.ID)
	if err != nil {
		return job, err
	}
	d.result(job, checked)
	return job, nil
}

// follow tells the events of the job and its log between them.
func (d *devShow) follow(ctx context.Context, api *client.Client, id fleet.ID, after int64) error {
	var reader sync.WaitGroup
	defer reader.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop() // before the wait above
	for e, err := range api.WatchEvents(ctx, after, client.EventFilter{SubjectID: string(id)}) {
		if err != nil {
			return err
		}
		if e.To.Final() || e.To == fleet.NeedsDecision {
			reader.Wait() // what the job said comes before its end
		}
		d.step(e.At, word(e.To, e.Kind), told(e, id))
		switch {
		case e.To.Final() || e.To == fleet.NeedsDecision:
			return nil
		case e.Kind == fleet.EventJobStarted:
			reader.Go(func() {
				for line, err := range api.FollowLog(ctx, id) {
					if err != nil {
						return // the end says whether the job is well
					}
					d.step(line.At, "log", line.Message)
				}
			})
		}
	}
	return ctx.Err()
}

// word is the state that an event leads to, or its kind.
func word(to fleet.State, kind fleet.EventKind) string {
	if to != "" {
		return string(to)
	}
	return strings.TrimPrefix(string(kind), "job.")
}

// told puts an event into words.
func told(e fleet.Event, id fleet.ID) string {
	var data struct {
		RobotID string `json:"robot_id"`
		Reason  string `json:"reason"`
	}
	_ = json.Unmarshal(e.Data, &data) // an event without them is told without them
	switch e.Kind {                   //nolint:exhaustive // the sample meets these; others show their reason
	case fleet.EventJobSubmitted:
		return "job " + string(id) + " is on disk"
	case fleet.EventJobAssigned:
		return "offered to robot " + data.RobotID
	case fleet.EventJobStarted:
		return "the robot has taken it and begins"
	case fleet.EventJobCompleted:
		return "the result is on disk"
	}
	return data.Reason
}

// result shows how the sample ended and what it left.
func (d *devShow) result(job client.JobDetail, checked checkedFile) {
	p := d.sh.paint
	fmt.Fprintf(d.out, "\nResult: %s", colour(p, colourOf(string(job.State)), string(job.State)))
	if took := runTime(job); took > 0 {
		fmt.Fprintf(d.out, " in %s", exact(took))
	}
	if job.RobotID != "" {
		fmt.Fprintf(d.out, " on %s", job.RobotID)
	}
	fmt.Fprintln(d.out)
	if job.Error != nil && job.State != fleet.Completed {
		fmt.Fprintf(d.out, "  %s\n", clip(clean(job.Error.Message), 76))
	}
	result := parseVariables(job.Result)
	if result == nil {
		return
	}
	vars, _ := result.Get("variables")
	worth := value.NewMap()
	for k, v := range asObject(vars).All() {
		// Outputs of nodes are variables too, and inputs are known; what is left
		// is what the workflow made.
		if _, isNode := checked.doc.Node(k); isNode || checked.doc.Defaults().Has(k) || strings.HasPrefix(k, "parcel") {
			continue
		}
		worth.Set(k, v)
	}
	showVariables(d.out, worth)
}

// goOn says what to do next.
func (d *devShow) goOn(url, listen string) {
	fmt.Fprint(d.out, "\nGo on in a second terminal:\n\n")
	if !strings.HasSuffix(url, ":8000") || listen == "" {
		fmt.Fprintf(d.out, "  export FLEET_URL=%s\n", url)
	}
	fmt.Fprint(d.out, "  fleet robot list\n  fleet job submit examples/files.json --follow\n  fleet job list\n  fleet events --follow\n\n")
	fmt.Fprintln(d.out, "Ctrl-C stops everything; what was stored stays.")
}
