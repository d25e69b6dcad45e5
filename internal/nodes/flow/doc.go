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

import "github.com/casarerpa/fleet/internal/engine"

// Nodes returns the behaviours of this family by type name.
func Nodes() engine.Set {
	set := engine.Set{
		"CommentNode": engine.Act(func(*engine.Call) error { return nil }),
		"MergeNode":   engine.Act(func(*engine.Call) error { return nil }),
		"RerouteNode": engine.Act(reroute),

		"SetVariableNode":       engine.Act(setVariable),
		"GetVariableNode":       engine.Act(getVariable),
		"IncrementVariableNode": engine.Act(incrementVariable),

		"IfNode":     engine.Func(branchIf),
		"SwitchNode": engine.Func(branchSwitch),

		"ThrowErrorNode":    engine.Act(throwError),
		"ErrorRecoveryNode": engine.Func(errorRecovery),
		"LogErrorNode":      engine.Act(logError),
		"AssertNode":        engine.Act(assert),
		"WebhookNotifyNode": engine.Func(webhookNotify),

		"WaitNode":        engine.Func(wait),
		"BrowserWaitNode": engine.Func(wait),
		"ValidateNode":    engine.Func(validate),
		"TransformNode":   engine.Act(transform),
		"LogNode":         engine.Act(logMessage),

		"PromptTemplateNode":     engine.Act(promptTemplate),
		"ListTemplatesNode":      engine.Act(listTemplates),
		"GetTemplateInfoNode":    engine.Act(templateInfo),
		"ValidateExtractionNode": engine.Act(validateExtraction),
	}
	for _, name := range triggerTypes() {
		set[name] = engine.Act(trigger)
	}
	return set
}
