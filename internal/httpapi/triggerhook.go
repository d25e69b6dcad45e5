package httpapi

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/caller"
	"github.com/casarerpa/fleet/internal/hook"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// HookAnswer is what the sender of a web call hears.
type HookAnswer struct {
	Status    string    `json:"status" enum:"accepted,filtered,duplicate"`
	TriggerID fleet.ID  `json:"trigger_id"`
	Timestamp time.Time `json:"timestamp"`
	JobID     fleet.ID  `json:"job_id,omitempty" doc:"Of a duplicate, the job of the first."`
	Message   string    `json:"message,omitempty"`
}

// formType is the type of a body that is a form.
const formType = "application/x-www-form-urlencoded"

// hookRoutes are what others call. They stand outside of the API's base, and no
// credential of the API counts there: a call proves itself by its trigger's
// secret.
func (a *API) hookRoutes() {
	reg := a.huma.OpenAPI().Components.Schemas
	for _, r := range []struct{ path, id, summary string }{
		{"/hooks/{trigger}", "hooks.call", "Tell a trigger of a web call, by its id"},
		{"/webhooks/{path}", "hooks.call_path", "Tell a trigger of a web call, by its path"},
		{"/webhooks/{owner}/{path}", "hooks.call_owner", "Tell a trigger of another tenant than the default one of a web call"},
	} {
		var params []*huma.Param
		for _, name := range []string{"trigger", "owner", "path"} {
			if strings.Contains(r.path, "{"+name+"}") {
				params = append(params, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
			}
		}
		a.routePlain(operation{
			method: http.MethodPost, path: r.path, id: r.id, summary: r.summary, may: open().anyway(), rate: rateOpen,
			body: bodyRule{limit: plainBody, types: []string{"application/json", formType}, schema: anyObject("Whatever the sender tells.")},
		}, params, map[string]*huma.Response{"200": {
			Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[HookAnswer]()(reg)}},
		}}, a.hook)
	}
}

// hook takes a web call.
func (a *API) hook(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	address := r.PathValue("trigger")
	if address == "" {
		if address = r.PathValue("path"); r.PathValue("owner") != "" {
			address = r.PathValue("owner") + "/" + address
		}
	}
	if a.o.Hooks == nil { // a canvas on one's own machine
		return fleet.NotFound("webhook", address)
	}
	p, id, err := a.o.Hooks.Find(ctx, address)
	if err != nil {
		return err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // the guard has looked at it
	f, left, err := a.o.Orchestrator.Triggers.Call(ctx, p, id, orchestrator.WebhookCall{
		Call: hook.Call{Header: r.Header.Get, Body: callOf(ctx).body}, Address: caller.Of(r).Address.String(), Form: kind == formType,
	})
	if err != nil {
		return err
	}
	switch f.Outcome { //nolint:exhaustive // the others are answered with what became of the call
	case fleet.FiringDisabled:
		return fleet.Errorf(fleet.CodeForbidden, "trigger_disabled", "The trigger is disabled.")
	case fleet.FiringCooling, fleet.FiringFull:
		e := fleet.Errorf(fleet.CodeExhausted, "trigger_"+string(f.Outcome), "The trigger starts nothing now: %s", f.Reason)
		w.Header().Set("Retry-After", strconv.Itoa(max(int(left.Round(time.Second)/time.Second), 1)))
		return e
	case fleet.FiringRefused:
		return fleet.Errorf(fleet.CodeInvalid, "trigger_refused", "The trigger cannot start its job: %s", f.Reason)
	}
	out := HookAnswer{Status: string(f.Outcome), TriggerID: f.Trigger, Timestamp: f.At, JobID: f.JobID, Message: f.Reason}
	stamp(&out.Timestamp)
	text, err := json.Marshal(out)
	if err != nil {
		return fleet.Internal(err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(text)
	return ignoreWrite(err)
}
