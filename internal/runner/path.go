package runner

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
)

// expandEnv replaces $NAME, ${NAME} and %NAME% by what lookup knows. Unknown
// names stay as written, so that a file called "100%" keeps its name.
func expandEnv(s string, lookup func(string) (string, bool)) string {
	if !strings.ContainsAny(s, "$%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		name, width := envReference(s[i:])
		if width > 0 {
			if v, ok := lookup(name); ok {
				b.WriteString(v)
				i += width
				continue
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// envReference reads a reference at the start of s: its name and length.
func envReference(s string) (string, int) {
	switch s[0] {
	case '%':
		if end := strings.IndexByte(s[1:], '%'); end > 0 && isName(s[1:1+end]) {
			return s[1 : 1+end], end + 2
		}
	case '$':
		if strings.HasPrefix(s, "${") {
			if end := strings.IndexByte(s, '}'); end > 2 && isName(s[2:end]) {
				return s[2:end], end + 1
			}
			return "", 0
		}
		end := 1
		for end < len(s) && isName(s[1:end+1]) {
			end++
		}
		if end > 1 {
			return s[1:end], end
		}
	}
	return "", 0
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// cleanName applies the rules that hold for every name before any folder is
// looked at: references to the environment, NUL, "..", device names, and the
// backslashes of workflows drawn on Windows.
func cleanName(name string, lookup func(string) (string, bool)) (string, error) {
	s := expandEnv(name, lookup)
	if s == "" {
		return "", engine.Fail("ValueError", "A file name is needed, not an empty text")
	}
	if strings.ContainsRune(s, 0) {
		return "", engine.Fail("ValueError", "The file name contains a NUL character")
	}
	if len(s) > 4096 {
		return "", engine.Fail("OSError", "The file name is longer than 4096 bytes")
	}
	if runtime.GOOS != "windows" {
		if len(s) > 2 && s[1] == ':' && (s[2] == '\\' || s[2] == '/') {
			return "", engine.Fail("PermissionError",
				"Path %q names a Windows drive, which this machine does not have", name)
		}
		s = strings.ReplaceAll(s, `\`, "/")
	}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == ".." {
			return "", engine.Fail("PermissionError", "Path %q is refused: it contains \"..\"", name)
		}
		if isDevice(part) {
			return "", engine.Fail("PermissionError", "Path %q is refused: %s is a device name on Windows", name, part)
		}
	}
	return filepath.Clean(s), nil
}

// isDevice knows the names that Windows gives to devices in every folder, with
// any extension. They are refused everywhere, since workflows travel.
func isDevice(part string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(part), ".")
	switch base = strings.TrimRight(base, " "); base {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "COM") || strings.HasPrefix(base, "LPT")) &&
		base[3] >= '1' && base[3] <= '9'
}

// within returns path relative to root, if it lies inside.
func within(root, path string) (string, bool) {
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(os.PathSeparator)) {
		return "", false
	}
	return rel, true
}
