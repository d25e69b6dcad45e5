package orchestrator

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Channels of alerts and triggers of mail sign in to servers with a secret of the
// vault. Whoever could name any secret and any server could have any secret sent to a
// server of their own, so:
//
//   - To name a secret, or to change where it is sent, takes secrets:manage as well.
//   - A secret that is for some workflows or environments only is for the triggers of
//     these, and for no channel. That is asked when it is named and each time it is used.
//   - Each use is in the audit with what used it and where it went; of a mailbox, which
//     is looked into all the time, the first one of each hour.

// secretUse is a secret with where it is sent.
type secretUse struct {
	secret string // NAME or NAME.FIELD
	to     string // the server, and who signs in
}

func channelUse(c *fleet.AlertChannel) (u secretUse) {
	if e := c.Email; e != nil && e.Secret != "" {
		u = secretUse{e.Secret, mailServer(e.Host, e.Port, e.Security, e.Username)}
	}
	return u
}

func triggerUse(t *fleet.Trigger) (u secretUse) {
	if m := t.Email; m != nil && m.Secret != "" {
		u = secretUse{m.Secret, mailServer(m.Host, m.Port, m.Security, m.Username)}
	}
	return u
}

func mailServer(host string, port int, security fleet.MailSecurity, username string) string {
	return username + " at " + net.JoinHostPort(strings.ToLower(host), strconv.Itoa(port)) + " (" + string(security) + ")"
}

// mayUse refuses that somebody has a secret sent where it is not sent yet.
func mayUse(p auth.Principal, was, is secretUse) error {
	if is.secret == "" || is == was {
		return nil
	}
	if err := p.Require(fleet.SecretsManage); err != nil {
		return fleet.AsError(err).WithFix("To name a secret, or to change where it is sent, takes " + string(fleet.SecretsManage) + ": ask somebody who has it.")
	}
	return nil
}

// lendable refuses a secret that is for some jobs only and not for what wants to use
// it. A channel is of no workflow and no environment.
func lendable(s *fleet.Secret, of *fleet.Trigger) error {
	if of == nil && len(s.Environments)+len(s.Workflows) == 0 || of != nil && s.MayHave(of.WorkflowID, of.Environment) {
		return nil
	}
	text := "The secret %s is for some workflows or environments only, and a channel is of none."
	if of != nil {
		text = "The secret %s is not for the workflow and the environment of the trigger."
	}
	return fleet.Errorf(fleet.CodeForbidden, "secret_not_allowed", text, s.Name).WithFix("Have it allowed in the secret, or make a secret for this alone.")
}

// checkUse asks of a secret that a field names whether it is there and may be used.
func checkUse(r store.Reader, field string, u secretUse, of *fleet.Trigger) error {
	if u.secret == "" {
		return nil
	}
	if err := secretThere(r, field, u.secret); err != nil {
		return err
	}
	name, _, _ := strings.Cut(u.secret, ".")
	s, err := r.Secret(name)
	if err != nil {
		return err
	}
	if err := lendable(&s, of); err != nil {
		e := *fleet.AsError(err)
		e.Code, e.Fields = fleet.CodeInvalid, []fleet.FieldError{{Field: field, Message: e.Message}}
		return &e
	}
	return nil
}

// lending remembers which uses were told within the hour.
type lending struct {
	mu   sync.Mutex // guards told
	told map[string]time.Time
}

// tellAgain is how often a use that goes on all the time is in the audit.
const tellAgain = time.Hour

// due says whether a use is to be told, and remembers that it was.
func (l *lending) due(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.told[key]) < tellAgain {
		return false
	}
	for k, at := range l.told {
		if now.Sub(at) >= tellAgain {
			delete(l.told, k)
		}
	}
	if l.told == nil {
		l.told = map[string]time.Time{}
	}
	l.told[key] = now
	return true
}

// forget has a use told again: telling it failed.
func (l *lending) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.told, key)
}

// lend opens a secret for a trigger, or for the channel that by names in about. by is
// who asks: a person who tries it, or the thing itself.
func (s *Secrets) lend(ctx context.Context, sc store.Scope, by auth.Principal, u secretUse, of *fleet.Trigger, about map[string]any) (text string, err error) {
	name, field, _ := strings.Cut(u.secret, ".")
	var secret fleet.Secret
	var sealed []store.Sealed
	err = s.Store.View(ctx, sc, func(r store.Reader) error {
		if secret, err = r.Secret(name); err == nil {
			sealed, err = r.Sealed(name)
		}
		return err
	})
	if errors.Is(err, fleet.ErrNotFound) {
		return "", secretMissing(u)
	}
	if err != nil {
		return "", err
	}
	key := ""
	d := by.Audit(string(fleet.EventSecretRead), fleet.SubjectSecret, name)
	d.Object.Name, d.After = name, about
	d.After["to"] = u.to
	if err = lendable(&secret, of); err != nil {
		d.Outcome = fleet.AuditDenied
	} else if text, err = s.opened(u.secret, sealed); err != nil {
		return "", err
	} else if text == "" {
		return "", secretMissing(u)
	}
	if of != nil { // its mailbox is looked into all the time
		key = fmt.Sprint(sc, by.Name, of.ID, of.Revision, u, field, secret.UpdatedAt.UnixNano(), err != nil)
		if !s.lent.due(key, s.Now()) {
			return text, err
		}
	}
	if fault := s.Store.Update(ctx, sc, func(tx store.Tx) error { return tx.Audit(by.Tenant, d) }); fault != nil {
		s.lent.forget(key)
		return "", fault // nobody gets what nobody would know of
	}
	return text, err
}

func secretMissing(u secretUse) error {
	return fleet.Errorf(fleet.CodeForbidden, "secret_missing", "The secret %s is not there.", u.secret)
}

// withoutSecret is what a server said, without the password that it was sent: plain,
// or in any part that was sent in base64.
func withoutSecret(text, secret string) string {
	if secret == "" {
		return text
	}
	text = strings.ReplaceAll(text, secret, "***") // a server may repeat what it was sent
	words := strings.Fields(text)
	masked := false
	for i, w := range words { // also as it was sent
		if holdsEncoded(w, secret) {
			words[i], masked = "***", true
		}
	}
	if !masked {
		return text
	}
	return strings.Join(words, " ")
}

// holdsEncoded says whether a word holds a secret in base64, of any alphabet, padded
// or not.
func holdsEncoded(word, secret string) bool {
	parts := strings.FieldsFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '-' || r == '_')
	})
	for _, p := range parts {
		for _, code := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if plain, err := code.DecodeString(p); err == nil && strings.Contains(string(plain), secret) {
				return true
			}
		}
	}
	return false
}
