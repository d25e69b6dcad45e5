package issuer

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/casarerpa/fleet/fleet"
)

// A browser that is sent to the issuer keeps one secret, the seed, in a cookie
// of its own. State, nonce and the verifier of PKCE follow from it, so that
// nothing is stored here, any orchestrator can take the browser back, and an
// answer that was meant for another browser does not fit.

// seedBytes is the length of a seed.
const seedBytes = 32

// part derives one of the three.
func (i *Issuer) part(seed, what string) string {
	mac := hmac.New(sha256.New, []byte(seed))
	fmt.Fprintf(mac, "%s\n%s\n%s", what, i.o.Name, i.o.URL)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (i *Issuer) config(d *discovered, redirect string) *oauth2.Config {
	scopes := i.o.Scopes
	if len(scopes) == 0 {
		scopes = []string{oidc.ScopeOpenID, "profile", "email"}
	}
	return &oauth2.Config{ClientID: i.o.ClientID, ClientSecret: i.o.Secret, Endpoint: d.endpoint, RedirectURL: redirect, Scopes: scopes}
}

// Start is where to send a browser, and the seed that it keeps until it is back.
func (i *Issuer) Start(ctx context.Context, random io.Reader, redirect string) (where, seed string, err error) {
	d, err := i.discover(ctx)
	if err != nil {
		return "", "", err
	}
	var b [seedBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", "", fmt.Errorf("make a seed: %w", err)
	}
	seed = base64.RawURLEncoding.EncodeToString(b[:])
	where = i.config(&d, redirect).AuthCodeURL(i.part(seed, "state"), oidc.Nonce(i.part(seed, "nonce")), oauth2.S256ChallengeOption(i.part(seed, "verifier")))
	return where, seed, nil
}

// Finish takes a browser back: the state must follow from its seed, the code is
// exchanged with the verifier, and the token must carry the nonce.
func (i *Issuer) Finish(ctx context.Context, seed, state, code, redirect string) (fleet.Identity, error) {
	raw, err := base64.RawURLEncoding.DecodeString(seed)
	if err != nil || len(raw) != seedBytes || code == "" || len(code) > maxToken ||
		subtle.ConstantTimeCompare([]byte(state), []byte(i.part(seed, "state"))) != 1 {
		return fleet.Identity{}, fleet.Errorf(fleet.CodeUnauthenticated, "sign_in_mixed_up", "This answer of the issuer does not belong to a sign-in that this browser began.").
			WithFix("Begin the sign-in anew.")
	}
	d, err := i.discover(ctx)
	if err != nil {
		return fleet.Identity{}, err
	}
	got, err := i.config(&d, redirect).Exchange(context.WithValue(ctx, oauth2.HTTPClient, i.o.Client), code, oauth2.VerifierOption(i.part(seed, "verifier")))
	if err != nil {
		if refused, ok := refusal(err); ok {
			return fleet.Identity{}, refused
		}
		return fleet.Identity{}, away(i.o.Name, err)
	}
	token, ok := got.Extra("id_token").(string)
	if !ok {
		return fleet.Identity{}, bad()
	}
	return i.check(ctx, token, i.o.ClientID, i.part(seed, "nonce"), "", "JWT")
}

// refusal tells a code that the issuer does not take from an issuer at fault.
func refusal(err error) (*fleet.Error, bool) {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || answer.Response == nil || answer.Response.StatusCode >= http.StatusInternalServerError {
		return nil, false
	}
	return fleet.Errorf(fleet.CodeUnauthenticated, "credential_invalid", "The issuer did not take the code of this sign-in.").WithFix("Begin the sign-in anew."), true
}
