package load

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// Robot is a simulated robot: it takes every offer, works for Work, and
// reports a completion. Its journal is its memory.
type Robot struct {
	URL     string // http://host:port
	Key     string
	Name    string
	Slots   int
	Work    time.Duration
	Started func(job fleet.ID) // called when a job may begin; may be nil

	// Hello is what it says of itself beside name and slots; all may be left out.
	Hello wire.Hello
	// Play says how a job goes; nil: it takes Work and completes.
	Play func(job *wire.JobAssign) Script
	// Beat fills in the readings of a heartbeat; may be nil.
	Beat func(m *wire.Heartbeat)

	Done atomic.Int64 // completions that were acknowledged

	ws     *websocket.Conn
	out    chan []byte
	seq    atomic.Int64
	report atomic.Int64
	mu     sync.Mutex
	live   map[wire.Ref]*show
}

var result = json.RawMessage(`{"success":true,"nodes_executed":1,"duration_ms":0,"variables":{},"execution_path":["s"]}`)

// Run connects and works until ctx ends or the connection does.
func (r *Robot) Run(ctx context.Context, ready func()) error {
	r.out, r.live = make(chan []byte, 4096), map[wire.Ref]*show{}
	ws, resp, err := websocket.Dial(ctx, "ws"+r.URL[len("http"):]+wire.Path, &websocket.DialOptions{ //nolint:bodyclose // the WebSocket library closes it
		HTTPHeader: http.Header{"Authorization": {"Bearer " + r.Key}}, Subprotocols: []string{wire.Subprotocol},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if resp != nil {
			return fmt.Errorf("connect %s: %s: %w", r.Name, resp.Status, err)
		}
		return fmt.Errorf("connect %s: %w", r.Name, err)
	}
	defer ws.CloseNow() //nolint:errcheck // the end of a simulation
	ws.SetReadLimit(wire.MaxFrame)
	r.ws = ws
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.write(ctx) })
	group.Go(func() error { return r.read(ctx, ready) })
	hello := r.Hello
	hello.InstanceID, hello.BootID, hello.JournalID, hello.AgentVersion, hello.Hostname = r.Name, "simulated", r.Name, "load", r.Name
	hello.OS, hello.Arch = cmp.Or(hello.OS, "simulated"), cmp.Or(hello.Arch, "none")
	hello.Protocols, hello.MaxJobs = []int{wire.Version}, r.Slots
	hello.Features = []string{wire.FeatureLogs}
	if r.Play != nil {
		hello.Features = append(hello.Features, wire.FeatureSteps, wire.FeatureEffects)
	}
	r.send(0, &hello)
	err = group.Wait()
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// send queues a message; report says that it is one.
func (r *Robot) send(report int64, m wire.Message) {
	n := r.seq.Add(1)
	data, err := wire.Encode(wire.Frame{ID: strconv.FormatInt(n, 10), Seq: n, ReportID: report, Timestamp: wire.At(time.Now()), Payload: m})
	if err == nil {
		r.out <- data
	}
}

func (r *Robot) write(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case data := <-r.out:
			if err := r.ws.Write(ctx, websocket.MessageText, data); err != nil {
				return err
			}
		}
	}
}

func (r *Robot) read(ctx context.Context, ready func()) error {
	for {
		_, data, err := r.ws.Read(ctx)
		if err != nil {
			return err
		}
		f, err := wire.Decode(data, wire.FromOrchestrator)
		if err != nil {
			continue // a message of a newer version
		}
		switch m := f.Payload.(type) {
		case *wire.Welcome:
			go r.beat(ctx, m.Heartbeat.Std())
			if ready != nil {
				ready()
			}
		case *wire.JobAssign:
			r.take(m)
			r.send(0, &wire.JobAccept{Ref: m.Ref})
		case *wire.JobStart:
			if r.Started != nil {
				r.Started(m.JobID)
			}
			r.begin(ctx, m.Ref)
		case *wire.JobForget:
			r.drop(m.Ref)
		case *wire.JobCancel:
			r.drop(m.Ref)
			r.send(r.report.Add(1), &wire.JobCancelled{Ref: m.Ref, By: fleet.ByRequest, How: fleet.StoppedClean})
		case *wire.ReportAck:
			for _, v := range m.Verdicts {
				if v.Verdict == fleet.VerdictApplied {
					r.Done.Add(1)
				}
			}
		}
	}
}

func (r *Robot) beat(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		m := &wire.Heartbeat{Status: fleet.ReportedReady, CPUPercent: 1, MemoryPercent: 1}
		r.mu.Lock()
		for ref, s := range r.live {
			m.Attempts = append(m.Attempts, wire.BeatAttempt{Ref: ref, Progress: s.progress, Node: s.node})
		}
		r.mu.Unlock()
		if r.Beat != nil {
			r.Beat(m)
		}
		r.send(0, m)
	}
}
