// Package filelock keeps a folder for one process: a file that one process
// holds, and that is free as soon as it lets go or dies.
//
// It must not wait: a lock that is held is an answer, not a delay.
//
// It guarantees that after [Lock.Release] the next [Acquire] succeeds, also
// while this process is starting others, and that a lock ends with its process
// however that dies.
package filelock

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// ErrHeld says that the lock is held, by another process or by this one.
var ErrHeld = errors.New("held by another process")

// Lock is a file that this process holds. Its text is the id of the process,
// for whoever is refused.
type Lock struct{ f *os.File }

// Acquire takes the lock of a path and makes the file if there is none. It
// fails with [ErrHeld] at once when it is held, and with errors of the file
// system.
func Acquire(path string) (*Lock, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	l := &Lock{f}
	if err := l.sign(); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

// sign writes the process id. The file is not emptied first: a reader would
// find nothing.
func (l *Lock) sign() error {
	id := strconv.Itoa(os.Getpid()) + "\n"
	if _, err := l.f.WriteAt([]byte(id), 0); err != nil {
		return err
	}
	return l.f.Truncate(int64(len(id)))
}

// Holder is the id of the process that last held a lock; empty when that is
// not known.
func Holder(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "" // it is said to a person; the lock itself is what counts
	}
	return strings.TrimSpace(string(text))
}

// Release lets go. The file stays: removing it would let two processes lock
// two files of one name. A nil lock is not held.
func (l *Lock) Release() error {
	if l == nil {
		return nil
	}
	return errors.Join(unlock(l.f), l.f.Close())
}
