package stream_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// until applies frames of one connection until done says so, or the connection is
// cut, after a random number of frames if cut is not 0.
func (s *state) overSocket(t *testing.T, w *world, member, cut int, done func() bool) {
	t.Helper()
	c, err := w.dial(t.Context(), member, "topics=robots&after="+s.cursor+"&mark="+s.mark)
	w.must(err)
	defer closeNow(c)
	for n := 0; !done() && (cut == 0 || n < cut); n++ {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		f, err := readFrame(ctx, c)
		cancel()
		w.must(err)
		if !s.take(f) {
			t.Fatalf("frame %+v does not follow %s", f.T, s.cursor)
		}
	}
}

func (s *state) overEvents(t *testing.T, w *world, member, cut int, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.urls[member]+"/stream?topics=robots", nil)
	w.must(err)
	req.Header.Set("Last-Event-ID", s.cursor)
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for n := 0; !done() && (cut == 0 || n < cut); {
		line, err := lines.ReadString('\n')
		w.must(err)
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var f frame
		w.must(json.Unmarshal([]byte(data), &f))
		if n++; !s.take(f) {
			t.Fatalf("frame %+v does not follow %s", f.T, s.cursor)
		}
	}
}

// TestCut100Times: a client that is cut off 100 times at random during 10,000
// updates, and that comes back to another orchestrator each time, ends with the
// state of one that was never cut, and saw every fact once.
func TestCut100Times(t *testing.T) {
	const updates, robots = 10_000, 50
	w := newWorld(t, 2)
	for i := range robots {
		w.put("default", fleet.Robot{ID: fleet.RobotID(fmt.Sprint("bot-", i)), Name: "start"})
	}
	whole, socket, events := w.snapshot(0), w.snapshot(0), w.snapshot(1)
	head := func() (n int64) {
		w.must(w.store.View(t.Context(), store.Tenant("default"), func(r store.Reader) (err error) { n, err = r.Head(); return err }))
		return n
	}
	begin := head()
	end := begin + updates
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := 0; i < updates; i += 10 {
			batch := make([]fleet.Robot, 10)
			for k := range batch {
				batch[k] = fleet.Robot{ID: fleet.RobotID(fmt.Sprint("bot-", rand.IntN(robots))), Name: fmt.Sprint("name ", i+k)} //nolint:gosec // a test
			}
			w.put("default", batch...)
		}
	}()
	there := func(s *state) func() bool { return func() bool { return s.cursor == fmt.Sprint(end) } }
	t.Run("readers", func(t *testing.T) {
		t.Run("whole", func(t *testing.T) { t.Parallel(); whole.overSocket(t, w, 0, 0, there(whole)) })
		t.Run("socket", func(t *testing.T) {
			t.Parallel()
			for i := range 100 {
				socket.overSocket(t, w, i%2, 1+rand.IntN(3), there(socket)) //nolint:gosec // a test
			}
			socket.overSocket(t, w, 0, 0, there(socket))
		})
		t.Run("events", func(t *testing.T) {
			t.Parallel()
			for i := range 100 {
				events.overEvents(t, w, i%2, 1+rand.IntN(3), there(events)) //nolint:gosec // a test
			}
			events.overEvents(t, w, 1, 0, there(events))
		})
	})
	<-written
	fresh := w.snapshot(1)
	for name, s := range map[string]*state{"whole": whole, "socket": socket, "events": events} {
		if !maps.Equal(s.names, fresh.names) {
			t.Errorf("%s: %v, want %v", name, s.names, fresh.names)
		}
		for seq := begin + 1; seq <= end; seq++ {
			if s.seqs[seq] != 1 {
				t.Fatalf("%s: fact %d came %d times", name, seq, s.seqs[seq])
			}
		}
	}
}

// TestCursorTooOld: who comes back too late is told so, and is right again after a
// snapshot.
func TestCursorTooOld(t *testing.T) {
	w := newWorld(t, 1)
	w.put("default", fleet.Robot{ID: "bot-1", Name: "a"})
	for _, cursor := range []string{"999999"} {
		c, err := w.dial(t.Context(), 0, "topics=robots&after="+cursor)
		w.must(err)
		f, err := readFrame(t.Context(), c)
		w.must(err)
		if f.T != "reset" || f.Reason != "cursor_expired" {
			t.Errorf("%+v", f)
		}
		_, err = readFrame(t.Context(), c)
		if code := websocket.CloseStatus(err); code != 4410 {
			t.Errorf("closed with %d", code)
		}
		resp, err := http.Get(w.urls[0] + "/stream?topics=robots&after=" + cursor) //nolint:noctx // a test
		w.must(err)
		w.must(resp.Body.Close())
		if resp.StatusCode != http.StatusGone {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	s := w.snapshot(0)
	w.put("default", fleet.Robot{ID: "bot-1", Name: "b"})
	s.overSocket(t, w, 0, 0, func() bool { return s.names["bot-1"] == "b" })
}

// TestTenantsApart: a reader sees nothing of another tenant, and nothing of an
// environment that it did not ask for.
func TestTenantsApart(t *testing.T) {
	w := newWorld(t, 1)
	s := w.snapshot(0)
	c, err := w.dial(t.Context(), 0, "topics=robots,jobs,events,activity&environment=prod&after="+s.cursor)
	w.must(err)
	defer closeNow(c)
	w.put("globex", fleet.Robot{ID: "theirs", Name: "secret of theirs", Environment: "prod"})
	w.put("default", fleet.Robot{ID: "test", Name: "of the test environment", Environment: "test"})
	w.put("default", fleet.Robot{ID: "ours", Name: "ours", Environment: "prod"})
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, data, err := c.Read(ctx)
		cancel()
		w.must(err)
		if strings.Contains(string(data), "secret of theirs") || strings.Contains(string(data), `"theirs"`) || strings.Contains(string(data), "of the test environment") {
			t.Fatalf("%s", data)
		}
		if strings.Contains(string(data), `"name":"ours"`) {
			break
		}
	}
	if s := w.snapshot(0); s.names["theirs"] != "" || s.names["ours"] != "ours" {
		t.Error(s.names)
	}
}

// TestCredentialEnds: a stream ends within two seconds of its credential.
func TestCredentialEnds(t *testing.T) {
	w := newWorld(t, 1)
	c, err := w.dial(t.Context(), 0, "topics=robots")
	w.must(err)
	defer closeNow(c)
	_, err = readFrame(t.Context(), c)
	w.must(err)
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	began := time.Now()
	for err == nil {
		_, err = readFrame(t.Context(), c)
	}
	if code := websocket.CloseStatus(err); code != 4401 || time.Since(began) > 2*time.Second {
		t.Errorf("closed with %d after %s: %v", code, time.Since(began), err)
	}
}

// TestSubscribe: topics change on the open socket, and what is wrong changes nothing.
func TestSubscribe(t *testing.T) {
	w := newWorld(t, 1)
	c, err := w.dial(t.Context(), 0, "topics=jobs")
	w.must(err)
	defer closeNow(c)
	say := func(text string) { w.must(c.Write(t.Context(), websocket.MessageText, []byte(text))) }
	expect := func(part string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for {
			_, data, err := c.Read(ctx)
			w.must(err)
			if strings.Contains(string(data), part) {
				return
			}
		}
	}
	say(`{"t":"sub","topics":["nonsense"]}`)
	expect(`"topic_unknown"`)
	say(`{"t":"what"}`)
	expect(`"unknown_frame"`)
	say(`not json`)
	expect(`"unknown_frame"`)
	say(`ping`)
	expect(`"pong"`)
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf(`"job:%d"`, i)
	}
	say(`{"t":"sub","topics":[` + strings.Join(many, ",") + `]}`)
	expect(`at most 100`)
	say(`{"t":"sub","topics":["robots","robots"]}`)
	expect(`"topics":["robots"]`)
	w.put("default", fleet.Robot{ID: "bot-1", Name: "seen"})
	expect(`"name":"seen"`)
}

// TestHandshake: what is wrong is said before the upgrade.
func TestHandshake(t *testing.T) {
	w := newWorld(t, 1)
	for query, want := range map[string]int{
		"": 422, "topics=": 422, "topics=nonsense": 422, "topics=robots&after=x": 422, "topics=robots&mark=x": 422, "topics=job:": 422,
		"topics=log:00000000-0000-7000-8000-000000000000": 404, "topics=robots&color=red": 422,
	} {
		if got := w.refused(query); got != want {
			t.Errorf("%q: %d, want %d", query, got, want)
		}
	}
	w.who = func() auth.Principal { return auth.Robot("default", "bot-1", "default") }
	if got := w.refused("topics=robots"); got != http.StatusForbidden {
		t.Errorf("a robot's key: %d", got)
	}
}

// TestReadersThatNeverRead: 200 of them cost bounded memory, are cut off, and one
// that reads notices nothing.
func TestReadersThatNeverRead(t *testing.T) {
	w := newWorld(t, 1)
	w.put("default", fleet.Robot{ID: "bot-1", Name: "a"})
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse + m.StackInuse)
	}
	before := heap()
	host := strings.TrimPrefix(w.urls[0], "http://")
	var idle []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", host) //nolint:noctx // a test
		w.must(err)
		defer c.Close()
		w.must(c.(*net.TCPConn).SetReadBuffer(4096))
		_, err = io.WriteString(c, "GET /stream?topics=robots,events HTTP/1.1\r\nHost: "+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		w.must(err)
		idle = append(idle, c)
	}
	s := w.snapshot(0)
	pace := time.NewTicker(50 * time.Millisecond)
	defer pace.Stop()
	const rounds = 80 // fewer might all fit into what the kernel keeps of a connection
	note := strings.Repeat("x", 400)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range rounds {
			batch := make([]fleet.Robot, 100)
			for k := range batch {
				batch[k] = fleet.Robot{ID: fleet.RobotID(fmt.Sprint("bot-", k)), Name: fmt.Sprint("n", i), ModeNote: note}
			}
			w.put("default", batch...)
			<-pace.C // 2,000 updates a second
		}
		w.put("default", fleet.Robot{ID: "last", Name: "last"})
	}()
	s.overSocket(t, w, 0, 0, func() bool { return s.names["last"] == "last" })
	<-done
	grown := heap() - before
	t.Logf("%d readers that never read: %d KiB more", len(idle), grown>>10)
	if grown > 64<<20 {
		t.Errorf("%d MiB more", grown>>20)
	}
	for began := time.Now(); w.hubs[0].Readers() > 0; <-pace.C {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d readers that never read are still served", w.hubs[0].Readers())
		}
	}
}
