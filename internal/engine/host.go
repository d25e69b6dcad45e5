package engine

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Host is the world outside a run: everything a node may touch that is not a
// value. The runner implements it for a robot or a terminal, with the robot's
// local policy behind it; tests may implement the part they need by embedding
// a nil Host. All methods may be called by several branches at once.
type Host interface {
	// Now is the wall clock in the zone of the machine.
	Now() time.Time
	// Rand returns a source of random numbers for one node visit.
	Rand() *rand.Rand
	// Files opens the job's own folder; relative paths start there.
	Files() Files
	// Fetch makes one HTTP request under the robot's address policy. The caller
	// closes the body. A status of 400 or more is an answer, not an error.
	Fetch(ctx context.Context, req *Request) (*Response, error)
	// Exec runs a program to its end or kills its whole process group when ctx
	// ends. A non-zero exit is an answer, not an error. It fails when the
	// robot's policy forbids programs.
	Exec(ctx context.Context, cmd *Command) (*CommandResult, error)
	// System tells about the machine and its processes.
	System() System
	// Workflow returns the document that a subflow node names, by path in the
	// job's folder or by id.
	Workflow(ctx context.Context, ref string) ([]byte, error)
	// Secret returns a secret by its name. The value is redacted from every
	// line of the job's log from then on. After a NoSecret the reference
	// stays as it is written; any other error fails the step that refers to it.
	Secret(ctx context.Context, name string) (string, error)
	// Queues are the transaction queues of the orchestrator, as far as the job
	// may use them.
	Queues() Queues
}

// Queues are the transaction queues as a job sees them. What it takes is held by
// its attempt. Errors are failures that say what the orchestrator refused; while
// that is away, calls wait.
type Queues interface {
	Claim(ctx context.Context, queue string, count int) ([]fleet.QueueItem, error)
	Complete(ctx context.Context, item fleet.ID, output json.RawMessage) (fleet.QueueItem, error)
	Fail(ctx context.Context, item fleet.ID, f fleet.ItemFault, output json.RawMessage) (fleet.QueueItem, error)
	Postpone(ctx context.Context, item fleet.ID, until time.Time) error
	Release(ctx context.Context, item fleet.ID) error
	Add(ctx context.Context, queue string, s fleet.ItemSpec) (fleet.QueueItem, error)
}

// NoSecret says that a run has no secret of that name, and why.
type NoSecret struct{ Reason error }

// Error is the reason.
func (n NoSecret) Error() string { return n.Reason.Error() }

// Unwrap is the reason.
func (n NoSecret) Unwrap() error { return n.Reason }

// OpenMode says how a file is opened.
type OpenMode int

// The modes of Files.Open.
const (
	Read      OpenMode = iota // must exist
	Truncate                  // created or emptied
	Append                    // created or written at its end
	Exclusive                 // created; must not exist
)

// File is an open file.
type File interface {
	io.Reader
	io.Writer
	io.Closer
	io.Seeker
	Stat() (fs.FileInfo, error)
}

// Files is the file system as a job sees it. Names may be relative to the
// job's folder or absolute inside a root that the robot's policy grants; names
// with "..", NUL, or a Windows device name are refused with a message that says so.
// Environment references ($NAME, %NAME%) in names are expanded first.
type Files interface {
	// Path returns the absolute path that a name stands for, after the policy.
	Path(name string) (string, error)
	Open(name string, mode OpenMode) (File, error)
	Stat(name string) (fs.FileInfo, error)
	// ReadDir lists a folder sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	// Walk visits name and everything below it in lexical order.
	Walk(name string, visit fs.WalkDirFunc) error
	Mkdir(name string, parents bool) error
	Remove(name string) error
	Rename(from, to string) error
}

// Request is an HTTP request of a node.
type Request struct {
	Method          string
	URL             string
	Header          map[string][]string
	Body            io.Reader // nil: none
	Timeout         time.Duration
	FollowRedirects bool
	MaxRedirects    int
	SkipVerify      bool
	Proxy           string
}

// Response is the answer to a Request.
type Response struct {
	Status int
	URL    string // after redirects
	Header map[string][]string
	Body   io.ReadCloser
}

// Command is a program to run. Args[0] is looked up on the robot's PATH.
type Command struct {
	Args    []string
	Shell   bool   // Args[0] is one line for the system's shell
	Dir     string // default: the job's folder
	Env     map[string]string
	Stdin   io.Reader
	Timeout time.Duration // 0: until ctx ends
	Needs   string        // capability the policy must allow: shell, python, node
	Limit   int64         // bytes kept of each output stream; 0 means 500 KiB
}

// CommandResult is how a program ended.
type CommandResult struct {
	ExitCode       int
	Stdout, Stderr string
	TimedOut       bool
	Truncated      bool
}

// System is the machine as a node may see it.
type System interface {
	// Lookup and Set work on the job's own copy of the environment; variables
	// of the robot that hold credentials are never in it.
	Lookup(name string) (string, bool)
	Set(name, value string)
	// LookPath says where a program is, or fails.
	LookPath(name string) (string, error)
	// Info returns readings by kind: os, cpu, ram, disk, network.
	Info(ctx context.Context, kinds ...string) (map[string]any, error)
	// Processes lists what runs on the machine.
	Processes(ctx context.Context) ([]Process, error)
	// Kill ends a process; force uses SIGKILL.
	Kill(ctx context.Context, pid int32, force bool) error
}

// Process is one row of the process list.
type Process struct {
	PID        int32
	Name       string
	Status     string
	CPUPercent float64
	MemoryMB   float64
	Username   string
	Created    time.Time
}

// Level of a log line, in the original's words.
type Level string

// The levels, least first.
const (
	LevelDebug    Level = "debug"
	LevelInfo     Level = "info"
	LevelWarning  Level = "warning"
	LevelError    Level = "error"
	LevelCritical Level = "critical"
)

// Line is one line of a job's log.
type Line struct {
	At      time.Time
	Level   Level
	NodeID  string
	Message string
}

// StepStatus is how a step stands.
type StepStatus string

// The states of a step.
const (
	StepRunning   StepStatus = "running"
	StepCompleted StepStatus = "completed"
	StepFailed    StepStatus = "failed"
	StepSkipped   StepStatus = "skipped"
	StepCancelled StepStatus = "cancelled"
)

// Step is one execution of one node: sent once when it starts and once when it
// has ended, with the same Seq.
type Step struct {
	Seq       int64
	NodeID    string
	NodeType  string
	Iteration string // path of loop passes, such as "2.0"; empty outside loops
	Branch    string // parallel branch, empty on the main line
	Status    StepStatus
	StartedAt time.Time
	Duration  time.Duration
	Error     string
	Notes     []string // compatibility rules that mended something, warnings
	Outputs   map[string]any
}

// Progress is where a run stands; the newest one replaces those before.
type Progress struct {
	Percent int // 0–100, never falls within a run
	NodeID  string
	Message string
}

// Sink receives what a run tells while it goes. Calls come from one goroutine
// at a time and must return soon: a sink that cannot keep up drops and counts.
type Sink interface {
	Log(Line)
	Step(Step)
	Progress(Progress)
}

// Gate lets a run go on, or stops it. The runner asks before every node.
type Gate interface {
	// Enter is called before each node; an error stops the run with it.
	Enter(ctx context.Context, nodeID string) error
	// Begin announces a node that must not run twice and waits until the intent
	// is safe. It returns skip with the recorded outcome when an earlier attempt
	// has done the work.
	Begin(ctx context.Context, nodeID, key string) (outcome map[string]any, skip bool, err error)
	// End records how the announced node ended.
	End(ctx context.Context, nodeID, key string, ok bool, outcome map[string]any) error
}
