package orchestrator

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/hook"
	"github.com/casarerpa/fleet/internal/store"
)

// webhookSealedName is what the secret of a webhook is bound to.
func webhookSealedName(s *store.WebhookSecret) string {
	return fmt.Sprintf("webhook/%s/%s/%d", s.Tenant, s.Webhook, s.Number)
}

// newSecret makes a secret, or takes one that is given, and seals it.
func (w *Webhooks) newSecret(of *fleet.Webhook, number int64, given *string) (secret string, sealed store.WebhookSecret, err error) {
	if given != nil {
		if secret = *given; !hook.ValidSecret(secret) {
			return "", sealed, fleet.Invalid("secret", "A secret of a webhook is whsec_ and then 24 to 64 bytes in base64.").WithFix("Leave it out: one is made.")
		}
	} else if secret, err = hook.MakeSecret(rand.Reader); err != nil {
		return "", sealed, err
	}
	sealed = store.WebhookSecret{Tenant: of.Tenant, Webhook: of.ID, Number: number, KeyVersion: w.Sealer.Newest()}
	sealed.Text, err = w.Sealer.Seal([]byte(secret), webhookSealedName(&sealed))
	return secret, sealed, err
}

// Rotate gives a webhook a new secret, which nobody is shown again. The old one
// signs beside it for a while, so that the receiver can change over.
func (w *Webhooks) Rotate(ctx context.Context, p auth.Principal, ref string, keep time.Duration) (out fleet.Webhook, secret string, err error) {
	if keep < 0 || keep > fleet.MaxWebhookRotates {
		return out, "", fleet.Invalid("keep_seconds", "keep_seconds must be between 0 and %d; got %d.", int(fleet.MaxWebhookRotates/time.Second), int(keep/time.Second))
	}
	out, err = w.change(ctx, p, ref, 0, func(_ fleet.Webhook, is *fleet.Webhook) (a webhookAct, err error) {
		var list []store.WebhookSecret
		if err := w.Store.View(ctx, p.Scope(), func(r store.Reader) error { list, err = r.WebhookSecrets(is.ID); return err }); err != nil {
			return a, err
		}
		if len(list) == 0 {
			return a, fleet.Internal(nil)
		}
		older := list[0]
		older.Until = w.Now().Add(keep)
		made, sealed, err := w.newSecret(is, older.Number+1, nil)
		if err != nil {
			return a, err
		}
		secret = made
		return webhookAct{kind: fleet.EventWebhookRotated, more: map[string]any{"old_until": older.Until.UTC()}, also: func(tx store.Tx, is *fleet.Webhook) error {
			if err := tx.PutWebhookSecret(sealed); err != nil {
				return err
			}
			if keep == 0 {
				return tx.DropWebhookSecrets(is.ID, sealed.Number)
			}
			if err := tx.PutWebhookSecret(older); err != nil {
				return err
			}
			return tx.DropWebhookSecrets(is.ID, older.Number)
		}}, nil
	})
	return out, secret, err
}

// opened are the secrets that calls are signed with now, the newest first.
func (w *Webhooks) opened(list []store.WebhookSecret, now time.Time) (out []string, err error) {
	for i := range list {
		if !list[i].Until.IsZero() && !list[i].Until.After(now) {
			continue
		}
		plain, err := w.Sealer.Open(list[i].Text, webhookSealedName(&list[i]))
		if err != nil {
			return nil, err
		}
		out = append(out, string(plain))
		clear(plain)
	}
	if len(out) == 0 {
		return nil, fleet.Internal(nil)
	}
	return out, nil
}

// rewrapWebhooks wraps the secrets of webhooks as Rewrap does others.
func (s *Secrets) rewrapWebhooks(ctx context.Context, p auth.Principal) (n int, err error) {
	const step = 100
	for {
		var old []store.WebhookSecret
		err := s.Store.View(ctx, p.Reach(), func(r store.Reader) (err error) {
			old, err = r.WebhookSecretsBefore(s.Sealer.Newest(), step)
			return err
		})
		if err != nil || len(old) == 0 {
			return n, err
		}
		for _, v := range old {
			was := v.Text
			if v.Text, err = s.Sealer.Rewrap(v.Text, webhookSealedName(&v)); err != nil {
				return n, err
			}
			v.KeyVersion = s.Sealer.Newest()
			d := p.Audit("secret.rewrap", fleet.SubjectWebhook, string(v.Webhook))
			d.After = map[string]any{"key_version": v.KeyVersion}
			err = s.Store.Update(ctx, p.In(v.Tenant).Scope(), func(tx store.Tx) error {
				ok, err := tx.ReplaceWebhookSecret(v, was)
				if err != nil || !ok {
					return err // it is gone
				}
				return tx.Audit(v.Tenant, d)
			})
			if err != nil {
				return n, err
			}
			n++
		}
	}
}
