package text_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/text"
)

// TestChangesAsPython holds the nodes whose meaning is a method of Python's str
// against the interpreter.
func TestChangesAsPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: comparison with Python's str not made")
	}
	texts := []string{
		"", "hello world", "they're bill's friends", "x2y 3D ab-cd_ef", "ΣΑΣ ΟΔΥΣΣΕΥΣ", "straße ﬁn ǆ", "İstanbul ı", "É È é", "a\u0301b", "ŉ",
		" a\tb\n c\u00a0d\u3000e\x1ff ", "one\ntwo\r\nthree\rfour\x0bfive\x0csix\x1cseven\u0085eight\u2028nine\u2029", "日本語", "🙂 ok",
	}
	script := `
import json, sys
out = []
for s in json.load(sys.stdin):
    out.append([s.upper(), s.lower(), s.title(), s.capitalize(), s.swapcase(), s.strip(), s[::-1], s.center(9, "*"),
                s.split(), s.split(maxsplit=1), s.splitlines(), s[1:-1]])
json.dump(out, sys.stdout)`
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Stdin = bytes.NewReader(input)
	answer, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want [][]any
	if err := json.Unmarshal(answer, &want); err != nil {
		t.Fatal(err)
	}
	asks := []struct {
		typ  string
		cfg  m
		port string
	}{
		{"TextCaseNode", m{"case": "upper"}, "result"},
		{"TextCaseNode", m{"case": "lower"}, "result"},
		{"TextCaseNode", m{"case": "title"}, "result"},
		{"TextCaseNode", m{"case": "capitalize"}, "result"},
		{"TextCaseNode", m{"case": "swapcase"}, "result"},
		{"TextTrimNode", nil, "result"},
		{"TextReverseNode", nil, "result"},
		{"TextPadNode", m{"length": 9, "mode": "center", "fill_char": "*"}, "result"},
		{"TextSplitNode", nil, "result"},
		{"TextSplitNode", m{"max_split": 1}, "result"},
		{"TextLinesNode", nil, "lines"},
		{"TextSubstringNode", m{"start": 1, "end": -1}, "result"},
	}
	for i, s := range texts {
		for j, ask := range asks {
			out, _, err := enginetest.Visit(t, text.Nodes()[ask.typ], ask.typ, m{"text": s}, ask.cfg)
			if err != nil {
				t.Fatalf("%s on %q: %v", ask.typ, s, err)
			}
			got, _ := out.Get(ask.port)
			gotText, _ := json.Marshal(got)
			wantText, _ := json.Marshal(want[i][j])
			if !bytes.Equal(gotText, wantText) {
				t.Errorf("%s %v on %q: %s, Python says %s", ask.typ, ask.cfg, s, gotText, wantText)
			}
		}
	}
}
