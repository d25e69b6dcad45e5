package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// Reservations are the use cases of those who keep slots free.
type Reservations struct{ *core }

// Put stores a reservation: a new one if it has no id. The warnings say what
// it cannot hold at present.
func (r *Reservations) Put(ctx context.Context, p auth.Principal, in fleet.Reservation) (out fleet.Reservation, warnings []string, err error) {
	if err := p.Require(fleet.ReservationsManage); err != nil {
		return out, nil, err
	}
	now := r.Now()
	in.Tenant, in.UpdatedAt = p.Tenant, now
	if err := in.Validate(now); err != nil {
		return out, nil, err
	}
	if err := calendar.CheckReservation(&in, now); err != nil {
		return out, nil, err
	}
	if err := placement.CheckConditions("selector.facts", in.Selector.Facts); err != nil {
		return out, nil, err
	}
	kind := fleet.EventReservationUpdated
	if in.ID == "" { // before the transaction, which may run more than once
		kind = fleet.EventReservationCreated
		in.ID, in.CreatedAt, in.CreatedBy = r.IDs.New(), now, p.Name
	}
	err = r.act(ctx, p, string(kind), fleet.SubjectReservation, string(in.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		var was any
		if kind == fleet.EventReservationUpdated {
			before, err := tx.Reservation(in.ID)
			if err != nil {
				return err
			}
			was, in.CreatedAt, in.CreatedBy = before, before.CreatedAt, before.CreatedBy
		}
		d.Object.Name = in.Name
		if err := changed(d, was, in); err != nil {
			return err
		}
		if warnings, err = r.short(tx, &in); err != nil {
			return err
		}
		if err := tx.PutReservation(in); err != nil {
			return err
		}
		return tx.Append(p.Tenant, r.event(kind, p, in.ID, map[string]any{"name": in.Name, "slots": in.Slots, "enabled": in.Enabled}))
	})
	return in, warnings, err
}

// short says when a reservation asks for more slots than its robots have.
func (r *Reservations) short(rd store.Reader, in *fleet.Reservation) ([]string, error) {
	if in.Slots == 0 {
		return nil, nil
	}
	slots, now := 0, r.Now()
	robots, err := r.robots(rd, now)
	if err != nil {
		return nil, err
	}
	for i := range robots {
		c := placement.CandidateOf(&robots[i])
		if placement.Selects(&in.Selector, &c, now) {
			slots += c.Max
		}
	}
	if slots >= in.Slots {
		return nil, nil
	}
	return []string{fmt.Sprintf("The selected robots have %d slots at present; the reservation asks for %d.", slots, in.Slots)}, nil
}

func (r *Reservations) event(kind fleet.EventKind, p auth.Principal, id fleet.ID, data map[string]any) fleet.EventDraft {
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectReservation, SubjectID: string(id), Actor: p.Name, Data: data}
}

// Get returns one reservation.
func (r *Reservations) Get(ctx context.Context, p auth.Principal, id fleet.ID) (out fleet.Reservation, err error) {
	if err := cmp.Or(p.Require(fleet.RobotsRead), p.WholeTenant()); err != nil {
		return out, err
	}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error { out, err = rd.Reservation(id); return err })
	return out, err
}

// List returns all reservations, the oldest first.
func (r *Reservations) List(ctx context.Context, p auth.Principal) (out []fleet.Reservation, err error) {
	if err := cmp.Or(p.Require(fleet.RobotsRead), p.WholeTenant()); err != nil {
		return nil, err
	}
	err = r.Store.View(ctx, p.Reach(), func(rd store.Reader) error { out, err = rd.Reservations(); return err })
	return out, err
}

// Delete lets the slots go.
func (r *Reservations) Delete(ctx context.Context, p auth.Principal, id fleet.ID) error {
	if err := p.Require(fleet.ReservationsManage); err != nil {
		return err
	}
	return r.act(ctx, p, string(fleet.EventReservationDeleted), fleet.SubjectReservation, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		before, err := tx.Reservation(id)
		if err != nil {
			return err
		}
		d.Object.Name = before.Name
		if err := changed(d, before, nil); err != nil {
			return err
		}
		if err := tx.DeleteReservation(id); err != nil {
			return err
		}
		return tx.Append(p.Tenant, r.event(fleet.EventReservationDeleted, p, id, map[string]any{"name": before.Name}))
	})
}

// Assign makes a robot one of the usual robots of a workflow.
func (j *Jobs) Assign(ctx context.Context, p auth.Principal, u fleet.UsualRobot) (fleet.UsualRobot, error) {
	if err := p.Require(fleet.WorkflowsWrite); err != nil {
		return u, err
	}
	if u.Priority < 0 || u.Priority > 1000 {
		return u, fleet.Invalid("priority", "priority must be between 0 (tried first) and 1000; got %d.", u.Priority)
	}
	if len([]rune(u.Notes)) > 500 {
		return u, fleet.Invalid("notes", "notes may have at most 500 characters.")
	}
	u.CreatedAt = j.Now()
	err := j.act(ctx, p, "assignment.put", fleet.SubjectWorkflow, string(u.WorkflowID), func(tx store.Tx, d *fleet.AuditDraft) error {
		wf, err := tx.Workflow(u.WorkflowID)
		if err != nil {
			return err
		}
		d.Object.Name, d.After = wf.Name, map[string]any{"robot_id": u.RobotID, "is_default": u.Default, "priority": u.Priority, "notes": u.Notes}
		if _, err := tx.Robot(u.RobotID); errors.Is(err, fleet.ErrNotFound) {
			return targetError("robot_not_found", fmt.Sprintf("There is no robot %s.", u.RobotID))
		} else if err != nil {
			return err
		}
		list, err := tx.UsualRobots(u.WorkflowID)
		if err != nil {
			return err
		}
		for _, other := range list {
			if other.RobotID == u.RobotID {
				u.CreatedAt = other.CreatedAt
			} else if u.Default && other.Default { // there is one default
				other.Default = false
				if err := tx.PutUsualRobot(p.Tenant, other); err != nil {
					return err
				}
			}
		}
		if len(list) >= fleet.MaxSelectorRobots && u.CreatedAt.Equal(j.Now()) {
			return fleet.Invalid("robot_id", "A workflow may have at most %d usual robots.", fleet.MaxSelectorRobots).WithFix("Put them into a pool and demand that.")
		}
		if err := tx.PutUsualRobot(p.Tenant, u); err != nil {
			return err
		}
		return tx.Append(p.Tenant, assignmentEvent(p, u.WorkflowID, map[string]any{"robot_id": u.RobotID, "is_default": u.Default}))
	})
	j.usual.forget(u.WorkflowID)
	return u, err
}

// Unassign takes a robot away from the usual ones of a workflow.
func (j *Jobs) Unassign(ctx context.Context, p auth.Principal, workflow fleet.ID, robot fleet.RobotID) error {
	if err := p.Require(fleet.WorkflowsWrite); err != nil {
		return err
	}
	defer j.usual.forget(workflow)
	return j.act(ctx, p, "assignment.delete", fleet.SubjectWorkflow, string(workflow), func(tx store.Tx, d *fleet.AuditDraft) error {
		d.Before = map[string]any{"robot_id": robot}
		if err := tx.DeleteUsualRobot(workflow, robot); err != nil {
			return err
		}
		return tx.Append(p.Tenant, assignmentEvent(p, workflow, map[string]any{"robot_id": robot, "removed": true}))
	})
}

// Assignments lists the usual robots of a workflow in the order in which they
// are tried.
func (j *Jobs) Assignments(ctx context.Context, p auth.Principal, workflow fleet.ID) (list []fleet.UsualRobot, err error) {
	if err := cmp.Or(p.Require(fleet.WorkflowsRead), p.WholeTenant()); err != nil {
		return nil, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if _, err := r.Workflow(workflow); err != nil {
			return err
		}
		list, err = r.UsualRobots(workflow)
		return err
	})
	return list, err
}

// UsualWorkflow is a workflow that usually runs on a robot, with its name.
type UsualWorkflow struct {
	fleet.UsualRobot
	Name string `json:"workflow_name"`
}

// AssignmentsOf lists the workflows that usually run on a robot.
func (j *Jobs) AssignmentsOf(ctx context.Context, p auth.Principal, robot fleet.RobotID) (out []UsualWorkflow, err error) {
	if err := cmp.Or(p.Require(fleet.WorkflowsRead), p.WholeTenant()); err != nil {
		return nil, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if _, err := r.Robot(robot); err != nil {
			return err
		}
		list, err := r.UsualWorkflows(robot)
		if err != nil {
			return err
		}
		out = []UsualWorkflow{}
		for _, u := range list {
			w, err := r.Workflow(u.WorkflowID)
			if errors.Is(err, fleet.ErrNotFound) {
				continue // it was deleted
			}
			if err != nil {
				return err
			}
			out = append(out, UsualWorkflow{u, w.Name})
		}
		return nil
	})
	return out, err
}

func assignmentEvent(p auth.Principal, workflow fleet.ID, data map[string]any) fleet.EventDraft {
	return fleet.EventDraft{
		Kind: fleet.EventAssignmentChanged, Subject: fleet.SubjectWorkflow, SubjectID: string(workflow), Actor: p.Name, Data: data,
	}
}
