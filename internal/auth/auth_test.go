package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/store"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

type fixture struct {
	*Keys
	t     *testing.T
	store dbtest.Store
	now   time.Time
}

func newKeys(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return f.now }
	ids := fleet.NewIDs(clock, rand.Reader)
	db := dbtest.Open(t, dbtest.Options{Now: clock, IDs: ids})
	f.store, f.Keys = db, NewKeys(db, ids, rand.Reader, clock)
	return f
}

// Authenticate asks as a request with these two headers does.
func (f *fixture) Authenticate(ctx context.Context, bearer, apiKey string) (Principal, error) {
	return NewResolver(f.Keys).Resolve(ctx, Presented{Bearer: bearer, APIKey: apiKey})
}

func (f *fixture) service(p Principal, role fleet.Role, life time.Duration) (fleet.Key, Secret) {
	f.t.Helper()
	key, secret, err := f.NewServiceKey(f.t.Context(), p, "deploy", role, life)
	if err != nil {
		f.t.Fatal(err)
	}
	return key, secret
}

func (f *fixture) refused(why, bearer, apiKey string) {
	f.t.Helper()
	p, err := f.Authenticate(f.t.Context(), bearer, apiKey)
	if !errors.Is(err, fleet.ErrUnauthenticated) || p.Tenant != "" || len(p.Permissions()) > 0 {
		f.t.Errorf("%s: got %+v, %v", why, p, err)
	}
}

func TestForms(t *testing.T) {
	f := newKeys(t)
	robot, robotSecret, err := f.NewRobotKey(t.Context(), Local(), "bot-1", "prod", 0)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^crpa_[0-9a-f]{32}_[A-Za-z0-9_-]{32}$`).MatchString(robotSecret.Reveal()) {
		t.Errorf("a robot key of the form %s", robotSecret.Reveal())
	}
	p, err := f.Authenticate(t.Context(), robotSecret.Reveal(), "")
	if err != nil || p.Tenant != "default" || p.RobotID != "bot-1" || p.Environment != "prod" || p.KeyID != robot.ID {
		t.Errorf("%+v, %v", p, err)
	}
	if !p.May(fleet.RobotsConnect) || len(p.Permissions()) != 2 {
		t.Errorf("a robot may %v", p.Permissions())
	}
	_, secret := f.service(Local(), fleet.RoleViewer, 0)
	if !regexp.MustCompile(`^cfu_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$`).MatchString(secret.Reveal()) {
		t.Errorf("a service key of the form %s", secret.Reveal())
	}
	for _, header := range [][2]string{{secret.Reveal(), ""}, {"", secret.Reveal()}, {secret.Reveal(), secret.Reveal()}} {
		if p, err := f.Authenticate(t.Context(), header[0], header[1]); err != nil || p.Name != "key deploy" || p.May(fleet.JobsRun) {
			t.Errorf("%+v, %v", p, err)
		}
	}
	f.refused("two different keys", secret.Reveal(), robotSecret.Reveal())
	f.refused("nothing", "", "")
	f.refused("a word", "hello", "")
	f.refused("too long", "crpa_"+strings.Repeat("a", 300), "")
	f.refused("unknown", "crpa_"+strings.Repeat("a", 60), "")
}

// Any one mistyped character of a service key is found without a look-up.
func TestChecksum(t *testing.T) {
	f := newKeys(t)
	_, secret := f.service(Local(), fleet.RoleViewer, 0)
	good := secret.Reveal()
	for i := range good {
		for _, c := range []byte{'0', 'z', 'A'} {
			bad := []byte(good)
			if bad[i] == c {
				continue
			}
			bad[i] = c
			if wellFormed(string(bad)) {
				t.Errorf("%q at %d passes", c, i)
			}
		}
	}
	f.refused("a typing error", good[:20]+"?"+good[21:], "")
}

func TestOnlyTheHashIsStored(t *testing.T) {
	f := newKeys(t)
	key, secret := f.service(Local(), fleet.RoleAdmin, 0)
	if key.Hash != secret.Hash() || key.Hint != secret.Reveal()[len(secret.Reveal())-4:] {
		t.Errorf("%+v", key)
	}
	for _, table := range []string{"keys", "events"} {
		rows, err := f.store.QueryText(t.Context(), "select * from "+table)
		if err != nil || len(rows) == 0 {
			t.Fatalf("%s: %d rows, %v", table, len(rows), err)
		}
		if text := fmt.Sprint(rows); strings.Contains(text, secret.Reveal()) || strings.Contains(text, secret.Reveal()[4:30]) {
			t.Errorf("the secret is in %s", table)
		}
	}
	list, err := f.List(t.Context(), Local())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	shown, err := json.Marshal(list)
	if err != nil || strings.Contains(string(shown), secret.Hash()) {
		t.Errorf("the list shows %s", shown)
	}
}

func TestRevokeAndExpiry(t *testing.T) {
	f := newKeys(t)
	key, secret := f.service(Local(), fleet.RoleViewer, time.Hour)
	usable := func() bool {
		live, err := f.Live(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, is := live[key.ID]
		return is
	}
	if _, err := f.Authenticate(t.Context(), secret.Reveal(), ""); err != nil || !usable() {
		t.Fatal(err)
	}
	f.now = f.now.Add(time.Hour - time.Millisecond)
	if _, err := f.Authenticate(t.Context(), secret.Reveal(), ""); err != nil {
		t.Error(err)
	}
	f.now = f.now.Add(time.Millisecond)
	f.refused("expired", secret.Reveal(), "")
	if usable() {
		t.Error("an expired key may still be used by connections")
	}
	key, secret = f.service(Local(), fleet.RoleViewer, 0)
	if _, err := f.Authenticate(t.Context(), secret.Reveal(), ""); err != nil { // now it is remembered
		t.Fatal(err)
	}
	if err := f.Revoke(t.Context(), Local(), key.ID, ""); err != nil {
		t.Fatal(err)
	}
	f.refused("revoked", secret.Reveal(), "")
	if usable() {
		t.Error("a revoked key may still be used by connections")
	}
	if err := f.Revoke(t.Context(), Local(), "01939c3e-7b1a-7c3d-8e4f-0123456789ab", ""); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("revoking nothing: %v", err)
	}
	if _, _, err := f.NewServiceKey(t.Context(), Local(), "x", fleet.RoleViewer, -time.Hour); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("a key that ended before it began: %v", err)
	}
	if _, _, err := f.NewRobotKey(t.Context(), Local(), "x", "", -time.Hour); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("a robot key that ended before it began: %v", err)
	}
}

// A revocation elsewhere is noticed when what is remembered grows old.
func TestRevokedElsewhere(t *testing.T) {
	f := newKeys(t)
	key, secret := f.service(Local(), fleet.RoleViewer, 0)
	if _, err := f.Authenticate(t.Context(), secret.Reveal(), ""); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Update(t.Context(), Local().Scope(), func(tx store.Tx) error { return tx.RevokeKey(key.ID, f.now) }); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(cacheFor)
	f.refused("revoked by another orchestrator", secret.Reveal(), "")
}

func TestWhoMayMakeKeys(t *testing.T) {
	f := newKeys(t)
	for _, role := range []fleet.Role{fleet.RoleViewer, fleet.RoleOperator, fleet.RoleDeveloper, fleet.RoleRobot} {
		p := newPrincipal("somebody", "default", role)
		_, _, err := f.NewServiceKey(t.Context(), p, "x", fleet.RoleViewer, 0)
		_, _, robotErr := f.NewRobotKey(t.Context(), p, "x", "", 0)
		_, listErr := f.List(t.Context(), p)
		for _, err := range []error{err, robotErr, listErr, f.Revoke(t.Context(), p, "x", "")} {
			if !errors.Is(err, fleet.ErrForbidden) {
				t.Errorf("%s: %v", role, err)
			}
		}
	}
	for _, role := range []fleet.Role{"", "root", fleet.RoleRobot} {
		if _, _, err := f.NewServiceKey(t.Context(), Local(), "x", role, 0); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("role %q: %v", role, err)
		}
	}
	// Nobody gives away what he lacks.
	half := newPrincipal("half", "default", fleet.RoleViewer)
	half.permissions = append(half.permissions, fleet.KeysManage)
	if _, _, err := f.NewServiceKey(t.Context(), half, "x", fleet.RoleAdmin, 0); !errors.Is(err, fleet.ErrForbidden) {
		t.Errorf("a viewer made an admin: %v", err)
	}
	if _, err := f.List(t.Context(), Principal{}); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("nobody: %v", err)
	}
	// Another tenant neither sees nor revokes.
	key, _ := f.service(Local(), fleet.RoleViewer, 0)
	other := newPrincipal("other", "other", fleet.RoleAdmin)
	if list, err := f.List(t.Context(), other); err != nil || len(list) != 0 {
		t.Errorf("another tenant sees %v, %v", list, err)
	}
	if err := f.Revoke(t.Context(), other, key.ID, ""); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("another tenant revokes: %v", err)
	}
}

func TestFirstAdmin(t *testing.T) {
	f := newKeys(t)
	first, err := f.EnsureAdmin(t.Context())
	if err != nil || first.Reveal() == "" {
		t.Fatal(err)
	}
	p, err := f.Authenticate(t.Context(), first.Reveal(), "")
	if err != nil || !p.May(fleet.KeysManage) {
		t.Errorf("%+v, %v", p, err)
	}
	if again, err := f.EnsureAdmin(t.Context()); err != nil || again.Reveal() != "" {
		t.Errorf("the second start gives a key too: %v", err)
	}
}

// However a secret is printed, it is not shown; not even inside a struct that
// hides it from fmt's methods.
func TestSecretsAreNotPrinted(t *testing.T) {
	const text = "crpa_0123456789abcdef_do-not-show-this-to-anybody"
	s := NewSecret(text)
	type inside struct {
		Open   Secret
		closed Secret
		ptr    *Secret
		list   []Secret
	}
	in := inside{s, s, &s, []Secret{s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%e", "%p", "%T", "%o", "%c", "%U", "%b"} {
		for _, v := range []any{s, &s, in, &in, []Secret{s}, map[string]Secret{"k": s}, map[Secret]int{s: 1}, fmt.Errorf("with %w and %v", errors.New("x"), s)} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).InfoContext(context.Background(), "x", "secret", s, "pointer", &s, "in", in, slog.Group("g", "s", s), "list", []Secret{s})
	}
	enc, err := json.Marshal(map[string]any{"a": s, "b": &s, "c": in})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(enc)
	hex := fmt.Sprintf("%x", text[:16])
	for _, bad := range []string{text, text[:16], "do-not-show", hex, strings.ToUpper(hex)} {
		if i := strings.Index(out.String(), bad); i >= 0 {
			t.Errorf("%q is shown: %s", bad, out.String()[max(0, i-60):min(out.Len(), i+80)])
		}
	}
	if s.Reveal() != text || (Secret{}).Reveal() != "" || s.Hint() != "body" || NewSecret("short").Hint() != "" {
		t.Error("Reveal or Hint is wrong")
	}
}

func TestRequire(t *testing.T) {
	if err := (Principal{}).Require(fleet.JobsRead); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Error(err)
	}
	if err := (Principal{}).Scope().Valid(); err == nil {
		t.Error("nobody has a scope")
	}
	p := newPrincipal("x", "t", fleet.RoleViewer)
	err := p.Require(fleet.JobsRun)
	if !errors.Is(err, fleet.ErrForbidden) || !strings.Contains(err.Error(), string(fleet.JobsRun)) {
		t.Error(err)
	}
	got := p.Permissions()
	got[0] = fleet.KeysManage
	if p.May(fleet.KeysManage) {
		t.Error("the list of permissions can be changed from outside")
	}
	if From(With(t.Context(), p)).Name != "x" || From(t.Context()).Tenant != "" {
		t.Error("the context loses the principal")
	}
}
