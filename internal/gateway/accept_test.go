package gateway_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/gateway"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/wire"
)

func TestHandshake(t *testing.T) {
	w := newWorld(t)
	r := w.robot("r1")
	_, service, err := w.keys.NewServiceKey(t.Context(), w.admin, "deploy", fleet.RoleAdmin, 0)
	w.must(err)
	revoked, secret, err := w.keys.NewRobotKey(t.Context(), w.admin, "r1", "", 0)
	w.must(err)
	w.must(w.keys.Revoke(t.Context(), w.admin, revoked.ID, ""))
	for name, c := range map[string]struct {
		header   http.Header
		protocol string
		status   int
	}{
		"no key":                  {http.Header{}, wire.Subprotocol, 401},
		"unknown key":             {http.Header{"Authorization": {"Bearer crpa_" + strings.Repeat("0", 64)}}, wire.Subprotocol, 401},
		"not a key":               {http.Header{"Authorization": {"Bearer hello"}}, wire.Subprotocol, 401},
		"basic":                   {http.Header{"Authorization": {"Basic " + r.key}}, wire.Subprotocol, 401},
		"revoked":                 {http.Header{"Authorization": {"Bearer " + secret.Reveal()}}, wire.Subprotocol, 401},
		"two keys":                {http.Header{"Authorization": {"Bearer " + r.key}, "X-Api-Key": {service.Reveal()}}, wire.Subprotocol, 401},
		"service key":             {http.Header{"Authorization": {"Bearer " + service.Reveal()}}, wire.Subprotocol, 403},
		"no subprotocol":          {http.Header{"Authorization": {"Bearer " + r.key}}, "", 426},
		"another subprotocol":     {http.Header{"Authorization": {"Bearer " + r.key}}, "fleet.v1", 426},
		"one that only begins so": {http.Header{"Authorization": {"Bearer " + r.key}}, "fleet.v20", 426},
		"api key header":          {http.Header{"X-Api-Key": {r.key}}, wire.Subprotocol, 101},
		"scheme in lower case":    {http.Header{"Authorization": {"bearer " + r.key}}, wire.Subprotocol, 101},
		"same key twice":          {http.Header{"Authorization": {"Bearer " + r.key}, "X-Api-Key": {r.key}}, wire.Subprotocol, 101},
		"among others":            {http.Header{"Authorization": {"Bearer " + r.key}}, "chat, fleet.v2", 101},
	} {
		t.Run(name, func(t *testing.T) {
			var protocols []string
			if c.protocol != "" {
				protocols = strings.Split(c.protocol, ", ")
			}
			resp, err := r.dial(c.header, protocols...) //nolint:bodyclose // the WebSocket library closes it
			if resp == nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status {
				t.Errorf("answered with %d, want %d (%v)", resp.StatusCode, c.status, err)
			}
			if err == nil {
				_ = r.ws.CloseNow()
				return
			}
			if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %s", got)
			}
		})
	}
	if list, err := w.core.Robots.Get(t.Context(), w.admin, "r1"); err == nil {
		t.Errorf("a handshake alone made the robot known: %+v", list)
	}
}

func TestHello(t *testing.T) {
	w := newWorld(t)
	r := w.robot("r1")
	r.slots = 3
	got := r.connect()
	if got.RobotID != "r1" || got.Tenant != "default" || got.Environment != "default" || got.SessionEpoch != 1 ||
		got.GrantedMax != 3 || got.ResumeToken == "" || got.Lease.Std() != w.timing.Lease {
		t.Errorf("welcome %+v", got)
	}
	robot, err := w.core.Robots.Get(t.Context(), w.admin, "r1")
	w.must(err)
	if !robot.Connected || robot.Status != fleet.RobotOnline || robot.Hostname != "host-r1" {
		t.Errorf("robot %+v", robot)
	}
	id := r.send(r.hello()) // twice is a mistake, and no reason to part
	if e := expect[*wire.Error](r); e.InReplyTo != id {
		t.Errorf("second hello: %+v", e)
	}
	r.beat()
}

func TestFirstFrame(t *testing.T) {
	w := newWorld(t, func(w *world) { w.timing.FirstFrame = 100 * time.Millisecond })
	for name, c := range map[string]struct {
		text string
		code wire.CloseCode
	}{
		"nothing":           {"", wire.CloseNoHello},
		"no JSON":           {"hello", wire.CloseBadMessage},
		"another version":   {`{"v":1,"type":"hello","id":"1","payload":{}}`, wire.CloseVersion},
		"another message":   {`{"v":2,"type":"heartbeat","id":"1","payload":{}}`, wire.CloseNoHello},
		"unknown message":   {`{"v":2,"type":"sing","id":"1","payload":{}}`, wire.CloseBadMessage},
		"hello without ids": {`{"v":2,"type":"hello","id":"1","payload":{}}`, wire.CloseBadMessage},
		"a bad name":        {`{"v":2,"type":"hello","id":"1","payload":{"instance_id":"i","journal_id":"j","name":"a\u0000b"}}`, wire.CloseBadMessage},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.robot("r1")
			r.open()
			if c.text != "" {
				r.raw(c.text)
			}
			r.closedWith(c.code)
		})
	}
}

// Many may be connected; only their handshakes are limited.
func TestHandshakeLimitIsNotALimitOfConnections(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.Handshakes = 2 })
	for _, id := range []fleet.RobotID{"a", "b", "c", "d"} {
		w.connected(id)
	}
	if n := w.gateway.Connected(); n != 4 {
		t.Errorf("%d connected, want 4", n)
	}
}

// A handshake that is not finished holds a place of its address, and one of all.
func TestHandshakesUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		change func(l *gateway.Limits)
		status int
	}{
		"of one address": {func(l *gateway.Limits) { l.Handshakes = 1 }, http.StatusTooManyRequests},
		"of all":         {func(l *gateway.Limits) { l.All = 1 }, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { c.change(&w.limits) })
			slow := w.robot("slow")
			slow.open() // and says nothing yet
			late := w.robot("late")
			resp, err := late.dial(http.Header{"X-Api-Key": {late.key}}, wire.Subprotocol) //nolint:bodyclose // the WebSocket library closes it
			if err == nil || resp == nil || resp.StatusCode != c.status || resp.Header.Get("Retry-After") == "" {
				t.Fatalf("while one is under way: %v, %v", resp, err)
			}
			slow.send(slow.hello())
			expect[*wire.Welcome](slow)
			w.connected("late")
		})
	}
}

func TestSocketLimit(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.Sockets = 1 })
	w.connected("a")
	r := w.robot("b")
	resp, err := r.dial(http.Header{"X-Api-Key": {r.key}}, wire.Subprotocol) //nolint:bodyclose // the WebSocket library closes it
	if err == nil || resp == nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the second robot was answered with %v, %v", resp, err)
	}
}

func TestDrain(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	quiet := w.robot("r2")
	quiet.open() // between handshake and hello
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, stop := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
		defer stop()
		w.gateway.Drain(ctx, "upgrade")
	}()
	if m := expect[*wire.Goaway](r); m.Reason != "upgrade" || m.ReconnectAfter.Std() > 2*time.Second {
		t.Errorf("goaway %+v", m)
	}
	r.closedWith(wire.CloseRestart)
	quiet.send(quiet.hello())
	quiet.closedWith(wire.CloseRestart)
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("Drain waits for a robot that came in meanwhile")
	}
	late := w.robot("r3")
	if resp, err := late.dial(http.Header{"X-Api-Key": {late.key}}, wire.Subprotocol); err == nil || resp.StatusCode != 503 { //nolint:bodyclose // the WebSocket library closes it
		t.Errorf("a robot was let in after the drain: %v", err)
	}
	if w.gateway.Connected() != 0 {
		t.Errorf("%d are connected", w.gateway.Connected())
	}
}

func TestRevokedKeyEndsTheConnection(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	keys, err := w.keys.List(t.Context(), w.admin)
	w.must(err)
	start := time.Now()
	w.must(w.keys.Revoke(t.Context(), w.admin, keys[0].ID, ""))
	r.closedWith(wire.CloseRevoked)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	if resp, err := r.dial(http.Header{"X-Api-Key": {r.key}}, wire.Subprotocol); err == nil || resp.StatusCode != 401 { //nolint:bodyclose // the WebSocket library closes it
		t.Errorf("the revoked key was answered with %v", resp)
	}
}

// Nothing that a robot says after its key was revoked is committed, however
// long it keeps the socket from closing.
func TestRevokedRobotIsNotHeard(t *testing.T) {
	w := newWorld(t)
	r := w.robot("r1")
	r.deaf() // it answers no close
	job := w.submit()
	offer := hear[*wire.JobAssign](r)
	r.send(&wire.JobAccept{Ref: offer.Ref})
	hear[*wire.JobStart](r)
	keys, err := w.keys.List(t.Context(), w.admin)
	w.must(err)
	w.must(w.keys.Revoke(t.Context(), w.admin, keys[0].ID, ""))
	w.eventually("the gateway has noticed", func() bool { return len(w.gateway.Present()) == 0 })
	r.report(complete(offer.Ref))
	w.eventually("the socket is gone", func() bool { return w.gateway.Connected() == 0 })
	if got := w.job(job.ID).Job.State; got != fleet.Running {
		t.Errorf("job is %s", got)
	}
}

func TestTwoTenants(t *testing.T) {
	w := newWorld(t)
	other := auth.Robot("other", "r1", "default") // the same name elsewhere
	if _, err := w.core.Robots.Connect(t.Context(), other, orchestrator.Hello{
		Member: "m", Transport: "ws2", InstanceID: "x", JournalID: "y", Slots: 1,
	}, "token"); err != nil {
		t.Fatal(err)
	}
	r := w.connected("r1")
	if r.welcome.SessionEpoch != 1 || r.welcome.Tenant != "default" {
		t.Errorf("welcome %+v", r.welcome)
	}
	job := w.submit()
	ref := r.start(job.ID)
	if err := w.core.Attempts.NotHeld(t.Context(), other, struct {
		JobID fleet.ID `json:"job_id"`
		Epoch int64    `json:"epoch"`
	}(ref)); err != nil {
		t.Fatal(err)
	}
	if got := w.job(job.ID).Job.State; got != fleet.Running {
		t.Errorf("another tenant's robot of that name took the job away: %s", got)
	}
}

func TestGoroutinesReturn(t *testing.T) {
	w := newWorld(t)
	w.connected("warm").vanish()
	w.eventually("nobody is connected", func() bool { return w.gateway.Connected() == 0 })
	runtime.GC()
	before := runtime.NumGoroutine()
	r := w.robot("r1")
	for i := range 200 {
		r.connect()
		if i%2 == 0 {
			r.vanish()
		} else {
			r.send(&wire.Disconnect{Reason: "enough"})
		}
		<-r.ended
	}
	w.eventually("the goroutines are gone", func() bool { return runtime.NumGoroutine() <= before+5 })
	if r.welcome.SessionEpoch != 200 {
		t.Errorf("session epoch %d after 200 connects", r.welcome.SessionEpoch)
	}
}
