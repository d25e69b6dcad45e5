package file

import (
	"io/fs"
	"syscall"
	"time"
)

// createdAt is the change time, which is what Linux answers when Python asks
// for the time of creation.
func createdAt(info fs.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(int64(st.Ctim.Sec), int64(st.Ctim.Nsec))
	}
	return info.ModTime()
}
