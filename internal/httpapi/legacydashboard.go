package httpapi

import (
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// The original's web dashboard wants objects and words of its own where other
// programs want arrays and ours. It is known by two habits: it says what type the
// body of a GET has, which has none, and it asks for nothing but what it knows. A
// program that asks for more is another one, and has the ordinary answer.

// typed says whether a GET says that its body, which it has not, is JSON.
func typed(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == "application/json"
}

// dashboardAsks are the names that the dashboard puts into the query of a list.
var dashboardAsks = []string{"limit", "offset", "status", "environment", "tenant_id", "workspace_id"}

// dashboardNote warns of it where it is answered otherwise.
const dashboardNote = "A GET that sends Content-Type: application/json and asks for nothing but limit, offset, status, environment, tenant_id and workspace_id is taken for the dashboard of the original, and answered in its form and words."

// isDashboard says whether a request for a list or a robot comes from the original's
// dashboard.
func isDashboard(r *http.Request) bool {
	if r.Method != http.MethodGet || !typed(r.Header.Get("Content-Type")) {
		return false
	}
	for name, values := range r.URL.Query() {
		if len(values) > 1 || !slices.Contains(dashboardAsks, name) {
			return false
		}
	}
	return true
}

// dashboardView is what the dashboard gets in place of an operation's answer; nil:
// the same as everybody.
func (a *API) dashboardView(o *operation) func(w http.ResponseWriter, r *http.Request) error {
	switch o.id {
	case "jobs.list":
		return a.dashboardJobs
	case "robots.list":
		return a.dashboardRobots
	case "robots.get":
		return a.dashboardRobot
	}
	return nil
}

func (a *API) dashboardJobs(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, offset, err := window(q.Get("limit"), q.Get("offset"))
	if err != nil {
		return err
	}
	f := orchestrator.JobFilter{}
	if word := q.Get("status"); word != "" {
		for _, s := range fleet.States() {
			if fleet.DashboardState(s) == word || string(s) == word {
				f.States = append(f.States, s)
			}
		}
		if len(f.States) == 0 {
			return fleet.Invalid("status", "status must be queued, assigned, running, completed, failed, cancelled or timeout; got %q.", clip(word, 40))
		}
	}
	list, total, err := a.o.Orchestrator.Jobs.Dashboard(r.Context(), auth.From(r.Context()), f, q.Get("environment"), offset, limit)
	if err != nil {
		return err
	}
	return answerJSON(w, map[string]any{"jobs": list, "total": total, "next_cursor": nil})
}

// window reads limit and offset.
func window(limit, offset string) (n, skip int, err error) {
	n = fleet.PageDefault
	for _, f := range []struct {
		name, text string
		into       *int
		least, top int
	}{{"limit", limit, &n, 1, fleet.PageMax}, {"offset", offset, &skip, 0, 10_000}} {
		if f.text == "" {
			continue
		}
		v, err := strconv.Atoi(f.text)
		if err != nil || v < f.least || v > f.top {
			return 0, 0, fleet.Invalid(f.name, "%s must be between %d and %d; got %q.", f.name, f.least, f.top, clip(f.text, 40))
		}
		*f.into = v
	}
	return n, skip, nil
}

func (a *API) dashboardRobots(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, offset, err := window(q.Get("limit"), q.Get("offset"))
	if err != nil {
		return err
	}
	word := q.Get("status")
	if word == "online" {
		word = "idle"
	}
	if known := []string{"", "idle", "busy", "offline", "error", "maintenance"}; !slices.Contains(known, word) {
		return fleet.Invalid("status", "status must be idle, online, busy, offline, error or maintenance; got %q.", clip(word, 40))
	}
	out := []dashboardRobot{}
	page := fleet.Page{Limit: fleet.PageMax}
	for {
		part, err := a.o.Orchestrator.Robots.List(r.Context(), auth.From(r.Context()), orchestrator.RobotFilter{Environment: q.Get("environment")}, page)
		if err != nil {
			return err
		}
		for _, robot := range part.Robots {
			if row := forDashboard(robot); word == "" || string(row.Status) == word {
				out = append(out, row)
			}
		}
		if page.Cursor = part.Next; page.Cursor == "" {
			break
		}
	}
	total := len(out)
	out = out[min(offset, total):]
	return answerJSON(w, map[string]any{"robots": out[:min(limit, len(out))], "total": total, "next_cursor": nil})
}

func (a *API) dashboardRobot(w http.ResponseWriter, r *http.Request) error {
	robot, err := a.o.Orchestrator.Robots.Get(r.Context(), auth.From(r.Context()), fleet.RobotID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return answerJSON(w, forDashboard(robot))
}

// dashboardRobot is a robot in the dashboard's words, with the true one beside.
type dashboardRobot struct {
	RobotObject
	FleetStatus fleet.RobotStatus `json:"fleet_status"`
}

func forDashboard(robot fleet.Robot) dashboardRobot {
	status := robot.Status
	robot.Status = fleet.RobotStatus(fleet.LegacyStatus(status))
	return dashboardRobot{replyRobot(robot).Body, status}
}

func answerJSON(w http.ResponseWriter, out any) error {
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(body)
	return ignoreWrite(err)
}
