package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// stream opens events as a stream that ends with ctx.
func (w *world) stream(ctx context.Context, query string, headers ...string) *http.Response {
	w.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/api/v1/events"+query, nil)
	w.must(err)
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+w.keys["viewer"])
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	if resp.StatusCode != http.StatusOK {
		w.Fatalf("stream: %d", resp.StatusCode)
	}
	return resp
}

// ids yields the numbers of the events of a stream until it ends.
func ids(resp *http.Response, yield func(seq int64, kind string) bool) {
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	var seq int64
	var kind string
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			seq, _ = strconv.ParseInt(value, 10, 64)
		case "event":
			kind = value
		case "":
			if kind != "" && kind != "heartbeat" && !yield(seq, kind) {
				return
			}
			kind = ""
		}
	}
}

// TestStreamResumes cuts a reader twenty times while events are written: it
// holds every number once.
func TestStreamResumes(t *testing.T) {
	w := newWorld(t)
	const jobs, cuts = 120, 20
	_, start := w.events(0)
	wrote := make(chan error, 1)
	go func() {
		for range jobs {
			_, err := w.core.Jobs.Submit(context.WithoutCancel(t.Context()), auth.Local(), orchestrator.SubmitRequest{Document: []byte(doc)})
			if err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	const events = jobs + 1 // one for the workflow
	var got []int64
	last := start
	for cut := 0; len(got) < events; cut++ {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		n := 0
		ids(w.stream(ctx, "?after=0", "Last-Event-ID", strconv.FormatInt(last, 10)), func(seq int64, _ string) bool { //nolint:bodyclose // ids closes it
			got, last, n = append(got, seq), seq, n+1
			return len(got) < events && (cut >= cuts || n < events/cuts)
		})
		cancel()
		if n == 0 {
			t.Fatalf("connection %d brought nothing; %d of %d so far", cut, len(got), events)
		}
	}
	w.must(<-wrote)
	for i, seq := range got {
		if seq != start+1+int64(i) {
			t.Fatalf("place %d holds %d, want %d", i, seq, start+1+int64(i))
		}
	}
}

// TestStreamFilters shows that a filtered reader is told how far it has come.
func TestStreamFilters(t *testing.T) {
	w := newWorld(t)
	w.submit(`{"workflow_json":` + doc + `}`)
	id := w.submit(`{"workflow_json":` + doc + `}`)
	_, head := w.events(0)
	page := read[EventPage](w, w.do("viewer", "GET", "/api/v1/events?subject=job&subject_id="+string(id), ""))
	if len(page.Events) != 1 || page.Next != head || page.Head != head {
		t.Errorf("%+v, head %d", page, head)
	}
	if page := read[EventPage](w, w.do("viewer", "GET", "/api/v1/events?type=job.submitted&limit=1", "")); len(page.Events) != 1 || page.Next != page.Events[0].Seq {
		t.Errorf("a full page: %+v", page)
	}
	if page := read[EventPage](w, w.do("viewer", "GET", "/api/v1/events?after=now", "")); len(page.Events) != 0 || page.Next != head {
		t.Errorf("now: %+v", page)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	resp := w.stream(ctx, "?after=now&type=job.cancelled") //nolint:bodyclose // ids closes it
	w.do("operator", "POST", "/api/v1/jobs/"+string(id)+"/cancel", "")
	ids(resp, func(seq int64, kind string) bool {
		if kind != "job.cancelled" || seq != head+1 {
			t.Errorf("%d %s came first", seq, kind)
		}
		return false
	})
}

// TestLongPoll waits for an event, and for none.
func TestLongPoll(t *testing.T) {
	w := newWorld(t)
	_, head := w.events(0)
	path := "/api/v1/events?after=" + strconv.FormatInt(head, 10)
	began := time.Now()
	if page := read[EventPage](w, w.do("viewer", "GET", path+"&wait_ms=100", "")); len(page.Events) != 0 || time.Since(began) < 100*time.Millisecond {
		t.Errorf("after %s: %+v", time.Since(began), page)
	}
	answers := make(chan answer, 1)
	go func() { answers <- w.do("viewer", "GET", path+"&wait_ms=20000", "") }()
	w.submit(`{"workflow_json":` + doc + `}`)
	if page := read[EventPage](w, <-answers); len(page.Events) == 0 || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %+v", time.Since(began), page)
	}
	// A log that grows is waited for as well.
	ref := w.start(w.submit(`{"workflow_json":` + doc + `}`))
	log := "/api/v1/jobs/" + string(ref.JobID) + "/log?wait_ms=20000"
	go func() { answers <- w.do("viewer", "GET", log, "") }()
	w.lines(ref, 1, "at last")
	if page := read[LogPage](w, <-answers); len(page.Lines) != 1 || page.Lines[0].Message != "at last" {
		t.Errorf("%+v", page)
	}
	go func() { answers <- w.do("viewer", "GET", log+"&epoch=1&from_line=2", "") }()
	w.complete(ref)
	if page := read[LogPage](w, <-answers); !page.Final || page.Status != fleet.Completed {
		t.Errorf("%+v", page)
	}
}

// TestStreamOutlivesLimits serves a stream from a server whose time limits
// would end any other answer, and shuts that server down under it.
func TestStreamOutlivesLimits(t *testing.T) {
	w := newWorld(t)
	server := &http.Server{Handler: w.api, ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond, ReadHeaderTimeout: time.Second}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	w.must(err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	w.url = "http://" + listener.Addr().String()
	resp := w.stream(t.Context(), "?after=now&type=job.submitted") //nolint:bodyclose // ids closes it
	later := time.NewTimer(900 * time.Millisecond)
	defer later.Stop()
	seen := 0
	go func() {
		<-later.C
		_, err := w.core.Jobs.Submit(context.WithoutCancel(t.Context()), auth.Local(), orchestrator.SubmitRequest{Document: []byte(doc)})
		if err != nil {
			t.Error(err)
		}
	}()
	ids(resp, func(int64, string) bool {
		seen++
		stopping, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(stopping); err != nil {
			t.Errorf("the stream kept the server from ending: %v", err)
		}
		return true
	})
	if seen != 1 {
		t.Errorf("%d events", seen)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// TestStreamEndsWithItsKey revokes the key of an open stream.
func TestStreamEndsWithItsKey(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a heartbeat")
	}
	w := newWorld(t)
	keys := read[KeyList](w, w.do("admin", "GET", "/api/v1/keys", "")).Keys
	i := slices.IndexFunc(keys, func(k fleet.Key) bool { return k.Role == "viewer" })
	resp := w.stream(t.Context(), "?after=now")
	defer resp.Body.Close()
	if a := w.do("admin", "DELETE", "/api/v1/keys/"+string(keys[i].ID), ""); a.status != http.StatusNoContent {
		t.Fatal(a.body)
	}
	began := time.Now()
	if _, err := io.ReadAll(resp.Body); err != nil || time.Since(began) > 3*streamBeat {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

// TestEventData holds every event that the store writes against its schema.
func TestEventData(t *testing.T) {
	w := newWorld(t)
	done, failed := w.submit(`{"workflow_json":`+doc+`}`), w.submit(`{"workflow_json":`+doc+`}`)
	w.complete(w.start(done))
	w.fail(w.start(failed))
	stopped := w.submit(`{"workflow_json":` + doc + `}`)
	ref := w.start(stopped)
	for _, path := range []string{string(failed) + "/retry", string(stopped) + "/cancel"} {
		if a := w.do("operator", "POST", "/api/v1/jobs/"+path, ""); a.status >= 300 {
			t.Fatal(a.body)
		}
	}
	w.report(ref, fleet.Report{Kind: fleet.ReportStopped, By: fleet.ByRequest, How: fleet.StoppedForced})
	w.do("admin", "POST", "/api/v1/robots/register", `{"robot_id":"bot-7"}`)
	w.do("admin", "POST", "/api/v1/keys", `{"kind":"robot","robot_id":"bot-7"}`)
	page := read[EventPage](w, w.do("viewer", "GET", "/api/v1/events?limit=1000", ""))
	if len(page.Events) < 20 {
		t.Errorf("only %d events", len(page.Events))
	}
	for _, e := range page.Events {
		i := slices.IndexFunc(eventShapes(), func(s eventShape) bool { return s.kind == e.Kind })
		shape := eventShapes()[i]
		if e.Subject.Kind != shape.subject || e.Name != e.Kind.Name() {
			t.Errorf("%s is about a %s and called %s", e.Kind, e.Subject.Kind, e.Name)
		}
		text, err := json.Marshal(shape.schema())
		w.must(err)
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		w.must(err)
		c := jsonschema.NewCompiler()
		w.must(c.AddResource("https://fleet.test/event.json", schema))
		compiled, err := c.Compile("https://fleet.test/event.json")
		w.must(err)
		data := []byte(e.Data)
		if len(data) == 0 {
			data = []byte("{}")
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		w.must(err)
		if err := compiled.Validate(value); err != nil {
			t.Errorf("%s %s: %v", e.Kind, data, err)
		}
	}
}
