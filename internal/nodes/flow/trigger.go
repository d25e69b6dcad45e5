package flow

import (
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// payloadVariable is where a job that a trigger started carries what happened.
const payloadVariable = "_job_payload"

// triggerTypes are the types that only open a run here; listening is the
// orchestrator's work.
func triggerTypes() []string {
	return []string{
		"WebhookTriggerNode", "ScheduleTriggerNode", "FileWatchTriggerNode", "EmailTriggerNode",
		"AppEventTriggerNode", "ErrorTriggerNode", "WorkflowCallTriggerNode", "FormTriggerNode",
		"ChatTriggerNode", "RSSFeedTriggerNode", "SSETriggerNode", "TelegramTriggerNode",
		"WhatsAppTriggerNode", "GmailTriggerNode", "DriveTriggerNode", "SheetsTriggerNode",
	}
}

// trigger fills the outputs that the payload has a value for; a run that
// nobody triggered has none.
func trigger(c *engine.Call) error {
	v, _ := c.Var(payloadVariable)
	payload, ok := v.(*value.Map)
	if !ok || c.Spec == nil {
		return nil
	}
	for _, port := range c.Spec.Out {
		if v, ok := payload.Get(port.Name); ok && v != nil {
			c.Set(port.Name, v)
		}
	}
	// A caller that posts its data bare means the whole of it.
	if _, set := c.Output("payload"); !set {
		if _, declared := c.Spec.Output("payload"); declared {
			c.Set("payload", payload)
		}
	}
	return nil
}
