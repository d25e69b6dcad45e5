package file

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
)

// anyDepth is the pattern part that stands for any number of folders.
const anyDepth = "**"

// glob finds what matches pattern below the folder root, sorted by path. The
// patterns are those of pathlib: * ? [..] within a name, ** for any depth.
func glob(ctx context.Context, files engine.Files, root, pattern string, recursive bool) ([]found, error) {
	pattern = filepath.ToSlash(pattern)
	if pattern == "" {
		pattern = "*"
	}
	parts := slices.DeleteFunc(strings.Split(pattern, "/"), func(p string) bool { return p == "" || p == "." })
	switch {
	case strings.HasPrefix(pattern, "/"):
		return nil, engine.Fail("ValueError", "The pattern must be relative: %s", pattern)
	case slices.Contains(parts, ".."):
		return nil, engine.Fail("ValueError", "The pattern must not contain '..': %s", pattern)
	}
	if recursive {
		parts = append([]string{anyDepth}, parts...)
	}
	w := walker{ctx: ctx, files: files, seen: map[string]bool{}}
	if err := w.walk(root, parts); err != nil {
		return nil, err
	}
	slices.SortFunc(w.found, func(a, b found) int { return strings.Compare(a.path, b.path) })
	return w.found, nil
}

// found is one match; links count as what they point to.
type found struct {
	path string
	info fs.FileInfo
}

type walker struct {
	ctx   context.Context
	files engine.Files
	seen  map[string]bool // two ** reach the same file by several ways
	found []found
}

func (w *walker) walk(dir string, parts []string) error {
	if len(parts) == 0 {
		return nil
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	entries, err := w.files.ReadDir(dir)
	if err != nil {
		return explain(err, dir)
	}
	if parts[0] == anyDepth {
		return w.deep(dir, entries, parts)
	}
	for _, entry := range entries {
		if !matches(parts[0], entry.Name()) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if len(parts) == 1 {
			w.add(path)
			continue
		}
		if info, err := w.files.Stat(path); err == nil && info.IsDir() {
			if err := w.walk(path, parts[1:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// deep goes on in this folder and in every one below it. Links to folders are
// not followed, or a link to a parent would never end.
func (w *walker) deep(dir string, entries []fs.DirEntry, parts []string) error {
	rest := parts[1:]
	if len(rest) == 0 {
		rest = []string{"*"}
	}
	if err := w.walk(dir, rest); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := w.walk(filepath.Join(dir, entry.Name()), parts); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walker) add(path string) {
	if w.seen[path] {
		return
	}
	w.seen[path] = true
	// A file that vanished meanwhile, or a broken link, is no match.
	if info, err := w.files.Stat(path); err == nil {
		w.found = append(w.found, found{path, info})
	}
}

// matches is fnmatch: * and ? stand for any characters, also for a dot at the
// start; [abc], [a-z] and [!a] stand for one.
func matches(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(n) {
		if i < len(p) && p[i] == '*' {
			star, mark = i, j
			i++
			continue
		}
		if next, ok := matchOne(p, i, n[j]); ok {
			i, j = next, j+1
			continue
		}
		if star < 0 {
			return false
		}
		// Let the last star take one character more.
		mark++
		i, j = star+1, mark
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// matchOne matches one character and returns where the pattern goes on.
func matchOne(p []rune, i int, r rune) (next int, ok bool) {
	if i >= len(p) {
		return i, false
	}
	switch p[i] {
	case '?':
		return i + 1, true
	case '[':
		if end := classEnd(p, i); end > 0 {
			return end + 1, inClass(p[i+1:end], r)
		}
	}
	return i + 1, p[i] == r
}

// classEnd finds the bracket that closes the one at i; a bracket that comes
// first is a member.
func classEnd(p []rune, i int) int {
	j := i + 1
	if j < len(p) && p[j] == '!' {
		j++
	}
	if j < len(p) && p[j] == ']' {
		j++
	}
	for ; j < len(p); j++ {
		if p[j] == ']' {
			return j
		}
	}
	return -1
}

func inClass(class []rune, r rune) bool {
	negate := len(class) > 0 && class[0] == '!'
	if negate {
		class = class[1:]
	}
	for i := 0; i < len(class); i++ {
		low, high := class[i], class[i]
		if i+2 < len(class) && class[i+1] == '-' {
			high = class[i+2]
			i += 2
		}
		if r >= low && r <= high {
			return !negate
		}
	}
	return negate
}
