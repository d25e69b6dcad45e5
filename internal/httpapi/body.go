package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// decode reads an object into a struct of type T, member by member, by the
// names in its json tags. Fields of type json.RawMessage get the bytes as they
// came, without a copy; those tagged `opaque` are not looked into. Every wrong
// member is named, not just the first.
func decode[T any](body []byte, l config.Limits) (T, error) {
	return decodeFields[T](body, fieldsOf[T](), l)
}

// optional reads a body that may be left out.
func optional[T any](a *API, raw []byte) (body T, err error) {
	if len(raw) == 0 {
		return body, nil
	}
	return decode[T](raw, a.o.Limits)
}

// decodeFields is decode for those who keep the list of fields.
func decodeFields[T any](body []byte, fields map[string]fieldInfo, l config.Limits) (out T, err error) {
	return readFields[T](body, fields, l, nil)
}

// readFields is decodeFields; with aside, members that are not known are named
// there instead of being faults.
func readFields[T any](body []byte, fields map[string]fieldInfo, l config.Limits, aside *[]string) (out T, err error) {
	v := reflect.ValueOf(&out).Elem()
	members, err := object(body, l, func(key string) bool { return fields[key].opaque })
	if err != nil {
		return out, err
	}
	var faults []fleet.FieldError
	for _, m := range members {
		f, known := fields[m.key]
		if !known && aside != nil {
			*aside = append(*aside, m.key)
			continue
		}
		if !known {
			faults = append(faults, fleet.FieldError{
				Field: clip(m.key, 80), Code: "unknown_field", Message: "There is no field " + clip(m.key, 80) + ".",
			})
			continue
		}
		if string(m.value) == "null" {
			continue // the same as leaving it out
		}
		if e := setField(v.Field(f.index), m); e != nil {
			faults = append(faults, *e)
		}
	}
	return out, fieldFaults(faults)
}

// fieldFaults is one error for all that is wrong with single fields.
func fieldFaults(faults []fleet.FieldError) error {
	if len(faults) == 0 {
		return nil
	}
	return &fleet.Error{Code: fleet.CodeInvalid, Reason: faults[0].Code, Message: faults[0].Message, Fields: faults}
}

type fieldInfo struct {
	index  int
	opaque bool
}

// fieldsOf lists the fields of a body by their names.
func fieldsOf[T any]() map[string]fieldInfo {
	t := reflect.TypeFor[T]()
	fields := make(map[string]fieldInfo, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = fieldInfo{index: i, opaque: f.Tag.Get("opaque") == "true"}
	}
	return fields
}

// setField reads one value into its field.
func setField(field reflect.Value, m member) *fleet.FieldError {
	if raw, ok := reflect.TypeAssert[*json.RawMessage](field.Addr()); ok {
		*raw = m.value
		return nil
	}
	err := unmarshal(m.value, field)
	if err == nil {
		return composed(m.key, field)
	}
	out := &fleet.FieldError{Field: m.key, Code: "invalid_field"}
	var known *fleet.Error
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &known):
		out.Message = known.Message
	case errors.As(err, &kind):
		if kind.Field != "" {
			out.Field += "." + kind.Field
		}
		out.Message = out.Field + " must be " + wanted(kind.Type) + "; got " + described(kind.Value) + "."
	default:
		if name, ok := unknownName(err); ok {
			out.Field, out.Code = m.key+"."+name, "unknown_field"
			out.Message = "There is no field " + out.Field + "."
			break
		}
		out.Message = m.key + " must be " + wanted(field.Type()) + "; got " + clip(string(m.value), 40) + "."
	}
	return out
}

// composed wants names in one spelling of several that look alike, so that two
// of them cannot be told apart by programs alone.
func composed(key string, field reflect.Value) *fleet.FieldError {
	for field.Kind() == reflect.Pointer && !field.IsNil() {
		field = field.Elem()
	}
	if key != "name" || field.Kind() != reflect.String || norm.NFC.IsNormalString(field.String()) {
		return nil
	}
	return &fleet.FieldError{Field: key, Code: "invalid_field", Message: key + " must be in Unicode's composed form (NFC)."}
}

// unmarshal reads one value; objects may hold only what is known.
func unmarshal(raw []byte, field reflect.Value) error {
	if field.Kind() != reflect.Pointer {
		return json.Unmarshal(raw, field.Addr().Interface())
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(field.Addr().Interface())
}

// unknownName finds the name that encoding/json does not know; it has no typed
// error for it.
func unknownName(err error) (string, bool) {
	rest, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	return strings.Trim(rest, `"`), ok
}

// wanted names a Go type for people.
func wanted(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() == "time" && t.Name() == "Time" {
		return "a time such as 2026-11-24T12:00:00Z, with its offset"
	}
	switch t.Kind() { //nolint:exhaustive // the others are lists and objects
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint64:
		return "a whole number"
	case reflect.Float64, reflect.Float32:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return "an object"
}

// described names what encoding/json found.
func described(value string) string {
	switch first, rest, _ := strings.Cut(value, " "); first {
	case "number":
		if rest != "" {
			return rest
		}
		return "a number"
	case "string":
		return "a text"
	case "array":
		return "a list"
	case "bool":
		return "true or false"
	case "object":
		return "an object"
	}
	return value
}
