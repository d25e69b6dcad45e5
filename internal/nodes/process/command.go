package process

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

// blocked are commands that a workflow runs only when it says that it means it.
func blocked() []string {
	return []string{
		"rm", "del", "format", "fdisk", "mkfs", "wget", "curl", "invoke-webrequest", "nc", "netcat", "ncat",
		"powershell", "pwsh", "cmd", "reg", "regedit", "net", "sc", "shutdown", "reboot",
	}
}

// shellCharacters let one line of a shell do more than one thing.
const shellCharacters = "|&;$`(){}<>\n"

// runCommand runs a program. How it ends is an answer; only a program that
// could not start, or that took too long, fails the node.
func runCommand(ctx context.Context, c *engine.Call) (engine.Result, error) {
	args, shell, err := commandLine(c)
	if err != nil {
		return engine.Result{}, err
	}
	limit, err := c.Int("timeout", 60)
	if err != nil {
		return engine.Result{}, err
	}
	if limit <= 0 {
		limit = 60
	}
	cmd := &engine.Command{Args: args, Shell: shell, Dir: c.Text("working_dir"), Timeout: time.Duration(min(limit, 86400)) * time.Second, Needs: "shell"}
	capture := c.Flag("capture_output", true)
	if !capture {
		cmd.Limit = 1 // nothing is wanted, but zero means the usual amount
	}
	res, err := c.Host().Exec(ctx, cmd)
	if err != nil {
		return engine.Result{}, err
	}
	if !capture {
		res.Stdout, res.Stderr, res.Truncated = "", "", false
	}
	if res.Truncated {
		c.Warn("the output of the command was longer than what is kept of it; its end is missing")
	}
	c.Set("stdout", strings.ToValidUTF8(res.Stdout, "\ufffd"))
	c.Set("stderr", strings.ToValidUTF8(res.Stderr, "\ufffd"))
	c.Set("return_code", int64(res.ExitCode))
	if res.TimedOut {
		return engine.Result{}, &engine.Failure{
			Type: "TimeoutError", Class: engine.ClassTimeout, Message: fmt.Sprintf("Command timed out after %d seconds", limit),
		}
	}
	c.Set("success", res.ExitCode == 0)
	return engine.Continue(), nil
}

// commandLine reads what to run, as arguments or as one line for the shell, and
// refuses what is blocked.
func commandLine(c *engine.Call) (args []string, shell bool, err error) {
	command := c.Text("command")
	if strings.TrimSpace(command) == "" {
		return nil, false, engine.Fail("ValueError", "command is required")
	}
	extra, err := c.Words("args", split)
	if err != nil {
		return nil, false, err
	}
	dangerous := c.Bool("allow_dangerous")
	if shell = c.Bool("shell"); shell {
		line := []string{command}
		for _, a := range extra {
			line = append(line, quote(a))
		}
		if !dangerous {
			if at := strings.IndexAny(command, shellCharacters); at >= 0 {
				return nil, false, engine.Fail("PermissionError",
					"The command holds %q, which a shell would interpret. Set allow_dangerous to run it", command[at:at+1])
			}
			if err := refuse(strings.Fields(command)); err != nil {
				return nil, false, err
			}
		}
		return []string{strings.Join(line, " ")}, true, nil
	}
	if args, err = split(command); err != nil {
		return nil, false, err
	}
	if len(args) == 0 || args[0] == "" {
		return nil, false, engine.Fail("ValueError", "command is required")
	}
	args = append(args, extra...)
	if !dangerous {
		if err := refuse(args); err != nil {
			return nil, false, err
		}
	}
	return args, false, nil
}

// refuse looks at the name of the program without folders and extension.
func refuse(args []string) error {
	if len(args) == 0 {
		return nil
	}
	name := strings.ToLower(path.Base(strings.ReplaceAll(strings.Trim(args[0], `'"`), `\`, "/")))
	name = strings.TrimSuffix(name, ".exe")
	if slices.Contains(blocked(), name) {
		return engine.Fail("PermissionError", "Command '%s' is blocked. Set allow_dangerous to run it", name)
	}
	return nil
}

// split cuts a line into words as a POSIX shell does, without expanding
// anything.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quoted := false, rune(0)
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			if quoted == '"' && r != '"' && r != '\\' && r != '$' && r != '`' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quoted != '\'':
			escaped, inWord = true, true
		case quoted != 0:
			if r == quoted {
				quoted = 0
			} else {
				word.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quoted, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	switch {
	case quoted != 0:
		return nil, engine.Fail("ValueError", "No closing quotation")
	case escaped:
		return nil, engine.Fail("ValueError", "No escaped character")
	case inWord:
		words = append(words, word.String())
	}
	return words, nil
}

// quote makes one word of a shell line out of any text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }
