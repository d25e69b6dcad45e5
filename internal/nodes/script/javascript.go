package script

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// maxCalls bounds how deep functions may call each other.
const maxCalls = 2000

// runJavaScript runs a script that finds its input in the constant inputData.
// The result is what it prints, without white space at the ends.
func runJavaScript(ctx context.Context, c *engine.Call) (engine.Result, error) {
	source, err := code(c, "code")
	if err != nil {
		return engine.Result{}, err
	}
	input, err := value.Dumps(value.Plain(c.Param("input_data")), value.Options{Indent: -1, EnsureASCII: true})
	if err != nil {
		return engine.Result{}, err
	}
	source = "const inputData = " + input + ";\n" + source
	a, err := node(ctx, c, source)
	if missing(err) {
		c.Note("Node.js is not installed on this machine: the script ran in the built-in engine, which knows no modules")
		a, err = builtIn(ctx, c, source)
	}
	if err != nil {
		return engine.Result{}, err
	}
	if a.lost {
		c.Warn("the output of the script was longer than what is kept of it; its end is missing")
	}
	c.Set("result", strings.TrimSpace(a.output))
	c.Set("success", a.failed == "")
	c.Set("error", a.failed)
	return engine.Continue(), nil
}

// node gives the script to Node.js on its standard input, where it may be of
// any length.
func node(ctx context.Context, c *engine.Call, source string) (*answer, error) {
	limit, err := timeout(c)
	if err != nil {
		return nil, err
	}
	program := c.Text("node_path")
	if program == "" {
		program = "node"
	}
	res, err := c.Host().Exec(ctx, &engine.Command{
		Args: []string{program, "-"}, Stdin: strings.NewReader(source), Timeout: limit,
		Needs: needs(program, "node", "node", "nodejs"),
	})
	switch {
	case err != nil:
		return nil, err
	case res.TimedOut:
		return nil, tooLong("Script", limit)
	}
	a := &answer{output: clean(res.Stdout), lost: res.Truncated}
	if res.ExitCode != 0 {
		if a.failed = strings.TrimSpace(clean(res.Stderr)); a.failed == "" {
			a.failed = fmt.Sprintf("The script ended with code %d", res.ExitCode)
		}
	}
	return a, nil
}

// builtIn runs the script inside this program.
func builtIn(ctx context.Context, c *engine.Call, source string) (*answer, error) {
	limit, err := timeout(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, tooLong("Script", limit))
	defer cancel()
	vm := goja.New()
	vm.SetMaxCallStackSize(maxCalls)
	stop := context.AfterFunc(ctx, func() { vm.Interrupt(context.Cause(ctx)) })
	defer stop()
	var out printed
	if err := giveConsole(vm, &out); err != nil {
		return nil, fmt.Errorf("prepare the JavaScript engine: %w", err)
	}
	_, err = vm.RunScript("script.js", source)
	a := &answer{output: out.b.String(), lost: out.lost}
	var stopped *goja.InterruptedError
	var thrown *goja.Exception
	switch {
	case errors.As(err, &stopped):
		return nil, context.Cause(ctx)
	case errors.As(err, &thrown):
		a.failed = thrown.Error()
	case err != nil:
		a.failed = err.Error()
	}
	return a, nil
}

// giveConsole makes console.log and its sisters; those for errors are silent,
// since only the standard output counts.
func giveConsole(vm *goja.Runtime, out *printed) error {
	stringify, err := vm.RunString("v => typeof v === 'object' && v !== null && !(v instanceof Error) ? JSON.stringify(v) : String(v)")
	if err != nil {
		return err
	}
	text, ok := goja.AssertFunction(stringify)
	if !ok {
		return errors.New("the engine has no functions")
	}
	write := func(call goja.FunctionCall, sep, end string) goja.Value {
		parts := make([]string, len(call.Arguments))
		for i, arg := range call.Arguments {
			v, err := text(goja.Undefined(), arg)
			if err != nil {
				parts[i] = "?"
				continue
			}
			parts[i] = v.String()
		}
		out.add(strings.Join(parts, sep) + end)
		return goja.Undefined()
	}
	log := func(call goja.FunctionCall) goja.Value { return write(call, " ", "\n") }
	silent := func(goja.FunctionCall) goja.Value { return goja.Undefined() }
	console := map[string]any{"log": log, "info": log, "debug": log, "error": silent, "warn": silent}
	stdout := map[string]any{"write": func(call goja.FunctionCall) goja.Value { return write(call, "", "") }}
	return errors.Join(vm.Set("console", console), vm.Set("process", map[string]any{"stdout": stdout}))
}
