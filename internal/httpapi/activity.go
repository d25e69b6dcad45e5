package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// ActivityList is what happened, newest first.
type ActivityList struct {
	Events []ActivityEntry `json:"events"`
	Total  int             `json:"total" doc:"All that match, among the newest 50,000 events of the log."`
}

// ActivityEntry is an event in a sentence.
type ActivityEntry struct {
	ID      fleet.ID       `json:"id" doc:"Of the event: it stays the same."`
	Type    string         `json:"type"`
	At      time.Time      `json:"timestamp"`
	Title   string         `json:"title"`
	Details map[string]any `json:"details"`
	Robot   *fleet.RobotID `json:"robot_id"`
	Job     *fleet.ID      `json:"job_id"`
}

func (a *API) activityRoutes() {
	reg := a.huma.OpenAPI().Components.Schemas
	for _, r := range [...]struct{ path, id string }{{"/metrics/activity", "activity.list"}, {"/activity", "activity.alias"}} {
		a.routePlain(operation{
			method: http.MethodGet, path: Base + r.path, id: r.id, summary: "What happened, for people to read",
			may: need(fleet.EventsRead), rate: rateActivity, paged: true,
			description: "A view of the log of events: entries never change, and keep their ids, as long as the log keeps them.",
		}, []*huma.Param{
			queryParam("limit", huma.TypeInteger, "1 to 200; 50 if left out."),
			queryParam("since", huma.TypeString, "Entries after this time; without a zone it is UTC."),
			queryParam("event_type", huma.TypeString, "Entries of one type, such as job_failed; all if left out."),
		}, map[string]*huma.Response{"200": {
			Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[ActivityList]()(reg)}},
		}}, a.activity)
	}
}

func (a *API) activity(w http.ResponseWriter, r *http.Request) error {
	if a.o.Live == nil {
		return noLive()
	}
	q := r.URL.Query()
	limit := min(50, int64(a.o.Limits.Page))
	if text := q.Get("limit"); text != "" {
		var err error
		if limit, err = number("limit", text); err != nil {
			return err
		}
	}
	since, err := looseTime("since", q.Get("since"))
	if err != nil {
		return err
	}
	out, err := a.o.Live.Activity(r.Context(), auth.From(r.Context()), q.Get("event_type"), since, int(limit))
	if err != nil {
		return err
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return writeLarge(w, r, body)
}
