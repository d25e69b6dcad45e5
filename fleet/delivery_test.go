package fleet

import (
	"testing"
	"time"
)

// TestDeliveryPauses holds the table against what was promised, and each pause
// within a fifth of it.
func TestDeliveryPauses(t *testing.T) {
	want := []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	for i, usual := range want {
		for chance, part := range map[float64]float64{0: 0.8, 0.5: 1, 0.75: 1.1} {
			got, ok := DeliveryPause(i+1, chance)
			if off := got - time.Duration(float64(usual)*part); !ok || off.Abs() > time.Millisecond {
				t.Errorf("after %d tries: %s, want %s by %v", i+1, got, usual, part)
			}
		}
	}
	for _, n := range []int{0, len(want) + 1} {
		if _, ok := DeliveryPause(n, 0.5); ok {
			t.Errorf("there is a try after %d", n)
		}
	}
}

// TestTried: 2xx alone is a success; what follows from everything else.
func TestTried(t *testing.T) {
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		try   DeliveryTry
		tries int // before
		state DeliveryState
		next  time.Duration
	}{
		"taken":                     {DeliveryTry{Status: 204}, 0, DeliveryDelivered, 0},
		"redirected":                {DeliveryTry{Status: 302}, 0, DeliveryWaiting, 5 * time.Second},
		"refused":                   {DeliveryTry{Status: 400}, 1, DeliveryWaiting, 5 * time.Minute},
		"no answer":                 {DeliveryTry{Fault: "away"}, 0, DeliveryWaiting, 5 * time.Second},
		"a status without answer":   {DeliveryTry{Status: 200, Fault: "cut"}, 0, DeliveryWaiting, 5 * time.Second},
		"asked to wait":             {DeliveryTry{Status: 500, RetryAfter: time.Hour}, 0, DeliveryWaiting, time.Hour},
		"asked to wait too little":  {DeliveryTry{Status: 500, RetryAfter: time.Second}, 1, DeliveryWaiting, 5 * time.Minute},
		"asked to wait for a month": {DeliveryTry{Status: 500, RetryAfter: 720 * time.Hour}, 0, DeliveryWaiting, 24 * time.Hour},
		"the last one":              {DeliveryTry{Status: 500}, 9, DeliveryGivenUp, 0},
		"gone at the last one":      {DeliveryTry{Status: 410}, 9, DeliveryWaiting, 0},
	} {
		d := Delivery{State: DeliveryWaiting, Tries: c.tries, NextAt: now}
		d.Tried(c.try, now, 0.5)
		next := time.Duration(0)
		if !d.NextAt.IsZero() {
			next = d.NextAt.Sub(now)
		}
		if d.State != c.state || next != c.next || (d.State == DeliveryWaiting) != d.Ended.IsZero() || len(d.Log) != 1 || (d.Reason == "") != (c.state == DeliveryDelivered) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	d := Delivery{State: DeliveryWaiting}
	for range 3 * MaxDeliveryTries {
		d.Tried(DeliveryTry{Status: 500}, now, 0.5)
		d.Again(now)
	}
	if len(d.Log) != MaxDeliveryTries {
		t.Errorf("%d tries are kept", len(d.Log))
	}
}

// TestHeard: what tries say about a webhook.
func TestHeard(t *testing.T) {
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	w, d := Webhook{Enabled: true}, Delivery{State: DeliveryWaiting}
	fails := func(after time.Duration, try DeliveryTry) (string, bool) {
		now = now.Add(after)
		return w.Heard(&d, &try, now)
	}
	bad := DeliveryTry{Status: 500}
	fails(0, bad)
	if _, recovered := fails(time.Minute, DeliveryTry{Status: 200}); recovered || w.Fault != "" {
		t.Error("a minute of failures is no event")
	}
	fails(0, bad)
	fails(6*time.Minute, bad)
	if _, recovered := fails(time.Second, DeliveryTry{Status: 200}); !recovered {
		t.Error("six minutes of failures are one")
	}
	fails(0, DeliveryTry{Status: 503, RetryAfter: time.Hour})
	if !w.HoldUntil.Equal(now.Add(time.Hour)) {
		t.Errorf("to be left alone until %s", w.HoldUntil)
	}
	if why, _ := fails(WebhookDisabledAfter-time.Second, bad); why != "" {
		t.Errorf("disabled too early: %s", why)
	}
	if why, _ := fails(time.Second, bad); why == "" {
		t.Error("not disabled after five days")
	}
	if why, _ := (&Webhook{}).Heard(&d, &DeliveryTry{Status: 410}, now); why == "" {
		t.Error("not disabled by 410")
	}
}

func TestWebhookValidate(t *testing.T) {
	good := func() Webhook {
		w := Webhook{Name: "a", URL: "https://example.org/x?key=1"}
		w.Normal()
		return w
	}
	if w := good(); w.Validate() != nil || w.RatePerSecond != 10 || !w.Sends(EventJobFailed) {
		t.Errorf("%+v: %v", w, w.Validate())
	}
	for name, change := range map[string]func(w *Webhook){
		"no name":     func(w *Webhook) { w.Name = "" },
		"no address":  func(w *Webhook) { w.URL = "" },
		"no host":     func(w *Webhook) { w.URL = "https:///x" },
		"opaque":      func(w *Webhook) { w.URL = "https:example.org" },
		"a scheme":    func(w *Webhook) { w.URL = "gopher://example.org" },
		"a user":      func(w *Webhook) { w.URL = "https://ada@example.org" },
		"a fragment":  func(w *Webhook) { w.URL = "https://example.org/#x" },
		"a type":      func(w *Webhook) { w.Types = []EventKind{"x"} },
		"slow":        func(w *Webhook) { w.RatePerSecond = -1 },
		"fast":        func(w *Webhook) { w.RatePerSecond = 101 },
		"a long note": func(w *Webhook) { w.Note = string(make([]rune, 501)) },
	} {
		w := good()
		if change(&w); w.Validate() == nil {
			t.Errorf("%s is taken", name)
		}
	}
	w := good()
	w.Types = []EventKind{EventJobFailed}
	if !w.Sends(EventJobFailed) || w.Sends(EventJobCompleted) {
		t.Error("it sends what it does not name")
	}
}
