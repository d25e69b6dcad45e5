package chaos

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo is a server that says what it hears, and a way to it through a proxy.
func echo(t *testing.T) (*proxy, func() net.Conn) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	p := newProxy(t, l.Addr().String(), 1)
	return p, func() net.Conn {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

// heard says a word and tells what came back within a time, and how long it took.
func heard(c net.Conn, word string, limit time.Duration) (time.Duration, error) {
	start := time.Now()
	if err := c.SetDeadline(start.Add(limit)); err != nil {
		return 0, err
	}
	if _, err := c.Write([]byte(word)); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(c, make([]byte, len(word)))
	return time.Since(start), err
}

// TestProxy shows each fault on a connection that works without it.
func TestProxy(t *testing.T) {
	const soon, long = 150 * time.Millisecond, 10 * time.Second
	p, dial := echo(t)
	a, b := dial(), dial()
	for _, c := range []net.Conn{a, b} {
		if _, err := heard(c, "hello", long); err != nil {
			t.Fatal(err)
		}
	}

	p.set(weather{stall: true})
	if _, err := heard(a, "wait", soon); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a stalled connection: got %v, want nothing", err)
	}
	p.heal()
	if err := a.SetDeadline(time.Now().Add(long)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(a, make([]byte, 4)); err != nil {
		t.Errorf("after a stall the bytes arrive all the same: %v", err)
	}

	p.set(weather{rate: 100})
	if took, err := heard(a, "twenty bytes of text", long); err != nil || took < 200*time.Millisecond {
		t.Errorf("20 bytes at 100 a second both ways took %s (%v), want at least 200ms", took, err)
	}
	p.heal()

	if n := p.hang(1, true); n != 0 {
		t.Errorf("%d connections listen, want none", n)
	}
	if _, err := heard(b, "listen x", long); err != nil {
		t.Fatal(err)
	}
	if n := p.hang(1, true); n != 1 {
		t.Errorf("%d connections listen, want 1", n)
	}
	if _, err := heard(b, "lost", soon); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a half-open connection: got %v, want nothing", err)
	}
	if _, err := heard(a, "fine", long); err != nil {
		t.Errorf("the other connection: %v", err)
	}

	if n := p.cut(1); n != 2 {
		t.Errorf("%d connections were cut, want 2", n)
	}
	if _, err := heard(a, "gone", long); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a cut connection: got %v, want a reset", err)
	}

	p.set(weather{refuse: true})
	// The reset may come before the dial has seen the connection, or after it.
	if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.addr()); err == nil {
		if _, err := heard(c, "no", long); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a refused connection: got %v, want its end", err)
		}
		_ = c.Close()
	}
	p.heal()
	if _, err := heard(dial(), "again", long); err != nil {
		t.Errorf("after healing: %v", err)
	}
}
