package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/casarerpa/fleet/internal/config"
)

// Streams are what a process has besides its arguments.
type Streams struct {
	In      io.Reader
	Out     io.Writer
	Err     io.Writer
	Version string // of the build; empty: what the Go toolchain knows
}

// Main runs one command to its end and returns the exit code of the process.
// It stops soon after ctx ends. It may be called many times in one process.
func Main(ctx context.Context, args []string, std Streams, getenv func(string) string) int {
	sh := newShell(std, getenv)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	left := false // kong wanted to end the process, after showing help
	parser, err := newParser(sh, getenv, func(int) { left = true })
	if err != nil {
		return sh.fail(err)
	}
	parsed, err := parser.Parse(args)
	switch {
	case left:
		return exitOK
	case err != nil:
		return sh.fail(usage(err))
	}
	sh.verbose = sh.root.Verbose
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.Bind(sh)
	err = parsed.Run()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return exitInterrupted
	}
	return sh.fail(err)
}

// newParser builds the command line of the program.
func newParser(sh *shell, getenv func(string) string, exit func(int)) (*kong.Kong, error) {
	options, err := config.Options(getenv)
	if err != nil {
		return nil, err
	}
	root := &commands{}
	sh.root = root
	return kong.New(root, append(options,
		kong.Name("fleet"), kong.Description(about), kong.Exit(exit), kong.Writers(sh.out, sh.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.ValueFormatter(plainHelp),
	)...)
}

// plainHelp leaves the names of environment variables to the reference page:
// in a terminal they double the length of every line.
func plainHelp(v *kong.Value) string { return v.Help }

// shell is what commands know of the process around them.
type shell struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	version  string
	terminal bool // err is a terminal: bars may move
	paint    bool // out is a terminal that may have colours
	paintErr bool
	width    int // of the terminal; 80 where there is none
	verbose  bool
	root     *commands
	lines    *bufio.Reader // of standard input
}

func newShell(std Streams, getenv func(string) string) *shell {
	sh := &shell{in: std.In, out: std.Out, err: std.Err, getenv: getenv, version: std.Version, width: 80}
	plain := getenv("NO_COLOR") != "" || getenv("TERM") == "dumb"
	if fd, ok := terminal(std.Err); ok {
		sh.terminal = getenv("TERM") != "dumb"
		sh.paintErr = !plain
		if w, _, err := term.GetSize(fd); err == nil && w > 20 {
			sh.width = w
		}
	}
	if _, ok := terminal(std.Out); ok {
		sh.paint = !plain
	}
	if sh.version == "" {
		sh.version = buildVersion()
	}
	return sh
}

// terminal says whether a stream is one.
func terminal(w io.Writer) (fd int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile {
		return 0, false
	}
	fd = int(f.Fd()) //nolint:gosec // a descriptor fits
	return fd, term.IsTerminal(fd)
}

// usage gives errors of the command line itself a form like all others.
func usage(err error) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	path := "fleet"
	if parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			path = "fleet " + commandPath(node)
		}
	}
	return &usageError{err: err, help: path + " --help"}
}

// commandPath is a node's path without its arguments.
func commandPath(node *kong.Node) string {
	var words []string
	for n := node; n != nil && n.Type != kong.ApplicationNode; n = n.Parent {
		if n.Type == kong.CommandNode {
			words = append([]string{n.Name}, words...)
		}
	}
	return strings.Join(words, " ")
}
