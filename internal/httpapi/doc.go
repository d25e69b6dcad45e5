// Package httpapi speaks REST for the use cases: it reads a request, asks one
// use case and writes the answer.
//
// It must not decide anything about jobs, robots or workflows, must not reach
// the store, and must not decode a workflow document: documents pass through as
// the bytes that came.
//
// Guarantees:
//   - A route without a declared permission and rate class cannot be served: New
//     fails. Everything that is served is in the OpenAPI document.
//   - Every error is a problem (RFC 9457) with a code, a sentence and the
//     request's id; causes go to the log and never to the client.
//   - A body is refused if it is too large, too deep, not JSON, or holds a
//     member twice or one that is not known.
//   - Secrets are in no log line: neither headers nor queries are logged.
//
// The road of a request: id → client's address → recover → log → host and origin
// → route → store and pressure → body limit → credential → permission → rate →
// handler.
package httpapi

//go:generate go run ../gen/api -o ../../api
