// Package chaos runs the real programs and hurts them: it kills orchestrators
// and robots without warning, under load, and then asks the database whether
// every promise was kept. It holds tests only and is imported by nobody.
package chaos
