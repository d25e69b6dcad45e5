package orchestrator

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// uses tells who used which secret for what, by the audit.
func (w *world) uses() (out []string) {
	w.Helper()
	for _, row := range w.rows(AuditFilter{Action: string(fleet.EventSecretRead)}) {
		out = append(out, fmt.Sprintf("%s %s %s %s", row.Actor.Name, row.Object.ID, row.Outcome, row.After))
	}
	return out
}

// Who may name a secret, and who may change where it is sent.
func TestWhoMayHaveASecretSent(t *testing.T) {
	w, workflow := newTriggers(t)
	keys := auth.NewKeys(w.store, fleet.NewIDs(func() time.Time { return w.now }, zeros{}), counter(), func() time.Time { return w.now })
	developer, admin := w.caller(keys, "default", fleet.RoleDeveloper), w.caller(keys, "default", fleet.RoleAdmin)
	rule := func(change func(*fleet.EmailRule)) *fleet.EmailRule {
		r := fleet.EmailRule{Host: "imap.example.org", Username: "ada", Secret: "shop.key"}
		change(&r)
		return &r
	}
	nothing := func(*fleet.EmailRule) {}
	create := func(p auth.Principal, name string) error {
		_, err := w.Triggers.Create(t.Context(), p, TriggerChange{Name: &name, WorkflowID: &workflow, Email: rule(nothing)})
		return err
	}
	w.is(create(developer, "a"), fleet.CodeForbidden, "forbidden")
	w.must(create(admin, "a"))
	for name, c := range map[string]struct {
		change func(*fleet.EmailRule)
		may    bool
	}{
		"the server":        {func(r *fleet.EmailRule) { r.Host = "imap.evil.example" }, false},
		"the port":          {func(r *fleet.EmailRule) { r.Port = 1993 }, false},
		"the encryption":    {func(r *fleet.EmailRule) { r.Security = fleet.MailStartTLS }, false},
		"who signs in":      {func(r *fleet.EmailRule) { r.Username = "eve" }, false},
		"another secret":    {func(r *fleet.EmailRule) { r.Secret = "shop" }, false},
		"the folder":        {func(r *fleet.EmailRule) { r.Folder = "Orders" }, true},
		"how often":         {func(r *fleet.EmailRule) { r.EverySeconds = 120 }, true},
		"nothing":           {nothing, true},
		"letters of a name": {func(r *fleet.EmailRule) { r.Host = "IMAP.example.org" }, true},
	} {
		_, err := w.Triggers.Update(t.Context(), developer, "a", 0, TriggerChange{Email: rule(c.change)})
		if c.may != (err == nil) || !c.may && !errors.Is(err, fleet.ErrForbidden) {
			t.Errorf("a developer changes %s: %v", name, err)
		}
	}
	_, err := w.Triggers.Update(t.Context(), developer, "a", 0, TriggerChange{Description: new("theirs")})
	w.must(err)
	_, err = w.Triggers.Update(t.Context(), admin, "a", 0, TriggerChange{Email: rule(func(r *fleet.EmailRule) { r.Host = "mail.example.org" })})
	w.must(err)

	// The same holds for channels.
	was := fleet.AlertChannel{Name: "x", Kind: fleet.ChannelEmail, Enabled: true, Email: &fleet.EmailWay{Host: "mail", Username: "u", Secret: "shop", From: "a@b.c", To: []string{"a@b.c"}}}
	was.Normal()
	for name, c := range map[string]struct {
		change func(*fleet.EmailWay)
		may    bool
	}{
		"the server":     {func(e *fleet.EmailWay) { e.Host = "evil" }, false},
		"the port":       {func(e *fleet.EmailWay) { e.Port = 2525 }, false},
		"another secret": {func(e *fleet.EmailWay) { e.Secret = "shop.key" }, false},
		"who is told":    {func(e *fleet.EmailWay) { e.To = []string{"d@b.c"} }, true},
		"no secret":      {func(e *fleet.EmailWay) { e.Secret, e.Username = "", "" }, true},
	} {
		is, way := was, *was.Email
		is.Email = &way
		c.change(is.Email)
		err := w.store.View(t.Context(), w.admin.Scope(), func(r store.Reader) error { return checkChannel(r, developer, &was, &is) })
		if c.may != (err == nil) || !c.may && !errors.Is(err, fleet.ErrForbidden) {
			t.Errorf("%s of a channel is changed: %v", name, err)
		}
		w.must(w.store.View(t.Context(), w.admin.Scope(), func(r store.Reader) error { return checkChannel(r, admin, &was, &is) }))
	}
}

// The limits of a secret hold for triggers and channels too, when it is named and when
// it is used, and each use is in the audit with what used it.
func TestSecretIsLentWithinItsLimits(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	v, _, err := a.Workflows.Put(t.Context(), a.admin, "nothing", []byte(document))
	a.must(err)
	other, _, err := a.Workflows.Put(t.Context(), a.admin, "other", named("other"))
	a.must(err)
	a.secret(SecretChange{Name: "mail", Fields: map[string]string{"password": "hunter2-hunter2"}})
	a.secret(SecretChange{Name: "bound", Fields: map[string]string{"password": "hunter3-hunter3"}, Workflows: &[]fleet.ID{v.WorkflowID}})
	mail := func(name, secret string) (fleet.AlertChannel, error) {
		c, _, err := a.Alerts.CreateChannel(t.Context(), a.admin, ChannelChange{Name: &name, Default: new(true), Email: &fleet.EmailWay{
			Host: "mail.example.org", Username: "fleet", Secret: secret, From: "fleet@example.org", To: []string{"ada@example.org"},
		}})
		return c, err
	}
	_, err = mail("bad", "bound")
	a.is(err, fleet.CodeInvalid, "secret_not_allowed")
	on, err := mail("oncall", "mail")
	a.must(err)

	box := &post{validity: 7}
	a.Triggers.Mail = box
	trigger := func(workflow fleet.ID, name string) (fleet.Trigger, error) {
		return a.Triggers.Create(t.Context(), a.admin, TriggerChange{Name: &name, WorkflowID: &workflow, Email: &fleet.EmailRule{Host: "imap.example.org", Username: "ada", Secret: "bound"}})
	}
	_, err = trigger(other.WorkflowID, "bad")
	a.is(err, fleet.CodeInvalid, "secret_not_allowed")
	tr, err := trigger(v.WorkflowID, "orders")
	a.must(err)

	fault, err := a.Alerts.TestChannel(t.Context(), a.admin, string(on.ID))
	a.must(err)
	if fault != "" || len(a.out.calls) != 1 || a.out.calls[0].secret != "hunter2-hunter2" {
		t.Fatalf("%q %+v", fault, a.out.calls)
	}
	read := func() error { _, err := a.Triggers.Read(t.Context(), a.scope.In("default"), tr.ID); return err }
	for range 3 { // it is told of once in an hour
		a.must(read())
	}
	a.now = a.now.Add(tellAgain)
	a.must(read())
	got := a.uses()
	if len(got) != 3 || !strings.HasPrefix(got[0], a.admin.Name+" mail done ") || !strings.Contains(got[0], "fleet at mail.example.org:465 (tls)") || !strings.Contains(got[0], string(on.ID)) ||
		!strings.HasPrefix(got[1], "trigger orders bound done ") || !strings.Contains(got[1], "ada at imap.example.org:993 (tls)") || !strings.HasPrefix(got[2], "trigger orders bound done ") {
		t.Errorf("%q", got)
	}

	// Limits that are set later hold at once.
	a.secret(SecretChange{Name: "mail", Environments: &[]string{"prod"}})
	a.secret(SecretChange{Name: "bound", Workflows: &[]fleet.ID{other.WorkflowID}})
	fault, err = a.Alerts.TestChannel(t.Context(), a.admin, string(on.ID))
	a.must(err)
	if !strings.Contains(fault, "is for some workflows or environments only") || len(a.out.calls) != 1 {
		t.Errorf("%q, %d calls", fault, len(a.out.calls))
	}
	box.password = ""
	if err := read(); err == nil || box.password != "" {
		t.Errorf("the mailbox was read with %q: %v", box.password, err)
	}
	if _, err := a.Alerts.UpdateChannel(t.Context(), a.admin, string(on.ID), 0, ChannelChange{Enabled: new(false)}); err != nil {
		t.Errorf("a channel whose secret is not for it cannot be disabled: %v", err)
	}
	_, err = a.Alerts.UpdateChannel(t.Context(), a.admin, string(on.ID), 0, ChannelChange{Enabled: new(true)})
	a.is(err, fleet.CodeInvalid, "secret_not_allowed")
	if got := a.uses()[3:]; len(got) != 2 || !strings.Contains(got[0], " mail denied ") || !strings.HasPrefix(got[1], "trigger orders bound denied ") {
		t.Errorf("%q", got)
	}
	// Without a row in the audit nobody gets it.
	if text := strings.Join(a.uses(), "\n"); strings.Contains(text, "hunter") {
		t.Errorf("the audit tells it: %s", text)
	}
}

// What a mail server repeats is masked alike for channels and triggers.
func TestMailboxFaultHidesThePassword(t *testing.T) {
	w, workflow := newTriggers(t)
	sent := base64.StdEncoding.EncodeToString([]byte("\x00ada\x00" + shopSecret))
	box := &post{validity: 7, fail: errors.New("BAD AUTHENTICATE PLAIN=" + sent + " is unknown")}
	w.Triggers.Mail = box
	tr := w.trigger(workflow, TriggerChange{Email: &fleet.EmailRule{Host: "imap.example.org", Username: "ada", Secret: "shop.key"}})
	_, err := w.Triggers.Read(t.Context(), store.System("test").In("default"), tr.ID)
	got, readErr := w.Triggers.Get(t.Context(), w.admin, string(tr.ID))
	w.must(readErr)
	tried, readErr := w.Triggers.Try(t.Context(), w.admin, string(tr.ID), nil)
	w.must(readErr)
	for _, text := range []string{got.Fault, tried.Reason, fmt.Sprint(err)} {
		if strings.Contains(text, sent) || strings.Contains(text, shopSecret) || !strings.Contains(text, "is unknown") {
			t.Errorf("it tells %q", text)
		}
	}
}
