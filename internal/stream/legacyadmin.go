package stream

import (
	"context"
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// The admin channel of the original: what happens to robots and jobs, by name.

func (v *viewer) beginAdmin(ctx context.Context, robots []fleet.Robot) error {
	list := make([]map[string]any, 0, len(robots))
	for i := range robots {
		r := &robots[i]
		told := toldOf(r)
		told.at = v.h.o.Now()
		v.robots[r.ID] = &told
		list = append(list, map[string]any{
			"robot_id": r.ID, "robot_name": told.name, "status": fleet.LegacyStatus(r.Status), "fleet_status": r.Status, "capabilities": words(r.Capabilities.Listed()),
		})
	}
	var pending int64
	err := v.h.o.Store.View(ctx, scope(v.v.Who.Tenant), func(r store.Reader) error {
		counts, err := r.Counts()
		pending = counts[fleet.Pending]
		return err
	})
	if err != nil {
		return err
	}
	return v.event(ctx, "initial_state", v.h.o.Now(), map[string]any{"robots": list, "pending_jobs": pending})
}

func (v *viewer) event(ctx context.Context, kind string, at time.Time, frame map[string]any) error {
	frame["type"], frame["timestamp"] = kind, moment(at)
	return v.send(ctx, frame)
}

func (v *viewer) adminFact(ctx context.Context, f *fact) error {
	e := &f.event
	var in struct {
		Orphans  []fleet.ID `json:"orphaned_job_ids"`
		Reason   string     `json:"reason"`
		Message  string     `json:"message"`
		Rejected int        `json:"rejected_by_count"`
	}
	if len(e.Data) > 0 {
		_ = json.Unmarshal(e.Data, &in) // the store wrote it
	}
	switch e.Kind { //nolint:exhaustive // the channel has words for these
	case fleet.EventRobotConnected:
		frame := map[string]any{"robot_id": e.Subject.ID, "robot_name": v.t.name(fleet.RobotID(e.Subject.ID)), "capabilities": []string{}, "tenant_id": e.Tenant}
		if r := v.t.robot(fleet.RobotID(e.Subject.ID), 0); r != nil {
			frame["capabilities"] = words(r.Capabilities.Listed())
		}
		return v.event(ctx, "robot_connected", e.At, frame)
	case fleet.EventRobotDisconnected:
		return v.event(ctx, "robot_disconnected", e.At, map[string]any{"robot_id": e.Subject.ID, "orphaned_jobs": append([]fleet.ID{}, in.Orphans...), "reason": in.Reason})
	case fleet.EventJobRequeued, fleet.EventJobRetryScheduled:
		return v.event(ctx, "job_requeued", e.At, map[string]any{"job_id": e.Subject.ID, "rejected_by": in.Rejected, "reason": firstOf(in.Reason, in.Message)})
	}
	if !e.To.Final() || e.Subject.Kind != fleet.SubjectJob {
		return nil
	}
	frame := map[string]any{"job_id": e.Subject.ID, "robot_id": nil, "success": e.To == fleet.Completed, "status": e.To, "result": nil}
	if id := robotOf(e, f.about); id != "" {
		frame["robot_id"] = id
	}
	if in.Message != "" || in.Reason != "" {
		frame["error_message"] = firstOf(in.Message, in.Reason)
	}
	if e.To == fleet.Completed {
		err := v.h.o.Store.View(ctx, scope(v.v.Who.Tenant), func(r store.Reader) error {
			d, err := r.JobData(fleet.ID(e.Subject.ID))
			if len(d.Result) > 0 && len(d.Result) <= frameSize {
				frame["result"] = d.Result
			}
			return err
		})
		if err != nil && fleet.AsError(err).Code != fleet.CodeNotFound {
			return err
		}
	}
	return v.event(ctx, "job_completed", e.At, frame)
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// adminBeat tells of a robot's readings, at most each five seconds.
func (v *viewer) adminBeat(ctx context.Context, r *fleet.Robot) error {
	now := v.h.o.Now()
	if told := v.robots[r.ID]; told != nil && now.Sub(told.at) < legacyNumbers {
		return nil
	}
	v.robots[r.ID] = &toldRobot{at: now}
	return v.event(ctx, "robot_heartbeat", now, map[string]any{"robot_id": r.ID, "metrics": r.Metrics, "status": fleet.LegacyStatus(r.Status)})
}
