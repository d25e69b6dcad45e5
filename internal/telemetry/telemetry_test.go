package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/redact"
)

func logger(t *testing.T, out *strings.Builder, o LogOptions) *slog.Logger {
	t.Helper()
	log, err := NewLogger(out, o)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestLogForms(t *testing.T) {
	for _, c := range []struct {
		options LogOptions
		json    bool
	}{
		{LogOptions{Format: "json"}, true},
		{LogOptions{Format: "text"}, false},
		{LogOptions{Format: "auto"}, true},
		{LogOptions{Format: "auto", Terminal: true}, false},
		{LogOptions{}, true},
	} {
		var out strings.Builder
		log := logger(t, &out, c.options)
		log.Debug("not written")
		log.Info("robot connected", "robot", "r1")
		if strings.Contains(out.String(), "not written") || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%+v: %q", c.options, out.String())
		}
		if json.Valid([]byte(out.String())) != c.json || !strings.Contains(out.String(), "r1") {
			t.Errorf("%+v: JSON %v wanted, got %q", c.options, c.json, out.String())
		}
	}
	for _, bad := range []LogOptions{{Level: "loud"}, {Format: "xml"}} {
		if _, err := NewLogger(nil, bad); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestLogKeepsSecrets: message, attribute, group and error are all masked, in
// both forms, also when JSON escapes the value.
func TestLogKeepsSecrets(t *testing.T) {
	const secret = "pa\"ss\\word-1"
	for _, format := range []string{"text", "json"} {
		var out strings.Builder
		r := redact.New()
		log := logger(t, &out, LogOptions{Format: format, Level: "debug", Redactor: r})
		r.Add(secret) // known only after the logger was made
		log.Debug("with "+secret, slog.String("plain", secret), slog.Group("g", "inner", secret), Err(fmt.Errorf("dial %s: refused", secret)))
		log.With("kept", secret).Info("later")
		for _, form := range []string{"word-1", `pa\"ss`} {
			if strings.Contains(out.String(), form) {
				t.Errorf("%s: the secret got out: %s", format, out.String())
			}
		}
		if strings.Count(out.String(), redact.Mask) != 5 {
			t.Errorf("%s: want 5 masks: %s", format, out.String())
		}
	}
}

func TestErr(t *testing.T) {
	cause := errors.New("disk I/O error")
	if got := Err(fleet.Internal(cause)).Value.String(); !strings.Contains(got, "disk I/O error") {
		t.Errorf("the cause belongs into the log: %q", got)
	}
	if got := Err(cause).Value.String(); strings.Count(got, "disk") != 1 {
		t.Errorf("once is enough: %q", got)
	}
	if !Err(nil).Equal(slog.Attr{}) {
		t.Error("no error, no attribute")
	}
}

func TestContext(t *testing.T) {
	var out strings.Builder
	log := logger(t, &out, LogOptions{Format: "text"})
	ctx := With(context.Background(), slog.String("request", "abc"))
	one := With(ctx, slog.String("job", "1"))
	two := With(ctx, slog.String("job", "2")) // must not write into what one holds
	Logged(one, log).Info("x")
	Logged(two, log).Info("y")
	lines := strings.Split(out.String(), "\n")
	if !strings.Contains(lines[0], "request=abc job=1") || !strings.Contains(lines[1], "request=abc job=2") {
		t.Errorf("got %q", lines)
	}
}

func TestHealth(t *testing.T) {
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	h := NewHealth("v1", start, "store", "dispatch")
	if h.Ready() || h.State(start).Status != "degraded" {
		t.Error("parts that did not report are not well")
	}
	h.Set("store", nil, start.Add(time.Second))
	h.Set("dispatch", nil, start.Add(time.Second))
	if !h.Ready() {
		t.Errorf("all are well: %+v", h.State(start))
	}
	h.Set("store", nil, start.Add(time.Minute))
	h.Set("dispatch", errors.New("no plan for 10 s"), start.Add(time.Minute))
	s := h.State(start.Add(90 * time.Second))
	if s.Status != "degraded" || s.Uptime != 90 || s.Parts[0].Name != "dispatch" || s.Parts[0].Note != "no plan for 10 s" {
		t.Errorf("%+v", s)
	}
	if !s.Parts[0].Since.Equal(start.Add(time.Minute)) || !s.Parts[1].Since.Equal(start.Add(time.Second)) {
		t.Errorf("since is when it changed: %+v", s.Parts)
	}
	h.Set("dispatch", nil, start)
	h.Stopping()
	if h.Ready() || h.State(start).Status != "stopping" {
		t.Error("a program on its way out is not ready")
	}
}

func TestMetrics(t *testing.T) {
	m := NewMetrics("v1.2.3")
	jobs := prometheus.NewCounter(prometheus.CounterOpts{Name: "fleet_jobs_total", Help: "Jobs."})
	m.MustRegister(jobs)
	jobs.Add(3)
	srv := httptest.NewServer(m.Handler())
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body strings.Builder
	if err := resp.Write(&body); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`fleet_build_info{go="go`, `version="v1.2.3"} 1`, "fleet_jobs_total 3", "go_goroutines"} {
		if !strings.Contains(body.String(), want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	if NewMetrics("v1").Registry == m.Registry {
		t.Error("two programs in one process must not share a registry")
	}
}
