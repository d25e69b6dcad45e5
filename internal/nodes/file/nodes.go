// Package file holds the nodes that work on files and folders: reading and
// writing text, listing and moving, CSV and JSON files, zip archives, pictures.
//
// The nodes touch files through the job's [engine.Files] alone, so that the
// robot's policy decides what a name may mean; the package must not import os
// or the network. They hold no state.
//
// Guarantees: a node fails rather than reading more than [maxContent] into a
// variable, lists are sorted, outputs name files by absolute paths, and an
// archive can neither write outside its target nor grow without bound.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/casarerpa/fleet/internal/charset"
	"github.com/casarerpa/fleet/internal/engine"
)

// maxContent is how much of a file may become a value: as much as all
// variables of a run may hold together.
const maxContent = 64 << 20

// Nodes returns the behaviour of every node type of the family.
func Nodes() engine.Set {
	set := engine.Set{
		"FileSystemSuperNode":     byAction(fileActions(), "Read File"),
		"StructuredDataSuperNode": byAction(dataActions(), "Read CSV"),
		"WriteFileNode":           reporting(attaching(writeFile, "file_path")),
		"WriteCSVNode":            reporting(attaching(writeCSV, "file_path")),
		"WriteJSONFileNode":       reporting(attaching(writeJSON, "file_path")),
		"ZipFilesNode":            reporting(attaching(zipFiles, "zip_path")),
		// It has no output that says success.
		"FileExistsNode": engine.Func(fileExists),
	}
	for name, run := range map[string]engine.Func{
		"ReadFileNode":        readFile,
		"AppendFileNode":      appendFile,
		"DeleteFileNode":      deleteFile,
		"CopyFileNode":        copyFile,
		"MoveFileNode":        moveFile,
		"CreateDirectoryNode": createDirectory,
		"ListDirectoryNode":   listDirectory,
		"ListFilesNode":       listFiles,
		"GetFileSizeNode":     fileSize,
		"GetFileInfoNode":     fileInfo,
		"ReadCSVNode":         readCSV,
		"ReadJSONFileNode":    readJSON,
		"UnzipFilesNode":      unzipFiles,
		"ImageConvertNode":    convertImages,
	} {
		set[name] = reporting(run)
	}
	return set
}

// reporting also keeps the output success.
func reporting(run engine.Func) engine.Func {
	return func(ctx context.Context, c *engine.Call) (engine.Result, error) {
		result, err := run(ctx, c)
		c.Set("success", err == nil)
		return result, err
	}
}

// attaching repeats the path at output port as the list that mail nodes take.
// Super nodes do not have this output.
func attaching(run engine.Func, port string) engine.Func {
	return func(ctx context.Context, c *engine.Call) (engine.Result, error) {
		result, err := run(ctx, c)
		if path, ok := c.Output(port); ok && err == nil {
			c.Set("attachment_file", []any{path})
		}
		return result, err
	}
}

// need reads a text that must not be empty; the first name that has one wins.
func need(c *engine.Call, names ...string) (string, error) {
	for _, name := range names {
		if text := c.Text(name); text != "" {
			return text, nil
		}
	}
	return "", engine.Fail("ValueError", "%s is required", names[0])
}

// coding reads the two settings that say how text becomes bytes.
func coding(c *engine.Call) (charset.Encoding, charset.Mode, error) {
	enc, err := charset.Lookup(c.Text("encoding"))
	if err != nil {
		return enc, "", err
	}
	mode, err := charset.CheckMode(c.Text("errors"))
	return enc, mode, err
}

// explain words an error of the file system for the author of the workflow.
func explain(err error, name string) error {
	var told *engine.Failure
	switch {
	case err == nil || errors.As(err, &told):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return engine.Fail("FileNotFoundError", "File not found: %s", name)
	case errors.Is(err, fs.ErrExist):
		return engine.Fail("FileExistsError", "File already exists: %s", name)
	case errors.Is(err, fs.ErrPermission):
		return engine.Fail("PermissionError", "Permission denied: %s", name)
	default:
		return &engine.Failure{Type: "OSError", Message: err.Error(), Class: engine.ClassApplication}
	}
}

// makeParents creates the folder that a file will stand in.
func makeParents(files engine.Files, name string) error {
	dir := filepath.Dir(name)
	if dir == "." || dir == string(filepath.Separator) {
		return nil
	}
	return makeFolder(files, dir)
}

func makeFolder(files engine.Files, dir string) error {
	if info, err := files.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	return explain(files.Mkdir(dir, true), dir)
}

// load reads a whole file, at most limit bytes of it or maxContent.
func load(ctx context.Context, files engine.Files, name string, limit int64) ([]byte, error) {
	info, err := files.Stat(name)
	if err != nil {
		return nil, explain(err, name)
	}
	if info.IsDir() {
		return nil, engine.Fail("IsADirectoryError", "Is a directory: %s", name)
	}
	if limit <= 0 || limit > maxContent {
		limit = maxContent
	}
	f, err := files.Open(name, engine.Read)
	if err != nil {
		return nil, explain(err, name)
	}
	defer f.Close()
	// The size may be wrong for files that grow or are no plain files.
	data, err := io.ReadAll(io.LimitReader(during{ctx, f}, limit+1))
	if err != nil {
		return nil, explain(err, name)
	}
	if size := max(int64(len(data)), info.Size()); size > limit {
		return nil, engine.Fail("ValueError", "File size (%d bytes) exceeds limit (%d bytes): %s", size, limit, name)
	}
	return data, nil
}

// store writes a whole file and returns its absolute path.
func store(files engine.Files, name string, mode engine.OpenMode, data []byte) (string, error) {
	return storeWith(files, name, mode, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// storeWith writes a file through fill. The error of the close counts too: it
// is where a full disk may show.
func storeWith(files engine.Files, name string, mode engine.OpenMode, fill func(io.Writer) error) (string, error) {
	path, err := files.Path(name)
	if err != nil {
		return "", explain(err, name)
	}
	f, err := files.Open(name, mode)
	if err != nil {
		return "", explain(err, name)
	}
	err = fill(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return "", explain(fmt.Errorf("write %s: %w", name, err), name)
	}
	return path, nil
}

// during is a reader that ends with its context, for long copies.
type during struct {
	ctx context.Context
	r   io.Reader
}

func (d during) Read(p []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	return d.r.Read(p)
}
