package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"github.com/casarerpa/fleet/internal/engine"
)

// files is the file system of one job: its own folder first, then the roots of
// the policy. Each root is an os.Root, so no symbolic link leads out of it.
type files struct {
	roots  []openRoot // roots[0] is the job's folder
	lookup func(string) (string, bool)
}

type openRoot struct {
	dir      string
	root     *os.Root
	readOnly bool
}

func openFiles(dir string, extra []Root, lookup func(string) (string, bool)) (*files, error) {
	f := &files{lookup: lookup}
	for i, r := range append([]Root{{Path: dir}}, extra...) {
		abs, err := filepath.Abs(r.Path)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("find folder %s: %w", r.Path, err), f.Close())
		}
		root, err := os.OpenRoot(abs)
		if err != nil {
			if i > 0 && errors.Is(err, fs.ErrNotExist) {
				continue // a share that is not mounted now must not stop all jobs
			}
			return nil, errors.Join(fmt.Errorf("open folder: %w", err), f.Close())
		}
		f.roots = append(f.roots, openRoot{dir: abs, root: root, readOnly: r.ReadOnly})
	}
	return f, nil
}

// Close lets go of all roots.
func (f *files) Close() error {
	var errs []error
	for _, r := range f.roots {
		errs = append(errs, r.root.Close())
	}
	return errors.Join(errs...)
}

// find returns the root that holds name, and the name inside it.
func (f *files) find(name string, write bool) (*openRoot, string, error) {
	clean, err := cleanName(name, f.lookup)
	if err != nil {
		return nil, "", err
	}
	if !filepath.IsAbs(clean) {
		return &f.roots[0], clean, nil
	}
	// The longest root wins, so that a read-only part of a writable root holds.
	var best *openRoot
	var rel string
	for i := range f.roots {
		r := &f.roots[i]
		if in, ok := within(r.dir, clean); ok && (best == nil || len(r.dir) > len(best.dir)) {
			best, rel = r, in
		}
	}
	if best == nil {
		return nil, "", engine.Fail("PermissionError",
			"Path %q is outside of the job's folder, and the policy of this robot grants no root that holds it", name)
	}
	if write && best.readOnly {
		return nil, "", engine.Fail("PermissionError", "Path %q is in a root that the policy of this robot grants for reading only", name)
	}
	return best, rel, nil
}

// Path returns the absolute path that a name stands for.
func (f *files) Path(name string) (string, error) {
	r, rel, err := f.find(name, false)
	if err != nil {
		return "", err
	}
	return filepath.Join(r.dir, rel), nil
}

// Open opens a file.
func (f *files) Open(name string, mode engine.OpenMode) (engine.File, error) {
	r, rel, err := f.find(name, mode != engine.Read)
	if err != nil {
		return nil, err
	}
	flag := os.O_RDONLY
	switch mode {
	case engine.Read:
	case engine.Truncate:
		flag = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	case engine.Append:
		flag = os.O_RDWR | os.O_CREATE | os.O_APPEND
	case engine.Exclusive:
		flag = os.O_RDWR | os.O_CREATE | os.O_EXCL
	}
	file, err := r.root.OpenFile(rel, flag, 0o644)
	if err != nil {
		return nil, pathError(err, name)
	}
	return file, nil
}

// Stat tells about a file or folder.
func (f *files) Stat(name string) (fs.FileInfo, error) {
	r, rel, err := f.find(name, false)
	if err != nil {
		return nil, err
	}
	info, err := r.root.Stat(rel)
	return info, pathError(err, name)
}

// ReadDir lists a folder sorted by name.
func (f *files) ReadDir(name string) ([]fs.DirEntry, error) {
	r, rel, err := f.find(name, false)
	if err != nil {
		return nil, err
	}
	dir, err := r.root.Open(rel)
	if err != nil {
		return nil, pathError(err, name)
	}
	defer func() { _ = dir.Close() }()
	entries, err := dir.ReadDir(-1)
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	return entries, pathError(err, name)
}

// Walk visits name and all below it; the paths it passes on start with name.
func (f *files) Walk(name string, visit fs.WalkDirFunc) error {
	r, rel, err := f.find(name, false)
	if err != nil {
		return err
	}
	start := filepath.ToSlash(rel)
	return fs.WalkDir(r.root.FS(), start, func(path string, d fs.DirEntry, err error) error {
		below, relErr := filepath.Rel(rel, filepath.FromSlash(path))
		if relErr != nil {
			return relErr
		}
		return visit(filepath.Join(name, below), d, pathError(err, name))
	})
}

// Mkdir makes a folder. With parents a folder that exists is fine.
func (f *files) Mkdir(name string, parents bool) error {
	r, rel, err := f.find(name, true)
	if err != nil {
		return err
	}
	if parents {
		return pathError(r.root.MkdirAll(rel, 0o755), name)
	}
	return pathError(r.root.Mkdir(rel, 0o755), name)
}

// Remove removes a file or an empty folder.
func (f *files) Remove(name string) error {
	r, rel, err := f.find(name, true)
	if err != nil {
		return err
	}
	return pathError(r.root.Remove(rel), name)
}

// Rename moves a file or folder; between roots a file is copied and removed.
func (f *files) Rename(from, to string) error {
	src, srcRel, err := f.find(from, true)
	if err != nil {
		return err
	}
	dst, dstRel, err := f.find(to, true)
	if err != nil {
		return err
	}
	if src == dst {
		return pathError(src.root.Rename(srcRel, dstRel), from)
	}
	if err := copyBetween(src.root, srcRel, dst.root, dstRel); err != nil {
		return pathError(err, to)
	}
	return pathError(src.root.Remove(srcRel), from)
}

func copyBetween(src *os.Root, from string, dst *os.Root, to string) (err error) {
	in, err := src.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := dst.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// pathError puts the name that the workflow used into an error of the system,
// so that no message shows where the robot keeps its folders.
func pathError(err error, name string) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: pe.Op, Path: name, Err: pe.Err}
	}
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		return &fs.PathError{Op: le.Op, Path: name, Err: le.Err}
	}
	return err
}

var _ engine.Files = (*files)(nil)
