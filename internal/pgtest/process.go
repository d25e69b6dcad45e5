package pgtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// child is a program that we started. Its goroutine waits for its end.
type child struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when it has ended
}

// spawn starts a program as the user whom PostgreSQL accepts, its output
// appended to a file.
func spawn(log string, name string, args ...string) (*child, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...) //nolint:noctx // its life is that of the cluster, which ends it in its own way
	cmd.Env, cmd.Dir = environment(), filepath.Dir(log)
	cmd.Stdout, cmd.Stderr = out, out
	if err := prepare(cmd); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The system sends the signal of the parent's death when the thread that
		// started the child ends, so that thread stays until the child has gone.
		runtime.LockOSThread()
		defer close(c.gone)
		defer out.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
	}()
	return c, <-started
}

// running tells whether the program has not ended yet.
func (c *child) running() bool {
	select {
	case <-c.gone:
		return false
	default:
		return true
	}
}

// end asks the program to end and waits; when it takes too long it is killed.
func (c *child) end(s os.Signal, limit time.Duration) error {
	if !c.running() {
		return nil
	}
	_ = c.cmd.Process.Signal(s) // it may end at this very moment
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.gone:
		return nil
	case <-timer.C:
		_ = c.cmd.Process.Kill()
		<-c.gone
		return fmt.Errorf("%s did not end within %s of %s and was killed", c.cmd.Path, limit, s)
	}
}

// run runs a program to its end.
func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = environment()
	cmd.Dir = os.TempDir()
	if err := prepare(cmd); err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// environment keeps the variables of the caller's own databases away.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}

// freePort finds a port that nobody listens on. It lies below the range from
// which systems take the ports of outgoing connections: a port out of that range
// may be gone when a stopped server wants it again.
func freePort(ctx context.Context) (int, error) {
	var err error
	for range 50 {
		port := 20000 + rand.IntN(12000) //nolint:gosec // any port will do
		var l net.Listener
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port: %w", err)
}

// poll asks until ok, until the time is up or until a program that it hangs on has gone.
func poll(ctx context.Context, limit time.Duration, on *child, ok func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", limit, err)
		case <-on.gone:
			return fmt.Errorf("it ended by itself: %w", err)
		case <-tick.C:
		}
	}
}
