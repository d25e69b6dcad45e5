package auth

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func (f *fixture) make(in KeyRequest) (fleet.Key, string) {
	f.t.Helper()
	if in.Kind == "" {
		in.Kind, in.Name, in.Role = fleet.KeyService, "ci", fleet.RoleOperator
	}
	key, secret, err := f.Create(f.t.Context(), Local(), in)
	if err != nil {
		f.t.Fatal(err)
	}
	return key, secret.Reveal()
}

// ask authenticates from an address.
func (f *fixture) ask(text, from string) (Principal, error) {
	in := Presented{Bearer: text}
	if from != "" {
		in.Address = netip.MustParseAddr(from)
	}
	return NewResolver(f.Keys).Resolve(f.t.Context(), in)
}

// events lists the kinds of a tenant's events about keys.
func (f *fixture) events(kinds ...fleet.EventKind) (out []fleet.Event) {
	f.t.Helper()
	err := f.store.View(f.t.Context(), Local().Scope(), func(r store.Reader) (err error) {
		out, err = r.Events(store.EventFilter{Kinds: kinds, Limit: 100})
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

func TestScopesAreASubset(t *testing.T) {
	f := newKeys(t)
	_, text := f.make(KeyRequest{Kind: fleet.KeyService, Name: "ci", Role: fleet.RoleAdmin, Scopes: []fleet.Permission{fleet.JobsRun, fleet.JobsRead, fleet.JobsRun}})
	p, err := f.ask(text, "")
	if err != nil || !slices.Equal(p.Permissions(), []fleet.Permission{fleet.JobsRead, fleet.JobsRun}) {
		t.Errorf("%v, %v", p.Permissions(), err)
	}
	for _, c := range []struct {
		in   KeyRequest
		want error
		says string
	}{
		{KeyRequest{Role: fleet.RoleViewer, Scopes: []fleet.Permission{fleet.JobsRun}}, fleet.ErrInvalid, "viewer lacks"},
		{KeyRequest{Role: fleet.RoleViewer, Scopes: []fleet.Permission{"nonsense"}}, fleet.ErrInvalid, "nonsense"},
		{KeyRequest{Role: fleet.RoleAdmin, Environments: []string{"prod"}, Scopes: []fleet.Permission{fleet.EventsRead}}, fleet.ErrInvalid, "whole tenant"},
		{KeyRequest{Role: fleet.RoleAdmin, Environments: []string{"two\nlines"}}, fleet.ErrInvalid, "environment"},
		{KeyRequest{Role: fleet.RoleAdmin, Ranges: []string{"10.0.0.0/99"}}, fleet.ErrInvalid, "10.0.0.0/99"},
		{KeyRequest{Role: fleet.RoleAdmin, Ranges: []string{"::ffff:10.0.0.0/104"}}, fleet.ErrInvalid, "address_ranges"},
		{KeyRequest{Role: fleet.RoleAdmin, RobotID: "r"}, fleet.ErrInvalid, "robot_id"},
		{KeyRequest{Role: fleet.RoleAdmin, Never: true, Life: time.Hour}, fleet.ErrInvalid, "twice"},
		{KeyRequest{Role: fleet.RoleAdmin, ExpiresAt: f.now}, fleet.ErrInvalid, "before it begins"},
		{KeyRequest{Role: fleet.RoleAdmin, Life: 11 * 365 * 24 * time.Hour}, fleet.ErrInvalid, "10 years"},
		{KeyRequest{Role: fleet.RoleAdmin, Description: "a\x00b"}, fleet.ErrInvalid, "control"},
	} {
		c.in.Kind, c.in.Name = fleet.KeyService, "x"
		if _, _, err := f.Create(t.Context(), Local(), c.in); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.in, err)
		}
	}
	// A maker with few rights may give a part of a large role away.
	half := newPrincipal("half", "default", fleet.RoleViewer)
	half.permissions = append(half.permissions, fleet.KeysManage)
	in := KeyRequest{Kind: fleet.KeyService, Name: "x", Role: fleet.RoleAdmin, Scopes: []fleet.Permission{fleet.JobsRead}}
	if _, _, err := f.Create(t.Context(), half, in); err != nil {
		t.Error(err)
	}
	// And may not get the secret of a key that may do more, by rotating it.
	boss, _ := f.service(Local(), fleet.RoleAdmin, 0)
	if _, _, err := f.Rotate(t.Context(), half, boss.ID, 0); !errors.Is(err, fleet.ErrForbidden) {
		t.Errorf("an admin's key was rotated by a viewer: %v", err)
	}
}

func TestAddressRanges(t *testing.T) {
	f := newKeys(t)
	_, text := f.make(KeyRequest{Kind: fleet.KeyService, Name: "ci", Role: fleet.RoleViewer, Ranges: []string{"10.1.0.0/16", "192.0.2.7", "fd00::/8"}})
	for from, in := range map[string]bool{
		"10.1.2.3": true, "10.2.0.1": false, "192.0.2.7": true, "192.0.2.8": false, "fd00::1": true, "fe80::1": false,
		"::ffff:10.1.2.3": true, "": false,
	} {
		if _, err := f.ask(text, from); (err == nil) != in || (!in && !errors.Is(err, fleet.ErrUnauthenticated)) {
			t.Errorf("from %q: %v", from, err)
		}
	}
}

func TestDefaultLives(t *testing.T) {
	f := newKeys(t)
	robot, _ := f.make(KeyRequest{Kind: fleet.KeyRobot, RobotID: "r1"})
	program, _ := f.make(KeyRequest{})
	never, _ := f.make(KeyRequest{Kind: fleet.KeyService, Name: "n", Role: fleet.RoleViewer, Never: true})
	at, _ := f.make(KeyRequest{Kind: fleet.KeyRobot, RobotID: "r1", ExpiresAt: f.now.Add(time.Minute)})
	if robot.Life() != 0 || program.Life() != 90*24*time.Hour || never.Life() != 0 || at.Life() != time.Minute {
		t.Errorf("lives %s, %s, %s, %s", robot.Life(), program.Life(), never.Life(), at.Life())
	}
	if robot.Status != fleet.KeyActive || at.Status != fleet.KeyExpiring {
		t.Errorf("%s, %s", robot.Status, at.Status)
	}
}

func TestRotation(t *testing.T) {
	f := newKeys(t)
	old, oldText := f.make(KeyRequest{
		Kind: fleet.KeyService, Name: "ci", Description: "of the build", Role: fleet.RoleOperator, Scopes: []fleet.Permission{fleet.JobsRun},
		Environments: []string{"prod"}, Life: 30 * 24 * time.Hour,
	})
	f.now = f.now.Add(10 * 24 * time.Hour)
	key, secret, err := f.Rotate(t.Context(), Local(), old.ID, fleet.KeyOverlap)
	if err != nil {
		t.Fatal(err)
	}
	if key.Life() != old.Life() || key.Name != "ci" || key.Description != "of the build" || !slices.Equal(key.Scopes, old.Scopes) ||
		!slices.Equal(key.Environments, old.Environments) || key.Role != old.Role {
		t.Errorf("the new key differs: %+v", key)
	}
	got, err := f.Get(t.Context(), Local(), old.ID)
	if err != nil || got.Status != fleet.KeyExpiring || got.ReplacedBy != key.ID || !got.ExpiresAt.Equal(f.now.Add(fleet.KeyOverlap)) {
		t.Errorf("the old one: %+v, %v", got, err)
	}
	for _, text := range []string{oldText, secret.Reveal()} { // both count during the overlap
		if _, err := f.ask(text, "10.0.0.1"); err != nil {
			t.Error(err)
		}
	}
	for range 2 { // its use is reported once
		if err := f.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.now = f.now.Add(time.Hour)
		if _, err := f.ask(oldText, "10.0.0.1"); err != nil {
			t.Error(err)
		}
	}
	if got := f.events(fleet.EventKeyUsedLate); len(got) != 1 || got[0].Subject.ID != string(old.ID) {
		t.Errorf("uses after the rotation: %+v", got)
	}
	if _, _, err := f.Rotate(t.Context(), Local(), old.ID, 0); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("rotated twice: %v", err)
	}
	f.now = f.now.Add(fleet.KeyOverlap)
	if _, err := f.ask(oldText, ""); err == nil {
		t.Error("the old key counts after the overlap")
	}
	if _, err := f.ask(secret.Reveal(), ""); err != nil {
		t.Error(err)
	}
	for _, bad := range []time.Duration{-1, fleet.KeyOverlapMax + time.Second} {
		if _, _, err := f.Rotate(t.Context(), Local(), key.ID, bad); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("overlap %s: %v", bad, err)
		}
	}
	if _, _, err := f.Rotate(t.Context(), Local(), key.ID, 0); err != nil { // 0 ends the old one at once
		t.Fatal(err)
	}
	if _, err := f.ask(secret.Reveal(), ""); err == nil {
		t.Error("a key counts that was rotated without overlap")
	}
}

// Uses cost no write each: the last one is written in batches and rarely.
func TestLastUse(t *testing.T) {
	f := newKeys(t)
	key, text := f.make(KeyRequest{})
	read := func() fleet.Key {
		got, err := f.Get(t.Context(), Local(), key.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	use := func(from string) {
		if _, err := f.ask(text, from); err != nil {
			t.Fatal(err)
		}
		if err := f.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := f.now
	use("10.0.0.1")
	if got := read(); !got.FirstUsedAt.Equal(first) || !got.LastUsedAt.Equal(first) || got.LastUsedIP != "10.0.0.1" {
		t.Errorf("%+v", got)
	}
	f.now = f.now.Add(useAgain / 2)
	use("10.0.0.2")
	if got := read(); got.LastUsedIP != "10.0.0.1" {
		t.Errorf("it was written again after %s", useAgain/2)
	}
	f.now = f.now.Add(useAgain)
	use("10.0.0.3")
	if got := read(); !got.FirstUsedAt.Equal(first) || !got.LastUsedAt.Equal(f.now) || got.LastUsedIP != "10.0.0.3" {
		t.Errorf("%+v", got)
	}
}

// Each use counts, and costs no write of its own.
func TestUsesAreCounted(t *testing.T) {
	f := newKeys(t)
	key, text := f.make(KeyRequest{})
	read := func() int64 {
		list, err := f.List(t.Context(), Local())
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Get(t.Context(), Local(), key.ID)
		if err != nil || len(list) != 1 || list[0].Uses != got.Uses {
			t.Fatalf("%+v, %+v, %v", list, got, err)
		}
		return got.Uses
	}
	use := func(times int) {
		for range times {
			if _, err := f.ask(text, "10.0.0.1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when string, n int64) {
		t.Helper()
		if got := read(); got != n {
			t.Errorf("%s: %d uses, want %d", when, got, n)
		}
	}
	use(3)
	want("the first are written at once", 3)
	use(5)
	want("those soon after wait", 3)
	f.now = f.now.Add(useAgain)
	use(0)
	want("though nothing more comes, they are written", 8)
	use(2)
	if err := f.FlushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("at the end all is written", 10)
	f.now = f.now.Add(6 * 24 * time.Hour)
	use(1)
	want("on the seventh day", 11)
	f.now = f.now.Add(24 * time.Hour)
	want("on the eighth", 1)
	if err := f.Sweep(t.Context(), f.now); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(-24 * time.Hour)
	want("what is too old is forgotten", 1)
}

func TestEndsAreTold(t *testing.T) {
	f := newKeys(t)
	key, _ := f.make(KeyRequest{Kind: fleet.KeyService, Name: "ci", Role: fleet.RoleViewer, Life: 10 * 24 * time.Hour})
	f.make(KeyRequest{Kind: fleet.KeyRobot, RobotID: "r1"})
	tell := func(want int) {
		t.Helper()
		if n, err := f.Tell(t.Context(), f.now); err != nil || n != want {
			t.Errorf("told %d, %v; want %d", n, err, want)
		}
	}
	tell(0)
	f.now = f.now.Add(3*24*time.Hour + time.Second)
	tell(1)
	tell(0)
	f.now = f.now.Add(7 * 24 * time.Hour)
	tell(1)
	tell(0)
	got := f.events(fleet.EventKeyExpiring, fleet.EventKeyExpired)
	if len(got) != 2 || got[0].Kind != fleet.EventKeyExpiring || got[1].Kind != fleet.EventKeyExpired || got[1].Subject.ID != string(key.ID) {
		t.Errorf("%+v", got)
	}
}

func TestEdit(t *testing.T) {
	f := newKeys(t)
	key, text := f.make(KeyRequest{})
	name, about := "deploy", "of the release\njob"
	if got, err := f.Edit(t.Context(), Local(), key.ID, KeyChange{&name, &about}); err != nil || got.Name != name || got.Description != about {
		t.Errorf("%+v, %v", got, err)
	}
	f.now = f.now.Add(cacheFor)
	if p, err := f.ask(text, ""); err != nil || p.Name != "key deploy" {
		t.Errorf("%+v, %v", p, err)
	}
	if got := f.events(fleet.EventKeyUpdated); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	blank := " "
	if _, err := f.Edit(t.Context(), Local(), key.ID, KeyChange{Name: &blank}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("%v", err)
	}
	if _, err := f.Edit(t.Context(), newPrincipal("o", "other", fleet.RoleAdmin), key.ID, KeyChange{Name: &name}); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("another tenant: %v", err)
	}
}

// owners is who answers for keys, in tests.
type owners map[fleet.ID][]fleet.Permission

func (o owners) OwnerPermissions(_ context.Context, _ fleet.TenantID, user fleet.ID) ([]fleet.Permission, error) {
	if perms, ok := o[user]; ok {
		return perms, nil
	}
	return nil, Unauthenticated()
}

// A key may never do more than its owner, and nothing without one.
func TestOwner(t *testing.T) {
	f := newKeys(t)
	ada := owners{"ada": fleet.RoleAdmin.Permissions()}
	f.With(Pepper{}, ada, f.log)
	p := newPrincipal("ada", "default", fleet.RoleAdmin)
	p.UserID = "ada"
	key, secret := f.service(p, fleet.RoleAdmin, 0)
	if key.OwnerID != "ada" {
		t.Fatalf("owned by %q", key.OwnerID)
	}
	later := func() (Principal, error) {
		f.now = f.now.Add(cacheFor)
		return f.ask(secret.Reveal(), "")
	}
	got, err := later()
	if err != nil || !got.May(fleet.KeysManage) || got.Owner() != "ada" || got.Actor().Kind != fleet.ActorKey {
		t.Errorf("%+v, %v", got, err)
	}
	if second, _ := f.service(got, fleet.RoleViewer, 0); second.OwnerID != "ada" { // what her key makes is hers
		t.Errorf("owned by %q", second.OwnerID)
	}
	ada["ada"] = fleet.RoleViewer.Permissions()
	if got, err := later(); err != nil || got.May(fleet.JobsRun) || !got.May(fleet.JobsRead) {
		t.Errorf("a viewer's key may %v, %v", got.Permissions(), err)
	}
	delete(ada, "ada")
	if _, err := later(); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("the key of somebody who is gone: %v", err)
	}
	f.With(Pepper{}, nil, f.log)
	if _, err := later(); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("the owner cannot be asked for: %v", err)
	}
}

func TestPepper(t *testing.T) {
	f := newKeys(t)
	old, oldText := f.make(KeyRequest{}) // before there was one
	one, err := NewPepper(strings.Repeat("p", 32))
	if err != nil {
		t.Fatal(err)
	}
	two, _ := NewPepper(strings.Repeat("q", 32))
	with := func(p Pepper, fresh bool) error {
		f.now = f.now.Add(cacheFor)
		return f.With(p, nil, f.log).EnsurePepper(t.Context(), fresh)
	}
	if err := with(one, false); err != nil {
		t.Fatal(err)
	}
	key, text := f.make(KeyRequest{})
	robot, robotText := f.make(KeyRequest{Kind: fleet.KeyRobot, RobotID: "r1"})
	if !strings.HasPrefix(key.Hash, peppered) || key.Hash == old.Hash || robot.Hash != NewSecret(robotText).Hash() {
		t.Errorf("stored as %s, %s", key.Hash, robot.Hash)
	}
	if err := with(one, false); err != nil {
		t.Errorf("a second start: %v", err)
	}
	for _, text := range []string{oldText, text, robotText} {
		if _, err := f.ask(text, ""); err != nil {
			t.Error(err)
		}
	}
	for _, p := range []Pepper{two, {}} {
		if err := with(p, false); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "another pepper") {
			t.Errorf("another pepper: %v", err)
		}
		if _, err := f.ask(text, ""); err == nil {
			t.Error("a key counts without its pepper")
		}
	}
	if err := with(two, true); err != nil {
		t.Fatal(err)
	}
	if err := with(one, false); err == nil {
		t.Error("the pepper before is taken again")
	}
	if got, err := f.Get(t.Context(), Local(), key.ID); err != nil || got.Status != fleet.KeyRevoked {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := NewPepper("short"); err == nil {
		t.Error("a short pepper is taken")
	}
}

// What one orchestrator revokes, another notices by the number alone, whatever
// it remembers; and a look-up that began before it is not remembered after it.
func TestRevocationNumber(t *testing.T) {
	f := newKeys(t)
	key, text := f.make(KeyRequest{})
	other := NewKeys(f.store, f.ids, f.random, func() time.Time { return f.now })
	asks := func() error {
		_, err := NewResolver(other).Resolve(t.Context(), Presented{Bearer: text})
		return err
	}
	other.Look(t.Context())
	if err := asks(); err != nil {
		t.Fatal(err)
	}
	before := other.Generation()
	other.Look(t.Context())
	if other.Generation() != before {
		t.Error("nothing was revoked, and the generation rose")
	}
	if err := f.Revoke(t.Context(), Local(), key.ID, "lost"); err != nil {
		t.Fatal(err)
	}
	if err := asks(); err != nil {
		t.Errorf("the other has not looked yet, and remembers: %v", err)
	}
	other.Look(t.Context())
	if other.Generation() == before || !errors.Is(asks(), fleet.ErrUnauthenticated) {
		t.Errorf("it has looked: generation %d, %v", other.Generation(), asks())
	}
	p, err := f.ask(text, "")
	if err == nil || p.Generation != 0 {
		t.Errorf("%+v", p)
	}
}

func TestFixedKey(t *testing.T) {
	const text = "an-administrator-of-the-environment-1"
	key, err := NewFixedKey(" " + text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	f := newKeys(t)
	r := NewResolver(key, f.Keys)
	p, err := r.Resolve(t.Context(), Presented{Bearer: text, APIKey: text})
	if err != nil || p.Role != fleet.RoleAdmin || p.Tenant != fleet.DefaultTenant || p.May(fleet.TenantsManage) {
		t.Errorf("%+v, %v", p, err)
	}
	if a := p.Actor(); a.Kind != fleet.ActorKey || a.ID != string(FixedKeyID) {
		t.Errorf("the audit names %+v", a)
	}
	for _, in := range []Presented{{Bearer: text[1:]}, {Bearer: text + "x"}, {Cookie: text}} {
		if _, err := r.Resolve(t.Context(), in); !errors.Is(err, fleet.ErrUnauthenticated) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	for _, bad := range []string{"", "short", "crpa_" + strings.Repeat("a", 40), strings.Repeat("x", 300)} {
		if _, err := NewFixedKey(bad); !errors.Is(err, fleet.ErrInvalid) || (bad != "" && strings.Contains(err.Error(), bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
