package script

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// wrapper is the Python program around a script; it says in JSON what became
// of it.
//
//go:embed wrapper.py
var wrapper string

// answer is what a script came to.
type answer struct {
	result any
	output string
	failed string // the error of the script, or ""
	lost   bool   // some of the output was not kept
}

// runPython runs a script with variables as its globals. The result is what
// the script left in the variable result.
func runPython(ctx context.Context, c *engine.Call) (engine.Result, error) {
	source, err := code(c, "code")
	if err != nil {
		return engine.Result{}, err
	}
	vars, err := c.Object("variables")
	if err != nil {
		return engine.Result{}, err
	}
	a, err := python(ctx, c, source, vars)
	if missing(err) {
		c.Note("Python is not installed on this machine: the script ran as Starlark, which knows no imports")
		a, err = starlarkScript(ctx, c, source, vars)
	}
	if err != nil {
		return engine.Result{}, err
	}
	if a.lost {
		c.Warn("the output of the script was longer than what is kept of it; its end is missing")
	}
	c.Set("result", a.result)
	c.Set("output", a.output)
	c.Set("success", a.failed == "")
	c.Set("error", a.failed)
	return engine.Continue(), nil
}

// python asks the machine's own interpreter.
func python(ctx context.Context, c *engine.Call, source string, vars *value.Map) (*answer, error) {
	limit, err := timeout(c)
	if err != nil {
		return nil, err
	}
	request, err := value.Dumps(value.MapOf("code", source, "variables", vars, "limit", int64(maxOutput)), value.Options{Indent: -1, EnsureASCII: true})
	if err != nil {
		return nil, err
	}
	var res *engine.CommandResult
	for _, program := range []string{"python3", "python"} {
		args := []string{program, "-X", "utf8"}
		if c.Bool("isolated") {
			args = append(args, "-I")
		}
		res, err = c.Host().Exec(ctx, &engine.Command{
			Args: append(args, "-c", wrapper), Stdin: strings.NewReader(request),
			Timeout: limit, Needs: "python", Limit: 16 * maxOutput,
		})
		if !missing(err) {
			break
		}
	}
	switch {
	case err != nil:
		return nil, err
	case res.TimedOut:
		return nil, tooLong("Script", limit)
	}
	return readAnswer(res), nil
}

// readAnswer reads what the wrapper said. A script that ended the interpreter
// leaves no answer.
func readAnswer(res *engine.CommandResult) *answer {
	v, err := value.Loads(strings.TrimSpace(res.Stdout))
	m, ok := v.(*value.Map)
	if err != nil || !ok {
		said := strings.TrimSpace(clean(res.Stderr))
		if len(said) > 2000 {
			said = said[len(said)-2000:]
		}
		return &answer{failed: strings.TrimSpace(fmt.Sprintf("The Python process ended with code %d %s", res.ExitCode, clean(said)))}
	}
	a := &answer{}
	if text, ok := m.Get("output"); ok {
		a.output = clean(value.Str(text))
	}
	if text, _ := m.Get("error"); text != nil {
		a.failed = clean(value.Str(text))
	}
	if lost, _ := m.Get("lost"); lost == true {
		a.lost = true
	}
	if text, _ := m.Get("result"); text != nil {
		if a.result, err = value.Loads(value.Str(text)); err != nil && a.failed == "" {
			a.failed = "ValueError: the result cannot be read: " + err.Error()
		}
	}
	return a
}

// runPythonFile runs a Python file as a program.
func runPythonFile(ctx context.Context, c *engine.Call) (engine.Result, error) {
	name := c.Text("file_path")
	if name == "" {
		return engine.Result{}, engine.Fail("ValueError", "file_path is required")
	}
	files := c.Host().Files()
	file, err := files.Path(name)
	if err != nil {
		return engine.Result{}, err
	}
	if info, err := files.Stat(name); err != nil || info.IsDir() {
		return engine.Result{}, engine.Fail("FileNotFoundError", "Python file not found: %s", name)
	}
	args, err := c.Words("args", words)
	if err != nil {
		return engine.Result{}, err
	}
	program := c.Text("python_path")
	if program == "" {
		program = "python"
	}
	if _, err := c.Host().System().LookPath(program); err != nil && program == "python" {
		program = "python3"
	}
	return runProgram(ctx, c, "Python file", engine.Command{
		Args: append([]string{program, "-X", "utf8", file}, args...), Needs: needs(program, "python", "python", "pypy"),
	})
}

// words cuts a text at blanks; quotes keep blanks together.
func words(text string) ([]string, error) {
	var list []string
	var word strings.Builder
	inWord, quoted := false, rune(0)
	for _, r := range text {
		switch {
		case quoted != 0 && r == quoted:
			quoted = 0
		case quoted != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quoted, inWord = r, true
		case value.IsSpace(r):
			if inWord {
				list = append(list, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quoted != 0 {
		return nil, engine.Fail("ValueError", "No closing quotation")
	}
	if inWord {
		list = append(list, word.String())
	}
	return list, nil
}
