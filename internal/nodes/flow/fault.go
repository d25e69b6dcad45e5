package flow

import (
	"context"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// What an ErrorRecoveryNode leaves for the engine, in the original's names.
const (
	recoveryStrategy = "_error_recovery_strategy"
	recoveryRetries  = "_error_recovery_max_retries"
)

// throwError always fails, with the one type that a CatchNode can tell from the
// errors of nodes.
func throwError(c *engine.Call) error {
	message := c.Text("error_message")
	if message == "" {
		message = "Custom error"
	}
	return engine.Fail("CustomError", "%s", message)
}

// errorRecovery leaves its wish in variables. Nothing acts on them, as in the
// original; a TryNode is what recovers.
func errorRecovery(_ context.Context, c *engine.Call) (engine.Result, error) {
	strategy := c.Text("strategy")
	if !slices.Contains([]string{"stop", "continue", "retry", "restart", "fallback"}, strategy) {
		strategy = "stop"
	}
	retries, err := c.Int("max_retries", 3)
	if err != nil {
		return engine.Result{}, err
	}
	c.SetVar(recoveryStrategy, strategy)
	c.SetVar(recoveryRetries, retries)
	return engine.Goto("exec_out"), nil
}

// logError writes an entry for people and puts the same out as an object, for
// nodes that send it on.
func logError(c *engine.Call) error {
	message := c.Text("error_message")
	if message == "" {
		message = "Unknown error"
	}
	kind := c.Text("error_type")
	if kind == "" {
		kind = "Error"
	}
	details := c.Param("context")
	if !value.Truthy(details) {
		details = value.NewMap()
	}
	level := logLevel(c.Text("level"), engine.LevelError)
	entry := value.MapOf(
		"timestamp", value.ISOFormat(c.Host().Now()),
		"level", string(level),
		"error_type", kind,
		"error_message", message,
		"workflow", c.WorkflowName(),
		"context", details,
	)
	line := "[" + kind + "] " + message
	if value.Truthy(details) {
		line += " | Context: " + value.Str(jsonText(details))
	}
	if c.Bool("include_stack_trace") {
		trace, _ := c.Var("stack_trace")
		if trace == nil {
			trace = ""
		}
		entry.Set("stack_trace", trace)
	}
	c.Log(level, line)
	c.Set("log_entry", entry)
	return nil
}

// assert reads texts more narrowly than other nodes: on is not true here.
func assert(c *engine.Call) error {
	condition := c.Param("condition")
	passed := value.Truthy(condition)
	if text, ok := condition.(string); ok {
		passed = slices.Contains([]string{"true", "1", "yes"}, strings.ToLower(text))
	}
	c.Set("passed", passed)
	if passed {
		return nil
	}
	message := c.Text("message")
	if message == "" {
		message = "Assertion failed"
	}
	return engine.Failed("Assertion failed: " + message)
}
