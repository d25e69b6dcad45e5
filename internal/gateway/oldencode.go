package gateway

import (
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// encode translates a frame of ours; what the original has no word for gives
// none. Every frame has the names of both dialects.
func (d *dialect) encode(f wire.Frame, now time.Time) (out [][]byte) {
	say := func(kind string, fields map[string]any) {
		fields["robot_id"] = d.robot
		out = append(out, encodeOld(kind, f.CorrelationID, now, fields))
	}
	stop := func(job fleet.ID, reason string) { say("job_cancel", map[string]any{"job_id": job, "reason": reason}) }
	switch m := f.Payload.(type) {
	case *wire.Welcome:
		say("register_ack", map[string]any{
			"success": true, "message": "Registered.", "config": map[string]any{"heartbeat_interval": max(m.Heartbeat.Std().Seconds(), 1)},
		})
		for _, w := range m.Desired {
			d.has(w.Ref, false) // whether it was accepted is told again by what comes of it
			if w.Want == wire.WantCancel {
				stop(w.JobID, string(w.Cause))
			}
		}
	case *wire.HeartbeatAck:
		if m.Echo != pulse {
			say("heartbeat_ack", map[string]any{"success": true})
		}
	case *wire.JobAssign:
		d.has(m.Ref, false)
		say("job_assign", assignment(m))
	case *wire.JobCancel:
		stop(m.JobID, m.Reason)
	case *wire.JobForget:
		d.over(m.Ref)
		stop(m.JobID, string(m.Reason))
	case *wire.ReportAck:
		for _, v := range m.Verdicts {
			d.mu.Lock()
			job, ok := d.ends[v.ReportID]
			delete(d.ends, v.ReportID)
			d.mu.Unlock()
			if ok {
				say("job_ack", map[string]any{"job_id": job, "status": v.Verdict})
			}
		}
	case *wire.Shutdown:
		d.mu.Lock()
		d.leaving = true
		d.mu.Unlock()
		say("shutdown", map[string]any{"graceful": m.Graceful})
	case *wire.Error:
		say("error", map[string]any{"error_code": m.Code, "message": m.Message, "error_message": m.Message})
	}
	return out
}

// assignment is an offer under all names that the original has for it.
func assignment(m *wire.JobAssign) map[string]any {
	variables := m.Variables
	if len(variables) == 0 {
		variables = json.RawMessage("{}")
	}
	seconds := m.Timeout.Std().Seconds()
	return map[string]any{
		"job_id": m.JobID, "workflow_id": m.WorkflowID, "workflow_name": m.WorkflowName,
		"workflow_data": m.Workflow, "workflow_json": string(m.Workflow),
		"variables": variables, "parameters": variables, "timeout": seconds, "timeout_seconds": seconds, "priority": m.Priority,
		"epoch": m.Epoch, "lease_seconds": m.Lease.Std().Seconds(),
	}
}
