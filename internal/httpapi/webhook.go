package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// WebhookBody is what is to hold of a webhook; what is left out stays as it is.
type WebhookBody struct {
	Name          *string             `json:"name,omitempty"`
	Description   *string             `json:"description,omitempty"`
	URL           *string             `json:"url,omitempty" doc:"Where events are sent: https, and no address of a private network unless the owner of the server allows it."`
	Types         *[]fleet.EventKind  `json:"event_types,omitempty" doc:"The types of events that are sent, such as job.failed; none: all."`
	Filter        *[]fleet.Comparison `json:"filter,omitempty" doc:"Conditions on the data of an event, by JSON Pointers as path; all must hold."`
	Enabled       *bool               `json:"enabled,omitempty"`
	Ordered       *bool               `json:"ordered,omitempty" doc:"Send the events of one subject one after another."`
	RatePerSecond *int                `json:"rate_per_second,omitempty" doc:"Calls a second at most, 1 to 100; 10 unless said otherwise."`
	Secret        *string             `json:"secret,omitempty" doc:"Of a new one: a secret that you have already, whsec_ and 24 to 64 bytes in base64. Left out: one is made."`
}

func (b *WebhookBody) change() orchestrator.WebhookChange {
	return orchestrator.WebhookChange{
		Name: b.Name, Description: b.Description, URL: b.URL, Types: b.Types, Filter: b.Filter, Enabled: b.Enabled, Ordered: b.Ordered,
		RatePerSecond: b.RatePerSecond, Secret: b.Secret,
	}
}

// WebhookAnswer is a webhook with how it stands.
type WebhookAnswer struct {
	fleet.Webhook
	Waiting      int64      `json:"waiting_count" doc:"Deliveries that wait for their first try or the next one."`
	Behind       int64      `json:"behind_count" doc:"Events of the log that were not looked at yet."`
	Delivered    int64      `json:"delivered_count"`
	GivenUp      int64      `json:"given_up_count"`
	Missed       int64      `json:"missed_count" doc:"Events that were not kept long enough to be sent."`
	Replaying    bool       `json:"replaying" doc:"Events of the past are being sent again."`
	LastSuccess  *time.Time `json:"last_success_at"`
	LastFailure  *time.Time `json:"last_failure_at"`
	FailingSince *time.Time `json:"failing_since" doc:"Nothing has arrived since; null: the last try arrived, or there was none."`
	HoldUntil    *time.Time `json:"hold_until" doc:"The receiver wants to be left alone until then."`
	OldUntil     *time.Time `json:"old_secret_until" doc:"Calls carry a second signature, by the secret before, until then."`
	Fault        string     `json:"fault,omitempty" doc:"Why the last try failed."`
}

// NewWebhook is a webhook with its secret, which is shown this once.
type NewWebhook struct {
	WebhookAnswer
	Secret string `json:"secret"`
}

// WebhookList is all webhooks of a tenant.
type WebhookList struct {
	Webhooks []WebhookAnswer `json:"webhooks"`
}

// DeliveryList is a part of what was and is to be sent.
type DeliveryList struct {
	Deliveries []fleet.Delivery `json:"deliveries"`
	Next       string           `json:"next_cursor,omitempty"`
}

// WebhookEnableBody says what becomes of events that happened meanwhile.
type WebhookEnableBody struct {
	Skip bool `json:"skip_missed,omitempty" doc:"Send what happens from now on, and nothing of what happened meanwhile."`
}

// WebhookRotateBody says for how long the old secret signs too.
type WebhookRotateBody struct {
	KeepSeconds *int `json:"keep_seconds,omitempty" doc:"For how long calls carry a signature by the old secret too, up to 7 days; 86400 unless said otherwise."`
}

// WebhookReplayBody says what is sent again: one of both.
type WebhookReplayBody struct {
	From       *time.Time `json:"from,omitempty" doc:"Everything that happened since, up to 14 days back."`
	DeliveryID fleet.ID   `json:"delivery_id,omitempty" doc:"One delivery."`
}

// WebhookReplay says what is sent again.
type WebhookReplay struct {
	Events int64 `json:"events" doc:"How many events are looked at; those that the webhook is not sent are among them."`
}

func (a *API) webhookRoutes() {
	webhooks := Base + "/webhooks-out"
	one := webhooks + "/{id}"
	may := need(fleet.WebhooksManage)
	route(a, operation{method: http.MethodGet, path: webhooks, id: "webhooks.list", summary: "List webhooks that are sent events, by name", may: may, rate: rateRead}, a.listWebhooks)
	route(a, operation{
		method: http.MethodPost, path: webhooks, id: "webhooks.create", summary: "Have events sent to an address; the secret is shown once", may: may, rate: rateWrite, status: http.StatusCreated,
		body: jsonBody[WebhookBody](plainBody, true),
	}, a.createWebhook)
	route(a, operation{method: http.MethodGet, path: one, id: "webhooks.get", summary: "Get a webhook, by its id or its name", may: may, rate: rateRead}, a.getWebhook)
	route(a, operation{
		method: http.MethodPut, path: one, id: "webhooks.update", summary: "Change what is given of a webhook", may: may, rate: rateWrite, body: jsonBody[WebhookBody](plainBody, true),
	}, a.updateWebhook)
	route(a, operation{method: http.MethodDelete, path: one, id: "webhooks.delete", summary: "Delete a webhook", may: may, rate: rateWrite}, a.deleteWebhook)
	route(a, operation{
		method: http.MethodPut, path: one + "/enable", id: "webhooks.enable", summary: "Send events again, from where it stopped", may: may, rate: rateWrite,
		body: jsonBody[WebhookEnableBody](plainBody, false),
	}, a.enableWebhook)
	route(a, operation{
		method: http.MethodPut, path: one + "/disable", id: "webhooks.disable", summary: "Send nothing more, with a note; what happens meanwhile waits", may: may, rate: rateWrite,
		body: jsonBody[ScheduleNoteBody](plainBody, false),
	}, a.disableWebhook)
	route(a, operation{
		method: http.MethodPost, path: one + "/rotate-secret", id: "webhooks.rotate", summary: "Replace the secret; the new one is shown once, and the old one signs beside it for a while", may: may, rate: rateWrite,
		body: jsonBody[WebhookRotateBody](plainBody, false),
	}, a.rotateWebhook)
	route(a, operation{
		method: http.MethodPost, path: one + "/test", id: "webhooks.test", summary: "Send a test event now and say what was answered", may: may, rate: rateWrite, reads: true,
	}, a.testWebhook)
	route(a, operation{
		method: http.MethodPost, path: one + "/replay", id: "webhooks.replay", summary: "Send again what happened since a time, or one delivery", may: may, rate: rateWrite,
		body: jsonBody[WebhookReplayBody](plainBody, true),
	}, a.replayWebhook)
	route(a, operation{
		method: http.MethodGet, path: one + "/deliveries", id: "webhooks.deliveries", summary: "What was and is to be sent, the newest events first", may: may, rate: rateRead, paged: true,
	}, a.listDeliveries)
	route(a, operation{
		method: http.MethodGet, path: one + "/deliveries/{delivery}", id: "webhooks.delivery", summary: "One delivery, with what was sent and what was answered", may: may, rate: rateRead,
	}, a.getDelivery)
}

type (
	webhookInput struct {
		ID string `path:"id" doc:"The id of the webhook, or its name."`
	}
	changeWebhookInput struct {
		ID      string `path:"id" doc:"The id of the webhook, or its name."`
		IfMatch string `header:"If-Match" doc:"ETag of the webhook as it was read; 412 if it has changed since."`
	}
	deliveriesInput struct {
		PageInput
		ID    string `path:"id" doc:"The id of the webhook, or its name."`
		State string `query:"state" enum:"waiting,delivered,given_up"`
	}
	deliveryInput struct {
		ID       string `path:"id" doc:"The id of the webhook, or its name."`
		Delivery string `path:"delivery" doc:"The id of the delivery, which is that of its event."`
	}
	webhooksReply struct{ Body WebhookList }
	webhookReply  struct {
		ETag string `header:"ETag"`
		Body WebhookAnswer
	}
	newWebhookReply struct {
		ETag string `header:"ETag"`
		Body NewWebhook
	}
	deliveriesReply    struct{ Body DeliveryList }
	deliveryReply      struct{ Body fleet.Delivery }
	webhookTestReply   struct{ Body fleet.DeliveryTry }
	webhookReplayReply struct{ Body WebhookReplay }
)

func showWebhook(v orchestrator.WebhookView) WebhookAnswer {
	w := v.Webhook
	stamp(&w.CreatedAt, &w.UpdatedAt)
	return WebhookAnswer{
		Webhook: w, Waiting: v.Open, Behind: v.Behind, Delivered: w.Delivered, GivenUp: w.GivenUp, Missed: w.Missed, Replaying: w.ReplayFrom < w.ReplayTo,
		LastSuccess: optionalTime(w.LastSuccess), LastFailure: optionalTime(w.LastFailure), FailingSince: optionalTime(w.FailingSince),
		HoldUntil: optionalTime(w.HoldUntil), OldUntil: optionalTime(v.OldUntil), Fault: w.Fault,
	}
}

func showDelivery(d fleet.Delivery) fleet.Delivery {
	stamp(&d.EventAt, &d.NextAt, &d.Ended)
	for i := range d.Log {
		stamp(&d.Log[i].At)
	}
	return d
}

func (a *API) listWebhooks(ctx context.Context, _ *struct{}) (*webhooksReply, error) {
	list, err := a.o.Orchestrator.Webhooks.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	out := WebhookList{Webhooks: make([]WebhookAnswer, len(list))}
	for i := range list {
		out.Webhooks[i] = showWebhook(list[i])
	}
	return &webhooksReply{out}, nil
}

// webhookNow shows a webhook that was just changed.
func (a *API) webhookNow(ctx context.Context, w fleet.Webhook) (*webhookReply, error) {
	v, err := a.o.Orchestrator.Webhooks.Get(ctx, auth.From(ctx), string(w.ID))
	if err != nil {
		return nil, err
	}
	return &webhookReply{ETag: etag(v.Revision), Body: showWebhook(v)}, nil
}

// secretNow shows a webhook with a secret that was just made.
func (a *API) secretNow(ctx context.Context, w fleet.Webhook, secret string) (*newWebhookReply, error) {
	r, err := a.webhookNow(ctx, w)
	if err != nil {
		return nil, err
	}
	return &newWebhookReply{ETag: r.ETag, Body: NewWebhook{r.Body, secret}}, nil
}

func (a *API) createWebhook(ctx context.Context, _ *struct{}) (*newWebhookReply, error) {
	body, err := decode[WebhookBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	w, secret, err := a.o.Orchestrator.Webhooks.Create(ctx, auth.From(ctx), body.change())
	if err != nil {
		return nil, err
	}
	return a.secretNow(ctx, w, secret)
}

func (a *API) getWebhook(ctx context.Context, in *webhookInput) (*webhookReply, error) {
	v, err := a.o.Orchestrator.Webhooks.Get(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &webhookReply{ETag: etag(v.Revision), Body: showWebhook(v)}, nil
}

func (a *API) updateWebhook(ctx context.Context, in *changeWebhookInput) (*webhookReply, error) {
	revision, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, err := decode[WebhookBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	w, err := a.o.Orchestrator.Webhooks.Update(ctx, auth.From(ctx), in.ID, revision, body.change())
	if err != nil {
		return nil, err
	}
	return a.webhookNow(ctx, w)
}

func (a *API) deleteWebhook(ctx context.Context, in *webhookInput) (*doneReply, error) {
	if err := a.o.Orchestrator.Webhooks.Delete(ctx, auth.From(ctx), in.ID); err != nil {
		return nil, err
	}
	return &doneReply{ScheduleDone{Status: "success", Message: "The webhook is deleted; nothing more is sent."}}, nil
}

func (a *API) enableWebhook(ctx context.Context, in *webhookInput) (*webhookReply, error) {
	body, err := optional[WebhookEnableBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	w, err := a.o.Orchestrator.Webhooks.Enable(ctx, auth.From(ctx), in.ID, body.Skip)
	if err != nil {
		return nil, err
	}
	return a.webhookNow(ctx, w)
}

func (a *API) disableWebhook(ctx context.Context, in *webhookInput) (*webhookReply, error) {
	body, err := optional[ScheduleNoteBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	w, err := a.o.Orchestrator.Webhooks.Disable(ctx, auth.From(ctx), in.ID, body.Note)
	if err != nil {
		return nil, err
	}
	return a.webhookNow(ctx, w)
}

func (a *API) rotateWebhook(ctx context.Context, in *webhookInput) (*newWebhookReply, error) {
	body, err := optional[WebhookRotateBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	keep := fleet.WebhookRotates
	if s := body.KeepSeconds; s != nil {
		keep = time.Duration(min(max(*s, -1), int(fleet.MaxWebhookRotates/time.Second)+1)) * time.Second
	}
	w, secret, err := a.o.Orchestrator.Webhooks.Rotate(ctx, auth.From(ctx), in.ID, keep)
	if err != nil {
		return nil, err
	}
	return a.secretNow(ctx, w, secret)
}

func (a *API) testWebhook(ctx context.Context, in *webhookInput) (*webhookTestReply, error) {
	try, err := a.o.Orchestrator.Webhooks.Test(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	stamp(&try.At)
	return &webhookTestReply{try}, nil
}

func (a *API) replayWebhook(ctx context.Context, in *webhookInput) (*webhookReplayReply, error) {
	body, err := decode[WebhookReplayBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	switch {
	case (body.From == nil) == (body.DeliveryID == ""):
		return nil, fleet.Invalid("from", "Give either from or delivery_id.")
	case body.From != nil:
		out, err := a.o.Orchestrator.Webhooks.ReplayFrom(ctx, auth.From(ctx), in.ID, *body.From)
		if err != nil {
			return nil, err
		}
		return &webhookReplayReply{WebhookReplay{out.Events}}, nil
	}
	if _, err := a.o.Orchestrator.Webhooks.ReplayOne(ctx, auth.From(ctx), in.ID, body.DeliveryID); err != nil {
		return nil, err
	}
	return &webhookReplayReply{WebhookReplay{1}}, nil
}

func (a *API) listDeliveries(ctx context.Context, in *deliveriesInput) (*deliveriesReply, error) {
	list, next, err := a.o.Orchestrator.Webhooks.Deliveries(ctx, auth.From(ctx), in.ID, fleet.DeliveryState(in.State), in.page())
	if err != nil {
		return nil, err
	}
	return &deliveriesReply{DeliveryList{Deliveries: showAll(list, showDelivery), Next: next}}, nil
}

func (a *API) getDelivery(ctx context.Context, in *deliveryInput) (*deliveryReply, error) {
	d, err := a.o.Orchestrator.Webhooks.Delivery(ctx, auth.From(ctx), in.ID, fleet.ID(in.Delivery))
	if err != nil {
		return nil, err
	}
	return &deliveryReply{showDelivery(d)}, nil
}
