package value_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/casarerpa/fleet/workflow/value"
)

// anyValue draws values of the whole model but handles and bytes.
func anyValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 6
		if depth == 0 {
			kinds = 4
		}
		switch rapid.IntRange(0, kinds).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Int64().Draw(t, "int")
		case 3:
			return rapid.Float64().Draw(t, "float")
		case 4:
			return rapid.String().Draw(t, "text")
		case 5:
			items := rapid.SliceOfN(anyValue(depth-1), 0, 4).Draw(t, "list")
			return append([]any{}, items...)
		default:
			m := value.NewMap()
			for range rapid.IntRange(0, 12).Draw(t, "keys") {
				m.Set(rapid.String().Draw(t, "key"), anyValue(depth-1).Draw(t, "value"))
			}
			return m
		}
	})
}

func TestMarshalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "v")
		data, err := value.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := value.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		// The text form shows types and order too.
		if value.Repr(back) != value.Repr(v) || !value.Equal(back, v) {
			t.Fatalf("%s came back as %s", value.Repr(v), value.Repr(back))
		}
		for _, indent := range []int{-1, 0, 3} {
			text, err := value.Dumps(v, value.Options{Indent: indent, EnsureASCII: true})
			if err != nil {
				t.Fatal(err)
			}
			if loaded, err := value.Loads(text); err != nil || !value.Equal(loaded, v) {
				t.Fatalf("Loads(Dumps) = %s, %v", value.Repr(loaded), err)
			}
		}
		if !value.Equal(value.FromGo(value.ToGo(v)), v) || !value.Equal(value.Clone(v), v) {
			t.Fatal("ToGo or Clone loses something")
		}
	})
}

func TestOrderIsTotal(t *testing.T) {
	numbers := rapid.OneOf(
		rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		x, _ := value.Compare(a, b)
		y, _ := value.Compare(b, a)
		if x != -y || (x == 0) != value.Equal(a, b) {
			t.Fatalf("Compare(%v, %v) = %d, the other way %d", a, b, x, y)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,"x\u00e9",null]}`, `[[[`, `"\ud800"`, `-0.0e-5`, "NaN", "{\"a\":1,\"a\":2}", "\ufeff1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = value.Loads(string(data))
		v, err := value.Parse(data)
		if err != nil {
			return
		}
		out, err := value.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := value.Parse(out)
		if err != nil {
			// Numbers beyond the range are infinite and stored as text.
			t.Fatalf("%s: %v", out, err)
		}
		if again, _ := value.Marshal(back); !bytes.Equal(again, out) {
			t.Fatalf("%s then %s", out, again)
		}
	})
}

func FuzzFormat(f *testing.F) {
	for _, seed := range []string{"{} {a[b]!r:>10}", "{:{}}", "{0.x:010,.2f}", "{{}", "{:999999999999}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) {
		s, err := value.Format(template, []any{int64(5), 2.5, "x"}, value.MapOf("a", value.MapOf("b", nil), "l", []any{true}))
		if err == nil && len(s) > 32<<20 {
			t.Fatalf("%d bytes", len(s))
		}
		_, _ = value.Strptime(template, template)
	})
}

func BenchmarkParse(b *testing.B) {
	data := []byte(`{"name":"Ann","age":31,"tags":["a","b","c"],"address":{"city":"Zürich","zip":"8000","geo":[47.37,8.54]},"ok":true,"none":null}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := value.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	v, err := value.Parse([]byte(`{"name":"Ann","age":31,"tags":["a","b","c"],"geo":[47.37,8.54],"ok":true,"none":null}`))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := value.Marshal(v); err != nil {
			b.Fatal(err)
		}
	}
}
