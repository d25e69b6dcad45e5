package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// doors are people and keys of one store, and browsers that sign in with keys.
type doors struct {
	*persons
	keys *Keys
}

func newDoors(t *testing.T) *doors {
	f := newPeople(t)
	keys := NewKeys(f.store, fleet.NewIDs(f.clock, rand.Reader), rand.Reader, f.clock)
	keys.With(Pepper{}, f.People, keys.log)
	f.People.With(keys)
	f.r = NewResolver(keys, f.People)
	return &doors{f, keys}
}

func (f *doors) key(p Principal, in KeyRequest) (fleet.Key, string) {
	f.t.Helper()
	if in.Kind == "" {
		in.Kind, in.Name = fleet.KeyService, "ci"
	}
	key, secret, err := f.keys.Create(f.t.Context(), p, in)
	if err != nil {
		f.t.Fatal(err)
	}
	return key, secret.Reveal()
}

func (f *doors) show(key, from string) (Session, Principal, error) {
	return f.LoginWithKey(f.t.Context(), KeyLogin{Key: NewSecret(key), Agent: "browser", Origin: Origin{Address: from}})
}

func (f *doors) enter(key string) Session {
	f.t.Helper()
	s, _, err := f.show(key, "10.0.0.1")
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// from resolves a cookie that comes from an address.
func (f *doors) from(s Session, address string) (Principal, error) {
	return f.r.Resolve(f.t.Context(), Presented{Cookie: s.Cookie.Reveal(), Address: netip.MustParseAddr(address)})
}

func (f *doors) shut(why string, s Session, address string) {
	f.t.Helper()
	if p, err := f.from(s, address); !errors.Is(err, fleet.ErrUnauthenticated) || p.Tenant != "" {
		f.t.Errorf("%s: %+v, %v", why, p, err)
	}
}

func TestSignInWithKey(t *testing.T) {
	f := newDoors(t)
	key, text := f.key(Local(), KeyRequest{
		Role: fleet.RoleOperator, Scopes: []fleet.Permission{fleet.JobsRead, fleet.JobsRun}, Environments: []string{"lab"}, Ranges: []string{"10.0.0.0/8"},
	})
	s, who, err := f.show(text, "10.0.0.1")
	if err != nil || who.KeyID != key.ID || s.Known.Reveal() != "" || s.Access.Reveal() != "" {
		t.Fatalf("%+v, %v", who, err)
	}
	p, err := f.from(s, "10.9.9.9")
	if err != nil || p.KeyID != key.ID || p.UserID != "" || p.SignInID != s.SignIn.ID || !slices.Equal(p.Permissions(), []fleet.Permission{fleet.JobsRead, fleet.JobsRun}) ||
		!slices.Equal(p.Environments, []string{"lab"}) {
		t.Errorf("%+v, %v", p, err)
	}
	f.shut("from outside of the key's range", s, "192.0.2.1")
	for way, in := range map[string]Presented{
		"as a bearer": {Bearer: s.Cookie.Reveal()}, "as a key": {APIKey: s.Cookie.Reveal()}, "in the address": {Query: s.Cookie.Reveal()},
		"as a ticket": {Ticket: s.Cookie.Reveal()}, "the key itself as a cookie": {Cookie: text},
	} {
		in.Address = netip.MustParseAddr("10.0.0.1")
		if _, err := f.r.Resolve(t.Context(), in); !errors.Is(err, fleet.ErrUnauthenticated) {
			t.Errorf("%s: %v", way, err)
		}
	}
	for why, err := range map[string]error{
		"sign-ins": func() error { _, err := f.SignIns(t.Context(), p); return err }(),
		"password": f.ChangePassword(t.Context(), p, NewSecret(right), NewSecret(right)),
		"ticket":   func() error { _, _, err := f.Ticket(t.Context(), p); return err }(),
	} {
		if reason(err) != "not_signed_in" {
			t.Errorf("%s of a key: %v", why, err)
		}
	}
	if err := f.keys.FlushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := f.keys.Get(t.Context(), Local(), key.ID); err != nil || got.Uses != 2 || got.LastUsedIP != "10.9.9.9" {
		t.Errorf("uses: %+v, %v", got, err)
	}
	if err := f.Logout(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	f.shut("signed out", s, "10.0.0.1")
}

func TestKeySignInsEnd(t *testing.T) {
	f := newDoors(t)
	ada := f.add("ada", fleet.RoleAdmin)
	as := Local()
	as.UserID = ada.ID
	short, shortText := f.key(Local(), KeyRequest{Role: fleet.RoleViewer, Life: time.Hour})
	long, longText := f.key(as, KeyRequest{Role: fleet.RoleViewer})
	ends, stays, idle := f.enter(shortText), f.enter(longText), f.enter(longText)
	if !ends.SignIn.EndsAt.Equal(short.ExpiresAt) || ends.SignIn.EndsAt.After(stays.SignIn.EndsAt) {
		t.Errorf("ends %s, %s", ends.SignIn.EndsAt, stays.SignIn.EndsAt)
	}
	f.later(time.Hour)
	f.shut("the key has expired", ends, "10.0.0.1")
	for range 8 { // what is used lives on
		f.later(2 * time.Hour)
		if _, err := f.from(stays, "10.0.0.1"); err != nil {
			t.Fatal(err)
		}
	}
	f.shut("nothing came for long", idle, "10.0.0.1")
	viewer, disabled := fleet.RoleViewer, true
	if _, err := f.Change(t.Context(), Local(), ada.ID, UserChange{Role: &viewer}); err != nil && reason(err) != "last_admin" {
		t.Fatal(err)
	}
	boss := f.add("boss", fleet.RoleAdmin)
	if _, err := f.Change(t.Context(), Local(), ada.ID, UserChange{Disabled: &disabled}); err != nil {
		t.Fatal(boss, err)
	}
	f.shut("who answers for the key is disabled", stays, "10.0.0.1")
	disabled = false
	if _, err := f.Change(t.Context(), Local(), ada.ID, UserChange{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.from(stays, "10.0.0.1"); err != nil {
		t.Error(err)
	}
	if err := f.keys.Revoke(t.Context(), Local(), long.ID, ""); err != nil {
		t.Fatal(err)
	}
	f.shut("the key is revoked", stays, "10.0.0.1")
	if _, _, err := f.show(longText, "10.0.0.1"); reason(err) != "credential_invalid" {
		t.Errorf("a revoked key: %v", err)
	}
	f.later(cheap().BrowserLife)
	f.shut("whatever was done", stays, "10.0.0.1")
}

func TestKeysThatLetNobodyIn(t *testing.T) {
	f := newDoors(t)
	_, robot := f.key(Local(), KeyRequest{Kind: fleet.KeyRobot, RobotID: "r1"})
	near, nearText := f.key(Local(), KeyRequest{Role: fleet.RoleViewer, Ranges: []string{"10.0.0.0/8"}})
	other, err := newServiceKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ why, text, from, reason, says string }{
		{"a robot's", robot, "10.0.0.1", "invalid_field", "robots do not sign in"},
		{"mistyped", nearText[:len(nearText)-1] + "_", "10.0.0.1", "credential_invalid", ""},
		{"unknown", other.Reveal(), "10.0.0.1", "credential_invalid", ""},
		{"from elsewhere", nearText, "192.0.2.1", "credential_invalid", ""},
		{"from nowhere", nearText, "", "credential_invalid", ""},
		{"a password", right, "10.0.0.1", "credential_invalid", ""},
	} {
		s, p, err := f.show(c.text, c.from)
		if reason(err) != c.reason || !strings.Contains(fmt.Sprint(err), c.says) || s.Cookie.Reveal() != "" || p.Tenant != "" {
			t.Errorf("%s: %v", c.why, err)
		}
	}
	f.later(fleet.GuardWindow)
	for range fleet.GuardFailures {
		if _, _, err := f.show(nearText, "192.0.2.1"); reason(err) != "credential_invalid" {
			t.Fatal(err)
		}
	}
	if _, _, err := f.show(nearText, "10.0.0.1"); reason(err) != "sign_in_locked" || fleet.AsError(err).RetryAfter <= 0 {
		t.Errorf("after %d failures: %v", fleet.GuardFailures, err)
	}
	_, mine := f.key(Local(), KeyRequest{Role: fleet.RoleViewer})
	f.enter(mine) // another key is not locked
	f.later(fleet.GuardLock)
	f.enter(nearText)
	var rows []fleet.AuditEntry
	err = f.store.View(t.Context(), store.Tenant("default"), func(r store.Reader) (err error) {
		rows, err = r.AuditRows(store.AuditFilter{Action: "key.sign_in"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, e := range rows {
		count[fmt.Sprint(e.Outcome, " ", e.Object.Name, " ", e.Object.ID == string(near.ID))]++
	}
	if want := map[string]int{"denied unknown false": 1, "denied ci true": 2 + fleet.GuardFailures, "done ci false": 1, "done ci true": 1}; fmt.Sprint(count) != fmt.Sprint(want) {
		t.Errorf("audit: %v, want %v", count, want)
	}
	guards, err := f.store.QueryText(t.Context(), "select * from sign_in_guards")
	if text := fmt.Sprint(guards, rows); err != nil || len(guards) == 0 || strings.Contains(text, nearText[4:12]) || strings.Contains(text, right) {
		t.Errorf("something of a key is kept: %v, %v", text, err)
	}
}
