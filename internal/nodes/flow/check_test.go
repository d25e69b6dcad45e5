package flow_test

import (
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/flow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

func TestValidate(t *testing.T) {
	check := func(kind string, v, param any, reason string) visit {
		test := visit{
			typ: "ValidateNode", in: m{"value": v}, cfg: m{"validation_type": kind}, next: "valid",
			out: "{'is_valid': True, 'error_message': ''}",
		}
		if param != nil {
			test.cfg["validation_param"] = param
		}
		if reason != "" {
			test.next, test.out = "invalid", "{'is_valid': False, 'error_message': "+reason+"}"
		}
		return test
	}
	run(t, []visit{
		check("not_empty", "x", nil, ""), check("not_empty", "", nil, "'Value is empty'"),
		check("not_empty", []int{}, nil, "'Value is empty'"), check("not_empty", m{}, nil, "'Value is empty'"),
		check("not_empty", nil, nil, "'Value is empty'"), check("not_empty", 0, nil, ""),
		check("is_string", "x", nil, ""), check("is_string", 1, nil, "'Expected string, got int'"),
		check("is_number", 1.5, nil, ""), check("is_number", true, nil, ""), check("is_number", "1", nil, "'Expected number, got str'"),
		check("is_integer", 3, nil, ""), check("is_integer", 3.0, nil, "'Expected integer, got float'"),
		check("is_integer", true, nil, "'Expected integer, got bool'"),
		check("is_boolean", false, nil, ""), check("is_boolean", 0, nil, "'Expected boolean, got int'"),
		check("is_list", []int{1}, nil, ""), check("is_list", m{}, nil, "'Expected list, got dict'"),
		check("is_dict", m{"a": 1}, nil, ""), check("is_dict", []int{}, nil, "'Expected dict, got list'"),
		check("matches_regex", "abc1", `[a-z]+\d`, ""), check("matches_regex", "abc1 more", `[a-z]+\d`, ""),
		check("matches_regex", " abc1", `[a-z]+\d`, `'Value does not match pattern: [a-z]+\\d'`),
		check("matches_regex", "x", nil, "'Regex pattern required'"),
		check("matches_regex", 5, "5", "'Value must be string for regex match'"),
		check("min_length", "héé", 3, ""), check("min_length", []int{1}, "2", "'Length 1 < minimum 2'"),
		check("max_length", "abcd", 3, "'Length 4 > maximum 3'"), check("max_length", 5, 3, "'Value has no length'"),
		check("min_length", "x", nil, "'Minimum length required'"), check("max_length", "x", nil, "'Maximum length required'"),
		check("min_value", 5, 5, ""), check("min_value", 4, 5.5, "'Value 4 < minimum 5.5'"),
		check("max_value", 9.5, "9", "'Value 9.5 > maximum 9'"), check("max_value", "9", 9, "'Value must be numeric'"),
		check("min_value", 1, nil, "'Minimum value required'"),
		check("in_list", "a", []string{"a"}, ""), check("in_list", 1, "[1, 2]", ""),
		check("in_list", "z", []string{"a"}, `"Value not in allowed list: ['a']"`), check("in_list", 1, nil, "'List of allowed values required'"),
		check("is_email", "a.b@c.org", nil, ""), check("is_email", "a.b@c", nil, "'Invalid email format'"),
		check("is_email", 1, nil, "'Value must be string'"),
		check("is_url", "https://x.org/a?b", nil, ""), check("is_url", "ftp://x", nil, "'Invalid URL format'"),
		check("custom", 1, nil, "'Validation type not implemented: custom'"),
		check("other", 1, nil, "'Unknown validation type: other'"),
		{
			typ: "ValidateNode", in: m{"value": ""}, cfg: m{"error_message": "Name missing"}, next: "invalid",
			out: "{'is_valid': False, 'error_message': 'Name missing'}",
		},
		{
			typ: "ValidateNode", in: m{"value": "x"}, cfg: m{"validation_type": "matches_regex", "validation_param": "["},
			out: "{'is_valid': False, 'error_message': 'Validation error: unterminated character set at position 0'}",
			err: "Validation error: unterminated character set at position 0",
		},
		{
			typ: "ValidateNode", in: m{"value": "x"}, cfg: m{"validation_type": "min_length", "validation_param": "many"},
			out: "-", err: "Validation error: could not convert string to float: 'many'",
		},
	})
}

func TestTransform(t *testing.T) {
	change := func(kind string, v, param any, result string) visit {
		return visit{
			typ: "TransformNode", in: m{"value": v}, cfg: m{"transform_type": kind, "transform_param": param},
			out: "{'result': " + result + ", 'success': True, 'error': ''}", left: "{'transformed': " + result + "}",
		}
	}
	fail := func(kind string, v, param any, message string) visit {
		return visit{
			typ: "TransformNode", in: m{"value": v}, cfg: m{"transform_type": kind, "transform_param": param},
			out: `-`, left: "{}", err: "Transform error: " + message,
		}
	}
	run(t, []visit{
		change("to_string", 1.0, nil, "'1.0'"), change("to_string", nil, nil, "''"), change("to_string", m{"a": nil}, nil, `"{'a': None}"`),
		change("to_integer", " 7 ", nil, "7"), change("to_integer", true, nil, "1"), change("to_integer", 2.9, nil, "2"),
		fail("to_integer", "x", nil, "invalid literal for int() with base 10: 'x'"),
		change("to_float", "2", nil, "2.0"), fail("to_float", "x", nil, "could not convert string to float: 'x'"),
		change("to_boolean", "On", nil, "True"), change("to_boolean", "no", nil, "False"), change("to_boolean", 2, nil, "True"),
		change("to_list", "añ", nil, "['a', 'ñ']"), change("to_list", m{"a": 1}, nil, "[['a', 1]]"), change("to_list", 5, nil, "[5]"),
		change("to_json", m{"a": "é"}, nil, `'{"a": "\\u00e9"}'`), change("to_json", []any{[]byte("x")}, nil, `'["b\'x\'"]'`),
		change("from_json", `{"b": [1.0]}`, nil, "{'b': [1.0]}"), change("from_json", 5, nil, "5"),
		fail("from_json", "{", nil, "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
		change("uppercase", "straße", nil, "'STRASSE'"), change("lowercase", "ÀB", nil, "'àb'"), change("trim", " \x1fa ", nil, "'a'"),
		change("split", "a,b", nil, "['a', 'b']"), change("split", "a||b", "||", "['a', 'b']"),
		change("join", []any{1, "b"}, nil, "'1,b'"), change("join", "ab", "-", "'a-b'"), fail("join", 5, nil, "'int' object is not iterable"),
		change("replace", "aXa", m{"old": "a", "new": "b"}, "'bXb'"), change("replace", "a", `{"old": "a"}`, "''"),
		fail("replace", "a", "b", "Replace requires param dict with 'old' and 'new' keys"),
		change("regex_extract", "id=42;", `\d+`, "'42'"), change("regex_extract", "none", `\d+`, "None"),
		fail("regex_extract", "x", nil, "Regex pattern required"), fail("regex_extract", "x", "(", "missing ), unterminated subpattern at position 0"),
		change("get_key", m{"a": 1}, "a", "1"), change("get_key", m{"a": 1}, "b", "None"), fail("get_key", "x", "a", "Value must be dict for get_key"),
		change("get_index", []int{5, 6}, 1, "6"), change("get_index", []int{5, 6}, "-1", "6"), change("get_index", "abc", nil, "'a'"),
		change("get_index", []int{5}, 7, "None"), fail("get_index", 5, 0, "Value must be list, tuple, or string for get_index"),
		change("map_values", []any{m{"a": 1}, 5}, "a", "[1, 5]"), change("map_values", []any{1}, nil, "[1]"), fail("map_values", 5, "a", "Value must be list for map_values"),
		change("filter_values", []any{nil, "", 0, "x"}, nil, "[0, 'x']"), fail("filter_values", "x", nil, "Value must be list for filter_values"),
		fail("nonsense", "x", nil, "Unknown transform type: nonsense"),
		{
			typ: "TransformNode", in: m{"value": "a;b", "param": ";"}, cfg: m{"transform_type": "split", "variable_name": "parts"},
			out: "{'result': ['a', 'b'], 'success': True, 'error': ''}", left: "{'parts': ['a', 'b']}",
		},
		{
			typ: "TransformNode", in: m{"value": "x"}, cfg: m{"transform_type": "to_integer"}, err: "Transform error: invalid literal for int() with base 10: 'x'",
			out: `{'success': False, 'error': "Transform error: invalid literal for int() with base 10: 'x'"}`,
		},
	})
}

func TestTriggers(t *testing.T) {
	payload := m{"_job_payload": m{"subject": "Hi", "labels": []string{"INBOX"}, "unknown": 1, "date": nil}}
	run(t, []visit{
		{typ: "GmailTriggerNode", out: "{}"},
		{typ: "GmailTriggerNode", vars: payload, out: "{'subject': 'Hi', 'labels': ['INBOX']}"},
		{typ: "WebhookTriggerNode", vars: m{"_job_payload": m{"a": 1}}, out: "{'payload': {'a': 1}}"},
		{typ: "WebhookTriggerNode", vars: m{"_job_payload": m{"payload": m{"a": 1}, "method": "POST"}}, out: "{'payload': {'a': 1}, 'method': 'POST'}"},
		{typ: "ScheduleTriggerNode", vars: m{"_job_payload": "text"}, out: "{}"},
		{typ: "FormTriggerNode", vars: m{"_job_payload": m{"form_data": m{"x": 1}}}, out: "{'form_data': {'x': 1}}"},
	})
}

func TestPrompts(t *testing.T) {
	const rendered = "{'rendered_prompt': 'Sum up: news', 'system_prompt': '', 'response': '', 'parsed_response': {}, 'tokens_used': 0, 'success': True, 'error': ''}"
	run(t, []visit{
		{typ: "PromptTemplateNode", cfg: m{"template_id": "Sum up: {text}", "variables": m{"text": "news"}, "execute": false}, out: rendered},
		{typ: "PromptTemplateNode", cfg: m{"template_id": "Sum up: {text}", "variables": `{"text": "{{t}}"}`, "execute": "false"}, vars: m{"t": "news"}, out: rendered},
		{
			typ: "PromptTemplateNode", cfg: m{"template_id": "Sum up: {text}", "variables": m{"text": "news"}}, out: "-",
			err: "No language model is connected to this robot: set execute to false to render the prompt only",
		},
		{typ: "PromptTemplateNode", cfg: m{"template_id": "summary", "execute": false}, out: "{'success': False, 'error': 'Template not found: summary'}", err: "Template not found: summary"},
		{typ: "PromptTemplateNode", cfg: m{"execute": false}, out: "-", err: "Template ID is required"},
		{typ: "PromptTemplateNode", cfg: m{"template_id": "{a}", "execute": false}, out: "-", err: "'a'"},
		{
			typ: "PromptTemplateNode", cfg: m{"template_id": "{a}", "variables": "{", "execute": false}, out: "-",
			err: "Invalid variables JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
		},
		{typ: "PromptTemplateNode", cfg: m{"template_id": "{a}", "variables": "[1]", "execute": false}, out: "-", err: "Template variables must be an object"},
		{typ: "ListTemplatesNode", out: "{'templates': [], 'count': 0, 'success': True, 'error': ''}"},
		{typ: "GetTemplateInfoNode", cfg: m{"template_id": "x"}, out: "{'found': False, 'template_info': {}, 'variables': [], 'system_prompt': '', 'success': True, 'error': ''}"},
		{typ: "GetTemplateInfoNode", out: "{'found': False, 'success': False, 'error': 'Template ID is required'}", err: "Template ID is required"},
	})
}

func TestValidateExtraction(t *testing.T) {
	good := m{"total": 10, "name": "Ann"}
	run(t, []visit{
		{
			typ: "ValidateExtractionNode", cfg: m{"extraction": good, "required_fields": []string{"total", "name"}},
			out: "{'is_valid': True, 'needs_review': False, 'confidence_score': 1.0, 'validation_errors': [], 'field_status': {'total': 'valid', 'name': 'valid'}, 'success': True, 'error': ''}",
		},
		{
			typ: "ValidateExtractionNode", cfg: m{"extraction": `{"total": ""}`, "required_fields": "total, name", "confidence_threshold": 0},
			out: `{'is_valid': False, 'needs_review': True, 'confidence_score': 0.0, 'validation_errors': ["Required field 'total' is missing", "Required field 'name' is missing"], 'field_status': {'total': 'missing', 'name': 'missing'}, 'success': True, 'error': ''}`,
		},
		{
			typ: "ValidateExtractionNode", cfg: m{
				"extraction": good, "required_fields": []string{"total"},
				"validation_rules": m{"total": m{"type": "string", "min": 20, "max": 5}, "name": m{"pattern": "B", "type": "number"}, "other": m{"min": 1}},
			},
			out: `{'is_valid': False, 'needs_review': True, 'confidence_score': 0.0, 'validation_errors': ["Field 'name' should be a number", "Field 'name' doesn't match expected pattern", "Field 'total' should be a string", "Field 'total' is below minimum (20)", "Field 'total' exceeds maximum (5)"], 'field_status': {'total': 'invalid', 'name': 'invalid'}, 'success': True, 'error': ''}`,
		},
		{typ: "ValidateExtractionNode", cfg: m{"required_fields": []string{"a"}}, out: "{'success': False, 'error': 'Extraction data is required'}", err: "Extraction data is required"},
		{typ: "ValidateExtractionNode", cfg: m{"extraction": good}, out: "-", err: "Required fields list is required"},
		{typ: "ValidateExtractionNode", cfg: m{"extraction": "{", "required_fields": "a"}, out: "-", err: "Invalid extraction JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},
		{typ: "ValidateExtractionNode", cfg: m{"extraction": "[1]", "required_fields": "a"}, out: "-", err: "Extraction must be an object, got list"},
	})
}

// TestFamilyIsComplete holds the families of this folder
// against the catalog; what the engine runs itself is named here.
func TestFamilyIsComplete(t *testing.T) {
	engines := map[string]bool{
		"StartNode": true, "EndNode": true, "ForLoopStartNode": true, "ForLoopEndNode": true,
		"WhileLoopStartNode": true, "WhileLoopEndNode": true, "BreakNode": true, "ContinueNode": true,
		"TryNode": true, "CatchNode": true, "FinallyNode": true, "OnErrorNode": true,
		"RetryNode": true, "RetrySuccessNode": true, "RetryFailNode": true,
	}
	elsewhere := map[string]bool{ // in the family of chance, of package data
		"RandomNumberNode": true, "RandomChoiceNode": true, "RandomStringNode": true, "RandomUUIDNode": true, "ShuffleListNode": true,
	}
	families := map[string]bool{
		"Basic and variables": true, "Control flow": true, "Error handling": true, "Utility, wait, random": true,
		"Triggers": true, "Prompt templates, extraction check": true,
	}
	enginetest.Complete(t, flow.Nodes(), func(typ *catalog.Type) bool {
		return families[typ.Family] && !engines[typ.Name] && !elsewhere[typ.Name]
	})
}
