package template

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/workflow/value"
)

func testLookup() Lookup {
	d := value.MapOf("k", []any{int64(1), value.MapOf("z", 2.5)}, "n", nil, "b", true)
	vars := map[string]any{
		"d": d, "nul": nil, "f": 15.0, "s": "x y", "n": int64(7), "flag": false, "st": "ok", "no": "No", "zero": "0",
		"dotted.name": "exact", "big": 1e16, "tricky": "{{s}} %s% '\"\\\n", "word": "n > 5", "items": []any{"a", "b"}, "q": "it's", "key": "k",
	}
	return Lookup{
		Variable: func(name string) (any, bool) { v, ok := vars[name]; return v, ok },
		Secret: func(id string) (string, bool) {
			if id == "db-1" {
				return "p%s%{{s}}", true
			}
			return "", false
		},
		Now: time.Date(2026, 11, 23, 10, 20, 30, 0, time.Local),
	}
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		in   string
		want any
	}{
		{"{{d.k}}", []any{int64(1), value.MapOf("z", 2.5)}},
		{"v={{d.k[1].z}} n={{d.n}} b={{d.b}} miss={{nope}}", "v=2.5 n={{d.n}} b=True miss={{nope}}"},
		{"all={{d}}", "all={'k': [1, {'z': 2.5}], 'n': None, 'b': True}"},
		{"%d.b% ${d.k[0]} {{ d.b }}", "True 1 True"},
		{"100% sure {{d.k[9]}}", "100% sure {{d.k[9]}}"},
		{"{{$currentDate}}x", "2026-11-23x"},
		{"{{ $currentTime }}", "10:20:30"},
		{"${$currentDateTime}", "2026-11-23T10:20:30"},
		{"{{$timestamp}}", time.Date(2026, 11, 23, 10, 20, 30, 0, time.Local).Unix()},
		{"{{d.k[-1]}}", "{{d.k[-1]}}"},
		{"{{d|length}}", "{{d|length}}"},
		{"{{n + 1}}", "{{n + 1}}"},
		{"{{ForLoop-1.x}}", "{{ForLoop-1.x}}"},
		{"{{d['k']}}", "{{d['k']}}"},
		{"50%off%sale", "50%off%sale"},
		{"50%n%sale", "507sale"},
		{"% n %", "% n %"},
		{"%$currentDate%", "%$currentDate%"},
		{"  {{n}}  ", int64(7)},
		{" {{nope}} ", " {{nope}} "},
		{"{{nul}}", nil},
		{"[{{nul}}]", "[]"},
		{"{{d.n}}", "{{d.n}}"},
		{"{{f}}|{{big}}", "15.0|1e+16"},
		{"{{dotted.name}}", "exact"},
		{"{{{n}}}", "{7}"},
		{"{{{{n}}}}", "{{7}}"},
		{"{{s}}{{s}}", "x yx y"},
		{"a {{tricky}}", "a {{s}} %s% '\"\\\n"},
		{"{{$secret:db-1}}", "p%s%{{s}}"},
		{"pw={{$secret:db-1}};", "pw=p%s%{{s}};"},
		{"{{$secret:other}}", "{{$secret:other}}"},
		{"{{$secret:}}", "{{$secret:}}"},
		{"{{n}", "{{n}"},
		{"{{", "{{"},
		{"${n", "${n"},
		{"%", "%"},
		{"%%n%%", "%7%"},
		{"{{\n n\t}}", int64(7)},
		{"{{d.k[1]z}}", "{{d.k[1]z}}"},
		{"{{1a}}", "{{1a}}"},
		{"{{items[1]}}{{items[99999999999999999999]}}", "b{{items[99999999999999999999]}}"},
		{"", ""},
		{"{{$n}}", "{{$n}}"},
	} {
		if got := Resolve(c.in, testLookup()); !cmp.Equal(got, c.want) || value.TypeName(got) != value.TypeName(value.FromGo(c.want)) {
			t.Errorf("%q = %s, want %s", c.in, value.Repr(got), value.Repr(c.want))
		}
	}
}

func TestResolveInside(t *testing.T) {
	inner := []any{"{{n}}", "plain", value.MapOf("{{n}}", "${s}")}
	in := value.MapOf("list", inner, "same", []any{"x"}, "num", int64(1))
	before := value.Repr(in)
	got := Resolve(in, testLookup()).(*value.Map)
	if want := "{'list': [7, 'plain', {'{{n}}': 'x y'}], 'same': ['x'], 'num': 1}"; got.String() != want {
		t.Errorf("got %s", got)
	}
	if value.Repr(in) != before {
		t.Errorf("the config was changed: %s", in)
	}
	if Resolve(got, Lookup{}) != any(got) {
		t.Error("a value without references was copied")
	}
}

func TestResolveIsBounded(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	got := Resolve(strings.Repeat("{{h}} ", 1000), Lookup{Variable: func(string) (any, bool) { return huge, true }})
	if n := len(got.(string)); n > maxText+10000 {
		t.Errorf("%d bytes", n)
	}
}

func TestPaths(t *testing.T) {
	text := "{{d.k[1].z}} %n% ${ n } {{$currentDate}} {{$secret:db-1}} {{a b}}"
	if got := Paths(text); !cmp.Equal(got, []string{"d.k[1].z", "n"}) {
		t.Errorf("Paths = %v", got)
	}
	if got := Secrets(text); !cmp.Equal(got, []string{"db-1"}) {
		t.Errorf("Secrets = %v", got)
	}
	for text, want := range map[string]bool{"{{x}}": true, "${x}": true, "%x%": true, "{{a|b}}": true, "100%": false, "5 % 3 %": false, "true": false} {
		if HasReference(text) != want {
			t.Errorf("HasReference(%q) = %v", text, !want)
		}
	}
}

func TestCondition(t *testing.T) {
	for _, c := range []struct {
		in   any
		want bool
		warn string
	}{
		{true, true, ""},
		{int64(0), false, ""},
		{nil, false, ""},
		{[]any{}, false, ""},
		{1.5, true, ""},
		{"{{flag}}", false, ""},
		{"{{n}}", true, ""},
		{"{{no}}", false, ""},
		{"{{zero}}", false, ""},
		{"{{st}}", true, ""},
		{"{{word}}", true, ""},
		{" %flag% ", false, ""},
		{"{{nul}}", false, ""},
		{"{{d.n}}", false, "there is no value d.n"},
		{"{{nope}}", false, "there is no value nope"},
		{"{{n}} > 5 and len('abc') == 3", true, ""},
		{"{{st}} == 'ok'", true, ""},
		{"st == 'ok'", true, ""},
		{"'{{st}}' == 'ok'", true, ""},
		{`"{{q}}" == "it's"`, true, ""},
		{"'{{q}}' == \"it's\"", true, ""},
		{"{{tricky}} == '{{tricky}}'", true, ""},
		{"'{{n}}' == '7' and {{n}} == 7", true, ""},
		{"{{st}} == ok", false, "NameError: name 'ok' is not defined"},
		{"{{d.k[1].z}} > 2", true, ""},
		{"d.k[1].z > 2", true, ""},
		{"d['b'] is True", true, ""},
		{"{{n}} % 2 == 1", true, ""},
		{"n%2 == 1", true, ""},
		{"10%n%2 == 1", true, ""},
		{"{{s}} in ['x y']", true, ""},
		{"{{nope}} == 1", false, "NameError: name 'nope' is not defined"},
		{"{{d.n}} is None", true, ""},
		{"true", true, ""},
		{"False", false, ""},
		{"0", false, ""},
		{"", false, ""},
		{"  ", false, ""},
		{"not {{flag}}", true, ""},
		{"1 +", false, "SyntaxError"},
		{"'a' < 5", false, "TypeError"},
		{"'profile' == 'profile'", true, ""},
		{"__import__('os')", false, "SyntaxError"},
		{"ref_0 == 1", false, "NameError"},
		{"{{n}} == 7 and ref_0", false, "name 'ref_0' is not defined"},
		{"d.{{key}}[0] == 1", true, ""},
		{"d.{{st}} == 1", false, "AttributeError"},
		{"d.{{s}} == 1", false, "AttributeError"},
		{"n=={{n}}and{{n}}==7", true, ""},
		{"'{{$secret:db-1}}'.startswith('p%')", true, ""},
		{"[{{n}}, {{n}}] == [7, 7]", true, ""},
		{"f'{n}' == '7'", true, ""},
	} {
		got, warning := Condition(c.in, testLookup())
		if got != c.want || (warning == "") != (c.warn == "") || !strings.Contains(warning, c.warn) {
			t.Errorf("%s = %v, warning %q", value.Repr(c.in), got, warning)
		}
	}
}

func TestEvaluate(t *testing.T) {
	for in, want := range map[string]string{"{{st}}": "'ok'", "{{n}} * 2": "14", "'{{st}}' + '!'": "'ok!'", "items": "['a', 'b']"} {
		if v, err := Evaluate(in, testLookup()); err != nil || value.Repr(v) != want {
			t.Errorf("%s = %s, %v", in, value.Repr(v), err)
		}
	}
}

func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"{{d.k[0]}} %n% ${s}", "{{{{{{", "%%%%%", "{{$secret:db-1}}", "'{{q}}' == r'{{q}}'", "${$x} {{ \n", "\"\"\"{{q}}\"\"\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		look := testLookup()
		got := Resolve(text, look)
		if len(Paths(text)) == 0 && len(Secrets(text)) == 0 && !strings.Contains(text, "$") && !cmp.Equal(got, any(text)) {
			t.Fatalf("%q has no reference and became %s", text, value.Repr(got))
		}
		if whole := Resolve(text, Lookup{}); !strings.Contains(text, "$") && !cmp.Equal(whole, any(text)) {
			t.Fatalf("%q changed without variables: %s", text, value.Repr(whole))
		}
		Condition(text, look)
	})
}

func BenchmarkResolve(b *testing.B) {
	look := testLookup()
	b.ReportAllocs()
	for b.Loop() {
		Resolve("v={{d.k[1].z}} b={{d.b}} and %n% of a plain sentence", look)
	}
}

func BenchmarkCondition(b *testing.B) {
	look := testLookup()
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := Condition("{{n}} > 5 and {{st}} == 'ok'", look); !ok {
			b.Fatal("false")
		}
	}
}
