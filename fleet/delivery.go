package fleet

import (
	"encoding/json"
	"fmt"
	"time"
)

// Delivery is one event on its way to a webhook. However often it is tried or
// sent again, it has the id of its event.
type Delivery struct {
	ID        ID            `json:"delivery_id"` // of the event
	Tenant    TenantID      `json:"-"`
	WebhookID ID            `json:"webhook_id"`
	Seq       int64         `json:"event_seq"`
	Kind      EventKind     `json:"event_type"`
	Subject   string        `json:"subject"` // its kind, a slash and its id
	EventAt   time.Time     `json:"event_at"`
	State     DeliveryState `json:"state"`
	Tries     int           `json:"tries"` // since it was sent for the first time, or again
	NextAt    time.Time     `json:"next_at,omitzero"`
	Ended     time.Time     `json:"ended_at,omitzero"`
	Status    int           `json:"status,omitempty"` // of the last answer; 0: there was none
	Reason    string        `json:"reason,omitempty"` // why the last try failed, or it was given up

	Body json.RawMessage `json:"request_body,omitempty"`
	Log  []DeliveryTry   `json:"log,omitempty"` // the newest tries, the oldest of them first

	Version int64 `json:"-"` // counts changes
}

// DeliveryState says what became of a delivery.
type DeliveryState string

// The states.
const (
	DeliveryWaiting   DeliveryState = "waiting" // for its first try or for the next one
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryGivenUp   DeliveryState = "given_up"
)

// DeliveryStates lists them.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryWaiting, DeliveryDelivered, DeliveryGivenUp}
}

// DeliveryTry is one call of a receiver.
type DeliveryTry struct {
	At      time.Time         `json:"at"`
	TookMS  int64             `json:"took_ms"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"request_headers,omitempty"` // without the signature
	Status  int               `json:"status,omitempty"`
	// Answer is the beginning of what the receiver said.
	Answer     string        `json:"answer,omitempty"`
	AnswerType string        `json:"answer_type,omitempty"`
	RetryAfter time.Duration `json:"-"`
	Retry      string        `json:"retry_after,omitempty"` // as the receiver said it
	Fault      string        `json:"fault,omitempty"`       // why there was no answer
	// Rests says that there was no call: whoever is there has not answered for a while
	// and is left alone. It is no try.
	Rests bool `json:"-"`
}

// Arrived says whether the receiver has taken it: 2xx alone is a yes.
func (t *DeliveryTry) Arrived() bool { return t.Fault == "" && t.Status >= 200 && t.Status <= 299 }

// Gone says whether the receiver wants nothing more, ever.
func (t *DeliveryTry) Gone() bool { return t.Fault == "" && t.Status == 410 }

// Reason is why a try failed, as a sentence; empty if it did not.
func (t *DeliveryTry) Reason() string {
	switch {
	case t.Arrived():
		return ""
	case t.Fault != "":
		return t.Fault
	case t.Gone():
		return "The receiver answered 410: it wants nothing more."
	case t.Status >= 300 && t.Status <= 399:
		return fmt.Sprintf("The receiver answered %d: redirects are not followed.", t.Status)
	}
	return fmt.Sprintf("The receiver answered %d.", t.Status)
}

// deliveryPauses are those before each try after the first.
var deliveryPauses = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// deliveryJitter is by how much of itself a pause may be shorter or longer.
const deliveryJitter = 0.2

// DeliveryPause is how long to wait after so many tries that failed; ok is false
// when it is to be given up. chance is in [0,1).
func DeliveryPause(tries int, chance float64) (pause time.Duration, ok bool) {
	if tries < 1 || tries > len(deliveryPauses) {
		return 0, false
	}
	usual := float64(deliveryPauses[tries-1])
	return time.Duration(usual * (1 - deliveryJitter + 2*deliveryJitter*chance)), true
}

// Tried notes a try that ended now, and says what follows from it for the
// delivery. chance is in [0,1).
func (d *Delivery) Tried(try DeliveryTry, now time.Time, chance float64) {
	d.Tries++
	d.Status, d.Reason = try.Status, try.Reason()
	d.Log = append(d.Log, try)
	if n := len(d.Log) - MaxDeliveryTries; n > 0 {
		d.Log = d.Log[n:]
	}
	if try.Arrived() {
		d.State, d.NextAt, d.Ended = DeliveryDelivered, time.Time{}, now
		return
	}
	pause, again := DeliveryPause(d.Tries, chance)
	switch {
	case again:
		d.NextAt = now.Add(max(pause, min(try.RetryAfter, maxWebhookRetryPauses)))
	case try.Gone(): // it may be enabled again, for another address
		d.NextAt = now
		d.Tries = 0
	default:
		d.State, d.NextAt, d.Ended = DeliveryGivenUp, time.Time{}, now
	}
}

// Heard notes what a try that ended now says about the webhook. disabled is a
// sentence if it is to be disabled; recovered says that it is reached again.
func (w *Webhook) Heard(d *Delivery, try *DeliveryTry, now time.Time) (disabled string, recovered bool) {
	s := &w.WebhookState
	if try.Arrived() {
		recovered = s.Down
		s.Delivered++
		s.LastSuccess, s.Fault, s.FailingSince, s.Down, s.HoldUntil = now, "", time.Time{}, false, time.Time{}
		return "", recovered
	}
	s.LastFailure, s.Fault = now, try.Reason()
	if s.FailingSince.IsZero() {
		s.FailingSince = now
	}
	if d.State == DeliveryGivenUp {
		s.GivenUp++
	}
	if try.RetryAfter > 0 && (try.Status == 429 || try.Status == 503) { // that is about all of them
		s.HoldUntil = now.Add(min(try.RetryAfter, maxWebhookRetryPauses))
	}
	s.Down = s.Down || now.Sub(s.FailingSince) >= WebhookDownAfter
	if try.Gone() {
		s.Down = true
		return try.Reason(), false
	}
	return w.Overdue(now), false
}

// Overdue is a sentence if nothing has arrived for so long that a webhook is to
// be disabled.
func (w *Webhook) Overdue(now time.Time) string {
	if w.FailingSince.IsZero() || now.Sub(w.FailingSince) < WebhookDisabledAfter {
		return ""
	}
	return "Nothing has arrived for 5 days. The last try: " + w.Fault
}

// Again lets a delivery be sent once more.
func (d *Delivery) Again(now time.Time) {
	d.State, d.Tries, d.NextAt, d.Ended = DeliveryWaiting, 0, now, time.Time{}
}
