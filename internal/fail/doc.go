// Package fail holds named failpoints: places where a test can make the program
// die or an operation fail, in a process of its own, as if the machine had done it.
//
//	if err := fail.At(fail.OfferAfterCommit); err != nil {
//		return err
//	}
//
// Without the build tag failpoints, At is an empty function that the compiler
// removes. With it, the environment says what happens:
//
//	FLEET_FAIL="offer.after_commit=kill@3,journal.sync=error"
//
// kill ends the process the way SIGKILL does, without deferred functions or
// flushes; error makes At return an error. @n waits for the n-th hit; without
// it every hit counts for error, and the first for kill.
//
// The package must not be used to steer the program in earnest, and it imports
// no room. Points are named <subject>.<moment>. [Points] is the one list: it
// says for each point in which process and function it lies, what a crash there
// comes between, and which row of the failure table it proves. A test of the
// law compares the list with the calls; TestFailpoints in e2e/chaos kills a
// process at each of them and fails if one was never hit: on SQLite at all, on
// PostgreSQL at those around commits and sign-in, with FLEET_CHAOS_LONG=1 at all
// too. A process that dies at a point says so on its standard error. [Hits]
// tells which were passed.
package fail
