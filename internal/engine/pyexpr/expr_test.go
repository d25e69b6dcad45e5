package pyexpr

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/workflow/value"
)

func TestBudget(t *testing.T) {
	for _, src := range []string{
		"9**9**9", "'a' * 10**9", "[0] * 10**9", "10 ** 400 * 10 ** 400",
		"[i for i in range(10**12)]", "sum(i for i in range(10**12))", "[[i for i in range(10**4)] for j in range(10**4)]",
		"list(range(10**10))", "max(range(10**10))", "'x'.join(str(i) for i in range(10**9))", "5 in range(10**12 + 6, 10**13)",
		"'{:>999999999}'.format(1)", "f'{1:1048576}' * 1000", "'a'.ljust(10**9)", "'%999999999d' % 1", "'a\t'.expandtabs(10**9) * 10**9",
		"(lambda f: f(f))(lambda f: f(f))", "[f(f) for f in [lambda f: [f(f), f(f)]]]",
		"str([[[[['x' * 1000] * 100] * 100] * 100] * 100])", "[[[[['x' * 1000] * 100] * 100] * 100] * 100]",
		"[[[[1] * 1000] * 1000] * 1000] == [[[[1] * 1000] * 1000] * 1000]",
		"[x for a in [list(range(1000))] for b in a for c in a for x in a]", "''.join(['ab' * 1000000] * 100000)",
		"('a' * 100000).replace('a', 'b' * 100000)", "'a' * 9223372036854775807", "[1] * 9223372036854775807", "range(-9223372036854775807, 9223372036854775807)[::1][5:] == 1 or list(range(-9223372036854775807, 9223372036854775807))",
		"sorted(range(10**9))", "dict.fromkeys(range(10**9))", "set(range(10**9))", "{i: i for i in range(10**9)}", "all(x == x for x in [[['a' * 1000] * 1000] * 1000] * 1000)",
		"1 << 10**9", "2.0 ** 1e300", "pow(7, 10**18, 0)",
	} {
		expr, err := Compile(src)
		if err != nil {
			t.Errorf("%s does not compile: %v", src, err)
			continue
		}
		start := time.Now()
		v, err := expr.Eval(testEnv())
		if err == nil {
			t.Errorf("%s gives a value of size %d", src, value.Size(v, 1<<20))
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("%s takes %s", src, d)
		}
	}
}

func TestDeepSources(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("(", 30000) + "1" + strings.Repeat(")", 30000), strings.Repeat("-", 60000) + "1", strings.Repeat("not ", 16000) + "1",
		strings.Repeat("[", 60000), strings.Repeat("lambda:", 9000) + "1", "1" + strings.Repeat("**1", 20000), strings.Repeat("1 if 1 else ", 5000) + "1",
		strings.Repeat("f'{", 1000) + "1", strings.Repeat("x", maxSource+1),
	} {
		if _, err := Compile(src); err == nil {
			t.Errorf("%.20s… compiles", src)
		}
	}
	expr, err := Compile("1" + strings.Repeat("+1", 30000))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := expr.Eval(Env{}); err != nil || v != int64(30001) {
		t.Errorf("a long sum is %v, %v", v, err)
	}
}

func TestNothingElseIsReachable(t *testing.T) {
	for _, src := range []string{
		"__import__('os')", "().__class__", "''.__class__.__mro__", "[].__len__()", "open('x')", "eval('1')", "exec('1')", "globals()", "vars()", "dir()",
		"getattr('a', 'upper')", "print(1)", "input()", "compile('1', '', 'eval')", "d.__class__", "'{0.__class__}'.format(1)", "d.update(a=1)", "l.append(4)", "l.sort()",
		"f'{().__class__}'", "(lambda: 0).__globals__", "str.__subclasses__()", "rand()", "true",
	} {
		if got := answer(src); !strings.HasPrefix(got[0], "!") {
			t.Errorf("%s gives %s", src, got[1])
		}
	}
}

func TestBuiltinSets(t *testing.T) {
	eval := func(src string, set BuiltinSet) string {
		expr, err := Compile(src)
		if err != nil {
			return err.Error()
		}
		v, err := expr.Eval(Env{Builtins: set, Rand: rand.New(rand.NewPCG(1, 2))})
		if err != nil {
			return err.Error()
		}
		return value.Repr(v)
	}
	for _, c := range []struct {
		src  string
		set  BuiltinSet
		want string
	}{
		{"len('ab')", NoBuiltins, "name 'len' is not defined"},
		{"'ab'.upper()", NoBuiltins, "'AB'"},
		{"true and not false and null is None", ConditionBuiltins, "True"},
		{"0 <= rand() < 1 and 0 <= randint(5) < 5", ConditionBuiltins, "True"},
		{"all(1 <= randint(1, 3) <= 3 for i in range(50))", ConditionBuiltins, "True"},
		{"randint(3, 1)", ConditionBuiltins, "empty range for randrange() (3, 2, -1)"},
		{"rand()", EvalBuiltins, "name 'rand' is not defined"},
	} {
		if got := eval(c.src, c.set); got != c.want {
			t.Errorf("%s = %s, want %s", c.src, got, c.want)
		}
	}
	expr, err := Compile("(1, {2})")
	if err != nil {
		t.Fatal(err)
	}
	v, typeName, err := expr.EvalTyped(Env{})
	if err != nil || typeName != "tuple" || value.Repr(v) != "[1, [2]]" {
		t.Errorf("EvalTyped = %s %s %v", typeName, value.Repr(v), err)
	}
}

func TestVariablesStayUnchanged(t *testing.T) {
	names := testNames()
	before := value.Repr(names["d"]) + value.Repr(names["l"])
	lookup := func(n string) (any, bool) { v, ok := names[n]; return v, ok }
	for _, src := range []string{"sorted(l)", "list(reversed(l))", "d | {'k': 5}", "[x for x in l]", "dict(d, k=1)", "l + [1]", "{**d, 'n': 5}"} {
		expr, err := Compile(src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := expr.Eval(Env{Lookup: lookup, Builtins: EvalBuiltins}); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
	if after := value.Repr(names["d"]) + value.Repr(names["l"]); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range append(generated()[:40], "f'{n!r:>{x}}' if l[0] else [*l, (lambda a=1: a)()]", "{k: v for k, (v, w) in d.items() if v}", "'%s %(a)d' % d", "'\\N{x}' rb'\\x'", "1_0.e-5j") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		expr, err := Compile(src)
		if err != nil {
			return
		}
		env := testEnv()
		env.MaxSteps = 20000
		start := time.Now()
		if v, err := expr.Eval(env); err == nil && value.Size(v, 1<<22) > 1<<22 {
			t.Fatalf("%q gives too much", src)
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Fatalf("%q takes %s", src, d)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile("n > 5 and s.startswith('Hello') or d['k'][0] == 1"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	expr, err := Compile("n > 5 and s.startswith('Hello') and sum(x * 2 for x in l) == 12")
	if err != nil {
		b.Fatal(err)
	}
	env := testEnv()
	b.ReportAllocs()
	for b.Loop() {
		if v, err := expr.Eval(env); err != nil || v != true {
			b.Fatal(v, err)
		}
	}
}
