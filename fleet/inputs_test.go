package fleet

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFillInputs(t *testing.T) {
	const a, b = ID("01939c3e-7b1a-7c3d-8e4f-0123456789ab"), ID("01939c3e-7b1a-7c3d-8e4f-0123456789ac")
	results := map[ID]string{
		a: `{"success":true,"variables":{"invoice":{"id":"A-7","lines":[{"sum":12.50},{"sum":3}]},"a/b":{"m~n":null},"variables":"inner"}}`,
		b: `{"paid":true}`,
	}
	take := func(id ID, pointer string) string {
		v, err := json.Marshal(map[string]any{"n": 1, "x": FromJob{Job: id, Pointer: pointer}})
		if err != nil {
			t.Fatal(err)
		}
		return string(v)
	}
	for _, c := range []struct{ variables, want, problem string }{
		{take(a, "/invoice/id"), `{"n":1,"x":"A-7"}`, ""},
		{take(a, "/invoice/lines/0/sum"), `{"n":1,"x":12.50}`, ""}, // digits stay as they were written
		{take(a, "/a~1b/m~0n"), `{"n":1,"x":null}`, ""},
		{take(a, "/variables"), `{"n":1,"x":"inner"}`, ""},
		{take(b, "/paid"), `{"n":1,"x":true}`, ""}, // a result that a person gave
		{take(b, ""), `{"n":1,"x":{"paid":true}}`, ""},
		{take(a, "/invoice/lines/01"), "", "no such value"},
		{take(a, "/invoice/lines/-"), "", "no such value"},
		{take(a, "/success"), "", "no such value"}, // that is the report's, not the workflow's
		{`{"x":{"from_job":"` + string(a) + `","pointer":"/","more":1}}`, `{"x":{"from_job":"` + string(a) + `","pointer":"/","more":1}}`, ""},
		{`{"x":{"y":` + take(a, "/invoice/id") + `}}`, `{"x":{"y":` + take(a, "/invoice/id") + `}}`, ""}, // only the first level
	} {
		reads := 0
		got, problem, err := FillInputs([]byte(c.variables), func(id ID) (json.RawMessage, error) { reads++; return json.RawMessage(results[id]), nil })
		if err != nil || string(got) != c.want || (problem == "") != (c.problem == "") || !strings.Contains(problem, c.problem) {
			t.Errorf("%s: %s, %q, %v; want %s, %q", c.variables, got, problem, err, c.want, c.problem)
		}
		if reads > 1 {
			t.Errorf("%s: the result was read %d times", c.variables, reads)
		}
	}
}
