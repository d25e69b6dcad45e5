package gateway_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// bare is a connection on which a test writes the bytes of frames itself.
type bare struct {
	w    *world
	conn net.Conn
	in   *bufio.Reader
}

// bare upgrades by hand, so that anything can be sent afterwards.
func (w *world) bare(id fleet.RobotID) *bare {
	w.Helper()
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(w.Context(), "tcp", w.server.Listener.Addr().String())
	w.must(err)
	w.Cleanup(func() { _ = conn.Close() })
	w.must(conn.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\nX-Api-Key: %s\r\n\r\n", wire.Path, wire.Subprotocol, w.key(id))
	w.must(err)
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	w.must(err)
	w.must(resp.Body.Close())
	if resp.StatusCode != http.StatusSwitchingProtocols {
		w.Fatalf("upgrade: %d", resp.StatusCode)
	}
	return &bare{w, conn, in}
}

// frame makes the bytes of one frame of a client.
func frame(first byte, masked bool, payload []byte) []byte {
	b := []byte{first}
	mask := byte(0)
	if masked {
		mask = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, mask|byte(n)) //nolint:gosec // n is below 126
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n)) //nolint:gosec // n is below 65536
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n)) //nolint:gosec // a length is not negative
	}
	if !masked {
		return append(b, payload...)
	}
	key := [4]byte{1, 2, 3, 4}
	b = append(b, key[:]...)
	for i, c := range payload {
		b = append(b, c^key[i%4])
	}
	return b
}

func text(s string) []byte { return frame(0x81, true, []byte(s)) }

// stillOpen says that a connection was not closed in time.
const stillOpen = -1

// ended reads until the other end closes, and returns the code of its close
// frame; 0 if none came.
func (b *bare) ended() (code int) {
	b.w.Helper()
	defer b.conn.Close()
	for {
		head := make([]byte, 2)
		if _, err := io.ReadFull(b.in, head); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return stillOpen
			}
			return code
		}
		n := int(head[1] & 0x7f)
		switch n {
		case 126:
			var long [2]byte
			if _, err := io.ReadFull(b.in, long[:]); err != nil {
				return code
			}
			n = int(binary.BigEndian.Uint16(long[:]))
		case 127:
			return code
		}
		payload := make([]byte, n)
		if _, err := io.ReadFull(b.in, payload); err != nil {
			return code
		}
		if head[0]&0x0f == 8 {
			if n >= 2 {
				code = int(binary.BigEndian.Uint16(payload))
			}
			return code // and close: the other end need not wait for an answer
		}
	}
}

const helloText = `{"v":2,"type":"hello","id":"1","payload":{"instance_id":"i","boot_id":"b","journal_id":"j","agent_version":"1","os":"linux","arch":"amd64","hostname":"h","protocols":[2],"max_jobs":1}}`

// TestFrames sends every kind of frame that the protocol forbids, before hello
// and after it. Each ends its own connection and nothing else; afterwards no
// connection and no goroutine is left.
func TestFrames(t *testing.T) {
	w := newWorld(t, func(w *world) { w.timing.FirstFrame = 500 * time.Millisecond })
	long := []byte(strings.Repeat("x", 126))
	closing := func(code int, reason string) []byte {
		return frame(0x88, true, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)) //nolint:gosec // codes fit
	}
	cases := map[string][]byte{
		"reserved bit 1":              frame(0xc1, true, []byte("{}")),
		"reserved bit 2":              frame(0xa1, true, []byte("{}")),
		"reserved bit 3":              frame(0x91, true, []byte("{}")),
		"opcode 3":                    frame(0x83, true, []byte("{}")),
		"opcode 7":                    frame(0x87, true, nil),
		"opcode 11":                   frame(0x8b, true, nil),
		"opcode 15":                   frame(0x8f, true, nil),
		"a long ping":                 frame(0x89, true, long),
		"a long pong":                 frame(0x8a, true, long),
		"a long close":                frame(0x88, true, append([]byte{3, 232}, long...)),
		"a ping in parts":             frame(0x09, true, []byte("x")),
		"a close in parts":            frame(0x08, true, []byte{3, 232}),
		"not masked":                  frame(0x81, false, []byte("{}")),
		"a ping not masked":           frame(0x89, false, nil),
		"a continuation of nothing":   frame(0x80, true, []byte("x")),
		"a new text inside another":   append(frame(0x01, true, []byte("{")), frame(0x81, true, []byte("}"))...),
		"binary":                      frame(0x82, true, []byte("{}")),
		"bad UTF-8":                   frame(0x81, true, []byte("{\"v\":2,\"type\":\"\xff\"}")),
		"bad UTF-8 across two frames": append(frame(0x01, true, []byte("{\"a\":\"\xc3")), frame(0x80, true, []byte("(\"}"))...),
		"no JSON":                     text("hello"),
		"nothing in a text":           text(""),
		"a length of 2^63":            {0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4},
		"a length of 2^62":            {0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4},
		"more than a frame may have":  frame(0x81, true, []byte(strings.Repeat(" ", wire.MaxFrame+1))),
		"without end": append(frame(0x01, true, []byte("{")), func() (b []byte) {
			for range 20 {
				b = append(b, frame(0x00, true, []byte(strings.Repeat(" ", wire.MaxFrame/16)))...)
			}
			return b
		}()...),
		"a close of one byte":     frame(0x88, true, []byte{3}),
		"a close with bad UTF-8":  closing(1000, "\xff"),
		"half a head":             {0x81},
		"half a frame":            {0x81, 0xfe, 1, 0, 1, 2, 3, 4, 'x'},
		"nothing at all":          {},
		"a close without a code":  frame(0x88, true, nil),
		"a flood of pings":        []byte(strings.Repeat(string(frame(0x89, true, []byte("x"))), 2000)),
		"HTTP on the same socket": []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	}
	for _, code := range []int{0, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 2999, 3000, 3999, 4000, 4401, 4999, 5000, 65535} {
		cases[fmt.Sprintf("close code %d", code)] = closing(code, "bye")
	}
	before := runtime.NumGoroutine()
	n := 0
	for name, bytes := range cases {
		for _, after := range []bool{false, true} {
			n++
			b := w.bare(fleet.RobotID(fmt.Sprintf("r%d", n)))
			if after {
				_, err := b.conn.Write(text(helloText))
				w.must(err)
				if got := b.next(); !strings.Contains(got, `"welcome"`) {
					t.Fatalf("%s: hello was answered with %.200q", name, got)
				}
			}
			go func() { _, _ = b.conn.Write(bytes) }() // it may be cut off while it writes
			waits := name == "half a head" || name == "half a frame" || name == "nothing at all" || name == "a flood of pings" ||
				name == "a length of 2^62" // the rest may come yet, and nothing is kept for it
			if waits && after {
				_ = b.conn.Close() // allowed so far; the robot goes
				continue
			}
			switch code := b.ended(); {
			case code == stillOpen:
				t.Errorf("%s (after hello: %v): the connection stayed", name, after)
			case code == int(wire.CloseInternal) && name != "close code 1011": // that one is answered with itself
				t.Errorf("%s (after hello: %v): closed as a fault of ours", name, after)
			}
		}
	}
	w.quiet(before)
}

// TestFramesInParts: a message may come in several frames, with pings between
// them, one byte at a time.
func TestFramesInParts(t *testing.T) {
	w := newWorld(t)
	for name, parts := range map[string][][]byte{
		"two":            {frame(0x01, true, []byte(helloText[:50])), frame(0x80, true, []byte(helloText[50:]))},
		"an empty one":   {frame(0x01, true, nil), frame(0x00, true, []byte(helloText)), frame(0x80, true, nil)},
		"a ping between": {frame(0x01, true, []byte(helloText[:50])), frame(0x89, true, []byte("x")), frame(0x80, true, []byte(helloText[50:]))},
	} {
		b := w.bare(fleet.RobotID("p-" + strings.ReplaceAll(name, " ", "-")))
		for _, p := range parts {
			for i := range p {
				_, err := b.conn.Write(p[i : i+1])
				w.must(err)
			}
		}
		got := b.next()
		if strings.HasPrefix(got, "\x8a") || got == "x" { // the pong
			got = b.next()
		}
		if !strings.Contains(got, `"welcome"`) {
			t.Errorf("%s: answered with %.200q", name, got)
		}
	}
}

// TestFramesIdle: two hundred that upgrade and say nothing, or are welcomed and
// never read, are let go; nothing of them stays.
func TestFramesIdle(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.timing.FirstFrame = 300 * time.Millisecond
		w.limits.Handshakes, w.limits.All = 1000, 1000
	})
	before := runtime.NumGoroutine()
	var mute, deaf []*bare
	for i := range 100 {
		mute = append(mute, w.bare(fleet.RobotID(fmt.Sprintf("mute%d", i))))
		d := w.bare(fleet.RobotID(fmt.Sprintf("deaf%d", i)))
		_, err := d.conn.Write(text(helloText))
		w.must(err)
		deaf = append(deaf, d)
	}
	for _, b := range mute {
		if code := b.ended(); code != int(wire.CloseNoHello) {
			t.Errorf("one that said nothing was closed with %d", code)
		}
	}
	for _, b := range deaf {
		_ = b.conn.Close()
	}
	w.quiet(before)
}

// next reads one frame and returns what it carries.
func (b *bare) next() string {
	b.w.Helper()
	head := make([]byte, 2)
	_, err := io.ReadFull(b.in, head)
	b.w.must(err)
	n := int(head[1] & 0x7f)
	if n == 126 {
		var long [2]byte
		_, err := io.ReadFull(b.in, long[:])
		b.w.must(err)
		n = int(binary.BigEndian.Uint16(long[:]))
	}
	payload := make([]byte, n)
	_, err = io.ReadFull(b.in, payload)
	b.w.must(err)
	return string(payload)
}

// quiet waits until no connection and no goroutine of one is left.
func (w *world) quiet(before int) {
	w.Helper()
	http.DefaultClient.CloseIdleConnections()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		connected, running := w.gateway.Connected(), runtime.NumGoroutine()
		if connected == 0 && running <= before+10 {
			return
		}
		select {
		case <-deadline:
			w.Fatalf("%d connections and %d goroutines are left; there were %d", connected, running, before)
		case <-tick.C:
		}
	}
}
