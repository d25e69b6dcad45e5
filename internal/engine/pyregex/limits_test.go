package pyregex

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestSearchEnds(t *testing.T) {
	p, err := Compile(`(a+)+$`, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.re.MatchTimeout = 50 * time.Millisecond // instead of the ten seconds of production
	began := time.Now()
	_, err = p.FindAll(strings.Repeat("a", 40)+"b", 0)
	if !errors.Is(err, errTooSlow) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}

	p, err = Compile(`(?:(a)|b)*c`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = p.FindAll(strings.Repeat("ab", 1_000_000), 0); err == nil {
		t.Error("a search of a million steps back found nothing to complain about")
	}
}

func TestNesting(t *testing.T) {
	if _, err := Compile(strings.Repeat("(", 150)+strings.Repeat(")", 150), 0); err != nil {
		t.Errorf("150 groups: %v", err)
	}
	if _, err := Compile(strings.Repeat("(", 100_000), 0); err == nil {
		t.Error("100000 groups were accepted")
	}
}

// FuzzCompile holds that no pattern and no replacement breaks the reader, and
// that whatever it accepts is accepted by the engine as well.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{`(?P<a>\w+)[^\W\d](?(a)x|y)`, `a{1,2}+?`, `[\x41-\u0042]`, `(?i-m:x)`, `\g<1>\1\\`, "(?x) a # b\n"} {
		f.Add(seed, "abc 12", `<\g<0>>`)
	}
	f.Fuzz(func(t *testing.T, pattern, text, replacement string) {
		if len(pattern) > 60 || len(text) > 60 {
			return
		}
		p, err := Compile(pattern, 0)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("%q: %v is no SyntaxError", pattern, err)
			}
			if strings.Contains(err.Error(), "cannot be used") {
				t.Fatalf("written wrongly: %v", err)
			}
			return
		}
		p.re.MatchTimeout = 100 * time.Millisecond
		found, err := p.FindAll(text, 0)
		if err != nil {
			return
		}
		last := 0
		for _, m := range found {
			if m.Start() < last || m.End() < m.Start() || m.End() > len([]rune(text)) {
				t.Fatalf("%q on %q: match %d–%d after %d", pattern, text, m.Start(), m.End(), last)
			}
			last = m.End()
		}
		_, _, _ = p.Replace(text, replacement, 3)
	})
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := Compile(`(?P<user>[\w.+-]+)@(?P<host>[\w-]+\.[a-z]{2,})`, IgnoreCase); err != nil {
			b.Fatal(err)
		}
	}
}
