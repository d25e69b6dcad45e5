package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// bound is one limit: how it is set small, and what is done with n of the thing.
type bound struct {
	set    func(l *config.Limits)
	at     int // the limit then
	do     func(w *world, n int) answer
	beyond int    // the status beyond
	code   string // in the answer beyond
}

// padded makes a JSON text of just so many bytes.
func padded(text string, n int) string { return text + strings.Repeat(" ", max(n-len(text), 0)) }

// graph is a workflow with so many nodes in a row.
func graph(nodes, connections int) string {
	var n, c []string
	for i := range nodes {
		kind := "CommentNode"
		if i == 0 {
			kind = "StartNode"
		}
		n = append(n, fmt.Sprintf(`"n%d":{"node_id":"n%d","node_type":%q,"config":{}}`, i, i, kind))
	}
	for i := range connections {
		c = append(c, fmt.Sprintf(`{"source_node":"n%d","source_port":"exec_out","target_node":"n%d","target_port":"exec_in"}`, i, i+1))
	}
	return `{"metadata":{"name":"g"},"nodes":{` + strings.Join(n, ",") + `},"connections":[` + strings.Join(c, ",") + `]}`
}

func list20(n int, each string) string {
	return strings.TrimSuffix(strings.Repeat(each+",", n), ",")
}

// bounds are the limits that can be seen in one answer. The others have tests of
// their own, which are named in elsewhere.
func bounds() map[string]bound {
	put := func(body func(n int) string) func(w *world, n int) answer {
		return func(w *world, n int) answer { return w.do("admin", "PUT", "/api/v1/environments/e", body(n)) }
	}
	submit := func(body func(n int) string) func(w *world, n int) answer {
		return func(w *world, n int) answer { return w.do("developer", "POST", "/api/v1/jobs", body(n)) }
	}
	return map[string]bound{
		"Body":     {func(l *config.Limits) { l.Body = 300 }, 300, put(func(n int) string { return padded(`{}`, n) }), 413, "too_large"},
		"Workflow": {func(l *config.Limits) { l.Body, l.Workflow = 100, 500 }, 600, submit(func(n int) string { return padded(`{"workflow_json":`+doc+`}`, n) }), 413, "too_large"},
		"Bulk": {func(l *config.Limits) { l.Body, l.Bulk = 100, 500 }, 500, func(w *world, n int) answer {
			return w.do("developer", "POST", "/api/v1/jobs/bulk", padded(`{"jobs":[{"workflow_json":`+doc+`}]}`, n))
		}, 413, "too_large"},
		"BulkJobs": {func(l *config.Limits) { l.BulkJobs = 3 }, 3, func(w *world, n int) answer {
			return w.do("developer", "POST", "/api/v1/jobs/bulk", `{"jobs":[`+list20(n, `{"workflow_json":`+doc+`}`)+`]}`)
		}, 422, "1 to 3 entries"},
		"BulkItems": {func(l *config.Limits) { l.BulkItems = 3 }, 3, func(w *world, n int) answer {
			w.do("developer", "POST", "/api/v1/queues", `{"name":"q"}`)
			return w.do("developer", "POST", "/api/v1/queues/q/items/bulk", `{"items":[`+list20(n, `{}`)+`]}`)
		}, 422, "1 to 3 entries"},
		"ExportJobs": {func(l *config.Limits) { l.ExportJobs = 2 }, 2, func(w *world, n int) answer {
			w.do("developer", "POST", "/api/v1/jobs/bulk", `{"jobs":[`+list20(n, fmt.Sprintf(`{"workflow_json":%s,"name":"of %d"}`, doc, n))+`]}`)
			return w.do("viewer", "GET", fmt.Sprintf("/api/v1/jobs/export?q=of%%20%d", n), "")
		}, 422, "At most 2 jobs"},
		"Queues": {func(l *config.Limits) { l.Queues = 2 }, 2, func(w *world, n int) answer {
			var a answer
			for k := range n {
				a = w.do("developer", "POST", "/api/v1/queues", fmt.Sprintf(`{"name":"q%d of %d"}`, k, n))
			}
			for k := range n {
				w.do("developer", "DELETE", fmt.Sprintf("/api/v1/queues/q%d%%20of%%20%d", k, n), "")
			}
			return a
		}, 429, "at most 2 queues"},
		"Pattern": {func(l *config.Limits) { l.Pattern = 20 }, 20, func(w *world, n int) answer {
			return w.do("developer", "POST", "/api/v1/queues", `{"name":"q","schema":{"type":"object","patternProperties":{"`+strings.Repeat("ö", n)+`":{"type":"string"}}}}`)
		}, 422, "may have at most 20"},
		"Webhooks": {func(l *config.Limits) { l.Webhooks = 2 }, 2, func(w *world, n int) answer {
			var a answer
			for k := range n {
				a = w.do("admin", "POST", "/api/v1/webhooks-out", fmt.Sprintf(`{"name":"w%d-of-%d","url":"https://localhost/"}`, k, n))
			}
			for k := range n {
				w.do("admin", "DELETE", fmt.Sprintf("/api/v1/webhooks-out/w%d-of-%d", k, n), "")
			}
			return a
		}, 429, "at most 2 webhooks"},
		"Triggers": {func(l *config.Limits) { l.Triggers = 2 }, 2, func(w *world, n int) answer {
			wf := w.workflowID()
			var a answer
			for k := range n {
				a = w.do("developer", "POST", "/api/v1/triggers", fmt.Sprintf(`{"name":"t%d-of-%d","workflow_id":%q,"event":{"types":["robot.connected"]}}`, k, n, wf))
			}
			for k := range n {
				w.do("developer", "DELETE", fmt.Sprintf("/api/v1/triggers/t%d-of-%d", k, n), "")
			}
			return a
		}, 429, "at most 2 triggers"},
		"Schedules": {func(l *config.Limits) { l.Schedules = 2 }, 2, func(w *world, n int) answer {
			wf := w.workflowID()
			var a answer
			for k := range n {
				a = w.do("developer", "POST", "/api/v1/schedules", fmt.Sprintf(`{"name":"s%d of %d","workflow_id":%q,"cron_expression":"@daily"}`, k, n, wf))
			}
			for k := range n {
				w.do("developer", "DELETE", fmt.Sprintf("/api/v1/schedules/s%d%%20of%%20%d", k, n), "")
			}
			return a
		}, 429, "at most 2 schedules"},
		"ScheduleEvery": {func(l *config.Limits) { l.ScheduleEvery = 60 }, 60, func(w *world, n int) answer {
			// A least and not a most: one beyond it is a second less.
			return w.do("developer", "POST", "/api/v1/schedules", fmt.Sprintf(`{"name":"s","workflow_id":%q,"interval_seconds":%d}`, w.workflowID(), 60-(n-60)))
		}, 422, "schedule_too_dense"},
		"JSONDepth": {func(l *config.Limits) { l.JSONDepth = 5 }, 5, put(func(n int) string {
			return `{"note":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}` // a list where a text should be: 422 within the limit
		}), 400, "deeper than 5"},
		"JSONKeys": {func(l *config.Limits) { l.JSONKeys = 4 }, 4, func(w *world, n int) answer {
			var members []string
			for i := range n {
				members = append(members, fmt.Sprintf(`"k%d":1`, i))
			}
			return w.do("admin", "PUT", "/api/v1/environments/e", `{"note":{`+strings.Join(members, ",")+`}}`)
		}, 400, "more than 4 members"},
		"JSONString": {func(l *config.Limits) { l.JSONString = 30 }, 30, put(func(n int) string { return `{"note":"` + strings.Repeat("x", n) + `"}` }), 400, "longer than 30"},
		"Header": {func(l *config.Limits) { l.Header = 2000 }, 2000, func(w *world, n int) answer {
			const name = "X-Filler"
			// What every request of this client carries besides.
			own := len("Authorization: Bearer \r\n") + len(w.keys["viewer"]) + len("User-Agent: Go-http-client/1.1\r\n") + len("Accept-Encoding: gzip\r\n")
			return w.do("viewer", "GET", "/api/v1/me", "", name, strings.Repeat("x", n-own-len(name)-len(": \r\n")))
		}, 431, "headers_too_large"},
		"URL": {func(l *config.Limits) { l.URL = 200 }, 200, func(w *world, n int) answer {
			const path = "/api/v1/jobs?workflow_id="
			return w.do("viewer", "GET", path+strings.Repeat("x", n-len(path)), "")
		}, 414, "url_too_long"},
		"QueryParams": {func(l *config.Limits) { l.QueryParams = 5 }, 5, func(w *world, n int) answer {
			return w.do("viewer", "GET", "/api/v1/jobs?"+strings.TrimSuffix(strings.Repeat("status=pending&", n), "&"), "")
		}, 422, "at most 5 parameters"},
		"Page": {func(l *config.Limits) { l.Page = 50 }, 50, func(w *world, n int) answer {
			return w.do("viewer", "GET", fmt.Sprintf("/api/v1/jobs?limit=%d", n), "")
		}, 422, "between 1 and 50"},
		"Nodes":       {func(l *config.Limits) { l.Nodes = 4 }, 4, submit(func(n int) string { return `{"workflow_json":` + graph(n, 0) + `}` }), 422, "nodes"},
		"Connections": {func(l *config.Limits) { l.Connections = 3 }, 3, submit(func(n int) string { return `{"workflow_json":` + graph(10, n) + `}` }), 422, "connections"},
		"Result": {func(l *config.Limits) { l.Result = 100 }, 100, func(w *world, n int) answer {
			body := padded(`{}`, n)
			sum := sha256.Sum256([]byte(body))
			return w.do("bot-1", "PUT", "/api/v1/robot/results/"+hex.EncodeToString(sum[:]), body)
		}, 413, "too_large"},
		"Parents": {func(l *config.Limits) { l.Parents = 2 }, 2, func(w *world, n int) answer {
			var parents []string
			for range n {
				parents = append(parents, `{"job":"`+string(w.submit(`{"workflow_json":`+doc+`}`))+`"}`)
			}
			return w.do("developer", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`,"depends_on":[`+strings.Join(parents, ",")+`]}`)
		}, 422, "2"},
		"Children": {func(l *config.Limits) { l.Children = 2 }, 2, func(w *world, n int) (a answer) {
			parent := string(w.submit(`{"workflow_json":` + doc + `}`))
			for range n {
				a = w.do("developer", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`,"depends_on":[{"job":"`+parent+`"}]}`)
			}
			return a
		}, 422, "2"},
		"Pending": {func(l *config.Limits) { l.Pending = 3 }, 3, func(w *world, n int) (a answer) {
			for range n {
				a = w.do("developer", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`}`)
			}
			return a
		}, 429, "too_many_pending"},
		"Submits": {func(l *config.Limits) { l.Submits = 3 }, 3, func(w *world, n int) (a answer) {
			for range n {
				a = w.do("developer", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`}`)
			}
			return a
		}, 429, "quota_exceeded"},
		"Requests": {func(l *config.Limits) { l.Requests = 3 }, 3, func(w *world, n int) (a answer) {
			for range n {
				a = w.do("viewer", "GET", "/api/v1/me", "")
			}
			return a
		}, 429, "rate_limited"},
		"Addresses": {func(l *config.Limits) { l.Addresses = 3 }, 3, func(w *world, n int) (a answer) {
			for range n {
				a = w.do("", "GET", "/health", "")
			}
			return a
		}, 429, "rate_limited"},
		"RobotRequests": {func(l *config.Limits) { l.RobotRequests = 3 }, 3, func(w *world, n int) (a answer) {
			for range n {
				a = w.do("bot-1", "GET", "/api/v1/robot/workflows/"+strings.Repeat("0", 64), "")
			}
			return a
		}, 429, "rate_limited"},
		"Streams": {func(l *config.Limits) { l.Streams = 2 }, 2, func(w *world, n int) answer {
			ctx, stop := context.WithCancel(w.Context())
			defer stop()
			var status int
			for range n {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/api/v1/events", nil)
				w.must(err)
				req.Header.Set("Accept", "text/event-stream")
				req.Header.Set("X-Api-Key", w.keys["viewer"])
				resp, err := http.DefaultClient.Do(req)
				w.must(err)
				defer resp.Body.Close() // stays open while the next ones are asked for
				status = resp.StatusCode
			}
			if status == http.StatusTooManyRequests {
				return answer{status: status, body: "too_many_streams"}
			}
			return answer{status: status}
		}, 429, "too_many_streams"},
	}
}

// elsewhere names the tests of the limits that one answer does not show.
var elsewhere = map[string]string{
	"Logs":          "../store/storetest/log_suite.go Dropped",
	"Sockets":       "../gateway/accept_test.go TestSocketLimit",
	"Handshakes":    "../gateway/accept_test.go TestHandshakesUnderWay",
	"AllHandshakes": "../gateway/accept_test.go TestHandshakesUnderWay",
	"Segments":      "../orchestrator/segment_test.go Segments",
	"SignIns":       "rates_test.go rateSignIn, 10",
	"Enrolments":    "rates_test.go rateEnrol, 10",
	"RobotFrames":   "../gateway/",
	"MetricsFleet":  "rates_test.go rateFleet, 100", "MetricsRobots": "rates_test.go rateRobots, 100", "MetricsRobot": "rates_test.go rateOneRobot, 200",
	"MetricsJobs": "rates_test.go rateJobs, 100", "MetricsJob": "rates_test.go rateOneJob, 200", "MetricsAnalytics": "rates_test.go rateAnalytics, 100",
	"MetricsActivity": "rates_test.go rateActivity, 100", "InFlight": "rates_test.go TestOverload",
	"ClaimHold": "../gateway/", "Topics": "../stream/stream_test.go TestSubscribe",
}

// TestLimits takes each limit at its value and one beyond it, and fails when
// the configuration knows a limit that has no test.
func TestLimits(t *testing.T) {
	rows := bounds()
	for field := range reflect.TypeFor[config.Limits]().Fields() {
		name := field.Name
		_, here := rows[name]
		where, there := elsewhere[name]
		switch {
		case !here && !there:
			t.Errorf("limit %s has no test", name)
		case there:
			path, word, _ := strings.Cut(where, " ")
			if word == "" {
				continue
			}
			text, err := os.ReadFile(filepath.FromSlash(path))
			if err != nil || !strings.Contains(string(text), word) {
				t.Errorf("limit %s: %s does not hold %q (%v)", name, path, word, err)
			}
		}
	}
	for name, b := range rows {
		t.Run(name, func(t *testing.T) {
			for _, beyond := range []int{0, 1} {
				w := newWorld(t, func(o *Options) {
					o.Limits.Requests, o.Limits.Addresses = 10_000, 10_000
					b.set(&o.Limits)
				})
				a := b.do(w, b.at+beyond)
				if beyond == 0 && (a.status == b.beyond || a.status >= 500) {
					t.Errorf("at %d: %d %s", b.at, a.status, a.body)
				}
				if beyond == 1 && (a.status != b.beyond || !strings.Contains(a.body, b.code)) {
					t.Errorf("at %d: %d %s", b.at+1, a.status, a.body)
				}
			}
		})
	}
}

// TestNameLimits: names are short, in one spelling, and hold nothing that draws
// them other than they are.
func TestNameLimits(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"a", true},
		{strings.Repeat("é", 255), true},
		{strings.Repeat("é", 256), false},
		{"", false},
		{"  ", false},
		{"caf\u00e9", true},
		{"cafe\u0301", false}, // the same to the eye
		{"a\\u0000b", false},
		{"a\\u0007b", false},
		{"a\u202eb", false},
		{"a\u2066b", false},
		{"a\u200fb", false},
		{"a\u061cb", false},
		{"名前 😀", true},
	} {
		a := w.do("admin", "POST", "/api/v1/keys", `{"kind":"service","role":"viewer","name":"`+c.name+`"}`)
		if (a.status == http.StatusCreated) != c.ok || (!c.ok && a.status != http.StatusUnprocessableEntity) {
			t.Errorf("%q: %d %s", c.name, a.status, a.body)
		}
	}
}

// TestDoubledMembers: no body may say a thing twice, on any route that has one.
func TestDoubledMembers(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Requests, o.Limits.RobotRequests = 10_000, 10_000 })
	w.super()
	looked := 0
	for _, o := range w.api.routes {
		if o.body.limit == noBody || o.body.contentTypes()[0] != "application/json" || o.cut || o.id == "robot.result" || o.id == "audit.verify" { // the last two look at no member
			continue
		}
		a := w.do(w.whoMay(o), o.method, filled(o.path), `{"a":1,"a":2}`)
		if a.status == http.StatusForbidden || a.status == http.StatusUnauthorized {
			continue // this credential does not get as far as the body; the matrix says who does
		}
		if a.status != http.StatusBadRequest && a.status != http.StatusNotFound && a.status != http.StatusConflict {
			t.Errorf("%s %s: %d %s", o.method, o.path, a.status, a.body)
		}
		looked++
	}
	if looked < 20 {
		t.Errorf("only %d routes looked at their body", looked)
	}
}

var pathVariable = regexp.MustCompile(`\{[^}]+\}`)

// filled puts something that could be there into each variable of a path.
func filled(path string) string {
	return pathVariable.ReplaceAllStringFunc(path, func(v string) string {
		switch {
		case v == "{hash}" || v == "{sha256}":
			return strings.Repeat("0", 64)
		case v == "{n}":
			return "1"
		case strings.Contains(path, "/robots/") && v == "{id}":
			return "bot-1"
		case v == "{id}" && !strings.Contains(path, "/tenants/"):
			return nowhereID
		}
		return nowhereName
	})
}

// whoMay is somebody who gets through to the handler of an operation.
func (w *world) whoMay(o *operation) string {
	switch {
	case o.rate == rateRobot:
		return "bot-1"
	case o.may.permission == fleet.TenantsManage:
		return "super"
	}
	return "admin"
}
