package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/flow"
	"github.com/casarerpa/fleet/workflow/value"
)

func waitFor(ctx context.Context, cfg ...any) (time.Duration, error) {
	began := time.Now()
	_, err := engine.VisitOne(ctx, engine.Single{
		Node: flow.Nodes()["WaitNode"], NodeID: "w", Type: "WaitNode", Config: value.MapOf(cfg...),
	})
	return time.Since(began), err
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			duration any
			want     time.Duration
			err      string
		}{
			{2.5, 2500 * time.Millisecond, ""},
			{"3", 3 * time.Second, ""},
			{int64(0), 0, ""},
			{nil, time.Second, ""},
			{-1.0, 0, "Wait duration must be non-negative"},
			{"soon", 0, "could not convert string to float: 'soon'"},
		} {
			took, err := waitFor(t.Context(), "duration", test.duration)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if took != test.want || message != test.err {
				t.Errorf("%v: took %s, error %q", test.duration, took, message)
			}
		}
		// A wait of a century ends with its context, and says why it ended.
		cause := errors.New("the robot lost its lease")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(cause) })
		if took, err := waitFor(ctx, "duration", 1e300); took != time.Minute || !errors.Is(err, cause) {
			t.Errorf("took %s, error %v", took, err)
		}
	})
}

func TestWebhookNotify(t *testing.T) {
	var bodies []map[string]any
	status := []int{200}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var body map[string]any
		if err := json.Unmarshal(text, &body); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %s (%v)", r.Method, r.Header.Get("Content-Type"), text, err)
		}
		bodies = append(bodies, body)
		code := status[0]
		if len(status) > 1 {
			status = status[1:]
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "answer")
	}))
	defer server.Close()
	visit := func(cfg m) (*value.Map, error) {
		cfg["webhook_url"] = server.URL
		out, _, err := enginetest.Visit(t, flow.Nodes()["WebhookNotifyNode"], "WebhookNotifyNode", nil, cfg)
		return out, err
	}
	details := m{"code": 7}
	for format, want := range map[string]any{
		"generic": m{"message": "hi", "details": m{"code": 7.0}, "source": "CasareRPA"},
		"slack": m{"text": "hi", "attachments": []any{m{
			"color": "danger", "title": "Error Details",
			"fields": []any{m{"title": "code", "value": "7", "short": true}},
		}}},
		"discord": m{"content": "hi", "embeds": []any{m{
			"title": "Error Details", "color": 15158332.0,
			"fields": []any{m{"name": "code", "value": "7", "inline": true}},
		}}},
		"teams": m{
			"@type": "MessageCard", "themeColor": "FF0000", "summary": "hi",
			"sections": []any{m{"activityTitle": "hi", "facts": []any{m{"name": "code", "value": "7"}}}},
		},
	} {
		bodies = nil
		out, err := visit(m{"message": "hi", "error_details": details, "format": format})
		if err != nil || out.String() != "{'success': True, 'response': 'answer'}" {
			t.Errorf("%s: %s, %v", format, out, err)
		}
		if diff := cmp.Diff([]map[string]any{want.(m)}, bodies); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}

	status = []int{404}
	if out, err := visit(m{}); err != nil || out.String() != "{'success': False, 'response': 'answer'}" {
		t.Errorf("404: %s, %v", out, err)
	}
	bodies, status = nil, []int{503, 200}
	if out, err := visit(m{"retry_count": 2, "retry_delay": 0}); err != nil || len(bodies) != 2 || out.String() != "{'success': True, 'response': 'answer'}" {
		t.Errorf("retried: %s, %v, %d requests", out, err, len(bodies))
	}

	out, _, err := enginetest.Visit(t, flow.Nodes()["WebhookNotifyNode"], "WebhookNotifyNode", nil, nil)
	if err == nil || err.Error() != "No webhook URL provided" || out.String() != "{'success': False, 'response': 'No webhook URL provided'}" {
		t.Errorf("no URL: %s, %v", out, err)
	}
	server.Close()
	if out, err := visit(m{}); err == nil || !out.Has("response") {
		t.Errorf("nobody there: %s, %v", out, err)
	}
}
