package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/runner"
)

// What a workflow writes into the folder artifacts is handed over before the
// folder goes, also of a job that failed: without secrets, within bounds, and
// without what a link names elsewhere.
func TestArtifactsAreKept(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "elsewhere.txt")
	if err := os.WriteFile(secret, []byte("of the machine"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "artifacts", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "artifacts", "link.txt")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{".hidden": "x", "big.bin": strings.Repeat("x", fleet.MaxArtifact+1), "page.png": "\x89PNG\xff hunter22", "gone.txt": ""} {
		if err := os.WriteFile(filepath.Join(dir, "artifacts", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := setup(t, nil)
	got := map[string]string{}
	out, err := r.Run(t.Context(), runner.Job{
		ID: "j", Dir: dir, Secrets: []string{"hunter22"},
		Document: chain(t,
			node("w", "WriteFileNode", "file_path", "artifacts/a.csv", "content", "user;hunter22"),
			node("r", "ReadFileNode", "file_path", "nowhere.txt")),
		Keep: func(_ context.Context, name string, body []byte) error {
			if name == "gone.txt" {
				return errors.New("the orchestrator answered 413")
			}
			got[name] = string(body)
			return nil
		},
	}, nil, nil)
	if err != nil || out.Success {
		t.Fatalf("%+v, %v", out, err)
	}
	if len(got) != 2 || got["a.csv"] == "" || strings.Contains(got["a.csv"], "hunter22") || got["page.png"] != "\x89PNG\xff hunter22" {
		t.Errorf("kept %d files, %q", len(got), got["a.csv"])
	}
	for _, left := range []string{"link.txt", "sub", ".hidden", "big.bin", "gone.txt"} {
		if !slices.ContainsFunc(out.Notes, func(n string) bool { return strings.HasPrefix(n, "the artifact "+left+" was left out: ") }) {
			t.Errorf("nothing is said of %s: %q", left, out.Notes)
		}
	}
}
