package runner_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/outbound"
	"github.com/casarerpa/fleet/internal/runner"
)

func openHost(t *testing.T, dir string, p runner.Policy, environ ...string) runner.Host {
	t.Helper()
	o := runner.HostOptions{}
	if len(environ) > 0 {
		o.Environ = environ
	}
	h, err := runner.OpenHost(dir, p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func put(t *testing.T, f engine.Files, name, text string) {
	t.Helper()
	w, err := f.Open(name, engine.Truncate)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func get(f engine.Files, name string) (string, error) {
	r, err := f.Open(name, engine.Read)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	return string(data), err
}

func TestFilesStayInside(t *testing.T) {
	outside, inside, shared := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := openHost(t, inside, runner.Policy{Roots: []runner.Root{
		{Path: shared, ReadOnly: true}, {Path: filepath.Join(outside, "not-mounted")},
	}}, "DATA="+inside, "HOME=/root")
	f := h.Files()
	put(t, f, "a.txt", "hello")
	if err := os.Symlink(outside, filepath.Join(inside, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shared, "s.txt"), []byte("shared"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a.txt": "hello", "./a.txt": "hello", filepath.Join(inside, "a.txt"): "hello",
		"$DATA/a.txt": "hello", "%DATA%/a.txt": "hello", "${DATA}/a.txt": "hello",
		filepath.Join(shared, "s.txt"): "shared",
	} {
		if got, err := get(f, name); err != nil || got != want {
			t.Errorf("%s = %q, %v", name, got, err)
		}
	}
	for _, name := range []string{
		"../secret", "x/../../secret", "link/secret", filepath.Join(outside, "secret"), "/etc/passwd",
		"a\x00b", "", "NUL", "sub/con.txt", "COM1", `C:\temp\x`, `..\secret`, "$HOME/x",
	} {
		if got, err := get(f, name); err == nil {
			t.Errorf("%q was read: %q", name, got)
		}
		if err := f.Mkdir(name, true); err == nil && name != "" {
			t.Errorf("folder %q was made", name)
		}
	}
	if _, err := f.Open(filepath.Join(shared, "new"), engine.Truncate); err == nil {
		t.Error("a root for reading was written")
	}
	if err := f.Rename("a.txt", "../a.txt"); err == nil {
		t.Error("a file was moved out")
	}
	if err := f.Remove("link/secret"); err == nil {
		t.Error("a file outside was removed")
	}
	if _, err := get(f, "none"); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), inside) {
		t.Errorf("missing file: %v", err)
	}
}

func TestFilesWork(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	h := openHost(t, dir, runner.Policy{Roots: []runner.Root{{Path: other}}})
	f := h.Files()
	if err := f.Mkdir("x/y", true); err != nil {
		t.Fatal(err)
	}
	put(t, f, `x\y\b.txt`, "b") // as drawn on Windows
	put(t, f, "x/a.txt", "a")
	var walked []string
	if err := f.Walk("x", func(path string, _ fs.DirEntry, err error) error {
		walked = append(walked, filepath.ToSlash(path))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && !slices.Equal(walked, []string{"x", "x/a.txt", "x/y", "x/y/b.txt"}) {
		t.Errorf("walked %v", walked)
	}
	if err := f.Rename("x/a.txt", filepath.Join(other, "a.txt")); err != nil {
		t.Fatal(err)
	}
	if got, err := get(f, filepath.Join(other, "a.txt")); err != nil || got != "a" {
		t.Errorf("moved = %q, %v", got, err)
	}
	if _, err := f.Stat("x/a.txt"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the move: %v", err)
	}
	put(t, f, "log", "1")
	w, err := f.Open("log", engine.Append)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "2")
	_ = w.Close()
	if got, _ := get(f, "log"); got != "12" {
		t.Errorf("appended = %q", got)
	}
	if _, err := f.Open("log", engine.Exclusive); !errors.Is(err, fs.ErrExist) {
		t.Errorf("exclusive: %v", err)
	}
}

func TestEnvironmentHoldsNoKeys(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("uses env of Unix")
	}
	h := openHost(t, t.TempDir(), runner.Policy{AllowShell: true},
		"PATH="+os.Getenv("PATH"), "FLEET_ROBOT_KEY=crpa_x", "MY_TOKEN=t", "DB_PASSWORD=p", "COLOUR=red", "LANG=C")
	for _, name := range []string{"FLEET_ROBOT_KEY", "MY_TOKEN", "DB_PASSWORD"} {
		if v, ok := h.System().Lookup(name); ok {
			t.Errorf("%s = %q", name, v)
		}
	}
	if v, _ := h.System().Lookup("COLOUR"); v != "red" {
		t.Errorf("COLOUR = %q", v)
	}
	h.System().Set("MINE", "1")
	res, err := h.Exec(t.Context(), &engine.Command{Args: []string{"env"}, Env: map[string]string{"GIVEN": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(res.Stdout), "\n")
	slices.Sort(got)
	want := []string{"GIVEN=2", "LANG=C", "MINE=1", "PATH=" + os.Getenv("PATH")}
	if !slices.Equal(got, want) {
		t.Errorf("environment of a program: %q, want %q", got, want)
	}
}

func TestExec(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("uses sh")
	}
	dir := t.TempDir()
	h := openHost(t, dir, runner.Policy{AllowShell: true})
	shell := func(line string, c engine.Command) (*engine.CommandResult, error) {
		c.Args, c.Shell = []string{line}, true
		return h.Exec(t.Context(), &c)
	}
	res, err := shell("echo out; echo err >&2; exit 3", engine.Command{})
	if err != nil || res.ExitCode != 3 || res.Stdout != "out\n" || res.Stderr != "err\n" {
		t.Errorf("%+v, %v", res, err)
	}
	res, err = shell("cat; pwd", engine.Command{Stdin: strings.NewReader("in ")})
	if err != nil || !strings.HasPrefix(res.Stdout, "in ") || !strings.HasSuffix(strings.TrimSpace(res.Stdout), filepath.Base(dir)) {
		t.Errorf("%+v, %v", res, err)
	}
	// One gigabyte of output is cut, not kept.
	res, err = shell("head -c 1000000000 /dev/zero", engine.Command{Limit: 1000})
	if err != nil || len(res.Stdout) != 1000 || !res.Truncated {
		t.Errorf("%d bytes, %v, %v", len(res.Stdout), res.Truncated, err)
	}
	started := time.Now()
	res, err = shell("sleep 60", engine.Command{Timeout: 50 * time.Millisecond})
	if err != nil || !res.TimedOut || time.Since(started) > 20*time.Second {
		t.Errorf("%+v, %v after %s", res, err, time.Since(started))
	}
	// A background child does not outlive the program, and does not hold it up for long.
	res, err = shell("sleep 300 & echo $!", engine.Command{})
	if err != nil {
		t.Fatal(err)
	}
	if out := strings.TrimSpace(res.Stdout); out == "" {
		t.Error("no child")
	}
	if _, err := h.Exec(t.Context(), &engine.Command{Args: []string{"no-such-program-at-all"}}); engine.AsFailure(err).Type != "FileNotFoundError" {
		t.Errorf("err = %v", err)
	}
	if _, err := h.Exec(t.Context(), &engine.Command{Args: []string{"true"}, Needs: "python"}); err == nil {
		t.Error("Python ran without leave")
	}
	if _, err := shell("pwd", engine.Command{Dir: "/"}); err == nil {
		t.Error("a program started outside of the job's folder")
	}
	if runtime.GOOS == "linux" {
		res, err = shell("grep NoNewPrivs /proc/self/status", engine.Command{})
		if err != nil || strings.TrimSpace(strings.TrimPrefix(res.Stdout, "NoNewPrivs:")) != "1" {
			t.Errorf("%+v, %v", res, err)
		}
	}
}

func TestFetch(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/big":
			_, _ = w.Write(make([]byte, 4096))
		case "/slow":
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
		default:
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, r.Method+" "+r.Header.Get("X-Test"))
		}
	}))
	defer srv.Close()
	h := openHost(t, t.TempDir(), runner.Policy{MaxBody: 1000})
	fetch := func(h engine.Host, r engine.Request) (string, *engine.Response, error) {
		resp, err := h.Fetch(t.Context(), &r)
		if err != nil {
			return "", nil, err
		}
		defer func() { _ = resp.Body.Close() }()
		data, err := io.ReadAll(resp.Body)
		return string(data), resp, err
	}
	text, resp, err := fetch(h, engine.Request{Method: "PUT", URL: srv.URL, Header: map[string][]string{"X-Test": {"v"}}})
	if err != nil || text != "PUT v" || resp.Status != http.StatusTeapot {
		t.Errorf("%q, %+v, %v", text, resp, err)
	}
	_, resp, err = fetch(h, engine.Request{Method: "GET", URL: srv.URL + "/redirect"})
	if err != nil || resp.Status != http.StatusFound {
		t.Errorf("%+v, %v", resp, err)
	}
	_, resp, err = fetch(h, engine.Request{Method: "GET", URL: srv.URL + "/redirect", FollowRedirects: true})
	if err != nil || resp.URL != srv.URL+"/end" {
		t.Errorf("%+v, %v", resp, err)
	}
	if _, _, err = fetch(h, engine.Request{Method: "GET", URL: srv.URL + "/big"}); err == nil {
		t.Error("a body over the limit was read")
	}
	_, _, err = fetch(h, engine.Request{Method: "GET", URL: srv.URL + "/slow", Timeout: 50 * time.Millisecond})
	if f := engine.AsFailure(err); err == nil || f.Type != "TimeoutError" {
		t.Errorf("slow: %v", err)
	}
	for _, url := range []string{"http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "http://[fd00:ec2::254]/"} {
		if _, _, err := fetch(h, engine.Request{Method: "GET", URL: url, Timeout: time.Second}); err == nil {
			t.Errorf("%s was fetched", url)
		}
	}
	strict := openHost(t, t.TempDir(), runner.Policy{Network: &outbound.Policy{}})
	_, _, err = fetch(strict, engine.Request{Method: "GET", URL: srv.URL})
	if f := engine.AsFailure(err); err == nil || f.Type != "PermissionError" {
		t.Errorf("strict: %v", err)
	}
	off := openHost(t, t.TempDir(), runner.Policy{NetworkOff: true})
	if _, _, err = fetch(off, engine.Request{Method: "GET", URL: srv.URL}); err == nil {
		t.Error("the network is off")
	}
}

func TestSystem(t *testing.T) {
	h := openHost(t, t.TempDir(), runner.Policy{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	info, err := h.System().Info(ctx, "os", "ram", "disk")
	if err != nil || info["os"] == nil || info["ram"] == nil || info["cpu"] != nil {
		t.Errorf("%v, %v", info, err)
	}
	list, err := h.System().Processes(ctx)
	if err != nil || len(list) == 0 {
		t.Errorf("%d processes, %v", len(list), err)
	}
	if err := h.System().Kill(ctx, 1, true); err == nil {
		t.Error("process 1 may be ended")
	}
}
