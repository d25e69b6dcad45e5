package orchestrator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Alerts are the use cases of alerts: rules, channels and silences, and the
// incidents that the rules find.
type Alerts struct {
	*core
	secrets *Secrets
	robots  *Robots

	stalls stalls
}

// AlertRuleChange is what is to hold of a rule; nil leaves things as they are.
type AlertRuleChange struct {
	Name                 *string
	Description          *string
	Kind                 *fleet.AlertKind
	Params               *fleet.AlertParams
	Selector             *fleet.AlertSelector
	Severity             *fleet.Severity
	ForSeconds           *int
	Channels             *[]fleet.ID // ids or names
	Silences             *[]fleet.ID // ids or names
	EscalateAfterSeconds *int
	Enabled              *bool
}

func (c *AlertRuleChange) apply(r *fleet.AlertRule) {
	give(c.Name, &r.Name)
	give(c.Description, &r.Description)
	give(c.Kind, &r.Kind)
	give(c.Params, &r.Params)
	give(c.Selector, &r.Selector)
	give(c.Severity, &r.Severity)
	give(c.ForSeconds, &r.ForSeconds)
	give(c.Channels, &r.Channels)
	give(c.Silences, &r.Silences)
	give(c.EscalateAfterSeconds, &r.EscalateAfterSeconds)
	give(c.Enabled, &r.Enabled)
	r.Normal()
}

// alertSet is all that a tenant has said about alerts, with what is built in.
type alertSet struct {
	rules    []fleet.AlertRule
	channels []fleet.AlertChannel
	silences []fleet.Silence
}

func readAlerts(r store.Reader, tenant fleet.TenantID) (a alertSet, err error) {
	stored, err := r.AlertRules()
	if err != nil {
		return a, err
	}
	a.rules = fleet.WithBuiltinAlertRules(tenant, stored)
	if a.channels, err = r.AlertChannels(); err != nil {
		return a, err
	}
	a.silences, err = r.Silences()
	return a, err
}

// enabled finds an enabled rule; nil if there is none.
func (a *alertSet) enabled(id fleet.ID) *fleet.AlertRule {
	i := slices.IndexFunc(a.rules, func(r fleet.AlertRule) bool { return r.ID == id && r.Enabled })
	if i < 0 {
		return nil
	}
	return &a.rules[i]
}

// wants says whether an enabled rule looks for a kind.
func (a *alertSet) wants(kind fleet.AlertKind) bool {
	return slices.ContainsFunc(a.rules, func(r fleet.AlertRule) bool { return r.Kind == kind && r.Enabled })
}

// tells lists the channels that a rule tells, in their order: those that it
// names, or those that are for all rules; the log if no other can be told. The one
// that an incident is about is not told of it.
func (a *alertSet) tells(r *fleet.AlertRule, not fleet.ID) (out []fleet.ID) {
	usable := func(c *fleet.AlertChannel) bool { return c.Enabled && c.ID != not }
	for _, id := range r.Channels {
		if id == fleet.LogChannelID {
			out = append(out, id)
		}
		for i := range a.channels {
			if c := &a.channels[i]; c.ID == id && usable(c) {
				out = append(out, id)
			}
		}
	}
	if len(r.Channels) == 0 {
		for i := range a.channels {
			if c := &a.channels[i]; c.Default && usable(c) {
				out = append(out, c.ID)
			}
		}
	}
	if len(out) == 0 {
		out = []fleet.ID{fleet.LogChannelID}
	}
	return out
}

// channel finds a channel; the log too.
func (a *alertSet) channel(id fleet.ID) (fleet.AlertChannel, bool) {
	if id == fleet.LogChannelID {
		return fleet.LogChannel(""), true
	}
	for i := range a.channels {
		if a.channels[i].ID == id {
			return a.channels[i], true
		}
	}
	return fleet.AlertChannel{}, false
}

// findRule finds a rule by its id or its name.
func (a *alertSet) findRule(ref string) (fleet.AlertRule, error) {
	key := strings.ToLower(ref)
	for _, by := range []func(r *fleet.AlertRule) bool{
		func(r *fleet.AlertRule) bool { return string(r.ID) == ref }, func(r *fleet.AlertRule) bool { return r.Key() == key },
	} {
		for i := range a.rules {
			if by(&a.rules[i]) {
				return a.rules[i], nil
			}
		}
	}
	return fleet.AlertRule{}, fleet.NotFound("alert_rule", ref)
}

func (a *alertSet) findChannel(ref string) (fleet.AlertChannel, error) {
	if c, ok := a.channel(fleet.ID(ref)); ok {
		return c, nil
	}
	for i := range a.channels {
		if a.channels[i].Key() == strings.ToLower(ref) {
			return a.channels[i], nil
		}
	}
	return fleet.AlertChannel{}, fleet.NotFound("alert_channel", ref)
}

func (a *alertSet) findSilence(ref string) (fleet.Silence, error) {
	for i := range a.silences {
		if s := &a.silences[i]; string(s.ID) == ref || s.Key() == strings.ToLower(ref) {
			return *s, nil
		}
	}
	return fleet.Silence{}, fleet.NotFound("silence", ref)
}

// idsOf replaces names in a list by ids. What is not there is a fault of the field,
// unless it was named before: then it is gone, and that is no fault of a change.
func idsOf(field string, list, was []fleet.ID, find func(ref string) (fleet.ID, error)) ([]fleet.ID, error) {
	out := make([]fleet.ID, len(list))
	for i, ref := range list {
		if slices.Contains(was, ref) {
			out[i] = ref
			continue
		}
		id, err := find(string(ref))
		if err != nil {
			return nil, unknownIn(field, err)
		}
		out[i] = id
	}
	return out, nil
}

// check is what a rule itself cannot know: whether what it names, and did not name
// before, is there.
func (a *alertSet) check(r store.Reader, was, rule *fleet.AlertRule) (err error) {
	rule.Channels, err = idsOf("channels", rule.Channels, was.Channels, func(ref string) (fleet.ID, error) { c, err := a.findChannel(ref); return c.ID, err })
	if err != nil {
		return err
	}
	rule.Silences, err = idsOf("silences", rule.Silences, was.Silences, func(ref string) (fleet.ID, error) { s, err := a.findSilence(ref); return s.ID, err })
	if err != nil {
		return err
	}
	if err := rule.Validate(); err != nil {
		return err
	}
	s, before := &rule.Selector, &was.Selector
	for _, id := range added(s.Workflows, before.Workflows) {
		if _, err := r.Workflow(id); err != nil {
			return unknownIn("selector.workflows", err)
		}
	}
	for _, id := range added(s.Schedules, before.Schedules) {
		if _, err := r.Schedule(id); err != nil {
			return unknownIn("selector.schedules", err)
		}
	}
	for _, id := range added(s.Queues, before.Queues) {
		if _, err := r.Queue(id); err != nil {
			return unknownIn("selector.queues", err)
		}
	}
	return nil
}

// added is what a list has that another one has not.
func added(list, was []fleet.ID) (out []fleet.ID) {
	return slices.DeleteFunc(slices.Clone(list), func(id fleet.ID) bool { return slices.Contains(was, id) })
}

// Rules lists all rules by name, the built-in ones too.
func (a *Alerts) Rules(ctx context.Context, p auth.Principal) (out []fleet.AlertRule, err error) {
	if err := p.Require(fleet.AlertsRead); err != nil {
		return nil, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		set, err := readAlerts(r, p.Tenant)
		out = set.rules
		return err
	})
	return out, err
}

// Rule returns one, by its id or its name.
func (a *Alerts) Rule(ctx context.Context, p auth.Principal, ref string) (out fleet.AlertRule, err error) {
	if err := p.Require(fleet.AlertsRead); err != nil {
		return out, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		set, err := readAlerts(r, p.Tenant)
		if err == nil {
			out, err = set.findRule(ref)
		}
		return err
	})
	return out, err
}

// The actions of the audit.
const (
	auditRuleCreated, auditRuleUpdated, auditRuleDeleted          = "alert_rule.created", "alert_rule.updated", "alert_rule.deleted"
	auditChannelCreated, auditChannelUpdated, auditChannelDeleted = "alert_channel.created", "alert_channel.updated", "alert_channel.deleted"
	auditChannelTested, auditChannelRotated                       = "alert_channel.tested", "alert_channel.secret_rotated"
	auditSilenceCreated, auditSilenceUpdated, auditSilenceDeleted = "silence.created", "silence.updated", "silence.deleted"
)

// CreateRule makes a rule.
func (a *Alerts) CreateRule(ctx context.Context, p auth.Principal, c AlertRuleChange) (out fleet.AlertRule, err error) {
	if err := p.Require(fleet.AlertsManage); err != nil {
		return out, err
	}
	now := a.Now()
	id := a.IDs.New()
	err = a.act(ctx, p, auditRuleCreated, fleet.SubjectAlertRule, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		out = fleet.AlertRule{Enabled: true}
		c.apply(&out)
		out.ID, out.Tenant, out.CreatedAt, out.CreatedBy, out.UpdatedAt, out.UpdatedBy = id, p.Tenant, now, p.Name, now, p.Name
		if err := set.check(tx, &fleet.AlertRule{}, &out); err != nil {
			return err
		}
		if len(set.rules) >= fleet.MaxAlertRules+len(fleet.AlertKinds()) {
			return fleet.Errorf(fleet.CodeExhausted, "too_many_alert_rules", "A tenant may have at most %d rules of its own.", fleet.MaxAlertRules).WithFix("Delete one that is no longer used.")
		}
		if _, ok := fleet.AlertKind(out.Key()).Info(); ok {
			return fleet.Errorf(fleet.CodeConflict, "alert_rule_exists", "The name %s is that of a built-in rule.", out.Name)
		}
		d.Object.Name = out.Name
		return errors.Join(changed(d, nil, out), tx.PutAlertRule(out))
	})
	out.Revision = 1
	return out, err
}

// UpdateRule changes a rule; revision 0 is any.
func (a *Alerts) UpdateRule(ctx context.Context, p auth.Principal, ref string, revision int64, c AlertRuleChange) (out fleet.AlertRule, err error) {
	if err := p.Require(fleet.AlertsManage); err != nil {
		return out, err
	}
	err = a.act(ctx, p, auditRuleUpdated, fleet.SubjectAlertRule, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		was, err := set.findRule(ref)
		if err != nil {
			return err
		}
		if revision != 0 && revision != was.Revision {
			return versionChanged("rule", was.Name)
		}
		out = was
		c.apply(&out)
		switch {
		case out.Kind != was.Kind:
			return fleet.Invalid("kind", "The kind of a rule stays as it is.").WithFix("Make another rule.")
		case was.Builtin && out.Name != was.Name:
			return fleet.Invalid("name", "The name of a built-in rule stays as it is.")
		}
		if _, ok := fleet.AlertKind(out.Key()).Info(); ok && !was.Builtin {
			return fleet.Errorf(fleet.CodeConflict, "alert_rule_exists", "The name %s is that of a built-in rule.", out.Name)
		}
		if err := set.check(tx, &was, &out); err != nil {
			return err
		}
		out.UpdatedAt, out.UpdatedBy = a.Now(), p.Name
		d.Object.ID, d.Object.Name = string(was.ID), was.Name
		if err := errors.Join(changed(d, was, out), tx.PutAlertRule(out)); err != nil {
			return err
		}
		out.Revision++
		return a.noticesAnew(tx)
	})
	return out, err
}

// DeleteRule takes a rule away; a built-in one is as it was built in afterwards.
// Its incidents are over once they are quiet.
func (a *Alerts) DeleteRule(ctx context.Context, p auth.Principal, ref string) (out fleet.AlertRule, err error) {
	if err := p.Require(fleet.AlertsManage); err != nil {
		return out, err
	}
	err = a.act(ctx, p, auditRuleDeleted, fleet.SubjectAlertRule, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		if out, err = set.findRule(ref); err != nil {
			return err
		}
		d.Object.ID, d.Object.Name = string(out.ID), out.Name
		there, err := tx.DeleteAlertRule(out.ID)
		if err != nil {
			return err
		}
		if !there { // a built-in one that nobody changed
			d.Action = ""
			return nil
		}
		return changed(d, out, nil)
	})
	return out, err
}

// noticesAnew has the notices that a silence holds looked at again: the silence may
// be gone.
func (a *Alerts) noticesAnew(tx store.Tx) error { return tx.FreeNotices(a.Now()) }

// SilenceChange is what is to hold of a silence; nil leaves things as they are.
type SilenceChange struct {
	Name     *string
	Note     *string
	All      *bool
	Rules    *[]fleet.ID // ids or names
	From     *time.Time
	Until    *time.Time
	Calendar *fleet.ID // id or name
}

func (c *SilenceChange) apply(s *fleet.Silence) {
	give(c.Name, &s.Name)
	give(c.Note, &s.Note)
	give(c.All, &s.All)
	give(c.Rules, &s.Rules)
	give(c.From, &s.From)
	give(c.Until, &s.Until)
	give(c.Calendar, &s.Calendar)
	if s.Rules == nil {
		s.Rules = []fleet.ID{}
	}
}

func (a *alertSet) checkSilence(r store.Reader, was, s *fleet.Silence) (err error) {
	s.Rules, err = idsOf("rules", s.Rules, was.Rules, func(ref string) (fleet.ID, error) { x, err := a.findRule(ref); return x.ID, err })
	if err != nil {
		return err
	}
	if s.Calendar != "" && s.Calendar != was.Calendar {
		c, err := findCalendar(r, string(s.Calendar))
		if err != nil {
			return unknownIn("calendar_id", err)
		}
		s.Calendar = c.ID
	}
	return s.Validate()
}

// Silences lists all silences by name.
func (a *Alerts) Silences(ctx context.Context, p auth.Principal) (out []fleet.Silence, err error) {
	if err := p.Require(fleet.AlertsRead); err != nil {
		return nil, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error { out, err = r.Silences(); return err })
	return out, err
}

// CreateSilence makes a silence; without a beginning it begins now.
func (a *Alerts) CreateSilence(ctx context.Context, p auth.Principal, c SilenceChange) (out fleet.Silence, err error) {
	if err := p.Require(fleet.AlertsRun); err != nil {
		return out, err
	}
	now, id := a.Now(), a.IDs.New()
	err = a.act(ctx, p, auditSilenceCreated, fleet.SubjectSilence, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		out = fleet.Silence{}
		c.apply(&out)
		if out.From.IsZero() && out.Calendar == "" {
			out.From = now
		}
		out.ID, out.Tenant, out.CreatedAt, out.CreatedBy, out.UpdatedAt, out.UpdatedBy = id, p.Tenant, now, p.Name, now, p.Name
		if err := set.checkSilence(tx, &fleet.Silence{}, &out); err != nil {
			return err
		}
		if len(set.silences) >= fleet.MaxSilences {
			return fleet.Errorf(fleet.CodeExhausted, "too_many_silences", "A tenant may have at most %d silences.", fleet.MaxSilences).WithFix("Delete those that are over.")
		}
		d.Object.Name = out.Name
		return errors.Join(changed(d, nil, out), tx.PutSilence(out))
	})
	out.Revision = 1
	return out, err
}

// UpdateSilence changes a silence; revision 0 is any.
func (a *Alerts) UpdateSilence(ctx context.Context, p auth.Principal, ref string, revision int64, c SilenceChange) (out fleet.Silence, err error) {
	if err := p.Require(fleet.AlertsRun); err != nil {
		return out, err
	}
	err = a.act(ctx, p, auditSilenceUpdated, fleet.SubjectSilence, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		was, err := set.findSilence(ref)
		if err != nil {
			return err
		}
		if revision != 0 && revision != was.Revision {
			return versionChanged("silence", was.Name)
		}
		out = was
		c.apply(&out)
		if err := set.checkSilence(tx, &was, &out); err != nil {
			return err
		}
		out.UpdatedAt, out.UpdatedBy = a.Now(), p.Name
		d.Object.ID, d.Object.Name = string(was.ID), was.Name
		if err := errors.Join(changed(d, was, out), tx.PutSilence(out)); err != nil {
			return err
		}
		out.Revision++
		return a.noticesAnew(tx)
	})
	return out, err
}

// DeleteSilence ends a silence: what it held is told, as far as it is open still.
func (a *Alerts) DeleteSilence(ctx context.Context, p auth.Principal, ref string) error {
	if err := p.Require(fleet.AlertsRun); err != nil {
		return err
	}
	return a.act(ctx, p, auditSilenceDeleted, fleet.SubjectSilence, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		was, err := set.findSilence(ref)
		if err != nil {
			return err
		}
		d.Object.ID, d.Object.Name = string(was.ID), was.Name
		if _, err := tx.DeleteSilence(was.ID); err != nil {
			return err
		}
		return errors.Join(changed(d, was, nil), a.noticesAnew(tx))
	})
}
