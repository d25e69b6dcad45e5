// Package notify tells others of alerts: by calls that are signed as Standard
// Webhooks say, and by mail over SMTP.
//
// It must not decide what is told, to whom or when, and keep nothing: addresses,
// secrets and texts are its arguments.
//
// Guarantees: nothing leaves this program unencrypted, and no connection is made
// but by the dialer and the client that it is given, which have the policy for
// addresses. A redirect is not followed, since a call is signed for one address.
// No text can add a line to a header. What a server answers is cut short, and an
// error holds no credential that this package was given.
package notify
