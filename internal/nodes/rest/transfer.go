package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"path/filepath"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// smallUpload is the size up to which a file is sent from memory, because some
// servers want to know the length of a request.
const smallUpload = 8 << 20

func downloadNode(ctx context.Context, c *engine.Call) (engine.Result, error) {
	return download(ctx, c, true, false)
}

// download fetches a file. It is written beside its place and renamed at the
// end, so a broken transfer leaves an old file as it was.
func download(ctx context.Context, c *engine.Call, overwrite, withStatus bool) (engine.Result, error) {
	x, err := newExchange(c, "GET", 300, 2)
	if err != nil {
		return engine.Result{}, err
	}
	name, err := need(c, "save_path")
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	path, err := files.Path(name)
	if err != nil {
		return engine.Result{}, explainFile(err, name)
	}
	if _, err := files.Stat(name); err == nil && !c.Flag("overwrite", overwrite) {
		return engine.Result{}, engine.Fail("FileExistsError", "File already exists: %s", name)
	}
	if dir := filepath.Dir(name); dir != "." && c.Flag("create_dirs", true) {
		if info, err := files.Stat(dir); err != nil || !info.IsDir() {
			if err := files.Mkdir(dir, true); err != nil {
				return engine.Result{}, explainFile(err, dir)
			}
		}
	}
	part := fmt.Sprintf("%s.%08x.part", name, c.Host().Rand().Uint32())
	var size int64
	status := 0
	err = x.send(ctx, c, func(r *engine.Response) (err error) {
		if status = r.Status; status != 200 {
			return engine.Fail("HTTPError", "Download failed: HTTP %d", status)
		}
		size, err = save(files, part, r.Body)
		return err
	})
	if err == nil {
		err = explainFile(files.Rename(part, name), name)
	}
	if withStatus {
		c.Set("status_code", int64(status))
	}
	if err != nil {
		_ = files.Remove(part) // half a file helps nobody
		return engine.Result{}, err
	}
	c.Set("file_path", path)
	c.Set("file_size", size)
	c.Set("success", true)
	c.Set("error", "")
	return engine.Continue(), nil
}

// save copies a body into a file and tells errors of the disk from those of
// the connection, which are worth another try.
func save(files engine.Files, name string, body io.Reader) (int64, error) {
	f, err := files.Open(name, engine.Truncate)
	if err != nil {
		return 0, &localError{explainFile(err, name)}
	}
	to := &diskWriter{w: f}
	n, err := io.Copy(to, body)
	if closing := f.Close(); closing != nil && err == nil {
		to.err = closing
	}
	if to.err != nil {
		return n, &localError{explainFile(to.err, name)}
	}
	return n, err
}

type diskWriter struct {
	w   io.Writer
	err error
}

func (d *diskWriter) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.err = err
	return n, err
}

// upload posts a file and further fields as a multipart form.
func upload(ctx context.Context, c *engine.Call) (engine.Result, error) {
	x, err := newExchange(c, "POST", 300, 2)
	if err != nil {
		return engine.Result{}, err
	}
	if err := x.attach(c); err != nil {
		return engine.Result{}, err
	}
	a, err := x.fetch(ctx, c)
	if err != nil {
		return engine.Result{}, err
	}
	return engine.Continue(), a.report(c, "", false)
}

// attach makes the body of an upload: what stands before the file, the file,
// and what stands behind it.
func (x *exchange) attach(c *engine.Call) error {
	name, err := need(c, "file_path")
	if err != nil {
		return err
	}
	field := c.Text("field_name")
	if field == "" {
		field = "file"
	}
	extra, err := c.Object("extra_fields")
	if err != nil {
		return err
	}
	files := c.Host().Files()
	info, err := files.Stat(name)
	if err != nil {
		return explainFile(err, name)
	}
	if info.IsDir() {
		return engine.Fail("IsADirectoryError", "Is a directory: %s", name)
	}
	var frame bytes.Buffer
	w := multipart.NewWriter(&frame)
	for k, v := range extra.All() {
		if err := w.WriteField(k, value.Str(v)); err != nil {
			return fmt.Errorf("write field %s: %w", k, err)
		}
	}
	if _, err := w.CreateFormFile(field, filepath.Base(filepath.ToSlash(name))); err != nil {
		return fmt.Errorf("write field %s: %w", field, err)
	}
	before := frame.Len()
	if err := w.Close(); err != nil {
		return fmt.Errorf("end the form: %w", err)
	}
	head, foot := frame.Bytes()[:before], frame.Bytes()[before:]
	// A type in the settings would lack the boundary.
	x.header["Content-Type"] = []string{w.FormDataContentType()}
	if info.Size() <= smallUpload {
		data, err := readFile(files, name)
		if err != nil {
			return err
		}
		x.body = bytes.Join([][]byte{head, data, foot}, nil)
		return nil
	}
	x.stream = func() (io.ReadCloser, error) {
		f, err := files.Open(name, engine.Read)
		if err != nil {
			return nil, explainFile(err, name)
		}
		return &parts{io.MultiReader(bytes.NewReader(head), f, bytes.NewReader(foot)), f}, nil
	}
	return nil
}

type parts struct {
	io.Reader
	io.Closer
}

func readFile(files engine.Files, name string) ([]byte, error) {
	f, err := files.Open(name, engine.Read)
	if err != nil {
		return nil, explainFile(err, name)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 2*smallUpload))
	return data, explainFile(err, name)
}

// explainFile words an error of the file system for the author of the workflow.
func explainFile(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return engine.Fail("FileNotFoundError", "File not found: %s", name)
	case errors.Is(err, fs.ErrPermission):
		return engine.Fail("PermissionError", "Permission denied: %s", name)
	default:
		return err
	}
}
