package file_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadCSV(t *testing.T) {
	j := newJob(t, map[string]string{
		"plain.csv": "id,name\r\n1,Ann\r\n2,\"Bo, \"\"B\"\"\"\r\n\r\n3,\"two\nlines\"\r\n",
		"semi.csv":  "a;b\n1;2",
		"tab.csv":   "a\tb\n1\t2\n",
		"bom.csv":   "\ufeffid\n1\n",
		"title.csv": "Report\nof today\nid\n1\n2\n3\n",
		"short.csv": "a,b\n1\n1,2,3\n",
		"quote.csv": "a\n'x,y'\n",
		"loose.csv": "a,b\n\"x\"y,z\nq\"r,s\n",
		"open.csv":  "a\n\"never closed",
		"latin.csv": "n\ngr\xfcn\n",
		"mac.csv":   "a,b\r1,2\r",
		"empty.csv": "",
	})
	row := func(kv ...any) cfg {
		m := cfg{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return m
	}
	for _, tc := range []struct {
		name    string
		cfg     cfg
		data    []any
		headers []any
	}{
		{
			"objects of texts",
			cfg{"file_path": "plain.csv"},
			[]any{row("id", "1", "name", "Ann"), row("id", "2", "name", `Bo, "B"`), row("id", "3", "name", "two\nlines")},
			[]any{"id", "name"},
		},
		{
			"lists",
			cfg{"file_path": "plain.csv", "has_header": false},
			[]any{[]any{"id", "name"}, []any{"1", "Ann"}, []any{"2", `Bo, "B"`}, []any{}, []any{"3", "two\nlines"}},
			[]any{},
		},
		{"semicolon", cfg{"file_path": "semi.csv", "delimiter": ";"}, []any{row("a", "1", "b", "2")}, []any{"a", "b"}},
		{"tab by its escape", cfg{"file_path": "tab.csv", "delimiter": `\t`}, []any{row("a", "1", "b", "2")}, []any{"a", "b"}},
		{"mark of a spreadsheet", cfg{"file_path": "bom.csv"}, []any{row("id", "1")}, []any{"id"}},
		{"skip lines", cfg{"file_path": "title.csv", "skip_rows": 2, "max_rows": 2}, []any{row("id", "1"), row("id", "2")}, []any{"id"}},
		{
			"uneven rows",
			cfg{"file_path": "short.csv"},
			[]any{row("a", "1", "b", nil), row("a", "1", "b", "2", "null", []any{"3"})},
			[]any{"a", "b"},
		},
		{"other quotes", cfg{"file_path": "quote.csv", "quotechar": "'"}, []any{row("a", "x,y")}, []any{"a"}},
		{"loose quotes", cfg{"file_path": "loose.csv"}, []any{row("a", "xy", "b", "z"), row("a", `q"r`, "b", "s")}, []any{"a", "b"}},
		{"open quotes", cfg{"file_path": "open.csv"}, []any{row("a", "never closed")}, []any{"a"}},
		{"encoding", cfg{"file_path": "latin.csv", "encoding": "cp1252"}, []any{row("n", "grün")}, []any{"n"}},
		{"old line ends", cfg{"file_path": "mac.csv"}, []any{row("a", "1", "b", "2")}, []any{"a", "b"}},
		{"empty", cfg{"file_path": "empty.csv"}, []any{}, []any{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := &job{t: t, dir: j.dir}
			j.want("ReadCSVNode", tc.cfg, cfg{"data": tc.data, "headers": tc.headers, "row_count": len(tc.data), "success": true})
		})
	}
	j.fails("ReadCSVNode", cfg{"file_path": "no.csv"}, "FileNotFoundError", "File not found: no.csv")
	j.fails("ReadCSVNode", cfg{"file_path": "latin.csv"}, "UnicodeDecodeError", "'utf-8' codec")
	j.fails("ReadCSVNode", cfg{"file_path": "plain.csv", "delimiter": "ab"}, "TypeError", `"delimiter" must be a 1-character string`)
	j.fails("ReadCSVNode", cfg{"file_path": "loose.csv", "strict": true}, "Error", `',' expected after '"'`)
	j.fails("ReadCSVNode", cfg{"file_path": "open.csv", "strict": true}, "Error", "unexpected end of data")
	j.notes = nil
	if _, err := j.visit("ReadCSVNode", cfg{"file_path": "short.csv"}); err != nil || len(j.notes) != 1 {
		t.Errorf("uneven rows are not told: %v, %v", j.notes, err)
	}
}

func TestWriteCSV(t *testing.T) {
	j := newJob(t, nil)
	people := []any{cfg{"id": 1, "name": `Bo, "B"`}, cfg{"id": 2.0, "name": nil}}
	for _, tc := range []struct {
		name string
		cfg  cfg
		rows int
		want string
	}{
		{"objects", cfg{"data": people}, 2, "id,name\r\n1,\"Bo, \"\"B\"\"\"\r\n2.0,\r\n"},
		{"chosen columns", cfg{"data": people, "headers": []any{"name", "id"}}, 2, "name,id\r\n\"Bo, \"\"B\"\"\",1\r\n,2.0\r\n"},
		{"no header", cfg{"data": people, "write_header": false}, 2, "1,\"Bo, \"\"B\"\"\"\r\n2.0,\r\n"},
		{"lists", cfg{"data": []any{[]any{1, true}, []any{"a\nb", ""}}, "headers": []any{"x", "y"}}, 2, "x,y\r\n1,True\r\n\"a\nb\",\r\n"},
		{"one empty field", cfg{"data": []any{[]any{""}}}, 1, "\"\"\r\n"},
		{"other delimiter", cfg{"data": []any{[]any{"a,b", "c;d"}}, "delimiter": ";"}, 1, "a,b;\"c;d\"\r\n"},
		{"JSON text", cfg{"data": `[{"a": 1}]`}, 1, "a\r\n1\r\n"},
		{"nothing", cfg{"data": []any{}}, 0, ""},
		{"header alone", cfg{"data": []any{}, "headers": []any{"a"}}, 0, "a\r\n"},
		{"encoding", cfg{"data": []any{[]any{"ü"}}, "encoding": "latin-1"}, 1, "\xfc\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := &job{t: t, dir: j.dir}
			tc.cfg["file_path"] = "out/t.csv"
			j.want("WriteCSVNode", tc.cfg, cfg{
				"file_path": "<dir>/out/t.csv", "attachment_file": []any{"<dir>/out/t.csv"}, "row_count": tc.rows, "success": true,
			})
			if diff := cmp.Diff(tc.want, j.read("out/t.csv")); diff != "" {
				t.Error(diff)
			}
		})
	}
	j.fails("WriteCSVNode", cfg{"file_path": "x", "data": []any{cfg{"a": 1}, cfg{"b": 2}}}, "ValueError", "dict contains fields not in fieldnames: 'b'")
	j.fails("WriteCSVNode", cfg{"file_path": "x", "data": []any{cfg{"a": 1}, 7}}, "TypeError", "a row must be a list or an object, not int")
	j.fails("WriteCSVNode", cfg{"file_path": "x", "data": "text"}, "TypeError", "data must be a list, not a text")
	if j.exists("x") {
		t.Error("a failed write left a file")
	}
}

func TestJSONFiles(t *testing.T) {
	j := newJob(t, map[string]string{
		"a.json": `{"b": 1, "a": [1.0, null, true]}`, "bom.json": "\ufeff[1]", "bad.json": `{"a": }`, "latin.json": "\"\xfc\"",
	})
	j.want("ReadJSONFileNode", cfg{"file_path": "a.json"}, cfg{"data": cfg{"b": 1, "a": []any{1.0, nil, true}}, "success": true})
	j.want("ReadJSONFileNode", cfg{"file_path": "bom.json"}, cfg{"data": []any{1}, "success": true})
	j.want("ReadJSONFileNode", cfg{"file_path": "latin.json", "encoding": "latin-1"}, cfg{"data": "ü", "success": true})
	j.fails("ReadJSONFileNode", cfg{"file_path": "bad.json"}, "JSONDecodeError", "Invalid JSON: Expecting value: line 1 column 7 (char 6)")
	j.fails("ReadJSONFileNode", cfg{"file_path": "no.json"}, "FileNotFoundError", "File not found: no.json")
	for _, tc := range []struct {
		name string
		cfg  cfg
		want string
	}{
		{"two blanks", cfg{"data": cfg{"a": []any{1.0, "ü"}}}, "{\n  \"a\": [\n    1.0,\n    \"ü\"\n  ]\n}"},
		{"ascii in one line", cfg{"data": []any{"ü", nil}, "indent": 0, "ensure_ascii": true}, `["\u00fc", null]`},
		{"four blanks", cfg{"data": []any{1}, "indent": 4}, "[\n    1\n]"},
		{"null", cfg{}, "null"},
	} {
		tc.cfg["file_path"] = "out/b.json"
		if _, err := j.visit("WriteJSONFileNode", tc.cfg); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		} else if got := j.read("out/b.json"); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	j.want("WriteJSONFileNode", cfg{"file_path": "c.json", "data": 1}, cfg{"file_path": "<dir>/c.json", "attachment_file": []any{"<dir>/c.json"}, "success": true})
	j.fails("WriteJSONFileNode", cfg{"file_path": "d.json", "data": []byte("x")}, "TypeError", "Object of type bytes is not JSON serializable")
	if j.exists("d.json") {
		t.Error("a value that JSON lacks left a file")
	}
}

func TestStructuredDataSuper(t *testing.T) {
	j := newJob(t, map[string]string{"a.csv": "x\n1\n"})
	const typ = "StructuredDataSuperNode"
	j.want(typ, cfg{"file_path": "a.csv"}, cfg{"data": []any{cfg{"x": "1"}}, "headers": []any{"x"}, "row_count": 1, "success": true})
	j.want(typ, cfg{"action": "Write CSV", "file_path": "b.csv", "data": []any{[]any{1}}}, cfg{"file_path": "<dir>/b.csv", "row_count": 1, "success": true})
	j.want(typ, cfg{"action": "Write JSON", "file_path": "b.json", "data": 1}, cfg{"file_path": "<dir>/b.json", "success": true})
	j.want(typ, cfg{"action": "Read JSON", "file_path": "b.json"}, cfg{"data": 1, "success": true})
	j.want(typ, cfg{"action": "Zip Files", "zip_path": "b.zip", "source_path": "b.csv"}, cfg{"zip_path": "<dir>/b.zip", "file_count": 1, "success": true})
	j.want(typ, cfg{"action": "Unzip Files", "zip_path": "b.zip", "extract_to": "u"}, cfg{"extract_to": "<dir>/u", "files": []any{"<dir>/u/b.csv"}, "file_count": 1, "success": true})
	j.fails(typ, cfg{"action": "Read XLS", "file_path": "a.csv"}, "ValueError", "Unknown action: Read XLS")
}
