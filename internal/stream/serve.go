package stream

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// The times and sizes of one reader.
const (
	beat      = 5 * time.Second
	turn      = 125 * time.Millisecond // between two frames of facts: with samples and beats at most 10 a second
	patience  = 5 * time.Second        // a reader that takes nothing for so long is cut off
	sluggish  = time.Second            // that one frame may take while much waits
	frameSize = 128 << 10
	backlog   = 256 << 10 // bytes that may wait for a sluggish reader
	largeFact = 512       // what a waiting fact is taken to have, at least
)

// The codes with which a stream ends, in the words of WebSocket.
const (
	closeStopping = 1012
	closeEnded    = 4401
	closeDenied   = 4403
	closeSlow     = 4408
	closeReset    = 4410
)

// Visit is one reader at the door, whose credential was checked.
type Visit struct {
	Who auth.Principal
	// Still looks whether the credential counts as before; false ends the stream.
	Still func() (auth.Principal, bool)
	// Stop is closed when the orchestrator stops.
	Stop <-chan struct{}
}

// out is the way to one reader.
type out interface {
	// frame writes one frame of a kind; place is the cursor after it, empty: none.
	frame(ctx context.Context, kind, place string, data []byte) error
	// end tells why, and closes.
	end(code int, reason, cursor string)
}

// request is what a reader asks for.
type request struct {
	topics, envs []string
	after        string
	mark         int64
	logAfter     string
}

// wish is what a reader says on the open stream.
type wish struct {
	T      string   `json:"t"`
	Topics []string `json:"topics"`
	Filter struct {
		Environment []string `json:"environment"`
	} `json:"filter"`
}

func readRequest(r *http.Request) (q request, err error) {
	v := r.URL.Query()
	for name := range v {
		if !slices.Contains([]string{"topics", "environment", "after", "mark", "log_after", "ticket", "token", "api_key"}, name) {
			return q, fleet.Invalid(clip(name), "There is no parameter %s; there are topics, environment, after, mark, log_after.", clip(name))
		}
	}
	q.topics, q.envs = list(v, "topics"), list(v, "environment")
	if q.after = v.Get("after"); q.after == "" {
		q.after = r.Header.Get("Last-Event-ID")
	}
	q.logAfter = v.Get("log_after")
	if text := v.Get("mark"); text != "" {
		if q.mark, err = strconv.ParseInt(text, 10, 64); err != nil || q.mark < 0 {
			return q, fleet.Invalid("mark", "mark must be one that a snapshot or a frame named; got %q.", clip(text))
		}
	}
	return q, nil
}

func list(v url.Values, name string) (out []string) {
	for _, text := range v[name] {
		for word := range strings.SplitSeq(text, ",") {
			if word != "" {
				out = append(out, word)
			}
		}
	}
	return out
}

// Cursor reads a cursor that a snapshot or a frame named.
func parseCursor(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fleet.Invalid("after", "after must be a cursor that a snapshot or a frame named; got %q.", clip(text))
	}
	return n, nil
}

func showCursor(n int64) string { return strconv.FormatInt(n, 10) }

// reader is one open stream.
type reader struct {
	h      *Hub
	t      *tail
	v      Visit
	f      filter
	out    out
	cursor int64
	told   int64 // the place that the last frame named: the next facts follow it
	seen   int64 // tick of samples
	mark   int64
	slow   bool // the last frame took long
	caught bool // it was at the end of the log once
	logs   map[fleet.ID]logPlace
	logged time.Time // when they were last looked at
}

// Stream serves one reader, over WebSocket if it asks for that, and returns when
// it is gone. An error is for the handshake: nothing was written then.
func (h *Hub) Stream(w http.ResponseWriter, r *http.Request, who auth.Principal, still func() (auth.Principal, bool), stop <-chan struct{}) error {
	q, err := readRequest(r)
	if err != nil {
		return err
	}
	rd := &reader{h: h, v: Visit{who, still, stop}, f: filter{who: who, most: h.o.Topics}, mark: q.mark}
	if err := rd.f.subscribe(q.topics, q.envs); err != nil {
		return err
	}
	ctx := r.Context()
	t, leave, err := h.enter(ctx, who.Tenant)
	if err != nil {
		return err
	}
	defer leave()
	rd.t = t
	if rd.cursor, err = h.head(ctx, who); err != nil {
		return err
	}
	var lost error // where the reader stands is not in the log: said as a frame to a socket, as 410 to others
	if q.after != "" && q.after != "now" {
		after, err := parseCursor(q.after)
		if err != nil {
			return err
		}
		if _, err = h.read(ctx, who.Tenant, after, 1); errors.Is(err, fleet.ErrGone) {
			lost = err
		} else if err != nil {
			return err
		}
		rd.cursor = after
	}
	if err := rd.openLogs(q.logAfter); err != nil {
		return err
	}
	if upgrades(r) {
		return rd.overSocket(w, r, lost)
	}
	if lost != nil {
		return lost
	}
	rd.out = newEvents(w)
	rd.serve(ctx, nil)
	return nil
}

// serve writes frames until the reader goes or has to. A word is taken from
// wishes after each turn.
func (rd *reader) serve(ctx context.Context, wishes <-chan wish) {
	beats := time.NewTicker(beat)
	defer beats.Stop()
	look := time.NewTicker(look)
	defer look.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	if rd.write(ctx, "hb", map[string]any{"t": "hb", "to": showCursor(rd.cursor), "now": moment(rd.h.o.Now())}) != nil {
		return
	}
	for {
		more, behind, err := rd.turn(ctx)
		if err != nil {
			rd.leave(err)
			return
		}
		pause.Reset(turn)
		select {
		case <-ctx.Done():
			return
		case <-rd.v.Stop:
			rd.out.end(closeStopping, "the orchestrator stops", showCursor(rd.cursor))
			return
		case <-pause.C:
		}
		if behind {
			more = nil // there is more to read right now
		}
		select {
		case <-ctx.Done():
			return
		case <-rd.v.Stop:
			rd.out.end(closeStopping, "the orchestrator stops", showCursor(rd.cursor))
			return
		case w, ok := <-wishes:
			if !ok {
				return
			}
			err = rd.wish(ctx, w)
		case <-beats.C:
			err = rd.write(ctx, "hb", map[string]any{"t": "hb", "to": showCursor(rd.cursor), "now": moment(rd.h.o.Now())})
		case <-look.C:
			err = rd.check()
		case <-wait(more, behind):
		}
		if err != nil {
			rd.leave(err)
			return
		}
	}
}

var always = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

func wait(more <-chan struct{}, behind bool) <-chan struct{} {
	if behind {
		return always
	}
	return more
}

// errGone ends a stream without a word: nobody is there to hear it.
var errGone = errors.New("the reader has gone")

// closing ends a stream with a code.
type closing struct {
	code   int
	reason string
}

func (c closing) Error() string { return c.reason }

// leave tells the reader why its stream ends.
func (rd *reader) leave(err error) {
	var c closing
	switch {
	case errors.As(err, &c):
		rd.out.end(c.code, c.reason, showCursor(rd.cursor))
	case errors.Is(err, fleet.ErrGone):
		rd.reset(err)
	case errors.Is(err, errGone), errors.Is(err, context.Canceled):
	default:
		rd.out.end(closeStopping, "the log cannot be read now", showCursor(rd.cursor))
	}
}

// reset says that the reader's cursor leads nowhere.
func (rd *reader) reset(err error) {
	e := fleet.AsError(err)
	if rd.write(context.Background(), "reset", map[string]any{"t": "reset", "reason": e.Reason, "message": e.Message}) == nil {
		rd.out.end(closeReset, e.Reason, "")
	}
}

// check looks whether the reader may still read.
func (rd *reader) check() error {
	who, ok := rd.v.Still()
	if !ok {
		return closing{closeEnded, "the credential has ended"}
	}
	if !rd.f.still(who) {
		return closing{closeDenied, "the credential no longer has the right"}
	}
	return nil
}

// turn writes what there is: facts up to one frame, samples, lines of logs.
func (rd *reader) turn(ctx context.Context) (more <-chan struct{}, behind bool, err error) {
	facts, more, ok := rd.t.after(rd.cursor)
	if !ok {
		b, err := rd.h.read(ctx, rd.v.Who.Tenant, rd.cursor, page)
		if err != nil {
			return more, false, err
		}
		facts = b.facts
	}
	from, to, entries := rd.cursor, rd.cursor, []json.RawMessage(nil)
	size := 0
	for _, f := range facts {
		for _, p := range f.parts {
			if rd.f.wants(p) {
				text := p.json()
				entries, size = append(entries, text), size+len(text)
			}
		}
		if to = f.event.Seq; size > frameSize {
			break
		}
	}
	rd.cursor = to
	if len(entries) > 0 {
		if err := rd.write(ctx, "ev", map[string]any{"t": "ev", "from": showCursor(rd.told), "to": showCursor(to), "ev": entries}); err != nil {
			rd.cursor = from
			return more, false, err
		}
	}
	waits := rd.t.waiting(rd.cursor)
	behind = waits > 0 || !ok
	if rd.caught && rd.slow && waits*largeFact > backlog {
		return more, behind, closing{closeSlow, "more waits for the reader than it takes"}
	}
	rd.caught = rd.caught || !behind
	if err := rd.sample(ctx); err != nil {
		return more, behind, err
	}
	return more, behind, rd.followLogs(ctx)
}

// sample writes the samples that changed since the last ones.
func (rd *reader) sample(ctx context.Context) error {
	if !rd.t.newer(rd.seen) {
		return nil
	}
	samples, newest, mark := rd.t.samplesAfter(rd.seen, rd.mark)
	rd.seen = newest
	var d []json.RawMessage
	size := 0
	flush := func() error {
		if len(d) == 0 {
			return nil
		}
		err := rd.write(ctx, "sm", map[string]any{"t": "sm", "mark": showCursor(mark), "d": d})
		d, size = nil, 0
		return err
	}
	for _, s := range samples {
		if !rd.f.has(s.topic, s.id) || !rd.f.sees(s.env) {
			continue
		}
		if d, size = append(d, s.text), size+len(s.text); size > frameSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// wish changes what the reader wants.
func (rd *reader) wish(ctx context.Context, w wish) error {
	if w.T == "ping" {
		return rd.write(ctx, "pong", map[string]any{"t": "pong"})
	}
	err, was := error(nil), rd.f
	if w.T != "sub" {
		err = fleet.Errorf(fleet.CodeInvalid, "unknown_frame", `There is no frame %q; there is {"t":"sub","topics":[…]}.`, clip(w.T))
	} else if err = rd.f.subscribe(w.Topics, w.Filter.Environment); err == nil {
		err = rd.openLogs("")
	}
	if err != nil {
		rd.f = was // what cannot be had as a whole is not had in part
		e := fleet.AsError(err)
		return rd.write(ctx, "error", map[string]any{"t": "error", "code": e.Reason, "message": e.Message})
	}
	rd.seen, rd.mark = 0, 0 // of new topics no sample was seen
	return rd.write(ctx, "sub", map[string]any{"t": "sub", "topics": rd.f.topics})
}

// write sends one frame. Only ev and hb move the reader's place.
func (rd *reader) write(ctx context.Context, kind string, frame map[string]any) error {
	data, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	place := ""
	if kind == "ev" || kind == "hb" {
		place = showCursor(rd.cursor)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	if err := rd.out.frame(ctx, kind, place, data); err != nil {
		if time.Since(began) >= patience {
			return closing{closeSlow, "the reader takes nothing"}
		}
		return errGone
	}
	rd.slow = time.Since(began) > sluggish
	if place != "" {
		rd.told = rd.cursor
	}
	return nil
}
