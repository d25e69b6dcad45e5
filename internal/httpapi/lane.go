package httpapi

import (
	"net/http"
	"regexp"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

// laneRoutes are for robots: what is too large for their channel.
func (a *API) laneRoutes() {
	document := huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/robot/workflows/{hash}", id: "robot.workflow", summary: "Fetch the document of an attempt that the robot holds",
		may: need(fleet.RobotsConnect), rate: rateRobot,
	}, []*huma.Param{pathParam("hash", "SHA-256 of the document, hex.")}, map[string]*huma.Response{
		"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: &document}}},
	}, a.robotWorkflow)
	a.routePlain(operation{
		method: http.MethodPut, path: Base + "/robot/results/{sha256}", id: "robot.result", summary: "Leave a large result for the report that names it",
		may: need(fleet.RobotsConnect), rate: rateRobot,
		body: bodyRule{
			limit: resultBody, required: true, types: []string{"application/json", "application/octet-stream"},
			schema: func(huma.Registry) *huma.Schema { return &huma.Schema{} },
		},
	}, []*huma.Param{pathParam("sha256", "SHA-256 of the body, hex.")}, map[string]*huma.Response{
		"204": {Description: "No Content"},
	}, a.robotResult)
}

func pathParam(name, text string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Description: text, Schema: &huma.Schema{Type: huma.TypeString}}
}

func queryParam(name, kind, text string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: text, Schema: &huma.Schema{Type: kind}}
}

func (a *API) robotWorkflow(w http.ResponseWriter, r *http.Request) error {
	hash := r.PathValue("hash")
	if !sha256Form.MatchString(hash) {
		return fleet.NotFound("workflow", hash)
	}
	doc, err := a.o.Orchestrator.Attempts.Document(r.Context(), auth.From(r.Context()), hash)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(doc)
	return ignoreWrite(err)
}

func (a *API) robotResult(w http.ResponseWriter, r *http.Request) error {
	sum := r.PathValue("sha256")
	if !sha256Form.MatchString(sum) {
		return fleet.Invalid("sha256", "The path must end in the SHA-256 of the body, 64 hex digits in lower case.")
	}
	if err := a.o.Orchestrator.Attempts.PutResult(auth.From(r.Context()), sum, callOf(r.Context()).body); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
