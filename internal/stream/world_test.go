package stream_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/stream"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is a hub on a real store behind a real socket, with two doors that stand
// for two orchestrators.
type world struct {
	testing.TB
	store   dbtest.Store
	ids     *fleet.IDs
	hubs    []*stream.Hub
	urls    []string
	mu      sync.Mutex
	ended   bool // the credential
	stopped chan struct{}
	who     func() auth.Principal
}

func newWorld(t testing.TB, members int) *world {
	t.Helper()
	w := &world{TB: t, store: dbtest.Open(t, dbtest.Options{}), ids: fleet.NewIDs(time.Now, rand.Reader), stopped: make(chan struct{}), who: auth.Local}
	for range members {
		h := stream.New(stream.Options{Store: w.store, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }})
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/snapshot" {
				out, err := h.Snapshot(r.Context(), w.who())
				if err != nil {
					http.Error(rw, err.Error(), http.StatusForbidden)
					return
				}
				_ = json.NewEncoder(rw).Encode(out)
				return
			}
			err := h.Stream(rw, r, w.who(), func() (auth.Principal, bool) {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.who(), !w.ended
			}, w.stopped)
			if err != nil {
				http.Error(rw, err.Error(), status(err))
			}
		}))
		w.hubs, w.urls = append(w.hubs, h), append(w.urls, server.URL)
		t.Cleanup(func() { server.CloseClientConnections(); server.Close(); h.Close() })
	}
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// put changes robots of a tenant, each with an event.
func (w *world) put(tenant fleet.TenantID, robots ...fleet.Robot) {
	w.Helper()
	w.must(w.store.Update(w.Context(), store.Tenant(tenant), func(tx store.Tx) error {
		for _, r := range robots {
			r.Tenant = tenant
			if r.Environment == "" {
				r.Environment = fleet.DefaultEnvironment
			}
			if err := tx.PutRobot(r); err != nil {
				return err
			}
			if err := tx.Append(tenant, fleet.EventDraft{Kind: fleet.EventRobotUpdated, Subject: fleet.SubjectRobot, SubjectID: string(r.ID)}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// state is what a client of the contract knows.
type state struct {
	cursor, mark string
	names        map[string]string // of robots
	v            map[string]int64
	seqs         map[int64]int // how often each fact of a robot came
	resets       int
}

func (w *world) snapshot(member int) *state {
	w.Helper()
	resp, err := http.Get(w.urls[member] + "/snapshot") //nolint:noctx // a test
	w.must(err)
	defer resp.Body.Close()
	var in struct {
		Cursor, Mark string
		Columns      []string
		Robots       [][]any
	}
	w.must(json.NewDecoder(resp.Body).Decode(&in))
	s := &state{cursor: in.Cursor, mark: in.Mark, names: map[string]string{}, v: map[string]int64{}, seqs: map[int64]int{}}
	for _, row := range in.Robots {
		id := fmt.Sprint(row[0])
		s.names[id], s.v[id] = fmt.Sprint(row[1]), int64(row[len(row)-1].(float64))
	}
	return s
}

// frame is one of any kind.
type frame struct {
	T, From, To, Reason, Mark string
	Ev                        []struct {
		Seq           int64
		Topic, Op, ID string
		V             int64
		Type          string
		From          string `json:"from_state"`
		To            string `json:"to_state"`
		D             json.RawMessage
	}
	D []json.RawMessage
}

// take applies a frame; false: it does not fit, or is a reset.
func (s *state) take(f frame) bool {
	switch f.T {
	case "hb":
		s.cursor = f.To
	case "reset":
		s.resets++
		return false
	case "ev":
		if f.From != s.cursor {
			return false
		}
		s.cursor = f.To
		for _, e := range f.Ev {
			if e.Topic != "robots" {
				continue
			}
			s.seqs[e.Seq]++
			if e.Op == "del" {
				delete(s.names, e.ID)
			}
			if e.Op != "put" || e.V <= s.v[e.ID] {
				continue
			}
			var row struct{ Name string }
			_ = json.Unmarshal(e.D, &row)
			s.names[e.ID], s.v[e.ID] = row.Name, e.V
		}
	case "sm":
		s.mark = f.Mark
	}
	return true
}

// dial opens a socket.
func (w *world) dial(ctx context.Context, member int, query string) (*websocket.Conn, error) {
	c, resp, err := websocket.Dial(ctx, strings.Replace(w.urls[member], "http", "ws", 1)+"/stream?"+query, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err == nil {
		c.SetReadLimit(8 << 20)
	}
	return c, err
}

func readFrame(ctx context.Context, c *websocket.Conn) (f frame, err error) {
	_, data, err := c.Read(ctx)
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	return f, err
}

func status(err error) int {
	switch fleet.AsError(err).Code { //nolint:exhaustive // the rest is no matter of these tests
	case fleet.CodeInvalid:
		return http.StatusUnprocessableEntity
	case fleet.CodeNotFound:
		return http.StatusNotFound
	case fleet.CodeForbidden:
		return http.StatusForbidden
	case fleet.CodeGone:
		return http.StatusGone
	}
	return http.StatusInternalServerError
}

// refused opens a socket that must be refused, and returns the status.
func (w *world) refused(query string) int {
	w.Helper()
	c, resp, err := websocket.Dial(w.Context(), strings.Replace(w.urls[0], "http", "ws", 1)+"/stream?"+query, nil)
	if err == nil {
		closeNow(c)
		return http.StatusSwitchingProtocols
	}
	if resp == nil {
		w.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func closeNow(c *websocket.Conn) { _ = c.CloseNow() }
