package e2e

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/runner/runnertest"
	"github.com/casarerpa/fleet/wire"
	"github.com/casarerpa/fleet/workflow/value"
)

// TestIndex submits every real file of the first wave to a fleet and compares
// how it ended. Files that are skipped say why.
func TestIndex(t *testing.T) {
	dir := runnertest.Folder(t, "..")
	base := runnertest.Serve(t, dir)
	w := newWorld(t)
	room := w.robot("r1")
	for _, f := range runnertest.Files(t, dir) {
		t.Run(f.Name, func(t *testing.T) {
			if f.Skip != "" {
				t.Skip(f.Skip)
			}
			folder := t.TempDir()
			document, variables := f.Load(t, base, folder)
			room.set(folder)
			f.Compare(t, base, w.submit(t, document, variables, folder))
		})
	}
}

// submit runs a document on the fleet and waits for its end.
func (w *world) submit(t *testing.T, document []byte, variables *value.Map, folder string) runnertest.Result {
	t.Helper()
	none := 0
	r := client.SubmitRequest{Workflow: document, Retry: &client.RetryChange{Max: &none}}
	if variables != nil && variables.Len() > 0 {
		r.Variables = variables
	}
	job, err := w.api.SubmitJob(t.Context(), r)
	if errors.Is(err, fleet.ErrInvalid) {
		e, texts := fleet.AsError(err), []string{}
		for _, f := range e.Fields {
			texts = append(texts, f.Code+": "+f.Message)
		}
		return runnertest.Result{Refused: true, Error: strings.Join(texts, "; "), Dir: folder}
	}
	if err != nil {
		t.Fatal(err)
	}
	end, err := w.api.WaitJob(t.Context(), job.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := runnertest.Result{Success: end.State == fleet.Completed, Executed: -1, Dir: folder}
	for line, err := range w.api.FollowLog(t.Context(), job.ID) {
		if err != nil {
			t.Fatal(err)
		}
		out.Lines = append(out.Lines, "["+strings.ToUpper(line.Level)+"] "+line.Message)
	}
	if end.Error != nil {
		out.Error, out.FailedNode = end.Error.Message, end.Error.Node
	}
	if len(end.Result) == 0 {
		return out
	}
	var result wire.Result
	if err := json.Unmarshal(end.Result, &result); err != nil {
		t.Fatal(err)
	}
	vars, err := value.Parse(result.Variables)
	if err != nil {
		t.Fatal(err)
	}
	out.Executed, out.Path = result.NodesExecuted, result.ExecutionPath
	out.Variables, _ = vars.(*value.Map)
	return out
}
