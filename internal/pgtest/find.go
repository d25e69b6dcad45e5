package pgtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// oldest is the first major version that the product supports.
const oldest = 15

// binaries is the folder of the newest PostgreSQL of this machine, or "".
func binaries() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is well formed
	best, dir := 0, ""
	for _, path := range found {
		bin := filepath.Dir(path)
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
		if err == nil && version >= oldest && version > best {
			best, dir = version, bin
		}
	}
	if dir != "" {
		return dir
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

// bouncerBinary is PgBouncer's path, or "". Debian keeps it outside the PATH of
// everybody but root.
func bouncerBinary() string {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// missing ends a test that cannot run here: it is skipped, or fails with STRICT=1.
func missing(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv("STRICT") == "1" {
		tb.Fatalf("%s is missing and STRICT=1; run scripts/setup-test.sh", what)
	}
	tb.Skipf("%s is missing, so this was NOT tested; run scripts/setup-test.sh", what)
}
