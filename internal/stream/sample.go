package stream

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// clocks is by how much the clocks of orchestrators, and a slow commit, may make
// a sample look older than it is.
const clocks = 10 * time.Second

// sampled is a reading of which only the newest counts.
type sampled struct {
	at int64 // ms, when it was noted here
	topic,
	id,
	env string
	text  []byte
	robot *fleet.Robot   // of a robot's
	run   *store.Running // of a job's
}

type robotSample struct {
	robot fleet.Robot
	shown *sampled
}

type jobSample struct {
	run   store.Running
	shown *sampled
}

// tick names what one look found changed. What is sent is what is known by then,
// so that a sample is never older than the facts before it.
type tick struct {
	n      int64
	mark   int64 // ms
	robots []fleet.RobotID
	jobs   []fleet.ID
}

// sample reads what changed since the last look. What changes with time alone, a
// robot that falls silent, changes here, too.
func (t *tail) sample(ctx context.Context) error {
	now := t.h.o.Now()
	var since time.Time
	if t.robots != nil {
		for _, s := range t.robots {
			if s.robot.LastSeen.After(since) {
				since = s.robot.LastSeen
			}
		}
		if !since.IsZero() {
			since = since.Add(-clocks)
		}
	}
	var robots []fleet.Robot
	var running []store.Running
	err := t.h.o.Store.View(ctx, scope(t.tenant), func(r store.Reader) (err error) {
		if robots, err = r.SeenSince(since); err != nil {
			return err
		}
		running, err = r.Running()
		return err
	})
	if err != nil {
		return err
	}
	first := t.robots == nil
	k := tick{mark: now.UnixMilli()}
	known := make(map[fleet.RobotID]*robotSample, len(robots))
	maps.Copy(known, t.robots)
	for i := range robots {
		r := &robots[i]
		s := known[r.ID]
		if s == nil {
			known[r.ID] = &robotSample{robot: *r}
			continue
		}
		next := *s
		next.robot = *r
		known[r.ID] = &next
	}
	for id, s := range known {
		r := s.robot
		r.Derive(t.h.o.Timing(r.Environment), now)
		if s.shown != nil && sameSample(s.shown.robot, &r) {
			continue
		}
		at := k.mark
		if first && !r.LastSeen.IsZero() {
			at = r.LastSeen.UnixMilli()
		}
		next := &robotSample{robot: s.robot, shown: showSample(&r, at)}
		known[id] = next
		k.robots = append(k.robots, id)
	}
	runs := make(map[fleet.ID]*jobSample, len(running))
	for i := range running {
		run := &running[i]
		if s := t.running[run.JobID]; s != nil && s.run == *run {
			runs[run.JobID] = s
			continue
		}
		s := &jobSample{run: *run, shown: showRun(run, k.mark)}
		runs[run.JobID] = s
		k.jobs = append(k.jobs, run.JobID)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.robots, t.running = known, runs
	if len(k.robots)+len(k.jobs) == 0 {
		return nil
	}
	t.ticked++
	k.n = t.ticked
	if t.ticks = append(t.ticks, k); len(t.ticks) > ringTicks {
		t.ticks = append([]tick(nil), t.ticks[1:]...)
	}
	t.tell()
	return nil
}

func sameSample(a, b *fleet.Robot) bool {
	return a.LastSeen.Equal(b.LastSeen) && a.Metrics == b.Metrics && a.Taken == b.Taken && a.Status == b.Status && a.Suspect == b.Suspect
}

func showSample(r *fleet.Robot, at int64) *sampled {
	c := *r
	s := &sampled{at: at, topic: topicRobots, id: string(r.ID), env: r.Environment, robot: &c}
	s.text, _ = json.Marshal([]any{"r", r.ID, millis(r.LastSeen), r.Metrics.CPUPercent, r.Metrics.MemoryMB, r.Taken, r.Status, r.Suspect}) // plain values always encode
	return s
}

func showRun(run *store.Running, at int64) *sampled {
	s := &sampled{at: at, topic: topicJobs, id: string(run.JobID), env: run.Environment, run: run}
	s.text, _ = json.Marshal([]any{"j", run.JobID, run.Epoch, run.Progress, run.Node}) // plain values always encode
	return s
}

// samplesAfter returns what was noted after a tick, and the newest tick with its
// mark. Who has seen no tick yet gets what was noted since a mark.
func (t *tail) samplesAfter(seen, mark int64) (list []*sampled, newest, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	newest = t.ticked
	if n := len(t.ticks); n > 0 {
		now = t.ticks[n-1].mark
	}
	if seen > 0 && len(t.ticks) > 0 && seen+1 >= t.ticks[0].n {
		for _, k := range t.ticks[len(t.ticks)-int(newest-seen):] {
			for _, id := range k.robots {
				if s := t.robots[id]; s != nil {
					list = append(list, s.shown)
				}
			}
			for _, id := range k.jobs {
				if s := t.running[id]; s != nil {
					list = append(list, s.shown)
				}
			}
		}
		return list, newest, now
	}
	from := mark - clocks.Milliseconds()
	for _, s := range t.robots {
		if s.shown != nil && s.shown.at >= from {
			list = append(list, s.shown)
		}
	}
	for _, s := range t.running {
		if s.shown.at >= from {
			list = append(list, s.shown)
		}
	}
	return list, newest, now
}

// heed takes the rows that came with facts: they are newer than the samples. The
// lock is held.
func (t *tail) heed(facts []*fact) {
	for _, f := range facts {
		switch {
		case f.robot != nil:
			s := &robotSample{robot: *f.robot, shown: showSample(f.robot, t.h.o.Now().UnixMilli())}
			t.robots[f.robot.ID] = s
		case f.gone && topicOf(&f.event) == topicRobots:
			delete(t.robots, fleet.RobotID(f.event.Subject.ID))
		}
	}
}

// newer says whether there are samples after a tick.
func (t *tail) newer(seen int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ticked > seen
}
