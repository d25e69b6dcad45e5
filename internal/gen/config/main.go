// Command config writes the reference page of all settings. It must not know a
// setting itself: the structs of internal/config are the only source.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/casarerpa/fleet/internal/config"
)

func main() {
	out := flag.String("o", "", "file to write; standard output if empty")
	limits := flag.Bool("limits", false, "write the page of limits instead")
	flag.Parse()
	page := config.Reference
	if *limits {
		page = config.LimitPage
	}
	if err := run(page, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(write func() (string, error), out string) error {
	page, err := write()
	if err != nil {
		return err
	}
	if out == "" {
		_, err = fmt.Fprint(os.Stdout, page)
		return err
	}
	return os.WriteFile(out, []byte(page), 0o644)
}
