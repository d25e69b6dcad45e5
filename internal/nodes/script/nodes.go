// Package script holds the nodes that run code of the workflow's author:
// Python, JavaScript, shell scripts and expressions.
//
// Programs run through the host, which kills their whole process group and
// asks the robot's policy first. Where the machine has no Python or Node.js,
// an interpreter inside this program takes the script: Starlark, which is
// close to Python but has no imports, and a JavaScript engine without modules.
// Neither can reach files, programs or the network.
//
// The package must not import os or os/exec. What a script prints and returns
// is bounded. A script that fails is an answer (success is false); only one
// that cannot start, or that takes too long, fails the node.
package script

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

// maxOutput is how much of what a script prints is kept.
const maxOutput = 1 << 20

// Nodes returns the behaviour of every node type of the family.
func Nodes() engine.Set {
	return engine.Set{
		"RunPythonScriptNode": engine.Reporting(runPython),
		"RunPythonFileNode":   engine.Reporting(runPythonFile),
		"EvalExpressionNode":  engine.Reporting(evaluate),
		"RunBatchScriptNode":  engine.Reporting(runBatch),
		"RunJavaScriptNode":   engine.Reporting(runJavaScript),
	}
}

// timeout reads the time that a script may take.
func timeout(c *engine.Call) (time.Duration, error) {
	n, err := c.Int("timeout", 60)
	if err != nil {
		return 0, err
	}
	if n <= 0 {
		n = 60
	}
	return time.Duration(min(n, 86400)) * time.Second, nil
}

func tooLong(what string, limit time.Duration) error {
	return &engine.Failure{
		Type: "TimeoutError", Class: engine.ClassTimeout,
		Message: fmt.Sprintf("%s timed out after %g seconds", what, limit.Seconds()),
	}
}

// missing tells that the machine does not have a program.
func missing(err error) bool {
	var told *engine.Failure
	return errors.As(err, &told) && told.Type == "FileNotFoundError"
}

// needs is the capability that the policy must allow. A path that an author
// gave for an interpreter may name any program, and then it counts as one.
func needs(program, capability string, names ...string) string {
	base := strings.ToLower(path.Base(strings.ReplaceAll(program, `\`, "/")))
	for _, name := range names {
		if rest, ok := strings.CutPrefix(base, name); ok && strings.Trim(strings.TrimSuffix(rest, ".exe"), "0123456789.w") == "" {
			return capability
		}
	}
	return "shell"
}

// code reads the script itself.
func code(c *engine.Call, name string) (string, error) {
	text := c.Text(name)
	if strings.TrimSpace(text) == "" {
		return "", engine.Fail("ValueError", "%s is required", name)
	}
	return strings.ReplaceAll(text, "\r\n", "\n"), nil
}

// clean makes what a program printed fit for a value.
func clean(text string) string { return strings.ToValidUTF8(text, "\ufffd") }

// printed collects what a script inside this program prints, up to a limit.
type printed struct {
	b    strings.Builder
	lost bool
}

func (p *printed) add(text string) {
	if room := maxOutput - p.b.Len(); len(text) > room {
		text, p.lost = text[:max(room, 0)], true
	}
	p.b.WriteString(text)
}
