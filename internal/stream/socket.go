package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// Subprotocol is what a client may offer beside a ticket; browsers want one of
// those that they offered to be chosen.
const Subprotocol = "fleet.stream"

// maxWish bounds what a reader says.
const maxWish = 16 << 10

func upgrades(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// accept takes the connection over. A page from elsewhere is refused wherever the
// browser's own sign-in, or no credential, is all that it shows.
func accept(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
	shown := r.Header.Get("Authorization") != "" || r.Header.Get("X-Api-Key") != ""
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{Subprotocol}, InsecureSkipVerify: shown, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, fmt.Errorf("accept a socket: %w", err) // which has answered
	}
	c.SetReadLimit(maxWish)
	return c, nil
}

// overSocket serves the reader over WebSocket. The handshake answers its own
// faults.
func (rd *reader) overSocket(w http.ResponseWriter, r *http.Request, lost error) error {
	c, err := accept(w, r)
	if err != nil {
		return nil //nolint:nilerr // the handshake was answered
	}
	defer func() { _ = c.CloseNow() }()
	rd.out = socket{c}
	if lost != nil {
		rd.reset(lost)
		return nil
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	wishes := make(chan wish)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel() // whoever has gone is not written to
		rd.listen(ctx, c, wishes)
	}()
	rd.serve(ctx, wishes)
	cancel()
	_ = c.CloseNow()
	<-done
	return nil
}

// listen reads what the reader says. Each word waits until the one before was
// answered.
func (rd *reader) listen(ctx context.Context, c *websocket.Conn, wishes chan<- wish) {
	for {
		kind, data, err := c.Read(ctx)
		if err != nil {
			return
		}
		select {
		case wishes <- readWish(kind == websocket.MessageText, data):
		case <-ctx.Done():
			return
		}
	}
}

// readWish reads one frame. What is no wish is one for a frame of that name, which
// there is not.
func readWish(text bool, data []byte) (w wish) {
	switch {
	case text && strings.TrimSpace(string(data)) == "ping":
		w.T = "ping"
	case json.Unmarshal(data, &w) != nil:
		w = wish{T: string(data)}
	}
	return w
}

// socket writes frames to a WebSocket.
type socket struct{ c *websocket.Conn }

func (s socket) frame(ctx context.Context, _, _ string, data []byte) error {
	return s.c.Write(ctx, websocket.MessageText, data)
}

func (s socket) end(code int, reason, cursor string) {
	if cursor != "" {
		reason += "; after=" + cursor
	}
	_ = s.c.Close(websocket.StatusCode(code), reason) // the reader may have gone
}

// events writes frames as server-sent events.
type events struct {
	w   http.ResponseWriter
	out *http.ResponseController
}

func newEvents(w http.ResponseWriter) *events {
	e := &events{w, http.NewResponseController(w)}
	_ = e.out.SetReadDeadline(time.Time{}) // a connection without time limits is served all the same
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies must not gather frames
	w.WriteHeader(http.StatusOK)
	return e
}

func (e *events) frame(_ context.Context, kind, place string, data []byte) error {
	_ = e.out.SetWriteDeadline(time.Now().Add(patience)) // as above
	id := ""
	if place != "" {
		id = "id: " + place + "\n"
	}
	if _, err := io.WriteString(e.w, id+"event: "+kind+"\ndata: "); err != nil {
		return err
	}
	if _, err := e.w.Write(data); err != nil {
		return err
	}
	if _, err := io.WriteString(e.w, "\n\n"); err != nil {
		return err
	}
	return e.out.Flush()
}

func (e *events) end(code int, reason, cursor string) {
	data, _ := json.Marshal(map[string]any{"code": code, "reason": reason, "cursor": cursor}) // texts always encode
	_ = e.frame(context.Background(), "end", "", data)                                        // the reader may have gone
}
