package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// EventPage is a part of the log and where to go on.
type EventPage struct {
	Events []fleet.Event `json:"events"`
	Next   int64         `json:"next_after" doc:"Where to go on: everything up to it was looked at."`
	Head   int64         `json:"head" doc:"The number of the newest event of all."`
}

// eventQuery is what a reader of the log asks for.
type eventQuery struct {
	orchestrator.EventFilter
	now  bool // from the present end on
	wait time.Duration
}

func (a *API) eventRoutes() {
	reg := a.huma.OpenAPI().Components.Schemas
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/events", id: "events.list", summary: "Read the log of events, as pages or as a stream",
		may: need(fleet.EventsRead), rate: rateRead, stream: true, paged: true, times: 2,
		description: "With `Accept: text/event-stream` the answer is a stream that does not end: each frame has the event's number as its id, " +
			"`Last-Event-ID` is honoured, and a frame `heartbeat` comes every 5 seconds. A frame `reset` says that the cursor no longer exists.",
	}, []*huma.Param{
		queryParam("after", huma.TypeString, "Events after this number; 0 if left out; now is the present end."),
		queryParam("limit", huma.TypeInteger, "1 to 1000; 100 if left out."),
		queryParam("type", huma.TypeString, "A kind of event; may be repeated."),
		queryParam("subject", huma.TypeString, "job, robot, workflow, key or fleet."),
		queryParam("subject_id", huma.TypeString, "The id of the subject."),
		queryParam("wait_ms", huma.TypeInteger, "Wait up to so long (30000 at most) for the first event."),
		{Name: "Last-Event-ID", In: "header", Description: "Streams: the number of the last event that was seen.", Schema: &huma.Schema{Type: huma.TypeString}},
	}, map[string]*huma.Response{"200": {
		Description: "OK",
		Content: map[string]*huma.MediaType{
			"application/json":  {Schema: schemaOf[EventPage]()(reg)},
			"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}},
		},
	}}, a.events)
}

func (a *API) events(w http.ResponseWriter, r *http.Request) error {
	stream := wantsStream(r.Header.Get("Accept"))
	q, err := readEventQuery(r, stream)
	if err != nil {
		return err
	}
	if stream {
		return a.streamEvents(w, r, q)
	}
	page, err := a.eventPage(w, r, q)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return ignoreWrite(huma.DefaultJSONFormat.Marshal(w, page))
}

func wantsStream(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		media, _, _ := strings.Cut(part, ";")
		if strings.TrimSpace(media) == "text/event-stream" {
			return true
		}
	}
	return false
}

func readEventQuery(r *http.Request, stream bool) (q eventQuery, err error) {
	values := r.URL.Query()
	known := []string{"after", "limit", "type", "subject", "subject_id", "wait_ms"}
	for name := range values {
		if !slices.Contains(known, name) {
			return q, fleet.Invalid(clip(name, 40), "There is no parameter %s; there are %s.", clip(name, 40), strings.Join(known, ", "))
		}
	}
	after := values.Get("after")
	if last := r.Header.Get("Last-Event-ID"); stream && last != "" {
		after = last
	}
	if q.now = after == "now"; !q.now && after != "" {
		if q.After, err = number("after", after); err != nil {
			return q, err
		}
	}
	limit, err := number("limit", values.Get("limit"))
	if err != nil {
		return q, err
	}
	if limit > 1000 {
		return q, fleet.Invalid("limit", "limit must be between 1 and 1000; got %d.", limit)
	}
	q.Limit = int(limit)
	ms, err := number("wait_ms", values.Get("wait_ms"))
	if err != nil {
		return q, err
	}
	if q.wait, err = waitOf(ms); err != nil {
		return q, err
	}
	for _, word := range values["type"] {
		for kind := range strings.SplitSeq(word, ",") {
			if !slices.Contains(fleet.EventKinds(), fleet.EventKind(kind)) {
				return q, fleet.Errorf(fleet.CodeInvalid, "topic_unknown", "There is no event %s.", clip(kind, 40))
			}
			q.Kinds = append(q.Kinds, fleet.EventKind(kind))
		}
	}
	q.Subject, q.SubjectID = fleet.SubjectKind(values.Get("subject")), values.Get("subject_id")
	return q, nil
}

func number(name, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fleet.Invalid(name, "%s must be a whole number from 0 on; got %q.", name, clip(text, 40))
	}
	return n, nil
}

// eventPage reads once, or waits until there is something to read.
func (a *API) eventPage(w http.ResponseWriter, r *http.Request, q eventQuery) (EventPage, error) {
	ctx := r.Context()
	wake, stop := a.o.Orchestrator.Events.Wait() // before the first look, so that nothing falls between
	defer stop()
	if err := a.startAt(ctx, &q); err != nil {
		return EventPage{}, err
	}
	if q.wait > 0 {
		a.endWith(r)
		unlimited(w)
	}
	until := time.NewTimer(q.wait)
	defer until.Stop()
	for {
		page, err := a.readEvents(ctx, q.EventFilter)
		if err != nil || len(page.Events) > 0 || q.wait == 0 {
			return page, err
		}
		q.After = page.Next // nothing below it fits the filter
		select {
		case <-ctx.Done():
			return page, ctx.Err()
		case <-a.stopping:
			return page, nil
		case <-until.C:
			q.wait = 0 // look once more, then answer
		case <-wake:
		case <-time.After(eventPoll):
		}
	}
}

// startAt puts a reader that asked for now at the end of the log.
func (a *API) startAt(ctx context.Context, q *eventQuery) error {
	if !q.now {
		return nil
	}
	_, head, err := a.o.Orchestrator.Events.List(ctx, auth.From(ctx), orchestrator.EventFilter{Limit: 1})
	q.After, q.now = head, false
	return err
}

// readEvents reads a page. Next is a number up to which nothing is left to be
// read under this filter.
func (a *API) readEvents(ctx context.Context, f orchestrator.EventFilter) (EventPage, error) {
	if f.Limit == 0 {
		f.Limit = fleet.PageDefault
	}
	list, head, err := a.o.Orchestrator.Events.List(ctx, auth.From(ctx), f)
	if err != nil {
		return EventPage{}, err
	}
	page := EventPage{Events: showAll(list, showEvent), Head: head, Next: max(head, f.After)}
	if len(list) >= f.Limit {
		page.Next = list[len(list)-1].Seq
	}
	return page, nil
}

// unlimited lifts the server's time limits for one answer. A connection that
// has none is served all the same.
func unlimited(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{})
	_ = c.SetWriteDeadline(time.Time{})
}
