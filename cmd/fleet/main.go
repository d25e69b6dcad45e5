// Command fleet is the one program of the product. It turns signals into a
// cancelled context and leaves everything else to the command line's own room.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones by name also where the machine has no zone files: Windows, empty containers

	"github.com/casarerpa/fleet/internal/cli"
)

var version string // set by make build

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	std := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Version: version}
	os.Exit(cli.Main(ctx, os.Args[1:], std, os.Getenv))
}
