package auth

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

func TestOwnPassword(t *testing.T) {
	f := newPeople(t)
	f.add("ada", fleet.RoleViewer)
	here, there := f.in("ada", fleet.SignInBrowser), f.in("ada", fleet.SignInToken)
	change := func(old, next string) error {
		return f.ChangePassword(t.Context(), f.me(here), NewSecret(old), NewSecret(next))
	}
	if err := change("wrong", right+"!"); !errors.Is(err, fleet.ErrInvalid) {
		t.Error(err)
	}
	for _, bad := range []string{"short", "ada", strings.Repeat("a", 20), strings.Repeat("ab", 200)} {
		if err := change(right, bad); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	f.later(fleet.GuardLock)
	here = f.in("ada", fleet.SignInBrowser)
	if err := change(right, right+"!"); err != nil {
		t.Fatal(err)
	}
	f.me(here)
	f.refused("another sign-in", there)
	if _, err := f.try("ada", right, fleet.SignInToken, Secret{}); err == nil {
		t.Error("the old password counts")
	}
	for range fleet.GuardFailures {
		_ = change("wrong", right+"?")
	}
	if err := change(right+"!", right+"?"); reason(err) != "sign_in_locked" {
		t.Errorf("whoever has a sign-in guesses the password without end: %v", err)
	}
	if err := f.ChangePassword(t.Context(), Local(), NewSecret(right), NewSecret(right)); !errors.Is(err, fleet.ErrForbidden) {
		t.Errorf("a program has a password: %v", err)
	}
}

func TestWhoMayChangePeople(t *testing.T) {
	f := newPeople(t)
	ctx := t.Context()
	boss, admin := f.add("boss", fleet.RoleSuperAdmin), f.add("admin", fleet.RoleAdmin)
	viewer, admins := fleet.RoleViewer, fleet.RoleSuperAdmin
	for _, role := range []fleet.Role{fleet.RoleViewer, fleet.RoleOperator, fleet.RoleDeveloper, fleet.RoleRobot} {
		p := newPrincipal("somebody", "default", role)
		_, createErr := f.Create(ctx, p, fleet.User{Name: "x", Role: fleet.RoleViewer}, NewSecret(right))
		_, _, listErr := f.List(ctx, p, fleet.Page{})
		_, getErr := f.Get(ctx, p, admin.ID)
		_, changeErr := f.Change(ctx, p, admin.ID, UserChange{Role: &viewer})
		for _, err := range []error{createErr, listErr, getErr, changeErr, f.Delete(ctx, p, admin.ID), f.SetPassword(ctx, p, admin.ID, NewSecret(right))} {
			if !errors.Is(err, fleet.ErrForbidden) {
				t.Errorf("%s: %v", role, err)
			}
		}
	}
	p := newPrincipal("admin", "default", fleet.RoleAdmin)
	_, createErr := f.Create(ctx, p, fleet.User{Name: "x", Role: fleet.RoleSuperAdmin}, NewSecret(right))
	_, riseErr := f.Change(ctx, p, admin.ID, UserChange{Role: &admins})
	_, fallErr := f.Change(ctx, p, boss.ID, UserChange{Role: &viewer})
	for i, err := range []error{createErr, riseErr, fallErr, f.Delete(ctx, p, boss.ID), f.SetPassword(ctx, p, boss.ID, NewSecret(right))} {
		if !errors.Is(err, fleet.ErrForbidden) {
			t.Errorf("an admin over a super admin, %d: %v", i, err)
		}
	}
	// Another tenant's people do not exist.
	other := newPrincipal("other", "globex", fleet.RoleAdmin)
	list, _, err := f.List(ctx, other, fleet.Page{})
	_, getErr := f.Get(ctx, other, admin.ID)
	if err != nil || len(list) != 0 || !errors.Is(getErr, fleet.ErrNotFound) || !errors.Is(f.Delete(ctx, other, admin.ID), fleet.ErrNotFound) {
		t.Errorf("another tenant sees %v, %v", list, getErr)
	}
	// A super admin reaches all tenants, and the row stays in its own.
	theirs, err := f.Create(ctx, Local().In("globex"), fleet.User{Name: "admin", Role: fleet.RoleViewer}, NewSecret(right))
	if err != nil || theirs.Tenant != "globex" {
		t.Fatal(theirs, err)
	}
	if _, err := f.Change(ctx, Local(), theirs.ID, UserChange{Role: &viewer}); err != nil {
		t.Error(err)
	}
	for _, role := range []fleet.Role{"", "root", fleet.RoleRobot} {
		if _, err := f.Create(ctx, Local(), fleet.User{Name: "y", Role: role}, NewSecret(right)); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("role %q: %v", role, err)
		}
	}
	if _, err := f.Create(ctx, p, fleet.User{Name: " ADMIN", Role: viewer}, NewSecret(right)); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("a name that begins with a space: %v", err)
	}
	if _, err := f.Create(ctx, p, fleet.User{Name: "ADMIN", Role: viewer}, NewSecret(right)); reason(err) != "name_taken" {
		t.Errorf("a name twice: %v", err)
	}
}

func TestLastAdmin(t *testing.T) {
	f := newPeople(t)
	a, b := f.add("a", fleet.RoleAdmin), f.add("b", fleet.RoleAdmin)
	yes, viewer := true, fleet.RoleViewer
	lose := []func(u fleet.User) error{
		func(u fleet.User) error {
			_, err := f.Change(t.Context(), Local(), u.ID, UserChange{Role: &viewer})
			return err
		},
		func(u fleet.User) error {
			_, err := f.Change(t.Context(), Local(), u.ID, UserChange{Disabled: &yes})
			return err
		},
		func(u fleet.User) error { return f.Delete(t.Context(), Local(), u.ID) },
	}
	// Both at once: one of them stays.
	var all sync.WaitGroup
	var lost atomic.Int64
	for _, u := range []fleet.User{a, b} {
		all.Go(func() {
			switch err := lose[0](u); {
			case err == nil:
				lost.Add(1)
			case reason(err) != "last_admin":
				t.Error(err)
			}
		})
	}
	all.Wait()
	if lost.Load() != 1 {
		t.Fatalf("%d of 2 administrators are none any more", lost.Load())
	}
	last := a
	if u, err := f.Get(t.Context(), Local(), a.ID); err != nil || u.Role != fleet.RoleAdmin {
		last = b
	}
	for i, lose := range lose {
		if err := lose(last); reason(err) != "last_admin" || !errors.Is(err, fleet.ErrConflict) {
			t.Errorf("%d: %v", i, err)
		}
	}
	name := "c"
	if _, err := f.Change(t.Context(), Local(), last.ID, UserChange{Name: &name}); err != nil {
		t.Error(err)
	}
}

func TestSetup(t *testing.T) {
	f := newPeople(t)
	ctx := t.Context()
	token, life, err := f.SetupToken(ctx)
	if err != nil || token.Reveal() == "" || life != time.Hour {
		t.Fatal(life, err)
	}
	late, _, err := f.SetupToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	set := func(token Secret, password string) (fleet.User, error) {
		return f.Setup(ctx, token, "Ada", "", NewSecret(password), Origin{})
	}
	if _, err := set(token, "short"); !errors.Is(err, fleet.ErrInvalid) {
		t.Error(err)
	}
	if _, err := set(NewSecret(mustToken(t, fleet.TokenSetup)), right); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("a token nobody gave out: %v", err)
	}
	f.later(time.Hour)
	if _, err := set(late, right); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("after an hour: %v", err)
	}
	token, _, err = f.SetupToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	u, err := set(token, right)
	if err != nil || u.Role != fleet.RoleSuperAdmin || u.Tenant != "default" {
		t.Fatal(u, err)
	}
	if p := f.me(f.in("ada", fleet.SignInToken)); !p.May(fleet.TenantsManage) {
		t.Errorf("%+v", p)
	}
	if _, err := set(token, right); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("a second time: %v", err)
	}
	if token, _, err := f.SetupToken(ctx); err != nil || token.Reveal() != "" {
		t.Errorf("there is a link although somebody can sign in: %v", err)
	}
}
