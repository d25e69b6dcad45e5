// Package process holds the nodes that deal with the machine: commands,
// processes, the environment, readings, watching files, and small tools such
// as QR codes and Base64.
//
// Programs, processes and files are reached through the host alone; the
// package must not import os or os/exec. What the robot's policy forbids fails
// with its words. The list of blocked commands keeps authors from accidents;
// it is no border of security, the policy is.
package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/casarerpa/fleet/internal/engine"
)

// Nodes returns the behaviour of every node type of the family.
func Nodes() engine.Set {
	return engine.Set{
		"RunCommandNode":          reporting(runCommand),
		"ProcessListNode":         engine.Func(listProcesses),
		"ProcessKillNode":         reporting(killProcesses),
		"EnvironmentVariableNode": reporting(environment),
		"SystemInfoNode":          engine.Func(systemInfo),
		"BeepNode":                reporting(beep),
		"FileWatcherNode":         engine.Func(watch),
		"QRCodeNode":              reporting(qrCode),
		"Base64Node":              reporting(encodeBase64),
		"UUIDGeneratorNode":       reporting(makeUUIDs),
		"AssertSystemNode":        engine.Func(assert),
		"LogToFileNode":           reporting(logToFile),
	}
}

// reporting also keeps the output success: false on failure, and true unless
// the node said otherwise.
func reporting(run engine.Func) engine.Func {
	return func(ctx context.Context, c *engine.Call) (engine.Result, error) {
		result, err := run(ctx, c)
		if _, said := c.Output("success"); err != nil || !said {
			c.Set("success", err == nil)
		}
		return result, err
	}
}

// beep does nothing: robots are not heard.
func beep(context.Context, *engine.Call) (engine.Result, error) { return engine.Continue(), nil }

// explain words an error of the file system for the author of the workflow.
func explain(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return engine.Fail("FileNotFoundError", "File not found: %s", name)
	case errors.Is(err, fs.ErrPermission):
		return engine.Fail("PermissionError", "Permission denied: %s", name)
	default:
		return err
	}
}

// store writes data into a file, with the folders above it, and returns its
// absolute path.
func store(files engine.Files, name string, mode engine.OpenMode, data []byte) (string, error) {
	path, err := files.Path(name)
	if err != nil {
		return "", explain(err, name)
	}
	if dir := filepath.Dir(name); dir != "." {
		if info, err := files.Stat(dir); err != nil || !info.IsDir() {
			if err := files.Mkdir(dir, true); err != nil {
				return "", explain(err, dir)
			}
		}
	}
	f, err := files.Open(name, mode)
	if err != nil {
		return "", explain(err, name)
	}
	_, err = f.Write(data)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return path, nil
}
