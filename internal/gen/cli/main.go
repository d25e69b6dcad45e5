// Command cli writes the reference page of the command line. It must not know
// a command itself: the grammar of internal/cli is the only source.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/casarerpa/fleet/internal/cli"
)

func main() {
	out := flag.String("o", "", "file to write; standard output if empty")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out string) error {
	page, err := cli.Reference()
	if err != nil {
		return err
	}
	if out == "" {
		_, err = fmt.Fprint(os.Stdout, page)
		return err
	}
	return os.WriteFile(out, []byte(page), 0o644)
}
