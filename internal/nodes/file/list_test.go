package file_test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestListing(t *testing.T) {
	j := newJob(t, map[string]string{
		"d/b.txt": "", "d/a.txt": "", "d/c.csv": "", "d/.hidden.txt": "", "d/sub/e.txt": "", "d/sub/deep/f.txt": "", "file": "",
	})
	if err := os.Symlink("..", filepath.Join(j.dir, "d/sub/loop")); err != nil {
		t.Fatal(err)
	}
	list := func(paths ...any) []any {
		out := []any{}
		for _, p := range paths {
			out = append(out, "<dir>/d/"+p.(string))
		}
		return out
	}
	for _, tc := range []struct {
		name string
		cfg  cfg
		want []any
	}{
		{"all files, sorted", cfg{}, list(".hidden.txt", "a.txt", "b.txt", "c.csv")},
		{"pattern", cfg{"pattern": "*.csv"}, list("c.csv")},
		{"class", cfg{"pattern": "[ab].txt"}, list("a.txt", "b.txt")},
		{"negated class", cfg{"pattern": "[!ab.].*"}, list("c.csv")},
		{"question mark", cfg{"pattern": "?.txt"}, list("a.txt", "b.txt")},
		{"recursive does not follow links", cfg{"pattern": "*.txt", "recursive": true}, list(".hidden.txt", "a.txt", "b.txt", "sub/deep/f.txt", "sub/e.txt")},
		{"two stars", cfg{"pattern": "**/*.txt"}, list(".hidden.txt", "a.txt", "b.txt", "sub/deep/f.txt", "sub/e.txt")},
		{"folder in the pattern", cfg{"pattern": "s*/*.txt"}, list("sub/e.txt")},
		{"nothing", cfg{"pattern": "*.xyz"}, list()},
	} {
		tc.cfg["directory_path"] = "d"
		t.Run(tc.name, func(t *testing.T) {
			j := &job{t: t, dir: j.dir}
			j.want("ListFilesNode", tc.cfg, cfg{"files": tc.want, "count": len(tc.want), "success": true})
		})
	}
	j.want("ListDirectoryNode", cfg{"dir_path": "d", "pattern": "[!.]*"}, cfg{"items": list("a.txt", "b.txt", "c.csv", "sub"), "count": 4, "success": true})
	j.want("ListDirectoryNode", cfg{"dir_path": "d", "dirs_only": true}, cfg{"items": list("sub"), "count": 1, "success": true})
	j.want("ListDirectoryNode", cfg{"dir_path": "d", "files_only": true, "pattern": "*.csv"}, cfg{"items": list("c.csv"), "count": 1, "success": true})
	j.want("ListDirectoryNode", cfg{"dir_path": "d", "dirs_only": true, "recursive": true}, cfg{"items": list("sub", "sub/deep", "sub/loop"), "count": 3, "success": true})
	j.fails("ListFilesNode", cfg{"directory_path": "d", "pattern": "../*"}, "ValueError", "The pattern must not contain '..': ../*")
	j.fails("ListFilesNode", cfg{"directory_path": "d", "pattern": "/etc/*"}, "ValueError", "The pattern must be relative")
	j.fails("ListFilesNode", cfg{"directory_path": "none"}, "FileNotFoundError", "Directory not found: none")
	j.fails("ListFilesNode", cfg{"directory_path": "file"}, "NotADirectoryError", "Not a directory: file")
	j.fails("ListFilesNode", cfg{}, "ValueError", "directory_path is required")
}
