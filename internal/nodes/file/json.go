package file

import (
	"context"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// readJSON gives the value that a JSON file holds.
func readJSON(ctx context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return engine.Result{}, err
	}
	text, err := loadText(ctx, c, name)
	if err != nil {
		return engine.Result{}, err
	}
	data, err := value.Loads(text)
	if err != nil {
		return engine.Result{}, engine.Fail("JSONDecodeError", "Invalid JSON: %s", err)
	}
	c.Set("data", data)
	return engine.Continue(), nil
}

// writeJSON writes a value as Python's json.dump does.
func writeJSON(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return engine.Result{}, err
	}
	indent, err := c.Int("indent", 2)
	if err != nil {
		return engine.Result{}, err
	}
	if indent <= 0 || indent > 64 {
		indent = min(indent, 64)
		if indent == 0 {
			indent = -1
		}
	}
	text, err := value.Dumps(value.Plain(c.Param("data")), value.Options{
		Indent: int(indent), EnsureASCII: c.Bool("ensure_ascii"),
	})
	if err != nil {
		return engine.Result{}, err
	}
	path, err := storeText(c, name, text)
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("file_path", path)
	return engine.Continue(), nil
}
