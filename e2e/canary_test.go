package e2e

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
)

// canary is a secret that is looked for everywhere after a full run.
const canary = `c4nary/7+"q&zz-nobody-may-read-this`

// forms are the ways in which a secret may have been written.
func forms() map[string]string {
	quoted, _ := json.Marshal(canary)
	out := map[string]string{
		"plain": canary, "hex": hex.EncodeToString([]byte(canary)), "url": url.QueryEscape(canary), "path": url.PathEscape(canary),
		"json": strings.Trim(string(quoted), `"`),
	}
	for shift := range 3 { // what is before it moves the letters; the ends depend on the neighbours
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + canary))
		out[fmt.Sprintf("base64 after %d", shift)] = text[4 : len(text)-4]
	}
	return out
}

// holds fails for each form that is in a text, without showing it.
func holds(t *testing.T, where, text string) {
	t.Helper()
	for form, secret := range forms() {
		if strings.Contains(text, secret) {
			t.Errorf("the secret is in %s, %s", where, form)
		}
	}
}

// telling is a workflow that uses a secret, and tells it in every way it can.
func telling(last string) json.RawMessage {
	return fmt.Appendf(nil, `{"metadata":{"name":"telling %s"},"nodes":{
		"s":{"node_id":"s","node_type":"StartNode","config":{}},
		"v":{"node_id":"v","node_type":"SetVariableNode","config":{"variable_name":"got","default_value":"{{$secret:erp.password}}"}},
		"l":{"node_id":"l","node_type":"LogNode","config":{"message":"it is {{got}} or {{$secret:erp.password}} at {{$secret:where}}"}},
		"x":{"node_id":"x","node_type":%q,"config":{"message":"the last","error_message":"no login with {{got}}"}}},
		"connections":[{"source_node":"s","source_port":"exec_out","target_node":"v","target_port":"exec_in"},
		{"source_node":"v","source_port":"exec_out","target_node":"l","target_port":"exec_in"},
		{"source_node":"l","source_port":"exec_out","target_node":"x","target_port":"exec_in"}],
		"settings":{"fleet":{"secrets":["erp","where"]}}}`, last, last)
}

// TestCanary runs jobs that use a secret and tell it, one that completes, one
// that fails and is retried, and then looks for it in the database, its backup,
// every answer of the API, the metrics, and the robot's folders.
func TestCanary(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	home := t.TempDir()
	_, stop := w.launch("web-1", w.key("web-1"), home, 1)
	t.Cleanup(stop)
	_, err := w.api.PutSecret(ctx, "erp", client.SecretChange{Fields: map[string]string{"user": "ada", "password": canary}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.api.PutAsset(ctx, fleet.Asset{Name: "where", Type: fleet.AssetText, Value: json.RawMessage(`"gate5"`)}); err != nil {
		t.Fatal(err)
	}
	var ids []fleet.ID
	ends := func(id fleet.ID, want fleet.State) fleet.ID {
		t.Helper()
		end, err := w.api.WaitJob(ctx, id, nil)
		if err != nil || end.State != want {
			t.Fatalf("job %s is %s, want %s: %v", id, end.State, want, err)
		}
		ids = append(ids, id)
		return id
	}
	run := func(doc json.RawMessage, want fleet.State) fleet.ID {
		t.Helper()
		none := 0
		job, err := w.api.SubmitJob(ctx, client.SubmitRequest{Workflow: doc, Retry: &client.RetryChange{Max: &none}})
		if err != nil {
			t.Fatal(err)
		}
		return ends(job.ID, want)
	}
	done := run(telling("LogNode"), fleet.Completed)
	again, err := w.api.RetryJob(ctx, run(telling("ThrowErrorNode"), fleet.Failed), client.RetryRequest{})
	if err != nil {
		t.Fatal(err)
	}
	ends(again.JobID, fleet.Failed)
	if log := w.answer("/api/v1/jobs/" + string(done) + "/log"); !strings.Contains(log, "it is *** or *** at gate5") {
		holds(t, "the log", log)
		t.Errorf("the job did not get what it asked for: %s", strings.ReplaceAll(log, canary, "(the secret)"))
	}
	if rows := w.answer("/api/v1/audit?action=secret.read"); strings.Count(rows, `"secret.read"`) < 3 {
		t.Errorf("reads are not in the audit: %s", rows)
	}
	for _, path := range []string{
		"/api/v1/jobs", "/api/v1/events?limit=1000", "/api/v1/audit?limit=1000", "/api/v1/audit/export", "/api/v1/secrets", "/api/v1/secrets/erp",
		"/api/v1/dlq", "/api/v1/robots", "/api/v1/workflows", "/api/v1/assets", "/health",
	} {
		holds(t, path, w.answer(path))
	}
	for _, id := range ids {
		for _, part := range []string{"", "/log", "/attempts", "/explain", "/graph"} {
			holds(t, "job"+part, w.answer("/api/v1/jobs/"+string(id)+part))
		}
	}
	backup := filepath.Join(t.TempDir(), "b.tar.gz")
	if _, err := (app.Database{Dir: w.at.DataDir, URL: w.at.DatabaseURL}).Backup(ctx, backup, "test", nil); err != nil {
		t.Fatal(err)
	}
	stop()
	text := unzipped(t, backup)
	if !strings.Contains(text, "it is ***") {
		t.Error("the backup has no log to look into")
	}
	holds(t, "the backup", text)
	inFiles(t, home)
	if w.at.DatabaseURL == "" { // else the backup is all there is to look into
		inFiles(t, w.at.DataDir)
	}
}

func unzipped(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inFiles looks into every file of a folder.
func inFiles(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		files++
		holds(t, filepath.Base(path), string(text))
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%s: %d files, %v", dir, files, err)
	}
}

// answer reads a path as a program would.
func (w *world) answer(path string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.app.URL()+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %d %s %v", path, resp.StatusCode, text, err)
	}
	return string(text)
}
