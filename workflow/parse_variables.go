package workflow

import "github.com/casarerpa/fleet/workflow/value"

// readVariables collects the declared variables, weakest source first: the
// wrapper's parameters and defaults, the workflow's own, then the values of a
// scenario (rule C5).
func (r *reader) readVariables(body *value.Map, wrappers []*value.Map) {
	for _, w := range wrappers {
		for _, key := range []string{"parameters", "default_variables", "variables"} {
			r.declare(key, get(w, key))
		}
	}
	for _, key := range []string{"default_variables", "variables"} {
		r.declare(key, get(body, key))
	}
	for _, m := range append([]*value.Map{body}, reversed(wrappers)...) {
		values := get(m, "variable_values")
		if values == nil {
			continue
		}
		named, ok := values.(*value.Map)
		if !ok {
			r.wrongType("variable_values", "an object", values)
			continue
		}
		for name, v := range named.All() {
			if i, known := r.variables[name]; known {
				r.doc.Variables[i].Default, r.doc.Variables[i].HasDefault = v, true
				continue
			}
			r.addVariable(Variable{Name: name, Default: v, HasDefault: true})
		}
		r.once("C5", "values of the scenario replace defaults of the workflow")
	}
}

func get(m *value.Map, key string) any {
	v, _ := m.Get(key)
	return v
}

// declare reads one source of variables, an object or a list.
func (r *reader) declare(field string, v any) {
	switch v := v.(type) {
	case nil:
	case *value.Map:
		for name, entry := range v.All() {
			r.addVariable(variableOf(name, entry))
		}
	case []any:
		if len(v) > 0 {
			r.once("C13", "variables were read from the list "+field)
		}
		for _, entry := range v {
			m, ok := entry.(*value.Map)
			if !ok {
				r.wrongType(field, "a list of objects", entry)
				return
			}
			name, _ := get(m, "name").(string)
			if name == "" {
				r.problem(Diagnostic{
					Code: CodeMissingField, Field: field,
					Message: "a variable in the list " + field + " has no name",
				})
				continue
			}
			r.addVariable(declaration(name, m))
		}
	default:
		r.wrongType(field, "an object or a list", v)
	}
}

// addVariable replaces an earlier declaration of the same name in its place; a
// declaration without a value keeps the earlier value.
func (r *reader) addVariable(v Variable) {
	if i, known := r.variables[v.Name]; known {
		if !v.HasDefault {
			v.Default, v.HasDefault = r.doc.Variables[i].Default, r.doc.Variables[i].HasDefault
		}
		r.doc.Variables[i] = v
		return
	}
	r.variables[v.Name] = len(r.doc.Variables)
	r.doc.Variables = append(r.doc.Variables, v)
}

// variableOf reads one entry of the object form: a plain value, or a
// declaration around one.
func variableOf(name string, entry any) Variable {
	if m, ok := entry.(*value.Map); ok && isDeclaration(m) {
		return declaration(name, m)
	}
	return Variable{Name: name, Default: entry, HasDefault: true}
}

// isDeclaration tells {type, default_value, …} from an object that is the
// value itself: it has no other keys than those of a declaration, and at least
// one that makes it one.
func isDeclaration(m *value.Map) bool {
	telling := false
	for key := range m.All() {
		switch key {
		case "default_value", "value", "type", "data_type":
			telling = true
		case "name", "default", "description", "scope", "required", "label", "sensitive", "readonly", "options":
		default:
			return false
		}
	}
	return telling
}

// declaration reads the details of a variable. The spelling that has a value
// other than null wins, since saved files carry empty twins.
func declaration(name string, m *value.Map) Variable {
	v := Variable{Name: name}
	for _, key := range []string{"default_value", "value", "default"} {
		if val, ok := m.Get(key); ok {
			v.Default, v.HasDefault = val, true
			if val != nil {
				break
			}
		}
	}
	for _, key := range []string{"type", "data_type"} {
		if s, ok := get(m, key).(string); ok && v.Type == "" {
			v.Type = s
		}
	}
	v.Description, _ = get(m, "description").(string)
	v.Scope, _ = get(m, "scope").(string)
	v.Required, _ = get(m, "required").(bool)
	return v
}
