package script

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

// runProgram runs a command, again after a failure as often as the node asks,
// and puts how it ended on the outputs.
func runProgram(ctx context.Context, c *engine.Call, what string, cmd engine.Command) (engine.Result, error) {
	limit, err := timeout(c)
	if err != nil {
		return engine.Result{}, err
	}
	retries, err := c.Int("retry_count", 0)
	if err != nil {
		return engine.Result{}, err
	}
	interval, err := c.Int("retry_interval", 1000)
	if err != nil {
		return engine.Result{}, err
	}
	cmd.Timeout, cmd.Dir = limit, c.Text("working_dir")
	onNonzero := c.Bool("retry_on_nonzero")
	for try := int64(0); ; try++ {
		res, err := c.Host().Exec(ctx, &cmd)
		if err == nil && res.TimedOut {
			err = tooLong(what, limit)
		}
		again := err != nil && repeatable(err) || err == nil && res.ExitCode != 0 && onNonzero
		if try < retries && again && ctx.Err() == nil {
			c.Note(fmt.Sprintf("try %d of %d failed, trying again", try+1, retries+1))
			if err := engine.Pause(ctx, time.Duration(min(max(interval, 0), 86_400_000))*time.Millisecond); err != nil {
				return engine.Result{}, err
			}
			continue
		}
		if err != nil {
			return engine.Result{}, err
		}
		if res.Truncated {
			c.Warn("the output of the script was longer than what is kept of it; its end is missing")
		}
		c.Set("stdout", clean(res.Stdout))
		c.Set("stderr", clean(res.Stderr))
		c.Set("return_code", int64(res.ExitCode))
		c.Set("success", res.ExitCode == 0)
		return engine.Continue(), nil
	}
}

// repeatable leaves out what comes again: a refusal, a program that is not there.
func repeatable(err error) bool {
	var told *engine.Failure
	return !errors.As(err, &told) || told.Class == engine.ClassTimeout
}

// runBatch runs a script of the system's shell out of a file, so that its
// length has no limit and its standard input stays free.
func runBatch(ctx context.Context, c *engine.Call) (engine.Result, error) {
	source, err := code(c, "script")
	if err != nil {
		return engine.Result{}, err
	}
	name := fmt.Sprintf(".script-%016x", c.Host().Rand().Uint64())
	shell := []string{"bash"}
	if runtime.GOOS == "windows" {
		name, shell = name+".bat", []string{"cmd", "/C"}
		source = strings.ReplaceAll(source, "\n", "\r\n")
	} else {
		name += ".sh"
		if _, err := c.Host().System().LookPath("bash"); err != nil {
			shell = []string{"sh"}
		}
		if !strings.HasPrefix(source, "#!") {
			source = "#!/bin/bash\n" + source
		}
	}
	files := c.Host().Files()
	file, err := files.Path(name)
	if err != nil {
		return engine.Result{}, err
	}
	f, err := files.Open(name, engine.Exclusive)
	if err != nil {
		return engine.Result{}, fmt.Errorf("write the script: %w", err)
	}
	defer func() { _ = files.Remove(name) }()
	_, err = f.Write([]byte(source))
	if err := errors.Join(err, f.Close()); err != nil {
		return engine.Result{}, fmt.Errorf("write the script: %w", err)
	}
	return runProgram(ctx, c, "Script", engine.Command{Args: append(shell, file), Needs: "shell"})
}
