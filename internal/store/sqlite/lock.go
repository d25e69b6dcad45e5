package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// errHeld says that another process holds the lock.
var errHeld = errors.New("held by another process")

// lock is the file that keeps a second process away.
type lock struct{ f *os.File }

// acquire takes the lock, or says who has it.
func acquire(path string) (*lock, error) {
	f, err := lockFile(path)
	if errors.Is(err, errHeld) {
		who := "another process"
		if b, rerr := os.ReadFile(path); rerr == nil && strings.TrimSpace(string(b)) != "" {
			who = "process " + strings.TrimSpace(string(b))
		}
		return nil, fleet.Errorf(fleet.CodeConflict, "store_in_use", "The store is open in %s; one orchestrator per folder.", who).
			WithFix("Stop that process, or give this one a folder of its own.")
	}
	if err != nil {
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	l := &lock{f}
	if err := l.sign(); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the store: %w", err), l.release())
	}
	return l, nil
}

// sign writes the process id for whoever is refused.
func (l *lock) sign() error {
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	if _, err := l.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := l.f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	return err
}

// release gives the lock back. The file stays: removing it would let two
// processes lock two files of one name.
func (l *lock) release() error {
	if l == nil || l.f == nil {
		return nil
	}
	return l.f.Close()
}
