// Package e2e runs whole fleets: orchestrators and robots in one process, over
// real sockets and real files, on workflows that people really have. It holds
// tests only and is imported by nobody.
package e2e
