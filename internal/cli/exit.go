package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// The exit codes beside those of fleet.Codes.
const (
	exitOK            = 0
	exitFault         = 1 // something that should not happen
	exitUsage         = 2
	exitFailed        = 20
	exitCancelled     = 21
	exitTimeout       = 22
	exitNeedsDecision = 23
	exitGaveUp        = 24 // waiting ended before the job did
	exitInterrupted   = 130
)

// exitOf says how an awaited job ended.
func exitOf(state fleet.State) int {
	switch state { //nolint:exhaustive // the others are no ends
	case fleet.Completed:
		return exitOK
	case fleet.Cancelled:
		return exitCancelled
	case fleet.TimedOut:
		return exitTimeout
	case fleet.NeedsDecision:
		return exitNeedsDecision
	case fleet.Failed:
		return exitFailed
	}
	return exitGaveUp
}

// keyAdvice says how a command is given the key that it lacks.
const keyAdvice = "Name the file that holds a key with --key-file, or set FLEET_KEY to the key or to file:/PATH."

// quiet ends the process with a code after everything has been said.
type quiet int

// Error is never shown.
func (q quiet) Error() string { return fmt.Sprintf("exit %d", int(q)) }

// usageError is a command line that cannot be read.
type usageError struct {
	err  error
	help string
}

// Error returns the sentence.
func (e *usageError) Error() string {
	text := e.err.Error()
	if what, ok := strings.CutPrefix(text, `expected "<`); ok { // the parser's words for an argument that is not there
		return "The argument " + strings.ToUpper(strings.TrimSuffix(what, `>"`)) + " is missing"
	}
	return text
}

// Unwrap returns what was wrong.
func (e *usageError) Unwrap() error { return e.err }

// fail tells about an error and returns its exit code; nil is success.
func (s *shell) fail(err error) int {
	if err == nil {
		return exitOK
	}
	if code, ok := errors.AsType[quiet](err); ok {
		return int(code)
	}
	if known, ok := errors.AsType[*fleet.Error](err); ok {
		s.complain(sentence(known.Message))
		if len(known.Fields) > 1 {
			for _, f := range known.Fields {
				fmt.Fprintf(s.err, "  - %s\n", f.Message)
			}
		}
		fix := known.Fix
		if known.Reason == "unauthenticated" {
			fix = keyAdvice // the server's words are for those who write requests
		}
		s.advise(fix)
		return known.Code.Info().Exit
	}
	var bad *usageError
	switch {
	case errors.As(err, &bad):
		s.complain(sentence(bad.Error()))
		s.advise("See " + bad.help + ".")
		return exitUsage
	case errors.Is(err, context.Canceled):
		s.complain("Interrupted.")
		return exitInterrupted
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		s.complain(sentence(err.Error()))
		return exitUsage
	}
	s.complain(sentence(err.Error()))
	return exitFault
}

// complain writes one line that says what went wrong.
func (s *shell) complain(text string) {
	fmt.Fprintf(s.err, "%s %s\n", colour(s.paintErr, red, "fleet:"), text)
}

// advise writes what to do about it.
func (s *shell) advise(text string) {
	if text != "" {
		fmt.Fprintf(s.err, "  %s\n", text)
	}
}

// note tells people something on standard error.
func (s *shell) note(format string, args ...any) {
	fmt.Fprintf(s.err, format+"\n", args...)
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return "Something went wrong."
	}
	if c := text[0]; c >= 'a' && c <= 'z' && !strings.ContainsAny(firstWord(text), "_-=./") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if !strings.ContainsRune(".!?", rune(text[len(text)-1])) {
		text += "."
	}
	return text
}

// firstWord helps to leave names such as run_timeout as they are written.
func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return strings.TrimRight(word, ":,;.")
}

// The colours that are used; each goes with a word that says the same.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	faint  = "2"
	bold   = "1"
)

// colour paints a text if that is wanted.
func colour(on bool, code, text string) string {
	if !on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// colourOf is how a state looks.
func colourOf(state string) string {
	switch state {
	case "completed", "online":
		return green
	case "failed", "timeout", "error", "offline":
		return red
	case "running", "busy", "assigned":
		return cyan
	case "cancelling", "cancelled", "needs_decision", "draining", "paused", "maintenance":
		return yellow
	}
	return ""
}

// discard closes something whose end cannot fail usefully.
func discard(c io.Closer) { _ = c.Close() }

// exitTable is the list of exit codes for the reference page.
func exitTable() string {
	var b strings.Builder
	b.WriteString("## Exit codes\n\n| Code | Meaning |\n|--:|---|\n| 0 | done; of an awaited job: completed |\n")
	for _, row := range fleet.Codes() {
		text := strings.ToLower(row.Title)
		if row.Code == fleet.CodeInvalid {
			text = "something in the command, a file or the request is wrong"
		}
		fmt.Fprintf(&b, "| %d | %s |\n", row.Exit, text)
	}
	for _, row := range []struct {
		code int
		text string
	}{
		{exitFailed, "the awaited job failed"},
		{exitCancelled, "the awaited job was cancelled"},
		{exitTimeout, "the awaited job ran out of time"},
		{exitNeedsDecision, "the awaited job needs a person's decision"},
		{exitGaveUp, "waiting gave up; the job goes on"},
		{exitInterrupted, "interrupted"},
	} {
		fmt.Fprintf(&b, "| %d | %s |\n", row.code, row.text)
	}
	return b.String()
}
