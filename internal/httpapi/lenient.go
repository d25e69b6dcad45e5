package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// Programs of the original send members that nobody reads, and null where they
// have nothing to say. What is read of their bodies is read by the functions of
// this file.

// lenient reads what it knows of an object and leaves the rest aside. An empty
// body is an empty object.
func lenient[T any](raw []byte, l config.Limits) (out T, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return out, nil
	}
	// Members twice, depth and sizes are the same here as everywhere.
	if _, err := object(raw, l, nil); err != nil {
		return out, err
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		if e, ok := errors.AsType[*fleet.Error](err); ok { // a word that says itself what is wrong with it
			return out, e
		}
		e := fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "The body must be a JSON object with the members of this route: %s.", clip(err.Error(), 200))
		e.Status = http.StatusBadRequest
		if _, isType := err.(*json.UnmarshalTypeError); isType { //nolint:errorlint // as encoding/json returns it
			e.Reason, e.Status = "invalid_field", http.StatusUnprocessableEntity
		}
		return out, e
	}
	return out, nil
}

// known reads what it knows of an object, as strictly as [decode] does, and says
// which members it has left aside.
func known[T any](raw []byte, l config.Limits) (out T, warnings []string, err error) {
	var aside []string
	out, err = readFields[T](raw, fieldsOf[T](), l, &aside)
	for _, name := range aside {
		warnings = append(warnings, "There is no field "+clip(name, 80)+"; it was left aside.")
	}
	return out, warnings, err
}

// figure is a number of a free object: null, a text or its absence is no number.
func figure(m map[string]any, name string) (n float64, given bool) {
	n, given = m[name].(float64)
	return n, given
}
