// Package upkeep holds the chores: things that must happen though nobody asks.
// Each is RunOnce(ctx, now), so that a test can step it, and a loop around it.
//
// It must not change state by itself: it finds what is due and calls the use
// cases, which are guarded. Two orchestrators that run the same chore at once
// do double work and no harm.
//
// Guarantees:
//   - A lease is judged by an unchanged renewal number on this process's own
//     monotonic clock. Wall clocks take no part, so a clock that jumps expires
//     nothing, and a sweeper that has just started waits the full time.
//   - A span that ends at a time of the wall clock, such as the time to accept an
//     offer, is not cut short by a clock that is set forward by more than it; see
//     steps.
//   - A sweep that would take away too much at once takes nothing and asks
//     first whether the fault is on this side (the brake).
//   - A bad row or a slow chore stops no other.
package upkeep
