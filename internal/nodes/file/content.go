package file

import (
	"context"

	"github.com/casarerpa/fleet/internal/charset"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// readFile gives the contents of a file as text, or as bytes in binary mode.
// The size is the one on disk in both cases.
func readFile(ctx context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return engine.Result{}, err
	}
	limit, err := c.Int("max_size", 0)
	if err != nil {
		return engine.Result{}, err
	}
	data, err := load(ctx, c.Host().Files(), name, limit)
	if err != nil {
		return engine.Result{}, err
	}
	if c.Bool("binary_mode") {
		c.Set("content", data)
	} else {
		enc, mode, err := coding(c)
		if err != nil {
			return engine.Result{}, err
		}
		text, err := enc.Decode(data, mode)
		if err != nil {
			return engine.Result{}, err
		}
		c.Set("content", charset.Universal(text))
	}
	c.Set("size", int64(len(data)))
	return engine.Continue(), nil
}

// writeFile replaces a file, or adds to it in append mode.
func writeFile(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return engine.Result{}, err
	}
	mode := engine.Truncate
	if c.Bool("append_mode") {
		mode = engine.Append
	}
	return put(c, name, mode, c.Flag("create_dirs", true))
}

// appendFile adds to the end of a file.
func appendFile(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return engine.Result{}, err
	}
	if !c.Flag("create_if_missing", true) {
		if _, err := c.Host().Files().Stat(name); err != nil {
			return engine.Result{}, explain(err, name)
		}
	}
	return put(c, name, engine.Append, false)
}

func put(c *engine.Call, name string, mode engine.OpenMode, parents bool) (engine.Result, error) {
	data, err := content(c)
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	if parents {
		if err := makeParents(files, name); err != nil {
			return engine.Result{}, err
		}
	}
	path, err := store(files, name, mode, data)
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("file_path", path)
	c.Set("bytes_written", int64(len(data)))
	return engine.Continue(), nil
}

// content is what a node is asked to write. Values that count as false write
// nothing, so a 0 is an empty file, as it always was.
func content(c *engine.Call) ([]byte, error) {
	v := c.Param("content")
	if raw, ok := v.([]byte); ok {
		return raw, nil
	}
	if !value.Truthy(v) {
		v = ""
	}
	enc, mode, err := coding(c)
	if err != nil {
		return nil, err
	}
	return enc.Encode(value.Str(v), mode)
}
