package data_test

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/data"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

type m = map[string]any

type l = []any

// visit is one visit of a node and what it must leave. Outputs and variables
// are compared as Python shows them, so that 1, 1.0 and True are three things.
type visit struct {
	typ     string
	in, cfg m
	vars    m
	out     string // outputs; "-" means that they do not matter
	left    string // variables afterwards; "" means that they do not matter
	err     string
	note    string // a part of the remark; "" means none
}

func run(t *testing.T, tests []visit) {
	t.Helper()
	nodes := data.Nodes()
	for _, test := range tests {
		name := test.typ + " " + value.Repr(value.FromGo(test.cfg)) + " " + value.Repr(value.FromGo(test.in))
		t.Run(name, func(t *testing.T) {
			vars := value.NewMap()
			if test.vars != nil {
				vars = value.FromGo(test.vars).(*value.Map)
			}
			var notes []string
			out, next, err := enginetest.Visit(t, nodes[test.typ], test.typ, test.in, test.cfg,
				enginetest.Vars(vars), enginetest.Notes(&notes))
			message := ""
			if err != nil {
				message = err.Error()
			}
			if message != test.err {
				t.Errorf("error %q, want %q", message, test.err)
			}
			if got := out.String(); test.out != "-" && got != test.out {
				t.Errorf("outputs %s\nwant    %s", got, test.out)
			}
			if got := vars.String(); test.left != "" && got != test.left {
				t.Errorf("variables %s, want %s", got, test.left)
			}
			if len(next.Next) > 0 || next.End {
				t.Errorf("goes on at %+v", next)
			}
			if got := strings.Join(notes, "\n"); !strings.Contains(got, test.note) || (test.note == "" && got != "") {
				t.Errorf("remarks %q, want %q", got, test.note)
			}
		})
	}
}

func TestMath(t *testing.T) {
	op := func(operation string, a, b any, result string) visit {
		return visit{typ: "MathOperationNode", in: m{"a": a, "b": b}, cfg: m{"operation": operation}, out: "{'result': " + result + "}"}
	}
	fail := func(operation string, a, b any, message string) visit {
		return visit{typ: "MathOperationNode", in: m{"a": a, "b": b}, cfg: m{"operation": operation}, out: "{}", err: message}
	}
	run(t, []visit{
		op("add", 1, 2, "3.0"), op("add", "1.5", true, "2.5"), op("ADD", 1, 2, "3.0"), op("subtract", 1, 2, "-1.0"), op("multiply", 3, 4, "12.0"),
		op("divide", 7, 2, "3.5"), fail("divide", 1, 0, "Division by zero"), op("floor_divide", -7, 2, "-4.0"), fail("floor_divide", 1, 0, "Division by zero"),
		op("modulo", -7, 3, "2.0"), op("modulo", 7, -3, "-2.0"), op("power", 2, 10, "1024.0"), op("power", 4, 0.5, "2.0"),
		fail("power", 0, -1, "math domain error"), fail("power", -8, 0.5, "math domain error"), fail("power", 10, 400, "math range error"),
		op("min", 3, 2, "2.0"), op("max", 3, 2, "3.0"), op("abs", -2, 0, "2.0"), op("negate", 2, 0, "-2.0"), op("sqrt", 9, 0, "3.0"), fail("sqrt", -1, 0, "math domain error"),
		op("floor", -1.5, 0, "-2"), op("ceil", 1.2, 0, "2"), op("round", 2.5, 0, "2"), op("round", 3.5, 0, "4"),
		op("sin", 0, 0, "0.0"), op("cos", 0, 0, "1.0"), op("tan", 0, 0, "0.0"), op("exp", 0, 0, "1.0"), fail("exp", 1000, 0, "math range error"),
		op("log", 1, 0, "0.0"), op("log", 8, 2, "3.0"), fail("log", 0, 0, "math domain error"), fail("log", 2, 1, "float division by zero"), op("log10", 1000, 0, "3.0"),
		fail("log10", -1, 0, "math domain error"),
		fail("whatever", 1, 2, "Unknown operation: whatever"),
		fail("add", "Hello World", 1, "could not convert string to float: 'Hello World'"),
		{typ: "MathOperationNode", cfg: m{"a": "{{n}}", "b": 2, "operation": "multiply", "output_var": "twice"}, vars: m{"n": 21}, out: "{'result': 42.0}", left: "{'n': 21, 'twice': 42.0}"},
		{typ: "MathOperationNode", cfg: m{"a": 10, "b": 3, "operation": "divide", "round_digits": 2}, out: "{'result': 3.33}"},
		{typ: "MathOperationNode", cfg: m{"a": 2.675, "operation": "add", "round_digits": "2"}, out: "{'result': 2.67}"},
		{typ: "MathOperationNode", cfg: m{"a": 2.7, "operation": "floor", "round_digits": 2}, out: "{'result': 2}"},
		{typ: "MathOperationNode", out: "{'result': 0.0}"},

		{typ: "ComparisonNode", in: m{"a": 1, "b": 1.0}, out: "{'result': True}"},
		{typ: "ComparisonNode", in: m{"a": "10", "b": 10}, out: "{'result': False}"},
		{typ: "ComparisonNode", in: m{"a": "10", "b": 5}, cfg: m{"operator": ">"}, out: "{}", err: "'>' not supported between instances of 'str' and 'int'"},
		{typ: "ComparisonNode", in: m{"a": 3, "b": 2}, cfg: m{"operator": "greater than (>)"}, out: "{'result': True}"},
		{typ: "ComparisonNode", in: m{"a": 2, "b": 2}, cfg: m{"operator": "greater or equal (>=)"}, out: "{'result': True}"},
		{typ: "ComparisonNode", in: m{"a": "a", "b": "b"}, cfg: m{"operator": "<"}, out: "{'result': True}"},
		{typ: "ComparisonNode", in: m{"a": 2, "b": 1}, cfg: m{"operator": "less or equal (<=)"}, out: "{'result': False}"},
		{typ: "ComparisonNode", in: m{"a": l{1}, "b": l{2}}, cfg: m{"operator": "not equals (!=)"}, out: "{'result': True}"},
		{typ: "ComparisonNode", out: "{'result': True}"},
		{typ: "ComparisonNode", cfg: m{"operator": "~"}, out: "{}", err: "Unknown operator: ~"},
	})
}

func TestLists(t *testing.T) {
	abc := l{"a", "b", "c"}
	mixed := l{3, "x", nil, 1.0}
	people := l{m{"n": "Bo", "a": m{"b": 2}}, m{"n": "Al", "a": m{"b": 1}}, m{"n": "Cy"}}
	run(t, []visit{
		{typ: "CreateListNode", in: m{"item_1": 1, "item_3": "c", "item_5": "e"}, cfg: m{"item_2": "v"}, vars: m{"v": l{2}}, out: "{'list': [1, [2], 'c', 'e']}"},
		{typ: "CreateListNode", cfg: m{"item_1": 1, "item_4": 4}, out: "{'list': [1]}", note: "item_4 and what follows it are not read"},
		{typ: "CreateListNode", in: m{"item_1": "v"}, vars: m{"v": 1}, out: "{'list': ['v']}"}, // what a link brings is no name
		{typ: "CreateListNode", out: "{'list': []}"},

		{typ: "ListGetItemNode", in: m{"list": abc, "index": 1}, out: "{'item': 'b'}"},
		{typ: "ListGetItemNode", cfg: m{"list": "names", "index": -1}, vars: m{"names": abc}, out: "{'item': 'c'}"},
		{typ: "ListGetItemNode", cfg: m{"list": "{{names}}"}, vars: m{"names": abc}, out: "{'item': 'a'}"},
		{typ: "ListGetItemNode", in: m{"list": abc, "index": 3}, out: "{}", err: "List index out of range: 3"},
		{typ: "ListGetItemNode", in: m{"list": abc, "index": -4}, out: "{}", err: "List index out of range: -4"},
		{typ: "ListGetItemNode", cfg: m{"list": "nobody"}, out: "{}", err: "List index out of range: 0"},

		{typ: "ListLengthNode", in: m{"list": abc}, out: "{'length': 3}"},
		{typ: "ListLengthNode", cfg: m{"list": "nobody"}, out: "{'length': 0}"},
		{typ: "ListLengthNode", out: "{'length': 0}"},
		{typ: "ListLengthNode", in: m{"list": "text"}, out: "{}", err: "Input is not a list"},
		{typ: "ListLengthNode", cfg: m{"list": m{"a": 1}}, out: "{}", err: "Input is not a list"},

		{typ: "ListAppendNode", in: m{"list": abc, "item": 1}, out: "{'result': ['a', 'b', 'c', 1]}"},
		{typ: "ListAppendNode", in: m{"list": 5}, cfg: m{"item": "v"}, vars: m{"v": "six"}, out: "{'result': [5, 'six']}"},
		{typ: "ListAppendNode", out: "{'result': [None]}"},

		{typ: "ListContainsNode", in: m{"list": l{"a", 1, 2}, "item": true}, out: "{'contains': True, 'index': 1}"},
		{typ: "ListContainsNode", in: m{"list": abc, "item": "z"}, out: "{'contains': False, 'index': -1}"},

		{typ: "ListSliceNode", in: m{"list": abc, "start": 1}, out: "{'result': ['b', 'c']}"},
		{typ: "ListSliceNode", in: m{"list": abc, "start": -2, "end": -1}, out: "{'result': ['b']}"},
		{typ: "ListSliceNode", in: m{"list": abc, "start": 5, "end": 9}, out: "{'result': []}"},
		{typ: "ListSliceNode", in: m{"list": abc, "start": 2, "end": 1}, out: "{'result': []}"},
		{typ: "ListSliceNode", in: m{"list": abc, "end": 0}, out: "{'result': []}"},

		{typ: "ListJoinNode", in: m{"list": l{1, 2.0, true, nil}}, out: "{'result': '1, 2.0, True, None'}"},
		{typ: "ListJoinNode", in: m{"list": abc}, cfg: m{"separator": "sep"}, vars: m{"sep": "-"}, out: "{'result': 'a-b-c'}"},

		{typ: "ListSortNode", in: m{"list": l{3, 1.5, true}}, out: "{'result': [True, 1.5, 3]}"},
		{typ: "ListSortNode", in: m{"list": l{"b", "a"}}, cfg: m{"reverse": "true"}, out: "{'result': ['b', 'a']}"},
		{typ: "ListSortNode", in: m{"list": people[:2]}, cfg: m{"key_path": "a.b"}, out: "{'result': [{'a': {'b': 1}, 'n': 'Al'}, {'a': {'b': 2}, 'n': 'Bo'}]}"},
		{typ: "ListSortNode", in: m{"list": mixed}, out: "{}", err: "'<' not supported between instances of 'str' and 'int'"},
		{typ: "ListReverseNode", in: m{"list": abc}, out: "{'result': ['c', 'b', 'a']}"},

		{typ: "ListUniqueNode", in: m{"list": l{1, true, 1.0, "1", nil, nil, 2.5, 2.5}}, out: "{'result': [1, '1', None, 2.5]}"},
		{typ: "ListUniqueNode", in: m{"list": l{l{1}, l{1}, m{"a": 1}, m{"a": 1}, "[1]"}}, out: "{'result': [[1], {'a': 1}]}"},

		{typ: "ListFlattenNode", in: m{"list": l{1, l{2, l{3}}}}, out: "{'result': [1, 2, [3]]}"},
		{typ: "ListFlattenNode", in: m{"list": l{1, l{2, l{3}}}, "depth": 2}, out: "{'result': [1, 2, 3]}"},
		{typ: "ListFlattenNode", in: m{"list": l{1, l{2}}, "depth": 0}, out: "{'result': [1, [2]]}"},
	})
}

func TestListQueries(t *testing.T) {
	filter := func(list l, condition string, wanted any, kept, removed string) visit {
		return visit{typ: "ListFilterNode", in: m{"list": list, "value": wanted}, cfg: m{"condition": condition}, out: "{'result': " + kept + ", 'removed': " + removed + "}"}
	}
	mapped := func(list l, transform, result string) visit {
		return visit{typ: "ListMapNode", in: m{"list": list}, cfg: m{"transform": transform}, out: "{'result': " + result + "}"}
	}
	reduce := func(list l, operation string, initial any, result string) visit {
		return visit{typ: "ListReduceNode", in: m{"list": list, "initial": initial}, cfg: m{"operation": operation}, out: "{'result': " + result + "}"}
	}
	people := l{m{"n": "Bo", "a": m{"b": 2}}, m{"n": "Cy"}}
	run(t, []visit{
		filter(l{1, 1.0, "1"}, "equals", 1, "[1, 1.0]", "['1']"), filter(l{1, "1"}, "not_equals", 1, "['1']", "[1]"),
		filter(l{"abc", "xyz", nil}, "contains", "b", "['abc']", "['xyz', None]"), filter(l{"abc", "bc"}, "starts_with", "a", "['abc']", "['bc']"),
		filter(l{"abc", 12}, "ends_with", 2, "[12]", "['abc']"), filter(l{1, 5, nil}, "greater_than", 2, "[5]", "[1, None]"),
		filter(l{1, 5, nil}, "less_than", 2, "[1]", "[5, None]"), filter(l{0, nil}, "is_not_none", nil, "[0]", "[None]"),
		filter(l{0, nil}, "is_none", nil, "[None]", "[0]"), filter(l{0, "a", l{}}, "is_truthy", nil, "['a']", "[0, []]"),
		filter(l{0, "a"}, "is_falsy", nil, "[0]", "['a']"), filter(l{0, nil}, "no such", nil, "[0, None]", "[]"),
		{typ: "ListFilterNode", in: m{"list": l{nil, 1}}, out: "{'result': [1], 'removed': [None]}"},
		{typ: "ListFilterNode", in: m{"list": people}, cfg: m{"condition": "equals", "value": 2, "key_path": "a.b"}, out: "{'result': [{'a': {'b': 2}, 'n': 'Bo'}], 'removed': [{'n': 'Cy'}]}"},
		{typ: "ListFilterNode", in: m{"list": l{"a"}, "value": 1}, cfg: m{"condition": "greater_than"}, out: "{}", err: "'>' not supported between instances of 'str' and 'int'"},

		mapped(l{1, nil, 1.0}, "to_string", "['1', '', '1.0']"), mapped(l{"5", nil, 2.9}, "to_int", "[5, 0, 2]"), mapped(l{"5", nil}, "to_float", "[5.0, 0.0]"),
		mapped(l{"ab", nil, 0}, "to_upper", "['AB', '', '']"), mapped(l{"AB"}, "to_lower", "['ab']"), mapped(l{" a "}, "trim", "['a']"),
		mapped(l{"añb", l{1}, m{"a": 1}, nil, 0}, "length", "[3, 1, 1, 0, 0]"), mapped(l{1, "x"}, "other", "[1, 'x']"),
		{typ: "ListMapNode", in: m{"list": people}, cfg: m{"transform": "get_property", "key_path": "a.b"}, out: "{'result': [2, None]}"},
		{typ: "ListMapNode", in: m{"list": l{"x"}}, cfg: m{"transform": "to_int"}, out: "{}", err: "invalid literal for int() with base 10: 'x'"},
		{typ: "ListMapNode", in: m{"list": l{5}}, cfg: m{"transform": "length"}, out: "{}", err: "object of type 'int' has no len()"},
		{typ: "ListMapNode", in: m{"list": l{5}}, out: "{'result': ['5']}"},

		reduce(l{1, "2", nil}, "sum", nil, "3.0"), reduce(l{2, 3}, "product", nil, "6.0"), reduce(l{2, 1}, "min", nil, "1"), reduce(l{"a", "b"}, "max", nil, "'b'"),
		reduce(l{1, 2}, "avg", nil, "1.5"), reduce(l{1, nil}, "count", nil, "1"), reduce(l{1, 2}, "first", nil, "1"), reduce(l{1, 2}, "last", nil, "2"),
		reduce(l{1, "b"}, "join", "-", "'1-b'"), reduce(l{1, "b"}, "join", nil, "'1b'"), reduce(l{}, "sum", nil, "0"), reduce(l{nil}, "avg", nil, "0"),
		reduce(l{}, "product", 7, "7"), reduce(l{}, "max", nil, "None"),
		{typ: "ListReduceNode", in: m{"list": people}, cfg: m{"key_path": "a.b"}, out: "{'result': 2.0}"},
		{typ: "ListReduceNode", in: m{"list": l{"x"}}, out: "{}", err: "could not convert string to float: 'x'"},
		{typ: "ListReduceNode", in: m{"list": l{1}}, cfg: m{"operation": "median"}, out: "{}", err: "Unknown operation: median"},
		{typ: "ListReduceNode", in: m{"list": l{1, "a"}}, cfg: m{"operation": "max"}, out: "{}", err: "'>' not supported between instances of 'str' and 'int'"},
	})
}

func TestFamilyIsComplete(t *testing.T) {
	families := map[string]bool{
		"Lists": true, "Dictionaries, JSON, data compare": true, "Date and time": true, "Super nodes for lists and dicts": true,
	}
	besides := map[string]bool{ // of families that other folders share
		"MathOperationNode": true, "ComparisonNode": true, "RandomNumberNode": true, "RandomChoiceNode": true,
		"RandomStringNode": true, "RandomUUIDNode": true, "ShuffleListNode": true,
	}
	enginetest.Complete(t, data.Nodes(), func(typ *catalog.Type) bool { return families[typ.Family] || besides[typ.Name] })
}

func BenchmarkMathOperation(b *testing.B) {
	single := engine.Single{
		Node: data.Nodes()["MathOperationNode"], NodeID: "add", Type: "MathOperationNode",
		Variables: value.MapOf("n", int64(20)),
		Config:    value.MapOf("a", "{{n}}", "b", int64(22), "operation", "add", "output_var", "sum"),
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.VisitOne(b.Context(), single); err != nil {
			b.Fatal(err)
		}
	}
}
