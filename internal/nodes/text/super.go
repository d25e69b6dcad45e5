package text

import (
	"github.com/casarerpa/fleet/internal/engine"
)

// super is all text nodes in one, chosen by the action. It shares their
// functions; only some settings have other names, because they stand side by
// side in one form.
func super(c *engine.Call) error {
	switch action := c.Text("action"); action {
	case "Substring":
		return substring(c)
	case "Contains", "":
		return contains(c)
	case "Starts With":
		return startsWith(c)
	case "Ends With":
		return endsWith(c)
	case "Extract (Regex)":
		return extract(c)
	case "Split":
		return split(c)
	case "Replace":
		return replace(c, "replace_count")
	case "Trim":
		return trim(c, "trim_mode", "trim_characters")
	case "Case":
		return changeCase(c, "case_transform")
	case "Pad":
		return pad(c, "pad_mode")
	case "Reverse":
		return reverse(c)
	case "Lines":
		return lines(c, "lines_mode")
	case "Count":
		return count(c, "count_mode")
	case "Join":
		return join(c)
	default:
		return engine.Failed("Unknown action: " + action)
	}
}
