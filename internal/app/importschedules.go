package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/casarerpa"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// heldNote is the note of a schedule that waits for the old one to end.
const heldNote = "Taken over from CasareRPA, where it may still run. Enable it when that one has stopped."

// schedule takes a schedule over, disabled: the one that it comes from may go on.
func (m *importing) schedule(s *casarerpa.Schedule) error {
	name := cmp.Or(s.Name, s.WorkflowName, s.ID)
	note := func(fate, reason string) error { m.note("schedule", s.ID, name, fate, reason); return nil }
	if s.ID == "" {
		return note(fateLeft, "It has no id.")
	}
	if m.schedules == nil {
		if err := m.schedulesHere(); err != nil {
			return err
		}
	}
	if here, there := m.schedules[s.ID]; there {
		return m.wake(s, &here, name)
	}
	workflow, err := m.workflowOf(s.WorkflowID, s.WorkflowName)
	if err != nil {
		return err
	}
	_, would := m.workflows[s.WorkflowID]
	if _, named := m.workflows[s.WorkflowName]; workflow == "" && !would && !named {
		return note(fateLeft, "Its workflow is not here.")
	}
	c, why, err := m.planned(s, name)
	if err != nil {
		return m.fault("schedule", s.ID, name, err)
	}
	if why != "" {
		return note(fateLeft, why)
	}
	reason := "Disabled until --enable-schedules, or 'fleet schedule resume'."
	switch {
	case !s.Enabled:
		reason = "It is disabled there too."
	case m.EnableSchedules:
		reason = ""
	}
	if m.Apply {
		c.WorkflowID = &workflow
		if _, err := m.core.Schedules.Create(m.ctx, m.who, c); err != nil {
			return m.fault("schedule", s.ID, name, err)
		}
	}
	return note(fateTaken, reason)
}

// schedulesHere finds the schedules that came over before, by their ids there.
func (m *importing) schedulesHere() error {
	m.schedules = map[string]fleet.Schedule{}
	for page := (fleet.Page{Limit: fleet.PageMax}); ; {
		list, next, _, err := m.core.Schedules.List(m.ctx, m.who, orchestrator.ScheduleFilter{}, page)
		if err != nil {
			return err
		}
		for i := range list {
			var of map[string]any
			if json.Unmarshal(list[i].Metadata, &of) == nil {
				if id, is := of[sourceSchedule].(string); is {
					m.schedules[id] = list[i].Schedule
				}
			}
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}

// wake lets a schedule go on that came over before and waits for that.
func (m *importing) wake(s *casarerpa.Schedule, here *fleet.Schedule, name string) error {
	if !m.EnableSchedules || !s.Enabled || here.Enabled || here.Note != heldNote {
		m.note("schedule", s.ID, name, fateThere, "")
		return nil
	}
	if m.Apply {
		if _, err := m.core.Schedules.Enable(m.ctx, m.who, string(here.ID), true, ""); err != nil {
			return m.fault("schedule", s.ID, name, err)
		}
	}
	m.note("schedule", s.ID, name, fateThere, map[bool]string{true: "It is enabled now.", false: "It would be enabled."}[m.Apply])
	return nil
}

// planned is a schedule of CasareRPA as one of ours; why says why it is none.
func (m *importing) planned(s *casarerpa.Schedule, name string) (c orchestrator.ScheduleChange, why string, err error) {
	zone := cmp.Or(s.Timezone, "UTC")
	enabled, environment := s.Enabled && m.EnableSchedules, cmp.Or(s.ExecutionMode, "lan")
	notes := map[string]any{}
	maps.Copy(notes, s.Metadata)
	for _, left := range []string{"workflow_json", "robot_id", "webhook_config"} {
		delete(notes, left)
	}
	notes[sourceSchedule] = s.ID
	text, err := json.Marshal(notes)
	if err != nil {
		return c, "", fmt.Errorf("keep the notes of schedule %s: %w", s.ID, err)
	}
	if len(text) > fleet.MaxScheduleMetadata {
		text, err = json.Marshal(map[string]any{sourceSchedule: s.ID})
		if err != nil {
			return c, "", fmt.Errorf("keep the notes of schedule %s: %w", s.ID, err)
		}
	}
	c = orchestrator.ScheduleChange{
		Name: &name, Inputs: s.Input, ExecutionMode: &environment, Environment: &environment, Metadata: text, Timezone: &zone, Enabled: &enabled,
	}
	if !enabled && s.Enabled {
		c.Note = new(heldNote)
	}
	if s.Priority != nil { // it keeps its number
		c.Priority = new(fleet.Priority(min(max(*s.Priority, 0), int(fleet.PriorityLast))))
	}
	if robot := s.Robot(); robot != "" {
		if _, known := m.robots[robot]; !known {
			return c, fmt.Sprintf("There is no robot %.64q, which its jobs are for.", robot), nil
		}
		c.Target = new(fleet.RobotID(robot))
	}
	if fleet.ValidateEnvironment(environment) != nil {
		c.Environment = new(fleet.DefaultEnvironment)
	}
	time0 := orchestrator.ScheduleChange{Cron: &s.Cron, Timezone: &zone}
	next, _, err := m.core.Schedules.Preview(m.ctx, m.who, "", time0, time.Time{}, 1)
	if err != nil {
		return c, "", err
	}
	if c.Cron = &s.Cron; s.Once() {
		if s.Runs > 0 || len(next) == 0 {
			return c, "It was for a single run, which has been.", nil
		}
		at := s.NextRun
		if !at.After(m.now) {
			at = next[0].At
		}
		c.Cron, c.RunAt = nil, &at
	}
	return c, "", nil
}
