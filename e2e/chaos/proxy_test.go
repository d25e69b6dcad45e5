package chaos

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// weather is what a proxy does to every connection that goes through it.
type weather struct {
	refuse bool          // new connections end at once
	stall  bool          // bytes are taken and wait; nobody is told
	delay  time.Duration // each piece waits up to this long
	rate   int           // bytes a second; 0: as fast as it goes
}

// proxy stands between two programs and makes their network bad. What it does
// follows from its seed and from who calls it; it never changes a byte.
type proxy struct {
	to       string
	listener net.Listener
	dialer   net.Dialer
	stop     context.CancelFunc
	all      sync.WaitGroup

	mu    sync.Mutex
	rng   *rand.Rand
	now   weather
	news  chan struct{} // closed when the weather changes
	links map[*link]bool
	cuts  int // connections that were ended or hung
}

// link is one connection through a proxy.
type link struct {
	in, out net.Conn
	ended   context.Context //nolint:containedctx // it is the life of the link
	end     context.CancelFunc
	hung    bool // half open for good; guarded by the proxy's lock
	listens bool // a client of PostgreSQL that waits for signals; likewise
}

func newProxy(t testing.TB, to string, seed uint64) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	p := &proxy{
		to: to, listener: l, stop: stop, news: make(chan struct{}), links: map[*link]bool{},
		rng: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // chance that can be repeated is the point
	}
	p.all.Go(func() { p.accept(ctx) })
	t.Cleanup(func() {
		_ = l.Close()
		stop()
		p.all.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept(ctx context.Context) {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.all.Go(func() { p.serve(ctx, in) })
	}
}

func (p *proxy) serve(ctx context.Context, in net.Conn) {
	l := &link{in: in}
	l.ended, l.end = context.WithCancel(ctx)
	defer l.end()
	defer reset(in)
	if p.weather().refuse || !p.wait(l, 0) {
		return
	}
	out, err := p.dialer.DialContext(l.ended, "tcp", p.to)
	if err != nil {
		return
	}
	defer reset(out)
	l.out = out
	p.mu.Lock()
	p.links[l] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	// An end that is made from outside must not wait for a byte to arrive.
	defer context.AfterFunc(l.ended, func() {
		reset(in)
		reset(out)
	})()
	var both sync.WaitGroup
	both.Go(func() { p.copy(l, out, in, true) })
	both.Go(func() { p.copy(l, in, out, false) })
	both.Wait()
}

// copy carries bytes one way until one end is gone.
func (p *proxy) copy(l *link, to, from net.Conn, up bool) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if up && bytes.Contains(bytes.ToLower(buf[:n]), []byte("listen ")) {
				p.mu.Lock()
				l.listens = true
				p.mu.Unlock()
			}
			if !p.wait(l, n) {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				l.end()
				return
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			// One side has said its last word; the other may still speak.
			if c, ok := to.(*net.TCPConn); ok && !p.isHung(l) {
				_ = c.CloseWrite() // the other side may be gone as well
			}
			return
		case err != nil:
			l.end()
			return
		}
	}
}

// wait holds n bytes back as the weather wants, and says whether the link lives on.
func (p *proxy) wait(l *link, n int) bool {
	for {
		p.mu.Lock()
		now, news, hung := p.now, p.news, l.hung
		pause := time.Duration(0)
		if now.delay > 0 {
			pause = time.Duration(p.rng.Int64N(int64(now.delay)))
		}
		p.mu.Unlock()
		if hung || now.stall {
			if hung {
				news = nil
			}
			select {
			case <-l.ended.Done():
				return false
			case <-news:
				continue
			}
		}
		if now.rate > 0 {
			pause += time.Duration(n) * time.Second / time.Duration(now.rate)
		}
		if pause > 0 && n > 0 {
			timer := time.NewTimer(pause)
			defer timer.Stop()
			select {
			case <-l.ended.Done():
			case <-timer.C:
			}
		}
		return l.ended.Err() == nil
	}
}

func (p *proxy) weather() weather {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *proxy) isHung(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.hung
}

// set changes the weather for all connections.
func (p *proxy) set(w weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = w
	close(p.news)
	p.news = make(chan struct{})
}

// heal makes the network good again; what is hung stays so until a side gives up.
func (p *proxy) heal() { p.set(weather{}) }

// cut ends a share of the connections with a reset and says how many.
func (p *proxy) cut(share float64) int {
	return p.some(share, false, func(l *link) { l.end() })
}

// hang makes a share of the connections half open: both ends believe in them,
// and nothing passes. onlyListeners takes the sessions that wait for signals.
func (p *proxy) hang(share float64, onlyListeners bool) int {
	return p.some(share, onlyListeners, func(l *link) { l.hung = true })
}

func (p *proxy) some(share float64, onlyListeners bool, do func(*link)) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for l := range p.links {
		if (!onlyListeners || l.listens) && p.rng.Float64() < share {
			do(l)
			n++
		}
	}
	p.cuts += n
	return n
}

// reset closes a connection so that its other end sees a reset and no polite end.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may be closed already
	}
	_ = c.Close()
}
