package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// model is the contract as a map: the jobs of one tenant, moved by the same
// rules, and nothing that a database needs.
type model struct {
	f        *Fixture
	jobs     map[fleet.ID]*fleet.Subject
	ids      []fleet.ID
	data     map[fleet.ID]fleet.JobData
	refused  map[string]fleet.Refusal // job/robot
	events   []fleet.EventKind
	sessions map[fleet.RobotID]int64
	opened   map[fleet.ID]int64 // epoch that announced the job's effect
}

const modelRobots, modelSlots = 2, 2

// RunModel makes random calls on the store and on the model, and compares
// every answer and, at the end, everything that can be read.
func RunModel(t *testing.T, open Open) {
	base := New(t, open)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		m := newModel(base.Other(fleet.TenantID(fmt.Sprintf("tenant-%d", n))))
		for range rapid.IntRange(5, size(60, 25)).Draw(rt, "steps") {
			m.step(rt)
		}
		m.compare(rt)
	})
	base.CheckInvariants()
}

func newModel(f *Fixture) *model {
	m := &model{
		f: f, jobs: map[fleet.ID]*fleet.Subject{}, data: map[fleet.ID]fleet.JobData{}, refused: map[string]fleet.Refusal{},
		sessions: map[fleet.RobotID]int64{}, opened: map[fleet.ID]int64{},
	}
	for i := range modelRobots {
		m.sessions[name("r", i)] = f.Robot(name("r", i), modelSlots)
	}
	return m
}

func (m *model) step(rt *rapid.T) {
	f := m.f
	f.Later(time.Duration(rapid.IntRange(0, 20).Draw(rt, "seconds")) * time.Second)
	verb := rapid.SampledFrom([]string{
		"submit", "submit", "assign", "assign", "assign", "accept", "accept", "report", "report", "report", "cancel", "due", "due",
		"beat", "beat", "effect", "reject", "not taken", "lose", "silence", "run limit", "stop limit", "wait limit", "release", "decide",
	}).Draw(rt, "verb")
	if verb == "submit" || len(m.ids) == 0 {
		m.submit(rt)
		return
	}
	id := rapid.SampledFrom(m.ids).Draw(rt, "job")
	robot := name("r", rapid.IntRange(0, modelRobots-1).Draw(rt, "robot"))
	s := m.jobs[id]
	switch verb {
	case "assign":
		m.assign(rt, s, robot)
	case "accept":
		want, wantErr := s.Accept(s.Job.RobotID, s.Job.Epoch, f.Now)
		errs, err := f.Store.Accept(f.Context(), f.Scope, []store.Acceptance{f.acceptance(s.Job)}, f.Now)
		f.must(err)
		twice := s.Job.State == fleet.Running && s.Attempt.Live()
		if (errs[0] == nil) != (wantErr == nil || twice) {
			rt.Fatalf("accept of %s job: %v, model %v", s.Job.State, errs[0], wantErr)
		}
		m.took(want)
	case "report":
		m.report(rt, s, robot)
	case "beat":
		m.beat(rt, robot)
	case "effect":
		m.effect(s)
	default:
		chance := rapid.Float64Range(0, 0.99).Draw(rt, "chance")
		decide := m.decision(verb, robot, chance)
		want, wantErr := decide(*s)
		err := f.Move(id, decide)
		if (err == nil) != (wantErr == nil) {
			rt.Fatalf("%s of %s job: %v, model %v", verb, s.Job.State, err, wantErr)
		}
		m.took(want)
	}
}

func (m *model) decision(verb string, robot fleet.RobotID, chance float64) func(s fleet.Subject) (*fleet.Move, error) {
	now := m.f.Now
	return func(s fleet.Subject) (*fleet.Move, error) {
		earlier := m.refused[string(s.Job.ID)+"/"+string(s.Job.RobotID)].Count
		switch verb {
		case "cancel":
			return s.Cancel(fleet.CancelRequest{By: "u", Reason: "why", Grace: time.Minute, Force: chance > 0.7}, now)
		case "due":
			return s.Due(now)
		case "reject":
			return s.Reject(robot, s.Job.Epoch, fleet.RejectAtCapacity, "", earlier, now)
		case "not taken":
			return s.NotTaken(s.Job.Epoch, fleet.RejectNoAnswer, earlier, now)
		case "lose":
			return s.Lose(fleet.Loss{Epoch: s.Job.Epoch, Reason: "silent", Chance: chance, NeverStarted: chance > 0.8}, now)
		case "silence":
			return s.Silence(s.Job.Epoch, now)
		case "run limit":
			return s.RunLimit(s.Job.Epoch, time.Minute, now)
		case "stop limit":
			return s.StopLimit(s.Job.Epoch, now)
		case "wait limit":
			return s.WaitLimit(now)
		case "release":
			return s.Release(robot, s.Job.Epoch, earlier, now)
		}
		return s.Decide(fleet.Decision{By: "u", Do: []string{"retry", "fail", "cancel"}[int(chance*3)], Reason: "r"}, nil, now)
	}
}

func (m *model) submit(rt *rapid.T) {
	f := m.f
	spec := f.Spec()
	spec.Priority = fleet.Priority(rapid.IntRange(0, 3).Draw(rt, "priority"))
	spec.RetrySafety = rapid.SampledFrom([]fleet.RetrySafety{fleet.RetryAlways, fleet.RetryUntilEffect, fleet.RetryNever}).Draw(rt, "safety")
	spec.Retry.Max, spec.Retry.MaxLost = 1, 1
	if rapid.Bool().Draw(rt, "later") {
		spec.NotBefore = f.Now.Add(10 * time.Second)
	}
	if rapid.Bool().Draw(rt, "limited") {
		spec.WaitLimit = 30 * time.Second
	}
	j := f.Submit(spec)
	want := fleet.NewJob(spec, f.Now)
	want.Seq = int64(len(m.ids) + 1)
	if d := cmp.Diff(want, j); d != "" {
		rt.Fatalf("submit (-model +store):\n%s", d)
	}
	m.jobs[j.ID] = &fleet.Subject{Job: want}
	m.ids = append(m.ids, j.ID)
	m.events = append(m.events, fleet.EventJobSubmitted)
}

func (m *model) taken(robot fleet.RobotID) (n int) {
	for _, s := range m.jobs {
		if s.Attempt.Live() && s.Attempt.RobotID == robot {
			n++
		}
	}
	return n
}

func (m *model) assign(rt *rapid.T, s *fleet.Subject, robot fleet.RobotID) {
	f := m.f
	plan := f.Plan(s.Job, robot, m.sessions[robot])
	won, lost, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{plan}, f.Now)
	f.must(err)
	want, wantErr := s.Offer(fleet.Slot{
		RobotID: robot, SessionEpoch: m.sessions[robot], Taken: m.taken(robot), Max: modelSlots, Mode: fleet.StartTwoStep,
		AcceptWithin: plan.AcceptWithin, TokenHash: plan.TokenHash,
	}, f.Now)
	if r, ok := m.refused[string(s.Job.ID)+"/"+string(robot)]; ok && r.Until.After(f.Now) {
		wantErr = errors.New("refused")
	}
	if (len(won) == 1) != (wantErr == nil) {
		rt.Fatalf("assign of %s job: won %v, lost %+v, model %v", s.Job.State, len(won), lost, wantErr)
	}
	if wantErr == nil {
		m.took(want)
	}
}

func (m *model) report(rt *rapid.T, s *fleet.Subject, robot fleet.RobotID) {
	f := m.f
	kind := rapid.SampledFrom([]fleet.ReportKind{fleet.ReportComplete, fleet.ReportFailed, fleet.ReportStopped}).Draw(rt, "kind")
	r := f.NewReport(s.Job, kind, 0)
	if rapid.IntRange(0, 9).Draw(rt, "foreign") == 0 {
		r.RobotID = robot
	}
	if r.Error != nil {
		r.Error.Class = rapid.SampledFrom([]fleet.ErrorClass{
			fleet.ClassApplication, fleet.ClassBusiness, fleet.ClassTimeout, fleet.ClassInfrastructure, fleet.ClassInvalid,
		}).Draw(rt, "class")
	}
	r.By = rapid.SampledFrom([]fleet.StoppedBy{fleet.ByRequest, fleet.ByTimeout, fleet.ByShutdown}).Draw(rt, "by")
	want, move := s.Judge(r, f.Now)
	got := f.Report(r)[0].Verdict
	if got != want {
		rt.Fatalf("report %s about %s job: %s, model %s", kind, s.Job.State, got, want)
	}
	m.took(move)
}

// beat lists everything that the robot holds.
func (m *model) beat(rt *rapid.T, robot fleet.RobotID) {
	f := m.f
	b := store.Beat{Tenant: f.Tenant, RobotID: robot, SessionEpoch: m.sessions[robot]}
	for _, id := range m.ids {
		s := m.jobs[id]
		if !s.Attempt.Live() || s.Attempt.RobotID != robot {
			continue
		}
		progress := rapid.IntRange(0, 99).Draw(rt, "progress")
		b.Attempts = append(b.Attempts, store.BeatAttempt{JobID: id, Epoch: s.Job.Epoch, Progress: progress, Node: "n"})
		s.Attempt.RenewSeq++
		s.Attempt.Progress, s.Attempt.CurrentNode, s.Attempt.SilentSince = progress, "n", time.Time{}
	}
	got, err := f.Store.Beat(f.Context(), f.Scope, []store.Beat{b}, f.Now)
	f.must(err)
	if len(got[0].Renewed)+len(got[0].Cancel) != len(b.Attempts) || len(got[0].Missing)+len(got[0].Stale) != 0 {
		rt.Fatalf("beat of %d attempts: %+v", len(b.Attempts), got[0])
	}
}

// effect announces a step that is never closed.
func (m *model) effect(s *fleet.Subject) {
	if !s.Attempt.Live() || s.Job.State != fleet.Running {
		return
	}
	m.f.Report(m.f.NewReport(s.Job, fleet.ReportEffectBegin, 0))
	if !s.EffectOpen { // the first time it is also a sign of life
		s.EffectOpen = true
		s.Attempt.RenewSeq, s.Attempt.SilentSince = s.Attempt.RenewSeq+1, time.Time{}
	} else if m.opened[s.Job.ID] != s.Job.Epoch { // taken over from an older attempt
		s.Attempt.RenewSeq, s.Attempt.SilentSince = s.Attempt.RenewSeq+1, time.Time{}
	}
	m.opened[s.Job.ID] = s.Job.Epoch
}

// took applies a move to the model.
func (m *model) took(move *fleet.Move) {
	if move == nil {
		return
	}
	id := move.Job.ID
	s := m.jobs[id]
	s.Job = move.Job
	// A store keeps microseconds; pauses inside their jitter are finer.
	s.Job.NotBefore, s.Job.AvailableAt = s.Job.NotBefore.Truncate(time.Microsecond), s.Job.AvailableAt.Truncate(time.Microsecond)
	s.Job.ExpiresAt = s.Job.ExpiresAt.Truncate(time.Microsecond)
	if move.Attempt != nil {
		a := *move.Attempt
		s.Attempt = &a
	}
	if r := move.Refusal; r != nil {
		m.refused[string(id)+"/"+string(r.RobotID)] = *r
	}
	if s.Job.State.Final() {
		for i := range modelRobots {
			delete(m.refused, string(id)+"/"+string(name("r", i)))
		}
	}
	if d := move.Data; d != nil {
		data := m.data[id]
		if d.Result != nil {
			data.Result = d.Result
		}
		if d.ClearError {
			data.Error = nil
		} else if d.Error != nil {
			data.Error = d.Error
		}
		data.DurationMS = d.DurationMS
		m.data[id] = data
	}
	if move.Event != nil {
		m.events = append(m.events, move.Event.Kind)
	}
}

// compare reads everything back.
func (m *model) compare(rt *rapid.T) {
	f := m.f
	counts := map[fleet.State]int64{}
	ready := 0
	for _, id := range m.ids {
		s := m.jobs[id]
		counts[s.Job.State]++
		if s.Job.State == fleet.Pending && s.Job.WaitingOn == fleet.WaitingRobot {
			ready++
		}
		got := f.subject(id)
		want := *s
		// What is shown of the attempt is the store's to derive.
		want.Job.Progress, want.Job.CurrentNode, want.Job.Silent = got.Job.Progress, got.Job.CurrentNode, got.Job.Silent
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatalf("job %s (-model +store):\n%s", id, d)
		}
		f.Update(func(tx store.Tx) error { // what a decision would be made from
			inside, err := tx.Subject(id)
			if d := cmp.Diff(got, inside); d != "" {
				rt.Fatalf("job %s (-snapshot +transaction):\n%s", id, d)
			}
			return err
		})
		f.View(func(r store.Reader) error {
			d, err := r.JobData(id)
			wantData := m.data[id]
			if diff := cmp.Diff([]any{wantData.Error, string(wantData.Result), wantData.DurationMS}, []any{d.Error, string(d.Result), d.DurationMS}); diff != "" {
				rt.Fatalf("data of %s (-model +store):\n%s", id, diff)
			}
			return err
		})
	}
	var kinds []fleet.EventKind
	for _, e := range f.Events(0) {
		if e.Kind != fleet.EventJobLateResult { // evidence, not a move
			kinds = append(kinds, e.Kind)
		}
	}
	if d := cmp.Diff(m.events, kinds); d != "" {
		rt.Fatalf("events (-model +store):\n%s", d)
	}
	f.View(func(r store.Reader) error {
		p, err := r.Jobs(store.JobFilter{}, fleet.Page{Limit: 500})
		f.must(err)
		var got []fleet.ID
		for _, j := range p.Jobs {
			got = append(got, j.ID)
		}
		want := slices.Clone(m.ids)
		slices.Reverse(want)
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatalf("list (-model +store):\n%s", d)
		}
		lanes, err := r.Lanes()
		n := 0
		for _, l := range lanes {
			n += int(l.Waiting)
		}
		if n != ready {
			rt.Fatalf("%d wait in lanes, model %d", n, ready)
		}
		f.must(err)
		have, err := r.Counts()
		for _, s := range fleet.States() {
			if !s.Final() && have[s] != counts[s] {
				rt.Fatalf("%d jobs are %s, model %d", have[s], s, counts[s])
			}
		}
		return err
	})
}
