package fleet

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Webhook sends the events of a tenant to an address of somebody else. What is
// to be sent is a [Delivery] for each event. How far the log was read is a number
// that only moves on, so no event is left out, and one may come twice with the
// same id.
type Webhook struct {
	ID          ID       `json:"webhook_id"`
	Tenant      TenantID `json:"tenant_id"`
	Name        string   `json:"name"` // unique in its tenant, whatever the case of its letters
	Description string   `json:"description,omitempty"`
	URL         string   `json:"url"`
	// Types are the kinds of events that are sent; none: all of them.
	Types []EventKind `json:"event_types"`
	// Filter must hold of the data of an event, by JSON Pointers.
	Filter []Comparison `json:"filter,omitempty"`

	Enabled bool   `json:"enabled"`
	Note    string `json:"note,omitempty"` // why it is disabled
	// Ordered sends the events of one subject one after another: the next one goes
	// once the one before has arrived or was given up.
	Ordered       bool `json:"ordered"`
	RatePerSecond int  `json:"rate_per_second"`

	Revision  int64     `json:"revision"` // counts changes that somebody made; the ETag
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by,omitempty"`
	DeletedAt time.Time `json:"deleted_at,omitzero"`

	WebhookState `json:"-"`
}

// WebhookState is what changes while a webhook is at work.
type WebhookState struct {
	Seq int64 // the number of the event up to which the log was read
	// The events after ReplayFrom up to ReplayTo are sent once more.
	ReplayFrom, ReplayTo int64
	// Missed counts events that were taken out of the log before they were read.
	Missed int64

	Delivered   int64
	GivenUp     int64
	LastSuccess time.Time
	LastFailure time.Time
	Fault       string // of the last try; empty: it arrived
	// FailingSince is when the first try failed after which none has arrived.
	FailingSince time.Time
	// Down says that it has failed for so long that it is an event when one arrives.
	Down bool
	// HoldUntil is when the receiver wants to be tried again.
	HoldUntil time.Time
}

// The bounds of webhooks.
const (
	MaxWebhookURL         = 2048
	MaxWebhookRate        = 100
	WebhookRate           = 10
	WebhookLimit          = 15 * time.Second    // of one call
	WebhookWindowSize     = 1000                // deliveries of a webhook that are under way; the rest waits in the log
	WebhookDownAfter      = 5 * time.Minute     // of failing, a success is an event
	WebhookDisabledAfter  = 5 * 24 * time.Hour  // without a success
	WebhookReplayBack     = 14 * 24 * time.Hour // so far back events can be sent again
	WebhookKept           = 30 * 24 * time.Hour // deliveries, with requests and answers
	WebhookRotates        = 24 * time.Hour      // an old secret signs beside the new one, unless said otherwise
	MaxWebhookRotates     = 7 * 24 * time.Hour
	MaxDeliveryBody       = 20 << 10 // a longer one is cut to ids and a link
	MaxDeliveryAnswer     = 2 << 10  // of an answer that is kept
	MaxDeliveryTries      = 20       // that are kept of one delivery
	maxWebhookTypes       = 200
	maxWebhookRetryPauses = 24 * time.Hour
)

// Host is where the webhook is, with its port; empty if its address cannot be read.
func (w *Webhook) Host() string {
	u, err := url.Parse(w.URL)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// Key is the name as it is compared.
func (w *Webhook) Key() string { return strings.ToLower(w.Name) }

// Normal fills in what follows from the choices made.
func (w *Webhook) Normal() {
	if w.RatePerSecond == 0 {
		w.RatePerSecond = WebhookRate
	}
	if w.Types == nil {
		w.Types = []EventKind{}
	}
}

// Validate checks all that can be set, except where the address leads.
func (w *Webhook) Validate() error {
	if err := ValidateName("name", w.Name, 128); err != nil {
		return err
	}
	if len([]rune(w.Description)) > MaxScheduleNote || len([]rune(w.Note)) > MaxScheduleNote {
		return Invalid("description", "description and note may have at most %d characters.", MaxScheduleNote)
	}
	if err := validateWebhookURL(w.URL); err != nil {
		return err
	}
	if len(w.Types) > maxWebhookTypes {
		return Invalid("event_types", "event_types may have at most %d entries; leave it empty for all.", maxWebhookTypes)
	}
	for i, kind := range w.Types {
		if !slices.Contains(EventKinds(), kind) {
			return Invalid("event_types", "There is no type of event %q.", clip(string(kind), maxTriggerTypeText)).WithFix("GET /api/v1/events shows them; api/events.json lists all.")
		}
		if slices.Contains(w.Types[:i], kind) {
			return Invalid("event_types", "event_types names %s twice.", kind)
		}
	}
	if err := ValidateDocumentConditions("filter", w.Filter); err != nil {
		return err
	}
	return within([]bound{{"rate_per_second", w.RatePerSecond, 1, MaxWebhookRate}})
}

func validateWebhookURL(text string) error {
	if len(text) > MaxWebhookURL {
		return Invalid("url", "url may have at most %d characters; got %d.", MaxWebhookURL, len(text))
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return Invalid("url", "url must be an address such as https://example.org/events.")
	case u.Scheme != "https" && u.Scheme != "http":
		return URLForbidden("Events are sent by https alone; got %q.", clip(u.Scheme, 20))
	case u.User != nil:
		return URLForbidden("An address of a webhook may not hold a name or a password: the signature says who sends.")
	case u.Fragment != "":
		return Invalid("url", "url may not have a fragment (#…): it is never sent.")
	}
	return nil
}

// URLForbidden says that nothing may be sent to an address.
func URLForbidden(format string, args ...any) *Error {
	e := Invalid("url", format, args...)
	e.Reason = "url_forbidden"
	return e
}

// Sends says whether events of a kind are sent, before the filter is asked.
func (w *Webhook) Sends(kind EventKind) bool {
	return len(w.Types) == 0 || slices.Contains(w.Types, kind)
}
