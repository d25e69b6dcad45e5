package flow

import (
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// No prompt templates come with this program, and it speaks to no language
// model, so these nodes say so instead of pretending. A text with braces in
// place of a template's name is a template itself and can be rendered.

// promptTemplate only fills a template in. To ask a model for an answer needs a
// service, which this version does not have.
func promptTemplate(c *engine.Call) error {
	rendered, err := renderPrompt(c)
	if err == nil && c.Bool("execute") {
		c.Set("rendered_prompt", rendered)
		err = engine.Failed("No language model is connected to this robot: set execute to false to render the prompt only")
	}
	if err != nil {
		c.Set("success", false)
		c.Set("error", err.Error())
		return err
	}
	c.Set("rendered_prompt", rendered)
	c.Set("system_prompt", c.Text("system_prompt"))
	c.Set("response", "")
	c.Set("parsed_response", value.NewMap())
	c.Set("tokens_used", int64(0))
	c.Set("success", true)
	c.Set("error", "")
	return nil
}

func renderPrompt(c *engine.Call) (string, error) {
	template := c.Text("template_id")
	if template == "" {
		return "", engine.Failed("Template ID is required")
	}
	v := c.Param("variables")
	if text, ok := v.(string); ok && text != "" {
		parsed, err := value.Loads(text)
		if err != nil {
			return "", engine.Failed("Invalid variables JSON: " + err.Error())
		}
		v = c.Resolve(parsed)
	}
	variables, ok := v.(*value.Map)
	if v != nil && v != "" && !ok {
		return "", engine.Failed("Template variables must be an object")
	}
	if !strings.Contains(template, "{") {
		return "", engine.Failed("Template not found: " + template)
	}
	return value.Format(template, nil, variables)
}

func listTemplates(c *engine.Call) error {
	c.Set("templates", []any{})
	c.Set("count", int64(0))
	c.Set("success", true)
	c.Set("error", "")
	return nil
}

func templateInfo(c *engine.Call) error {
	c.Set("found", false)
	if c.Text("template_id") == "" {
		err := engine.Failed("Template ID is required")
		c.Set("success", false)
		c.Set("error", err.Error())
		return err
	}
	c.Set("template_info", value.NewMap())
	c.Set("variables", []any{})
	c.Set("system_prompt", "")
	c.Set("success", true)
	c.Set("error", "")
	return nil
}
