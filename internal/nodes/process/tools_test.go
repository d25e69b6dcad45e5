package process_test

import (
	"context"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/process"
	"github.com/casarerpa/fleet/workflow/value"
)

func TestBase64(t *testing.T) {
	want(t, "Base64Node", cfg{"input_text": "grün?"}, cfg{"output": "Z3LDvG4/", "success": true})
	for _, text := range []string{"Z3LDvG4/", "Z3LDvG4_", "Z3LD\nvG4/"} {
		want(t, "Base64Node", cfg{"action": "decode", "input_text": text}, cfg{"output": "grün?", "success": true})
	}
	want(t, "Base64Node", cfg{"action": "decode", "input_text": "YQ"}, cfg{"output": "a", "success": true})
	for text, message := range map[string]string{"": "Input text is required", "!!!": "Invalid base64 text", "/w==": "Invalid base64 text"} {
		out := fails(t, "Base64Node", cfg{"action": "decode", "input_text": text}, "ValueError", message)
		if out["success"] != false {
			t.Errorf("success = %v", out["success"])
		}
	}
}

func TestUUIDs(t *testing.T) {
	for version, form := range map[string]string{
		"4": `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		"1": `^[0-9a-f]{8}-[0-9a-f]{4}-11[0-9a-f]{2}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
	} {
		out, err := visit(t, "UUIDGeneratorNode", cfg{"uuid_version": version, "count": 100})
		if err != nil {
			t.Fatal(err)
		}
		all, _ := out["uuids"].([]any)
		seen := map[any]bool{}
		for _, u := range all {
			if text, _ := u.(string); !regexp.MustCompile(form).MatchString(text) {
				t.Errorf("version %s: %v", version, u)
			}
			seen[u] = true
		}
		if len(seen) != 100 || out["uuid"] != all[0] || out["success"] != true {
			t.Errorf("%d different ones, outputs %v", len(seen), out["uuid"])
		}
	}
	out, err := visit(t, "UUIDGeneratorNode", cfg{})
	if all, _ := out["uuids"].([]any); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", out, err)
	}
	fails(t, "UUIDGeneratorNode", cfg{"uuid_version": "7"}, "ValueError", "Unsupported uuid_version: 7")
}

func TestAssert(t *testing.T) {
	for condition, holds := range map[any]bool{
		"true": true, "FALSE": false, true: true, false: false, 0: false, 3: true, "anything": true,
		"5 > 3": true, "10 > 9": true, "10 < 9": false, "2 >= 2": true, "2 <= 1": false, "1 == 1.0": true, "a == a": true,
		"'a' == \"a\"": true, "a != b": true, "a != a": false, "abc < abd": true, "a > 1": true,
	} {
		message := "Assertion passed"
		if !holds {
			message = "wrong"
		}
		want(t, "AssertSystemNode", cfg{"condition": condition, "fail_on_false": false, "assert_message": "wrong"}, cfg{"passed": holds, "message": message})
	}
	out := fails(t, "AssertSystemNode", cfg{"condition": "1 > 2"}, "AssertionError", "Assertion failed")
	if out["passed"] != false {
		t.Errorf("passed = %v", out["passed"])
	}
	want(t, "AssertSystemNode", cfg{"condition": "1 < 2"}, cfg{"passed": true, "message": "Assertion passed"})
	fails(t, "AssertSystemNode", cfg{}, "ValueError", "condition is required")
}

func TestLogToFile(t *testing.T) {
	dir := t.TempDir()
	in := enginetest.In(dir)
	read := func() string {
		data, err := os.ReadFile(filepath.Join(dir, "logs/a.log"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	want(t, "LogToFileNode", cfg{"log_file_path": "logs/a.log", "log_message": "one\ntwo", "add_timestamp": false}, cfg{"lines_written": 2, "success": true}, in)
	want(t, "LogToFileNode", cfg{"log_file_path": "logs/a.log", "log_message": "three", "level": "error", "add_timestamp": false}, cfg{"lines_written": 1, "success": true}, in)
	if got := read(); got != "[INFO] one\n[INFO] two\n[ERROR] three\n" {
		t.Errorf("%q", got)
	}
	want(t, "LogToFileNode", cfg{"log_file_path": "logs/a.log", "log_message": "new", "append": false}, cfg{"lines_written": 1, "success": true}, in)
	if got := read(); !regexp.MustCompile(`^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[INFO\] new\n$`).MatchString(got) {
		t.Errorf("%q", got)
	}
	fails(t, "LogToFileNode", cfg{"log_message": "x"}, "ValueError", "log_file_path is required", in)
	fails(t, "LogToFileNode", cfg{"log_file_path": "../a.log", "log_message": "x"}, "PermissionError", "", in)
}

func TestQRCode(t *testing.T) {
	dir := t.TempDir()
	in := enginetest.In(dir)
	for _, text := range []string{"https://example.com/?q=1", "Grüße, Ωmega 日本", strings.Repeat("long text ", 100)} {
		want(t, "QRCodeNode", cfg{"data": text, "output_path": "qr/code.png", "size": 150}, cfg{"result": filepath.Join(dir, "qr/code.png"), "success": true}, in)
		want(t, "QRCodeNode", cfg{"action": "read", "image_path": "qr/code.png"}, cfg{"result": text, "success": true}, in)
	}
	out, err := visit(t, "QRCodeNode", cfg{"data": "x", "size": 300}, in)
	name, _ := out["result"].(string)
	if err != nil || !regexp.MustCompile(`^qrcode_\d{8}_\d{6}\.png$`).MatchString(filepath.Base(name)) {
		t.Fatalf("%v, %v", out, err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if size, err := png.DecodeConfig(f); err != nil || size.Width != 300 || size.Height != 300 {
		t.Errorf("%v, %v", size, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "text.png"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	blank(t, filepath.Join(dir, "blank.png"))
	want(t, "QRCodeNode", cfg{"action": "read", "image_path": "blank.png"}, cfg{"result": "", "success": false}, in)
	fails(t, "QRCodeNode", cfg{"action": "read", "image_path": "none.png"}, "FileNotFoundError", "File not found: none.png", in)
	fails(t, "QRCodeNode", cfg{"action": "read", "image_path": "text.png"}, "OSError", "Cannot identify the picture text.png", in)
	fails(t, "QRCodeNode", cfg{"action": "read"}, "ValueError", "image_path is required", in)
	fails(t, "QRCodeNode", cfg{}, "ValueError", "Data is required for QR code generation", in)
	fails(t, "QRCodeNode", cfg{"data": "x", "size": 10}, "ValueError", "size must be between 50 and 1000", in)
	fails(t, "QRCodeNode", cfg{"data": strings.Repeat("x", 5000)}, "ValueError", "The text does not fit into a QR code", in)
	fails(t, "QRCodeNode", cfg{"action": "eat"}, "ValueError", "Unknown action: eat", in)
}

// blank makes a white picture.
func blank(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, image.NewGray(image.Rect(0, 0, 80, 80))); err != nil {
		t.Fatal(err)
	}
}

func TestBeep(t *testing.T) { want(t, "BeepNode", cfg{}, cfg{"success": true}) }

// watching runs the node while change happens.
func watching(t *testing.T, dir string, c cfg, change func()) (cfg, error) {
	t.Helper()
	type result struct {
		out engine.Visited
		err error
	}
	done := make(chan result, 1)
	host := enginetest.Host(t, enginetest.In(dir))
	config, _ := value.FromGo(c).(*value.Map)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		out, err := engine.VisitOne(ctx, engine.Single{Node: process.Nodes()["FileWatcherNode"], Config: config, Host: host})
		done <- result{out, err}
	}()
	// Whether the node has looked already cannot be seen from here, so the
	// change is made again until it was noticed.
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case r := <-done:
			got, _ := value.ToGo(r.out.Outputs).(cfg)
			return got, r.err
		case <-tick.C:
			change()
		}
	}
}

func TestFileWatcher(t *testing.T) {
	dir := t.TempDir()
	n := 0
	file := filepath.Join(dir, "a.txt")
	write := func() {
		n++
		if err := os.WriteFile(file, []byte(strings.Repeat("x", n)), 0o644); err != nil {
			t.Error(err)
		}
	}
	fresh := func() {
		n++
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("z", n)), nil, 0o644); err != nil {
			t.Error(err)
		}
	}
	for _, tc := range []struct {
		name   string
		cfg    cfg
		event  string
		change func()
	}{
		{"create", cfg{"watch_path": ".", "events": "create"}, "created", fresh},
		{"modify", cfg{"watch_path": ".", "events": "modify"}, "modified", write},
		{"one file", cfg{"watch_path": "a.txt"}, "modified", write},
		{"delete", cfg{"watch_path": ".", "events": "delete"}, "deleted", func() { _ = os.Remove(file) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			write()
			out, err := watching(t, dir, tc.cfg, tc.change)
			if err != nil || out["event_type"] != tc.event || out["triggered"] != true || out["timed_out"] != false {
				t.Errorf("%v, %v", out, err)
			}
			if name, _ := out["file_path"].(string); !filepath.IsAbs(name) {
				t.Errorf("file_path = %q", name)
			}
		})
	}
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	deep := func() {
		n++
		if err := os.WriteFile(filepath.Join(dir, "sub", "b.txt"), []byte(strings.Repeat("x", n)), 0o644); err != nil {
			t.Error(err)
		}
	}
	out, err := watching(t, dir, cfg{"watch_path": ".", "recursive": true}, deep)
	if err != nil || out["file_path"] != filepath.Join(dir, "sub", "b.txt") {
		t.Errorf("%v, %v", out, err)
	}
	out, err = watching(t, dir, cfg{"watch_path": ".", "timeout": 1}, deep)
	if err != nil || out["timed_out"] != true || out["triggered"] != false || out["event_type"] != "" {
		t.Errorf("%v, %v", out, err)
	}
	fails(t, "FileWatcherNode", cfg{"watch_path": "none"}, "FileNotFoundError", "Path does not exist: none")
	fails(t, "FileWatcherNode", cfg{}, "ValueError", "watch_path is required")
}
