package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// AlertRuleBody is what is to hold of a rule of alerts; what is left out stays as
// it is, or is as its kind has it.
type AlertRuleBody struct {
	Name                 *string              `json:"name,omitempty"`
	Description          *string              `json:"description,omitempty"`
	Kind                 *fleet.AlertKind     `json:"kind,omitempty" enum:"job_waiting,failure_rate,robot_lost,robot_health,job_stalled,needs_decision,schedule_missed,schedule_late,schedule_disabled,trigger_disabled,webhook_disabled,queue_sla,dead_letter,key_expiring,brake,channel_failing"`
	Params               *fleet.AlertParams   `json:"params,omitempty" doc:"Of kind failure_rate: more than percent of at least at_least jobs within window_seconds."`
	Selector             *fleet.AlertSelector `json:"selector,omitempty" doc:"About which things it is; what is empty is all."`
	Severity             *fleet.Severity      `json:"severity,omitempty" enum:"info,warning,critical"`
	ForSeconds           *int                 `json:"for_seconds,omitempty" doc:"For how long a condition must hold; after twice that without anything new the incident is over."`
	Channels             *[]fleet.ID          `json:"channels,omitempty" doc:"Ids or names, in the order in which they are told; none: those that are for all rules."`
	Silences             *[]fleet.ID          `json:"silences,omitempty" doc:"Ids or names of silences that hold its notices, beside those that are for it anyway."`
	EscalateAfterSeconds *int                 `json:"escalate_after_seconds,omitempty" doc:"How long each channel has until the next one is told; 0: all are told at once."`
	Enabled              *bool                `json:"enabled,omitempty"`
}

func (b *AlertRuleBody) change() orchestrator.AlertRuleChange {
	return orchestrator.AlertRuleChange{
		Name: b.Name, Description: b.Description, Kind: b.Kind, Params: b.Params, Selector: b.Selector, Severity: b.Severity, ForSeconds: b.ForSeconds,
		Channels: b.Channels, Silences: b.Silences, EscalateAfterSeconds: b.EscalateAfterSeconds, Enabled: b.Enabled,
	}
}

// AlertRuleList is all rules of a tenant, with what is known of the kinds.
type AlertRuleList struct {
	Rules []fleet.AlertRule     `json:"rules"`
	Kinds []fleet.AlertKindInfo `json:"kinds"`
}

// ChannelBody is what is to hold of a channel. Its kind follows from the way that
// is given.
type ChannelBody struct {
	Name        *string           `json:"name,omitempty"`
	Description *string           `json:"description,omitempty"`
	Webhook     *fleet.WebhookWay `json:"webhook,omitempty"`
	Email       *fleet.EmailWay   `json:"email,omitempty"`
	Enabled     *bool             `json:"enabled,omitempty"`
	Default     *bool             `json:"default,omitempty" doc:"Rules that name no channel use it."`
	Resolved    *bool             `json:"resolved,omitempty" doc:"It is told of the end of an incident too."`
}

func (b *ChannelBody) change() orchestrator.ChannelChange {
	return orchestrator.ChannelChange{
		Name: b.Name, Description: b.Description, Webhook: b.Webhook, Email: b.Email, Enabled: b.Enabled, Default: b.Default, Resolved: b.Resolved,
	}
}

// ChannelAnswer is a channel with how it does.
type ChannelAnswer struct {
	fleet.AlertChannel
	Streak int64      `json:"failures_in_a_row" doc:"Notices that could not be sent since the last that was."`
	Fault  string     `json:"fault,omitempty" doc:"Why the last one could not."`
	LastOK *time.Time `json:"last_sent_at"`
	Secret string     `json:"secret,omitempty" doc:"What the calls are signed with, as Standard Webhooks say. It is shown once: when it was made."`
}

// ChannelList is all channels of a tenant.
type ChannelList struct {
	Channels []ChannelAnswer `json:"channels"`
}

// ChannelTest says whether a notice could be sent.
type ChannelTest struct {
	Sent  bool   `json:"sent"`
	Fault string `json:"fault,omitempty" doc:"Why not."`
}

// SilenceBody is what is to hold of a silence.
type SilenceBody struct {
	Name     *string     `json:"name,omitempty"`
	Note     *string     `json:"note,omitempty"`
	All      *bool       `json:"all,omitempty" doc:"It is for every rule."`
	Rules    *[]fleet.ID `json:"rules,omitempty" doc:"Ids or names of rules that it is for, beside those that name it."`
	From     *time.Time  `json:"from,omitempty" doc:"Now, if it is left out."`
	Until    *time.Time  `json:"until,omitempty"`
	Calendar *fleet.ID   `json:"calendar_id,omitempty" doc:"Id or name of a working calendar: outside of its working time it is silent."`
}

func (b *SilenceBody) change() orchestrator.SilenceChange {
	return orchestrator.SilenceChange{Name: b.Name, Note: b.Note, All: b.All, Rules: b.Rules, From: b.From, Until: b.Until, Calendar: b.Calendar}
}

// SilenceList is all silences of a tenant.
type SilenceList struct {
	Silences []fleet.Silence `json:"silences"`
}

func (a *API) alertRoutes() {
	read, run, write := need(fleet.AlertsRead), need(fleet.AlertsRun), need(fleet.AlertsManage)
	rules, channels, silences := Base+"/alert-rules", Base+"/alert-channels", Base+"/silences"
	route(a, operation{method: http.MethodGet, path: rules, id: "alertrules.list", summary: "List rules of alerts by name, the built-in ones too", may: read, rate: rateRead}, a.listAlertRules)
	route(a, operation{
		method: http.MethodPost, path: rules, id: "alertrules.create", summary: "Make a rule of alerts", may: write, rate: rateWrite, status: http.StatusCreated,
		body: jsonBody[AlertRuleBody](plainBody, true),
	}, a.createAlertRule)
	route(a, operation{method: http.MethodGet, path: rules + "/{id}", id: "alertrules.get", summary: "Get a rule of alerts, by its id or its name", may: read, rate: rateRead}, a.getAlertRule)
	route(a, operation{
		method: http.MethodPut, path: rules + "/{id}", id: "alertrules.update", summary: "Change what is given of a rule of alerts", may: write, rate: rateWrite,
		body: jsonBody[AlertRuleBody](plainBody, true),
	}, a.updateAlertRule)
	route(a, operation{
		method: http.MethodDelete, path: rules + "/{id}", id: "alertrules.delete", summary: "Delete a rule of alerts; a built-in one is as it was built in again", may: write, rate: rateWrite,
	}, a.deleteAlertRule)

	route(a, operation{method: http.MethodGet, path: channels, id: "alertchannels.list", summary: "List the ways in which people are told of alerts", may: read, rate: rateRead}, a.listChannels)
	route(a, operation{
		method: http.MethodPost, path: channels, id: "alertchannels.create", summary: "Make a channel; the secret of a webhook is in the answer and nowhere else", may: write,
		rate: rateWrite, status: http.StatusCreated, body: jsonBody[ChannelBody](plainBody, true),
	}, a.createChannel)
	route(a, operation{method: http.MethodGet, path: channels + "/{id}", id: "alertchannels.get", summary: "Get a channel, by its id or its name", may: read, rate: rateRead}, a.getChannel)
	route(a, operation{
		method: http.MethodPut, path: channels + "/{id}", id: "alertchannels.update", summary: "Change what is given of a channel", may: write, rate: rateWrite,
		body: jsonBody[ChannelBody](plainBody, true),
	}, a.updateChannel)
	route(a, operation{method: http.MethodDelete, path: channels + "/{id}", id: "alertchannels.delete", summary: "Delete a channel", may: write, rate: rateWrite}, a.deleteChannel)
	route(a, operation{
		method: http.MethodPost, path: channels + "/{id}/test", id: "alertchannels.test", summary: "Send a test by a channel now", may: write, rate: rateWrite,
	}, a.testChannel)
	route(a, operation{
		method: http.MethodPost, path: channels + "/{id}/rotate-secret", id: "alertchannels.rotate", summary: "Give a webhook another secret; the old one counts no more", may: write,
		rate: rateWrite,
	}, a.rotateChannel)

	route(a, operation{method: http.MethodGet, path: silences, id: "silences.list", summary: "List silences by name", may: read, rate: rateRead}, a.listSilences)
	route(a, operation{
		method: http.MethodPost, path: silences, id: "silences.create", summary: "Hold notices for a while", may: run, rate: rateWrite, status: http.StatusCreated,
		body: jsonBody[SilenceBody](plainBody, true),
	}, a.createSilence)
	route(a, operation{
		method: http.MethodPut, path: silences + "/{id}", id: "silences.update", summary: "Change what is given of a silence", may: run, rate: rateWrite,
		body: jsonBody[SilenceBody](plainBody, true),
	}, a.updateSilence)
	route(a, operation{
		method: http.MethodDelete, path: silences + "/{id}", id: "silences.delete", summary: "End a silence; what it held and is open still is told", may: run, rate: rateWrite,
	}, a.deleteSilence)
	a.incidentRoutes()
}

type (
	namedInput struct {
		ID string `path:"id" doc:"The id, or the name."`
	}
	changeNamedInput struct {
		ID      string `path:"id" doc:"The id, or the name."`
		IfMatch string `header:"If-Match" doc:"ETag as it was read; 412 if it has changed since."`
	}
	alertRulesReply struct{ Body AlertRuleList }
	alertRuleReply  struct {
		ETag string `header:"ETag"`
		Body fleet.AlertRule
	}
	channelsReply struct{ Body ChannelList }
	channelReply  struct {
		ETag string `header:"ETag"`
		Body ChannelAnswer
	}
	channelTestReply struct{ Body ChannelTest }
	silencesReply    struct{ Body SilenceList }
	silenceReply     struct {
		ETag string `header:"ETag"`
		Body fleet.Silence
	}
)

func showRule(r fleet.AlertRule) fleet.AlertRule {
	stamp(&r.CreatedAt, &r.UpdatedAt)
	return r
}

func showChannel(c fleet.AlertChannel, secret string) ChannelAnswer {
	stamp(&c.CreatedAt, &c.UpdatedAt)
	return ChannelAnswer{AlertChannel: c, Streak: c.State.Streak, Fault: c.State.Fault, LastOK: optionalTime(c.State.LastOK), Secret: secret}
}

func showSilence(s fleet.Silence) fleet.Silence {
	stamp(&s.From, &s.Until, &s.CreatedAt, &s.UpdatedAt)
	return s
}

func (a *API) listAlertRules(ctx context.Context, _ *struct{}) (*alertRulesReply, error) {
	list, err := a.o.Orchestrator.Alerts.Rules(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	kinds := fleet.AlertKindList()
	for i := range kinds {
		if kinds[i].Selects == nil {
			kinds[i].Selects = []string{}
		}
	}
	return &alertRulesReply{AlertRuleList{Rules: showAll(list, showRule), Kinds: kinds}}, nil
}

func ruleReply(r fleet.AlertRule, err error) (*alertRuleReply, error) {
	if err != nil {
		return nil, err
	}
	return &alertRuleReply{ETag: etag(r.Revision), Body: showRule(r)}, nil
}

func (a *API) createAlertRule(ctx context.Context, _ *struct{}) (*alertRuleReply, error) {
	body, err := decode[AlertRuleBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return ruleReply(a.o.Orchestrator.Alerts.CreateRule(ctx, auth.From(ctx), body.change()))
}

func (a *API) getAlertRule(ctx context.Context, in *namedInput) (*alertRuleReply, error) {
	return ruleReply(a.o.Orchestrator.Alerts.Rule(ctx, auth.From(ctx), in.ID))
}

func (a *API) updateAlertRule(ctx context.Context, in *changeNamedInput) (*alertRuleReply, error) {
	revision, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, err := decode[AlertRuleBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return ruleReply(a.o.Orchestrator.Alerts.UpdateRule(ctx, auth.From(ctx), in.ID, revision, body.change()))
}

func (a *API) deleteAlertRule(ctx context.Context, in *namedInput) (*doneReply, error) {
	r, err := a.o.Orchestrator.Alerts.DeleteRule(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	message := "The rule is deleted; its incidents end once they are quiet."
	if r.Builtin {
		message = "The rule is as it was built in."
	}
	return &doneReply{ScheduleDone{Status: "success", Message: message}}, nil
}

func (a *API) listChannels(ctx context.Context, _ *struct{}) (*channelsReply, error) {
	list, err := a.o.Orchestrator.Alerts.Channels(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	out := make([]ChannelAnswer, len(list))
	for i := range list {
		out[i] = showChannel(list[i], "")
	}
	return &channelsReply{ChannelList{Channels: out}}, nil
}

func oneChannel(c fleet.AlertChannel, secret string, err error) (*channelReply, error) {
	if err != nil {
		return nil, err
	}
	return &channelReply{ETag: etag(c.Revision), Body: showChannel(c, secret)}, nil
}

func (a *API) createChannel(ctx context.Context, _ *struct{}) (*channelReply, error) {
	body, err := decode[ChannelBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return oneChannel(a.o.Orchestrator.Alerts.CreateChannel(ctx, auth.From(ctx), body.change()))
}

func (a *API) getChannel(ctx context.Context, in *namedInput) (*channelReply, error) {
	c, err := a.o.Orchestrator.Alerts.Channel(ctx, auth.From(ctx), in.ID)
	return oneChannel(c, "", err)
}

func (a *API) updateChannel(ctx context.Context, in *changeNamedInput) (*channelReply, error) {
	revision, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, err := decode[ChannelBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	c, err := a.o.Orchestrator.Alerts.UpdateChannel(ctx, auth.From(ctx), in.ID, revision, body.change())
	return oneChannel(c, "", err)
}

func (a *API) deleteChannel(ctx context.Context, in *namedInput) (*doneReply, error) {
	if err := a.o.Orchestrator.Alerts.DeleteChannel(ctx, auth.From(ctx), in.ID); err != nil {
		return nil, err
	}
	return &doneReply{ScheduleDone{Status: "success", Message: "The channel is deleted."}}, nil
}

func (a *API) testChannel(ctx context.Context, in *namedInput) (*channelTestReply, error) {
	fault, err := a.o.Orchestrator.Alerts.TestChannel(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &channelTestReply{ChannelTest{Sent: fault == "", Fault: fault}}, nil
}

func (a *API) rotateChannel(ctx context.Context, in *namedInput) (*channelReply, error) {
	return oneChannel(a.o.Orchestrator.Alerts.RotateChannel(ctx, auth.From(ctx), in.ID))
}

func (a *API) listSilences(ctx context.Context, _ *struct{}) (*silencesReply, error) {
	list, err := a.o.Orchestrator.Alerts.Silences(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &silencesReply{SilenceList{Silences: showAll(list, showSilence)}}, nil
}

func oneSilence(s fleet.Silence, err error) (*silenceReply, error) {
	if err != nil {
		return nil, err
	}
	return &silenceReply{ETag: etag(s.Revision), Body: showSilence(s)}, nil
}

func (a *API) createSilence(ctx context.Context, _ *struct{}) (*silenceReply, error) {
	body, err := decode[SilenceBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return oneSilence(a.o.Orchestrator.Alerts.CreateSilence(ctx, auth.From(ctx), body.change()))
}

func (a *API) updateSilence(ctx context.Context, in *changeNamedInput) (*silenceReply, error) {
	revision, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, err := decode[SilenceBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return oneSilence(a.o.Orchestrator.Alerts.UpdateSilence(ctx, auth.From(ctx), in.ID, revision, body.change()))
}

func (a *API) deleteSilence(ctx context.Context, in *namedInput) (*doneReply, error) {
	if err := a.o.Orchestrator.Alerts.DeleteSilence(ctx, auth.From(ctx), in.ID); err != nil {
		return nil, err
	}
	return &doneReply{ScheduleDone{Status: "success", Message: "The silence is over."}}, nil
}
