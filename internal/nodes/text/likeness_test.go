package text

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os/exec"
	"testing"
)

// TestLikenessAsPython compares with difflib, on texts long enough that common
// characters stop counting too.
func TestLikenessAsPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: comparison with Python's difflib not made")
	}
	pairs := [][2]string{{"", ""}, {"", "a"}, {"a", ""}, {"abc", "abc"}, {"apple", "appel"}, {"日本語", "日本"}, {"private", "primate"}}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		letters := []rune("abcdefghij klmnopqrstuvwxyz")[:2+r.IntN(25)]
		text := func() string {
			runes := make([]rune, r.IntN(20))
			if i%5 == 0 {
				runes = make([]rune, 150+r.IntN(300))
			}
			for j := range runes {
				runes[j] = letters[r.IntN(len(letters))]
			}
			return string(runes)
		}
		pairs = append(pairs, [2]string{text(), text()})
	}
	input, err := json.Marshal(pairs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c",
		"import json, sys, difflib\njson.dump([difflib.SequenceMatcher(None, a, b).ratio() for a, b in json.load(sys.stdin)], sys.stdout)")
	cmd.Stdin = bytes.NewReader(input)
	answer, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []float64
	if err := json.Unmarshal(answer, &want); err != nil {
		t.Fatal(err)
	}
	for i, p := range pairs {
		got, err := likeness{[]rune(p[0])}.ratio(t.Context(), p[1])
		if err != nil || got != want[i] {
			t.Errorf("%q and %q: %v (%v), Python says %v", p[0], p[1], got, err, want[i])
		}
	}
}

func TestLikenessStops(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := (likeness{[]rune("abc")}).ratio(ctx, "abd"); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}
