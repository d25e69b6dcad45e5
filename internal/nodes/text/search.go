package text

import (
	"strings"
	"unicode/utf8"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// substring counts in code points; places beside the text are no error.
func substring(c *engine.Call) error {
	runes := []rune(c.Text("text"))
	start, err := c.Int("start", 0)
	if err != nil {
		return err
	}
	end, err := c.Int("end", int64(len(runes)))
	if err != nil {
		return err
	}
	from := place(start, len(runes))
	to := max(from, place(end, len(runes)))
	c.Set("result", string(runes[from:to]))
	c.Set("length", int64(to-from))
	return nil
}

// place brings an index that may count from the end into 0…n.
func place(at int64, n int) int {
	if at < 0 {
		at += int64(n)
	}
	return int(max(0, min(at, int64(n))))
}

// pair reads the text and what is looked for, in small letters unless case counts.
func pair(c *engine.Call, name string) (text, wanted string) {
	text, wanted = c.Text("text"), c.Text(name)
	if !c.Bool("case_sensitive") {
		text, wanted = value.Lower(text), value.Lower(wanted)
	}
	return text, wanted
}

func contains(c *engine.Call) error {
	text, wanted := pair(c, "search")
	at := strings.Index(text, wanted)
	c.Set("contains", at >= 0)
	c.Set("count", int64(strings.Count(text, wanted)))
	if at > 0 {
		at = utf8.RuneCountInString(text[:at])
	}
	c.Set("position", int64(at))
	return nil
}

func startsWith(c *engine.Call) error {
	text, prefix := pair(c, "prefix")
	c.Set("result", strings.HasPrefix(text, prefix))
	return nil
}

func endsWith(c *engine.Call) error {
	text, suffix := pair(c, "suffix")
	c.Set("result", strings.HasSuffix(text, suffix))
	return nil
}

// count counts characters, words or lines; white space is left out of
// characters alone.
func count(c *engine.Call, modeName string) error {
	text := c.Text("text")
	n := 0
	switch c.Text(modeName) {
	case "words":
		n = len(value.SplitWhitespace(text))
	case "lines":
		n = len(value.SplitLines(text, false))
	default:
		for _, r := range text {
			if !value.IsSpace(r) {
				n++
			}
		}
		if !c.Bool("exclude_whitespace") {
			n = utf8.RuneCountInString(text)
		}
	}
	c.Set("count", int64(n))
	return nil
}
