package law

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)
	adr  = regexp.MustCompile(`\bADR-(\d{4})\b`)
)

// TestLinks follows every relative link of the documents in the tree.
func TestLinks(t *testing.T) {
	pages := 0
	walk(t, ".md", func(path string, text string) {
		pages++
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(target))); err != nil {
				t.Errorf("%s: link to %s leads nowhere", path, target)
			}
		}
	})
	if pages < 5 {
		t.Errorf("only %d documents found", pages)
	}
}

// TestDecisions checks that every decision that code or text cites is written
// down, and that each record has its four parts.
func TestDecisions(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "docs", "adr", "[0-9]*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no decisions found: %v", err)
	}
	known := map[string]string{}
	for _, f := range files {
		number := filepath.Base(f)[:4]
		if other, taken := known[number]; taken {
			t.Errorf("%s and %s have one number", other, filepath.Base(f))
		}
		known[number] = filepath.Base(f)
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"## Context", "## Decision", "## Consequences", "## What would change our mind"} {
			if !strings.Contains(string(text), part+"\n") {
				t.Errorf("%s has no part %q", filepath.Base(f), part)
			}
		}
	}
	for _, ext := range []string{".go", ".md"} {
		walk(t, ext, func(path string, text string) {
			for _, m := range adr.FindAllStringSubmatch(text, -1) {
				if known[m[1]] == "" {
					t.Errorf("%s cites %s, which docs/adr does not hold", path, m[0])
				}
			}
		})
	}
}

// walk visits the files of the tree that end in ext, hidden and vendored folders left out.
func walk(t *testing.T, ext string, visit func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || name == "testdata" || name == "bin" || (strings.HasPrefix(name, ".") && len(name) > 1) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ext {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		visit(path, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
