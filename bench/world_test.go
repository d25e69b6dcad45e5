package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/pgtest"
)

// server starts a private PostgreSQL with the settings that it has by default.
func server(t *testing.T, r *report, more ...string) *pgtest.Cluster {
	t.Helper()
	c := pgtest.New(t, append([]string{"shared_buffers=128MB", "max_connections=100"}, more...)...)
	pg := connect(t, c.URL())
	must(t, pg.QueryRow(t.Context(), "select current_setting('server_version')").Scan(text(r.Versions, "postgresql")))
	rows, err := pg.Query(t.Context(), `select name, setting from pg_settings where source not in ('default', 'client', 'session')
		and boot_val is distinct from setting and name not in ('data_directory', 'config_file', 'hba_file', 'ident_file', 'port', 'unix_socket_directories', 'listen_addresses')`)
	must(t, err)
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error { r.Settings[name] = value; return nil })
	must(t, err)
	return c
}

// text scans into an entry of a map.
func text(into map[string]string, key string) *entry { return &entry{into, key} }

type entry struct {
	into map[string]string
	key  string
}

func (e *entry) Scan(v any) error { e.into[e.key] = fmt.Sprint(v); return nil }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	pg, err := pgx.Connect(t.Context(), url)
	must(t, err)
	t.Cleanup(func() { _ = pg.Close(context.Background()) })
	return pg
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// built is the folder of the program, once it was built.
var built string

var program = sync.OnceValues(func() (string, error) {
	if *binary != "" {
		return *binary, nil
	}
	dir, err := os.MkdirTemp("", "fleet-bench-")
	if err != nil {
		return "", err
	}
	built = dir
	tell("build")
	bin := filepath.Join(dir, "fleet")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/casarerpa/fleet/cmd/fleet")
	cmd.Dir = ".." // the product with its own go.mod, not with ours
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, text)
	}
	return bin, nil
})

// node is an orchestrator: a process of the real program.
type node struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	key  string
	log  string
	gone chan struct{}
}

// newNode starts an orchestrator on a database, or on SQLite if there is none.
func newNode(t *testing.T, database, key string, flags ...string) *node {
	t.Helper()
	bin, err := program()
	must(t, err)
	return startNode(t, bin, nil, database, key, flags...)
}

func startNode(t *testing.T, bin string, env func(args []string) []string, database, key string, flags ...string) *node {
	t.Helper()
	dir, addr := t.TempDir(), freePort(t)
	keyFile := filepath.Join(dir, "admin.key")
	args := append([]string{
		"serve", "--listen", addr, "--data-dir", filepath.Join(dir, "data"), "--log-level", "warn",
		"--limit-requests", "100000000", "--limit-submits", "100000000", "--limit-pending", "100000000", "--limit-handshakes", "10000",
	}, flags...)
	if database != "" {
		args = append(args, "--database-url", database)
	}
	if key == "" {
		args = append(args, "--admin-key-file", keyFile)
	}
	n := &node{t: t, url: "http://" + addr, key: key, log: filepath.Join(dir, "log"), gone: make(chan struct{})}
	f, err := os.Create(n.log)
	must(t, err)
	n.cmd = exec.Command(bin, args...)
	if env != nil {
		n.cmd = exec.Command(bin)
		n.cmd.Env = append(os.Environ(), env(args)...)
	}
	n.cmd.Stdout, n.cmd.Stderr = f, f
	began := make(chan error)
	go func() {
		// The system ends a child with the thread that started it.
		runtime.LockOSThread()
		dieWithUs(n.cmd)
		err := n.cmd.Start()
		began <- err
		if err == nil {
			_ = n.cmd.Wait() // it is stopped by us; its log tells of other ends
		}
		_ = f.Close()
		close(n.gone)
	}()
	must(t, <-began)
	t.Cleanup(n.kill)
	limit := time.Now().Add(2 * time.Minute)
	for n.call("GET", "/health/ready", nil, nil) != nil {
		select {
		case <-n.gone:
			t.Fatalf("the orchestrator ended: %s", content(n.log))
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(limit) {
			t.Fatalf("the orchestrator is not ready: %v %s", n.call("GET", "/health/ready", nil, nil), content(n.log))
		}
	}
	if key == "" {
		n.key = strings.TrimSpace(content(keyFile))
	}
	return n
}

func (n *node) kill() {
	_ = n.cmd.Process.Kill() // it may have ended
	<-n.gone
}

// stop ends the orchestrator politely.
func (n *node) stop() {
	_ = n.cmd.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-n.gone:
	case <-time.After(20 * time.Second):
		n.kill()
	}
}

var plain = &http.Client{Timeout: 60 * time.Second}

func (n *node) call(method, path string, body, to any) error {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, n.url+path, in)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if n.key != "" {
		req.Header.Set("Authorization", "Bearer "+n.key)
	}
	resp, err := plain.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode >= 300:
		return fmt.Errorf("%s %s: %s %s", method, path, resp.Status, data)
	case to == nil:
		return nil
	}
	return json.Unmarshal(data, to)
}

// robotKeys makes keys of robots.
func (n *node) robotKeys(count int) []string {
	n.t.Helper()
	keys := make([]string, count)
	for i := range keys {
		var made struct {
			Secret string `json:"secret"`
		}
		must(n.t, n.call("POST", "/api/v1/keys", map[string]any{"kind": "robot", "robot_id": fmt.Sprintf("r%d", i+1)}, &made))
		keys[i] = made.Secret
	}
	return keys
}

func freePort(t *testing.T) string {
	t.Helper()
	for range 50 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(10000))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port was found")
	return ""
}

// child is a process of this program in another role.
type child struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	gone sync.Once
}

func newChild(t *testing.T, name string, plan any) *child {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	data, err := json.Marshal(plan)
	must(t, err)
	c := &child{t: t, cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), role+"="+name, "FLEET_BENCH_PLAN="+string(data))
	c.cmd.Stderr = os.Stderr
	c.in, err = c.cmd.StdinPipe()
	must(t, err)
	pipe, err := c.cmd.StdoutPipe()
	must(t, err)
	c.out = bufio.NewScanner(pipe)
	c.out.Buffer(nil, 64<<20)
	must(t, c.cmd.Start())
	t.Cleanup(c.stop)
	var said string
	c.read(&said)
	return c
}

func (c *child) stop() {
	c.gone.Do(func() {
		_ = c.in.Close()         // it ends by that
		_ = c.cmd.Process.Kill() // or by this
		_ = c.cmd.Wait()         // it was killed
	})
}

func (c *child) read(to any) {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Fatalf("a load process ended: %v", c.out.Err())
	}
	must(c.t, json.Unmarshal(c.out.Bytes(), to))
}

func (c *child) ask(word string, to any) {
	c.t.Helper()
	_, err := fmt.Fprintln(c.in, word)
	must(c.t, err)
	c.read(to)
}

func (c *child) done() (n int64) {
	c.t.Helper()
	c.ask("done", &n)
	return n
}

func (c *child) submit(d time.Duration) clientsAnswer {
	c.t.Helper()
	var a clientsAnswer
	c.ask("run "+d.String(), &a)
	if a.Err != "" {
		c.t.Fatal(a.Err)
	}
	return a
}

// ticks is the processor time of a process so far.
func ticks(pid int) time.Duration {
	data := content(fmt.Sprintf("/proc/%d/stat", pid))
	at := strings.LastIndexByte(data, ')')
	if at < 0 {
		return 0
	}
	fields := strings.Fields(data[at+1:])
	user, _ := strconv.Atoi(fields[11]) // the system writes figures
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// databaseTicks is the processor time of PostgreSQL's processes so far.
func databaseTicks(t *testing.T, c *pgtest.Cluster) time.Duration {
	t.Helper()
	pg, err := pgx.Connect(t.Context(), c.URL())
	must(t, err)
	defer pg.Close(t.Context())
	var pid int
	must(t, pg.QueryRow(t.Context(), "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1)::int").Scan(&pid))
	sum := ticks(pid)
	list, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range list {
		data := content(path)
		if at := strings.LastIndexByte(data, ')'); at > 0 {
			if f := strings.Fields(data[at+1:]); f[1] == strconv.Itoa(pid) {
				child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
				sum += ticks(child)
			}
		}
	}
	return sum
}
