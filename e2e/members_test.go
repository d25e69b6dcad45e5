package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/pgtest"
)

// member is one of several orchestrators on one PostgreSQL, each with
// connections of its own, a client of its own, a road for its robots and a way
// to the database, both of which can be cut.
type member struct {
	*world
	way    *road
	road   *road
	apiKey string // of its client, and of all others
}

func (m *member) sharedKey() string {
	if m == nil {
		return ""
	}
	return m.apiKey
}

// road carries connections to a member until it is cut: then those that are
// there break without a word, and no new one comes through.
type road struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	conns []net.Conn
	shut  bool
	wg    sync.WaitGroup
}

// newRoad opens a road to an address.
func newRoad(t *testing.T, to string) *road {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &road{listener: l, to: to}
	r.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() { r.carry(c) })
		}
	})
	t.Cleanup(func() {
		r.cut(true)
		_ = l.Close() // nothing is served any more
		r.wg.Wait()
	})
	return r
}

func (r *road) url() string { return "http://" + r.listener.Addr().String() }

func (r *road) carry(c net.Conn) {
	defer c.Close()
	far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", r.to)
	if err != nil {
		return
	}
	defer far.Close()
	r.mu.Lock()
	shut := r.shut
	r.conns = append(r.conns, c, far)
	r.mu.Unlock()
	if shut {
		return
	}
	done := make(chan struct{}, 2)
	pipe := func(to, from net.Conn) { _, _ = io.Copy(to, from); done <- struct{}{} } // an end of either ends both
	go pipe(far, c)
	go pipe(c, far)
	<-done
}

// cut breaks the road, or mends it.
func (r *road) cut(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = yes
	if yes {
		for _, c := range r.conns {
			_ = c.Close() // that is the point
		}
		r.conns = nil
	}
}

// newMembers starts orchestrators on the database at this address, which may be
// a pooler's.
func newMembers(t *testing.T, n int, database string) []*member {
	t.Helper()
	at, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	members := make([]*member, n)
	var roads []string
	for i := range members {
		m := &member{world: &world{t: t}, way: newRoad(t, at.Host)}
		through := *at
		through.Host = m.way.listener.Addr().String()
		m.app, err = app.New(t.Context(), app.Options{DatabaseURL: through.String(), Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		m.app.Start(t.Context())
		t.Cleanup(func() {
			m.way.cut(false)
			if err := m.app.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
		if m.apiKey = members[0].sharedKey(); m.apiKey == "" { // the first makes one, for all of them
			_, secret, err := m.app.Keys().NewServiceKey(t.Context(), auth.Local(), "members", fleet.RoleSuperAdmin, 0)
			if err != nil {
				t.Fatal(err)
			}
			m.apiKey = secret.Reveal()
		}
		if m.api, err = client.New(client.Options{URLs: []string{m.app.URL()}, Key: m.apiKey}); err != nil {
			t.Fatal(err)
		}
		m.road = newRoad(t, m.app.Addr().String())
		roads = append(roads, m.road.url())
		members[i] = m
	}
	for _, m := range members {
		m.via = roads
	}
	return members
}

// holder is the member that a robot is connected to, once it is to one.
func holder(ctx context.Context, members []*member) (with, without *member, err error) {
	for ctx.Err() == nil {
		for i, m := range members {
			if m.app.Connected() == 1 {
				return m, members[1-i], nil
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil, nil, ctx.Err()
}

// comes waits until the robot is connected to this member.
func (m *member) comes(ctx context.Context) error {
	for m.app.Connected() != 1 {
		select {
		case <-ctx.Done():
			return errors.New("the robot does not come")
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// sees waits until this member knows of all others and of one leader.
func (m *member) sees(ctx context.Context, all []*member) error {
	for {
		list, err := m.api.ListMembers(ctx)
		leaders, selves := 0, 0
		for _, x := range list {
			if x.Leader {
				leaders++
			}
			if x.Self && x.Address == m.app.URL() {
				selves++
			}
		}
		if err != nil || len(list) == len(all) && leaders == 1 && selves == 1 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("members %+v", list)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

const aWhile = `{"nodes": {
  "s": {"node_id": "s", "node_type": "StartNode"},
  "b": {"node_id": "b", "node_type": "LogNode", "config": {"message": "begun", "include_node_id": false}},
  "w": {"node_id": "w", "node_type": "WaitNode", "config": {"duration": SECONDS}},
  "d": {"node_id": "d", "node_type": "LogNode", "config": {"message": "done", "include_node_id": false}}},
 "connections": [
  {"source_node": "s", "source_port": "exec_out", "target_node": "b", "target_port": "exec_in"},
  {"source_node": "b", "source_port": "exec_out", "target_node": "w", "target_port": "exec_in"},
  {"source_node": "w", "source_port": "exec_out", "target_node": "d", "target_port": "exec_in"}]}`

// submit starts a job that takes a while and waits until it runs.
func (m *member) running(ctx context.Context, seconds string) (fleet.ID, error) {
	job, err := m.api.SubmitJob(ctx, client.SubmitRequest{Workflow: []byte(strings.ReplaceAll(aWhile, "SECONDS", seconds))})
	if err != nil {
		return "", err
	}
	return job.ID, m.reaches(ctx, job.ID, fleet.Running)
}

// begun waits until the robot's own word that it began is committed: nothing
// that it has to report is under way then.
func (m *member) begun(ctx context.Context, id fleet.ID) error {
	for {
		list, err := m.api.JobAttempts(ctx, id)
		if err != nil || len(list) == 1 && !list[0].RunningAt.IsZero() {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("the robot does not say that it began")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// reaches waits for a state of a job as this member sees it.
func (m *member) reaches(ctx context.Context, id fleet.ID, want fleet.State) error {
	s := &story{world: m.world, jobs: map[string]fleet.ID{"j": id}}
	return s.wait(ctx, []string{"j", string(want)}, nil)
}

// facts are the kinds of events of a job, in order.
func (m *member) facts(ctx context.Context, id fleet.ID) (kinds []fleet.EventKind, err error) {
	list, err := m.api.ListEvents(ctx, 0, 500, 0)
	for _, e := range list.Events {
		if e.Subject.ID == string(id) {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds, err
}

// once checks that a job ran in one attempt and that its result was recorded
// once, as any member sees it.
func once(ctx context.Context, t *testing.T, members []*member, id fleet.ID) {
	t.Helper()
	want := []fleet.EventKind{fleet.EventJobSubmitted, fleet.EventJobAssigned, fleet.EventJobStarted, fleet.EventJobCompleted}
	for i, m := range members {
		if err := m.reaches(ctx, id, fleet.Completed); err != nil {
			t.Fatal(err)
		}
		job, err := m.api.GetJob(ctx, id)
		if err != nil || job.Epoch != 1 {
			t.Errorf("member %d: attempt %d, %v", i, job.Epoch, err)
		}
		got, err := m.facts(ctx, id)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("member %d: events %v, %v; want %v", i, got, err, want)
		}
	}
}

// deaf puts a pooler before the database, which gives every transaction another
// session, so that no signal passes between the members.
func deaf(t *testing.T, database string) string { return pgtest.Bouncer(t, database) }

// direct lets signals pass.
func direct(_ *testing.T, database string) string { return database }

func withMembers(t *testing.T, reach func(*testing.T, string) string) (context.Context, []*member) {
	t.Helper()
	if dbtest.OnPostgres(t) {
		t.Skip("it is on PostgreSQL whatever was chosen, so it ran with the tests on the embedded store")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	members := newMembers(t, 2, reach(t, dbtest.NewPostgres(t).DatabaseURL))
	_, stop := members[0].launch("r1", members[0].key("r1"), t.TempDir(), 1)
	t.Cleanup(stop)
	return ctx, members
}

// A robot whose orchestrator is suddenly gone goes on with its job and comes to
// another one; the job is submitted where the robot is not, and no signal
// passes between the two.
func TestRunningJobOutlivesItsOrchestrator(t *testing.T) {
	ctx, members := withMembers(t, deaf)
	with, without, err := holder(ctx, members)
	if err != nil {
		t.Fatal(err)
	}
	id, err := without.running(ctx, "3")
	if err != nil {
		t.Fatal(err)
	}
	with.road.cut(true)
	if err := without.comes(ctx); err != nil {
		t.Fatal(err)
	}
	once(ctx, t, []*member{without, with}, id)
	// The robot works where it is now.
	next, err := without.running(ctx, "0")
	if err == nil {
		once(ctx, t, []*member{without}, next)
	} else if !strings.Contains(err.Error(), "completed") {
		t.Error(err)
	}
}

// A cancel that is accepted where the robot is not reaches it without a signal.
func TestCancelReachesTheRobotOfAnotherMember(t *testing.T) {
	ctx, members := withMembers(t, deaf)
	_, without, err := holder(ctx, members)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if err := m.sees(ctx, members); err != nil {
			t.Error(err)
		}
	}
	id, err := without.running(ctx, "120")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := without.api.CancelJob(ctx, id, client.CancelRequest{Force: true}); err != nil {
		t.Fatal(err)
	}
	if err := without.reaches(ctx, id, fleet.Cancelled); err != nil {
		t.Fatal(err)
	}
	job, err := without.api.GetJob(ctx, id)
	if err != nil || job.CancelOutcome != fleet.StoppedForced || time.Since(start) > fleet.StopConfirm {
		t.Errorf("cancelled %q after %s: %v", job.CancelOutcome, time.Since(start), err)
	}
}

// A member that is cut off from the database refuses writes at once, sends its
// robots away, and comes back by itself; the job runs through all of it.
func TestMemberCutOffFromTheDatabase(t *testing.T) {
	ctx, members := withMembers(t, direct)
	with, without, err := holder(ctx, members)
	if err != nil {
		t.Fatal(err)
	}
	id, err := without.running(ctx, "20")
	if err != nil {
		t.Fatal(err)
	}
	// A report that meets the cut would end the connection at once, as it should.
	if err := without.begun(ctx, id); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	with.way.cut(true)
	status := func(method, path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, with.app.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	if code, _ := status(http.MethodGet, "/health/ready"); code != http.StatusServiceUnavailable {
		t.Errorf("ready: %d", code)
	}
	for _, path := range []string{"/api/v1/jobs", "/api/v1/jobs/" + string(id) + "/cancel"} {
		if code, after := status(http.MethodPost, path); code != http.StatusServiceUnavailable || after == "" {
			// Until the watch has noticed, a request may fail by itself, never with a 500.
			if code >= http.StatusInternalServerError {
				t.Errorf("%s: %d, Retry-After %q", path, code, after)
			}
		}
	}
	if err := without.comes(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 5*time.Second || took > 20*time.Second {
		t.Errorf("the robot moved after %s", took)
	}
	if code, after := status(http.MethodPost, "/api/v1/jobs"); code != http.StatusServiceUnavailable || after == "" {
		t.Errorf("a write is answered with %d, Retry-After %q", code, after)
	}
	if code, after := status(http.MethodGet, "/ws/v2/robot"); code != http.StatusServiceUnavailable || after == "" {
		t.Errorf("a robot is answered with %d, Retry-After %q", code, after)
	}
	once(ctx, t, []*member{without}, id)
	with.way.cut(false)
	for code := 0; code != http.StatusOK; code, _ = status(http.MethodGet, "/health/ready") {
		if ctx.Err() != nil {
			t.Fatal("it does not come back")
		}
	}
	if _, err := with.running(ctx, "1"); err != nil {
		t.Error(err)
	}
	once(ctx, t, members, id)
}
