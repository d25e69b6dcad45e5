package process

import (
	"context"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

// watchEvery is how often a watched folder is looked at. Looking works on every
// file system, network shares included, where notices of the kernel do not.
const watchEvery = 250 * time.Millisecond

// mark is what tells that a file changed.
type mark struct {
	size     int64
	modified time.Time
}

// watch waits until a file is created, modified or deleted. Time running out is
// an answer.
func watch(ctx context.Context, c *engine.Call) (engine.Result, error) {
	name := c.Text("watch_path")
	if name == "" {
		return engine.Result{}, engine.Fail("ValueError", "watch_path is required")
	}
	wanted := c.Text("events")
	switch wanted {
	case "":
		wanted = "all"
	case "create", "modify", "delete", "all":
	default:
		return engine.Result{}, engine.Fail("ValueError", "Unknown events: %s", wanted)
	}
	limit, err := c.Float("timeout", 30)
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	path, err := files.Path(name)
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	if _, err := files.Stat(name); err != nil {
		return engine.Result{}, engine.Fail("FileNotFoundError", "Path does not exist: %s", name)
	}
	recursive := c.Bool("recursive")
	event, file, err := await(ctx, files, path, recursive, wanted, time.Duration(min(max(limit, 0.001), 3600)*float64(time.Second)))
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("event_type", event)
	c.Set("file_path", file)
	c.Set("triggered", event != "")
	c.Set("timed_out", event == "")
	return engine.Continue(), nil
}

func await(ctx context.Context, files engine.Files, path string, recursive bool, wanted string, limit time.Duration) (event, file string, err error) {
	before, err := look(ctx, files, path, recursive)
	if err != nil {
		return "", "", err
	}
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for over := false; ; {
		select {
		case <-tick.C:
		case <-deadline.C:
			over = true // what happened since the last look still counts
		case <-ctx.Done():
			return "", "", context.Cause(ctx)
		}
		now, err := look(ctx, files, path, recursive)
		if err != nil {
			return "", "", err
		}
		if event, file = difference(before, now, wanted); event != "" || over {
			return event, file, nil
		}
		before = now
	}
}

// difference finds the first event of the wanted kind, by path.
func difference(before, now map[string]mark, wanted string) (event, file string) {
	all := maps.Clone(before)
	maps.Copy(all, now)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		old, was := before[path]
		fresh, is := now[path]
		kind, name := "", ""
		switch {
		case !was:
			kind, name = "create", "created"
		case !is:
			kind, name = "delete", "deleted"
		case old != fresh:
			kind, name = "modify", "modified"
		}
		if kind != "" && (wanted == "all" || wanted == kind) {
			return name, path
		}
	}
	return "", ""
}

// look notes every file at or below path. A path that is gone holds nothing.
func look(ctx context.Context, files engine.Files, path string, recursive bool) (map[string]mark, error) {
	marks := map[string]mark{}
	err := files.Walk(path, func(at string, d fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			return nil // a file that vanished meanwhile is seen as gone the next time
		}
		if d.IsDir() {
			if at != path && !recursive {
				return fs.SkipDir
			}
			return nil
		}
		if info, err := d.Info(); err == nil {
			if !filepath.IsAbs(at) {
				at = filepath.Join(path, strings.TrimPrefix(at, path))
			}
			marks[at] = mark{info.Size(), info.ModTime()}
		}
		return nil
	})
	return marks, err
}
