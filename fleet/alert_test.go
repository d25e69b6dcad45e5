package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func someRule(kind AlertKind) AlertRule {
	for _, r := range BuiltinAlertRules(DefaultTenant) {
		if r.Kind == kind {
			return r
		}
	}
	return AlertRule{}
}

// Every kind has a built-in rule that holds what it says of itself.
func TestBuiltinRules(t *testing.T) {
	list := BuiltinAlertRules(DefaultTenant)
	for i := range list {
		if err := list[i].Validate(); err != nil {
			t.Errorf("%s: %v", list[i].Kind, err)
		}
	}
	changed := list[3]
	changed.Enabled = false
	all := WithBuiltinAlertRules(DefaultTenant, []AlertRule{changed, {ID: "x", Name: "Zz"}})
	if len(all) != len(list)+1 || all[len(all)-1].ID != "x" {
		t.Errorf("%d rules", len(all))
	}
	for i := range all {
		if all[i].ID == changed.ID && all[i].Enabled {
			t.Error("what is stored does not count")
		}
	}
}

func TestAlertBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		field  string
		change func(r *AlertRule)
	}{
		"no name":           {"name", func(r *AlertRule) { r.Name = "" }},
		"no such kind":      {"kind", func(r *AlertRule) { r.Kind = "flood" }},
		"severity":          {"severity", func(r *AlertRule) { r.Severity = "loud" }},
		"too short":         {"for_seconds", func(r *AlertRule) { r.ForSeconds = 1 }},
		"percent":           {"params.percent", func(r *AlertRule) { r.Params.Percent = 100 }},
		"window":            {"params.window_seconds", func(r *AlertRule) { r.Params.WindowSeconds = 10 }},
		"selects otherwise": {"selector.robots", func(r *AlertRule) { r.Selector.Robots = []RobotID{"r1"} }},
		"no id":             {"selector.workflows", func(r *AlertRule) { r.Selector.Workflows = []ID{"invoices"} }},
		"nobody is next":    {"escalate_after_seconds", func(r *AlertRule) { r.Channels, r.EscalateAfterSeconds = []ID{"a"}, 60 }},
		"twice":             {"channels", func(r *AlertRule) { r.Channels = []ID{"a", "a"} }},
		"long":              {"description", func(r *AlertRule) { r.Description = strings.Repeat("x", 501) }},
	} {
		r := someRule(AlertFailureRate)
		c.change(&r)
		wrong(t, name, c.field, r.Validate())
	}
	brake := someRule(AlertBrake)
	brake.Params.Percent = 3
	wrong(t, "params of another", "params", brake.Validate())
	for name, c := range map[string]struct {
		field string
		c     AlertChannel
	}{
		"the log":       {"kind", AlertChannel{Name: "x", Kind: ChannelLog}},
		"its name":      {"name", AlertChannel{Name: "LOG", Kind: ChannelLog}},
		"no kind":       {"kind", AlertChannel{Name: "x"}},
		"no address":    {"webhook.url", AlertChannel{Name: "x", Kind: ChannelWebhook}},
		"not encrypted": {"webhook.url", AlertChannel{Name: "x", Kind: ChannelWebhook, Webhook: &WebhookWay{URL: "http://example.org"}}},
		"a password":    {"webhook.url", AlertChannel{Name: "x", Kind: ChannelWebhook, Webhook: &WebhookWay{URL: "https://a:b@example.org"}}},
		"no server":     {"email.host", AlertChannel{Name: "x", Kind: ChannelEmail, Email: &EmailWay{From: "a@b.c", To: []string{"a@b.c"}}}},
		"nobody":        {"email.to", AlertChannel{Name: "x", Kind: ChannelEmail, Email: &EmailWay{Host: "mail", From: "a@b.c"}}},
		"a line more":   {"email.to", AlertChannel{Name: "x", Kind: ChannelEmail, Email: &EmailWay{Host: "mail", From: "a@b.c", To: []string{"a@b.c\r\nBcc: x@y.z"}}}},
		"a name":        {"email.from", AlertChannel{Name: "x", Kind: ChannelEmail, Email: &EmailWay{Host: "mail", From: "Ada <a@b.c>", To: []string{"a@b.c"}}}},
		"half":          {"email.secret", AlertChannel{Name: "x", Kind: ChannelEmail, Email: &EmailWay{Host: "mail", Username: "u", From: "a@b.c", To: []string{"a@b.c"}}}},
	} {
		c.c.Normal()
		wrong(t, name, c.field, c.c.Validate())
	}
	at := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		field string
		s     Silence
	}{
		"no end":    {"until", Silence{Name: "x", From: at}},
		"backwards": {"until", Silence{Name: "x", From: at, Until: at}},
		"for ever":  {"until", Silence{Name: "x", From: at, Until: at.AddDate(2, 0, 0)}},
		"both":      {"calendar_id", Silence{Name: "x", From: at, Until: at.Add(time.Hour), Calendar: "01890000-0000-7000-8000-000000000000"}},
		"all, some": {"rules", Silence{Name: "x", All: true, Rules: []ID{"a"}, From: at, Until: at.Add(time.Hour)}},
	} {
		wrong(t, name, c.field, c.s.Validate())
	}
}

func wrong(t *testing.T, name, field string, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeInvalid || len(e.Fields) != 1 || e.Fields[0].Field != field {
		t.Errorf("%s: %v, want a fault of %s", name, err, field)
	}
}

// What is sampled must be seen without a gap for as long as its rule says.
func TestWatchedUntilItHolds(t *testing.T) {
	r := someRule(AlertRobotHealth) // 5 minutes
	at := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	s := Sighting{Kind: r.Kind, Cause: "r1", Count: 1, Level: true, At: at}
	i := r.Begin("i", &s)
	if i.State != IncidentWatched {
		t.Fatalf("at once: %s", i.State)
	}
	see := func(minute int) bool { s.At = at.Add(time.Duration(minute) * time.Minute); return i.See(&r, &s) }
	for _, minute := range []int{1, 2, 5, 6, 7, 8, 9} { // nobody saw it between 2 and 5
		if see(minute) {
			t.Fatalf("after %d minutes", minute)
		}
	}
	if !see(10) || i.State != IncidentOpen {
		t.Errorf("after five minutes without a gap: %s", i.State)
	}
	if i.Count != 1 {
		t.Errorf("a level counts up: %d", i.Count)
	}
	quiet := at.Add(20 * time.Minute)
	if turn := i.Turn(&r, false, quiet.Add(-time.Second)); turn != TurnNone {
		t.Errorf("before it is quiet: %s", turn)
	}
	if turn := i.Turn(&r, false, quiet); turn != TurnResolve || i.State != IncidentResolved {
		t.Errorf("after ten minutes of quiet: %s", turn)
	}
	w := r.Begin("w", &Sighting{Kind: r.Kind, Cause: "r2", At: at})
	if turn := w.Turn(&r, false, w.DueAt); turn != TurnForget {
		t.Errorf("seen once: %s", turn)
	}
}

func TestNoticePauses(t *testing.T) {
	total := time.Duration(0)
	for n := 1; ; n++ {
		pause, again := NoticePause(n, 0.5)
		if !again {
			if n != 11 || total < 12*time.Hour {
				t.Errorf("given up after %d attempts in %s", n, total)
			}
			break
		}
		total += pause
	}
	if least, _ := NoticePause(1, 0); least != 8*time.Second {
		t.Errorf("the least pause is %s", least)
	}
}
