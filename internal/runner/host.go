package runner

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/outbound"
)

// maxDocument bounds a workflow that a subflow node names.
const maxDocument = 10 << 20

// host is the world of one job.
type host struct {
	policy  *Policy
	files   *files
	system  *system
	guard   *outbound.Guard
	fetch   func(ctx context.Context, name string) (string, error) // secrets
	library func(ctx context.Context, ref string) ([]byte, error)  // documents by id
	hide    func(secret string)
	queues  engine.Queues

	mu      sync.Mutex
	secrets map[string]string // that the run has had already
}

// NoSecret says that a run has no secret of that name, and why: the reference to
// it stays as it is written.
type NoSecret = engine.NoSecret

// HostOptions are what a host needs besides the policy. All may be nil.
type HostOptions struct {
	// Secret returns the value of a secret that the workflow names. An error
	// other than NoSecret fails the step that refers to it.
	Secret func(ctx context.Context, name string) (string, error)
	// Workflow returns a document by id, when no file of that name is there.
	Workflow func(ctx context.Context, ref string) ([]byte, error)
	// Queues are those of the orchestrator; nil: there is none.
	Queues engine.Queues
	// Hide is told every secret before the workflow gets it.
	Hide func(secret string)
	// Environ is the environment that the job's copy starts from; nil means
	// the one of this process.
	Environ []string
}

// Host is an [engine.Host] with a folder that it has opened.
type Host interface {
	engine.Host
	io.Closer
}

// OpenHost makes the world of one job in dir, which must exist. Close lets go
// of the folder and leaves it in place.
func OpenHost(dir string, policy Policy, o HostOptions) (Host, error) {
	return openHost(dir, policy, o)
}

func openHost(dir string, policy Policy, o HostOptions) (*host, error) {
	if o.Environ == nil {
		o.Environ = robotEnviron()
	}
	env := newEnvironment(o.Environ)
	f, err := openFiles(dir, policy.Roots, env.Lookup)
	if err != nil {
		return nil, err
	}
	network := outbound.Intranet()
	if policy.Network != nil {
		network = *policy.Network
	}
	h := &host{policy: &policy, files: f, guard: outbound.New(network), fetch: o.Secret, library: o.Workflow, hide: o.Hide, queues: o.Queues}
	if h.queues == nil {
		h.queues = engine.NoQueues{}
	}
	h.system = &system{environment: env, dir: f.roots[0].dir, policy: h.policy}
	return h, nil
}

// Close lets go of the folders and of idle connections.
func (h *host) Close() error {
	h.guard.Close()
	return h.files.Close()
}

// Now is the wall clock.
func (h *host) Now() time.Time { return time.Now() }

// Rand returns a fresh source of random numbers.
func (h *host) Rand() *rand.Rand { return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) } //nolint:gosec // not for secrets

// Files is the file system as the job sees it.
func (h *host) Files() engine.Files { return h.files }

// Queues are those of whoever started the job.
func (h *host) Queues() engine.Queues { return h.queues }

// System is the machine as the job sees it.
func (h *host) System() engine.System { return h.system }

// Workflow reads a document from the job's folder, else asks whoever started
// the job for it by id.
func (h *host) Workflow(ctx context.Context, ref string) ([]byte, error) {
	file, err := h.files.Open(ref, engine.Read)
	if err != nil {
		if h.library != nil {
			return h.library(ctx, ref)
		}
		return nil, engine.Fail("FileNotFoundError", "Workflow %q was not found", ref)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read workflow %s: %w", ref, err)
	}
	if len(data) > maxDocument {
		return nil, engine.Fail("ValueError", "Workflow %q is larger than %d bytes", ref, maxDocument)
	}
	return data, nil
}

// Secret fetches a secret, once in a run, and has it redacted before anyone else
// sees it.
func (h *host) Secret(ctx context.Context, name string) (string, error) {
	if h.fetch == nil {
		return "", NoSecret{Reason: engine.Fail("KeyError", "Secret %q is not available here", name)}
	}
	h.mu.Lock()
	v, ok := h.secrets[name]
	h.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := h.fetch(ctx, name)
	if err != nil {
		return "", err
	}
	if h.hide != nil {
		h.hide(v)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.secrets == nil {
		h.secrets = map[string]string{}
	}
	h.secrets[name] = v
	return v, nil
}

var _ Host = (*host)(nil)
