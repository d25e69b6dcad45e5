package file

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// zipFiles makes an archive of a folder, of what a pattern finds, of one file,
// or of a list of files.
func zipFiles(ctx context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "zip_path", "file_path")
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	target, err := files.Path(name)
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	sources, base, err := zipSources(ctx, c, files)
	if err != nil {
		return engine.Result{}, err
	}
	members, err := zipMembers(files, sources, base, target)
	if err != nil {
		return engine.Result{}, err
	}
	if len(members) == 0 {
		return engine.Result{}, engine.Fail("ValueError",
			"No files to zip: source_path names no file, folder or pattern that matches, and the list of files is empty")
	}
	if err := makeParents(files, name); err != nil {
		return engine.Result{}, err
	}
	method := zip.Deflate
	if c.Text("compression") == "ZIP_STORED" {
		method = zip.Store
	}
	path, err := storeWith(files, name, engine.Truncate, func(w io.Writer) error {
		return writeZip(ctx, files, w, members, method)
	})
	if err != nil {
		_ = files.Remove(name) // half an archive helps nobody
		return engine.Result{}, err
	}
	c.Set("zip_path", path)
	c.Set("file_count", int64(len(members)))
	return engine.Continue(), nil
}

// zipSources finds the absolute paths to pack and the folder that their names
// in the archive are relative to ("" for none).
func zipSources(ctx context.Context, c *engine.Call, files engine.Files) (paths []string, base string, err error) {
	if base = c.Text("base_dir"); base != "" {
		if base, err = files.Path(base); err != nil {
			return nil, "", explain(err, c.Text("base_dir"))
		}
	}
	listed, err := listParam(c, "files")
	if err != nil {
		return nil, "", err
	}
	for _, item := range listed {
		path, err := files.Path(value.Str(item))
		if err != nil {
			return nil, "", explain(err, value.Str(item))
		}
		paths = append(paths, path)
	}
	source := c.Text("source_path")
	if len(paths) > 0 || source == "" {
		return paths, base, nil
	}
	if info, err := files.Stat(source); err == nil {
		path, err := files.Path(source)
		if err != nil || !info.IsDir() {
			return []string{path}, base, explain(err, source)
		}
		if base == "" {
			base = path
		}
		return globbed(ctx, files, path, "**/*", base)
	}
	fixed, pattern := splitPattern(source)
	if pattern == "" {
		return nil, "", engine.Fail("FileNotFoundError", "source_path not found: %s", source)
	}
	root, err := files.Path(fixed)
	if err != nil {
		return nil, "", explain(err, source)
	}
	if base == "" {
		base = root
	}
	return globbed(ctx, files, root, pattern, base)
}

func globbed(ctx context.Context, files engine.Files, root, pattern, base string) (paths []string, _ string, err error) {
	all, err := glob(ctx, files, root, pattern, false)
	for _, f := range all {
		if f.info.Mode().IsRegular() {
			paths = append(paths, f.path)
		}
	}
	return paths, base, err
}

// splitPattern cuts a path before its first part with a wildcard.
func splitPattern(source string) (dir, pattern string) {
	parts := strings.Split(filepath.ToSlash(source), "/")
	for i, part := range parts {
		if strings.ContainsAny(part, "*?[") {
			dir = strings.Join(parts[:i], "/")
			switch {
			case dir == "" && i > 0:
				dir = "/"
			case dir == "":
				dir = "."
			}
			return dir, strings.Join(parts[i:], "/")
		}
	}
	return source, ""
}

// member is one file and its name in the archive.
type member struct{ path, name string }

// zipMembers gives every file its name. Two files under one name are refused:
// unpacking would keep only the second.
func zipMembers(files engine.Files, paths []string, base, target string) ([]member, error) {
	var members []member
	taken := map[string]string{}
	for _, path := range paths {
		if path == target {
			continue // the archive of an earlier run is not a part of itself
		}
		info, err := files.Stat(path)
		if err != nil {
			return nil, explain(err, path)
		}
		if info.IsDir() {
			return nil, engine.Fail("IsADirectoryError", "Is a directory: %s", path)
		}
		name := filepath.Base(path)
		if base != "" {
			if rel, err := filepath.Rel(base, path); err == nil && filepath.IsLocal(rel) {
				name = filepath.ToSlash(rel)
			}
		}
		if other, twice := taken[name]; twice {
			return nil, engine.Fail("ValueError",
				"%s and %s would both be %s in the archive; set base_dir to keep their folders", other, path, name)
		}
		taken[name] = path
		members = append(members, member{path, name})
	}
	return members, nil
}

func writeZip(ctx context.Context, files engine.Files, w io.Writer, members []member, method uint16) error {
	archive := zip.NewWriter(w)
	for _, m := range members {
		if err := addMember(ctx, files, archive, m, method); err != nil {
			return err
		}
	}
	return archive.Close()
}

func addMember(ctx context.Context, files engine.Files, archive *zip.Writer, m member, method uint16) error {
	f, err := files.Open(m.path, engine.Read)
	if err != nil {
		return explain(err, m.path)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return explain(err, m.path)
	}
	header, err := zip.FileInfoHeader(info)
	if err != nil {
		return fmt.Errorf("describe %s: %w", m.path, err)
	}
	header.Name, header.Method = m.name, method
	to, err := archive.CreateHeader(header)
	if err != nil {
		return fmt.Errorf("add %s: %w", m.name, err)
	}
	_, err = io.Copy(to, during{ctx, f})
	return err
}
