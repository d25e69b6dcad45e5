package file_test

import (
	"os"
	"path/filepath"
	"testing"
)

type cfg = map[string]any

func TestReadFile(t *testing.T) {
	j := newJob(t, map[string]string{"a.txt": "grün\r\nrot", "latin.txt": "gr\xfcn", "empty": ""})
	j.want("ReadFileNode", cfg{"file_path": "a.txt"}, cfg{"content": "grün\nrot", "size": 10, "success": true})
	j.want("ReadFileNode", cfg{"file_path": filepath.Join(j.dir, "a.txt")}, cfg{"content": "grün\nrot", "size": 10, "success": true})
	j.want("ReadFileNode", cfg{"file_path": "a.txt", "binary_mode": true}, cfg{"content": []byte("grün\r\nrot"), "size": 10, "success": true})
	j.want("ReadFileNode", cfg{"file_path": "empty"}, cfg{"content": "", "size": 0, "success": true})
	j.want("ReadFileNode", cfg{"file_path": "latin.txt", "encoding": "latin-1"}, cfg{"content": "grün", "size": 4, "success": true})
	j.want("ReadFileNode", cfg{"file_path": "latin.txt", "errors": "replace"}, cfg{"content": "gr\ufffdn", "size": 4, "success": true})
	j.want("ReadFileNode", cfg{"file_path": "latin.txt", "errors": "ignore"}, cfg{"content": "grn", "size": 4, "success": true})
	j.want("ReadFileNode", cfg{"file_path": "latin.txt", "errors": "backslashreplace"}, cfg{"content": `gr\xfcn`, "size": 4, "success": true})
	j.want("ReadFileNode", cfg{"file_path": "latin.txt", "encoding": "latin-1", "max_size": 4}, cfg{"content": "grün", "size": 4, "success": true})
	j.fails("ReadFileNode", cfg{"file_path": "latin.txt"}, "UnicodeDecodeError", "'utf-8' codec can't decode byte 0xfc in position 2")
	j.fails("ReadFileNode", cfg{"file_path": "a.txt", "max_size": 9}, "ValueError", "File size (10 bytes) exceeds limit (9 bytes): a.txt")
	j.fails("ReadFileNode", cfg{"file_path": "no.txt"}, "FileNotFoundError", "File not found: no.txt")
	j.fails("ReadFileNode", cfg{"file_path": "."}, "IsADirectoryError", "Is a directory: .")
	j.fails("ReadFileNode", cfg{"file_path": ""}, "ValueError", "file_path is required")
	j.fails("ReadFileNode", cfg{"file_path": "a.txt", "encoding": "klingon"}, "LookupError", "unknown encoding: klingon")
}

func TestNamesThatThePolicyRefuses(t *testing.T) {
	j := newJob(t, nil)
	for _, name := range []string{"../x", "a/../../x", "a\x00b", "/etc/hostname", "con", "lpt1.txt"} {
		for _, typ := range []string{"ReadFileNode", "WriteFileNode", "DeleteFileNode", "GetFileInfoNode"} {
			if out, err := j.visit(typ, cfg{"file_path": name, "content": "x"}); err == nil {
				t.Errorf("%s accepts %q: %v", typ, name, out)
			}
		}
		if out, err := j.visit("FileExistsNode", cfg{"path": name}); err == nil {
			t.Errorf("FileExistsNode accepts %q: %v", name, out)
		}
	}
}

func TestWriteFile(t *testing.T) {
	j := newJob(t, nil)
	j.want("WriteFileNode", cfg{"file_path": "new/deep/a.txt", "content": "grün"}, cfg{
		"file_path": "<dir>/new/deep/a.txt", "attachment_file": []any{"<dir>/new/deep/a.txt"}, "bytes_written": 5, "success": true,
	})
	if got := j.read("new/deep/a.txt"); got != "grün" {
		t.Errorf("content = %q", got)
	}
	for _, tc := range []struct {
		name string
		cfg  cfg
		want string
	}{
		{"replaces", cfg{"content": "x"}, "x"},
		{"appends", cfg{"content": "y", "append_mode": true}, "xy"},
		{"false is nothing", cfg{"content": false}, ""},
		{"zero is nothing", cfg{"content": 0}, ""},
		{"number", cfg{"content": 1.5}, "1.5"},
		{"list is Python", cfg{"content": []any{true, nil, "a"}}, "[True, None, 'a']"},
		{"bytes", cfg{"content": []byte{0xff}, "binary_mode": true}, "\xff"},
		{"encoding", cfg{"content": "ü", "encoding": "latin-1"}, "\xfc"},
		{"charref", cfg{"content": "€", "encoding": "ascii", "errors": "xmlcharrefreplace"}, "&#8364;"},
		{"line ends stay", cfg{"content": "a\r\nb"}, "a\r\nb"},
	} {
		tc.cfg["file_path"] = "b.txt"
		if _, err := j.visit("WriteFileNode", tc.cfg); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		} else if got := j.read("b.txt"); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	j.fails("WriteFileNode", cfg{"file_path": "none/a", "content": "x", "create_dirs": false}, "FileNotFoundError", "File not found: none/a")
	j.fails("WriteFileNode", cfg{"file_path": "c", "content": "€", "encoding": "ascii"}, "UnicodeEncodeError", `'ascii' codec can't encode character '\u20ac' in position 0`)
	if j.exists("c") {
		t.Error("a text that cannot be encoded left a file")
	}
	j.fails("WriteFileNode", cfg{"content": "x"}, "ValueError", "file_path is required")
}

func TestAppendFile(t *testing.T) {
	j := newJob(t, map[string]string{"a": "1"})
	j.want("AppendFileNode", cfg{"file_path": "a", "content": "23"}, cfg{"file_path": "<dir>/a", "bytes_written": 2, "success": true})
	j.want("AppendFileNode", cfg{"file_path": "b", "content": "4"}, cfg{"file_path": "<dir>/b", "bytes_written": 1, "success": true})
	if a, b := j.read("a"), j.read("b"); a != "123" || b != "4" {
		t.Errorf("%q, %q", a, b)
	}
	j.fails("AppendFileNode", cfg{"file_path": "c", "content": "4", "create_if_missing": false}, "FileNotFoundError", "File not found: c")
	j.want("AppendFileNode", cfg{"file_path": "b", "content": "5", "create_if_missing": false}, cfg{"file_path": "<dir>/b", "bytes_written": 1, "success": true})
}

func TestDeleteFile(t *testing.T) {
	j := newJob(t, map[string]string{"a": "1", "d/x": ""})
	j.want("DeleteFileNode", cfg{"file_path": "a"}, cfg{"deleted_path": "<dir>/a", "success": true})
	if j.exists("a") {
		t.Error("still there")
	}
	j.fails("DeleteFileNode", cfg{"file_path": "a"}, "FileNotFoundError", "File not found: a")
	j.want("DeleteFileNode", cfg{"file_path": "a", "ignore_missing": true}, cfg{"deleted_path": "<dir>/a", "success": true})
	j.fails("DeleteFileNode", cfg{"file_path": "d"}, "IsADirectoryError", "Is a directory: d")
	if err := os.Symlink("nowhere", filepath.Join(j.dir, "link")); err != nil {
		t.Fatal(err)
	}
	j.want("DeleteFileNode", cfg{"file_path": "link"}, cfg{"deleted_path": "<dir>/link", "success": true})
}

func TestCopyAndMove(t *testing.T) {
	j := newJob(t, map[string]string{"a": "one", "b": "two"})
	j.want("CopyFileNode", cfg{"source_path": "a", "dest_path": "new/c"}, cfg{"dest_path": "<dir>/new/c", "bytes_copied": 3, "success": true})
	j.fails("CopyFileNode", cfg{"source_path": "a", "dest_path": "b"}, "FileExistsError", "Destination already exists: b")
	j.fails("CopyFileNode", cfg{"source_path": "no", "dest_path": "x"}, "FileNotFoundError", "File not found: no")
	j.fails("CopyFileNode", cfg{"source_path": "new", "dest_path": "x"}, "IsADirectoryError", "Is a directory: new")
	j.fails("CopyFileNode", cfg{"source_path": "a", "dest_path": "none/x", "create_dirs": false}, "FileNotFoundError", "File not found")
	j.fails("CopyFileNode", cfg{"source_path": "a", "dest_path": "./a", "overwrite": true}, "SameFileError", "are the same file")
	if err := os.Link(filepath.Join(j.dir, "a"), filepath.Join(j.dir, "hard")); err != nil {
		t.Fatal(err)
	}
	j.want("CopyFileNode", cfg{"source_path": "a", "dest_path": "hard", "overwrite": true}, cfg{"dest_path": "<dir>/hard", "bytes_copied": 3, "success": true})
	if j.read("a") != "one" || j.read("hard") != "one" {
		t.Error("a copy onto itself lost the file")
	}
	j.want("CopyFileNode", cfg{"source_path": "a", "dest_path": "b", "overwrite": true}, cfg{"dest_path": "<dir>/b", "bytes_copied": 3, "success": true})
	j.want("MoveFileNode", cfg{"source_path": "b", "dest_path": "other/d"}, cfg{"dest_path": "<dir>/other/d", "success": true})
	if j.exists("b") || j.read("other/d") != "one" {
		t.Error("not moved")
	}
	j.fails("MoveFileNode", cfg{"source_path": "a", "dest_path": "other/d"}, "FileExistsError", "Destination already exists: other/d")
	j.want("MoveFileNode", cfg{"source_path": "a", "dest_path": "other/d", "overwrite": true}, cfg{"dest_path": "<dir>/other/d", "success": true})
	j.want("MoveFileNode", cfg{"source_path": "other", "dest_path": "moved"}, cfg{"dest_path": "<dir>/moved", "success": true})
	if j.read("moved/d") != "one" {
		t.Error("folder not moved")
	}
	if names, _ := filepath.Glob(filepath.Join(j.dir, "*.part")); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
}

func TestCreateDirectory(t *testing.T) {
	j := newJob(t, map[string]string{"f": ""})
	j.want("CreateDirectoryNode", cfg{"directory_path": "a/b"}, cfg{"dir_path": "<dir>/a/b", "success": true})
	j.want("CreateDirectoryNode", cfg{"directory_path": "a/b"}, cfg{"dir_path": "<dir>/a/b", "success": true})
	j.fails("CreateDirectoryNode", cfg{"directory_path": "a", "exist_ok": false}, "FileExistsError", "File already exists: a")
	j.fails("CreateDirectoryNode", cfg{"directory_path": "f"}, "FileExistsError", "File already exists: f")
	j.fails("CreateDirectoryNode", cfg{"directory_path": "x/y", "parents": false}, "FileNotFoundError", "File not found: x/y")
}

func TestFileExists(t *testing.T) {
	j := newJob(t, map[string]string{"f": "", "d/x": ""})
	for _, tc := range []struct {
		path, check          string
		exists, isFile, isDr bool
	}{
		{"f", "any", true, true, false},
		{"d", "any", true, false, true},
		{"no", "any", false, false, false},
		{"f", "file", true, true, false},
		{"d", "file", false, false, true},
		{"f", "directory", false, true, false},
		{"d", "directory", true, false, true},
	} {
		j.want("FileExistsNode", cfg{"path": tc.path, "check_type": tc.check},
			cfg{"exists": tc.exists, "is_file": tc.isFile, "is_dir": tc.isDr})
	}
	j.fails("FileExistsNode", cfg{"path": ""}, "ValueError", "path is required")
}

func TestSizeAndInfo(t *testing.T) {
	j := newJob(t, map[string]string{"d/report.tar.gz": "12345"})
	j.want("GetFileSizeNode", cfg{"file_path": "d/report.tar.gz"}, cfg{"size": 5, "success": true})
	j.fails("GetFileSizeNode", cfg{"file_path": "no"}, "FileNotFoundError", "File not found: no")
	j.fails("GetFileInfoNode", cfg{"file_path": "no"}, "FileNotFoundError", "File not found: no")
	out, err := j.visit("GetFileInfoNode", cfg{"file_path": "d/report.tar.gz"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"size": int64(5), "extension": ".gz", "name": "report.tar.gz", "parent": filepath.Join(j.dir, "d"), "success": true,
	} {
		if out[name] != want {
			t.Errorf("%s = %v, want %v", name, out[name], want)
		}
	}
	info, err := os.Stat(filepath.Join(j.dir, "d/report.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if want := info.ModTime().Format("2006-01-02T15:04:05"); out["modified"].(string)[:19] != want {
		t.Errorf("modified = %v, want %s", out["modified"], want)
	}
	if created, _ := out["created"].(string); len(created) < 19 {
		t.Errorf("created = %q", created)
	}
}

func TestFileSystemSuper(t *testing.T) {
	j := newJob(t, nil)
	do := func(action string, c cfg) cfg {
		c["action"] = action
		return c
	}
	const typ = "FileSystemSuperNode"
	j.want(typ, do("Write File", cfg{"file_path": "a.txt", "content": "hi"}), cfg{"file_path": "<dir>/a.txt", "bytes_written": 2, "success": true})
	j.want(typ, do("Append File", cfg{"file_path": "a.txt", "content": "!"}), cfg{"file_path": "<dir>/a.txt", "bytes_written": 1, "success": true})
	j.want(typ, do("Read File", cfg{"file_path": "a.txt"}), cfg{"content": "hi!", "size": 3, "success": true})
	j.want(typ, cfg{"file_path": "a.txt"}, cfg{"content": "hi!", "size": 3, "success": true})
	j.want(typ, do("File Exists", cfg{"path": "a.txt"}), cfg{"exists": true, "is_file": true, "is_dir": false})
	j.want(typ, do("Get File Size", cfg{"file_path": "a.txt"}), cfg{"size": 3, "success": true})
	j.want(typ, do("Create Directory", cfg{"directory_path": "d"}), cfg{"dir_path": "<dir>/d", "success": true})
	j.want(typ, do("Copy File", cfg{"source_path": "a.txt", "dest_path": "d/b.txt"}), cfg{"dest_path": "<dir>/d/b.txt", "bytes_copied": 3, "success": true})
	j.want(typ, do("Move File", cfg{"source_path": "a.txt", "dest_path": "d/c.txt"}), cfg{"dest_path": "<dir>/d/c.txt", "success": true})
	j.want(typ, do("List Files", cfg{"directory_path": "d"}), cfg{"files": []any{"<dir>/d/b.txt", "<dir>/d/c.txt"}, "count": 2, "success": true})
	j.want(typ, do("List Directory", cfg{"dir_path": "."}), cfg{"items": []any{"<dir>/d"}, "count": 1, "success": true})
	j.want(typ, do("Delete File", cfg{"file_path": "d/b.txt"}), cfg{"deleted_path": "<dir>/d/b.txt", "success": true})
	if out, err := j.visit(typ, do("Get File Info", cfg{"file_path": "d/c.txt"})); err != nil || out["name"] != "c.txt" {
		t.Errorf("%v, %v", out, err)
	}
	j.fails(typ, do("Melt File", cfg{"file_path": "x"}), "ValueError", "Unknown action: Melt File")
}

func TestNamesWithVariablesOfTheEnvironment(t *testing.T) {
	t.Setenv("REPORT_DAY", "a")
	j := newJob(t, map[string]string{"a.txt": "1"})
	for _, name := range []string{"$REPORT_DAY.txt", "${REPORT_DAY}.txt", "%REPORT_DAY%.txt"} {
		j.want("ReadFileNode", cfg{"file_path": name}, cfg{"content": "1", "size": 1, "success": true})
	}
}
