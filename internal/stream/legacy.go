package stream

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// The live views of the original's clients: its dialog, its dashboard, its log
// viewer and its scripts. They have no cursor and say nothing, so each begins with
// the present state in the frames that also tell of changes, and goes on from the
// place in the log that this state is of, without a gap. Whoever was cut off ends
// with the same state as one who never was.

// Numbers reads the figures of the fleet as one of the views shows them.
type Numbers = func(ctx context.Context) (map[string]any, error)

// legacyView is what one socket of the original carries.
type legacyView struct {
	needs     []fleet.Permission
	jobs      bool
	robots    bool
	admin     bool
	logs      bool
	numbers   bool
	dashboard bool // frames have an envelope, and words are those of the dashboard
	timed     bool // numbers come at each interval and not when they change
	pongs     bool // the text ping is answered with the text pong
}

// legacyViews are the views by their names.
var legacyViews = map[string]legacyView{
	"live-jobs":     {needs: []fleet.Permission{fleet.JobsRead, fleet.RobotsRead}, jobs: true, robots: true, numbers: true, pongs: true},
	"robot-status":  {needs: []fleet.Permission{fleet.RobotsRead}, robots: true, pongs: true},
	"queue-metrics": {needs: []fleet.Permission{fleet.NumbersRead}, numbers: true, pongs: true},
	"admin":         {needs: []fleet.Permission{fleet.AdminStream}, admin: true, pongs: true},
	"logs":          {needs: []fleet.Permission{fleet.JobsRead}, logs: true}, // a pong would be no JSON
	"jobs":          {needs: []fleet.Permission{fleet.JobsRead}, jobs: true, dashboard: true},
	"robots":        {needs: []fleet.Permission{fleet.RobotsRead}, robots: true, dashboard: true},
	"queue-depth":   {needs: []fleet.Permission{fleet.NumbersRead}, numbers: true, dashboard: true},
	"metrics":       {needs: []fleet.Permission{fleet.NumbersRead}, numbers: true, timed: true},
}

// The times of a view.
const (
	legacyRecent  = 10 * time.Minute // jobs that ended within it are told anew
	legacyNumbers = 5 * time.Second  // numbers come at least so often, and readings of a robot at most
	legacyPing    = 20 * time.Second
	legacyWish    = 4 << 10
)

// viewer is one reader of a view.
type viewer struct {
	legacyView
	h     *Hub
	t     *tail
	v     Visit
	c     *websocket.Conn
	count Numbers
	every time.Duration

	cursor int64
	seen   int64      // tick of samples
	parts  []jobsPart // of the snapshot, as long as facts may be older than it
	robots map[fleet.RobotID]*toldRobot
	live   map[fleet.ID]*liveJob
	lines  *follower

	told   string // the numbers that were sent last, and when
	toldAt time.Time
	slow   bool
}

// View serves one reader of the original's until it is gone: name says of which
// view, robot whose lines the log viewer wants (empty: those of all), count reads
// the numbers (nil: the reader has no right to them). An error is for the
// handshake: nothing was written then.
func (h *Hub) View(w http.ResponseWriter, r *http.Request, name string, count Numbers, who auth.Principal, still func() (auth.Principal, bool), stop <-chan struct{}) error {
	view, ok := legacyViews[name]
	if !ok {
		return fleet.NotFound("view", name)
	}
	v := &viewer{
		legacyView: view, h: h, v: Visit{who, still, stop}, count: count, every: legacyNumbers,
		robots: map[fleet.RobotID]*toldRobot{}, live: map[fleet.ID]*liveJob{},
	}
	if err := v.may(who); err != nil {
		return err
	}
	if err := v.read(r); err != nil {
		return err
	}
	if !upgrades(r) {
		e := fleet.Errorf(fleet.CodeInvalid, "no_upgrade", "This is a WebSocket; the request does not ask for one.")
		e.Status = http.StatusUpgradeRequired
		return e.WithFix("Send 'Upgrade: websocket', or read GET /api/v1/stream, which can be read without.")
	}
	t, leave, err := h.enter(r.Context(), who.Tenant)
	if err != nil {
		return err
	}
	defer leave()
	v.t = t
	if err := t.health(); err != nil {
		return err
	}
	if v.c, err = accept(w, r); err != nil {
		return nil //nolint:nilerr // the handshake was answered
	}
	defer func() { _ = v.c.CloseNow() }()
	v.c.SetReadLimit(legacyWish)
	v.run(r.Context())
	return nil
}

// may asks for all that the view shows.
func (v *viewer) may(who auth.Principal) error {
	for _, p := range v.needs {
		if err := who.Require(p); err != nil {
			return err
		}
	}
	return nil
}

// read takes what a view is asked for. Other parameters of the original are no
// fault, and mean nothing here.
func (v *viewer) read(r *http.Request) error {
	q := r.URL.Query()
	if v.logs {
		level := strings.ToUpper(q.Get("min_level"))
		if level == "" {
			level = "DEBUG"
		}
		v.lines = &follower{robot: fleet.RobotID(r.PathValue("robot_id")), jobs: map[fleet.ID]*followed{}}
		var ok bool
		if v.lines.least, ok = logRank(level); !ok {
			return fleet.Invalid("min_level", "min_level must be TRACE, DEBUG, INFO, WARNING, ERROR or CRITICAL; got %q.", clip(level))
		}
		if v.lines.robot != "" {
			err := v.h.o.Store.View(r.Context(), v.v.Who.Scope(), func(r store.Reader) error { _, err := r.Robot(v.lines.robot); return err })
			if err != nil {
				return err
			}
		}
	}
	if text := q.Get("interval"); v.timed && text != "" {
		var n int
		if err := json.Unmarshal([]byte(text), &n); err != nil || n < 1 || n > 60 {
			return fleet.Invalid("interval", "interval must be 1 to 60 seconds; got %q.", clip(text))
		}
		v.every = time.Duration(n) * time.Second
	}
	return nil
}

// health says whether the log can be read now.
func (t *tail) health() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.broken
}

// run serves the open socket, and says why when it ends.
func (v *viewer) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pings := make(chan struct{}, 1)
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		defer cancel() // whoever has gone is not written to
		v.listen(ctx, pings)
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		defer cancel()
		v.knock(ctx)
	}()
	err := v.serve(ctx, pings)
	var c closing
	switch {
	case errors.As(err, &c):
		_ = v.c.Close(websocket.StatusCode(c.code), c.reason) // the reader may have gone
	case errors.Is(err, errGone), errors.Is(err, context.Canceled):
	default: // it comes back at once, to the present state
		_ = v.c.Close(websocket.StatusCode(closeStopping), "the log cannot be read now")
	}
	cancel()
	_ = v.c.CloseNow()
	<-done
	<-done
}

// listen reads what the reader says, which is at most a ping.
func (v *viewer) listen(ctx context.Context, pings chan<- struct{}) {
	for {
		_, data, err := v.c.Read(ctx)
		if err != nil {
			return
		}
		if v.pongs && strings.TrimSpace(string(data)) == "ping" {
			select {
			case pings <- struct{}{}:
			default: // one is waiting, and answers both
			}
		}
	}
}

// knock finds readers that are gone without a word.
func (v *viewer) knock(ctx context.Context) {
	every := time.NewTicker(legacyPing)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		wait, cancel := context.WithTimeout(ctx, legacyPing)
		err := v.c.Ping(wait)
		cancel()
		if err != nil {
			return
		}
	}
}

func (v *viewer) serve(ctx context.Context, pings <-chan struct{}) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	every := time.NewTicker(look)
	defer every.Stop()
	for {
		more, behind, err := v.turn(ctx)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errGone
		case <-v.v.Stop:
			return closing{closeStopping, "the orchestrator stops"}
		case <-wait(more, behind):
		case <-pings:
			err = v.text(ctx, []byte("pong"))
		case <-every.C:
			err = v.look(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// begin tells the present state.
func (v *viewer) begin(ctx context.Context) error {
	robots := v.enterAt()
	if err := v.tellNumbers(ctx, true); err != nil {
		return err
	}
	switch {
	case v.admin:
		return v.beginAdmin(ctx, robots)
	case v.logs:
		return v.beginLogs(ctx)
	}
	if v.legacyView.robots {
		for i := range robots {
			if err := v.robot(ctx, &robots[i], true); err != nil {
				return err
			}
		}
	}
	if v.jobs {
		return v.beginJobs(ctx)
	}
	return nil
}

// enterAt puts the reader where the tail is, and returns the robots as they are
// there: what comes later is told by facts after that place and by later samples.
func (v *viewer) enterAt() (robots []fleet.Robot) {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	v.cursor, v.seen = v.t.base+int64(len(v.t.facts)), v.t.ticked
	for _, s := range v.t.robots {
		if s.shown != nil && v.sees(s.shown.env) {
			robots = append(robots, *s.shown.robot)
		}
	}
	slices.SortFunc(robots, func(a, b fleet.Robot) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return robots
}

func (v *viewer) sees(environment string) bool { return v.v.Who.Scope().Sees(environment) }

// look is what is due with time alone.
func (v *viewer) look(ctx context.Context) error {
	who, ok := v.v.Still()
	if !ok {
		return closing{closeEnded, "the credential has ended"}
	}
	if v.may(who) != nil {
		return closing{closeDenied, "the credential no longer has the right"}
	}
	v.v.Who = who
	for id, told := range v.robots {
		if told.owed {
			if r := v.t.robot(id, 0); r != nil {
				if err := v.robot(ctx, r, false); err != nil {
					return err
				}
			}
		}
	}
	if v.logs {
		return v.followLines(ctx)
	}
	return v.tellNumbers(ctx, false)
}

// turn tells what there is after the reader's place.
func (v *viewer) turn(ctx context.Context) (more <-chan struct{}, behind bool, err error) {
	facts, more, ok := v.t.after(v.cursor)
	if !ok {
		b, err := v.h.read(ctx, v.v.Who.Tenant, v.cursor, page)
		if err != nil {
			return more, false, err
		}
		facts = b.facts
	}
	if err := v.facts(ctx, facts); err != nil {
		return more, false, err
	}
	if err := v.samples(ctx); err != nil {
		return more, false, err
	}
	waits := v.t.waiting(v.cursor)
	if v.slow && waits*largeFact > backlog {
		return more, true, closing{closeSlow, "more waits for the reader than it takes"}
	}
	return more, waits > 0 || !ok, nil
}

// facts tells of facts, and moves the reader's place on.
func (v *viewer) facts(ctx context.Context, facts []*fact) error {
	data, err := v.dataOf(ctx, facts)
	if err != nil {
		return err
	}
	for _, f := range facts {
		if f.env == "" || v.sees(f.env) {
			if err := v.fact(ctx, f, data); err != nil {
				return err
			}
		}
		v.cursor = f.event.Seq
	}
	for len(v.parts) > 0 && !slices.ContainsFunc(v.parts, func(p jobsPart) bool { return p.head > v.cursor }) {
		v.parts = nil
	}
	return nil
}

func (v *viewer) fact(ctx context.Context, f *fact, data map[fleet.ID]*fleet.JobData) error {
	switch {
	case v.admin:
		return v.adminFact(ctx, f)
	case v.logs:
		v.lines.heed(f, v.h.o.Now())
		return nil
	}
	if v.jobs {
		if err := v.jobFact(ctx, f, data); err != nil {
			return err
		}
	}
	if !v.legacyView.robots {
		return nil
	}
	if f.gone && topicOf(&f.event) == topicRobots {
		return v.robotGone(ctx, fleet.RobotID(f.event.Subject.ID))
	}
	if f.robot == nil || !v.sees(f.robot.Environment) {
		return nil
	}
	if newest := v.t.robot(f.robot.ID, f.event.Seq); newest != nil {
		return v.robot(ctx, newest, false)
	}
	return v.robot(ctx, f.robot, false)
}

// samples tells of the readings that changed.
func (v *viewer) samples(ctx context.Context) error {
	if !v.legacyView.robots && !v.jobs && !v.admin || !v.t.newer(v.seen) {
		return nil
	}
	list, newest, _ := v.t.samplesAfter(v.seen, 0)
	v.seen = newest
	for _, s := range list {
		if !v.sees(s.env) {
			continue
		}
		var err error
		switch {
		case s.run != nil && v.jobs:
			err = v.progress(ctx, s.run)
		case s.robot != nil && v.admin:
			err = v.adminBeat(ctx, s.robot)
		case s.robot != nil && v.legacyView.robots:
			err = v.robot(ctx, s.robot, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tellNumbers sends the numbers if they are due.
func (v *viewer) tellNumbers(ctx context.Context, first bool) error {
	if !v.numbers || v.count == nil {
		return nil
	}
	due := v.h.o.Now().Sub(v.toldAt) >= v.every-look/2
	if v.timed && !due {
		return nil
	}
	n, err := v.count(ctx)
	if err != nil {
		if first || errors.Is(err, context.Canceled) {
			return err
		}
		return nil //nolint:nilerr // the next look asks again; whether the log can be read, the facts show
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if string(text) == v.told && !due {
		return nil
	}
	v.told, v.toldAt = string(text), v.h.o.Now()
	switch {
	case v.timed:
		return v.send(ctx, map[string]any{"type": "metrics", "timestamp": moment(v.toldAt), "data": n})
	case v.dashboard:
		return v.wrap(ctx, "queue_depth", n)
	}
	frame := maps.Clone(n) // others are told the same numbers
	frame["type"], frame["timestamp"] = "queue_metrics", moment(v.toldAt)
	return v.send(ctx, frame)
}

// wrap sends a frame of the dashboard.
func (v *viewer) wrap(ctx context.Context, kind string, data any) error {
	return v.send(ctx, map[string]any{
		"type": kind, "ts": moment(v.h.o.Now()), "tenant_id": v.v.Who.Tenant, "workspace_id": nil, "data": data,
	})
}

func (v *viewer) send(ctx context.Context, frame any) error {
	data, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	return v.text(ctx, data)
}

// text writes one message. A reader that takes nothing delays nobody, and is cut
// off.
func (v *viewer) text(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	if err := v.c.Write(ctx, websocket.MessageText, data); err != nil {
		if time.Since(began) >= patience {
			return closing{closeSlow, "the reader takes nothing"}
		}
		return errGone
	}
	v.slow = time.Since(began) > sluggish
	return nil
}
