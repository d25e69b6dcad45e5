package robot

import (
	"errors"
	"os"
	"syscall"
)

const keepSize = 0x01 // FALLOC_FL_KEEP_SIZE: blocks beyond the end of the file

// allocate takes disk space for a file without changing its length. ok is
// false where the file system cannot do that.
func allocate(f *os.File, from, size int64) (ok bool, err error) {
	err = syscall.Fallocate(int(f.Fd()), keepSize, from, size)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EINTR):
		return false, nil
	}
	return false, err
}
