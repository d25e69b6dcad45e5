package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Bouncer starts a PgBouncer in transaction pooling mode in front of a database
// and returns the URL of the database through it. It ends with the test. The
// pooler keeps no session: LISTEN, session settings and prepared statements of
// one transaction are gone in the next.
func Bouncer(tb testing.TB, database string) string {
	tb.Helper()
	bin := bouncerBinary()
	if bin == "" {
		missing(tb, "PgBouncer")
	}
	through, stop, err := bounce(tb.Context(), bin, database)
	if err != nil {
		tb.Fatalf("start PgBouncer: %v", err)
	}
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Errorf("stop PgBouncer: %v", err)
		}
	})
	return through
}

func bounce(ctx context.Context, bin, database string) (_ string, _ func() error, err error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", nil, err
	}
	sweep()
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", nil, err
	}
	lock, err := guard(dir)
	remove := func() error { return errors.Join(lock.Close(), os.RemoveAll(dir)) }
	defer func() {
		if err != nil {
			err = errors.Join(err, remove())
		}
	}()
	if err != nil {
		return "", nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", nil, err
	}
	password, _ := u.User.Password()
	files := map[string]string{
		"users": fmt.Sprintf("%q %q\n", u.User.Username(), password),
		"ini": fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 20
ignore_startup_parameters = extra_float_digits
`, u.Hostname(), u.Port(), port, filepath.Join(dir, "users")),
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), hand(path)); err != nil {
			return "", nil, err
		}
	}
	if err := hand(dir); err != nil {
		return "", nil, err
	}
	log := filepath.Join(dir, "log")
	bouncer, err := spawn(log, bin, filepath.Join(dir, "ini"))
	if err != nil {
		return "", nil, err
	}
	through := *u
	through.Host = "127.0.0.1:" + strconv.Itoa(port)
	err = poll(ctx, 20*time.Second, bouncer, func(ctx context.Context) error {
		pg, err := pgx.Connect(ctx, through.String())
		if err != nil {
			return err
		}
		return pg.Close(ctx)
	})
	if err != nil {
		text, _ := os.ReadFile(log)
		return "", nil, errors.Join(fmt.Errorf("PgBouncer does not answer: %w\n%s", err, text), bouncer.end(syscall.SIGTERM, 5*time.Second))
	}
	return through.String(), func() error { return errors.Join(bouncer.end(syscall.SIGTERM, 10*time.Second), remove()) }, nil
}
