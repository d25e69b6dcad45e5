package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
)

// SourceSum is the sum over what the interface is built from: other sources give
// another. Types and tests cannot change what is built.
func SourceSum(source fs.FS) (string, error) {
	var names []string
	for _, root := range []string{"src", "public", "index.html", "vite.config.ts", "tsconfig.json", "package.json", "package-lock.json"} {
		err := fs.WalkDir(source, root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			base := path.Base(name)
			if !d.IsDir() && !strings.HasSuffix(base, ".d.ts") && !strings.Contains(base, ".test.") {
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("read the source of the web interface: %w", err)
		}
	}
	sort.Strings(names)
	all := sha256.New()
	for _, name := range names {
		if err := add(all, source, name); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// BuildSum is the text of dist/build.sum: the sum of the source, then one line
// for each file that was built.
func BuildSum(source, dist fs.FS) (string, error) {
	sum, err := SourceSum(source)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "source %s\n", sum)
	err = fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "build.sum" {
			return err
		}
		text, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), name)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("read what was built: %w", err)
	}
	return b.String(), nil
}

func add(all interface{ Write([]byte) (int, error) }, source fs.FS, name string) error {
	text, err := fs.ReadFile(source, name)
	if err != nil {
		return fmt.Errorf("read the source of the web interface: %w", err)
	}
	_, err = fmt.Fprintf(all, "%s %x\n", name, sha256.Sum256(text))
	return err
}
