package engine

import (
	"github.com/casarerpa/fleet/internal/engine/template"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Prepare brings a node's settings into the form that its behaviour reads. What
// is missing, null, or empty where a text makes no sense, gets the default of
// the catalog; numbers that were saved as text get their type. A text with
// references keeps its form until they are replaced (rule C14), and one that
// does not fit stays as it is. Booleans are left to Call.Bool, since some nodes
// have words of their own for true.
func Prepare(_ *catalog.Catalog, spec *Spec, config *value.Map) {
	for i := range spec.Properties {
		p := &spec.Properties[i]
		v, ok := config.Get(p.Name)
		text, isText := v.(string)
		switch {
		case !ok || v == nil, text == "" && isText && !textual(p.Type):
			if p.Default != nil {
				config.Set(p.Name, value.Clone(p.Default))
			} else if ok {
				config.Delete(p.Name)
			}
		case isText && !template.HasReference(text):
			if typed, ok := typedAs(p.Type, text); ok {
				config.Set(p.Name, typed)
			}
		}
	}
}

// textual says whether an empty text is a value of a property type.
func textual(typ string) bool {
	switch typ {
	case "str", "text", "path", "dir", "glob", "sel", "code", "any":
		return true
	}
	return false
}

func typedAs(typ, text string) (any, bool) {
	switch typ {
	case "int":
		n, err := value.ToInt(text)
		return n, err == nil
	case "num":
		f, err := value.ToFloat(text)
		return f, err == nil
	}
	return nil, false
}
