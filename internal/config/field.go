package config

import (
	"fmt"
	"io"
	"reflect"

	"github.com/alecthomas/kong"

	"github.com/casarerpa/fleet/internal/near"
)

// Field is one setting, for the reference page and for checks.
type Field struct {
	Flag    string
	Env     []string
	Type    string
	Default string
	Help    string
	Secret  bool
}

// Fields lists the settings of a program in the order of its struct. kong
// itself reads the struct, so the page says what the command line does.
func Fields(program any) ([]Field, error) {
	k, err := kong.New(program, kong.NoDefaultHelp(), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		return nil, fmt.Errorf("read the settings of %T: %w", program, err)
	}
	var out []Field
	for _, f := range k.Model.Flags {
		out = append(out, Field{
			Flag: f.Name, Env: f.Envs, Type: typeName(f.Target.Type()),
			Default: f.Default, Help: f.Help, Secret: f.Target.Type() == reflect.TypeFor[Secret](),
		})
	}
	return out, nil
}

func flagNames(program any) ([]string, error) {
	fields, err := Fields(program)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Flag
	}
	return names, nil
}

func typeName(t reflect.Type) string {
	switch t.String() {
	case "time.Duration":
		return "duration"
	case "config.Size":
		return "size"
	case "config.Secret":
		return "secret"
	case "netip.Prefix":
		return "network"
	}
	switch t.Kind() { //nolint:exhaustive // the kinds that a setting can have
	case reflect.Slice:
		return "list of " + typeName(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "number"
	}
	return "text"
}

// nearest returns the known name with the fewest edits, if they are few enough
// to be a slip.
func nearest(name string, known []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := near.Distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}
