package local

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/nodeplace"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/value"
)

// Check says what is wrong with a document and how the places of its nodes cut
// it, as an orchestrator does; err is for texts that are none.
func (d *Desk) Check(doc []byte) (workflow.Diagnostics, []fleet.SegmentPlan, error) {
	parsed, err := d.parse(doc)
	if err != nil {
		return nil, nil, err
	}
	found, segments := nodeplace.Validate(parsed, d.o.Catalog, workflow.Policy{Limits: d.o.Limits}, nodeplace.Most)
	return found, segments, nil
}

// read reads a document that is to run, and refuses it unless it may.
func (d *Desk) read(doc []byte) (*workflow.Document, error) {
	parsed, err := d.parse(doc)
	if err != nil {
		return nil, err
	}
	found := workflow.Validate(parsed, d.o.Catalog, workflow.Policy{Limits: d.o.Limits})
	if found.OK() {
		return parsed, nil
	}
	e := fleet.Errorf(fleet.CodeInvalid, "workflow_invalid", "The workflow cannot run: %s", found.Errors()[0].String())
	for i, f := range found.Errors() {
		if i == 100 {
			break
		}
		field := f.Field
		if f.NodeID != "" && field == "" {
			field = "/nodes/" + f.NodeID
		}
		e.Fields = append(e.Fields, fleet.FieldError{Field: field, Code: string(f.Code), Message: f.Sentence()})
	}
	return nil, e
}

func (d *Desk) parse(doc []byte) (*workflow.Document, error) {
	parsed, err := workflow.Parse(doc, workflow.Options{Catalog: d.o.Catalog, Limits: d.o.Limits})
	if syntax, ok := errors.AsType[*workflow.SyntaxError](err); ok {
		e := fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "The workflow cannot be read: %s.", syntax.Error())
		e.Status = 400
		if syntax.TooLarge {
			e.Reason, e.Status = "too_large", 413
		}
		return nil, e
	}
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeInvalid, "workflow_invalid", "The workflow cannot be read: %s.", err)
	}
	return parsed, nil
}

// variables reads the inputs of a run.
func variables(raw json.RawMessage) (*value.Map, error) {
	if len(raw) == 0 {
		return value.NewMap(), nil
	}
	parsed, err := value.Parse(raw)
	if object, ok := parsed.(*value.Map); ok && err == nil {
		return object, nil
	}
	return nil, fleet.Invalid("inputs", "inputs must be an object of variables.")
}

func droppedText(n int64) string {
	if n == 1 {
		return "1 further line is not kept."
	}
	return fmt.Sprintf("%d further lines are not kept.", n)
}
