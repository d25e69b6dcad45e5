package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

const (
	defaultOutput = 500 << 10       // kept of each stream when a node says nothing: both together still fit into a variable
	maxOutput     = 16 << 20        // the most a node may ask for
	pipeDelay     = 2 * time.Second // wait for children that hold the pipes after the program ended
	killDelay     = 2 * time.Second // between the polite signal and the other one
	maxRun        = 24 * time.Hour  // of one program
	maxLine       = 128 * 1024      // of a command line
)

// Exec runs a program to its end. Its whole process group dies when ctx ends,
// when its time is over, and when the program itself is gone.
func (h *host) Exec(ctx context.Context, c *engine.Command) (*engine.CommandResult, error) {
	if err := h.policy.permits(c.Needs); err != nil {
		return nil, err
	}
	if c.Shell && !h.policy.AllowShell {
		return nil, h.policy.permits("shell")
	}
	args, err := commandLine(c)
	if err != nil {
		return nil, err
	}
	dir := "."
	if c.Dir != "" {
		dir = c.Dir
	}
	if dir, err = h.files.Path(dir); err != nil {
		return nil, err
	}
	path, err := h.system.LookPath(args[0])
	if err != nil {
		return nil, engine.Fail("FileNotFoundError", "Program %q was not found on this machine", args[0])
	}
	timeout := c.Timeout
	if timeout <= 0 || timeout > maxRun {
		timeout = maxRun
	}
	runCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	limit := c.Limit
	if limit <= 0 {
		limit = defaultOutput
	}
	var stdout, stderr keep
	stdout.limit, stderr.limit = min(limit, maxOutput), min(limit, maxOutput)
	cmd := exec.CommandContext(runCtx, path, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Dir = dir
	cmd.Env = h.system.environ(c.Env)
	cmd.Stdin = c.Stdin
	cmd.WaitDelay = killDelay + pipeDelay
	pipes, err := connect(cmd, &stdout, &stderr)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	err = newGroup(cmd).run(pipes.started)
	pipes.finish()
	res := &engine.CommandResult{
		Stdout: stdout.String(), Stderr: stderr.String(),
		Truncated: stdout.cut() || stderr.cut(),
	}
	if cmd.ProcessState == nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	res.ExitCode = exitCode(cmd.ProcessState)
	if ctx.Err() != nil {
		return res, context.Cause(ctx)
	}
	if errors.Is(runCtx.Err(), context.DeadlineExceeded) {
		res.TimedOut = true
	}
	return res, nil
}

// pipes carry the output of a program. They are our own rather than those of
// os/exec, so that the end of the program is seen before its children let go of
// them: what it left behind can then be ended at once.
type pipes struct {
	read  []*os.File
	write []*os.File
	done  sync.WaitGroup
}

func connect(cmd *exec.Cmd, stdout, stderr io.Writer) (*pipes, error) {
	p := &pipes{}
	for _, to := range []io.Writer{stdout, stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			p.started()
			p.finish()
			return nil, err
		}
		p.read, p.write = append(p.read, r), append(p.write, w)
		p.done.Go(func() { _, _ = io.Copy(to, r) })
	}
	cmd.Stdout, cmd.Stderr = p.write[0], p.write[1]
	return p, nil
}

// started lets go of the ends that now belong to the program.
func (p *pipes) started() {
	for _, w := range p.write {
		_ = w.Close()
	}
}

// finish waits for the rest of the output, but not for long.
func (p *pipes) finish() {
	timer := time.AfterFunc(pipeDelay, p.close)
	defer timer.Stop()
	p.done.Wait()
	p.close()
}

func (p *pipes) close() {
	for _, r := range p.read {
		_ = r.Close()
	}
}

// commandLine turns a shell line into arguments and refuses what no program
// could be started with.
func commandLine(c *engine.Command) ([]string, error) {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return nil, engine.Fail("ValueError", "No command was given")
	}
	args := c.Args
	if c.Shell {
		args = []string{"/bin/sh", "-c", c.Args[0]}
		if runtime.GOOS == "windows" {
			args = []string{"cmd", "/C", c.Args[0]}
		}
	}
	size := 0
	for _, a := range args {
		size += len(a)
		if bytes.IndexByte([]byte(a), 0) >= 0 {
			return nil, engine.Fail("ValueError", "The command contains a NUL character")
		}
	}
	if size > maxLine {
		return nil, engine.Fail("ValueError", "The command is longer than %d bytes", maxLine)
	}
	return args, nil
}

// exitCode follows Python: a program that a signal ended has the negative
// number of the signal.
func exitCode(s *os.ProcessState) int {
	if s.Exited() {
		return s.ExitCode()
	}
	if sig := endedBy(s); sig > 0 {
		return -sig
	}
	return s.ExitCode()
}

// keep holds the first bytes of a stream and counts the others, so that a
// program may write without end and costs no memory.
type keep struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	limit int64
	lost  int64
}

// Write takes everything and keeps what fits.
func (k *keep) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	room := k.limit - int64(k.buf.Len())
	if int64(len(p)) <= room {
		return k.buf.Write(p)
	}
	k.buf.Write(p[:max(room, 0)])
	k.lost += int64(len(p)) - max(room, 0)
	return len(p), nil
}

// String returns what was kept. The program may have left children that still
// write, so the text is a copy.
func (k *keep) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return string(slices.Clone(k.buf.Bytes()))
}

func (k *keep) cut() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lost > 0
}
