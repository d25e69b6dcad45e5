// Package snapshot reads from the store what placement decides by. Dispatch
// plans what it returns, and the answer to "why does this job wait?" is made
// from the very same.
//
// It must not decide anything, and it must not read more of a lane than there
// is room for, a few jobs more, or what the plan asked for.
package snapshot
