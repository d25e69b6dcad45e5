package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// AuditPage is a part of the audit, oldest first.
type AuditPage struct {
	Entries []fleet.AuditEntry `json:"entries"`
	Next    int64              `json:"next_after" doc:"Where to go on: pass it as after. The same as asked for at the end."`
	Head    auditchain.Anchor  `json:"head" doc:"The newest row: what it says today is what a later check must find."`
}

type auditInput struct {
	After      int64  `query:"after" doc:"Rows after this number."`
	Limit      int    `query:"limit" default:"100" doc:"1 to 1000."`
	Action     string `query:"action" doc:"Such as robot.update."`
	ActorID    string `query:"actor_id"`
	ObjectKind string `query:"object_kind" doc:"Such as robot."`
	ObjectID   string `query:"object_id"`
	Outcome    string `query:"outcome" enum:"done,denied,failed"`
	From       string `query:"from" doc:"RFC 3339 time."`
	To         string `query:"to" doc:"RFC 3339 time, not included."`
}

func (in *auditInput) filter() (f orchestrator.AuditFilter, err error) {
	f = orchestrator.AuditFilter{
		After: in.After, Limit: in.Limit, Action: in.Action, ActorID: in.ActorID,
		ObjectKind: fleet.SubjectKind(in.ObjectKind), ObjectID: in.ObjectID, Outcome: fleet.AuditOutcome(in.Outcome),
	}
	for _, t := range []struct {
		name, text string
		into       *time.Time
	}{{"from", in.From, &f.From}, {"to", in.To, &f.To}} {
		if t.text == "" {
			continue
		}
		if *t.into, err = time.Parse(time.RFC3339, t.text); err != nil {
			return f, fleet.Invalid(t.name, "%s must be a time such as 2026-11-26T10:00:00Z; got %q.", t.name, clip(t.text, 40))
		}
	}
	return f, nil
}

func (a *API) auditRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/audit", id: "audit.list", summary: "Read who did what, oldest first", may: need(fleet.AuditRead), rate: rateRead, times: 2,
	}, a.listAudit)
	route(a, operation{
		method: http.MethodPost, path: Base + "/audit/verify", id: "audit.verify", summary: "Check the chain of the whole audit",
		may: need(fleet.AuditRead), rate: rateExport, reads: true, body: bodyRule{limit: plainBody, schema: anyObject("Empty.")},
	}, a.verifyAudit)
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/audit/export", id: "audit.export", summary: "Read the whole audit, or what of it matches, as lines of JSON", may: need(fleet.AuditRead), rate: rateExport, stream: true,
	}, exportParams(), map[string]*huma.Response{
		"200": {Description: "One row on each line.", Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString}}}},
	}, a.exportAudit)
}

func showAudit(e fleet.AuditEntry) fleet.AuditEntry { return e } // not a byte may differ: it is what the hash is over

type auditReply struct{ Body AuditPage }

func (a *API) listAudit(ctx context.Context, in *auditInput) (*auditReply, error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	p := auth.From(ctx)
	rows, err := a.o.Orchestrator.Audits.List(ctx, p, f)
	if err != nil {
		return nil, err
	}
	page := AuditPage{Entries: showAll(rows, showAudit), Next: f.After}
	if n := len(rows); n > 0 {
		page.Next = rows[n-1].Seq
	}
	page.Head, err = a.o.Orchestrator.Audits.Head(ctx, p)
	return &auditReply{page}, err
}

type verifyReply struct{ Body auditchain.Report }

func (a *API) verifyAudit(ctx context.Context, _ *struct{}) (*verifyReply, error) {
	report, err := a.o.Orchestrator.Audits.Verify(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &verifyReply{report}, nil
}

// exportParams are the filters of the list.
func exportParams() []*huma.Param {
	outcome := queryParam("outcome", huma.TypeString, "")
	outcome.Schema.Enum = []any{"done", "denied", "failed"}
	return []*huma.Param{
		queryParam("after", huma.TypeInteger, "Rows after this number. With nothing else the rows are a chain that can be checked."),
		queryParam("action", huma.TypeString, "Such as robot.update."), queryParam("actor_id", huma.TypeString, ""),
		queryParam("object_kind", huma.TypeString, "Such as robot."), queryParam("object_id", huma.TypeString, ""), outcome,
		queryParam("from", huma.TypeString, "RFC 3339 time."), queryParam("to", huma.TypeString, "RFC 3339 time, not included."),
	}
}

// exportFilter reads them.
func exportFilter(q url.Values) (f orchestrator.AuditFilter, err error) {
	in := auditInput{
		Limit: exportPage, Action: q.Get("action"), ActorID: q.Get("actor_id"), ObjectKind: q.Get("object_kind"), ObjectID: q.Get("object_id"),
		Outcome: q.Get("outcome"), From: q.Get("from"), To: q.Get("to"),
	}
	if text := q.Get("after"); text != "" {
		if err := json.Unmarshal([]byte(text), &in.After); err != nil {
			return f, fleet.Invalid("after", "after must be a number; got %q.", clip(text, 40))
		}
	}
	switch fleet.AuditOutcome(in.Outcome) {
	case "", fleet.AuditDone, fleet.AuditDenied, fleet.AuditFailed:
		return in.filter()
	}
	return f, fleet.Invalid("outcome", "outcome must be done, denied or failed; got %q.", clip(in.Outcome, 40))
}

// exportPage is how many rows are read at once.
const exportPage = 1000

func (a *API) exportAudit(w http.ResponseWriter, r *http.Request) error {
	f, err := exportFilter(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, p := r.Context(), auth.From(r.Context())
	leave, err := a.streams.enter(p, a.o.Limits.Streams)
	if err != nil {
		return err
	}
	defer leave()
	a.endWith(r)
	for first := true; ; first = false {
		rows, err := a.o.Orchestrator.Audits.List(ctx, p, f)
		if err != nil {
			if !first {
				panic(http.ErrAbortHandler) //nolint:forbidigo // what was sent must not look whole
			}
			return err
		}
		if first {
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set("Content-Disposition", `attachment; filename="audit.jsonl"`)
		}
		// Each page has its own time, so that a long export is not cut off.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestTime))
		enc := json.NewEncoder(w)
		for i := range rows {
			if !a.stillMay(r, &p, fleet.AuditRead) {
				panic(http.ErrAbortHandler) //nolint:forbidigo // the right is gone: no row more, and what was sent must not look whole
			}
			if err := enc.Encode(rows[i]); err != nil {
				return ignoreWrite(err)
			}
			f.After = rows[i].Seq
		}
		if len(rows) < exportPage {
			return nil
		}
	}
}

// denied puts a refusal for want of a permission into the audit.
func (a *API) denied(ctx context.Context, o *operation, p auth.Principal) {
	if p.Tenant == "" {
		return // nobody, and nobody's tenant
	}
	if err := a.o.Orchestrator.Audits.Deny(ctx, p, o.id, o.may.permission); err != nil {
		a.o.Logger.Warn("a refusal is not in the audit", "request_id", callOf(ctx).requestID, "operation", o.id, "error", err)
	}
}
