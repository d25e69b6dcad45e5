package law

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	envName  = regexp.MustCompile(`\bFLEET_[A-Z_]+\b`)
	flagName = regexp.MustCompile(`(?:^|\s)(--[a-z][a-z-]+)`)
	command  = regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/fleet (.*)$`)
)

// TestDeployNames holds every setting that the files of deploy/ use against
// the reference of the configuration, which is made from the code.
func TestDeployNames(t *testing.T) {
	reference, err := os.ReadFile(filepath.Join(root(t), "docs", "reference", "config.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile("`((?:--|FLEET_)[A-Za-z_-]+)`").FindAllStringSubmatch(string(reference), -1) {
		known[m[1]] = true
	}
	names := 0
	check := func(path string, found []string) {
		for _, name := range found {
			if names++; !known[name] {
				t.Errorf("%s: docs/reference/config.md has no %s", path, name)
			}
		}
	}
	for _, path := range deployed(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		check(path, envName.FindAllString(string(text), -1))
		for _, m := range command.FindAllStringSubmatch(string(text), -1) {
			for _, f := range flagName.FindAllStringSubmatch(" "+m[1], -1) {
				check(path, f[1:])
			}
		}
	}
	if names < 10 {
		t.Errorf("only %d names of settings found; is this looking at the right files?", names)
	}
}

// deployed lists the files of deploy/ without the secrets that a trial leaves.
func deployed(t *testing.T) (files []string) {
	t.Helper()
	for _, pattern := range []string{"*", "systemd/*", "proxy/*"} {
		found, err := filepath.Glob(filepath.Join(root(t), "deploy", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				files = append(files, path)
			}
		}
	}
	return files
}

// TestDeployUnits lets systemd read the units where it is installed.
func TestDeployUnits(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "fleet")                                      // verify looks whether it is there
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // it has to be executable
		t.Fatal(err)
	}
	for _, unit := range []string{"fleet.service", "fleet-robot.service"} {
		text, err := os.ReadFile(filepath.Join(root(t), "deploy", "systemd", unit))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, unit)
		text = bytes.ReplaceAll(text, []byte("/usr/local/bin/fleet"), []byte(program))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if out := output(t, "", tool, "verify", path); strings.TrimSpace(out) != "" {
			t.Errorf("%s:\n%s", unit, out)
		}
	}
}

// TestDeployCompose lets docker compose read its file where it is installed.
func TestDeployCompose(t *testing.T) {
	dir := filepath.Join(root(t), "deploy")
	tool, err := exec.LookPath("docker")
	if err != nil {
		t.Skip("docker is not installed")
	}
	if exec.CommandContext(t.Context(), tool, "compose", "version").Run() != nil {
		t.Skip("docker has no compose plugin")
	}
	out := output(t, dir, tool, "compose", "-f", "compose.yaml", "config", "--services")
	for _, service := range []string{"postgres", "orchestrator-1", "orchestrator-2", "orchestrator-3", "proxy"} {
		if !strings.Contains(out, service) {
			t.Errorf("compose.yaml has no service %s:\n%s", service, out)
		}
	}
}

// output runs a program that has to succeed and returns all that it says.
func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
