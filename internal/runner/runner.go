package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/redact"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Config is what all jobs of a runner share.
type Config struct {
	Catalog *catalog.Catalog
	Library engine.Library
	Policy  Policy
	WorkDir string // where jobs get their folders; empty means the system's temporary folder

	NodeTimeout time.Duration // 0 means the engine's
	Grace       time.Duration // for a node that does not stop; 0 means the engine's
	LogQuota    int64         // bytes of log of one attempt; 0 means 50 MiB
	Limits      engine.Limits
	Documents   workflow.Limits
	Environ     []string // environment to start from; nil means that of the process
}

// Job is one attempt to run one workflow.
type Job struct {
	ID       string
	Priority int

	Document []byte             // read and checked first, unless Parsed is given
	Parsed   *workflow.Document // must have been validated

	Variables *value.Map
	Payload   *value.Map    // what a trigger brought; nil: nobody triggered the job
	Dir       string        // folder to work in; empty: a new one, removed afterwards
	KeepDir   bool          // leave the folder in place
	Timeout   time.Duration // of the whole run; 0: none but that of ctx

	// Stop asks the run to end before its next node, when it is closed. A node
	// that still goes on after StopGrace is stopped by force.
	Stop      <-chan struct{}
	StopGrace time.Duration

	ContinueOnError bool

	// Hash names the document in checkpoints. Checkpoint asks for one if the run
	// fails; Resume is one that the run goes on from.
	Hash       string
	Checkpoint bool
	Resume     []byte

	// Secret returns the value of a secret that the workflow names; nil: none.
	Secret func(ctx context.Context, name string) (string, error)
	// Secrets are values that are known already and must not be told.
	Secrets []string
	// Keep takes the files of the folder artifacts before they go; nil: nobody does.
	// What it returns is a note of the outcome.
	Keep func(ctx context.Context, name string, body []byte) error
	// Queues are those of the orchestrator; nil: there is none.
	Queues engine.Queues
	// Workflow returns a document that the job's folder does not hold.
	Workflow func(ctx context.Context, ref string) ([]byte, error)
	// Submit starts another job; nil: asynchronous calls fail and say so.
	Submit func(ctx context.Context, ref string, variables *value.Map) (string, error)
}

// Runner takes jobs to their end. It may run many at once.
type Runner struct {
	cfg Config
}

// New makes a runner. Catalog and Library are required.
func New(cfg Config) (*Runner, error) {
	if cfg.Catalog == nil || cfg.Library == nil {
		return nil, errors.New("make runner: a catalog and a library are required")
	}
	if cfg.WorkDir == "" {
		cfg.WorkDir = os.TempDir()
	}
	abs, err := filepath.Abs(cfg.WorkDir)
	if err != nil {
		return nil, fmt.Errorf("make runner: %w", err)
	}
	cfg.WorkDir = abs
	if cfg.Environ == nil {
		cfg.Environ = robotEnviron()
	}
	return &Runner{cfg: cfg}, nil
}

// Policy returns what jobs may do here.
func (r *Runner) Policy() Policy { return r.cfg.Policy }

// Run takes one job to its end. Calls to s and gate end before Run returns;
// both may be nil.
//
// A job that fails by itself, times out or is not fit to run gives an Outcome
// without an error. When ctx ends, the running node is asked to stop, given
// the grace, and then left; Run returns the cause of ctx and how far the job
// came. An error of the gate is returned likewise, and ErrStopped when job.Stop
// was closed. Other errors say that the
// machine could not give the job what it needs.
func (r *Runner) Run(ctx context.Context, job Job, s engine.Sink, gate engine.Gate) (out *engine.Outcome, err error) {
	started := time.Now()
	doc, err := r.document(job)
	if err != nil {
		return invalid(started, err), nil
	}
	dir, remove, err := r.folder(job)
	if err != nil {
		return nil, err
	}
	defer func() {
		// The job has ended, and what is left on the disk does not undo that: a
		// failure to clear up is told beside the outcome, not instead of it.
		switch gone := remove(); {
		case gone != nil && out != nil:
			out.Notes = append(out.Notes, gone.Error())
		case gone != nil:
			err = errors.Join(err, gone)
		}
	}()

	hide := redact.New(job.Secrets...)
	h, err := openHost(dir, r.cfg.Policy, HostOptions{
		Secret: job.Secret, Queues: job.Queues, Workflow: job.Workflow, Environ: r.cfg.Environ,
		Hide: func(secret string) { hide.Add(secret) },
	})
	if err != nil {
		return nil, fmt.Errorf("open folder of job %s: %w", job.ID, err)
	}
	defer func() { _ = h.Close() }() // folders that were only read through have nothing to lose

	if s == nil {
		s = deaf{}
	}
	guarded := newSink(s, hide, r.cfg.LogQuota)
	if gate != nil {
		gate = &secretGate{Gate: gate, hide: hide}
	}
	runCtx := ctx
	var over *engine.Failure
	if job.Timeout > 0 {
		over = &engine.Failure{
			Type: "TimeoutError", Class: engine.ClassTimeout,
			Message: "Job execution timed out after " + value.Str(job.Timeout.Seconds()) + "s",
		}
		var cancel context.CancelFunc
		runCtx, cancel = context.WithTimeoutCause(ctx, job.Timeout, over)
		defer cancel()
	}
	if job.Stop != nil {
		var letGo func()
		runCtx, gate, letGo = stoppable(runCtx, gate, job.Stop, job.StopGrace)
		defer letGo()
	}
	var keep *engine.Keeping
	if job.Checkpoint {
		keep = h.keeping(&job, dir, hide)
	}
	out, err = engine.Run(runCtx, doc, engine.Options{
		Catalog: r.cfg.Catalog, Library: r.cfg.Library, Host: h, Sink: guarded, Gate: gate,
		Variables: job.Variables, Payload: job.Payload, JobID: job.ID, Priority: job.Priority,
		NodeTimeout: r.cfg.NodeTimeout, Grace: r.cfg.Grace, Limits: r.cfg.Limits,
		ContinueOnError: job.ContinueOnError, Submit: job.Submit,
		Workflow: job.Hash, Resume: job.Resume, Keeping: keep,
	})
	kept := keepFiles(ctx, dir, &job, hide)
	guarded.finish()
	if out != nil {
		out.Notes = append(out.Notes, kept...)
		if n := guarded.dropped(); n > 0 {
			out.Notes = append(out.Notes, fmt.Sprintf("%d log lines were dropped", n))
		}
		guarded.outcome(out)
	}
	var f *engine.Failure
	if errors.As(err, &f) && ctx.Err() == nil {
		// The run's own time was over, or it went over a limit: an answer.
		return out, nil
	}
	return out, err
}

// document reads and checks the workflow.
func (r *Runner) document(job Job) (*workflow.Document, error) {
	if job.Parsed != nil {
		return job.Parsed, nil
	}
	doc, err := workflow.Parse(job.Document, workflow.Options{Catalog: r.cfg.Catalog, Limits: r.cfg.Documents})
	if err != nil {
		return nil, err
	}
	return doc, workflow.Validate(doc, r.cfg.Catalog, workflow.Policy{Limits: r.cfg.Documents}).Err()
}

func invalid(started time.Time, err error) *engine.Outcome {
	return &engine.Outcome{
		Error: err.Error(), ErrorType: "WorkflowValidationError", ErrorClass: engine.ClassInvalid,
		StartedAt: started, CompletedAt: time.Now(), Variables: value.NewMap(),
	}
}

// folder makes the folder that the job works in. remove takes it away again,
// with everything in it, unless the job wants it kept or brought its own.
func (r *Runner) folder(job Job) (dir string, remove func() error, err error) {
	nothing := func() error { return nil }
	if job.Dir != "" {
		if err := os.MkdirAll(job.Dir, 0o755); err != nil {
			return "", nil, fmt.Errorf("make folder of job %s: %w", job.ID, err)
		}
		dir, err = filepath.Abs(job.Dir)
		return dir, nothing, err
	}
	if err := os.MkdirAll(r.cfg.WorkDir, 0o700); err != nil {
		return "", nil, fmt.Errorf("make folder of jobs: %w", err)
	}
	dir, err = os.MkdirTemp(r.cfg.WorkDir, "job-")
	if err != nil {
		return "", nil, fmt.Errorf("make folder of job %s: %w", job.ID, err)
	}
	if job.KeepDir {
		return dir, nothing, nil
	}
	return dir, func() error { return removeAll(dir) }, nil
}

// removeAll also removes what a job has made read-only.
func removeAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(path, 0o700) //nolint:gosec // the job's own folder, about to be removed
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove folder of a job: %w", err)
	}
	return nil
}
