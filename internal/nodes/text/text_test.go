package text_test

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/text"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

type m = map[string]any

type l = []any

// visit is one visit of a node and what it must leave; outputs are compared as
// Python shows them.
type visit struct {
	typ     string
	in, cfg m
	out     string
	next    string
	err     string
}

func run(t *testing.T, tests []visit) {
	t.Helper()
	nodes := text.Nodes()
	for _, test := range tests {
		name := test.typ + " " + value.Repr(value.FromGo(test.cfg)) + " " + value.Repr(value.FromGo(test.in))
		if len(name) > 200 {
			name = name[:200]
		}
		t.Run(name, func(t *testing.T) {
			out, next, err := enginetest.Visit(t, nodes[test.typ], test.typ, test.in, test.cfg)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if message != test.err {
				t.Errorf("error %q, want %q", message, test.err)
			}
			if got := out.String(); got != test.out {
				t.Errorf("outputs %s\nwant    %s", got, test.out)
			}
			if got := strings.Join(next.Next, " "); got != test.next {
				t.Errorf("goes on at %q, want %q", got, test.next)
			}
		})
	}
}

// single is a test of a plain node that the super node must pass as well.
type single struct {
	typ, action string
	in, cfg     m
	out, err    string
	renamed     map[string]string // settings that the super node calls otherwise
}

func TestTexts(t *testing.T) {
	const trimTo = "trim_mode"
	tests := []single{
		{typ: "TextSplitNode", action: "Split", in: m{"text": " a  b c "}, out: "{'result': ['a', 'b', 'c'], 'count': 3}"},
		{typ: "TextSplitNode", action: "Split", in: m{"text": " a  b  c "}, cfg: m{"max_split": 1}, out: "{'result': ['a', 'b  c '], 'count': 2}"},
		{typ: "TextSplitNode", action: "Split", in: m{"text": " a b "}, cfg: m{"max_split": "0"}, out: "{'result': ['a b '], 'count': 1}"},
		{typ: "TextSplitNode", action: "Split", in: m{"text": "  "}, cfg: m{"max_split": 2}, out: "{'result': [], 'count': 0}"},
		{typ: "TextSplitNode", action: "Split", in: m{"text": "a,b,,c", "separator": ","}, out: "{'result': ['a', 'b', '', 'c'], 'count': 4}"},
		{typ: "TextSplitNode", action: "Split", in: m{"text": "a,b,c"}, cfg: m{"separator": ",", "max_split": 1}, out: "{'result': ['a', 'b,c'], 'count': 2}"},
		{typ: "TextSplitNode", action: "Split", in: m{"text": "a,b"}, cfg: m{"separator": ",", "max_split": 0}, out: "{'result': ['a,b'], 'count': 1}"},
		{typ: "TextSplitNode", action: "Split", in: m{"text": "x"}, cfg: m{"max_split": "all"}, out: "{}", err: "max_split: invalid literal for int() with base 10: 'all'"},

		{typ: "TextReplaceNode", action: "Replace", in: m{"text": "aaa", "old_value": "a", "new_value": "b"}, out: "{'result': 'bbb', 'replacements': 3}"},
		{typ: "TextReplaceNode", action: "Replace", in: m{"text": "aaa", "old_value": "a", "new_value": "b"}, cfg: m{"count": 2}, renamed: map[string]string{"count": "replace_count"}, out: "{'result': 'bba', 'replacements': 2}"},
		{typ: "TextReplaceNode", action: "Replace", in: m{"text": "aaa", "old_value": "a", "new_value": "b"}, cfg: m{"count": 0}, renamed: map[string]string{"count": "replace_count"}, out: "{'result': 'aaa', 'replacements': 0}"},
		{typ: "TextReplaceNode", action: "Replace", in: m{"text": "äb", "old_value": "", "new_value": "-"}, out: "{'result': '-ä-b-', 'replacements': 3}"},
		{typ: "TextReplaceNode", action: "Replace", in: m{"text": "a1b22", "old_value": `(\d)+`, "new_value": `<\1>`}, cfg: m{"use_regex": true}, out: "{'result': 'a<1>b<2>', 'replacements': 2}"},
		{typ: "TextReplaceNode", action: "Replace", in: m{"text": "AaA", "old_value": "a", "new_value": "x"}, cfg: m{"use_regex": true, "ignore_case": true, "count": 2}, renamed: map[string]string{"count": "replace_count"}, out: "{'result': 'xxA', 'replacements': 2}"},
		{typ: "TextReplaceNode", action: "Replace", in: m{"text": "a", "old_value": "["}, cfg: m{"use_regex": true}, out: "{}", err: "unterminated character set at position 0"},

		{typ: "TextTrimNode", action: "Trim", in: m{"text": "\t a \x1f"}, out: "{'result': 'a'}"},
		{typ: "TextTrimNode", action: "Trim", in: m{"text": " a "}, cfg: m{"mode": "left"}, renamed: map[string]string{"mode": trimTo}, out: "{'result': 'a '}"},
		{typ: "TextTrimNode", action: "Trim", in: m{"text": " a "}, cfg: m{"mode": "right"}, renamed: map[string]string{"mode": trimTo}, out: "{'result': ' a'}"},
		{typ: "TextTrimNode", action: "Trim", in: m{"text": "xyaäyx"}, cfg: m{"characters": "xyä"}, renamed: map[string]string{"characters": "trim_characters"}, out: "{'result': 'a'}"},

		{typ: "TextCaseNode", action: "Case", in: m{"text": "Straße"}, out: "{'result': 'straße'}"},
		{typ: "TextCaseNode", action: "Case", in: m{"text": "Straße"}, cfg: m{"case": "upper"}, renamed: map[string]string{"case": "case_transform"}, out: "{'result': 'STRASSE'}"},
		{typ: "TextCaseNode", action: "Case", in: m{"text": "they're HERE x2y"}, cfg: m{"case": "title"}, renamed: map[string]string{"case": "case_transform"}, out: `{'result': "They'Re Here X2Y"}`},
		{typ: "TextCaseNode", action: "Case", in: m{"text": "hELLO wORLD"}, cfg: m{"case": "capitalize"}, renamed: map[string]string{"case": "case_transform"}, out: "{'result': 'Hello world'}"},
		{typ: "TextCaseNode", action: "Case", in: m{"text": "aBc"}, cfg: m{"case": "swapcase"}, renamed: map[string]string{"case": "case_transform"}, out: "{'result': 'AbC'}"},
		{typ: "TextCaseNode", action: "Case", in: m{"text": "aBc"}, cfg: m{"case": "camel"}, renamed: map[string]string{"case": "case_transform"}, out: "{'result': 'aBc'}"},

		{typ: "TextPadNode", action: "Pad", in: m{"text": "äb", "length": 5}, out: "{'result': '   äb'}"},
		{typ: "TextPadNode", action: "Pad", in: m{"text": "ab", "length": "5"}, cfg: m{"mode": "right", "fill_char": "*"}, renamed: map[string]string{"mode": "pad_mode"}, out: "{'result': 'ab***'}"},
		{typ: "TextPadNode", action: "Pad", in: m{"text": "ab", "length": 5}, cfg: m{"mode": "center", "fill_char": "**"}, renamed: map[string]string{"mode": "pad_mode"}, out: "{'result': '  ab '}"},
		{typ: "TextPadNode", action: "Pad", in: m{"text": "ab", "length": 1}, out: "{'result': 'ab'}"},
		{typ: "TextPadNode", action: "Pad", in: m{"text": "ab", "length": -7}, out: "{'result': 'ab'}"},
		{typ: "TextPadNode", action: "Pad", in: m{"text": "ab", "length": 1 << 40}, out: "{}", err: "length must be at most 16777216"},

		{typ: "TextReverseNode", action: "Reverse", in: m{"text": "añb"}, out: "{'result': 'bña'}"},

		{typ: "TextLinesNode", action: "Lines", in: m{"text": "a\r\nb\x0cc\u2028\n"}, out: "{'lines': ['a', 'b', 'c', ''], 'count': 4}"},
		{typ: "TextLinesNode", action: "Lines", in: m{"text": "a\n\n b"}, cfg: m{"remove_empty": "yes"}, out: "{'lines': ['a', ' b'], 'count': 2}"},
		{typ: "TextLinesNode", action: "Lines", in: m{"lines": l{"a", 1, nil}}, cfg: m{"mode": "join"}, renamed: map[string]string{"mode": "lines_mode"}, out: `{'text': 'a\n1\nNone', 'count': 3}`},
		{typ: "TextLinesNode", action: "Lines", in: m{"lines": l{"a", "b"}}, cfg: m{"mode": "join", "line_separator": "crlf"}, renamed: map[string]string{"mode": "lines_mode"}, out: `{'text': 'a\r\nb', 'count': 2}`},
		{typ: "TextLinesNode", action: "Lines", in: m{"lines": l{"a", "b"}}, cfg: m{"mode": "join", "line_separator": "comma"}, renamed: map[string]string{"mode": "lines_mode"}, out: "{'text': 'a,b', 'count': 2}"},
		{typ: "TextLinesNode", action: "Lines", in: m{"lines": "no list"}, cfg: m{"mode": "join"}, renamed: map[string]string{"mode": "lines_mode"}, out: "{'text': '', 'count': 0}"},

		{typ: "TextSubstringNode", action: "Substring", in: m{"text": "añbcd", "start": 1, "end": 3}, out: "{'result': 'ñb', 'length': 2}"},
		{typ: "TextSubstringNode", action: "Substring", in: m{"text": "añbcd", "start": -2}, out: "{'result': 'cd', 'length': 2}"},
		{typ: "TextSubstringNode", action: "Substring", in: m{"text": "abc", "end": 0}, out: "{'result': '', 'length': 0}"},
		{typ: "TextSubstringNode", action: "Substring", in: m{"text": "abc", "start": 2, "end": 1}, out: "{'result': '', 'length': 0}"},

		{typ: "TextContainsNode", action: "Contains", in: m{"text": "ñaXaXa", "search": "aXa"}, out: "{'contains': True, 'count': 1, 'position': 1}"},
		{typ: "TextContainsNode", action: "Contains", in: m{"text": "abc", "search": "z"}, out: "{'contains': False, 'count': 0, 'position': -1}"},
		{typ: "TextContainsNode", action: "Contains", in: m{"text": "ABC", "search": "bc"}, cfg: m{"case_sensitive": false}, out: "{'contains': True, 'count': 1, 'position': 1}"},
		{typ: "TextContainsNode", action: "Contains", in: m{"text": "ab", "search": ""}, out: "{'contains': True, 'count': 3, 'position': 0}"},
		{typ: "TextStartsWithNode", action: "Starts With", in: m{"text": "Abc", "prefix": "ab"}, out: "{'result': False}"},
		{typ: "TextStartsWithNode", action: "Starts With", in: m{"text": "Abc", "prefix": "ab"}, cfg: m{"case_sensitive": "no"}, out: "{'result': True}"},
		{typ: "TextEndsWithNode", action: "Ends With", in: m{"text": "abC", "suffix": "bC"}, out: "{'result': True}"},
		{typ: "TextEndsWithNode", action: "Ends With", in: m{"text": 15.0, "suffix": ".0"}, out: "{'result': True}"},

		{typ: "TextExtractNode", action: "Extract (Regex)", in: m{"text": "id=42 id=7", "pattern": `id=(\d)(\d)?`}, out: "{'found': True, 'match': 'id=42', 'groups': ['4', '2']}"},
		{typ: "TextExtractNode", action: "Extract (Regex)", in: m{"text": "id=42 id=7"}, cfg: m{"pattern": `id=(\d)(\d)?`, "all_matches": true}, out: "{'found': True, 'match': ['id=42', 'id=7'], 'groups': [['4', '2'], ['7', None]]}"},
		{typ: "TextExtractNode", action: "Extract (Regex)", in: m{"text": "x"}, cfg: m{"pattern": `\d`}, out: "{'found': False, 'match': '', 'groups': []}"},
		{typ: "TextExtractNode", action: "Extract (Regex)", in: m{"text": "x"}, cfg: m{"pattern": `\d`, "all_matches": true}, out: "{'found': False, 'match': [], 'groups': []}"},
		{typ: "TextExtractNode", action: "Extract (Regex)", in: m{"text": "A\nb"}, cfg: m{"pattern": `^B$`, "ignore_case": true, "multiline": true}, out: "{'found': True, 'match': 'b', 'groups': []}"},
		{typ: "TextExtractNode", action: "Extract (Regex)", in: m{"text": "A\nb"}, cfg: m{"pattern": `A.b`, "dotall": true}, out: `{'found': True, 'match': 'A\nb', 'groups': []}`},
		{typ: "TextExtractNode", action: "Extract (Regex)", in: m{"text": "x"}, out: "{}", err: "Regex pattern is required"},

		{typ: "TextCountNode", action: "Count", in: m{"text": "a ñ\n"}, out: "{'count': 4}"},
		{typ: "TextCountNode", action: "Count", in: m{"text": "a ñ\n"}, cfg: m{"exclude_whitespace": true}, out: "{'count': 2}"},
		{typ: "TextCountNode", action: "Count", in: m{"text": " a  b\nc "}, cfg: m{"mode": "words", "exclude_whitespace": true}, renamed: map[string]string{"mode": "count_mode"}, out: "{'count': 3}"},
		{typ: "TextCountNode", action: "Count", in: m{"text": "a\nb\n"}, cfg: m{"mode": "lines"}, renamed: map[string]string{"mode": "count_mode"}, out: "{'count': 2}"},

		{typ: "TextJoinNode", action: "Join", in: m{"items": l{1, "b", nil}}, cfg: m{"separator": "-"}, out: "{'result': '1-b-None'}"},
		{typ: "TextJoinNode", action: "Join", in: m{"items": 5}, out: "{'result': '5'}"},
		{typ: "TextJoinNode", action: "Join", out: "{'result': ''}"},
	}
	var visits []visit
	for _, s := range tests {
		visits = append(visits, visit{typ: s.typ, in: s.in, cfg: s.cfg, out: s.out, err: s.err})
		cfg := m{"action": s.action}
		for name, v := range s.cfg {
			if other, ok := s.renamed[name]; ok {
				name = other
			}
			cfg[name] = v
		}
		visits = append(visits, visit{typ: "TextSuperNode", in: s.in, cfg: cfg, out: s.out, err: s.err})
	}
	visits = append(visits, visit{typ: "TextSuperNode", cfg: m{"action": "Burn"}, out: "{}", err: "Unknown action: Burn"})
	run(t, visits)
}

func TestStrings(t *testing.T) {
	long := strings.Repeat("é", 100_001)
	run(t, []visit{
		{typ: "ConcatenateNode", in: m{"string_1": 1.0, "string_2": l{"a"}}, cfg: m{"separator": " "}, out: `{'result': "1.0 ['a']"}`},
		{typ: "ConcatenateNode", out: "{'result': ''}"},

		{typ: "FormatStringNode", in: m{"template": "{a}-{b[c]:>5}|{a!r}", "variables": m{"a": "x", "b": m{"c": 7}}}, out: `{'result': "x-    7|'x'"}`},
		{typ: "FormatStringNode", cfg: m{"template": "{n:,.2f}", "variables": `{"n": 1234.5}`}, out: "{'result': '1,234.50'}"},
		{typ: "FormatStringNode", cfg: m{"template": "{missing}"}, out: "{}", err: "'missing'"},
		{typ: "FormatStringNode", cfg: m{"template": "x", "variables": l{1}}, out: "{}", err: "variables must be a dictionary, got list"},
		{typ: "FormatStringNode", cfg: m{"template": "x", "variables": "{"}, out: "{}", err: "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},

		{typ: "RegexMatchNode", in: m{"text": "a1 b22", "pattern": `([a-z])(\d+)`}, out: "{'match_found': True, 'first_match': 'a1', 'all_matches': ['a1', 'b22'], 'groups': ['a', '1'], 'match_count': 2}"},
		{typ: "RegexMatchNode", in: m{"text": "x", "pattern": `(?P<n>\d)`}, out: "{'match_found': False, 'first_match': '', 'all_matches': [], 'groups': [], 'match_count': 0}"},
		{typ: "RegexMatchNode", in: m{"text": "X\ny", "pattern": `^[xy]$`}, cfg: m{"ignore_case": "true", "multiline": true}, out: "{'match_found': True, 'first_match': 'X', 'all_matches': ['X', 'y'], 'groups': [], 'match_count': 2}"},
		{typ: "RegexMatchNode", in: m{"text": "a\nb", "pattern": `a.b`}, cfg: m{"dotall": true}, out: `{'match_found': True, 'first_match': 'a\nb', 'all_matches': ['a\nb'], 'groups': [], 'match_count': 1}`},
		{typ: "RegexMatchNode", in: m{"text": "a", "pattern": `*`}, out: "{}", err: "nothing to repeat at position 0"},
		{typ: "RegexMatchNode", in: m{"text": long, "pattern": `a`}, out: "{}", err: "Text length (100,001 chars) exceeds maximum allowed (100,000 chars) for regex operations"},
		{typ: "RegexMatchNode", in: m{"text": "a", "pattern": strings.Repeat("a", 1001)}, out: "{}", err: "Pattern length (1,001 chars) exceeds maximum allowed (1,000 chars) for regex operations"},

		{typ: "RegexReplaceNode", in: m{"text": "a1b2", "pattern": `(?P<d>\d)`, "replacement": `<\g<d>\1>`}, out: "{'result': 'a<11>b<22>', 'count': 2}"},
		{typ: "RegexReplaceNode", in: m{"text": "a1b2", "pattern": `\d`}, cfg: m{"max_count": "1"}, out: "{'result': 'ab2', 'count': 1}"},
		{typ: "RegexReplaceNode", in: m{"text": "a", "pattern": "a", "replacement": `\2`}, out: "{}", err: "invalid group reference 2 at position 1"},
		{typ: "RegexReplaceNode", in: m{"text": long, "pattern": "a"}, out: "{}", err: "Text length (100,001 chars) exceeds maximum allowed (100,000 chars) for regex operations"},

		{
			typ: "FuzzyStringMatchNode", in: m{"search_string": "apple", "candidates": l{"appel", 5, "maple"}}, next: "match_found",
			out: "{'matched_string': 'appel', 'match_score': 0.8, 'match_index': 0, 'is_match': True, 'all_scores': {'appel': 0.8, 'maple': 0.8}}",
		},
		{
			typ: "FuzzyStringMatchNode", in: m{"search_string": "apple", "candidates": l{"xyz"}}, next: "no_match",
			out: "{'matched_string': '', 'match_score': 0.0, 'match_index': -1, 'is_match': False, 'all_scores': {'xyz': 0.0}}",
		},
		{
			typ: "FuzzyStringMatchNode", cfg: m{"search_string": "b", "candidates": "a, b"}, next: "match_found",
			out: "{'matched_string': 'b', 'match_score': 1.0, 'match_index': 1, 'is_match': True, 'all_scores': {'a': 0.0, 'b': 1.0}}",
		},
		{typ: "FuzzyStringMatchNode", cfg: m{"candidates": l{"a"}}, next: "no_match", out: "{'is_match': False, 'all_scores': {}}"},
		{typ: "FuzzyStringMatchNode", in: m{"search_string": "ab", "candidates": l{"ab"}, "threshold": "high"}, out: "{}", err: "could not convert string to float: 'high'"},

		{
			typ: "FilterBySimilarityNode", in: m{"input_list": l{"appel", 5, "xyz"}, "filter_string": "apple"},
			out: "{'filtered_list': ['appel', 5], 'scores': {'appel': 0.8, 'xyz': 0.0}, 'count': 2}",
		},
		{typ: "FilterBySimilarityNode", in: m{"input_list": l{"appel"}}, out: "{'filtered_list': [], 'scores': {}, 'count': 0}"},
		{typ: "FilterBySimilarityNode", cfg: m{"input_list": `["a", "b"]`, "filter_string": "a", "threshold": "0.5"}, out: "{'filtered_list': ['a'], 'scores': {'a': 1.0, 'b': 0.0}, 'count': 1}"},
	})
}

func TestFamilyIsComplete(t *testing.T) {
	besides := map[string]bool{ // of the family that package data shares
		"ConcatenateNode": true, "FormatStringNode": true, "RegexMatchNode": true, "RegexReplaceNode": true,
		"FuzzyStringMatchNode": true, "FilterBySimilarityNode": true,
	}
	enginetest.Complete(t, text.Nodes(), func(typ *catalog.Type) bool { return typ.Family == "Text" || besides[typ.Name] })
}
