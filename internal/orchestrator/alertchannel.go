package orchestrator

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Notifier tells others; it knows the protocols and nothing of alerts.
type Notifier interface {
	// Webhook calls an address with a body that is signed as Standard Webhooks say.
	Webhook(ctx context.Context, url, secret, id string, at time.Time, body []byte) error
	// Mail sends a message.
	Mail(ctx context.Context, way fleet.EmailWay, password, id string, at time.Time, subject, text string) error
}

// ChannelChange is what is to hold of a channel; nil leaves things as they are.
type ChannelChange struct {
	Name        *string
	Description *string
	Webhook     *fleet.WebhookWay
	Email       *fleet.EmailWay
	Enabled     *bool
	Default     *bool
	Resolved    *bool
}

func (c *ChannelChange) apply(ch *fleet.AlertChannel) {
	give(c.Name, &ch.Name)
	give(c.Description, &ch.Description)
	give(c.Enabled, &ch.Enabled)
	give(c.Default, &ch.Default)
	give(c.Resolved, &ch.Resolved)
	if c.Webhook != nil {
		ch.Kind, ch.Webhook = fleet.ChannelWebhook, c.Webhook
	}
	if c.Email != nil {
		ch.Kind, ch.Email = fleet.ChannelEmail, c.Email
	}
	ch.Normal()
}

// Channels lists all channels by name, the log first.
func (a *Alerts) Channels(ctx context.Context, p auth.Principal) (out []fleet.AlertChannel, err error) {
	if err := p.Require(fleet.AlertsRead); err != nil {
		return nil, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		list, err := r.AlertChannels()
		out = append([]fleet.AlertChannel{fleet.LogChannel(p.Tenant)}, list...)
		return err
	})
	return out, err
}

// Channel returns one, by its id or its name.
func (a *Alerts) Channel(ctx context.Context, p auth.Principal, ref string) (out fleet.AlertChannel, err error) {
	if err := p.Require(fleet.AlertsRead); err != nil {
		return out, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		set, err := readAlerts(r, p.Tenant)
		if err == nil {
			out, err = set.findChannel(ref)
		}
		return err
	})
	out.Tenant = p.Tenant
	return out, err
}

// signing is where the secret of a channel is kept: among the values of the vault,
// under a name that no secret of the vault can have. So it is sealed, moved and
// wrapped anew with them.
func signing(tenant fleet.TenantID, channel fleet.ID, version int64) store.Sealed {
	return store.Sealed{Tenant: tenant, Name: ".channel." + string(channel), Version: version}
}

// whsecBytes is how long a secret is; Standard Webhooks want 24 to 64.
const whsecBytes = 32

// putSigning gives a channel a new secret and returns it.
func (a *Alerts) newSigning(tenant fleet.TenantID, channel fleet.ID, version int64) (secret string, v store.Sealed, err error) {
	key := make([]byte, whsecBytes)
	if _, err := rand.Read(key); err != nil {
		return "", v, fleet.Internal(err)
	}
	secret = "whsec_" + base64.StdEncoding.EncodeToString(key)
	v = signing(tenant, channel, version)
	v.KeyVersion = a.Sealer.Newest()
	v.Text, err = a.Sealer.Seal([]byte(secret), sealedName(&v))
	return secret, v, err
}

// signingOf opens the secret of a channel.
func (a *Alerts) signingOf(sealed []store.Sealed) (string, error) {
	if len(sealed) == 0 {
		return "", fleet.Errorf(fleet.CodeForbidden, "secret_missing", "The channel has no secret to sign with.").WithFix("Give it a new one.")
	}
	plain, err := a.Sealer.Open(sealed[0].Text, sealedName(&sealed[0]))
	return string(plain), err
}

// checkChannel checks a channel that was another one, or nil. What it uses is looked
// at where that is new: one whose secret is gone can still be disabled.
func checkChannel(r store.Reader, p auth.Principal, was, is *fleet.AlertChannel) error {
	if err := is.Validate(); err != nil {
		return err
	}
	before := secretUse{}
	if was != nil {
		before = channelUse(was)
	}
	use := channelUse(is)
	if err := mayUse(p, before, use); err != nil {
		return err
	}
	if was != nil && use == before && (was.Enabled || !is.Enabled) {
		return nil
	}
	return checkUse(r, "email.secret", use, nil)
}

// CreateChannel makes a channel. That of a webhook comes with the secret that its
// calls are signed with; nobody can read it later.
func (a *Alerts) CreateChannel(ctx context.Context, p auth.Principal, c ChannelChange) (out fleet.AlertChannel, secret string, err error) {
	if err := p.Require(fleet.AlertsManage); err != nil {
		return out, "", err
	}
	if c.Webhook != nil && c.Email != nil {
		return out, "", fleet.Invalid("email", "A channel has one way: webhook or email.")
	}
	now, id := a.Now(), a.IDs.New()
	var sealed store.Sealed
	if c.Webhook != nil {
		if secret, sealed, err = a.newSigning(p.Tenant, id, 1); err != nil {
			return out, "", err
		}
	}
	err = a.act(ctx, p, auditChannelCreated, fleet.SubjectChannel, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		out = fleet.AlertChannel{Enabled: true}
		c.apply(&out)
		out.ID, out.Tenant, out.CreatedAt, out.CreatedBy, out.UpdatedAt, out.UpdatedBy = id, p.Tenant, now, p.Name, now, p.Name
		if err := checkChannel(tx, p, nil, &out); err != nil {
			return err
		}
		if len(set.channels) >= fleet.MaxAlertChannels {
			return fleet.Errorf(fleet.CodeExhausted, "too_many_channels", "A tenant may have at most %d channels.", fleet.MaxAlertChannels).WithFix("Delete one that is no longer used.")
		}
		if sealed.Text != "" {
			if err := tx.PutSealed(sealed); err != nil {
				return err
			}
		}
		d.Object.Name = out.Name
		return errors.Join(changed(d, nil, out), tx.PutAlertChannel(out))
	})
	out.Revision = 1
	return out, secret, err
}

// stored finds a channel that can be changed.
func (a *alertSet) stored(ref string) (fleet.AlertChannel, error) {
	c, err := a.findChannel(ref)
	if err == nil && c.Kind == fleet.ChannelLog {
		err = fleet.Invalid("channel", "The log of the server stays as it is.")
	}
	return c, err
}

// UpdateChannel changes a channel; revision 0 is any.
func (a *Alerts) UpdateChannel(ctx context.Context, p auth.Principal, ref string, revision int64, c ChannelChange) (out fleet.AlertChannel, err error) {
	if err := p.Require(fleet.AlertsManage); err != nil {
		return out, err
	}
	err = a.act(ctx, p, auditChannelUpdated, fleet.SubjectChannel, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		was, err := set.stored(ref)
		if err != nil {
			return err
		}
		if revision != 0 && revision != was.Revision {
			return versionChanged("channel", was.Name)
		}
		out = was
		c.apply(&out)
		if out.Kind != was.Kind {
			return fleet.Invalid("kind", "The kind of a channel stays as it is.").WithFix("Make another channel.")
		}
		if err := checkChannel(tx, p, &was, &out); err != nil {
			return err
		}
		out.UpdatedAt, out.UpdatedBy = a.Now(), p.Name
		d.Object.ID, d.Object.Name = string(was.ID), was.Name
		if err := errors.Join(changed(d, was, out), tx.PutAlertChannel(out)); err != nil {
			return err
		}
		out.Revision++
		return nil
	})
	return out, err
}

// RotateChannel gives a channel of a webhook another secret; the old one counts no
// more.
func (a *Alerts) RotateChannel(ctx context.Context, p auth.Principal, ref string) (out fleet.AlertChannel, secret string, err error) {
	if err := p.Require(fleet.AlertsManage); err != nil {
		return out, "", err
	}
	err = a.act(ctx, p, auditChannelRotated, fleet.SubjectChannel, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		if out, err = set.stored(ref); err != nil {
			return err
		}
		if out.Webhook == nil {
			return fleet.Invalid("channel", "Only the calls of a webhook are signed.")
		}
		was, err := tx.Sealed(signing(p.Tenant, out.ID, 0).Name)
		if err != nil {
			return err
		}
		version := int64(1)
		if len(was) > 0 {
			version = was[0].Version + 1
		}
		var sealed store.Sealed
		if secret, sealed, err = a.newSigning(p.Tenant, out.ID, version); err != nil {
			return err
		}
		d.Object.ID, d.Object.Name = string(out.ID), out.Name
		return tx.PutSealed(sealed)
	})
	return out, secret, err
}

// DeleteChannel takes a channel away; rules tell those that are left.
func (a *Alerts) DeleteChannel(ctx context.Context, p auth.Principal, ref string) error {
	if err := p.Require(fleet.AlertsManage); err != nil {
		return err
	}
	return a.act(ctx, p, auditChannelDeleted, fleet.SubjectChannel, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		set, err := readAlerts(tx, p.Tenant)
		if err != nil {
			return err
		}
		was, err := set.stored(ref)
		if err != nil {
			return err
		}
		d.Object.ID, d.Object.Name = string(was.ID), was.Name
		if _, err := tx.DeleteAlertChannel(was.ID); err != nil {
			return err
		}
		if was.Webhook != nil {
			if err := tx.DeleteSealed(signing(p.Tenant, was.ID, 0).Name, fleet.Place{}); err != nil && !errors.Is(err, fleet.ErrNotFound) {
				return err
			}
		}
		return changed(d, was, nil)
	})
}

// TestChannel sends a notice by a channel now and says what went wrong; empty:
// nothing did.
func (a *Alerts) TestChannel(ctx context.Context, p auth.Principal, ref string) (fault string, err error) {
	if err := p.Require(fleet.AlertsManage); err != nil {
		return "", err
	}
	c, err := a.Channel(ctx, p, ref)
	if err != nil {
		return "", err
	}
	credential, err := a.credential(ctx, p.Scope(), p, &c, map[string]any{"test": true})
	if err == nil {
		now := a.Now()
		i := fleet.Incident{
			ID: a.IDs.New(), Tenant: p.Tenant, RuleName: "test", Severity: fleet.SeverityInfo, State: fleet.IncidentOpen, Cause: "test", Count: 1,
			Title: "This is a test of the channel " + c.Name + ".", Subject: fleet.EventSubject{Kind: fleet.SubjectChannel, ID: string(c.ID)},
			FirstAt: now, LastAt: now, OpenedAt: now,
		}
		err = a.deliver(ctx, &c, credential, &fleet.Notice{ID: a.IDs.New(), Tenant: p.Tenant, Kind: fleet.NoticeTest, CreatedAt: now}, &i)
	}
	if err != nil {
		fault = faultOf(err, credential)
	}
	return fault, a.act(ctx, p, auditChannelTested, fleet.SubjectChannel, string(c.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		d.Object.Name = c.Name
		d.After = map[string]any{"fault": fault}
		if fault != "" || c.Kind == fleet.ChannelLog {
			return nil
		}
		if err := tx.LockAlerts(p.Tenant); err != nil {
			return err
		}
		_, err := tx.ChannelSent(c.ID, "", a.Now()) // it works: what failed before is over
		return err
	})
}

// faultOf is why a notice could not be sent, as people may read it.
func faultOf(err error, credential string) string {
	return plainText(withoutSecret(said(err), credential))
}

// credential is what a channel signs or signs in with; empty where it needs none. by
// is who uses it, and why tells more of that.
func (a *Alerts) credential(ctx context.Context, s store.Scope, by auth.Principal, c *fleet.AlertChannel, why map[string]any) (text string, err error) {
	if u := channelUse(c); u.secret != "" {
		about := map[string]any{"channel_id": c.ID, "channel": c.Name}
		maps.Copy(about, why)
		return a.secrets.lend(ctx, s, by, u, nil, about)
	}
	if c.Webhook == nil {
		return "", nil
	}
	var sealed []store.Sealed
	err = a.Store.View(ctx, s, func(r store.Reader) error {
		sealed, err = r.Sealed(signing(c.Tenant, c.ID, 0).Name)
		return err
	})
	if err != nil {
		return "", err
	}
	return a.signingOf(sealed)
}

// deliver tells one channel.
func (a *Alerts) deliver(ctx context.Context, c *fleet.AlertChannel, credential string, n *fleet.Notice, i *fleet.Incident) error {
	if c.Kind == fleet.ChannelLog {
		a.Logger.WarnContext(ctx, "alert", "notice", n.Kind, "tenant", i.Tenant, "incident_id", i.ID, "rule", i.RuleName, "severity", i.Severity, "count", i.Count, "title", i.Title)
		return nil
	}
	if a.Notify == nil {
		return fleet.Errorf(fleet.CodeUnavailable, "no_notices", "This orchestrator sends no notices.")
	}
	if c.Webhook != nil {
		body, err := noticeBody(n, i)
		if err != nil {
			return err
		}
		return a.Notify.Webhook(ctx, c.Webhook.URL, credential, string(n.ID), a.Now(), body)
	}
	subject, text := noticeMail(n, i)
	return a.Notify.Mail(ctx, *c.Email, credential, string(n.ID), a.Now(), subject, text)
}

// noticeBody is a notice as a CloudEvent.
func noticeBody(n *fleet.Notice, i *fleet.Incident) ([]byte, error) {
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": n.ID, "source": "/tenants/" + string(n.Tenant), "type": "casare.fleet.alert." + string(n.Kind),
		"subject": "incident/" + string(i.ID), "time": n.CreatedAt.UTC(), "datacontenttype": "application/json", "data": ShownIncident(*i),
	})
	if err != nil {
		return nil, fleet.Internal(err)
	}
	return body, nil
}

// ShownIncident is an incident with its times in UTC, as it leaves the program.
func ShownIncident(i fleet.Incident) fleet.Incident {
	for _, t := range []*time.Time{&i.FirstAt, &i.LastAt, &i.OpenedAt, &i.AcknowledgedAt, &i.ResolvedAt, &i.EscalateAt} {
		*t = t.UTC().Truncate(time.Millisecond)
	}
	return i
}

// noticeMail is a notice as a message.
func noticeMail(n *fleet.Notice, i *fleet.Incident) (subject, text string) {
	word := map[fleet.NoticeKind]string{
		fleet.NoticeOpened: "Alert", fleet.NoticeEscalated: "Alert, nobody has acknowledged", fleet.NoticeResolved: "Over", fleet.NoticeTest: "Test",
	}[n.Kind]
	subject = fmt.Sprintf("[%s] %s: %s", i.Severity, word, i.Title)
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-10s %s\r\n", name+":", value)
		}
	}
	fmt.Fprintf(&b, "%s\r\n\r\n", i.Title)
	line("Rule", i.RuleName)
	line("Severity", string(i.Severity))
	line("State", string(i.State))
	line("Count", fmt.Sprint(i.Count))
	line("Since", i.FirstAt.UTC().Format(time.RFC3339))
	line("Last", i.LastAt.UTC().Format(time.RFC3339))
	line("Tenant", string(i.Tenant))
	line("Incident", string(i.ID))
	if n.Kind == fleet.NoticeOpened || n.Kind == fleet.NoticeEscalated {
		fmt.Fprintf(&b, "\r\nAcknowledge it: fleet alert ack %s\r\n", i.ID)
	}
	return subject, b.String()
}
