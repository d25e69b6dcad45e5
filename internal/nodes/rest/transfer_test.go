package rest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
)

func TestDownload(t *testing.T) {
	s := echo(t)
	dir := t.TempDir()
	in := enginetest.In(dir)
	path := filepath.Join(dir, "new/file.bin")
	c := func(kv ...any) cfg {
		m := cfg{"url": s.URL + "/file.bin", "save_path": "new/file.bin"}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return m
	}
	read := func() string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for range 2 { // the node overwrites unless told otherwise
		want(t, "HttpDownloadFileNode", c(), cfg{"file_path": path, "file_size": 10, "success": true, "error": ""}, in)
	}
	if got := read(); got != "0123456789" {
		t.Errorf("content %q", got)
	}
	fails(t, "HttpDownloadFileNode", c("overwrite", false), "FileExistsError", "File already exists: new/file.bin", in)
	fails(t, "HttpSuperNode", c("action", "Download File"), "FileExistsError", "File already exists", in)
	want(t, "HttpSuperNode", c("action", "Download File", "overwrite", true), cfg{"file_path": path, "file_size": 10, "status_code": 200, "success": true}, in)
	for _, tc := range []struct{ path, errType, message string }{
		{"/status/404", "HTTPError", "Download failed: HTTP 404"},
		{"/status/204", "HTTPError", "Download failed: HTTP 204"},
		{"/status/500", "HTTPError", "Download failed: HTTP 500"},
		{"/cut", "ClientError", "unexpected EOF"},
	} {
		out := fails(t, "HttpDownloadFileNode", c("url", s.URL+tc.path), tc.errType, tc.message, in)
		if out["success"] != false || read() != "0123456789" {
			t.Errorf("%s: success %v, and the old file is %q", tc.path, out["success"], read())
		}
	}
	fails(t, "HttpDownloadFileNode", c("save_path", ""), "ValueError", "save_path is required", in)
	fails(t, "HttpDownloadFileNode", c("save_path", "../x"), "PermissionError", "", in)
	if left, _ := filepath.Glob(filepath.Join(dir, "new", "*.part")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestDownloadTriesAgain(t *testing.T) {
	var count atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch count.Add(1) {
		case 1:
			w.WriteHeader(http.StatusBadGateway)
		case 2:
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
		default:
			fmt.Fprint(w, "all")
		}
	}))
	t.Cleanup(s.Close)
	want(t, "HttpDownloadFileNode", cfg{"url": s.URL, "save_path": "a", "retry_count": 2, "retry_delay": 0.001}, cfg{"file_size": 3})
}

func TestUpload(t *testing.T) {
	type form struct {
		Field, Name, Content, Extra, Key string
	}
	var got form
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			t.Error(err)
			return
		}
		got = form{Extra: r.FormValue("note"), Key: r.Header.Get("X-Key")}
		for field, files := range r.MultipartForm.File {
			f, err := files[0].Open()
			if err != nil {
				t.Error(err)
				return
			}
			content, err := io.ReadAll(f)
			if err != nil {
				t.Error(err)
			}
			got.Field, got.Name, got.Content = field, files[0].Filename, string(content)
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"id": 7}`)
	}))
	t.Cleanup(s.Close)
	file := enginetest.File("d/report.txt", "hello")
	answer := cfg{"response_body": `{"id": 7}`, "response_json": cfg{"id": 7}, "status_code": 201, "success": true, "error": ""}
	want(t, "HttpUploadFileNode", cfg{"url": s.URL, "file_path": "d/report.txt", "field_name": "doc", "extra_fields": cfg{"note": 1.5}, "headers": cfg{"X-Key": "k"}}, answer, file)
	if diff := cmp.Diff(form{"doc", "report.txt", "hello", "1.5", "k"}, got); diff != "" {
		t.Error(diff)
	}
	want(t, "HttpSuperNode", cfg{"action": "Upload File", "url": s.URL, "file_path": "d/report.txt"}, answer, file)
	if got.Field != "file" {
		t.Errorf("field %q", got.Field)
	}
	big := string(bytes.Repeat([]byte("0123456789abcdef"), 1<<20)) // too large to be sent from memory
	want(t, "HttpUploadFileNode", cfg{"url": s.URL, "file_path": "big"}, answer, enginetest.File("big", big))
	if got.Content != big {
		t.Errorf("%d bytes arrived, want %d", len(got.Content), len(big))
	}
	fails(t, "HttpUploadFileNode", cfg{"url": s.URL, "file_path": "none"}, "FileNotFoundError", "File not found: none")
	fails(t, "HttpUploadFileNode", cfg{"url": s.URL, "file_path": "d"}, "IsADirectoryError", "Is a directory: d", file)
	fails(t, "HttpUploadFileNode", cfg{"url": s.URL}, "ValueError", "file_path is required")
}
