// Package text holds the nodes that work on text: searching, changing,
// splitting and joining, regular expressions, formatting, and likeness.
//
// Everything counts in code points and follows Python: its white space, its
// line ends, its cases, its regular expressions and format texts. Nodes have
// no state and touch nothing but their inputs and outputs.
package text

import (
	"context"

	"github.com/casarerpa/fleet/internal/engine"
)

// Nodes returns the behaviours of this family by type name.
func Nodes() engine.Set {
	return engine.Set{
		"ConcatenateNode":        step(concatenate),
		"FormatStringNode":       step(formatString),
		"RegexMatchNode":         step(regexMatch),
		"RegexReplaceNode":       step(regexReplace),
		"FuzzyStringMatchNode":   engine.Func(fuzzyMatch),
		"FilterBySimilarityNode": engine.Func(filterBySimilarity),

		"TextSplitNode":      step(split),
		"TextReplaceNode":    step(func(c *engine.Call) error { return replace(c, "count") }),
		"TextTrimNode":       step(func(c *engine.Call) error { return trim(c, "mode", "characters") }),
		"TextCaseNode":       step(func(c *engine.Call) error { return changeCase(c, "case") }),
		"TextPadNode":        step(func(c *engine.Call) error { return pad(c, "mode") }),
		"TextReverseNode":    step(reverse),
		"TextLinesNode":      step(func(c *engine.Call) error { return lines(c, "mode") }),
		"TextSubstringNode":  step(substring),
		"TextContainsNode":   step(contains),
		"TextStartsWithNode": step(startsWith),
		"TextEndsWithNode":   step(endsWith),
		"TextExtractNode":    step(extract),
		"TextCountNode":      step(func(c *engine.Call) error { return count(c, "mode") }),
		"TextJoinNode":       step(join),
		"TextSuperNode":      step(super),
	}
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
