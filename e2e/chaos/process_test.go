package chaos

import (
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
	"strings"
	"sync"
	"testing"
	"time"
)

// built is the folder of the program, once a test needed it.
var built string

// build compiles the program once for all tests; TestMain removes it.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fleet-chaos-")
	if err != nil {
		return "", err
	}
	built = dir
	bin := filepath.Join(dir, "fleet")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/casarerpa/fleet/cmd/fleet")
	if out, err := cmd.CombinedOutput(); err != nil {
		return bin, fmt.Errorf("build: %w\n%s", err, out)
	}
	return bin, nil
})

func program(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func TestMain(m *testing.M) {
	m.Run()
	if built != "" {
		_ = os.RemoveAll(built) // a temporary folder
	}
}

// process is a program that is killed and started again. One that is kept is
// also started again when it ends by itself, as a service manager does.
type process struct {
	t    testing.TB
	name string
	bin  string
	args []string
	env  []string
	log  string
	keep bool

	mu   sync.Mutex
	cmd  *exec.Cmd
	quit chan struct{} // closed when it is to stay down
	done chan struct{} // closed when it is down
	ends int           // how often it ended by itself
}

func (p *process) start() {
	p.t.Helper()
	quit, done, started := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	p.mu.Lock()
	p.quit, p.done = quit, done
	p.mu.Unlock()
	go func() {
		// The system ends a child with the thread that started it.
		runtime.LockOSThread()
		defer close(done)
		for {
			cmd, err := p.launch(quit)
			select {
			case started <- err:
			default: // only the first is awaited
			}
			if err != nil {
				return
			}
			_ = cmd.Wait() // it is killed; how it ends is no news
			if !p.keep || !p.again(quit) {
				return
			}
		}
	}()
	if err := <-started; err != nil {
		p.t.Errorf("start %s: %v", p.name, err)
	}
}

func (p *process) launch(quit chan struct{}) (*exec.Cmd, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-quit:
		return nil, fmt.Errorf("%s is to stay down", p.name)
	default:
	}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(p.bin, p.args...) //nolint:noctx // its life is the test's business: it is killed on purpose
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = out, out
	dieWithUs(cmd)
	p.cmd = cmd
	return cmd, cmd.Start()
}

// again waits a moment before a program that ended by itself is started anew.
func (p *process) again(quit chan struct{}) bool {
	timer := time.NewTimer(300 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-quit:
		return false
	case <-timer.C:
		p.mu.Lock()
		p.ends++
		p.mu.Unlock()
		return true
	}
}

// down says that the process is to stay down from now on.
func (p *process) down() (*exec.Cmd, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.quit:
	default:
		close(p.quit)
	}
	return p.cmd, p.done
}

// kill ends the process without warning and waits until it is gone.
func (p *process) kill() {
	cmd, done := p.down()
	_ = cmd.Process.Kill() // it may have ended by itself
	<-done
}

// signal stops the process for a while, or lets it go on.
func (p *process) signal(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.cmd.Process.Signal(s) // it may have ended by itself
}

// stop ends the process politely.
func (p *process) stop(limit time.Duration) error {
	cmd, done := p.down()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-time.After(limit):
		// What it was waiting for is the last thing in its log.
		if dump != nil {
			_ = cmd.Process.Signal(dump)
			pause(context.Background(), time.Second)
		}
		p.kill()
		return fmt.Errorf("%s did not stop within %s", p.name, limit)
	}
}

// tail returns the end of the process's log, for a failing test.
func (p *process) tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return p.name + ":\n  " + strings.Join(lines[max(0, len(lines)-25):], "\n  ")
}

// api talks to the orchestrator with plain HTTP, so that the test depends on
// nothing but the wire.
type api struct {
	url, key string
	client   *http.Client
}

func (a *api) call(ctx context.Context, method, path string, headers map[string]string, body, out any) (int, error) {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, in)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if a.key != "" {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode >= 300 {
		return resp.StatusCode, fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, data)
	}
	if out == nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, json.Unmarshal(data, out)
}

// freePort finds an address that nobody listens on. It lies below the range from
// which systems take the ports of outgoing connections: a port out of that range
// may be gone when a killed program wants it again.
func freePort(t testing.TB) string {
	t.Helper()
	for range 50 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(10000)) //nolint:gosec // any port will do
		if l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port was found")
	return ""
}

// await asks until ok or the time is up.
func await(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("after %s: %s", limit, what)
		case <-tick.C:
		}
	}
}
