package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/casarerpa/fleet/fleet"
)

// TestReferenceIsCurrent compares the committed page with the grammar.
func TestReferenceIsCurrent(t *testing.T) {
	want, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/reference/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/reference/cli.md is not current: run make generate")
	}
	for _, command := range []string{"## fleet job submit\n", "## fleet robot run\n", "## fleet key create robot\n", "`--priority`"} {
		if !strings.Contains(want, command) {
			t.Errorf("the page lacks %q", command)
		}
	}
}

// streams catches what a command says.
func streams(in string) (Streams, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return Streams{In: strings.NewReader(in), Out: &out, Err: &err, Version: "v1"}, &out, &err
}

func TestEveryHelpPage(t *testing.T) {
	sh := newShell(Streams{}, func(string) string { return "" })
	parser, err := newParser(sh, func(string) string { return "" }, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	leaves := parser.Model.Leaves(true)
	if len(leaves) < 25 {
		t.Fatalf("only %d commands", len(leaves))
	}
	home := t.TempDir()
	getenv := func(name string) string { return map[string]string{"HOME": home}[name] }
	for _, n := range leaves {
		std, out, stderr := streams("")
		path := commandPath(n)
		if code := Main(t.Context(), append(strings.Fields(path), "--help"), std, getenv); code != 0 || stderr.Len() > 0 {
			t.Errorf("fleet %s --help: exit code %d, %s", path, code, stderr)
		}
		if n.Help == "" || !strings.Contains(out.String(), n.Help) {
			t.Errorf("fleet %s --help does not say what it does:\n%s", path, out)
		}
		for _, f := range n.Flags {
			if f.Help == "" || strings.Contains(f.Help, "${") {
				t.Errorf("fleet %s --%s has no readable help: %q", path, f.Name, f.Help)
			}
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
		text string
	}{
		{nil, 0, ""},
		{quiet(23), 23, ""},
		{fmt.Errorf("submit: %w", fleet.NotFound("job", "x")), 5, "fleet: There is no job x.\n"},
		{fleet.Errorf(fleet.CodeConflict, "r", "it has changed").WithFix("Read it again."), 6, "fleet: It has changed.\n  Read it again.\n"},
		{errors.New("open db: broken"), 1, "fleet: Open db: broken.\n"},
		{fleet.Invalid("run_timeout", "run_timeout must be positive"), 2, "fleet: run_timeout must be positive.\n"},
		{fmt.Errorf("read: %w", os.ErrNotExist), 2, "fleet: Read: file does not exist.\n"},
		{context.Canceled, 130, "fleet: Interrupted.\n"},
	} {
		std, _, stderr := streams("")
		sh := newShell(std, func(string) string { return "" })
		if got := sh.fail(c.err); got != c.want || stderr.String() != c.text {
			t.Errorf("%v: exit code %d and %q, want %d and %q", c.err, got, stderr, c.want, c.text)
		}
	}
	for _, row := range fleet.Codes() {
		std, _, _ := streams("")
		if got := newShell(std, func(string) string { return "" }).fail(fleet.Errorf(row.Code, "r", "x")); got != row.Exit {
			t.Errorf("%s: exit code %d, want %d", row.Code, got, row.Exit)
		}
	}
	for state, want := range map[fleet.State]int{
		fleet.Completed: 0, fleet.Failed: 20, fleet.Cancelled: 21, fleet.TimedOut: 22, fleet.NeedsDecision: 23, fleet.Running: 24,
	} {
		if got := exitOf(state); got != want {
			t.Errorf("%s: exit code %d, want %d", state, got, want)
		}
	}
}

// TestInterrupted: whoever ends the context gets 130, not a fault.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	std, out, _ := streams(`{"nodes": {"w": {"node_id": "w", "node_type": "WaitNode", "config": {"duration": 60}}}}`)
	if code := Main(ctx, []string{"run", "-", "--dir", t.TempDir()}, std, func(string) string { return "" }); code != exitInterrupted {
		t.Errorf("exit code %d, output %s", code, out)
	}
}

// TestYAML: the words of one form mean the same in the other, in the same order.
func TestYAML(t *testing.T) {
	in := map[string]any{
		"a": []any{}, "b": map[string]any{}, "c": "yes", "d": "12", "e": nil, "f": 1.5, "g": "zwei\nZeilen", "h": "- x: {", "i": true,
		"j": []any{map[string]any{"k": "null", "l": "😀 "}}, "m": "", "n": "2026-01-01", "o": 12345678901234567,
	}
	text, err := toJSON(in)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := writeYAML(&b, text); err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := yaml.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, back); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, &b)
	}
	if !strings.HasPrefix(b.String(), "a: []\nb: {}\nc: ") {
		t.Errorf("the order was lost:\n%s", &b)
	}
}

// TestTerminalIsSafe: what a workflow writes cannot reach the terminal as an order.
func TestTerminalIsSafe(t *testing.T) {
	for in, want := range map[string]string{
		"plain ä\tb\nc": "plain ä\tb\nc", "\x1b[2J": "\uFFFD[2J", "a\rb": "a\uFFFDb", "\u009b2J": "\uFFFD2J", "\x7f": "\uFFFD",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	std, _, stderr := streams("")
	sh := newShell(std, func(string) string { return "" })
	newTeller(sh, false).log(time.Now(), "ERROR", "\x1b]0;title\a")
	if strings.ContainsAny(stderr.String(), "\x1b\a\r") {
		t.Errorf("%q", stderr)
	}
}

// TestTeller: a bar on a terminal, quiet lines elsewhere.
func TestTeller(t *testing.T) {
	std, _, stderr := streams("")
	sh := newShell(std, func(string) string { return "" })
	now := time.Unix(0, 0)
	plain := newTeller(sh, false)
	plain.now = func() time.Time { return now }
	plain.last = now
	plain.set(10, "a")
	now = now.Add(6 * time.Second)
	plain.set(20, "b")
	plain.set(30, "c")
	plain.end()
	if stderr.String() != "20% done  b\n" {
		t.Errorf("without a terminal: %q", stderr)
	}
	stderr.Reset()
	sh.terminal, sh.width = true, 60
	bar := newTeller(sh, false)
	bar.set(50, "half")
	bar.line("a line")
	bar.end()
	text := stderr.String()
	if !strings.Contains(text, "█████░░░░░  50% half") || !strings.Contains(text, "\r\x1b[Ka line\n") || !strings.HasSuffix(text, "\r\x1b[K") {
		t.Errorf("on a terminal: %q", text)
	}
	stderr.Reset()
	quietly := newTeller(sh, true)
	quietly.set(50, "half")
	quietly.end()
	if stderr.Len() > 0 {
		t.Errorf("quiet said %q", stderr)
	}
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 59 * time.Second: "59s", 90 * time.Second: "1m", 47 * time.Hour: "47h", 72 * time.Hour: "3d"} {
		if got := rough(d); got != want {
			t.Errorf("rough(%s) = %s, want %s", d, got, want)
		}
	}
	if got := clip("ein\nzwei  drei", 10); got != "ein zwei …" {
		t.Errorf("clip: %q", got)
	}
	if got := seconds(1); got != 1 {
		t.Errorf("a nanosecond is %d seconds", got)
	}
	var b bytes.Buffer
	tab := table{head: []string{"A", "BB"}, state: -1}
	tab.add("ä", "x")
	tab.add("long", "y")
	if err := tab.write(&b, ""); err != nil || b.String() != "A     BB\nä     x\nlong  y\n" {
		t.Errorf("%v %q", err, &b)
	}
}
