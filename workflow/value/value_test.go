package value_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/workflow/value"
)

func TestMapKeepsOrder(t *testing.T) {
	m := value.NewMap()
	for i := range 40 {
		m.Set(string(rune('a'+i%26))+string(rune('0'+i/26)), int64(i))
	}
	m.Set("c0", "again")
	for _, k := range []string{"a0", "z0", "n1", "absent"} {
		if had := m.Has(k); m.Delete(k) != had {
			t.Errorf("Delete(%q) disagrees with Has", k)
		}
	}
	keys := m.Keys()
	if m.Len() != 37 || keys[0] != "b0" || keys[1] != "c0" || keys[36] != "m1" {
		t.Fatalf("order is lost: %v", keys)
	}
	for i, k := range keys {
		if v, ok := m.Get(k); !ok || k != "c0" && v == nil {
			t.Errorf("key %d %q is not found after deletions", i, k)
		}
	}
	c := m.Clone()
	c.Set("new", true)
	if m.Has("new") || !c.Equal(c.Clone()) || c.Equal(m) {
		t.Error("a clone is not independent")
	}
	for c.Len() > 0 {
		c.Delete(c.Keys()[0])
	}
	if m.Len() != 37 {
		t.Error("emptying the clone emptied the original")
	}
}

func TestNilMapReads(t *testing.T) {
	var m *value.Map
	if _, ok := m.Get("x"); ok || m.Has("x") || m.Len() != 0 || len(m.Keys()) != 0 || m.Delete("x") || m.Clone() == nil {
		t.Error("a nil map does not read as empty")
	}
	for range m.All() {
		t.Error("a nil map has entries")
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]any{
		`10`: int64(10), `10.0`: 10.0, `1e3`: 1000.0, `-0`: int64(0), `9223372036854775807`: int64(math.MaxInt64),
		`9223372036854775808`: 9223372036854775808.0, ` [1, null] `: []any{int64(1), nil}, "\ufeff{}": value.NewMap(),
		`{"b":1,"a":[true]}`: value.MapOf("b", int64(1), "a", []any{true}), `"\ud83d\ude00 \ud83d"`: "😀 \ufffd",
	} {
		got, err := value.Parse([]byte(in))
		if err != nil || !cmp.Equal(got, want) || value.TypeName(got) != value.TypeName(want) {
			t.Errorf("Parse(%s) = %s, %v", in, value.Repr(got), err)
		}
	}
	for in, want := range map[string]string{
		"{\n \"a\": 1,\n \"a\": 2}": `The key "a" appears twice: line 3 column 2 (char 12)`,
		`[1] 2`:                     "Extra data: line 1 column 5 (char 4)",
		`NaN`:                       "Expecting value: line 1 column 1 (char 0)",
		`[-Infinity]`:               "Expecting value: line 1 column 2 (char 1)",
		"[\"é\", \xff]":             "Invalid UTF-8: line 1 column 7 (char 6)",
		strings.Repeat("[", 65):     "Nested deeper than 64 levels: line 1 column 65 (char 64)",
	} {
		_, err := value.Parse([]byte(in))
		if syntax, ok := errors.AsType[*value.SyntaxError](err); !ok || syntax.Error() != want {
			t.Errorf("Parse(%q): %v, want %s", in, err, want)
		}
	}
	for _, limits := range []value.Limits{{Depth: 1}, {Bytes: 5}, {Elements: 2}} {
		if _, err := value.ParseLimited([]byte(`[1,[2]]`), limits); err == nil {
			t.Errorf("%+v is not kept", limits)
		}
	}
	if _, err := value.ParseLimited([]byte(`[1,[2]]`), value.Limits{Depth: 2, Bytes: 7, Elements: 3}); err != nil {
		t.Errorf("exact limits: %v", err)
	}
}

type handle struct{}

func TestMarshal(t *testing.T) {
	v := value.MapOf("z", 15.0, "a", []any{1e16, int64(1), nil, "é<\x01"}, "b", []byte{1, 2}, "n", math.NaN(), "h", &handle{})
	got, err := value.Marshal(v)
	want := `{"z":15.0,"a":[1e+16,1,null,"é<\u0001"],"b":"AQI=","n":"nan","h":"<handle object>"}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := value.Dumps(v, value.Options{Indent: -1}); err == nil || err.Error() != "Object of type bytes is not JSON serializable" {
		t.Errorf("Dumps of bytes: %v", err)
	}
	var back struct{ M *value.Map }
	if err := json.Unmarshal([]byte(`{"M":{"b":1.0,"a":{"x":[]}}}`), &back); err != nil || back.M.String() != "{'b': 1.0, 'a': {'x': []}}" {
		t.Errorf("Unmarshal: %v, %v", back.M, err)
	}
	if err := json.Unmarshal([]byte(`{"M":[]}`), &back); err == nil {
		t.Error("a list passes for an object")
	}
}

func TestEqualAndOrder(t *testing.T) {
	big := int64(1<<53 + 1)
	for _, c := range []struct {
		a, b  any
		equal bool
		order string // of Compare, or its error
	}{
		{int64(1), 1.0, true, "0"},
		{int64(1), true, true, "0"},
		{big, float64(big), false, "1"},
		{int64(math.MaxInt64), 1 << 63 * 1.0, false, "-1"},
		{"10", int64(10), false, "'<' not supported between instances of 'str' and 'int'"},
		{nil, nil, true, "'<' not supported between instances of 'NoneType' and 'NoneType'"},
		{[]any{int64(1), "a"}, []any{1.0, "b"}, false, "-1"},
		{[]any{int64(1)}, []any{int64(1), nil}, false, "-1"},
		{value.MapOf("a", 1, "b", 2), value.MapOf("b", 2, "a", 1), true, "'<' not supported between instances of 'dict' and 'dict'"},
		{"é", "z", false, "1"},
	} {
		if got := value.Equal(value.FromGo(c.a), value.FromGo(c.b)); got != c.equal {
			t.Errorf("Equal(%s, %s) = %v", value.Repr(c.a), value.Repr(c.b), got)
		}
		n, err := value.Compare(value.FromGo(c.a), value.FromGo(c.b))
		got := value.Repr(int64(n))
		if err != nil {
			got = err.Error()
		}
		if got != c.order {
			t.Errorf("Compare(%s, %s) = %s", value.Repr(c.a), value.Repr(c.b), got)
		}
	}
	if nan := math.NaN(); value.Equal(nan, nan) {
		t.Error("NaN equals itself")
	}
	items := []any{2.5, int64(-1), true, int64(3)}
	if err := value.Sort(items, true); err != nil || value.Repr(items) != "[3, 2.5, True, -1]" {
		t.Errorf("Sort: %s, %v", value.Repr(items), err)
	}
	if err := value.Sort([]any{"a", int64(1)}, false); err == nil {
		t.Error("text and number have an order")
	}
}

func TestConversions(t *testing.T) {
	for v, want := range map[any]bool{"true": true, " YES ": true, "on": true, "1": true, "false": false, "2": false, "": false, int64(2): true, 0.0: false, nil: false} {
		if value.ToBool(v) != want {
			t.Errorf("ToBool(%s) = %v", value.Repr(v), !want)
		}
	}
	if _, err := value.ToInt([]any{}); err == nil || !strings.Contains(err.Error(), "not 'list'") {
		t.Errorf("ToInt of a list: %v", err)
	}
	if _, err := value.ToInt("99999999999999999999"); err == nil {
		t.Error("a number of 67 bits fits into 64")
	}
	type secret string
	in := map[string]any{"b": []string{"x"}, "a": json.Number("1.0"), "c": map[string]int{"k": 1}, "f": float32(0.1), "s": secret("x"), "u": uint8(7), "t": time.Second}
	got := value.FromGo(in)
	if want := "{'a': 1.0, 'b': ['x'], 'c': {'k': 1}, 'f': 0.1, 's': 'x', 't': 1s, 'u': 7}"; value.Repr(got) != want {
		t.Errorf("FromGo: %s", value.Repr(got))
	}
	back := value.ToGo(got).(map[string]any)
	if !cmp.Equal(back["c"], map[string]any{"k": int64(1)}) {
		t.Errorf("ToGo: %v", back)
	}
	inner := []any{int64(1)}
	m := value.MapOf("l", inner)
	clone := value.Clone(m).(*value.Map)
	inner[0] = "changed"
	if value.Repr(clone) != "{'l': [1]}" {
		t.Errorf("Clone shares its lists: %s", clone)
	}
	if value.FromGo(m) != any(m) {
		t.Error("FromGo copies what conforms already")
	}
}

func TestContainsAndSets(t *testing.T) {
	s, err := value.NewSet(int64(1), 1.0, true, "a", value.Tuple{int64(1)})
	if err != nil || s.Len() != 3 {
		t.Fatalf("set has %d elements, %v", s.Len(), err)
	}
	for _, c := range []struct{ in, item any }{
		{"abc", "bc"}, {[]any{1.0}, int64(1)}, {value.MapOf("1", nil), int64(1)}, {s, value.Tuple{1.0}}, {[]byte("ab"), int64('b')},
	} {
		if ok, err := value.Contains(c.in, c.item); !ok || err != nil {
			t.Errorf("%s in %s: %v, %v", value.Repr(c.item), value.Repr(c.in), ok, err)
		}
	}
	if _, err := value.NewSet([]any{}); err == nil {
		t.Error("a list is an element of a set")
	}
	plain := value.Plain([]any{value.MapOf("s", s), "x"})
	if value.Repr(plain) != "[{'s': [1, 'a', [1]]}, 'x']" {
		t.Errorf("Plain: %s", value.Repr(plain))
	}
}

func TestSizeStops(t *testing.T) {
	v := any("0123456789")
	for range 40 {
		v = []any{v, v}
	}
	if n := value.Size(v, 1000); n <= 1000 || n > 1100 {
		t.Errorf("Size = %d", n)
	}
	if _, err := value.FormatValue(v, ""); err == nil {
		t.Error("a text of a million megabytes was made")
	}
	if _, err := value.Format(strings.Repeat("{:1000000}", 100), slices.Repeat([]any{"x"}, 100), nil); err == nil {
		t.Error("a format of 100 MB was made")
	}
}
