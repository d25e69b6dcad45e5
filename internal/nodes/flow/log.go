package flow

import (
	"errors"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// logMessage writes one line. The message is a format text over the variables;
// a name that no variable has leaves it as it is, so that braces in prose do
// no harm.
func logMessage(c *engine.Call) error {
	message := c.Text("message")
	formatted, err := value.Format(message, nil, c.Vars())
	if err != nil {
		var pyErr *value.Error
		if !errors.As(err, &pyErr) || (pyErr.Type != "KeyError" && pyErr.Type != "ValueError") {
			return engine.Failed("Log error: " + err.Error())
		}
		formatted = message
	}
	if c.Bool("include_node_id") {
		formatted = "[" + c.NodeID + "] " + formatted
	}
	if data := c.Param("data"); data != nil {
		formatted += " | Data: " + value.Str(data)
	}
	c.Log(logLevel(c.Text("level"), engine.LevelInfo), formatted)
	return nil
}

// logLevel reads a level in any case.
func logLevel(name string, unknown engine.Level) engine.Level {
	switch level := engine.Level(strings.ToLower(name)); level {
	case engine.LevelDebug, engine.LevelInfo, engine.LevelWarning, engine.LevelError, engine.LevelCritical:
		return level
	}
	return unknown
}
