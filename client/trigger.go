package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// TriggerChange is what is to hold of a trigger; nil leaves things as they are.
// The kind follows from the rule that is given.
type TriggerChange struct {
	Name               *string             `json:"name,omitempty"`
	Description        *string             `json:"description,omitempty"`
	WorkflowID         *fleet.ID           `json:"workflow_id,omitempty"`
	Version            *int                `json:"version,omitempty"` // of the workflow; 0: the newest
	Inputs             json.RawMessage     `json:"inputs,omitempty"`  // {"pointer": "/a/b"} takes a value from what the trigger was told
	Priority           *fleet.Priority     `json:"priority,omitempty"`
	Environment        *string             `json:"environment,omitempty"`
	Target             *fleet.RobotID      `json:"target_robot_id,omitempty"`
	Webhook            *fleet.WebhookRule  `json:"webhook,omitempty"`
	Queue              *fleet.QueueRule    `json:"queue,omitempty"`
	Event              *fleet.EventRule    `json:"event,omitempty"`
	File               *fleet.FileRule     `json:"file,omitempty"`
	Email              *fleet.EmailRule    `json:"email,omitempty"`
	Enabled            *bool               `json:"enabled,omitempty"`
	CooldownSeconds    *int                `json:"cooldown_seconds,omitempty"`
	MaxActive          *int                `json:"max_active,omitempty"`
	Filter             *[]fleet.Comparison `json:"filter,omitempty"`
	PauseAfterFailures *int                `json:"pause_after_failures,omitempty"`
}

// Trigger is a trigger with how it stands.
type Trigger struct {
	fleet.Trigger
	Address  string         `json:"address"` // of a webhook, below the address of the orchestrator
	Active   int64          `json:"active_jobs"`
	Backlog  *fleet.Backlog `json:"backlog"`
	Fired    int64          `json:"fired_count"`
	Success  int64          `json:"success_count"`
	Failures int64          `json:"failure_count"`
	LastAt   *time.Time     `json:"last_fired_at"`
	LastJob  fleet.ID       `json:"last_job_id"`
	Fault    string         `json:"fault"` // why it cannot look now
}

// FiringPage is a part of what became of the occasions of a trigger.
type FiringPage struct {
	Firings []fleet.Firing `json:"firings"`
	Next    string         `json:"next_cursor"`
}

// TriggerTry says what a trigger would do.
type TriggerTry struct {
	Outcome fleet.FiringOutcome `json:"outcome"`
	Reason  string              `json:"reason"`
	Jobs    int64               `json:"jobs"`
	Inputs  json.RawMessage     `json:"inputs"`
}

// ListTriggers returns all triggers by name.
func (c *Client) ListTriggers(ctx context.Context) ([]Trigger, error) {
	var out struct {
		Triggers []Trigger `json:"triggers"`
	}
	err := c.get(ctx, at("triggers"), nil, &out)
	return out.Triggers, err
}

// GetTrigger returns a trigger, by its id or its name.
func (c *Client) GetTrigger(ctx context.Context, trigger string) (out Trigger, err error) {
	err = c.get(ctx, at("triggers", trigger), nil, &out)
	return out, err
}

// CreateTrigger makes a trigger.
func (c *Client) CreateTrigger(ctx context.Context, t TriggerChange) (out Trigger, err error) {
	err = c.once(ctx, http.MethodPost, at("triggers"), t, &out)
	return out, err
}

// UpdateTrigger changes a trigger.
func (c *Client) UpdateTrigger(ctx context.Context, trigger string, t TriggerChange) (out Trigger, err error) {
	err = c.write(ctx, http.MethodPut, at("triggers", trigger), t, &out)
	return out, err
}

// DeleteTrigger deletes a trigger; its jobs go on.
func (c *Client) DeleteTrigger(ctx context.Context, trigger string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("triggers", trigger), safe: true})
	return err
}

// EnableTrigger lets a trigger fire.
func (c *Client) EnableTrigger(ctx context.Context, trigger string) (out Trigger, err error) {
	err = c.write(ctx, http.MethodPut, at("triggers", trigger, "enable"), map[string]any{}, &out)
	return out, err
}

// DisableTrigger lets a trigger start nothing more.
func (c *Client) DisableTrigger(ctx context.Context, trigger, note string) (out Trigger, err error) {
	err = c.write(ctx, http.MethodPut, at("triggers", trigger, "disable"), map[string]any{"note": note}, &out)
	return out, err
}

// TryTrigger says what a trigger would do with a payload now, and does nothing.
func (c *Client) TryTrigger(ctx context.Context, trigger string, payload json.RawMessage) (out TriggerTry, err error) {
	body := map[string]any{}
	if len(payload) > 0 {
		body["payload"] = payload
	}
	err = c.write(ctx, http.MethodPost, at("triggers", trigger, "test"), body, &out)
	return out, err
}

// TriggerFirings lists what became of the occasions of a trigger, the newest
// first; with an outcome, those alone.
func (c *Client) TriggerFirings(ctx context.Context, trigger string, outcome fleet.FiringOutcome, p fleet.Page) (out FiringPage, err error) {
	q := pageQuery(p)
	set(q, "outcome", outcome)
	err = c.get(ctx, at("triggers", trigger, "fires"), q, &out)
	return out, err
}

// RobotWatches lists what the robot whose key is used is to look at.
func (c *Client) RobotWatches(ctx context.Context) ([]fleet.Watch, error) {
	var out struct {
		Watches []fleet.Watch `json:"watches"`
	}
	err := c.get(ctx, at("robot", "watches"), nil, &out)
	return out.Watches, err
}

// TellWatched tells of a file that stands still. The same file starts one job,
// however often it is told of.
func (c *Client) TellWatched(ctx context.Context, trigger fleet.ID, f fleet.WatchedFile) (out fleet.WatchAnswer, err error) {
	err = c.write(ctx, http.MethodPost, at("robot", "watches", string(trigger)), f, &out)
	return out, err
}

// TellWatchFault says why a robot cannot look for the files of a trigger; empty:
// it can.
func (c *Client) TellWatchFault(ctx context.Context, trigger fleet.ID, fault string) error {
	return c.write(ctx, http.MethodPost, at("robot", "watches", string(trigger)), map[string]string{"fault": fault}, nil)
}
