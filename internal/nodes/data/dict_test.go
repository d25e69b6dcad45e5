package data_test

import "testing"

func TestDicts(t *testing.T) {
	ab := m{"a": 1, "b": 2}
	run(t, []visit{
		{typ: "JsonParseNode", cfg: m{"json_string": `{"z": [1, 1.0, null, true], "a": "é"}`}, out: "{'data': {'z': [1, 1.0, None, True], 'a': 'é'}}"},
		{typ: "JsonParseNode", cfg: m{"json_string": "{{raw}}"}, vars: m{"raw": "[1]"}, out: "{'data': [1]}"},
		{typ: "JsonParseNode", in: m{"json_string": m{"a": 1}}, out: "{'data': {'a': 1}}"},
		{typ: "JsonParseNode", out: "{}", err: "Empty JSON string"},
		{typ: "JsonParseNode", cfg: m{"json_string": "{bad}"}, out: "{}", err: "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},

		{typ: "GetPropertyNode", in: m{"object": m{"a": m{"b": 5}}}, cfg: m{"property_path": "a.b"}, out: "{'value': 5}"},
		{typ: "GetPropertyNode", in: m{"object": m{"a": []int{5}}}, cfg: m{"property_path": "a.0"}, out: "{'value': None}"},
		{typ: "GetPropertyNode", in: m{"object": ab}, cfg: m{"property_path": ""}, out: "{'value': {'a': 1, 'b': 2}}"},
		{typ: "GetPropertyNode", in: m{"object": []int{1}}, cfg: m{"property_path": "a"}, out: "{}", err: "Input is not a dictionary"},

		{typ: "DictGetNode", in: m{"dict": ab}, cfg: m{"key": "b"}, out: "{'value': 2, 'found': True}"},
		{typ: "DictGetNode", in: m{"dict": ab, "default": 9}, cfg: m{"key": "z"}, out: "{'value': 9, 'found': False}"},
		{typ: "DictGetNode", cfg: m{"dict": "d", "key": "a"}, vars: m{"d": ab}, out: "{'value': 1, 'found': True}"},
		{typ: "DictGetNode", cfg: m{"dict": `{"a": 3}`, "key": "a"}, out: "{'value': 3, 'found': True}"},
		{typ: "DictGetNode", cfg: m{"key": "z"}, out: "{'value': None, 'found': False}"},
		{typ: "DictGetNode", in: m{"dict": 5}, cfg: m{"key": "z"}, out: "{}", err: "Input is not a dictionary"},

		{typ: "DictSetNode", in: m{"dict": ab, "value": 3}, cfg: m{"key": "c"}, out: "{'result': {'a': 1, 'b': 2, 'c': 3}}"},
		{typ: "DictSetNode", in: m{"dict": "no dict", "value": nil}, cfg: m{"key": "c"}, out: "{'result': {'c': None}}"},
		{typ: "DictSetNode", in: m{"dict": ab, "value": 3}, out: "{}", err: "Key is required"},

		{typ: "DictRemoveNode", in: m{"dict": ab}, cfg: m{"key": "a"}, out: "{'result': {'b': 2}, 'removed_value': 1}"},
		{typ: "DictRemoveNode", in: m{"dict": ab}, cfg: m{"key": "z"}, out: "{'result': {'a': 1, 'b': 2}, 'removed_value': None}"},

		{typ: "DictMergeNode", in: m{"dict_1": ab, "dict_2": m{"b": 3, "c": 4}}, out: "{'result': {'a': 1, 'b': 3, 'c': 4}}"},
		{typ: "DictMergeNode", in: m{"dict_1": 5, "dict_2": m{"b": 3}}, out: "{'result': {'b': 3}}", note: "dict_1 is not a dictionary"},

		{typ: "DictKeysNode", in: m{"dict": ab}, out: "{'keys': ['a', 'b'], 'count': 2}"},
		{typ: "DictValuesNode", in: m{"dict": ab}, out: "{'values': [1, 2], 'count': 2}"},
		{typ: "DictItemsNode", in: m{"dict": ab}, out: "{'items': [{'key': 'a', 'value': 1}, {'key': 'b', 'value': 2}], 'count': 2}"},
		{typ: "DictKeysNode", out: "{'keys': [], 'count': 0}"},
		{typ: "DictHasKeyNode", in: m{"dict": ab, "key": "a"}, out: "{'has_key': True}"},
		{typ: "DictHasKeyNode", in: m{"dict": ab, "key": "z"}, out: "{'has_key': False}"},

		{typ: "CreateDictNode", in: m{"value_1": l{1}}, cfg: m{"key_1": "a", "key_2": "", "value_2": 5, "key_3": "c"}, out: "{'dict': {'a': [1], 'c': None}}"},
		{typ: "CreateDictNode", in: m{"key_7": "g", "value_7": 7}, cfg: m{"key_4": "d", "value_4": 4}, out: "{'dict': {'g': 7}}", note: "key_4 and what follows it are not read"},
		{typ: "CreateDictNode", cfg: m{"key_1": "status", "value_1": "ok", "key_2": "code", "value_2": 200}, out: "{'dict': {'status': 'ok', 'code': 200}}"},

		{typ: "DictToJsonNode", in: m{"dict": m{"b": 1.0, "a": "é"}}, out: `{'json_string': '{"a": "\\u00e9", "b": 1.0}'}`},
		{typ: "DictToJsonNode", cfg: m{"dict": "d", "ensure_ascii": false, "indent": 2}, vars: m{"d": m{"a": l{"é"}}}, out: `{'json_string': '{\n  "a": [\n    "é"\n  ]\n}'}`},
		{typ: "DictToJsonNode", cfg: m{"indent": "0"}, in: m{"dict": m{"a": 1}}, out: `{'json_string': '{\n"a": 1\n}'}`},
		{typ: "DictToJsonNode", in: m{"dict": m{"a": []byte("x")}}, out: "{}", err: "Object of type bytes is not JSON serializable"},
	})
}

func TestDictSuper(t *testing.T) {
	do := func(action string, in, cfg m, out string) visit {
		if cfg == nil {
			cfg = m{}
		}
		cfg["action"] = action
		return visit{typ: "DictSuperNode", in: in, cfg: cfg, out: out}
	}
	ab := m{"a": 1, "b": m{"c": l{5, 6}}}
	run(t, []visit{
		do("Create Dict", m{"key1": "x", "value1": 1, "key3": 3, "value3": nil}, nil, "{'dict': {'x': 1, '3': None}, 'count': 2}"),
		do("Get Value", m{"dict": ab, "key": "a"}, nil, "{'value': 1, 'found': True}"),
		do("Get Value", m{"dict": ab}, m{"key": "z", "default_value": "d"}, "{'value': 'd', 'found': False}"),
		do("Get Value", m{"dict": 5}, m{"key": "z"}, "{'value': None, 'found': False}"),
		do("Get Property", m{"dict": ab, "path": "b.c.1"}, nil, "{'value': 6, 'found': True}"),
		do("Get Property", m{"dict": ab, "path": "b.c.-1"}, nil, "{'value': 6, 'found': True}"),
		do("Get Property", m{"dict": ab, "path": "b/c"}, m{"separator": "/"}, "{'value': [5, 6], 'found': True}"),
		do("Get Property", m{"dict": ab, "path": "b.c.9"}, m{"default_value": 0}, "{'value': None, 'found': False}"),
		do("Get Property", m{"dict": ab}, m{"key": "a"}, "{'value': 1, 'found': True}"),
		do("Has Key", m{"dict": ab, "key": "a"}, nil, "{'has_key': True}"),
		do("Get Keys", m{"dict": ab}, nil, "{'keys': ['a', 'b'], 'count': 2}"),
		do("Get Values", m{"dict": m{"a": 1}}, nil, "{'values': [1], 'count': 1}"),
		do("Get Items", m{"dict": m{"a": 1}}, nil, "{'items': [{'key': 'a', 'value': 1}], 'count': 1}"),
		do("Set Value", m{"dict": m{"a": 1}, "key": "a", "value": 2}, nil, "{'dict': {'a': 2}, 'previous': 1, 'was_update': True}"),
		do("Set Value", m{"key": "n", "value": 2}, nil, "{'dict': {'n': 2}, 'previous': None, 'was_update': False}"),
		do("Remove Key", m{"dict": m{"a": 1}, "key": "a"}, nil, "{'dict': {}, 'removed_value': 1, 'was_removed': True}"),
		do("Remove Key", m{"dict": m{"a": 1}, "key": "z"}, m{"ignore_missing": true}, "{'dict': {'a': 1}, 'removed_value': None, 'was_removed': False}"),
		{typ: "DictSuperNode", in: m{"dict": m{"a": 1}, "key": "z"}, cfg: m{"action": "Remove Key"}, out: "{}", err: "Key not found: z"},
		do("Merge", m{"dict1": m{"a": 1, "x": m{"p": 1}}, "dict2": m{"a": 2, "x": m{"q": 2}}}, nil, "{'merged': {'a': 2, 'x': {'q': 2}}, 'count': 2}"),
		do("Merge", m{"dict1": m{"a": 1, "x": m{"p": 1}}, "dict2": m{"a": 2, "x": m{"q": 2}}}, m{"deep_merge": true}, "{'merged': {'a': 2, 'x': {'p': 1, 'q': 2}}, 'count': 2}"),
		do("Merge", m{"dict1": m{"a": 1, "x": m{"p": 1}}, "dict2": m{"b": 3, "a": 2, "x": m{"p": 2}}}, m{"deep_merge": true, "overwrite": false}, "{'merged': {'a': 1, 'x': {'p': 1}, 'b': 3}, 'count': 3}"),
		do("Merge", m{"dict1": m{"a": 1}, "dict2": m{"a": 2, "b": 3}}, m{"overwrite": false}, "{'merged': {'a': 1, 'b': 3}, 'count': 2}"),
		do("Parse JSON", m{"json_string": `{"a": 1}`}, nil, "{'success': True, 'data': {'a': 1}, 'error': ''}"),
		do("Parse JSON", m{"json_string": "{"}, nil, "{'success': False, 'data': None, 'error': 'Expecting property name enclosed in double quotes: line 1 column 2 (char 1)'}"),
		do("Parse JSON", nil, nil, "{'success': False, 'data': None, 'error': 'Expecting value: line 1 column 1 (char 0)'}"),
		do("To JSON", m{"data": m{"b": "é", "a": 1}}, nil, `{'json_string': '{"a": 1, "b": "é"}', 'success': True}`),
		do("To JSON", nil, m{"dict": "d", "indent": 1, "ensure_ascii": true}, "-"),
		{typ: "DictSuperNode", in: m{"data": []byte("x")}, cfg: m{"action": "To JSON"}, out: "{'json_string': '', 'success': False}", err: "Object of type bytes is not JSON serializable"},
		{typ: "DictSuperNode", cfg: m{"action": "Burn"}, out: "{}", err: "Unknown action: Burn"},
	})
}

func TestListSuper(t *testing.T) {
	do := func(action string, in, cfg m, out string) visit {
		if cfg == nil {
			cfg = m{}
		}
		cfg["action"] = action
		return visit{typ: "ListSuperNode", in: in, cfg: cfg, out: out}
	}
	noted := func(v visit, note string) visit { v.note = note; return v }
	abc := l{"a", "b", "c"}
	run(t, []visit{
		do("Create List", m{"item1": 1, "item3": 3}, nil, "{'list': [1, 3], 'length': 2}"),
		do("Get Item", m{"list": abc, "index": -1}, nil, "{'found': True, 'item': 'c'}"),
		do("Get Item", m{"list": abc, "index": -1}, m{"negative_index": false, "default_value": "d"}, "{'found': False, 'item': 'd'}"),
		do("Get Item", m{"list": abc, "index": 3}, nil, "{'found': False, 'item': None}"),
		do("Get Item", m{"list": 5, "index": 0}, nil, "{'found': False, 'item': None}"),
		do("Length", m{"list": abc}, nil, "{'length': 3, 'is_empty': False}"), do("Length", nil, nil, "{'length': 0, 'is_empty': True}"),
		do("Contains", m{"list": l{1, true, 2}, "item": 1.0}, nil, "{'contains': True, 'index': 0, 'count': 2}"),
		do("Append", m{"list": abc, "item": l{1}}, nil, "{'list': ['a', 'b', 'c', [1]], 'length': 4}"),
		do("Append", m{"list": abc, "item": l{1, 2}}, m{"extend": true, "position": "start"}, "{'list': [1, 2, 'a', 'b', 'c'], 'length': 5}"),
		do("Append", m{"list": abc, "item": 1}, m{"position": "index", "insert_index": -1}, "{'list': ['a', 'b', 1, 'c'], 'length': 4}"),
		do("Slice", m{"list": abc, "start": 1}, nil, "{'slice': ['b', 'c'], 'length': 2}"),
		do("Slice", m{"list": abc}, m{"step": -1}, "{'slice': ['c', 'b', 'a'], 'length': 3}"),
		do("Slice", m{"list": l{0, 1, 2, 3, 4}, "start": -1, "end": 0}, m{"step": -2}, "{'slice': [4, 2], 'length': 2}"),
		do("Slice", m{"list": abc, "start": 0, "end": 99}, m{"step": 2}, "{'slice': ['a', 'c'], 'length': 2}"),
		do("Sort", m{"list": l{3, 1, 2}}, m{"descending": true}, "{'sorted': [3, 2, 1], 'length': 3}"),
		do("Sort", m{"list": l{"b", 10, 9}}, nil, "{'sorted': [10, 9, 'b'], 'length': 3}"),
		do("Sort", m{"list": l{m{"k": 2}, m{"k": 1}}}, m{"sort_key": "k"}, "{'sorted': [{'k': 1}, {'k': 2}], 'length': 2}"),
		do("Reverse", m{"list": abc}, nil, "{'reversed': ['c', 'b', 'a'], 'length': 3}"),
		do("Unique", m{"list": l{1, 1.0, l{1}, l{1}, "1"}}, nil, "{'unique': [1, [1], '1'], 'length': 3, 'duplicates_removed': 2}"),
		do("Filter", m{"list": l{1, 2, 3}}, m{"expression": "x % 2 == 1 and i < 2"}, "{'filtered': [1], 'rejected': [2, 3], 'length': 1}"),
		do("Filter", m{"list": l{1, 2}}, nil, "{'filtered': [1, 2], 'rejected': [], 'length': 2}"),
		noted(do("Filter", m{"list": l{m{"s": "on"}, 5}}, m{"expression": "item['s'] == 'on'"}, "{'filtered': [{'s': 'on'}], 'rejected': [5], 'length': 1}"), "failed on item 1"),
		noted(do("Filter", m{"list": l{"a"}}, m{"expression": "len(x) > 0"}, "{'filtered': [], 'rejected': ['a'], 'length': 0}"), "failed on item 0"),
		do("Map", m{"list": l{1, 2}}, m{"expression": "x * 10 + index"}, "{'mapped': [10, 21], 'length': 2}"),
		noted(do("Map", m{"list": l{1, "a", "b"}}, m{"expression": "x - 1"}, "{'mapped': [0, 'a', 'b'], 'length': 3}"), "(and 1 more)"),
		do("Reduce", m{"list": l{1, 2}}, nil, "{'result': 3}"), do("Reduce", m{"list": l{1, 2.5}, "initial": 1}, nil, "{'result': 4.5}"),
		do("Reduce", m{"list": l{2, 3}}, m{"reduce_operation": "product"}, "{'result': 6}"),
		do("Reduce", m{"list": l{2, 3}}, m{"reduce_operation": "max"}, "{'result': 3}"), do("Reduce", m{"list": l{2, 3}}, m{"reduce_operation": "min"}, "{'result': 2}"),
		do("Reduce", m{"list": l{"a", "b"}}, m{"reduce_operation": "concat"}, "{'result': 'ab'}"),
		do("Reduce", m{"list": l{l{1}, 2}}, m{"reduce_operation": "concat"}, "{'result': [1, 2]}"),
		do("Reduce", m{"list": l{1, 2, 3}}, m{"reduce_operation": "custom", "expression": "acc * 10 + x"}, "{'result': 123}"),
		do("Reduce", m{"list": l{1}, "initial": 5}, m{"reduce_operation": "custom", "expression": "acc - x"}, "{'result': 4}"),
		do("Reduce", m{"list": l{}, "initial": 5}, nil, "{'result': 5}"),
		{typ: "ListSuperNode", in: m{"list": l{"a"}}, cfg: m{"action": "Reduce"}, out: "{}", err: "unsupported operand type(s) for +: 'int' and 'str'"},
		{typ: "ListSuperNode", in: m{"list": l{"a", 1}}, cfg: m{"action": "Reduce", "reduce_operation": "concat"}, out: "{}", err: "sequence item 1: expected str instance, int found"},
		do("Flatten", m{"list": l{1, l{2, l{3}}}}, nil, "{'flattened': [1, 2, 3], 'length': 3}"),
		do("Flatten", m{"list": l{1, l{2, l{3}}}}, m{"depth": 1}, "{'flattened': [1, 2, [3]], 'length': 3}"),
		do("Join", m{"list": l{1, "b"}}, nil, "{'result': '1, b'}"),
		{typ: "ListSuperNode", cfg: m{"action": "Burn"}, out: "{}", err: "Unknown action: Burn"},
	})
}

func TestDataCompare(t *testing.T) {
	a := l{m{"id": 1, "n": "Ann"}, m{"id": 2, "n": "Bo"}, "no row", m{"id": 3, "n": "Cy"}}
	b := l{m{"id": 2.0, "n": "bo", "x": 1}, m{"id": 1, "n": "Ann"}, m{"id": 9, "n": "Di"}}
	summary := func(added, removed, modified, matched, keys string) string {
		return "'diff_summary': {'added_count': " + added + ", 'removed_count': " + removed + ", 'modified_count': " + modified +
			", 'matched_count': " + matched + ", 'total_a': 3, 'total_b': 3, 'key_columns': " + keys + "}"
	}
	run(t, []visit{
		{
			typ: "DataCompareNode", in: m{"data_a": a, "data_b": b}, cfg: m{"key_columns": "id"},
			out: "{'only_in_a': [{'id': 3, 'n': 'Cy'}], 'only_in_b': [{'id': 9, 'n': 'Di'}], 'matched': [" +
				"{'key': {'id': 1}, 'row_a': {'id': 1, 'n': 'Ann'}, 'row_b': {'id': 1, 'n': 'Ann'}, 'is_modified': False, 'different_columns': []}, " +
				"{'key': {'id': 2}, 'row_a': {'id': 2, 'n': 'Bo'}, 'row_b': {'id': 2.0, 'n': 'bo', 'x': 1}, 'is_modified': True, 'different_columns': ['n', 'x']}], " +
				summary("1", "1", "1", "2", "['id']") + ", 'has_differences': True}",
		},
		{
			typ: "DataCompareNode", in: m{"data_a": l{m{"n": "BO"}}, "data_b": l{m{"n": "bo"}}}, cfg: m{"key_columns": " n ", "case_sensitive": false},
			out: "{'only_in_a': [], 'only_in_b': [], 'matched': [{'key': {'n': 'BO'}, 'row_a': {'n': 'BO'}, 'row_b': {'n': 'bo'}, 'is_modified': False, 'different_columns': []}], " +
				"'diff_summary': {'added_count': 0, 'removed_count': 0, 'modified_count': 0, 'matched_count': 1, 'total_a': 1, 'total_b': 1, 'key_columns': ['n']}, 'has_differences': False}",
		},
		{
			typ: "DataCompareNode", in: m{"data_a": l{m{"x": 1}}, "data_b": l{m{"x": 2}}}, cfg: m{"compare_all_columns": false},
			out: "{'only_in_a': [], 'only_in_b': [], 'matched': [{'key': {'index': 0}, 'row_a': {'x': 1}, 'row_b': {'x': 2}, 'is_modified': False, 'different_columns': []}], " +
				"'diff_summary': {'added_count': 0, 'removed_count': 0, 'modified_count': 0, 'matched_count': 1, 'total_a': 1, 'total_b': 1, 'key_columns': []}, 'has_differences': False}",
		},
		{
			typ: "DataCompareNode", cfg: m{"data_a": "left", "data_b": "nobody"}, vars: m{"left": l{m{"x": 1}}},
			out: "{'only_in_a': [{'x': 1}], 'only_in_b': [], 'matched': [], " +
				"'diff_summary': {'added_count': 0, 'removed_count': 1, 'modified_count': 0, 'matched_count': 0, 'total_a': 1, 'total_b': 0, 'key_columns': []}, 'has_differences': True}",
		},
	})
}
