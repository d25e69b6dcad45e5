package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// prefix begins the name of every folder that we make, so that a sweep finds it.
const prefix = "fleet-pgtest-"

// Mode is how PostgreSQL is stopped.
type Mode int

// The modes, in the words of pg_ctl.
const (
	Fast      Mode = iota // rolls back, writes a checkpoint, ends
	Immediate             // ends at once, as in a crash; the next start recovers
)

// Cluster is a PostgreSQL server with a data folder of its own. Its methods may
// be called by several goroutines.
type Cluster struct {
	bin, dir string
	port     int
	password string
	settings []string // given over the ones that tests share
	lock     *os.File

	mu     sync.Mutex // held over Start and Stop, which exclude each other
	server *child
}

// New starts a cluster for one test and stops it at the test's end. Settings,
// such as "shared_buffers=128MB", go before the small ones that tests need.
func New(tb testing.TB, settings ...string) *Cluster {
	tb.Helper()
	bin := binaries()
	if bin == "" {
		missing(tb, "PostgreSQL 15 or later")
	}
	c, err := launch(tb.Context(), bin, settings...)
	if err != nil {
		tb.Fatalf("start a PostgreSQL cluster: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Errorf("stop the PostgreSQL cluster: %v", err)
		}
	})
	return c
}

func launch(ctx context.Context, bin string, settings ...string) (_ *Cluster, err error) {
	sweep()
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir, password: rand.Text(), settings: settings}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if c.lock, err = guard(dir); err != nil {
		return nil, err
	}
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(c.password+"\n"), 0o600); err != nil {
		return nil, err
	}
	if err := errors.Join(hand(dir), hand(secret)); err != nil {
		return nil, err
	}
	// No sync: the data folder need not outlive the machine. What the server
	// writes afterwards is flushed as it would be anywhere.
	err = run(ctx, filepath.Join(bin, "initdb"), "-D", c.data(), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret,
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if err != nil {
		return nil, err
	}
	// Somebody may take a free port before the server does.
	for range 3 {
		if c.port, err = freePort(ctx); err != nil {
			return nil, err
		}
		if err = c.Start(ctx); err == nil {
			return c, nil
		}
	}
	return nil, err
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// Start starts the server and returns once it takes connections. A server that
// runs is left running.
func (c *Cluster) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil && c.server.running() {
		return nil
	}
	args := []string{
		"-D", c.data(),
		"-c", "listen_addresses=127.0.0.1", "-c", "port=" + strconv.Itoa(c.port), "-c", "unix_socket_directories=" + c.dir,
		"-c", "shared_buffers=32MB", "-c", "max_connections=300", "-c", "log_line_prefix=%m [%p] %u@%d ",
	}
	for _, s := range c.settings { // of two, the later one holds
		args = append(args, "-c", s)
	}
	server, err := spawn(filepath.Join(c.dir, "log"), filepath.Join(c.bin, "postgres"), args...)
	if err != nil {
		return err
	}
	c.server = server
	err = poll(ctx, time.Minute, server, func(ctx context.Context) error {
		pg, err := pgx.Connect(ctx, c.URL())
		if err != nil {
			return err
		}
		return pg.Close(ctx)
	})
	if err != nil {
		return errors.Join(fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, c.Log()), server.end(syscall.SIGQUIT, 10*time.Second))
	}
	return nil
}

// Stop stops the server and returns once it has ended. The port stays the same
// over Stop and Start.
func (c *Cluster) Stop(m Mode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	signal := syscall.SIGINT
	if m == Immediate {
		signal = syscall.SIGQUIT
	}
	return c.server.end(signal, 30*time.Second)
}

// Restart stops the server and starts it again.
func (c *Cluster) Restart(ctx context.Context, m Mode) error {
	if err := c.Stop(m); err != nil {
		return err
	}
	return c.Start(ctx)
}

// Close stops the server for good and removes its folder.
func (c *Cluster) Close() error {
	err := c.Stop(Immediate)
	if c.lock != nil {
		err = errors.Join(err, c.lock.Close())
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

// URL is the superuser's way to the database postgres.
func (c *Cluster) URL() string {
	return address(&url.URL{Host: "127.0.0.1:" + strconv.Itoa(c.port), RawQuery: "sslmode=disable"}, "postgres", c.password, "postgres")
}

// Log is the end of the server's log, to be shown by a test that failed.
func (c *Cluster) Log() string {
	text, err := os.ReadFile(filepath.Join(c.dir, "log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// address is the URL of another login and database of the same server.
func address(server *url.URL, user, password, database string) string {
	u := *server
	u.Scheme, u.User, u.Path = "postgres", url.UserPassword(user, password), "/"+database
	return u.String()
}
