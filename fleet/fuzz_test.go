package fleet

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

// FuzzComparison reads any bytes as a list of conditions. What is refused is
// refused with a sentence; what is taken can be written and read again, and is
// within its bounds.
func FuzzComparison(f *testing.F) {
	for _, seed := range []string{
		`[{"fact":"ram_mb","op":">=","value":16000}]`, `[{"any":[{"fact":"a","op":"exists"},{"not":{"fact":"b","op":"in","value":["x",1]}}]}]`,
		`[{"fact":"office","op":"version","value":">=16.0 <17"}]`, `[{"path":"/a/b","op":"==","value":null}]`, `[{"op":"=="}]`, `[{}]`, `[]`,
		`[{"not":{"not":{"not":{"not":{"not":{}}}}}}]`, `[{"fact":"a","op":"<","value":1e999}]`, `[{"fact":"\u0000","op":"==","value":"\ud800"}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var list []Comparison
		if json.Unmarshal(text, &list) != nil {
			return
		}
		if err := ValidateFactConditions("conditions", list); err != nil {
			if e := AsError(err); !errors.Is(err, ErrInvalid) || e.Message == "" {
				t.Errorf("%q is refused with %v", text, err)
			}
			return
		}
		if len(list) > MaxComparisons {
			t.Errorf("%d conditions were taken", len(list))
		}
		for _, c := range list {
			if c.String() == "" {
				t.Errorf("%q has no text", text)
			}
		}
		again, err := json.Marshal(list)
		if err != nil {
			t.Fatalf("%q cannot be written: %v", text, err)
		}
		var back []Comparison
		if err := json.Unmarshal(again, &back); err != nil || ValidateFactConditions("conditions", back) != nil {
			t.Errorf("%q became %q, which is refused: %v", text, again, err)
		}
		if len(list) > 0 && len(back) > 0 && !reflect.DeepEqual(list[0].Op, back[0].Op) {
			t.Errorf("%q became %q", text, again)
		}
	})
}
