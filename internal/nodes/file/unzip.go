package file

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/casarerpa/fleet/internal/engine"
)

// The limits of an archive. A ratio alone would refuse small files of zeros,
// so it counts only from ratioFrom bytes on.
const (
	maxEntries  = 100_000
	maxUnpacked = 4 << 30
	maxRatio    = 200
	ratioFrom   = 16 << 20
)

// unzipFiles unpacks an archive below a folder. Every name is checked before
// the first byte is written, so a hostile archive leaves nothing behind.
func unzipFiles(ctx context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "zip_path", "file_path")
	if err != nil {
		return engine.Result{}, err
	}
	dir, err := need(c, "extract_to")
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	target, err := files.Path(dir)
	if err != nil {
		return engine.Result{}, explain(err, dir)
	}
	f, err := files.Open(name, engine.Read)
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	archive, err := zip.NewReader(&readerAt{f: f}, info.Size())
	// A reader with unsafe names is still usable: checkEntries words them better.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return engine.Result{}, engine.Fail("BadZipFile", "File is not a zip file: %s (%s)", name, err)
	}
	names, err := checkEntries(archive.File)
	if err != nil {
		return engine.Result{}, err
	}
	if err := makeFolder(files, dir); err != nil {
		return engine.Result{}, err
	}
	unpacked := []any{}
	for i, entry := range archive.File {
		to := filepath.Join(target, filepath.FromSlash(names[i]))
		if entry.FileInfo().IsDir() || strings.HasSuffix(entry.Name, `\`) {
			if err := makeFolder(files, to); err != nil {
				return engine.Result{}, err
			}
			continue
		}
		if err := unpack(ctx, files, entry, to); err != nil {
			return engine.Result{}, err
		}
		unpacked = append(unpacked, to)
	}
	c.Set("extract_to", target)
	c.Set("files", unpacked)
	c.Set("file_count", int64(len(unpacked)))
	return engine.Continue(), nil
}

// checkEntries returns the cleaned names, or refuses the whole archive.
func checkEntries(entries []*zip.File) ([]string, error) {
	if len(entries) > maxEntries {
		return nil, engine.Fail("ValueError", "The archive has %d entries, more than the %d allowed", len(entries), maxEntries)
	}
	names := make([]string, len(entries))
	var packed, unpacked uint64
	for i, entry := range entries {
		name := strings.ReplaceAll(entry.Name, `\`, "/") // archives made on Windows
		clean := path.Clean(name)
		switch {
		case strings.ContainsRune(name, 0) || strings.HasPrefix(name, "/") ||
			!filepath.IsLocal(filepath.FromSlash(clean)) || len(name) > 1 && name[1] == ':':
			return nil, engine.Fail("PathSecurityError", "The archive entry %q would be written outside of the target folder", entry.Name)
		case entry.Flags&1 != 0:
			return nil, engine.Fail("RuntimeError", "The archive entry %q is encrypted", entry.Name)
		}
		if kind := entry.Mode().Type(); kind != 0 && kind != fs.ModeDir {
			return nil, engine.Fail("PathSecurityError", "The archive entry %q is a link or a device", entry.Name)
		}
		names[i] = clean
		// No single entry may overflow the sum.
		packed += min(entry.CompressedSize64, 1<<40)
		unpacked += min(entry.UncompressedSize64, 1<<40)
	}
	if unpacked > maxUnpacked {
		return nil, engine.Fail("ValueError", "The archive would unpack to %d bytes, more than the %d allowed", unpacked, int64(maxUnpacked))
	}
	if unpacked > ratioFrom && unpacked > packed*maxRatio {
		return nil, engine.Fail("ValueError", "The archive would grow more than %d times when unpacked", maxRatio)
	}
	return names, nil
}

// unpack writes one entry. The size in the archive's directory was checked, so
// more bytes than it says are a lie.
func unpack(ctx context.Context, files engine.Files, entry *zip.File, to string) error {
	if err := makeParents(files, to); err != nil {
		return err
	}
	src, err := entry.Open()
	if err != nil {
		return engine.Fail("BadZipFile", "The archive entry %q cannot be read: %s", entry.Name, err)
	}
	defer src.Close()
	_, err = storeWith(files, to, engine.Truncate, func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(during{ctx, src}, int64(entry.UncompressedSize64)+1))
		switch {
		case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF):
			return engine.Fail("BadZipFile", "The archive entry %q is damaged", entry.Name)
		case err == nil && uint64(n) > entry.UncompressedSize64:
			return engine.Fail("BadZipFile", "The archive entry %q is larger than the archive says", entry.Name)
		}
		return err
	})
	return err
}

// readerAt reads at a place of a file that can only seek.
type readerAt struct {
	mu sync.Mutex
	f  io.ReadSeeker
}

func (r *readerAt) ReadAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.f.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(r.f, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
