// Package issuer speaks with an OpenID issuer: it sends browsers there and takes
// them back (authorization code with PKCE, state and nonce), and checks the
// tokens that it signs.
//
// Files: issuer.go the issuer and its discovery, flow.go the way of a browser,
// token.go what makes a token count, keyset.go the issuer's keys, claims.go from
// claims to role and tenant.
//
// It must not keep anything of a person, must not sign, and must not believe
// anything in a token before its signature: not where keys are, nor which
// algorithm it is.
//
// Guarantees: one algorithm, of the configuration, with a key of the issuer's own
// list that the header names by kid; headers that bring or name other keys are
// refused. Who has no mapped role has none. An issuer that is slow, sends too
// much or sends nonsense costs a bounded time and answer, and is left alone by a
// breaker after several faults; keys are fetched at most once a minute, however
// many tokens name unknown ones.
package issuer
