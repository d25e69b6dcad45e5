package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/casarerpa/fleet/fleet"
)

// ask reads a line.
func (s *shell) ask(prompt string) (string, error) {
	if s.asksHere() {
		fmt.Fprint(s.err, prompt)
	}
	return s.line()
}

// askSecret reads a line that is not shown while it is typed.
func (s *shell) askSecret(prompt string) (string, error) {
	f, ok := s.in.(*os.File)
	if !ok || !s.asksHere() {
		return s.line()
	}
	fmt.Fprint(s.err, prompt)
	text, err := term.ReadPassword(int(f.Fd())) //nolint:gosec // a descriptor fits
	fmt.Fprintln(s.err)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(text), nil
}

// newPassword asks twice where somebody types it.
func (s *shell) newPassword() (string, error) {
	first, err := s.askSecret(fmt.Sprintf("New password, at least %d characters: ", fleet.MinPassword))
	if err != nil || !s.asksHere() {
		return first, err
	}
	second, err := s.askSecret("Once more: ")
	if err == nil && first != second {
		err = fleet.Invalid("password", "The two passwords are not the same.")
	}
	return first, err
}

// asksHere says whether somebody sits in front of standard input.
func (s *shell) asksHere() bool {
	f, ok := s.in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) //nolint:gosec // a descriptor fits
}

// maxLine bounds a line of standard input.
const maxLine = 4096

// line reads one line of standard input and nothing after it.
func (s *shell) line() (string, error) {
	if s.lines == nil {
		s.lines = bufio.NewReaderSize(io.LimitReader(s.in, 16*maxLine), maxLine)
	}
	text, err := s.lines.ReadString('\n')
	if text == "" && errors.Is(err, io.EOF) {
		return "", fleet.Invalid("password", "Standard input has ended; a line was expected.").WithFix("Type it, or send it as a line of standard input.")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return strings.TrimRight(text, "\r\n"), nil
}
