package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// A submission of the original's that is not to run now: it makes a schedule, or
// a trigger that a web call fires. Either gives all of its jobs the robot, the
// variables and the priority that the submission names.

// LegacyHook is what a submission says of the web call that it waits for.
type LegacyHook struct {
	Endpoint string   `json:"endpoint,omitempty" doc:"Its path below /webhooks/; the workflow's name if left out."`
	Auth     string   `json:"auth_type,omitempty" doc:"api_key (if left out), bearer, or hmac with sha256 (if nothing is said), sha1, sha384 or sha512."`
	Secret   string   `json:"secret,omitempty" doc:"What the caller must have. It is kept as a secret, which takes the right to do that."`
	Methods  []string `json:"methods,omitempty" doc:"POST is the one that is answered."`
}

// hookSecret is the vault's name for what a web call must have.
const hookSecret = "webhook-"

// badCron is a submission whose cron expression cannot be used.
func badCron(err error) error {
	e := *fleet.AsError(err)
	if e.Code != fleet.CodeInvalid {
		return err
	}
	e.Status, e.Fields = http.StatusBadRequest, []fleet.FieldError{{Field: "schedule_cron", Message: e.Message}}
	return &e
}

// cronOf is the expression of a scheduled submission.
func (body *LegacySubmitBody) cronOf() (string, error) {
	if body.Cron == nil || strings.TrimSpace(*body.Cron) == "" {
		return "", badCron(fleet.Invalid("schedule_cron", "A scheduled submission needs schedule_cron."))
	}
	return strings.TrimSpace(*body.Cron), nil
}

// notes are what a submission says beside what is read of it, for those who wrote
// it. The document stands elsewhere, and secrets in no note.
func (body *LegacySubmitBody) notes(raw []byte) json.RawMessage {
	var all struct {
		Metadata map[string]json.RawMessage `json:"metadata"`
	}
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	for _, name := range []string{"robot_id", "variables", "webhook_config", "workflow_json", "description"} {
		delete(all.Metadata, name)
	}
	text, err := json.Marshal(all.Metadata)
	if err != nil || len(all.Metadata) == 0 || len(text) > fleet.MaxScheduleMetadata {
		return nil
	}
	return text
}

// scheduleLegacy makes a schedule of a submission. Its expression is in UTC, as it
// is for the original.
func (a *API) scheduleLegacy(ctx context.Context, p auth.Principal, body *LegacySubmitBody, req *orchestrator.SubmitRequest, raw []byte) (out LegacySubmitted, err error) {
	cron, err := body.cronOf()
	if err != nil {
		return out, err
	}
	c := orchestrator.ScheduleChange{
		Name: &body.Name, Description: body.Metadata.Description, Cron: &cron, Timezone: new("UTC"), Inputs: req.Variables, Priority: req.Priority,
		Environment: &req.Environment, Target: &req.Target, ExecutionMode: &body.Mode, Metadata: body.notes(raw),
	}
	next, _, err := a.o.Orchestrator.Schedules.Preview(ctx, p, "", orchestrator.ScheduleChange{Cron: &cron, Timezone: c.Timezone}, time.Time{}, 1)
	if err != nil {
		return out, badCron(err)
	}
	message := "The schedule was made."
	// A cron expression cannot say that there is one time only; the Canvas says it beside.
	if body.Metadata.Schedule.Frequency == "once" && len(next) == 1 {
		c.Cron, c.RunAt = nil, &next[0].At
		message = "The schedule was made, for one run at " + next[0].At.UTC().Format(time.RFC3339) + "."
	}
	if err := a.tryLegacy(ctx, p, req); err != nil {
		return out, err
	}
	version, _, err := a.o.Orchestrator.Workflows.Put(ctx, p, body.Name, req.Document)
	if err != nil {
		return out, err
	}
	c.WorkflowID = &version.WorkflowID
	s, err := a.o.Orchestrator.Schedules.Create(ctx, p, c)
	if err != nil {
		return out, err
	}
	return LegacySubmitted{WorkflowID: version.WorkflowID, ScheduleID: &s.ID, Status: "success", Message: message, CreatedAt: s.CreatedAt}, nil
}

// tryLegacy says why no job could be made of a submission, before anything of it
// is stored.
func (a *API) tryLegacy(ctx context.Context, p auth.Principal, req *orchestrator.SubmitRequest) error {
	try := *req
	try.DryRun = true
	_, err := a.o.Orchestrator.Jobs.Submit(ctx, p, try)
	if errors.Is(err, fleet.ErrExhausted) { // for now
		return nil
	}
	return err
}

// hookLegacy makes a trigger of a submission, or changes the one of its name.
func (a *API) hookLegacy(ctx context.Context, p auth.Principal, body *LegacySubmitBody, req *orchestrator.SubmitRequest) (out LegacySubmitted, err error) {
	rule, err := body.Metadata.Webhook.rule(body.Name)
	if err != nil {
		return out, err
	}
	if err := p.Require(fleet.SecretsManage); err != nil { // it could not be kept
		return out, err
	}
	triggers := a.o.Orchestrator.Triggers
	known, err := triggers.Get(ctx, p, body.Name)
	there := err == nil
	if err != nil && !errors.Is(err, fleet.ErrNotFound) {
		return out, err
	}
	if there && known.Kind != fleet.TriggerWebhook {
		return out, fleet.Errorf(fleet.CodeConflict, "name_taken", "A trigger named %.80q is there, and waits for something else than a web call.", body.Name).WithFix("Give the workflow another name.")
	}
	note := "What callers of the trigger " + clip(body.Name, 200) + " must have."
	if err := a.hookFree(ctx, p, rule, known.ID, note); err != nil {
		return out, err
	}
	if err := a.tryLegacy(ctx, p, req); err != nil {
		return out, err
	}
	_, err = a.o.Orchestrator.Secrets.Put(ctx, p, orchestrator.SecretChange{
		Name: rule.Secret, Description: &note, Fields: map[string]string{"value": body.Metadata.Webhook.Secret},
	})
	if err != nil {
		return out, err
	}
	version, _, err := a.o.Orchestrator.Workflows.Put(ctx, p, body.Name, req.Document)
	if err != nil {
		return out, err
	}
	c := orchestrator.TriggerChange{
		Name: &body.Name, Description: body.Metadata.Description, WorkflowID: &version.WorkflowID, Webhook: rule, Inputs: req.Variables,
		Priority: req.Priority, Environment: &req.Environment, Target: &req.Target,
	}
	var t fleet.Trigger
	if there {
		t, err = triggers.Update(ctx, p, string(known.ID), 0, c)
	} else {
		t, err = triggers.Create(ctx, p, c)
	}
	if err != nil {
		return out, err
	}
	out = LegacySubmitted{WorkflowID: version.WorkflowID, TriggerID: &t.ID, Status: "success", CreatedAt: t.UpdatedAt}
	out.Message = "The workflow waits for calls with POST at /webhooks/" + rule.Address(t.Tenant) + "."
	return out, nil
}

// hookFree says whether address and secret of a web call are nobody else's: what
// callers of another trigger have must go on.
func (a *API) hookFree(ctx context.Context, p auth.Principal, rule *fleet.WebhookRule, of fleet.ID, note string) error {
	list, err := a.o.Orchestrator.Triggers.List(ctx, p)
	if err != nil {
		return err
	}
	for i := range list {
		if w := list[i].Webhook; w != nil && list[i].ID != of && w.Path == rule.Path {
			return fleet.Errorf(fleet.CodeConflict, "path_taken", "The path %s is that of the trigger %.80q.", rule.Path, list[i].Name).WithFix("Give metadata.webhook_config another endpoint.")
		}
	}
	secret, err := a.o.Orchestrator.Secrets.Get(ctx, p, rule.Secret)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return nil
	case err == nil && secret.Description != note:
		return fleet.Errorf(fleet.CodeConflict, "secret_taken", "There is a secret %s already, for something else.", rule.Secret).WithFix("Give metadata.webhook_config another endpoint.")
	}
	return err
}

var notInPaths = regexp.MustCompile(`[^a-z0-9._~-]+`)

// pathOf makes a path below /webhooks/ of a text.
func pathOf(text string) string {
	return strings.Trim(notInPaths.ReplaceAllString(strings.ToLower(text), "-"), "-._~")
}

// rule is what a submission wants of its web call. One that anybody may call is
// refused: a call starts work.
func (h *LegacyHook) rule(name string) (*fleet.WebhookRule, error) {
	const at = "metadata.webhook_config"
	if h == nil || h.Secret == "" {
		return nil, fleet.Invalid(at+".secret", "A submission that waits for a web call needs metadata.webhook_config with a secret that the caller must have; nobody may start work without.").
			WithFix("Send one, or make the trigger with 'fleet trigger add'.")
	}
	if err := fleet.ValidateName("workflow_name", name, 128); err != nil { // the trigger bears it
		return nil, err
	}
	if len(h.Methods) > 0 && !slices.ContainsFunc(h.Methods, func(m string) bool { return strings.EqualFold(m, http.MethodPost) }) {
		return nil, fleet.Invalid(at+".methods", "Triggers are called with POST; %s.methods must have it.", at)
	}
	text := strings.Trim(h.Endpoint, "/")
	for _, before := range []string{"webhooks/", "hooks/"} {
		text = strings.TrimPrefix(text, before)
	}
	path := pathOf(text)
	if text == "" {
		path = pathOf(name)
	}
	if path == "" {
		return nil, fleet.Invalid(at+".endpoint", "%s.endpoint must have letters or digits; got %q.", at, clip(h.Endpoint, 80))
	}
	path = path[:min(len(path), 64-len(hookSecret))]
	rule := &fleet.WebhookRule{Path: path, Secret: hookSecret + strings.NewReplacer(".", "_", "~", "_").Replace(path)}
	switch word := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(h.Auth)); word {
	case "", "api_key", "apikey":
		rule.Auth = fleet.WebhookKey
	case "bearer", "token":
		rule.Auth = fleet.WebhookBearer
	case "hmac", "hmac_sha256", "sha256":
		rule.Auth = fleet.WebhookSHA256
	case "hmac_sha1", "hmac_sha384", "hmac_sha512":
		rule.Auth = fleet.WebhookAuth(word)
	default:
		return nil, fleet.Invalid(at+".auth_type", "%s.auth_type must be api_key, bearer or hmac with sha256, sha1, sha384 or sha512; got %q.", at, clip(h.Auth, 40))
	}
	return rule, nil
}
