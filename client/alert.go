package client

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// AlertRuleChange is what is to hold of a rule of alerts; nil leaves things as they
// are.
type AlertRuleChange struct {
	Name                 *string              `json:"name,omitempty"`
	Description          *string              `json:"description,omitempty"`
	Kind                 *fleet.AlertKind     `json:"kind,omitempty"`
	Params               *fleet.AlertParams   `json:"params,omitempty"`
	Selector             *fleet.AlertSelector `json:"selector,omitempty"`
	Severity             *fleet.Severity      `json:"severity,omitempty"`
	ForSeconds           *int                 `json:"for_seconds,omitempty"`
	Channels             *[]fleet.ID          `json:"channels,omitempty"` // ids or names
	Silences             *[]fleet.ID          `json:"silences,omitempty"` // ids or names
	EscalateAfterSeconds *int                 `json:"escalate_after_seconds,omitempty"`
	Enabled              *bool                `json:"enabled,omitempty"`
}

// AlertChannelChange is what is to hold of a channel; nil leaves things as they
// are. The kind follows from the way that is given.
type AlertChannelChange struct {
	Name        *string           `json:"name,omitempty"`
	Description *string           `json:"description,omitempty"`
	Webhook     *fleet.WebhookWay `json:"webhook,omitempty"`
	Email       *fleet.EmailWay   `json:"email,omitempty"`
	Enabled     *bool             `json:"enabled,omitempty"`
	Default     *bool             `json:"default,omitempty"`
	Resolved    *bool             `json:"resolved,omitempty"`
}

// AlertChannel is a channel with how it does.
type AlertChannel struct {
	fleet.AlertChannel
	Streak int64      `json:"failures_in_a_row"`
	Fault  string     `json:"fault"` // why the last notice could not be sent
	LastOK *time.Time `json:"last_sent_at"`
	Secret string     `json:"secret"` // when it was made, and at no other time
}

// ChannelTest says whether a notice could be sent.
type ChannelTest struct {
	Sent  bool   `json:"sent"`
	Fault string `json:"fault"`
}

// SilenceChange is what is to hold of a silence; nil leaves things as they are.
type SilenceChange struct {
	Name     *string     `json:"name,omitempty"`
	Note     *string     `json:"note,omitempty"`
	All      *bool       `json:"all,omitempty"`
	Rules    *[]fleet.ID `json:"rules,omitempty"` // ids or names
	From     *time.Time  `json:"from,omitempty"`
	Until    *time.Time  `json:"until,omitempty"`
	Calendar *fleet.ID   `json:"calendar_id,omitempty"` // id or name
}

// IncidentQuery selects incidents; empty fields select all.
type IncidentQuery struct {
	State string // live, open, acknowledged or resolved
	Rule  fleet.ID
	Kind  fleet.AlertKind
}

// IncidentPage is a part of the incidents, the newest first.
type IncidentPage struct {
	Incidents    []fleet.Incident `json:"incidents"`
	Next         string           `json:"next_cursor"`
	Open         int64            `json:"open"` // whatever the query
	Acknowledged int64            `json:"acknowledged"`
}

// Incident is an incident with what was told of it.
type Incident struct {
	fleet.Incident
	Notices []fleet.Notice `json:"notices"`
}

// ListAlertRules returns all rules by name, the built-in ones too.
func (c *Client) ListAlertRules(ctx context.Context) ([]fleet.AlertRule, error) {
	var out struct {
		Rules []fleet.AlertRule `json:"rules"`
	}
	err := c.get(ctx, at("alert-rules"), nil, &out)
	return out.Rules, err
}

// GetAlertRule returns a rule, by its id or its name.
func (c *Client) GetAlertRule(ctx context.Context, rule string) (out fleet.AlertRule, err error) {
	err = c.get(ctx, at("alert-rules", rule), nil, &out)
	return out, err
}

// CreateAlertRule makes a rule.
func (c *Client) CreateAlertRule(ctx context.Context, r AlertRuleChange) (out fleet.AlertRule, err error) {
	err = c.once(ctx, http.MethodPost, at("alert-rules"), r, &out)
	return out, err
}

// UpdateAlertRule changes a rule.
func (c *Client) UpdateAlertRule(ctx context.Context, rule string, r AlertRuleChange) (out fleet.AlertRule, err error) {
	err = c.write(ctx, http.MethodPut, at("alert-rules", rule), r, &out)
	return out, err
}

// DeleteAlertRule deletes a rule; a built-in one is as it was built in again.
func (c *Client) DeleteAlertRule(ctx context.Context, rule string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("alert-rules", rule), safe: true})
	return err
}

// ListAlertChannels returns all channels by name, the log first.
func (c *Client) ListAlertChannels(ctx context.Context) ([]AlertChannel, error) {
	var out struct {
		Channels []AlertChannel `json:"channels"`
	}
	err := c.get(ctx, at("alert-channels"), nil, &out)
	return out.Channels, err
}

// GetAlertChannel returns a channel, by its id or its name.
func (c *Client) GetAlertChannel(ctx context.Context, channel string) (out AlertChannel, err error) {
	err = c.get(ctx, at("alert-channels", channel), nil, &out)
	return out, err
}

// CreateAlertChannel makes a channel; the secret of a webhook is in the answer.
func (c *Client) CreateAlertChannel(ctx context.Context, ch AlertChannelChange) (out AlertChannel, err error) {
	err = c.once(ctx, http.MethodPost, at("alert-channels"), ch, &out)
	return out, err
}

// UpdateAlertChannel changes a channel.
func (c *Client) UpdateAlertChannel(ctx context.Context, channel string, ch AlertChannelChange) (out AlertChannel, err error) {
	err = c.write(ctx, http.MethodPut, at("alert-channels", channel), ch, &out)
	return out, err
}

// DeleteAlertChannel deletes a channel.
func (c *Client) DeleteAlertChannel(ctx context.Context, channel string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("alert-channels", channel), safe: true})
	return err
}

// TestAlertChannel sends a test by a channel now.
func (c *Client) TestAlertChannel(ctx context.Context, channel string) (out ChannelTest, err error) {
	err = c.once(ctx, http.MethodPost, at("alert-channels", channel, "test"), map[string]any{}, &out)
	return out, err
}

// RotateAlertChannel gives a webhook another secret, which is in the answer.
func (c *Client) RotateAlertChannel(ctx context.Context, channel string) (out AlertChannel, err error) {
	err = c.once(ctx, http.MethodPost, at("alert-channels", channel, "rotate-secret"), map[string]any{}, &out)
	return out, err
}

// ListSilences returns all silences by name.
func (c *Client) ListSilences(ctx context.Context) ([]fleet.Silence, error) {
	var out struct {
		Silences []fleet.Silence `json:"silences"`
	}
	err := c.get(ctx, at("silences"), nil, &out)
	return out.Silences, err
}

// CreateSilence holds notices for a while.
func (c *Client) CreateSilence(ctx context.Context, s SilenceChange) (out fleet.Silence, err error) {
	err = c.once(ctx, http.MethodPost, at("silences"), s, &out)
	return out, err
}

// UpdateSilence changes a silence.
func (c *Client) UpdateSilence(ctx context.Context, silence string, s SilenceChange) (out fleet.Silence, err error) {
	err = c.write(ctx, http.MethodPut, at("silences", silence), s, &out)
	return out, err
}

// DeleteSilence ends a silence: what it held and is open still is told.
func (c *Client) DeleteSilence(ctx context.Context, silence string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("silences", silence), safe: true})
	return err
}

// ListIncidents lists incidents, the newest first.
func (c *Client) ListIncidents(ctx context.Context, f IncidentQuery, p fleet.Page) (out IncidentPage, err error) {
	q := pageQuery(p)
	set(q, "state", f.State)
	set(q, "rule_id", f.Rule)
	set(q, "kind", f.Kind)
	err = c.get(ctx, at("incidents"), q, &out)
	return out, err
}

// GetIncident returns an incident with what was told of it.
func (c *Client) GetIncident(ctx context.Context, id fleet.ID) (out Incident, err error) {
	err = c.get(ctx, at("incidents", string(id)), nil, &out)
	return out, err
}

// AcknowledgeIncident says that somebody looks after an incident.
func (c *Client) AcknowledgeIncident(ctx context.Context, id fleet.ID, note string) (out Incident, err error) {
	err = c.write(ctx, http.MethodPost, at("incidents", string(id), "acknowledge"), map[string]string{"note": note}, &out)
	return out, err
}

// ResolveIncident ends an incident.
func (c *Client) ResolveIncident(ctx context.Context, id fleet.ID, note string) (out Incident, err error) {
	err = c.write(ctx, http.MethodPost, at("incidents", string(id), "resolve"), map[string]string{"note": note}, &out)
	return out, err
}
