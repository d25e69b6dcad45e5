package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/store"
)

// persons are people on a real store, with a clock that the test sets.
type persons struct {
	*People
	t     *testing.T
	store dbtest.Store
	mu    sync.Mutex
	at    time.Time
	r     *Resolver
}

func (f *persons) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *persons) later(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

// cheap is a cost that tests can pay often.
func cheap() SignInRules {
	r := DefaultSignInRules()
	r.Cost = PasswordCost{KiB: 64, Passes: 1, Threads: 1}
	return r
}

func newPeople(t *testing.T) *persons {
	t.Helper()
	f := &persons{t: t, at: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	ids := fleet.NewIDs(f.clock, rand.Reader)
	f.store = dbtest.Open(t, dbtest.Options{Now: f.clock, IDs: ids})
	f.People = NewPeople(f.store, ids, rand.Reader, f.clock, cheap())
	f.r = NewResolver(f.People)
	return f
}

const right = "correct horse battery"

func (f *persons) add(name string, role fleet.Role) fleet.User {
	f.t.Helper()
	u, err := f.Create(f.t.Context(), Local(), fleet.User{Name: name, Role: role}, NewSecret(right))
	if err != nil {
		f.t.Fatal(err)
	}
	return u
}

func (f *persons) try(name, password string, kind fleet.SignInKind, known Secret) (Session, error) {
	return f.Login(f.t.Context(), LoginRequest{Name: name, Password: NewSecret(password), Kind: kind, Known: known, Agent: "test", Origin: Origin{Address: "192.0.2.7"}})
}

func (f *persons) in(name string, kind fleet.SignInKind) Session {
	f.t.Helper()
	s, err := f.try(name, right, kind, Secret{})
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// as resolves the secret of a session the way a request would present it.
func (f *persons) as(s Session) (Principal, error) {
	in := Presented{Bearer: s.Access.Reveal(), Cookie: s.Cookie.Reveal()}
	return f.r.Resolve(f.t.Context(), in)
}

func (f *persons) refused(why string, s Session) {
	f.t.Helper()
	if p, err := f.as(s); !errors.Is(err, fleet.ErrUnauthenticated) || p.Tenant != "" {
		f.t.Errorf("%s: %+v, %v", why, p, err)
	}
}

func (f *persons) me(s Session) Principal {
	f.t.Helper()
	p, err := f.as(s)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return fleet.AsError(err).Reason
}

func TestSignIn(t *testing.T) {
	f := newPeople(t)
	ada := f.add("Ada", fleet.RoleOperator)
	tokens, browser := f.in(" ADA ", fleet.SignInToken), f.in("ada", fleet.SignInBrowser)
	for _, s := range []Session{tokens, browser} {
		p := f.me(s)
		if p.UserID != ada.ID || p.Tenant != "default" || p.Role != fleet.RoleOperator || p.SignInID != s.SignIn.ID || !p.May(fleet.JobsRun) || p.May(fleet.UsersManage) {
			t.Errorf("%+v", p)
		}
	}
	if tokens.Cookie.Reveal() != "" || browser.Access.Reveal() != "" || browser.Refresh.Reveal() != "" {
		t.Error("a browser gets tokens, or a program cookies")
	}
	// A token counts where it belongs and nowhere else.
	for why, in := range map[string]Presented{
		"a cookie as a header":    {Bearer: browser.Cookie.Reveal()},
		"a cookie in an address":  {Query: browser.Cookie.Reveal()},
		"a token as a cookie":     {Cookie: tokens.Access.Reveal()},
		"a token as a ticket":     {Ticket: tokens.Access.Reveal()},
		"a refresh token":         {Bearer: tokens.Refresh.Reveal()},
		"what marks a browser":    {Cookie: browser.Known.Reveal()},
		"a token cut short":       {Bearer: tokens.Access.Reveal()[:52]},
		"a token nobody gave out": {Bearer: mustToken(t, fleet.TokenAccess)},
	} {
		if _, err := f.r.Resolve(t.Context(), in); !errors.Is(err, fleet.ErrUnauthenticated) {
			t.Errorf("%s: %v", why, err)
		}
	}
	var answers []string
	for _, try := range [][2]string{{"ada", "wrong password"}, {"nobody", right}, {"ada", strings.Repeat("x", 300)}, {strings.Repeat("n", 900), right}} {
		_, err := f.try(try[0], try[1], fleet.SignInToken, Secret{})
		answers = append(answers, fmt.Sprint(reason(err), err))
	}
	if len(answers) != 4 || answers[0] != answers[1] || answers[0] != answers[2] || answers[0] != answers[3] || !strings.Contains(answers[0], "credential_invalid") {
		t.Errorf("the answers tell names from passwords: %q", answers)
	}
	// No secret is stored.
	for _, table := range []string{"users", "user_tokens", "sign_ins", "events"} {
		rows, err := f.store.QueryText(t.Context(), "select * from "+table)
		text := fmt.Sprint(rows)
		for _, secret := range []string{right, tokens.Access.Reveal(), tokens.Refresh.Reveal(), browser.Cookie.Reveal(), browser.Known.Reveal()} {
			if err != nil || len(rows) == 0 || strings.Contains(text, secret) {
				t.Errorf("%s holds a secret, or nothing: %v", table, err)
			}
		}
	}
}

func mustToken(t *testing.T, kind fleet.TokenKind) string {
	t.Helper()
	s, err := newToken(rand.Reader, kind)
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

func TestSignInsEnd(t *testing.T) {
	f := newPeople(t)
	f.add("ada", fleet.RoleOperator)
	used, idle, tokens := f.in("ada", fleet.SignInBrowser), f.in("ada", fleet.SignInBrowser), f.in("ada", fleet.SignInToken)
	f.later(time.Hour - time.Second)
	f.me(tokens)
	f.later(time.Second)
	f.refused("an access token after an hour", tokens)
	f.later(10 * time.Hour)
	f.me(used)
	f.later(time.Hour)
	f.refused("a browser that was idle for 12 hours", idle)
	f.me(used)
	for range 20 {
		f.later(8 * time.Hour)
		if f.clock().Before(used.SignIn.EndsAt) {
			f.me(used)
		}
	}
	f.later(8 * time.Hour)
	f.refused("a browser after 7 days", used)
}

func TestLockOut(t *testing.T) {
	f := newPeople(t)
	f.add("ada", fleet.RoleOperator)
	own := f.in("ada", fleet.SignInBrowser)
	for _, name := range []string{"ada", "nobody"} {
		for i := range fleet.GuardFailures {
			if _, err := f.try(name, "wrong", fleet.SignInToken, Secret{}); reason(err) != "credential_invalid" {
				t.Errorf("%s, try %d: %v", name, i, err)
			}
		}
		_, err := f.try(name, right, fleet.SignInToken, Secret{})
		if e := fleet.AsError(err); e == nil || e.Reason != "sign_in_locked" || e.RetryAfter != fleet.GuardLock {
			t.Errorf("%s is not locked: %v", name, err)
		}
	}
	if _, err := f.try("ada", right, fleet.SignInBrowser, NewSecret(mustToken(t, fleet.TokenKnown))); reason(err) != "sign_in_locked" {
		t.Errorf("a browser that nobody knows: %v", err)
	}
	if _, err := f.try("ada", right, fleet.SignInBrowser, own.Known); err != nil {
		t.Errorf("the owner is locked out: %v", err)
	}
	for range fleet.GuardFailures {
		_, _ = f.try("ada", "wrong", fleet.SignInBrowser, own.Known)
	}
	if _, err := f.try("ada", right, fleet.SignInBrowser, own.Known); reason(err) != "sign_in_locked" {
		t.Errorf("the owner's browser guesses without end: %v", err)
	}
	f.later(fleet.GuardLock)
	f.in("ada", fleet.SignInToken)
	// Failures far from each other lock nobody out, and success counts from anew.
	for range 3 * fleet.GuardFailures {
		_, _ = f.try("ada", "wrong", fleet.SignInToken, Secret{})
		f.later(fleet.GuardWindow/fleet.GuardFailures + time.Second)
	}
	f.later(fleet.GuardLock)
	for range fleet.GuardFailures - 1 {
		_, _ = f.try("ada", "wrong", fleet.SignInToken, Secret{})
	}
	f.in("ada", fleet.SignInToken)
	_, _ = f.try("ada", "wrong", fleet.SignInToken, Secret{})
	f.in("ada", fleet.SignInToken)
}

// Many at once get no more tries than one after another.
func TestLockOutAtOnce(t *testing.T) {
	f := newPeople(t)
	f.add("ada", fleet.RoleOperator)
	var tried atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := f.try("ada", "wrong", fleet.SignInToken, Secret{}); reason(err) == "credential_invalid" {
				tried.Add(1)
			}
		})
	}
	all.Wait()
	if tried.Load() != fleet.GuardFailures {
		t.Errorf("%d passwords were looked at", tried.Load())
	}
}

func TestRefresh(t *testing.T) {
	f := newPeople(t)
	f.add("ada", fleet.RoleDeveloper)
	first, bystander := f.in("ada", fleet.SignInToken), f.in("ada", fleet.SignInToken)
	second, err := f.Refresh(t.Context(), first.Refresh, Origin{})
	if err != nil || second.SignIn.ID != first.SignIn.ID || f.me(second).Role != fleet.RoleDeveloper {
		t.Fatal(second.User, err)
	}
	f.refused("the access token before", first)
	third, err := f.Refresh(t.Context(), second.Refresh, Origin{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Refresh(t.Context(), second.Refresh, Origin{}); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("a refresh token counts twice: %v", err)
	}
	f.refused("a sign-in of which a refresh token was copied", third)
	if _, err := f.Refresh(t.Context(), third.Refresh, Origin{}); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("the copy still refreshes: %v", err)
	}
	f.me(bystander)
	for why, token := range map[string]Secret{"access": bystander.Access, "unknown": NewSecret(mustToken(t, fleet.TokenRefresh))} {
		if _, err := f.Refresh(t.Context(), token, Origin{}); !errors.Is(err, fleet.ErrUnauthenticated) {
			t.Errorf("%s: %v", why, err)
		}
	}
	f.later(7 * 24 * time.Hour)
	if _, err := f.Refresh(t.Context(), bystander.Refresh, Origin{}); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("after 7 days: %v", err)
	}
}

// One of many that refresh at once gets the next pair, and the sign-in ends.
func TestRefreshAtOnce(t *testing.T) {
	f := newPeople(t)
	f.add("ada", fleet.RoleViewer)
	s := f.in("ada", fleet.SignInToken)
	var got atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := f.Refresh(t.Context(), s.Refresh, Origin{}); err == nil {
				got.Add(1)
			}
		})
	}
	all.Wait()
	if list, err := f.SignIns(t.Context(), principalOfUser(&s.User)); got.Load() != 1 || err != nil || len(list) != 0 {
		t.Errorf("%d pairs; sign-ins %v, %v", got.Load(), list, err)
	}
}

func TestTickets(t *testing.T) {
	f := newPeople(t)
	f.add("ada", fleet.RoleViewer)
	s := f.in("ada", fleet.SignInBrowser)
	use := func(ticket Secret) error {
		p, err := f.r.Resolve(t.Context(), Presented{Ticket: ticket.Reveal()})
		if err == nil && (!p.Ticket || p.UserID != s.User.ID) {
			t.Errorf("%+v", p)
		}
		return err
	}
	get := func() Secret {
		ticket, life, err := f.Ticket(t.Context(), f.me(s))
		if err != nil || life != 30*time.Second {
			t.Fatal(life, err)
		}
		return ticket
	}
	ticket := get()
	if _, err := f.r.Resolve(t.Context(), Presented{Bearer: ticket.Reveal()}); err == nil {
		t.Error("a ticket counts as a key")
	}
	if err := use(ticket); err != nil {
		t.Error(err)
	}
	if err := use(ticket); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("a second time: %v", err)
	}
	ticket = get()
	f.later(30 * time.Second)
	if err := use(ticket); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("after 30 s: %v", err)
	}
	ticket = get()
	if err := f.Logout(t.Context(), f.me(s)); err != nil {
		t.Fatal(err)
	}
	if err := use(ticket); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("after its sign-in ended: %v", err)
	}
	if _, _, err := f.Ticket(t.Context(), Local()); !errors.Is(err, fleet.ErrForbidden) {
		t.Errorf("a program asks for one: %v", err)
	}
}

// What changes about a person counts at once for all that they have open.
func TestChangesCountAtOnce(t *testing.T) {
	yes, viewer := true, fleet.RoleViewer
	for name, c := range map[string]struct {
		do     func(f *persons, u fleet.User) error
		stays  bool
		rights bool
	}{
		"role": {func(f *persons, u fleet.User) error {
			_, err := f.Change(f.t.Context(), Local(), u.ID, UserChange{Role: &viewer})
			return err
		}, true, false},
		"disabled": {func(f *persons, u fleet.User) error {
			_, err := f.Change(f.t.Context(), Local(), u.ID, UserChange{Disabled: &yes})
			return err
		}, false, false},
		"deleted": {func(f *persons, u fleet.User) error { return f.Delete(f.t.Context(), Local(), u.ID) }, false, false},
		"password": {func(f *persons, u fleet.User) error {
			return f.SetPassword(f.t.Context(), Local(), u.ID, NewSecret(right+right))
		}, false, false},
	} {
		f := newPeople(t)
		u := f.add("ada", fleet.RoleDeveloper)
		open := []Session{f.in("ada", fleet.SignInBrowser), f.in("ada", fleet.SignInToken)}
		f.me(open[0]) // now they are remembered
		f.me(open[1])
		if err := c.do(f, u); err != nil {
			t.Fatal(name, err)
		}
		for _, s := range open {
			p, err := f.as(s)
			if (err == nil) != c.stays || p.May(fleet.WorkflowsWrite) != c.rights {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		}
	}
}

// A sign-in that is noted to be in use does not take back what was changed about
// the person a moment before.
func TestSignInTakesNothingBack(t *testing.T) {
	f := newPeople(t)
	u := f.add("ada", fleet.RoleDeveloper)
	var stale fleet.User
	err := f.store.View(t.Context(), store.Tenant("default"), func(r store.Reader) (err error) { stale, err = r.User(u.ID); return err })
	if err != nil {
		t.Fatal(err)
	}
	viewer, yes := fleet.RoleViewer, true
	if _, err := f.Change(t.Context(), Local(), u.ID, UserChange{Role: &viewer}); err != nil {
		t.Fatal(err)
	}
	s, err := f.open(t.Context(), opening{user: stale, kind: fleet.SignInToken})
	if err != nil || s.User.Role != viewer || f.me(s).Role != viewer {
		t.Errorf("%+v, %v", s.User, err)
	}
	if _, err := f.Change(t.Context(), Local(), u.ID, UserChange{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.open(t.Context(), opening{user: stale, kind: fleet.SignInToken}); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("signed in although disabled: %v", err)
	}
}

// TestAudit: who let whom in, who came, and who was refused; what was typed as a
// name that nobody has may be a password.
func TestAudit(t *testing.T) {
	f := newPeople(t)
	u := f.add("ada", fleet.RoleDeveloper)
	f.in("ada", fleet.SignInToken)
	_, _ = f.try("ada", "wrong", fleet.SignInToken, Secret{})
	_, _ = f.try("my secret password", "wrong", fleet.SignInToken, Secret{})
	_, _ = f.Login(t.Context(), LoginRequest{Tenant: "nowhere", Name: "ada", Password: NewSecret("wrong"), Kind: fleet.SignInToken})
	viewer := fleet.RoleViewer
	_, err := f.Change(t.Context(), Local(), u.ID, UserChange{Role: &viewer})
	if err := errors.Join(err, f.SetPassword(t.Context(), Local(), u.ID, NewSecret(right+"!")), f.Delete(t.Context(), Local(), u.ID)); err != nil {
		t.Fatal(err)
	}
	var rows []fleet.AuditEntry
	err = f.store.View(t.Context(), store.Tenant("default"), func(r store.Reader) (err error) { rows, err = r.AuditRows(store.AuditFilter{}); return err })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range rows {
		got = append(got, fmt.Sprint(e.Action, " ", e.Outcome, " ", e.Object.Name))
	}
	want := []string{
		"user.create done ada", "user.sign_in done ada", "user.sign_in denied ada", "user.sign_in denied unknown", "user.sign_in denied unknown", "user.update done ada",
		"user.password done ada", "user.delete done ada",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q", got)
	}
	guards, err := f.store.QueryText(t.Context(), "select * from sign_in_guards")
	if text := fmt.Sprint(guards); err != nil || len(guards) == 0 || strings.Contains(text, "secret") || strings.Contains(text, "nowhere") {
		t.Errorf("a name, or a tenant that does not exist, is kept: %s, %v", text, err)
	}
	if text := fmt.Sprintf("%+v", rows); strings.Contains(text, "my secret") || strings.Contains(text, right) || !strings.Contains(text, "192.0.2.7") {
		t.Errorf("a secret, or no address: %s", text)
	}
}

// What one orchestrator changes about a person counts at another one as soon as
// that has seen the number of revocations, not when its memory grows old.
func TestChangesElsewhere(t *testing.T) {
	f := newPeople(t)
	u := f.add("ada", fleet.RoleDeveloper)
	ids := fleet.NewIDs(f.clock, rand.Reader)
	keys := NewKeys(f.store, ids, rand.Reader, f.clock)
	there := NewPeople(f.store, ids, rand.Reader, f.clock, cheap()).With(keys)
	keys.Look(t.Context())
	s := f.in("ada", fleet.SignInToken)
	ask := func() (Principal, error) {
		return NewResolver(there).Resolve(t.Context(), Presented{Bearer: s.Access.Reveal()})
	}
	p, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	viewer := fleet.RoleViewer
	if _, err := f.Change(t.Context(), Local(), u.ID, UserChange{Role: &viewer}); err != nil {
		t.Fatal(err)
	}
	keys.Look(t.Context())
	if keys.Generation() == p.Generation {
		t.Error("who holds a connection open is not told")
	}
	if p, err = ask(); err != nil || p.Role != viewer || p.Generation != keys.Generation() {
		t.Errorf("%+v, %v", p, err)
	}
	if err := f.Delete(t.Context(), Local(), u.ID); err != nil {
		t.Fatal(err)
	}
	keys.Look(t.Context())
	if _, err := ask(); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("deleted there: %v", err)
	}
	if _, err := there.OwnerPermissions(t.Context(), u.Tenant, u.ID); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("who is gone answers for keys: %v", err)
	}
}
