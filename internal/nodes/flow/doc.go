// Package flow holds the nodes around the data: variables, branches, waiting,
// checking, logging, failing on purpose, triggers as the entry of a run, and
// prompt templates as far as they need no service.
//
// Nodes whose meaning is the flow itself (start, end, loops, tries, retries,
// forks, called workflows) are the engine's own and not here. Nothing in this
// package opens a connection or a file by itself, and no node keeps state
// between visits.
//
// Errors carry the words that authors know from the original; only a thrown
// error has a type of its own.
package flow

import (
	"context"

	"github.com/casarerpa/fleet/internal/engine"
)

// Nodes returns the behaviours of this family by type name.
func Nodes() engine.Set {
	set := engine.Set{
		"CommentNode": step(func(*engine.Call) error { return nil }),
		"MergeNode":   step(func(*engine.Call) error { return nil }),
		"RerouteNode": step(reroute),

		"SetVariableNode":       step(setVariable),
		"GetVariableNode":       step(getVariable),
		"IncrementVariableNode": step(incrementVariable),

		"IfNode":     engine.Func(branchIf),
		"SwitchNode": engine.Func(branchSwitch),

		"ThrowErrorNode":    step(throwError),
		"ErrorRecoveryNode": engine.Func(errorRecovery),
		"LogErrorNode":      step(logError),
		"AssertNode":        step(assert),
		"WebhookNotifyNode": engine.Func(webhookNotify),

		"WaitNode":        engine.Func(wait),
		"BrowserWaitNode": engine.Func(wait),
		"ValidateNode":    engine.Func(validate),
		"TransformNode":   step(transform),
		"LogNode":         step(logMessage),

		"PromptTemplateNode":     step(promptTemplate),
		"ListTemplatesNode":      step(listTemplates),
		"GetTemplateInfoNode":    step(templateInfo),
		"ValidateExtractionNode": step(validateExtraction),
	}
	for _, name := range triggerTypes() {
		set[name] = step(trigger)
	}
	return set
}

// step makes a node of a function that always goes on at every exec link.
func step(act func(c *engine.Call) error) engine.Node {
	return engine.Func(func(_ context.Context, c *engine.Call) (engine.Result, error) {
		return engine.Continue(), act(c)
	})
}

// failure is the end of a step with the type that the original gives to
// everything that a node reports by itself.
func failure(message string) error {
	return engine.Fail("ExecutionError", "%s", message)
}
