package runner_test

import (
	"context"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/runner"
)

// A run that failed leaves a checkpoint unless what it made goes with the
// attempt; a secret is asked for again where it is gone on from.
func TestCheckpointOfAJob(t *testing.T) {
	r, _ := setup(t, nil)
	secret := func(context.Context, string) (string, error) { return "hunter22hunter22", nil }
	run := func(job runner.Job) (string, string) {
		t.Helper()
		job.ID, job.Hash, job.Checkpoint, job.Secret = "j", "h", true, secret
		out, err := r.Run(t.Context(), job, nil, nil)
		if err != nil || out.Success {
			t.Fatalf("%+v, %v", out, err)
		}
		return string(out.Checkpoint), out.NoCheckpoint
	}
	fails := node("f", "ReadFileNode", "file_path", "nowhere.txt")
	text, why := run(runner.Job{Document: chain(t, node("v", "SetVariableNode", "variable_name", "pw", "value", "{{$secret:erp}}"), fails)})
	if why != "" || !strings.Contains(text, `"pw":{"k":"erp"}`) || strings.Contains(text, "hunter22") {
		t.Errorf("checkpoint %s, %s", text, why)
	}
	if _, why = run(runner.Job{Document: chain(t, node("v", "SetVariableNode", "variable_name", "pw", "value", "Basic {{$secret:erp}}"), fails)}); why != "variable pw holds a value that was made of a secret" {
		t.Errorf("a part of a secret: %q", why)
	}
	if _, why = run(runner.Job{Document: chain(t, node("w", "WriteFileNode", "file_path", "a.csv", "content", "x"), fails)}); why != "the folder of the job holds a.csv, and it goes with the attempt" {
		t.Errorf("a file: %q", why)
	}
	if _, why = run(runner.Job{Document: chain(t, node("e", "EnvironmentVariableNode", "action", "set", "var_name", "A", "value", "b"), fails)}); why != "the environment of the job was changed, and it goes with the attempt" {
		t.Errorf("the environment: %q", why)
	}
	out, err := r.Run(t.Context(), runner.Job{
		ID: "k", Hash: "h", Resume: []byte(text), Secret: secret,
		Document: chain(t, node("v", "SetVariableNode", "variable_name", "pw", "value", "{{$secret:erp}}"), fails),
	}, nil, nil)
	if err != nil || out.FailedNode != "f" || strings.Join(out.Path, " ") != "f" {
		t.Errorf("going on: %+v, %v", out, err)
	}
}
