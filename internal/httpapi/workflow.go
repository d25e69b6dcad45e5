package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/workflow"
)

// WorkflowList is a page of workflows, by name.
type WorkflowList struct {
	Workflows []fleet.Workflow `json:"workflows"`
	Next      string           `json:"next_cursor,omitempty"`
}

// VersionList is all versions of a workflow, newest first.
type VersionList struct {
	Versions []fleet.WorkflowVersion `json:"versions"`
}

// VersionDetail is a version with its document.
type VersionDetail struct {
	fleet.WorkflowVersion
	Document json.RawMessage `json:"workflow_json" doc:"In canonical form."`
}

// PutWorkflowBody stores a document.
type PutWorkflowBody struct {
	Name     string          `json:"workflow_name,omitempty" doc:"The document's own name if left out."`
	Base     *int            `json:"base_version,omitempty" doc:"The version that the author began with, 0 for a new workflow: 409 if there is a newer one."`
	Workflow json.RawMessage `json:"workflow_json" opaque:"true" doc:"The document, as an object or as a text that holds one."`
}

// StoredWorkflow answers a stored document.
type StoredWorkflow struct {
	fleet.WorkflowVersion
	Name     string   `json:"workflow_name"`
	Warnings []string `json:"warnings"`
}

// Validation says what is wrong with a document.
type Validation struct {
	Valid    bool                `json:"valid"`
	Errors   []Finding           `json:"errors"`
	Warnings []Finding           `json:"warnings"`
	Segments []fleet.SegmentPlan `json:"segments" doc:"Into which the places of its nodes cut a valid workflow, in the order in which they run; empty: it is not cut."`
}

// Finding is one thing about a document.
type Finding struct {
	Code       string `json:"code"`
	NodeID     string `json:"node_id,omitempty"`
	Connection string `json:"connection,omitempty"`
	Field      string `json:"field,omitempty"`
	Message    string `json:"message"`
	Hint       string `json:"hint,omitempty"`
}

func (a *API) workflowRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/workflows", id: "workflows.list", summary: "List workflows by name",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.listWorkflows)
	route(a, operation{
		method: http.MethodPut, path: Base + "/workflows", id: "workflows.put", summary: "Store a workflow without running it",
		may: need(fleet.WorkflowsWrite), rate: rateWrite, body: jsonBody[PutWorkflowBody](workflowBody, true),
		description: "The same content under the same name gives the version that is there; other content gives the next one.",
	}, a.putWorkflow)
	a.validateRoute()
	route(a, operation{
		method: http.MethodGet, path: Base + "/workflows/{id}", id: "workflows.get", summary: "Get a workflow with its newest document",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.getWorkflow)
	route(a, operation{
		method: http.MethodDelete, path: Base + "/workflows/{id}", id: "workflows.delete", summary: "Delete a workflow; its jobs stay",
		may: need(fleet.WorkflowsWrite), rate: rateWrite,
	}, a.deleteWorkflow)
	route(a, operation{
		method: http.MethodGet, path: Base + "/workflows/{id}/versions", id: "workflows.versions", summary: "List the versions of a workflow, newest first",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.listVersions)
	route(a, operation{
		method: http.MethodGet, path: Base + "/workflows/{id}/versions/{n}", id: "workflows.version", summary: "Get a version with its document",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.getVersion)
}

func (a *API) validateRoute() {
	route(a, operation{
		method: http.MethodPost, path: Base + "/workflows/validate", id: "workflows.validate", summary: "Check a workflow without storing it",
		may: need(fleet.WorkflowsRead), rate: rateWrite, reads: true,
		body: bodyRule{limit: workflowBody, required: true, schema: anyObject("A workflow document, or an object whose only member workflow holds one.")},
	}, a.validateWorkflow)
}

type listWorkflowsReply struct{ Body WorkflowList }

func (a *API) listWorkflows(ctx context.Context, in *PageInput) (*listWorkflowsReply, error) {
	list, next, err := a.o.Orchestrator.Workflows.List(ctx, auth.From(ctx), in.page())
	if err != nil {
		return nil, err
	}
	return &listWorkflowsReply{WorkflowList{Workflows: showAll(list, showWorkflow), Next: next}}, nil
}

// WorkflowInput names a workflow in a path. It is exported because embedded fields are
// bound only then.
type WorkflowInput struct {
	ID string `path:"id"`
}

func (in *WorkflowInput) id() (fleet.ID, error) {
	if id := fleet.ID(in.ID); id.Valid() {
		return id, nil
	}
	return "", fleet.NotFound("workflow", in.ID)
}

// WorkflowObject is a workflow with the document of its newest version.
type WorkflowObject struct {
	fleet.Workflow
	Document    json.RawMessage `json:"workflow_json" opaque:"true" doc:"Of the newest version, in canonical form."`
	Description string          `json:"description" doc:"As the document's metadata has it."`
}

type workflowReply struct{ Body WorkflowObject }

func (a *API) getWorkflow(ctx context.Context, in *WorkflowInput) (*workflowReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	wf, err := a.o.Orchestrator.Workflows.Get(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	out := WorkflowObject{Workflow: showWorkflow(wf)}
	if out.Document, _, err = a.o.Orchestrator.Workflows.Document(ctx, auth.From(ctx), id, wf.Newest); err != nil {
		return nil, err
	}
	var about struct {
		Metadata struct {
			Description string `json:"description"`
		} `json:"metadata"`
	}
	if json.Unmarshal(out.Document, &about) == nil {
		out.Description = about.Metadata.Description
	}
	return &workflowReply{out}, nil
}

// DeletedWorkflow answers that a workflow is gone.
type DeletedWorkflow struct {
	Status     string   `json:"status" enum:"success"`
	Message    string   `json:"message"`
	WorkflowID fleet.ID `json:"workflow_id"`
}

type deletedWorkflowReply struct{ Body DeletedWorkflow }

func (a *API) deleteWorkflow(ctx context.Context, in *WorkflowInput) (*deletedWorkflowReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	if err := a.o.Orchestrator.Workflows.Delete(ctx, auth.From(ctx), id); err != nil {
		return nil, err
	}
	return &deletedWorkflowReply{DeletedWorkflow{"success", "The workflow is deleted; its jobs stay.", id}}, nil
}

type versionsReply struct{ Body VersionList }

func (a *API) listVersions(ctx context.Context, in *WorkflowInput) (*versionsReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := a.o.Orchestrator.Workflows.Versions(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &versionsReply{VersionList{showAll(list, showVersion)}}, nil
}

type versionInput struct {
	WorkflowInput
	N string `path:"n" doc:"The number of a version, or latest."`
}

type versionReply struct{ Body VersionDetail }

func (a *API) getVersion(ctx context.Context, in *versionInput) (*versionReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	n := 0
	if in.N != "latest" {
		if n, err = strconv.Atoi(in.N); err != nil || n < 1 {
			return nil, fleet.NotFound("version", in.N)
		}
	}
	doc, v, err := a.o.Orchestrator.Workflows.Document(ctx, auth.From(ctx), id, n)
	if err != nil {
		return nil, err
	}
	return &versionReply{VersionDetail{WorkflowVersion: showVersion(v), Document: doc}}, nil
}

type putWorkflowReply struct{ Body StoredWorkflow }

func (a *API) putWorkflow(ctx context.Context, _ *struct{}) (*putWorkflowReply, error) {
	body, err := decode[PutWorkflowBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	doc, err := document(body.Workflow, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if len(doc) == 0 {
		return nil, fleet.Invalid("workflow_json", "workflow_json is missing.")
	}
	v, checked, err := a.o.Orchestrator.Workflows.Publish(ctx, auth.From(ctx), body.Name, doc, body.Base)
	if err != nil {
		return nil, err
	}
	out := StoredWorkflow{WorkflowVersion: showVersion(v), Name: checked.Name, Warnings: []string{}}
	for _, d := range checked.Warnings {
		out.Warnings = append(out.Warnings, d.Sentence())
	}
	return &putWorkflowReply{out}, nil
}

type validateReply struct{ Body Validation }

func (a *API) validateWorkflow(ctx context.Context, _ *struct{}) (*validateReply, error) {
	doc := callOf(ctx).body
	members, err := object(doc, a.o.Limits, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	if len(members) == 1 && (members[0].key == "workflow" || members[0].key == "workflow_json") {
		if doc, err = document(members[0].value, a.o.Limits); err != nil {
			return nil, err
		}
	}
	if len(doc) > int(a.o.Limits.Workflow) {
		return nil, tooLarge(int64(a.o.Limits.Workflow))
	}
	found, segments, err := a.findings(ctx, doc)
	if err != nil {
		return nil, err
	}
	if segments == nil {
		segments = []fleet.SegmentPlan{}
	}
	return &validateReply{Validation{Valid: found.OK(), Errors: findings(found.Errors()), Warnings: findings(found.Warnings()), Segments: segments}}, nil
}

// findings checks a document, also where there is no orchestrator to ask.
func (a *API) findings(ctx context.Context, doc []byte) (workflow.Diagnostics, []fleet.SegmentPlan, error) {
	if a.o.Orchestrator == nil && a.o.Here != nil {
		return a.o.Here.Check(doc)
	}
	return a.o.Orchestrator.Workflows.Validate(ctx, auth.From(ctx), doc)
}

func findings(ds workflow.Diagnostics) []Finding {
	out := make([]Finding, len(ds))
	for i, d := range ds {
		out[i] = Finding{Code: string(d.Code), NodeID: d.NodeID, Field: d.Field, Message: d.Message, Hint: d.Hint}
		if d.Connection != nil {
			out[i].Connection = d.Connection.String()
		}
	}
	return out
}
