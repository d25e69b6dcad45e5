// Package courier brings events to the addresses that tenants choose for them:
// one call by HTTP, and what was answered.
//
// It must not decide what becomes of a delivery, sign anything, or remember
// anything. Which addresses it calls is the policy of the guard of calls to the
// outside.
//
// Guarantees: https alone, but for addresses that the owner of this program has
// allowed by name of their network; no redirect is followed; an address that the
// policy refuses is never dialled, whatever its name resolves to; a call ends
// within its limit, and of an answer no more is read than is kept.
package courier
