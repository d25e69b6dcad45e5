package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// A submission as the original's Canvas makes it: a document with a name, and in
// its metadata the robot and the variables.

// LegacySubmitBody is what the original's Canvas sends.
type LegacySubmitBody struct {
	Name     string          `json:"workflow_name" doc:"1 to 255 characters."`
	Workflow json.RawMessage `json:"workflow_json" doc:"The document."`
	Trigger  string          `json:"trigger_type,omitempty" enum:"manual,scheduled,webhook" doc:"manual if left out: a job. scheduled makes a schedule, webhook a trigger that a web call fires."`
	Mode     string          `json:"execution_mode,omitempty" enum:"lan,internet" doc:"lan if left out; any robot matches both."`
	Cron     *string         `json:"schedule_cron,omitempty" doc:"Of trigger_type scheduled: five fields, in UTC."`
	Priority *fleet.Priority `json:"priority,omitempty" doc:"0 (first) to 20; 10 if left out."`
	Metadata struct {
		Robot       *string         `json:"robot_id,omitempty" doc:"The one robot that may run the job."`
		Variables   json.RawMessage `json:"variables,omitempty"`
		Description *string         `json:"description,omitempty"`
		Webhook     *LegacyHook     `json:"webhook_config,omitempty" doc:"Of trigger_type webhook."`
		Schedule    struct {
			Frequency string `json:"frequency,omitempty" doc:"once: the schedule has one run, at the next time of schedule_cron."`
		} `json:"schedule_config,omitzero"`
	} `json:"metadata,omitzero" doc:"Other members are notes."`
}

// LegacySubmitted answers a submission of the original's.
type LegacySubmitted struct {
	WorkflowID fleet.ID  `json:"workflow_id"`
	JobID      *fleet.ID `json:"job_id"`
	ScheduleID *fleet.ID `json:"schedule_id"`
	TriggerID  *fleet.ID `json:"trigger_id,omitempty"`
	Status     string    `json:"status" enum:"success"`
	Message    string    `json:"message"`
	CreatedAt  time.Time `json:"created_at"`
}

func (a *API) legacySubmitRoutes() {
	reg := a.huma.OpenAPI().Components.Schemas
	ok := func() map[string]*huma.Response {
		return map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[LegacySubmitted]()(reg)}}}}
	}
	a.routePlain(operation{
		method: http.MethodPost, path: Base + "/workflows", id: "workflows.submit", summary: "Run a document, in the form of the original",
		may: need(fleet.JobsRun), rate: rateSubmit, body: jsonBody[LegacySubmitBody](workflowBody, true),
		description: "The document is stored under its name, and a job is made of it, or a schedule or a trigger. PUT stores without running; POST /jobs, /schedules and /triggers can say more.",
	}, nil, ok(), a.legacySubmit)
	a.routePlain(operation{
		method: http.MethodPost, path: Base + "/workflows/upload", id: "workflows.upload", summary: "Run a document from a file, in the form of the original",
		may: need(fleet.WorkflowsWrite), rate: rateSubmit,
		body: bodyRule{limit: workflowBody, required: true, types: []string{"multipart/form-data"}, schema: func(huma.Registry) *huma.Schema {
			return &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"file": {Type: huma.TypeString, Format: "binary", Description: "A .json file."}}, Required: []string{"file"}}
		}},
	}, []*huma.Param{
		queryParam("trigger_type", huma.TypeString, "manual (if left out), scheduled or webhook."),
		queryParam("execution_mode", huma.TypeString, "lan (if left out) or internet."),
		queryParam("priority", huma.TypeInteger, "0 (first) to 20; 10 if left out."),
	}, ok(), a.legacyUpload)
}

func (a *API) legacySubmit(w http.ResponseWriter, r *http.Request) error {
	raw := callOf(r.Context()).body
	body, err := lenient[LegacySubmitBody](raw, a.o.Limits)
	if err != nil {
		return err
	}
	return a.answerSubmit(w, r, raw, &body)
}

func (a *API) legacyUpload(w http.ResponseWriter, r *http.Request) error {
	bad := func(format string, args ...any) error {
		e := fleet.Errorf(fleet.CodeInvalid, "invalid_field", format, args...)
		e.Status = http.StatusBadRequest
		return e.WithFix("Send the document as the field file of a form, with a name that ends in .json.")
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return bad("The form has no boundary.")
	}
	raw := callOf(r.Context()).body
	form := multipart.NewReader(bytes.NewReader(raw), params["boundary"])
	var body LegacySubmitBody
	for body.Workflow == nil {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return bad("The form has no field file.")
		case err != nil:
			return bad("The form cannot be read.")
		case part.FormName() != "file":
			continue
		}
		name, ok := strings.CutSuffix(part.FileName(), ".json")
		if !ok {
			return bad("The file must be a .json file; got %q.", clip(part.FileName(), 80))
		}
		body.Name = clip(name, 200)
		if body.Workflow, err = io.ReadAll(part); err != nil {
			return bad("The form cannot be read.")
		}
	}
	q := r.URL.Query()
	body.Trigger, body.Mode = q.Get("trigger_type"), q.Get("execution_mode")
	if text := q.Get("priority"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fleet.Invalid("priority", "priority must be a whole number; got %q.", clip(text, 40))
		}
		body.Priority = new(fleet.Priority(n))
	}
	var doc struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if json.Unmarshal(body.Workflow, &doc) == nil && doc.Metadata.Name != "" {
		body.Name = clip(doc.Metadata.Name, 200)
	}
	return a.answerSubmit(w, r, raw, &body)
}

// answerSubmit makes the job. Who could not be answered asks again with the same
// words, and gets the same job.
func (a *API) answerSubmit(w http.ResponseWriter, r *http.Request, raw []byte, body *LegacySubmitBody) error {
	ctx := r.Context()
	p := auth.From(ctx)
	sum := sha256.Sum256(append([]byte(callerName(p)+"\n"+r.URL.RequestURI()+"\n"), raw...))
	text, ok := a.unheard.take(sum, a.o.Now())
	if !ok {
		if err := a.limitSubmits(ctx, p, 1); err != nil {
			return err
		}
		answer, err := a.submitLegacy(ctx, p, body, raw)
		if err != nil {
			return err
		}
		if text, err = json.Marshal(answer); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(text); err != nil || ctx.Err() != nil {
		a.unheard.put(sum, text, a.o.Now())
		return ignoreWrite(err)
	}
	return nil
}

func (a *API) submitLegacy(ctx context.Context, p auth.Principal, body *LegacySubmitBody, raw []byte) (out LegacySubmitted, err error) {
	if err := body.check(); err != nil {
		return out, err
	}
	req := orchestrator.SubmitRequest{Name: body.Name, Priority: body.Priority, Environment: body.Mode}
	if req.Document, err = document(body.Workflow, a.o.Limits); err != nil {
		return out, err
	}
	if len(req.Document) == 0 || string(req.Document) == "null" {
		return out, fleet.Invalid("workflow_json", "workflow_json is missing.")
	}
	if m := &body.Metadata; string(m.Variables) != "null" {
		req.Variables = m.Variables
	}
	if id := body.Metadata.Robot; id != nil && *id != "" {
		if _, err := fleet.ParseRobotID(*id); err != nil {
			return out, err
		}
		req.Target = fleet.RobotID(*id)
		if _, err := a.o.Orchestrator.Robots.Get(ctx, p, req.Target); errors.Is(err, fleet.ErrNotFound) {
			return out, fleet.Invalid("metadata.robot_id", "There is no robot %s.", *id)
		} else if err != nil {
			return out, err
		}
	}
	defer func() { stamp(&out.CreatedAt) }()
	switch body.Trigger {
	case "scheduled":
		return a.scheduleLegacy(ctx, p, body, &req, raw)
	case "webhook":
		return a.hookLegacy(ctx, p, body, &req)
	}
	res, err := a.o.Orchestrator.Jobs.Submit(ctx, p, req)
	if err != nil {
		return out, err
	}
	return LegacySubmitted{WorkflowID: res.Job.Workflow.ID, JobID: &res.Job.ID, Status: "success", Message: "The job was submitted.", CreatedAt: res.Job.CreatedAt}, nil
}

func (body *LegacySubmitBody) check() error {
	if n := len([]rune(body.Name)); n < 1 || n > 255 {
		return fleet.Invalid("workflow_name", "workflow_name must have 1 to 255 characters; got %d.", n)
	}
	switch body.Mode {
	case "":
		body.Mode = "lan"
	case "lan", "internet":
	default:
		return fleet.Invalid("execution_mode", "execution_mode must be lan or internet; got %q.", clip(body.Mode, 40))
	}
	switch body.Trigger {
	case "", "manual", "webhook":
	case "scheduled":
		if _, err := body.cronOf(); err != nil {
			return err
		}
	default:
		return fleet.Invalid("trigger_type", "trigger_type must be manual, scheduled or webhook; got %q.", clip(body.Trigger, 40))
	}
	return nil
}

// What is kept of answers that nobody heard.
const (
	unheardFor  = 30 * time.Second
	unheardMost = 1000
)

// unheard keeps answers that could not be written, for the same request again.
type unheard struct {
	mu sync.Mutex
	of map[[sha256.Size]byte]unheardAnswer
}

type unheardAnswer struct {
	text []byte
	at   time.Time
}

func (u *unheard) put(sum [sha256.Size]byte, text []byte, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of == nil {
		u.of = map[[sha256.Size]byte]unheardAnswer{}
	}
	for k, v := range u.of {
		if now.Sub(v.at) > unheardFor || len(u.of) >= unheardMost {
			delete(u.of, k)
		}
	}
	u.of[sum] = unheardAnswer{text, now}
}

func (u *unheard) take(sum [sha256.Size]byte, now time.Time) ([]byte, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	v, ok := u.of[sum]
	if !ok || now.Sub(v.at) > unheardFor {
		return nil, false
	}
	delete(u.of, sum)
	return v.text, true
}
