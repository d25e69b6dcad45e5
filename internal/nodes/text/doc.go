// Package text holds the nodes that work on text: searching, changing,
// splitting and joining, regular expressions, formatting, and likeness.
//
// Everything counts in code points and follows Python: its white space, its
// line ends, its cases, its regular expressions and format texts. Nodes have
// no state and touch nothing but their inputs and outputs.
package text

import "github.com/casarerpa/fleet/internal/engine"

// Nodes returns the behaviours of this family by type name.
func Nodes() engine.Set {
	return engine.Set{
		"ConcatenateNode":        engine.Act(concatenate),
		"FormatStringNode":       engine.Act(formatString),
		"RegexMatchNode":         engine.Act(regexMatch),
		"RegexReplaceNode":       engine.Act(regexReplace),
		"FuzzyStringMatchNode":   engine.Func(fuzzyMatch),
		"FilterBySimilarityNode": engine.Func(filterBySimilarity),

		"TextSplitNode":      engine.Act(split),
		"TextReplaceNode":    engine.Act(func(c *engine.Call) error { return replace(c, "count") }),
		"TextTrimNode":       engine.Act(func(c *engine.Call) error { return trim(c, "mode", "characters") }),
		"TextCaseNode":       engine.Act(func(c *engine.Call) error { return changeCase(c, "case") }),
		"TextPadNode":        engine.Act(func(c *engine.Call) error { return pad(c, "mode") }),
		"TextReverseNode":    engine.Act(reverse),
		"TextLinesNode":      engine.Act(func(c *engine.Call) error { return lines(c, "mode") }),
		"TextSubstringNode":  engine.Act(substring),
		"TextContainsNode":   engine.Act(contains),
		"TextStartsWithNode": engine.Act(startsWith),
		"TextEndsWithNode":   engine.Act(endsWith),
		"TextExtractNode":    engine.Act(extract),
		"TextCountNode":      engine.Act(func(c *engine.Call) error { return count(c, "mode") }),
		"TextJoinNode":       engine.Act(join),
		"TextSuperNode":      engine.Act(super),
	}
}
