// Package nodeplace reads where a workflow and its nodes are to run, and cuts the
// workflow there: for the orchestrator that stores and runs it, and for the
// author's machine, which tells of it without one.
//
// It is pure: the same document and overrides always give the same segments, or
// the same refusal.
package nodeplace

// Most is how many segments an orchestrator allows unless somebody sets its limit.
const Most = 50
