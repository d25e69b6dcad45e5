// Command uisum writes web/dist/build.sum: of which source the committed web
// interface was built. It must not build anything itself.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/casarerpa/fleet/web"
)

func main() {
	if err := run("web"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	dist := filepath.Join(dir, "dist")
	text, err := web.BuildSum(os.DirFS(dir), os.DirFS(dist))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dist, "build.sum"), []byte(text), 0o644)
}
