package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/workflow"
)

// Here is the machine that serves the page, where workflows can run without any
// robot, and the folder of workflow files that it was given.
type Here interface {
	Host() string
	Check(doc []byte) (workflow.Diagnostics, []fleet.SegmentPlan, error)
	Start(tenant fleet.TenantID, in fleet.LocalStart) (fleet.LocalRun, error)
	List(tenant fleet.TenantID) []fleet.LocalRun
	Get(ctx context.Context, tenant fleet.TenantID, id fleet.ID, after int64) (fleet.LocalRun, error)
	Log(ctx context.Context, tenant fleet.TenantID, id fleet.ID, from int64, limit int) (fleet.LocalLog, error)
	Cancel(tenant fleet.TenantID, id fleet.ID) (fleet.LocalRun, error)
	HasFolder() bool
	ListFiles() (dir string, list []fleet.LocalFile, more bool, err error)
	OpenFile(name string) (fleet.LocalFile, error)
	SaveFile(name, text, etag string) (fleet.LocalFile, error)
}

// HereOff is why nothing runs here unless somebody has switched it on.
const HereOff = "This server does not run workflows itself. Use `fleet canvas` on your own machine."

// LocalRunList is the runs that are remembered, newest first.
type LocalRunList struct {
	Runs []fleet.LocalRun `json:"runs"`
}

// LocalStartBody asks for a run on the machine that serves the page.
type LocalStartBody struct {
	Workflow json.RawMessage `json:"workflow_json" opaque:"true" doc:"The document, as an object or as a text that holds one."`
	Name     string          `json:"workflow_name,omitempty" doc:"The document's own name if left out."`
	File     string          `json:"file,omitempty" doc:"The file that it was read from, for the record."`
	Inputs   json.RawMessage `json:"inputs,omitempty" doc:"The variables, an object."`
	Timeout  int64           `json:"run_timeout_seconds,omitempty" doc:"No limit if left out."`
}

// LocalFileList is the workflow files of the folder.
type LocalFileList struct {
	Folder string            `json:"folder" doc:"Empty: this program was given none."`
	Files  []fleet.LocalFile `json:"files"`
	More   bool              `json:"more" doc:"There are more than are listed."`
}

// LocalFileBody writes a workflow file.
type LocalFileBody struct {
	Path string `json:"path" doc:"Relative to the folder, with slashes; ends in .json."`
	Text string `json:"text" doc:"The whole content, kept byte by byte."`
	ETag string `json:"etag,omitempty" doc:"Of the content that the author began with; left out: there must be no such file yet."`
}

func (a *API) localRoutes() {
	at := Base + "/local"
	route(a, operation{
		method: http.MethodPost, path: at + "/runs", id: "local.start", summary: "Run a workflow on the machine that serves the page",
		may: need(fleet.JobsRun), rate: rateWrite, status: http.StatusCreated, body: jsonBody[LocalStartBody](workflowBody, true),
		description: "Only where GET /meta says local.enabled. The run has the states and the log of a job and is forgotten when the program ends.",
	}, a.startLocal)
	route(a, operation{
		method: http.MethodGet, path: at + "/runs", id: "local.runs", summary: "List the local runs that are remembered, newest first",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.listLocal)
	route(a, operation{
		method: http.MethodGet, path: at + "/runs/{id}", id: "local.run", summary: "Get a local run, node by node",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.getLocal)
	route(a, operation{
		method: http.MethodGet, path: at + "/runs/{id}/log", id: "local.log", summary: "Read the log of a local run",
		may: need(fleet.JobsRead), rate: rateRead, times: 10,
	}, a.localLog)
	route(a, operation{
		method: http.MethodPost, path: at + "/runs/{id}/cancel", id: "local.cancel", summary: "Cancel a local run",
		may: need(fleet.JobsRun), rate: rateWrite,
	}, a.cancelLocal)
	route(a, operation{
		method: http.MethodGet, path: at + "/files", id: "local.files", summary: "List the workflow files of the folder that the program was given",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.localFiles)
	route(a, operation{
		method: http.MethodGet, path: at + "/files/open", id: "local.open", summary: "Read a workflow file as it is",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.openLocal)
	route(a, operation{
		method: http.MethodPut, path: at + "/files", id: "local.save", summary: "Write a workflow file",
		may: need(fleet.WorkflowsWrite), rate: rateWrite, body: jsonBody[LocalFileBody](workflowBody, true),
		description: "Answers 409 if the file is not the one that the author began with.",
	}, a.saveLocal)
}

// here is the machine, unless it runs nothing.
func (a *API) here() (Here, error) {
	if a.o.Here == nil {
		return nil, fleet.Errorf(fleet.CodeConflict, "local_off", HereOff)
	}
	return a.o.Here, nil
}

// noteLocal writes into the audit what was done here, where there is one.
func (a *API) noteLocal(ctx context.Context, action, id, name string) error {
	if a.o.Orchestrator == nil {
		return nil
	}
	return a.o.Orchestrator.Audits.NoteLocal(ctx, auth.From(ctx), action, id, name)
}

type localRunReply struct{ Body fleet.LocalRun }

func (a *API) startLocal(ctx context.Context, _ *struct{}) (*localRunReply, error) {
	here, err := a.here()
	if err != nil {
		return nil, err
	}
	body, err := decode[LocalStartBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	in := fleet.LocalStart{Name: body.Name, File: body.File, Variables: body.Inputs}
	if in.Document, err = document(body.Workflow, a.o.Limits); err != nil {
		return nil, err
	}
	if len(in.Document) == 0 {
		return nil, fleet.Invalid("workflow_json", "workflow_json is missing.")
	}
	if in.Timeout, err = seconds("run_timeout_seconds", body.Timeout); err != nil {
		return nil, err
	}
	tenant := auth.From(ctx).Tenant
	run, err := here.Start(tenant, in)
	if err != nil {
		return nil, err
	}
	if err := a.noteLocal(ctx, "local_run.start", string(run.ID), run.Name); err != nil {
		_, _ = here.Cancel(tenant, run.ID) // what cannot be told is not done
		return nil, err
	}
	return &localRunReply{showLocal(run)}, nil
}

type localRunsReply struct{ Body LocalRunList }

func (a *API) listLocal(ctx context.Context, _ *struct{}) (*localRunsReply, error) {
	here, err := a.here()
	if err != nil {
		return nil, err
	}
	return &localRunsReply{LocalRunList{showAll(here.List(auth.From(ctx).Tenant), showLocal)}}, nil
}

// LocalRunInput names a local run. It is exported because embedded fields are
// bound only then.
type LocalRunInput struct {
	ID string `path:"id"`
}

func (in *LocalRunInput) id() (fleet.ID, error) {
	if id := fleet.ID(in.ID); id.Valid() {
		return id, nil
	}
	return "", fleet.NotFound("local run", in.ID)
}

type getLocalInput struct {
	LocalRunInput
	After int64 `query:"after" doc:"Wait until the run is newer than this v."`
	Wait  int64 `query:"wait_ms" doc:"How long to wait at most (30000)."`
}

func (a *API) getLocal(ctx context.Context, in *getLocalInput) (*localRunReply, error) {
	here, err := a.here()
	if err != nil {
		return nil, err
	}
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	wait, err := waitOf(in.Wait)
	if err != nil {
		return nil, err
	}
	after := in.After
	if wait == 0 {
		after = 0
	}
	ctx2, stop := a.waiting(ctx, wait)
	defer stop()
	run, err := here.Get(ctx2, auth.From(ctx).Tenant, id, after)
	if err != nil {
		return nil, err
	}
	return &localRunReply{showLocal(run)}, nil
}

// waiting bounds a long poll, which ends when the server does.
func (a *API) waiting(ctx context.Context, wait time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	done := make(chan struct{})
	over := context.AfterFunc(ctx, func() { close(done) })
	go func() {
		select {
		case <-a.stopping:
			cancel()
		case <-done:
		}
	}()
	return ctx, func() { cancel(); over() }
}

type localLogInput struct {
	LocalRunInput
	From  int64 `query:"from_line" doc:"Line to start at; 1 is the first."`
	Limit int   `query:"limit" doc:"1 to 5000; 1000 if left out."`
	Wait  int64 `query:"wait_ms" doc:"Wait up to so long (30000 at most) for lines, unless the run has ended."`
}

func (a *API) localLog(ctx context.Context, in *localLogInput) (*logReply, error) {
	here, err := a.here()
	if err != nil {
		return nil, err
	}
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	wait, err := waitOf(in.Wait)
	if err != nil {
		return nil, err
	}
	if in.Limit == 0 {
		in.Limit = 1000
	}
	if in.From < 0 || in.Limit < 1 || in.Limit > 5000 {
		return nil, fleet.Invalid("limit", "from_line must not be negative and limit be between 1 and 5000; got %d and %d.", in.From, in.Limit)
	}
	ctx2, stop := a.waiting(ctx, wait)
	defer stop()
	got, err := here.Log(ctx2, auth.From(ctx).Tenant, id, in.From, in.Limit)
	if err != nil {
		return nil, err
	}
	out := LogPage{
		JobID: got.Run.ID, Status: got.Run.State, Lines: showAll(got.Lines, showLine), NextEpoch: 1, NextLine: max(in.From, 1),
		Final: got.Run.State.Final() && len(got.Lines) == 0,
	}
	if n := len(got.Lines); n > 0 {
		out.NextLine = got.Lines[n-1].Line + 1
	}
	return &logReply{out}, nil
}

func (a *API) cancelLocal(ctx context.Context, in *LocalRunInput) (*localRunReply, error) {
	here, err := a.here()
	if err != nil {
		return nil, err
	}
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	run, err := here.Cancel(auth.From(ctx).Tenant, id)
	if err != nil {
		return nil, err
	}
	if err := a.noteLocal(ctx, "local_run.cancel", string(run.ID), run.Name); err != nil {
		return nil, err
	}
	return &localRunReply{showLocal(run)}, nil
}

type localFilesReply struct{ Body LocalFileList }

func (a *API) localFiles(context.Context, *struct{}) (*localFilesReply, error) {
	here, err := a.here()
	if err != nil {
		return nil, err
	}
	dir, list, more, err := here.ListFiles()
	if err != nil {
		return nil, err
	}
	return &localFilesReply{LocalFileList{Folder: dir, Files: list, More: more}}, nil
}

type openLocalInput struct {
	Path string `query:"path" doc:"Relative to the folder, with slashes."`
}

type localFileReply struct{ Body fleet.LocalFile }

func (a *API) openLocal(_ context.Context, in *openLocalInput) (*localFileReply, error) {
	here, err := a.here()
	if err != nil {
		return nil, err
	}
	f, err := here.OpenFile(in.Path)
	if err != nil {
		return nil, err
	}
	return &localFileReply{f}, nil
}

func (a *API) saveLocal(ctx context.Context, _ *struct{}) (*localFileReply, error) {
	here, err := a.here()
	if err != nil {
		return nil, err
	}
	limits := a.o.Limits
	limits.JSONString = limits.Workflow // the text is a whole document
	body, err := decode[LocalFileBody](callOf(ctx).body, limits)
	if err != nil {
		return nil, err
	}
	f, err := here.SaveFile(body.Path, body.Text, body.ETag)
	if err != nil {
		return nil, err
	}
	if err := a.noteLocal(ctx, "local_file.save", f.Path, f.Name); err != nil {
		return nil, err
	}
	return &localFileReply{f}, nil
}

func showLocal(r fleet.LocalRun) fleet.LocalRun {
	stamp(&r.CreatedAt, &r.StartedAt, &r.EndedAt)
	if r.Nodes == nil {
		r.Nodes = []fleet.NodeRun{}
	}
	return r
}
