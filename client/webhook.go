package client

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// WebhookChange is what is to hold of a webhook; nil leaves things as they are.
type WebhookChange struct {
	Name          *string             `json:"name,omitempty"`
	Description   *string             `json:"description,omitempty"`
	URL           *string             `json:"url,omitempty"`
	Types         *[]fleet.EventKind  `json:"event_types,omitempty"` // none: all
	Filter        *[]fleet.Comparison `json:"filter,omitempty"`
	Enabled       *bool               `json:"enabled,omitempty"`
	Ordered       *bool               `json:"ordered,omitempty"`
	RatePerSecond *int                `json:"rate_per_second,omitempty"`
	Secret        *string             `json:"secret,omitempty"` // of a new one
}

// Webhook is a webhook that is sent events, with how it stands.
type Webhook struct {
	fleet.Webhook
	Waiting      int64      `json:"waiting_count"`
	Behind       int64      `json:"behind_count"`
	Delivered    int64      `json:"delivered_count"`
	GivenUp      int64      `json:"given_up_count"`
	Missed       int64      `json:"missed_count"`
	Replaying    bool       `json:"replaying"`
	LastSuccess  *time.Time `json:"last_success_at"`
	LastFailure  *time.Time `json:"last_failure_at"`
	FailingSince *time.Time `json:"failing_since"`
	HoldUntil    *time.Time `json:"hold_until"`
	OldUntil     *time.Time `json:"old_secret_until"`
	Fault        string     `json:"fault"`
	Secret       string     `json:"secret,omitempty"` // when it was just made
}

// DeliveryPage is a part of what was and is to be sent to a webhook.
type DeliveryPage struct {
	Deliveries []fleet.Delivery `json:"deliveries"`
	Next       string           `json:"next_cursor"`
}

// ListWebhooks returns all webhooks by name.
func (c *Client) ListWebhooks(ctx context.Context) ([]Webhook, error) {
	var out struct {
		Webhooks []Webhook `json:"webhooks"`
	}
	err := c.get(ctx, at("webhooks-out"), nil, &out)
	return out.Webhooks, err
}

// GetWebhook returns a webhook, by its id or its name.
func (c *Client) GetWebhook(ctx context.Context, webhook string) (out Webhook, err error) {
	err = c.get(ctx, at("webhooks-out", webhook), nil, &out)
	return out, err
}

// CreateWebhook has events sent to an address. The secret in the answer is shown
// this once.
func (c *Client) CreateWebhook(ctx context.Context, w WebhookChange) (out Webhook, err error) {
	err = c.once(ctx, http.MethodPost, at("webhooks-out"), w, &out)
	return out, err
}

// UpdateWebhook changes a webhook.
func (c *Client) UpdateWebhook(ctx context.Context, webhook string, w WebhookChange) (out Webhook, err error) {
	err = c.write(ctx, http.MethodPut, at("webhooks-out", webhook), w, &out)
	return out, err
}

// DeleteWebhook deletes a webhook.
func (c *Client) DeleteWebhook(ctx context.Context, webhook string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("webhooks-out", webhook), safe: true})
	return err
}

// EnableWebhook sends events again, from where it stopped, or, with skip, from
// now on.
func (c *Client) EnableWebhook(ctx context.Context, webhook string, skip bool) (out Webhook, err error) {
	err = c.write(ctx, http.MethodPut, at("webhooks-out", webhook, "enable"), map[string]any{"skip_missed": skip}, &out)
	return out, err
}

// DisableWebhook sends nothing more. What happens meanwhile waits.
func (c *Client) DisableWebhook(ctx context.Context, webhook, note string) (out Webhook, err error) {
	err = c.write(ctx, http.MethodPut, at("webhooks-out", webhook, "disable"), map[string]any{"note": note}, &out)
	return out, err
}

// RotateWebhook replaces the secret. The new one is in the answer, this once; the
// old one signs beside it for a while.
func (c *Client) RotateWebhook(ctx context.Context, webhook string, keep time.Duration) (out Webhook, err error) {
	err = c.once(ctx, http.MethodPost, at("webhooks-out", webhook, "rotate-secret"), map[string]any{"keep_seconds": int(keep / time.Second)}, &out)
	return out, err
}

// TestWebhook sends a test event now and says what was answered.
func (c *Client) TestWebhook(ctx context.Context, webhook string) (out fleet.DeliveryTry, err error) {
	err = c.once(ctx, http.MethodPost, at("webhooks-out", webhook, "test"), nil, &out)
	return out, err
}

// ReplayWebhook sends again what happened since a time, up to 14 days back. It
// says how many events are looked at.
func (c *Client) ReplayWebhook(ctx context.Context, webhook string, from time.Time) (events int64, err error) {
	var out struct {
		Events int64 `json:"events"`
	}
	err = c.write(ctx, http.MethodPost, at("webhooks-out", webhook, "replay"), map[string]any{"from": from}, &out)
	return out.Events, err
}

// ReplayDelivery sends one delivery again.
func (c *Client) ReplayDelivery(ctx context.Context, webhook string, delivery fleet.ID) error {
	return c.write(ctx, http.MethodPost, at("webhooks-out", webhook, "replay"), map[string]any{"delivery_id": delivery}, nil)
}

// WebhookDeliveries lists what was and is to be sent, the newest events first;
// with a state, those alone.
func (c *Client) WebhookDeliveries(ctx context.Context, webhook string, state fleet.DeliveryState, p fleet.Page) (out DeliveryPage, err error) {
	q := pageQuery(p)
	set(q, "state", state)
	err = c.get(ctx, at("webhooks-out", webhook, "deliveries"), q, &out)
	return out, err
}

// GetDelivery returns one delivery with what was sent and what was answered.
func (c *Client) GetDelivery(ctx context.Context, webhook string, delivery fleet.ID) (out fleet.Delivery, err error) {
	err = c.get(ctx, at("webhooks-out", webhook, "deliveries", string(delivery)), nil, &out)
	return out, err
}
