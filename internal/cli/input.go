package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/workflow/value"
)

// maxInput bounds what is read from a file or a pipe; documents have a smaller
// limit of their own, which names itself.
const maxInput = 64 << 20

// read returns a file, or standard input for "-".
func (s *shell) read(name string) ([]byte, error) {
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(s.in, maxInput))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return data, nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fleet.Errorf(fleet.CodeInvalid, "no_such_file", "There is no file %s.", name).
			WithFix("Check the path; it is looked for in the current folder.")
	case err != nil:
		return nil, fleet.Errorf(fleet.CodeInvalid, "unreadable_file", "The file %s cannot be read: %w.", name, cause(err))
	case info.IsDir():
		return nil, fleet.Errorf(fleet.CodeInvalid, "unreadable_file", "%s is a folder, not a file.", name)
	case info.Size() > maxInput:
		return nil, fleet.Errorf(fleet.CodeInvalid, "too_large", "The file %s has %d bytes; at most %d are read.", name, info.Size(), maxInput)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeInvalid, "unreadable_file", "The file %s cannot be read: %w.", name, cause(err))
	}
	return data, nil
}

// jsonOf is JSON that a flag gives as it is, or in a file.
func (s *shell) jsonOf(flag, given string) (json.RawMessage, error) {
	text := []byte(given)
	if t := strings.TrimSpace(given); !strings.HasPrefix(t, "{") && !strings.HasPrefix(t, "[") {
		var err error
		if text, err = s.read(given); err != nil {
			return nil, err
		}
	}
	if !json.Valid(text) {
		return nil, fleet.Invalid(flag, "--%s is neither JSON nor a file that holds it.", flag)
	}
	return text, nil
}

// cause leaves out what the sentence around it says already.
func cause(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

// variableFlags are the inputs of a run.
type variableFlags struct {
	Var      []string `help:"set a variable: NAME=VALUE; JSON if it reads as JSON, else text (repeatable)" placeholder:"NAME=VALUE" sep:"none"`
	VarsFile string   `help:"set all variables of a JSON object in a file; - is standard input" placeholder:"PATH"`
}

// variables puts file and flags together; flags win.
func (f variableFlags) variables(s *shell) (*value.Map, error) {
	out := value.NewMap()
	if f.VarsFile != "" {
		text, err := s.read(f.VarsFile)
		if err != nil {
			return nil, err
		}
		parsed, err := value.Parse(text)
		if err != nil {
			return nil, fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "%s is not valid JSON: %s.", f.VarsFile, strings.TrimSuffix(err.Error(), "."))
		}
		object, ok := parsed.(*value.Map)
		if !ok {
			return nil, fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "%s must hold a JSON object, a value for each name.", f.VarsFile)
		}
		out = object
	}
	for _, text := range f.Var {
		name, v, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fleet.Invalid("var", "--var needs NAME=VALUE; got %q.", text)
		}
		parsed, err := value.Parse([]byte(v))
		if err != nil {
			parsed = v
		}
		out.Set(name, parsed)
	}
	return out, nil
}

// clean takes out of a text what a terminal would obey: whoever wrote a
// workflow must not move another person's cursor.
func clean(text string) string {
	unwanted := func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' || r >= 0x7f && r < 0xa0
	}
	if strings.IndexFunc(text, unwanted) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unwanted(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
