package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

// deleteFile removes one file, never a folder.
func deleteFile(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	path, err := files.Path(name)
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	info, err := files.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return engine.Result{}, engine.Fail("IsADirectoryError", "Is a directory: %s", name)
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		// A broken link has no status but can be removed.
	case c.Bool("ignore_missing"):
		c.Set("deleted_path", path)
		return engine.Continue(), nil
	}
	if err := files.Remove(name); err != nil {
		return engine.Result{}, explain(err, name)
	}
	c.Set("deleted_path", path)
	return engine.Continue(), nil
}

// pair reads the two names of a copy or move and prepares the target.
func pair(c *engine.Call) (from, to string, err error) {
	if from, err = need(c, "source_path", "file_path"); err != nil {
		return "", "", err
	}
	if to, err = need(c, "dest_path"); err != nil {
		return "", "", err
	}
	files := c.Host().Files()
	source, err := files.Stat(from)
	if err != nil {
		return "", "", explain(err, from)
	}
	if target, err := files.Stat(to); err == nil {
		if !c.Bool("overwrite") {
			return "", "", engine.Fail("FileExistsError", "Destination already exists: %s", to)
		}
		if target.IsDir() && !source.IsDir() {
			to = filepath.Join(to, filepath.Base(from))
		}
	}
	if c.Flag("create_dirs", true) {
		if err := makeParents(files, to); err != nil {
			return "", "", err
		}
	}
	a, err := files.Path(from)
	if err != nil {
		return "", "", explain(err, from)
	}
	b, err := files.Path(to)
	if err != nil {
		return "", "", explain(err, to)
	}
	if a == b {
		return "", "", engine.Fail("SameFileError", "%s and %s are the same file", from, to)
	}
	return from, to, nil
}

// copyFile copies one file. It writes beside the target and renames at the
// end, so a target that is the source under another name loses nothing.
func copyFile(ctx context.Context, c *engine.Call) (engine.Result, error) {
	from, to, err := pair(c)
	if err != nil {
		return engine.Result{}, err
	}
	path, n, err := duplicate(ctx, c, from, to)
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("dest_path", path)
	c.Set("bytes_copied", n)
	return engine.Continue(), nil
}

func duplicate(ctx context.Context, c *engine.Call, from, to string) (path string, n int64, err error) {
	files := c.Host().Files()
	if info, err := files.Stat(from); err == nil && info.IsDir() {
		return "", 0, engine.Fail("IsADirectoryError", "Is a directory: %s", from)
	}
	src, err := files.Open(from, engine.Read)
	if err != nil {
		return "", 0, explain(err, from)
	}
	defer src.Close()
	part := fmt.Sprintf("%s.%08x.part", to, c.Host().Rand().Uint32())
	_, err = storeWith(files, part, engine.Exclusive, func(w io.Writer) error {
		n, err = io.Copy(w, during{ctx, src})
		return err
	})
	if err == nil {
		err = explain(files.Rename(part, to), to)
	}
	if err != nil {
		_ = files.Remove(part) // what is left of it helps nobody
		return "", 0, err
	}
	path, err = files.Path(to)
	return path, n, explain(err, to)
}

// moveFile renames a file or folder. Where the target lies in another root or
// on another disk, a file is copied and then removed.
func moveFile(ctx context.Context, c *engine.Call) (engine.Result, error) {
	from, to, err := pair(c)
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	path, err := files.Path(to)
	if err != nil {
		return engine.Result{}, explain(err, to)
	}
	if failed := files.Rename(from, to); failed != nil {
		info, err := files.Stat(from)
		if err != nil || info.IsDir() {
			return engine.Result{}, explain(failed, from)
		}
		if path, _, err = duplicate(ctx, c, from, to); err != nil {
			return engine.Result{}, err
		}
		if err := files.Remove(from); err != nil {
			return engine.Result{}, explain(err, from)
		}
	}
	c.Set("dest_path", path)
	return engine.Continue(), nil
}

// createDirectory makes a folder.
func createDirectory(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "directory_path", "dir_path", "path", "file_path")
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	path, err := files.Path(name)
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	info, err := files.Stat(name)
	switch {
	case err == nil && info.IsDir() && c.Flag("exist_ok", true):
	case err == nil:
		return engine.Result{}, engine.Fail("FileExistsError", "File already exists: %s", name)
	default:
		if err := files.Mkdir(name, c.Flag("parents", true)); err != nil {
			return engine.Result{}, explain(err, name)
		}
	}
	c.Set("dir_path", path)
	return engine.Continue(), nil
}

// fileExists tells whether something is there; a missing file is an answer.
func fileExists(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "path", "file_path")
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	// A name that the policy refuses is an error here, not a missing file.
	if _, err := files.Path(name); err != nil {
		return engine.Result{}, explain(err, name)
	}
	info, err := files.Stat(name)
	isDir := err == nil && info.IsDir()
	isFile := err == nil && info.Mode().IsRegular()
	exists := err == nil
	switch c.Text("check_type") {
	case "file":
		exists = isFile
	case "directory":
		exists = isDir
	}
	c.Set("exists", exists)
	c.Set("is_file", isFile)
	c.Set("is_dir", isDir)
	return engine.Continue(), nil
}

// fileSize gives the size in bytes.
func fileSize(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return engine.Result{}, err
	}
	info, err := c.Host().Files().Stat(name)
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	c.Set("size", info.Size())
	return engine.Continue(), nil
}

// fileInfo gives what the file system knows of a file. Times are local, in the
// ISO form of Python.
func fileInfo(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	path, err := files.Path(name)
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	info, err := files.Stat(name)
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	zone := c.Host().Now().Location()
	c.Set("size", info.Size())
	c.Set("created", isoTime(createdAt(info).In(zone)))
	c.Set("modified", isoTime(info.ModTime().In(zone)))
	c.Set("extension", suffix(path))
	c.Set("name", filepath.Base(path))
	c.Set("parent", filepath.Dir(path))
	return engine.Continue(), nil
}

// isoTime is datetime.isoformat: microseconds only where there are some.
func isoTime(t time.Time) string {
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02T15:04:05")
	}
	return t.Format("2006-01-02T15:04:05.000000")
}

// suffix is the part of a file name from its last dot on. A name that starts
// or ends with its only dot has none.
func suffix(path string) string {
	base := filepath.Base(path)
	at := strings.LastIndexByte(base, '.')
	if at <= 0 || at == len(base)-1 {
		return ""
	}
	return base[at:]
}
