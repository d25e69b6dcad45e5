package pyregex

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// askPython runs a script of the reference interpreter on JSON. Where there is
// none the test is skipped by name.
func askPython(t *testing.T, script string, input, output any) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: comparison with Python's re not made")
	}
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-W", "ignore", "-c", script)
	cmd.Stdin = bytes.NewReader(text)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3: %v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(answer, output); err != nil {
		t.Fatal(err)
	}
}

type search struct {
	Pattern, Text string
	Flags         Flags
}

type found struct {
	Error   string
	Matches [][]any // start, end, groups…
	Prefix  bool
}

const searchScript = `
import json, re, sys
out = []
for c in json.load(sys.stdin):
    flags = sum(f for b, f in ((1, re.I), (2, re.M), (4, re.S)) if c["Flags"] & b)
    try:
        ms = [[m.start(), m.end(), *m.groups()] for m in re.finditer(c["Pattern"], c["Text"], flags)]
        out.append({"Error": "", "Matches": ms, "Prefix": bool(re.match(c["Pattern"], c["Text"], flags))})
    except re.error as e:
        out.append({"Error": str(e), "Matches": None, "Prefix": False})
json.dump(out, sys.stdout)
`

func TestSearchAsPython(t *testing.T) {
	texts := []string{
		"", "a", "abc abc\nABC_1 x-9", "hello world\n", "ab cd  ef", "2024-01-02, 2023-12-31",
		"Äpfel ñ Straße ÷ ½ Ⅷ _", "foo123bar45 (x) [y] {z}", "aaa aab aba", "tab\there\x1cnul\u0085end",
		"john.doe@example.com, x@y.zz", "日本語 テキスト 12", "a\r\nb\nc",
	}
	patterns := []string{
		`a`, `\w+`, `\w*`, `|a`, `a|`, `(a|b)*`, `x*`, `\d{4}-(\d\d)-(\d\d)`, `(?P<y>\d+)-(?P<m>\d+)`,
		`(\w)(\d)?`, `\Aa`, `c\Z`, `d$`, `^\w`, `$`, `(?m)^\w+$`, `(?i)ABC`, `(?s).+`, `.+`, `\s`, `\S+`, `\W`,
		`[\W]`, `[^\W\d]`, `[^\W]`, `[\S5]`, `[\w-]+`, `[a-c]+`, `[]a]`, `[^]a]`, `[[]`, `[a\]]`, `[\^a]`, `[a-]`,
		`[a-z-[aeiou]]`, `a{2}`, `a{,2}`, `a{1,}`, `a{1,2}?`, `a{`, `a{,`, `a{x}`, `{`, `}`, `]`, `a+?`, `a++b`, `a*+a`,
		`(?:ab)++`, `a?+b`, `(?>a+)b`, `(?=a)\w`, `(?!a)\w`, `(?<=a)b`, `(?<!a)b`, `(\w)\1`, `(?P<q>a)(?P=q)`,
		`(a)?(?(1)b|c)`, `(?P<g>a)?(?(g)b|c)`, `(?#note)a`, `(?i:A)b`, `(?-i:A)b`, `(?i)a(?-i:B)`, `(?x) a # note` + "\n b",
		`(?x:a b)c`, `\x61`, `\u0061`, `\U00000061`, `\141`, `\0`, `\.`, `\-`, `\/`, `\ `, `\@`, `[\x61-\x63]`, `[\b]`, `\bab`,
		`\Bb`, `(?a)\w+`, `(?a:\w+)`, `(?u)\w+`, `\d`, `[\d.]+`, `(((a)))`, `(a)(b)(c)`, `\r\n`, `[\s]`, `#`, `a#b`, `~&&`,
		`[&&]`, `[a&&b]`, `[+--]`, `[a\-z]`, `(?:)`, `()`, `[^,\s]+@[^,\s]+`, `\w+\Z|^`, `(?m)$`, `^$`,
		// What Python refuses, and in which words.
		`*a`, `a**`, `a{2}{3}`, `(`, `)`, `(a`, `a)`, `[`, `[a`, `\`, `[\`, `\p`, `\z`, `[\p]`, `\1`, `(a\1)`, `(a)\2`, `[z-a]`,
		`[\w-a]`, `[a-\d]`, `(?P<1>a)`, `(?P<a`, `(?P<a>x)(?P<a>y)`, `(?P=x)`, `(?Px)`, `(?<x>a)`, `(?`, `(?z)`, `a(?i)b`,
		`(?P<>a)`, `^*`, `\b+`, `(?:a`, `a{3,2}`, `\x6`, `\u12`, `\U00110000`, `(?(2)a|b)`, `(?(x)a)`, `\8`, `\400`, `(?i-:a)`,
		"a\nb)", `(?P<a b>x)`, `(?#x`, `+`, `a|*`, `(|*)`, `(?=`, `(?<`, `(?P`, `(?i`, `(?i-`, `(?-x:a)`,
	}
	var cases []search
	for _, p := range patterns {
		for _, text := range texts {
			cases = append(cases, search{Pattern: p, Text: text})
		}
		cases = append(cases,
			search{p, texts[2], IgnoreCase}, search{p, texts[2], Multiline}, search{p, texts[2], DotAll})
	}
	var want []found
	askPython(t, searchScript, cases, &want)
	bad := 0
	for i, c := range cases {
		got := goSearch(c)
		if diff := cmp.Diff(want[i], got); diff != "" {
			if bad++; bad > 20 {
				t.Fatal("and more")
			}
			t.Errorf("pattern %q flags %d on %q (-python +go):\n%s", c.Pattern, c.Flags, c.Text, diff)
		}
	}
}

// goSearch answers as the script does, in the types that JSON gives.
func goSearch(c search) found {
	p, err := Compile(c.Pattern, c.Flags)
	if err != nil {
		return found{Error: err.Error()}
	}
	matches, err := p.FindAll(c.Text, 0)
	if err != nil {
		return found{Error: err.Error()}
	}
	out := found{Matches: [][]any{}}
	for _, m := range matches {
		out.Matches = append(out.Matches, append([]any{float64(m.Start()), float64(m.End())}, m.Groups()...))
	}
	m, err := p.Prefix(c.Text)
	if err != nil {
		out.Error = err.Error()
	}
	out.Prefix = m != nil
	return out
}

func TestReplaceAsPython(t *testing.T) {
	type sub struct {
		Pattern, Text, Replacement string
		Count                      int
	}
	type answer struct {
		Result, Error string
		N             int
	}
	cases := []sub{
		{`a`, "banana", "o", 0},
		{`a`, "banana", "o", 2},
		{`(\w)(\w)`, "abcd", `\2\1`, 0},
		{`(?P<x>\d+)`, "a1b22", `<\g<x>>`, 0},
		{`(\d+)`, "a1b22", `<\g<1>0>`, 0},
		{`x*`, "abxc", "-", 0},
		{`\b`, "ab cd", "|", 0},
		{`(a)|(b)`, "ab", `[\1\2]`, 0},
		{`a`, "a", `\n\t\\`, 0},
		{`a`, "a", `\.`, 0},
		{`a`, "a", `\q`, 0},
		{`a`, "a", `\1`, 0},
		{`a`, "a", `\g<x>`, 0},
		{`a`, "a", `\g<`, 0},
		{`a`, "a", `\g<>`, 0},
		{`a`, "a", `\g`, 0},
		{`a`, "a", `\`, 0},
		{`a`, "a", `\g<0>\g<0>`, 0},
		{`a`, "a", `\0x`, 0},
		{`a`, "a", `\101`, 0},
		{`a`, "a", `\777`, 0},
		{`(a)`, "a", `\11`, 0},
		{`a`, "ä a", "é", 0},
		{`z`, "abc", `\1`, 0},
		{`a`, "a", `$1 ${x}`, 0},
		{`a`, "a", `\g<a b>`, 0},
		{`^`, "a\nb", "> ", 0},
		{`(?m)^`, "a\nb", "> ", 0},
		{``, "abc", "-", 2},
		{`a`, "a", `\x41`, 0},
	}
	var want []answer
	askPython(t, `
import json, re, sys
out = []
for c in json.load(sys.stdin):
    try:
        r, n = re.subn(c["Pattern"], c["Replacement"], c["Text"], count=c["Count"])
        out.append({"Result": r, "N": n, "Error": ""})
    except (re.error, IndexError) as e:
        out.append({"Result": "", "N": 0, "Error": str(e)})
json.dump(out, sys.stdout)`, cases, &want)
	for i, c := range cases {
		var got answer
		p, err := Compile(c.Pattern, 0)
		if err != nil {
			t.Fatal(err)
		}
		got.Result, got.N, err = p.Replace(c.Text, c.Replacement, c.Count)
		if err != nil {
			got = answer{Error: err.Error()}
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("%+v (-python +go):\n%s", c, diff)
		}
	}
}
