package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// UserReader finds people.
type UserReader interface {
	User(id fleet.ID) (fleet.User, error)
	// UserByName finds by fleet.NameKey, UserBySubject by who vouches for them.
	UserByName(tenant fleet.TenantID, key string) (fleet.User, error)
	UserBySubject(tenant fleet.TenantID, issuer, subject string) (fleet.User, error)
	// Users lists them by id, that is, in the order in which they were made.
	Users(p fleet.Page) ([]fleet.User, string, error)
	// AnyUser says whether there is one in the scope.
	AnyUser() (bool, error)
}

// SignInReader finds what people signed in with.
type SignInReader interface {
	Token(hash string) (fleet.Token, error)
	// Signed finds whose token it is. One without a sign-in is fleet.ErrNotFound.
	Signed(hash string) (Signed, error)
	SignIns(user fleet.ID) ([]fleet.SignIn, error)
}

// Signed is a token with the sign-in that it belongs to and the person.
type Signed struct {
	Token  fleet.Token
	SignIn fleet.SignIn
	User   fleet.User
}

// UserWriter changes people.
type UserWriter interface {
	// AddUser and PutUser are fleet.ErrConflict if another one of the tenant has
	// the name. PutUser wants the version that was read in this transaction.
	AddUser(u fleet.User) error
	PutUser(u fleet.User) error
	// DeleteUser takes a person with all sign-ins and tokens.
	DeleteUser(id fleet.ID) error
	// LockAdmins counts the administrators of a tenant that are not disabled. Until
	// the transaction ends nobody else changes them.
	LockAdmins(tenant fleet.TenantID) (int, error)
}

// SignInWriter changes what they signed in with.
type SignInWriter interface {
	// AddSignIn stores a new one with its tokens.
	AddSignIn(s fleet.SignIn, tokens ...fleet.Token) error
	AddToken(t fleet.Token) error
	// UseToken marks a token that counts once; false if it had been used.
	UseToken(hash string, now time.Time) (bool, error)
	// EndTokens takes those of one kind that belong to a sign-in.
	EndTokens(user, signIn fleet.ID, kind fleet.TokenKind) error
	// SeeSignIn notes that a sign-in was used, and lets its token live on.
	SeeSignIn(s Signed, now time.Time) error
	// EndSignIns ends sign-ins of a person: one, or with an empty id all but one.
	EndSignIns(user, one, but fleet.ID) (int, error)
	// LockSignInGuard reads what failed so far; until the transaction ends nobody
	// else counts.
	LockSignInGuard(tenant fleet.TenantID, subject string, now time.Time) (fleet.SignInGuard, error)
	PutSignInGuard(g fleet.SignInGuard) error
}
