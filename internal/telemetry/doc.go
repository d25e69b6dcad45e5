// Package telemetry is how a program tells its operators about itself: log lines
// on standard error, Prometheus metrics, and the state of health.
//
// Log lines pass through a redactor, so a secret that the program knows cannot
// leave by them, whatever attribute or error carries it. The package must not
// hold a global logger or registry: both are values that the assembly hands to
// the rooms. It knows no room but redact.
package telemetry
