package orchestrator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/casarerpa/fleet/fleet"
)

// schemas keeps compiled JSON Schemas by their text. The zero value is empty.
type schemas struct {
	mu   sync.Mutex
	list map[string]*jsonschema.Schema
}

// schemasMost bounds what is kept; beyond it all is forgotten.
const schemasMost = 256

// nowhere refuses whatever a schema refers to outside of itself: the
// orchestrator opens no file and calls no address for it.
type nowhere struct{}

func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s; a schema must be complete in itself", url)
}

func (s *schemas) compiled(field string, text json.RawMessage) (*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.list[string(text)]; c != nil {
		return c, nil
	}
	out, err := compile(field, text, math.MaxInt)
	if err != nil {
		return nil, err
	}
	if s.list == nil || len(s.list) >= schemasMost {
		s.list = map[string]*jsonschema.Schema{}
	}
	s.list[string(text)] = out
	return out, nil
}

// compile reads a schema whose regular expressions, which are RE2's and so take
// time by their length alone, have at most so many characters.
func compile(field string, text json.RawMessage, longest int) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if _, ok := doc.(map[string]any); err == nil && !ok {
		err = errors.New("it must be an object")
	}
	var out *jsonschema.Schema
	tooLong := 0
	if err == nil {
		c := jsonschema.NewCompiler()
		c.UseLoader(nowhere{})
		c.UseRegexpEngine(func(pattern string) (jsonschema.Regexp, error) {
			if n := utf8.RuneCountInString(pattern); n > longest {
				tooLong = n
				return nil, errors.New("too long")
			}
			return regexp.Compile(pattern)
		})
		if err = c.AddResource("urn:queue", doc); err == nil {
			out, err = c.Compile("urn:queue")
		}
	}
	if tooLong > 0 {
		return nil, fleet.Invalid(field, "A regular expression of %s has %d characters; it may have at most %d.", field, tooLong, longest)
	}
	if err != nil {
		why, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), "urn:queue", "the schema"), "\n")
		return nil, fleet.Invalid(field, "%s is no JSON Schema: %s.", field, cut(why, 300))
	}
	return out, nil
}

// maxSchemaFaults bounds how many faults one answer names.
const maxSchemaFaults = 20

// check holds a document against a schema; none asks for nothing.
func (s *schemas) check(field string, schema, doc json.RawMessage) error {
	if len(schema) == 0 {
		return nil
	}
	c, err := s.compiled("schema", schema)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return fleet.Invalid(field, "%s must be a JSON object.", field)
	}
	var broken *jsonschema.ValidationError
	if err := c.Validate(v); err == nil {
		return nil
	} else if !errors.As(err, &broken) {
		return fleet.Internal(err)
	}
	out := &fleet.Error{Code: fleet.CodeInvalid, Reason: "item_invalid"}
	for line := range strings.SplitSeq(broken.Error(), "\n") {
		at, why, ok := strings.Cut(strings.TrimLeft(line, " -"), "': ")
		pointer, named := strings.CutPrefix(at, "at '")
		if !ok || !named || len(out.Fields) >= maxSchemaFaults {
			continue
		}
		f := fleet.FieldError{Field: field + pointer, Code: "item_invalid", Message: cut(why, 300)}
		out.Fields = append(out.Fields, f)
	}
	out.Message = field + " does not fit the schema of the queue."
	if len(out.Fields) > 0 {
		out.Message = fmt.Sprintf("%s does not fit the schema of the queue: at %s: %s.", field, out.Fields[0].Field, out.Fields[0].Message)
	}
	return out
}
