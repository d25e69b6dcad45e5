package text

import (
	"unicode/utf8"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/pyregex"
	"github.com/casarerpa/fleet/workflow/value"
)

// What the two regex nodes accept; a longer text fails rather than risk the
// time of the run.
const (
	longestText    = 100_000
	longestPattern = 1_000
)

// compile reads a pattern with the flags that all regex nodes share.
func compile(c *engine.Call, pattern string) (*pyregex.Pattern, error) {
	var flags pyregex.Flags
	if c.Bool("ignore_case") {
		flags |= pyregex.IgnoreCase
	}
	if c.Bool("multiline") {
		flags |= pyregex.Multiline
	}
	if c.Bool("dotall") {
		flags |= pyregex.DotAll
	}
	return pyregex.Compile(pattern, flags)
}

// withinLimits keeps the original's bounds: patterns with lookaround can take
// very long on long texts.
func withinLimits(text, pattern string) error {
	for _, part := range []struct {
		name, text string
		most       int
	}{{"Text", text, longestText}, {"Pattern", pattern, longestPattern}} {
		if n := utf8.RuneCountInString(part.text); n > part.most {
			message, err := value.Format("{} length ({:,} chars) exceeds maximum allowed ({:,} chars) for regex operations",
				[]any{part.name, int64(n), int64(part.most)}, nil)
			if err != nil {
				return err
			}
			return engine.Failed(message)
		}
	}
	return nil
}

// regexMatch gives all matches, and the groups of the first one.
func regexMatch(c *engine.Call) error {
	text, pattern := c.Text("text"), c.Text("pattern")
	if err := withinLimits(text, pattern); err != nil {
		return err
	}
	p, err := compile(c, pattern)
	if err != nil {
		return err
	}
	found, err := p.FindAll(text, 0)
	if err != nil {
		return err
	}
	first, groups := "", []any{}
	if len(found) > 0 {
		first, groups = found[0].Text(), found[0].Groups()
	}
	c.Set("match_found", len(found) > 0)
	c.Set("first_match", first)
	c.Set("all_matches", matched(found))
	c.Set("groups", groups)
	c.Set("match_count", int64(len(found)))
	return nil
}

func matched(found []*pyregex.Match) []any {
	list := make([]any, len(found))
	for i, m := range found {
		list[i] = m.Text()
	}
	return list
}

// regexReplace reads the replacement as Python does, with \1 and \g<name>. A
// count of 0 means all.
func regexReplace(c *engine.Call) error {
	text, pattern := c.Text("text"), c.Text("pattern")
	if err := withinLimits(text, pattern); err != nil {
		return err
	}
	most, err := c.Int("max_count", 0)
	if err != nil {
		return err
	}
	result, n, err := substitute(c, text, pattern, c.Text("replacement"), most)
	if err != nil {
		return err
	}
	c.Set("result", result)
	c.Set("count", n)
	return nil
}

// substitute is re.subn; a count of 0 or less replaces everything.
func substitute(c *engine.Call, text, pattern, replacement string, most int64) (string, int64, error) {
	p, err := compile(c, pattern)
	if err != nil {
		return "", 0, err
	}
	result, n, err := p.Replace(text, replacement, int(max(0, min(most, longest))))
	return result, int64(n), err
}

// extract gives the first match, or every match when the author asks for all.
func extract(c *engine.Call) error {
	pattern := c.Text("pattern")
	if pattern == "" {
		return engine.Failed("Regex pattern is required")
	}
	p, err := compile(c, pattern)
	if err != nil {
		return err
	}
	all := c.Bool("all_matches")
	limit := 1
	if all {
		limit = 0
	}
	found, err := p.FindAll(c.Text("text"), limit)
	if err != nil {
		return err
	}
	c.Set("found", len(found) > 0)
	switch {
	case all:
		groups := make([]any, len(found))
		for i, m := range found {
			groups[i] = m.Groups()
		}
		c.Set("match", matched(found))
		c.Set("groups", groups)
	case len(found) > 0:
		c.Set("match", found[0].Text())
		c.Set("groups", found[0].Groups())
	default:
		c.Set("match", "")
		c.Set("groups", []any{})
	}
	return nil
}
