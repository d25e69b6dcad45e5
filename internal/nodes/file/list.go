package file

import (
	"context"

	"github.com/casarerpa/fleet/internal/engine"
)

// listFiles gives the files of a folder that match a pattern.
func listFiles(ctx context.Context, c *engine.Call) (engine.Result, error) {
	return list(ctx, c, "files", []string{"directory_path", "dir_path", "path", "file_path"}, func(f found) bool {
		return f.info.Mode().IsRegular()
	})
}

// listDirectory gives files and folders.
func listDirectory(ctx context.Context, c *engine.Call) (engine.Result, error) {
	onlyFiles, onlyFolders := c.Bool("files_only"), c.Bool("dirs_only")
	return list(ctx, c, "items", []string{"dir_path", "directory_path", "path", "file_path"}, func(f found) bool {
		switch {
		case onlyFiles:
			return f.info.Mode().IsRegular()
		case onlyFolders:
			return f.info.IsDir()
		default:
			return true
		}
	})
}

func list(ctx context.Context, c *engine.Call, port string, names []string, keep func(found) bool) (engine.Result, error) {
	dir, err := need(c, names...)
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	root, err := files.Path(dir)
	if err != nil {
		return engine.Result{}, explain(err, dir)
	}
	info, err := files.Stat(dir)
	if err != nil {
		return engine.Result{}, engine.Fail("FileNotFoundError", "Directory not found: %s", dir)
	}
	if !info.IsDir() {
		return engine.Result{}, engine.Fail("NotADirectoryError", "Not a directory: %s", dir)
	}
	all, err := glob(ctx, files, root, c.Text("pattern"), c.Bool("recursive"))
	if err != nil {
		return engine.Result{}, err
	}
	paths := []any{}
	for _, f := range all {
		if keep(f) {
			paths = append(paths, f.path)
		}
	}
	c.Set(port, paths)
	c.Set("count", int64(len(paths)))
	return engine.Continue(), nil
}
