// Package breaker stops asking what does not answer: an identity provider, a
// receiver of webhooks, a mail server, a provider of machines. After some
// failures in a row a breaker opens and refuses at once; after a while it lets
// one call through as a trial, and closes if that succeeds.
//
// It must not make calls, start goroutines or decide what to do about a
// refusal: the caller keeps its work and comes back after RetryAfter.
//
// Guarantees: a call that its own caller gave up counts neither way; a trial
// that was given up lets the next one try; the number of breakers in a Set is
// bounded, and one that has something against its system is never forgotten
// while there is a harmless one to forget. Names stand in metrics and in
// /health, so they name a system or a class of calls and hold no secret. Safe
// for concurrent use.
package breaker
