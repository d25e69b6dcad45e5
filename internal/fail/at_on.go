//go:build failpoints

package fail

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// Enabled says whether this binary has failpoints.
const Enabled = true

// ErrInjected is what At returns where an error was asked for.
var ErrInjected = errors.New("injected failure")

// state is built on the first hit, from the environment of the process. It is
// the one global of the house, and it exists in test binaries only.
var state struct {
	sync.Mutex
	plan plan
	hits map[Point]int
}

// At is a point where the program may be made to fail.
func At(name Point) error {
	state.Lock()
	defer state.Unlock()
	if state.hits == nil {
		state.hits = map[Point]int{}
		p, err := parse(os.Getenv("FLEET_FAIL"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2) // a test with a misspelt plan must not pass
		}
		state.plan = p
	}
	state.hits[name]++
	switch state.plan.next(name, state.hits[name]) {
	case kill:
		fmt.Fprintf(os.Stderr, "failpoint %s: the process dies here\n", name)
		die()
	case fault:
		return fmt.Errorf("%s: %w", name, ErrInjected)
	}
	return nil
}

// Hits returns how often each point was passed.
func Hits() map[Point]int {
	state.Lock()
	defer state.Unlock()
	out := make(map[Point]int, len(state.hits))
	for name, n := range state.hits {
		out[name] = n
	}
	return out
}

// die ends the process as a crash does: nothing deferred runs, nothing is flushed.
func die() {
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Kill()
		select {} // the signal arrives
	}
	os.Exit(137)
}
