package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// AssignmentBody says how a robot stands to a workflow.
type AssignmentBody struct {
	Default  bool   `json:"is_default,omitempty" doc:"Tried before all others; there is one."`
	Priority int    `json:"priority,omitempty" doc:"0 is tried first, after the default."`
	Notes    string `json:"notes,omitempty"`
}

// AssignmentList is the usual robots of a workflow, in the order in which they
// are tried.
type AssignmentList struct {
	Assignments []fleet.UsualRobot `json:"assignments"`
}

func (a *API) assignmentRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/workflows/{id}/assignments", id: "assignments.list", summary: "List the usual robots of a workflow",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.listAssignments)
	route(a, operation{
		method: http.MethodGet, path: Base + "/robots/{id}/assignments", id: "robots.assignments", summary: "List the workflows that usually run on a robot",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.listUsualWorkflows)
	route(a, operation{
		method: http.MethodPut, path: Base + "/workflows/{id}/assignments/{robot_id}", id: "assignments.put", summary: "Make a robot one of the usual ones of a workflow",
		may: need(fleet.WorkflowsWrite), rate: rateWrite, body: jsonBody[AssignmentBody](plainBody, false),
		description: "Usual robots are tried first, then any other that fits, unless the workflow says `only_assigned`.",
	}, a.putAssignment)
	route(a, operation{
		method: http.MethodDelete, path: Base + "/workflows/{id}/assignments/{robot_id}", id: "assignments.delete", summary: "Take a robot from the usual ones of a workflow",
		may: need(fleet.WorkflowsWrite), rate: rateWrite, status: http.StatusNoContent,
	}, a.deleteAssignment)
}

// UsualWorkflowList is what usually runs on a robot, the default first.
type UsualWorkflowList struct {
	Assignments []orchestrator.UsualWorkflow `json:"assignments"`
}

type usualWorkflowsReply struct{ Body UsualWorkflowList }

func (a *API) listUsualWorkflows(ctx context.Context, in *robotInput) (*usualWorkflowsReply, error) {
	list, err := a.o.Orchestrator.Jobs.AssignmentsOf(ctx, auth.From(ctx), fleet.RobotID(in.ID))
	if err != nil {
		return nil, err
	}
	for i := range list {
		stamp(&list[i].CreatedAt)
	}
	return &usualWorkflowsReply{UsualWorkflowList{list}}, nil
}

type assignmentInput struct {
	WorkflowInput
	RobotID string `path:"robot_id"`
}

type assignmentsReply struct{ Body AssignmentList }

func showUsual(u fleet.UsualRobot) fleet.UsualRobot {
	stamp(&u.CreatedAt)
	return u
}

func (a *API) listAssignments(ctx context.Context, in *WorkflowInput) (*assignmentsReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := a.o.Orchestrator.Jobs.Assignments(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &assignmentsReply{AssignmentList{showAll(list, showUsual)}}, nil
}

type assignmentReply struct{ Body fleet.UsualRobot }

func (a *API) putAssignment(ctx context.Context, in *assignmentInput) (*assignmentReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := optional[AssignmentBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	u, err := a.o.Orchestrator.Jobs.Assign(ctx, auth.From(ctx), fleet.UsualRobot{
		WorkflowID: id, RobotID: fleet.RobotID(in.RobotID), Default: body.Default, Priority: body.Priority, Notes: body.Notes,
	})
	if err != nil {
		return nil, err
	}
	return &assignmentReply{showUsual(u)}, nil
}

func (a *API) deleteAssignment(ctx context.Context, in *assignmentInput) (*struct{}, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	return nil, a.o.Orchestrator.Jobs.Unassign(ctx, auth.From(ctx), id, fleet.RobotID(in.RobotID))
}
