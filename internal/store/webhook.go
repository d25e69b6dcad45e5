package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// WebhookReader reads webhooks that send, and what is on its way to them.
type WebhookReader interface {
	// Webhook finds one that was not deleted.
	Webhook(id fleet.ID) (fleet.Webhook, error)
	WebhookNamed(name string) (fleet.Webhook, error)
	// Webhooks lists all of a tenant by name.
	Webhooks() ([]fleet.Webhook, error)
	// WebhooksBehind lists the enabled ones that have not read the whole log, or
	// are to send a part of it again. It costs by the enabled ones.
	WebhooksBehind() ([]WebhookBehind, error)
	// WebhooksDue lists the enabled ones for which a delivery is due and that do
	// not want to be left alone now: at most so many of each tenant, those first
	// whose deliveries have waited longest, and at most limit, the tenants by turns.
	WebhooksDue(now time.Time, each, limit int) ([]fleet.Webhook, error)
	// WebhooksFailing lists the enabled ones that began to fail before a time.
	WebhooksFailing(before time.Time) ([]fleet.Webhook, error)
	// DeliveriesDue lists what is due for a webhook, the longest first; ordered:
	// of each subject only what is to go first.
	DeliveriesDue(webhook fleet.ID, ordered bool, now time.Time, limit int) ([]fleet.Delivery, error)
	// Deliveries lists those of a webhook by their events, the newest first, without
	// bodies and logs.
	Deliveries(f DeliveryFilter, p fleet.Page) (list []fleet.Delivery, next string, err error)
	// Delivery finds the delivery of an event.
	Delivery(webhook, event fleet.ID) (fleet.Delivery, error)
	// DeliveriesOpen counts those of a webhook that are under way.
	DeliveriesOpen(webhook fleet.ID) (int64, error)
	// WebhookSecrets lists the sealed secrets of a webhook, the newest first.
	WebhookSecrets(webhook fleet.ID) ([]WebhookSecret, error)
	// WebhookSecretsBefore lists those that an older master key has wrapped.
	WebhookSecretsBefore(keyVersion, limit int) ([]WebhookSecret, error)
}

// WebhookWriter changes webhooks and notes what became of deliveries.
type WebhookWriter interface {
	// AddWebhook stores a new one; fleet.ErrConflict if its name is taken.
	AddWebhook(w fleet.Webhook) error
	// PutWebhook writes one that was read for a change, its place in the log too.
	PutWebhook(w fleet.Webhook) error
	// WebhookToChange is Webhook with a lock.
	WebhookToChange(id fleet.ID) (fleet.Webhook, error)
	// PutWebhookState notes how one that was read for a change fares.
	PutWebhookState(w fleet.Webhook) error
	// MoveWebhook says how far an enabled one has read the log, and how many events
	// were gone; false if somebody else was first or it has changed.
	MoveWebhook(w fleet.Webhook, to, missed int64) (bool, error)
	// MoveWebhookReplay is MoveWebhook for what is sent again.
	MoveWebhookReplay(w fleet.Webhook, to int64) (bool, error)
	// AddDeliveries stores new ones. One of an event that has one is sent again.
	AddDeliveries(list []fleet.Delivery) error
	// PutDelivery writes one that was read; false if it has changed since.
	PutDelivery(d fleet.Delivery) (bool, error)
	// HurryDeliveries lets everything that is under way be tried anew, at a time.
	HurryDeliveries(webhook fleet.ID, now time.Time) error
	// DropDeliveries gives up everything that is under way.
	DropDeliveries(webhook fleet.ID, reason string, now time.Time) (int, error)
	// PutWebhookSecret adds a sealed secret, or says until when one counts.
	PutWebhookSecret(s WebhookSecret) error
	// ReplaceWebhookSecret writes one wrapped anew; false if it has changed.
	ReplaceWebhookSecret(s WebhookSecret, was string) (bool, error)
	// DropWebhookSecrets takes those away that are older than a number.
	DropWebhookSecrets(webhook fleet.ID, below int64) error
	// PruneDeliveries takes up to limit of events before a time, and those of
	// deleted webhooks; PruneWebhooks deleted webhooks that have none any more.
	PruneDeliveries(before time.Time, limit int) (int, error)
	PruneWebhooks(limit int) (int, error)
}

// WebhookBehind is a webhook with where the log ends and what is under way.
type WebhookBehind struct {
	fleet.Webhook
	Head int64
	Open int64
}

// DeliveryFilter selects deliveries of a webhook.
type DeliveryFilter struct {
	Webhook fleet.ID
	State   fleet.DeliveryState // empty: all
}

// WebhookSecret is a secret that calls are signed with, sealed.
type WebhookSecret struct {
	Tenant     fleet.TenantID
	Webhook    fleet.ID
	Number     int64 // rises with each rotation
	KeyVersion int
	Text       string
	Until      time.Time // it counts until then; zero: it is the newest
}
