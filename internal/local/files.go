package local

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Files are the workflow files of one folder, the only one that the page may
// reach: a path cannot leave it, not through a symbolic link either.
type Files struct {
	root *os.Root
	dir  string
	most int64 // bytes of a file

	mu sync.Mutex // held while a file is compared and replaced
}

// The bounds of a listing.
const (
	maxFiles = 2000
	maxDepth = 8
)

// OpenFiles opens the folder. Whoever opens it closes it. most bounds a file;
// 0: 10 MiB.
func OpenFiles(dir string, most int64) (*Files, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the folder %s: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeInvalid, "folder", "The folder %s cannot be opened: %w.", dir, errors.Unwrap(err)).
			WithFix("Name a folder of this machine that holds workflow files.")
	}
	if most <= 0 {
		most = 10 << 20
	}
	return &Files{root: root, dir: abs, most: most}, nil
}

// Close lets go of the folder.
func (f *Files) Close() error { return f.root.Close() }

// Dir is the folder, for people.
func (f *Files) Dir() string { return f.dir }

// clean refuses what is no path of a workflow file below the folder.
func clean(name string) (string, error) {
	switch {
	case name == "" || len(name) > 1024 || strings.ContainsAny(name, "\x00\\"):
		return "", fleet.Invalid("path", "path must be a relative path with slashes, such as reports/daily.json; got %q.", clip(name, 80))
	case !fs.ValidPath(name) || !filepath.IsLocal(filepath.FromSlash(name)):
		return "", fleet.Invalid("path", "path must stay inside the folder; got %q.", clip(name, 80))
	case !strings.EqualFold(path.Ext(name), ".json"):
		return "", fleet.Invalid("path", "A workflow file ends in .json; got %q.", clip(name, 80))
	case slices.ContainsFunc(strings.Split(name, "/"), hidden):
		return "", fleet.Invalid("path", "Hidden files and folders are not opened here; got %q.", clip(name, 80))
	}
	return name, nil
}

func hidden(part string) bool { return strings.HasPrefix(part, ".") || part == "node_modules" }

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// List lists the files by path; more says that there are others.
func (f *Files) List() (list []fleet.LocalFile, more bool, err error) {
	list = []fleet.LocalFile{}
	err = fs.WalkDir(f.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			return fs.SkipDir // not readable: not ours to show
		case name == ".":
			return nil
		case d.IsDir() && (hidden(d.Name()) || strings.Count(name, "/")+1 >= maxDepth):
			return fs.SkipDir
		case !d.Type().IsRegular() || hidden(d.Name()) || !strings.EqualFold(path.Ext(name), ".json"):
			return nil
		case len(list) == maxFiles:
			more = true
			return fs.SkipAll
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // it is gone again
		}
		list = append(list, fleet.LocalFile{Path: name, Size: info.Size(), ModifiedAt: stamp(info)})
		return nil
	})
	if err != nil {
		return nil, false, fleet.Errorf(fleet.CodeUnavailable, "folder", "The folder %s cannot be read: %s.", f.dir, errors.Unwrap(err))
	}
	return list, more, nil
}

// Open reads a file as it is.
func (f *Files) Open(name string) (fleet.LocalFile, error) {
	name, err := clean(name)
	if err != nil {
		return fleet.LocalFile{}, err
	}
	text, info, err := f.read(name)
	if err != nil {
		return fleet.LocalFile{}, err
	}
	return describe(name, text, info), nil
}

func (f *Files) read(name string) ([]byte, fs.FileInfo, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, nil, unreadable(name, err)
	case !info.Mode().IsRegular():
		return nil, nil, fleet.Invalid("path", "%s is no file.", clip(name, 80))
	case info.Size() > f.most:
		return nil, nil, tooLarge(f.most)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(file); err != nil {
		return nil, nil, unreadable(name, err)
	}
	return text.Bytes(), info, nil
}

func tooLarge(most int64) error {
	e := fleet.Errorf(fleet.CodeInvalid, "too_large", "A workflow file may have at most %d bytes.", most)
	e.Status = 413
	return e
}

func unreadable(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fleet.NotFound("file", clip(name, 80))
	}
	cause := errors.Unwrap(err)
	if cause == nil {
		cause = err
	}
	return fleet.Errorf(fleet.CodeForbidden, "file_refused", "The file %s cannot be opened: %s.", clip(name, 80), cause)
}

// Save writes a file. etag is that of the content which the author began with;
// empty: there must be no such file yet. The file is replaced as a whole, so a
// program that dies leaves the old one or the new one.
func (f *Files) Save(name, text, etag string) (fleet.LocalFile, error) {
	name, err := clean(name)
	if err != nil {
		return fleet.LocalFile{}, err
	}
	if int64(len(text)) > f.most {
		return fleet.LocalFile{}, tooLarge(f.most)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	have, info, err := f.read(name)
	switch {
	case errors.Is(err, fleet.ErrNotFound) && etag == "": // a new file
	case errors.Is(err, fleet.ErrNotFound):
		return fleet.LocalFile{}, fleet.Errorf(fleet.CodeConflict, "file_gone", "The file %s is not there any more.", clip(name, 80)).
			WithFix("Save it as a new file.")
	case err != nil:
		return fleet.LocalFile{}, err
	case etag == "":
		return fleet.LocalFile{}, fleet.Errorf(fleet.CodeConflict, "file_exists", "There is a file %s already.", clip(name, 80)).
			WithFix("Choose another name, or open that file.")
	case sum(have) != etag:
		return fleet.LocalFile{}, fleet.Errorf(fleet.CodeConflict, "file_changed", "The file %s was changed by another program since it was opened.", clip(name, 80)).
			WithFix("Look at the difference, then take one of the two.")
	}
	mode := fs.FileMode(0o644)
	if info != nil {
		mode = info.Mode().Perm()
	}
	if err := f.replace(name, []byte(text), mode); err != nil {
		return fleet.LocalFile{}, unreadable(name, err)
	}
	if info, err = f.root.Stat(name); err != nil {
		return fleet.LocalFile{}, unreadable(name, err)
	}
	out := describe(name, []byte(text), info)
	out.Text = "" // whoever sent it has it
	return out, nil
}

// replace writes beside the file and then takes its place.
func (f *Files) replace(name string, text []byte, mode fs.FileMode) error {
	if dir := path.Dir(name); dir != "." {
		if err := f.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// A link is followed, or saving would turn it into a file.
	if info, err := f.root.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return f.root.WriteFile(name, text, mode)
	}
	beside := path.Join(path.Dir(name), "."+path.Base(name)+".part")
	file, err := f.root.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = f.root.Rename(beside, name)
	}
	if err != nil {
		_ = f.root.Remove(beside) // what was there stays
	}
	return err
}

func describe(name string, text []byte, info fs.FileInfo) fleet.LocalFile {
	var doc struct {
		Name     string `json:"name"`
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(text, &doc) // what is no document has no name
	if doc.Metadata.Name == "" {
		doc.Metadata.Name = doc.Name
	}
	return fleet.LocalFile{Path: name, Name: clip(doc.Metadata.Name, 255), Size: int64(len(text)), ModifiedAt: stamp(info), ETag: sum(text), Text: string(text)}
}

func stamp(info fs.FileInfo) time.Time { return info.ModTime().UTC().Truncate(time.Millisecond) }

// sum tells one content from another.
func sum(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:16])
}

// HasFolder says whether the desk has a folder of workflow files.
func (d *Desk) HasFolder() bool { return d.o.Files != nil }

// ListFiles lists the workflow files of the desk's folder.
func (d *Desk) ListFiles() (dir string, list []fleet.LocalFile, more bool, err error) {
	if d.o.Files == nil {
		return "", []fleet.LocalFile{}, false, nil
	}
	list, more, err = d.o.Files.List()
	return d.o.Files.Dir(), list, more, err
}

// OpenFile reads a file of the desk's folder.
func (d *Desk) OpenFile(name string) (fleet.LocalFile, error) {
	if d.o.Files == nil {
		return fleet.LocalFile{}, noFolder()
	}
	return d.o.Files.Open(name)
}

// SaveFile writes a file of the desk's folder.
func (d *Desk) SaveFile(name, text, etag string) (fleet.LocalFile, error) {
	if d.o.Files == nil {
		return fleet.LocalFile{}, noFolder()
	}
	return d.o.Files.Save(name, text, etag)
}

func noFolder() error {
	return fleet.Errorf(fleet.CodeForbidden, "no_folder", "This program was given no folder of workflow files.").
		WithFix("Start \"fleet canvas DIR\" with the folder.")
}
