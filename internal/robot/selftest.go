package robot

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/shirou/gopsutil/v4/mem"
)

// leastFree is how much room a robot needs to take work: the largest result and
// what is written about it.
const leastFree = 64 << 20

// test looks whether the robot could work: its folder can be written and read
// back, room is left, and the machine can be read. It says what it found.
func (r *Robot) test() (string, error) {
	if err := tryFolder(r.o.DataDir); err != nil {
		return "", fmt.Errorf("the folder of the journal cannot be used: %w", err)
	}
	free := r.journal.Free()
	if free < leastFree {
		return "", fmt.Errorf("only %d MB are free where the journal is; it needs %d", free>>20, leastFree>>20)
	}
	m, err := mem.VirtualMemory()
	if err != nil {
		return "", fmt.Errorf("the memory of the machine cannot be read: %w", err)
	}
	return fmt.Sprintf("The journal's folder can be written. %.1f GB of disk and %.1f GB of memory are free.",
		float64(free)/(1<<30), float64(m.Available)/(1<<30)), nil
}

// tryFolder writes a file, brings it to the disk, reads it back and takes it away.
func tryFolder(dir string) (err error) {
	f, err := os.CreateTemp(dir, "selftest-*")
	if err != nil {
		return err
	}
	defer func() {
		if gone := os.Remove(f.Name()); err == nil {
			err = gone
		}
	}()
	want := []byte(filepath.Base(f.Name()))
	_, err = f.Write(want)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	got, err := os.ReadFile(f.Name())
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("what was written is not what is read")
	}
	return err
}
