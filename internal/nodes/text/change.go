package text

import (
	"fmt"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// longest bounds a padded text; a longer one only fills the memory.
const longest = 16 << 20

// split cuts at white space when there is no separator, and then leaves no
// empty parts, as Python does.
func split(c *engine.Call) error {
	most, err := c.Int("max_split", -1)
	if err != nil {
		return err
	}
	var parts []string
	text := c.Text("text")
	switch separator := c.Text("separator"); {
	case separator == "":
		parts = splitSpace(text, most)
	case most < 0:
		parts = strings.Split(text, separator)
	default:
		parts = strings.SplitN(text, separator, int(min(most, longest))+1)
	}
	c.Set("result", anys(parts))
	c.Set("count", int64(len(parts)))
	return nil
}

// splitSpace splits at runs of white space, at most so many times; the rest
// keeps its white space but for the leading one.
func splitSpace(text string, most int64) []string {
	if most < 0 {
		return value.SplitWhitespace(text)
	}
	parts := []string{}
	for {
		text = strings.TrimLeftFunc(text, value.IsSpace)
		if text == "" {
			return parts
		}
		end := strings.IndexFunc(text, value.IsSpace)
		if end < 0 || int64(len(parts)) >= most {
			return append(parts, text)
		}
		parts = append(parts, text[:end])
		text = text[end:]
	}
}

func replace(c *engine.Call, countName string) error {
	most, err := c.Int(countName, -1)
	if err != nil {
		return err
	}
	text, old, replacement := c.Text("text"), c.Text("old_value"), c.Text("new_value")
	if c.Bool("use_regex") {
		result, n, err := substitute(c, text, old, replacement, most)
		if err != nil {
			return err
		}
		c.Set("result", result)
		c.Set("replacements", n)
		return nil
	}
	n := int64(strings.Count(text, old))
	if most >= 0 {
		n = min(n, most)
	}
	c.Set("result", strings.Replace(text, old, replacement, int(n)))
	c.Set("replacements", n)
	return nil
}

// trim takes a set of characters, not a prefix or suffix.
func trim(c *engine.Call, modeName, charsName string) error {
	drop := value.IsSpace
	if chars := c.Text(charsName); chars != "" {
		drop = func(r rune) bool { return strings.ContainsRune(chars, r) }
	}
	text := c.Text("text")
	mode := c.Text(modeName)
	if mode != "right" {
		text = strings.TrimLeftFunc(text, drop)
	}
	if mode != "left" {
		text = strings.TrimRightFunc(text, drop)
	}
	c.Set("result", text)
	return nil
}

// changeCase leaves the text alone when it does not know the case.
func changeCase(c *engine.Call, name string) error {
	text := c.Text("text")
	switch c.Text(name) {
	case "upper":
		text = value.Upper(text)
	case "lower":
		text = value.Lower(text)
	case "title":
		text = value.Title(text)
	case "capitalize":
		text = value.Capitalize(text)
	case "swapcase":
		text = value.SwapCase(text)
	}
	c.Set("result", text)
	return nil
}

// pad fills on the side that its mode names, so left aligns to the right.
func pad(c *engine.Call, modeName string) error {
	width, err := c.Int("length", 0)
	if err != nil {
		return err
	}
	if width > longest {
		return engine.Failed(fmt.Sprintf("length must be at most %d", longest))
	}
	fill := []rune(c.Text("fill_char"))
	if len(fill) != 1 {
		fill = []rune{' '}
	}
	text := c.Text("text")
	missing := max(0, int(width)-len([]rune(text)))
	switch c.Text(modeName) {
	case "right":
		text += strings.Repeat(string(fill), missing)
	case "center":
		text = value.Center(text, int(max(0, width)), fill[0])
	default:
		text = strings.Repeat(string(fill), missing) + text
	}
	c.Set("result", text)
	return nil
}

func reverse(c *engine.Call) error {
	runes := []rune(c.Text("text"))
	slices.Reverse(runes)
	c.Set("result", string(runes))
	return nil
}

func lines(c *engine.Call, modeName string) error {
	if c.Text(modeName) == "join" {
		items, _ := c.Param("lines").([]any)
		separator := "\n"
		switch c.Text("line_separator") {
		case "crlf":
			separator = "\r\n"
		case "comma":
			separator = ","
		}
		c.Set("text", joined(items, separator))
		c.Set("count", int64(len(items)))
		return nil
	}
	parts := value.SplitLines(c.Text("text"), false)
	if c.Bool("remove_empty") {
		parts = slices.DeleteFunc(parts, func(line string) bool { return line == "" })
	}
	c.Set("lines", anys(parts))
	c.Set("count", int64(len(parts)))
	return nil
}

// join takes a single value for a list of one.
func join(c *engine.Call) error {
	v := c.Param("items")
	items, ok := v.([]any)
	if !ok && v != nil {
		items = []any{v}
	}
	c.Set("result", joined(items, c.Text("separator")))
	return nil
}

func joined(items []any, separator string) string {
	parts := make([]string, len(items))
	for i, item := range items {
		parts[i] = value.Str(item)
	}
	return strings.Join(parts, separator)
}

func anys(parts []string) []any {
	list := make([]any, len(parts))
	for i, part := range parts {
		list[i] = part
	}
	return list
}

// concatenate writes nulls as empty and everything else in Python's text form.
func concatenate(c *engine.Call) error {
	c.Set("result", c.Text("string_1")+c.Text("separator")+c.Text("string_2"))
	return nil
}

// formatString is str.format over the variables that the node is given.
func formatString(c *engine.Call) error {
	v := c.Param("variables")
	if text, ok := v.(string); ok && strings.TrimSpace(text) != "" {
		parsed, err := value.Loads(text)
		if err != nil {
			return err
		}
		v = c.Resolve(parsed)
	}
	variables, ok := v.(*value.Map)
	if v != nil && v != "" && !ok {
		return engine.Failed("variables must be a dictionary, got " + value.TypeName(v))
	}
	result, err := value.Format(c.Text("template"), nil, variables)
	if err != nil {
		return err
	}
	c.Set("result", result)
	return nil
}
