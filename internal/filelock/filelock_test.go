package filelock_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/casarerpa/fleet/internal/filelock"
)

func TestHeldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := filelock.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Acquire(path); !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("a second holder: %v", err)
	}
	if got, want := filelock.Holder(path), strconv.Itoa(os.Getpid()); got != want {
		t.Errorf("the holder is %q, want %q", got, want)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	l, err = filelock.Acquire(path)
	if err != nil {
		t.Fatalf("a lock that was let go: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
}

// TestFreeWhileProcessesStart lets go and takes again while other processes
// are being started: they have a copy of the file until they run.
func TestFreeWhileProcessesStart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "lock")
	var starters sync.WaitGroup
	done := make(chan struct{})
	defer starters.Wait()
	defer close(done)
	for range 4 {
		starters.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = exec.CommandContext(t.Context(), self, "-test.run=^$").Run() // only its start matters
				}
			}
		})
	}
	for i := range 20_000 {
		l, err := filelock.Acquire(path)
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	}
}
