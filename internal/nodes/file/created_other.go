//go:build !linux

package file

import (
	"io/fs"
	"time"
)

// createdAt falls back to the time of the last change where the portable
// status of a file knows no other.
func createdAt(info fs.FileInfo) time.Time { return info.ModTime() }
