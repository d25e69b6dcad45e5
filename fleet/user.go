package fleet

import (
	"strings"
	"time"
	"unicode"
)

// User is a person who signs in.
type User struct {
	ID       ID       `json:"user_id"`
	Tenant   TenantID `json:"tenant_id"`
	Name     string   `json:"name"` // unique in the tenant, whatever the case
	Email    string   `json:"email,omitempty"`
	Role     Role     `json:"role"`
	Disabled bool     `json:"disabled"`
	Password string   `json:"-"` // its hash with the parameters; empty: none
	Version  int64    `json:"-"` // rises with each change
	// Issuer and Subject say who vouches for a person that has no password here.
	Issuer     string    `json:"issuer,omitempty"`
	Subject    string    `json:"subject,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	SignedInAt time.Time `json:"last_sign_in_at,omitzero"`
}

// The bounds of what people are called and of what they type.
const (
	MaxUserName = 128
	MaxEmail    = 254
	MinPassword = 12
	MaxPassword = 256 // bytes
)

// NameKey is the form in which names of people are compared.
func NameKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// Validate checks what people choose of a user.
func (u *User) Validate() error {
	if err := ValidateName("name", u.Name, MaxUserName); err != nil {
		return err
	}
	if u.Name != strings.TrimSpace(u.Name) {
		return Invalid("name", "name must not begin or end with a space; got %q.", u.Name)
	}
	if u.Email != "" && !validEmail(u.Email) {
		return Invalid("email", "email must be an address such as ada@example.org, of at most %d characters; got %q.", MaxEmail, u.Email)
	}
	if len(u.Role.Permissions()) == 0 || u.Role == RoleRobot {
		return Invalid("role", "role must be viewer, operator, developer, admin or super_admin; got %q.", string(u.Role))
	}
	return nil
}

// validEmail asks for no more than what makes a text an address.
func validEmail(text string) bool {
	user, host, ok := strings.Cut(text, "@")
	return ok && len(text) <= MaxEmail && user != "" && host != "" && !strings.Contains(host, "@") &&
		strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) < 0
}

// ValidatePassword checks a new password. Length is what counts; a password that
// is the name is none.
func ValidatePassword(name, password string) error {
	n := len([]rune(password))
	switch {
	case n < MinPassword:
		return Invalid("password", "password must have at least %d characters; got %d.", MinPassword, n)
	case len(password) > MaxPassword:
		return Invalid("password", "password must have at most %d bytes; got %d.", MaxPassword, len(password))
	case NameKey(password) == NameKey(name), strings.Trim(password, password[:1]) == "":
		return Invalid("password", "password must not be the name, or one character over and over.")
	}
	return nil
}

// SignInKind says what holds a sign-in.
type SignInKind string

// The kinds.
const (
	SignInBrowser SignInKind = "browser" // a cookie
	SignInToken   SignInKind = "token"   // an access token, renewed by a refresh token
)

// SignIn is one session of a person, or of a browser that showed a key.
type SignIn struct {
	ID        ID         `json:"session_id"`
	Tenant    TenantID   `json:"tenant_id"`
	User      ID         `json:"user_id"`
	Kind      SignInKind `json:"kind"`
	CreatedAt time.Time  `json:"created_at"`
	SeenAt    time.Time  `json:"last_seen_at"` // to the minute
	EndsAt    time.Time  `json:"expires_at"`   // whatever happens
	Address   string     `json:"address,omitempty"`
	Agent     string     `json:"agent,omitempty"` // as the program calls itself
}

// TokenKind says what a token of a person is for.
type TokenKind string

// The kinds. Only hashes of tokens are stored.
const (
	TokenCookie  TokenKind = "cookie"  // a browser's sign-in
	TokenAccess  TokenKind = "access"  // of a program, for an hour
	TokenRefresh TokenKind = "refresh" // gives the next pair, once
	TokenTicket  TokenKind = "ticket"  // opens one stream
	TokenKnown   TokenKind = "known"   // a browser that somebody has signed in with
	TokenSetup   TokenKind = "setup"   // makes the first admin
	TokenKey     TokenKind = "key"     // a browser's sign-in that stands for a key
)

// Token is one secret of a person, without the secret.
type Token struct {
	Hash      string // SHA-256, hex
	Tenant    TenantID
	User      ID // empty: a set-up link; of a sign-in with a key, that key
	SignIn    ID // empty: a set-up link, a known browser
	Kind      TokenKind
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // of those that count once
}

// SignInGuard counts failures to sign in under one name, or from one browser.
type SignInGuard struct {
	Tenant      TenantID
	Subject     string
	Failures    int
	Since       time.Time // of the first one
	LockedUntil time.Time
}

// The rule of the guard.
const (
	GuardFailures = 5
	GuardWindow   = 5 * time.Minute
	GuardLock     = 15 * time.Minute
)

// Locked says whether nobody may try.
func (g *SignInGuard) Locked(now time.Time) bool { return now.Before(g.LockedUntil) }

// Fail counts one failure.
func (g *SignInGuard) Fail(now time.Time) {
	if now.Sub(g.Since) >= GuardWindow {
		g.Failures, g.Since = 0, now
	}
	g.Failures++
	if g.Failures >= GuardFailures {
		g.Failures, g.Since, g.LockedUntil = 0, now, now.Add(GuardLock)
	}
}

// Identity is a person as an issuer vouches for them.
type Identity struct {
	Issuer  string
	Subject string // at the issuer; it never changes
	Name    string
	Email   string
	Role    Role
	Tenant  TenantID
	Expires time.Time
}
