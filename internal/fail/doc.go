// Package fail holds named failpoints: places where a test can make the program
// die or an operation fail, in a process of its own, as if the machine had done it.
//
//	if err := fail.At("offer.after_commit"); err != nil {
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
// no room. Points are named <room>.<moment> and listed nowhere else than at
// their call; [Hits] tells a test which of them were passed.
package fail
