package placement

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The bounds of internal/snapshot, which reads the windows of lanes: what does
// not fit into the room never reaches the planner.
const (
	spare = 8
	most  = 1024
)

// abilities are the capabilities of the benchmarks.
var abilities = func() (out []string) {
	for i := range 20 {
		out = append(out, fmt.Sprintf("cap%02d", i))
	}
	return out
}()

func capabilities(list ...string) fleet.Capabilities {
	c, err := fleet.NewCapabilities(list...)
	if err != nil {
		panic(err)
	}
	return c
}

// kinds are robots of 50 kinds, each with ten of the capabilities.
func kinds(n, slots, taken int) []Candidate {
	out := make([]Candidate, n)
	for i := range out {
		var caps []string
		for k := range 10 {
			caps = append(caps, abilities[(i%50+k*(1+i%50/20))%len(abilities)])
		}
		out[i] = Candidate{
			ID: fleet.RobotID(fmt.Sprintf("r%05d", i)), Tenant: "a", Environment: "default", Capabilities: capabilities(caps...),
			Status: fleet.RobotOnline, Max: slots, Taken: taken,
		}
	}
	return out
}

// classes are lanes that each need two capabilities: at most 200 of them.
func classes(n int, pending int64) []Lane {
	var out []Lane
	for i := range abilities {
		for k := i + 1; k < len(abilities) && len(out) < n; k++ {
			out = append(out, Lane{
				ID: int64(len(out) + 1), Tenant: "a", Environment: "default", Requires: capabilities(abilities[i], abilities[k]), Waiting: pending / int64(n),
			})
		}
	}
	for i := 0; len(out) < n; i++ { // the others are told apart by a target
		out = append(out, Lane{
			ID: int64(len(out) + 1), Tenant: "a", Environment: "default", Target: fleet.RobotID(fmt.Sprintf("r%05d", i)), Waiting: pending / int64(n),
		})
	}
	return out
}

// windows fills the lanes as far as there is room, as a snapshot does.
func windows(v *View) {
	for i, room := range Rooms(*v) {
		l := &v.Lanes[i]
		n := 0
		if room > 0 {
			n = min(room+spare, most, int(l.Waiting))
		}
		l.Jobs = make([]Job, n)
		for k := range l.Jobs {
			l.Jobs[k] = Job{ID: fleet.ID(fmt.Sprintf("j%d-%d", l.ID, k)), Seq: int64(k), Priority: fleet.Priority(k * 20 / max(n, 1))}
		}
	}
}

// BenchmarkPlan is what one placement costs, at several sizes of the fleet and
// of the backlog, in a fleet that has just come, in one where a hundred slots
// became free, and in one where nothing can be placed. It holds both looks of a
// round: Rooms, which says how many jobs to read, and Assign.
func BenchmarkPlan(b *testing.B) {
	for _, size := range []struct {
		robots, classes int
		pending         int64
		free            int // slots; 0: all
	}{
		{10, 200, 1000, 0},
		{1000, 200, 1000, 0},
		{10_000, 200, 1000, 0},
		{10_000, 200, 1_000_000, 0},
		{10_000, 200, 1_000_000, 100},
		{10_000, 200, 1000, -1},
		{10_000, 200, 100_000, -1},
		{10_000, 200, 1_000_000, -1},
	} {
		const slots = 10
		name := map[int]string{0: "all", 100: "100", -1: "none"}[size.free]
		b.Run(fmt.Sprintf("robots=%d/classes=%d/pending=%d/free=%s", size.robots, size.classes, size.pending, name), func(b *testing.B) {
			v := View{Now: noon, Robots: kinds(size.robots, slots, 0), Lanes: classes(size.classes, size.pending)}
			for i := range v.Robots {
				if size.free != 0 && i >= size.free {
					v.Robots[i].Taken = slots
				} else if size.free > 0 {
					v.Robots[i].Taken = slots - 1
				}
			}
			windows(&v)
			b.ReportAllocs()
			placed := 0
			for b.Loop() {
				Rooms(v)
				placed += len(Assign(v).Assigned)
			}
			if placed > 0 {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(placed), "ns/placement")
				b.ReportMetric(float64(placed)/float64(b.N), "placements/op")
			}
		})
	}
}

// simulation is a fleet in time: jobs come, robots take them and end them.
type simulation struct {
	robots  []Candidate
	lanes   []Lane
	rng     *rand.Rand
	seq     int64
	waiting []waitingJob   // in the order of their submission
	ordered [][]waitingJob // by lane, in the order of placement: the index of the database
	ends    map[int][]int
	started int
	// violations are jobs that started although one of higher priority, which
	// could have had that very robot, was left waiting.
	violations int
	spent      time.Duration // on decisions
}

type waitingJob struct {
	Job
	lane int
}

// start is one decision.
type start struct {
	job   fleet.ID
	robot int
}

func newSimulation(robots, jobs int) *simulation {
	s := &simulation{robots: kinds(robots, 2, 0), lanes: classes(100, 0), rng: rand.New(rand.NewPCG(1, 2)), ends: map[int][]int{}}
	s.ordered = make([][]waitingJob, len(s.lanes))
	s.arrive(jobs, noon)
	return s
}

func (s *simulation) arrive(n int, now time.Time) {
	for range n {
		s.seq++
		w := waitingJob{Job{
			ID: fleet.ID(fmt.Sprintf("j%06d", s.seq)), Seq: s.seq, Priority: fleet.Priority(5 * s.rng.IntN(5)), AvailableAt: now,
		}, s.rng.IntN(len(s.lanes))}
		s.waiting = append(s.waiting, w)
		list := s.ordered[w.lane]
		at, _ := slices.BinarySearchFunc(list, w, func(a, b waitingJob) int {
			return cmp.Or(cmp.Compare(a.Priority, b.Priority), compareJobs(&a.Job, &b.Job))
		})
		s.ordered[w.lane] = slices.Insert(list, at, w)
	}
}

// run lets time pass in steps; in each some jobs end and some come.
func (s *simulation) run(steps, arrivals int, decide func(s *simulation, now time.Time, came int) []start) {
	for step := range steps {
		now := noon.Add(time.Duration(step) * time.Second)
		for _, r := range s.ends[step] {
			s.robots[r].Taken--
		}
		delete(s.ends, step)
		came := len(s.waiting)
		if step > 0 {
			s.arrive(arrivals, now)
		} else {
			came = 0
		}
		began := time.Now()
		starts := decide(s, now, came)
		s.spent += time.Since(began)
		s.apply(starts, step)
	}
}

func (s *simulation) apply(starts []start, step int) {
	gone := make(map[fleet.ID]int, len(starts))
	for _, x := range starts {
		gone[x.job] = x.robot
		s.started++
		s.robots[x.robot].Taken++
		if s.robots[x.robot].Taken > s.robots[x.robot].Max {
			panic("oversubscribed")
		}
		end := step + 5 + s.rng.IntN(20)
		s.ends[end] = append(s.ends[end], x.robot)
	}
	started := func(w waitingJob) bool { _, ok := gone[w.ID]; return ok }
	for l := range s.ordered {
		s.ordered[l] = slices.DeleteFunc(s.ordered[l], started)
	}
	for i := range s.waiting {
		robot, ok := gone[s.waiting[i].ID]
		if ok && slices.ContainsFunc(s.ordered, func(left []waitingJob) bool {
			return len(left) > 0 && left[0].Priority < s.waiting[i].Priority &&
				s.robots[robot].Capabilities.Covers(s.lanes[left[0].lane].Requires)
		}) {
			s.violations++
		}
	}
	s.waiting = slices.DeleteFunc(s.waiting, started)
}

// planned decides by Plan. To put the windows together counts, as it does where
// the database is asked for them.
func planned(s *simulation, now time.Time, _ int) []start {
	v := View{Now: now, Robots: s.robots, Lanes: slices.Clone(s.lanes)}
	for i := range v.Lanes {
		v.Lanes[i].Waiting = int64(len(s.ordered[i]))
	}
	for i, room := range Rooms(v) {
		if room == 0 {
			continue
		}
		for _, w := range s.ordered[i][:min(len(s.ordered[i]), room+spare)] {
			v.Lanes[i].Jobs = append(v.Lanes[i].Jobs, w.Job)
		}
	}
	robot := make(map[fleet.RobotID]int, len(s.robots))
	for i := range s.robots {
		robot[s.robots[i].ID] = i
	}
	var out []start
	for _, a := range Assign(v).Assigned {
		out = append(out, start{a.JobID, robot[a.RobotID]})
	}
	return out
}

// scanned is the algorithm of the specification, _try_assign_job: for a job,
// all robots with room and the capabilities, sorted by their current jobs, the
// first of them. A job that found none is tried again whenever capacity was
// freed, which the specification leaves out.
func scanned(s *simulation, _ time.Time, _ int) []start { return scan(s, 0) }

// forgetful is the specification to the letter: a job is tried when it comes.
func forgetful(s *simulation, _ time.Time, came int) []start { return scan(s, came) }

func scan(s *simulation, from int) (out []start) {
	taken := make([]int, len(s.robots))
	for i := range s.robots {
		taken[i] = s.robots[i].Taken
	}
	for i := from; i < len(s.waiting); i++ {
		requires := s.lanes[s.waiting[i].lane].Requires
		var candidates []int
		for r := range s.robots {
			c := &s.robots[r]
			if taken[r] < c.Max && c.Capabilities.Covers(requires) && c.Tenant == "a" {
				candidates = append(candidates, r)
			}
		}
		if len(candidates) == 0 {
			continue
		}
		slices.SortStableFunc(candidates, func(a, b int) int { return taken[a] - taken[b] })
		taken[candidates[0]]++
		out = append(out, start{s.waiting[i].ID, candidates[0]})
	}
	return out
}

var deciders = []struct {
	name   string
	decide func(*simulation, time.Time, int) []start
}{{"plan", planned}, {"scan", scanned}, {"scan-to-the-letter", forgetful}}

// BenchmarkFleet is a fleet of 1,000 robots with mixed demands under a backlog,
// decided by Plan and, side by side in the same world, by the scan of the
// specification's algorithm.
func BenchmarkFleet(b *testing.B) {
	for _, d := range deciders {
		b.Run(d.name, func(b *testing.B) {
			var s *simulation
			var spent time.Duration
			started := 0
			for b.Loop() {
				s = newSimulation(1000, 10_000)
				s.run(40, 150, d.decide)
				spent, started = spent+s.spent, started+s.started
			}
			b.ReportMetric(float64(started)/spent.Seconds(), "placements/s")
			b.ReportMetric(100*float64(s.violations)/float64(s.started), "%overtaken")
			b.ReportMetric(float64(len(s.waiting)), "waiting")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// In the same world Plan lets nobody overtake and starts no fewer jobs than the
// scan, which does; and what the scan forgets for ever, it starts.
func TestPlanBesideTheScan(t *testing.T) {
	got := map[string]*simulation{}
	for _, d := range deciders {
		s := newSimulation(60, 600)
		s.run(60, 8, d.decide)
		got[d.name] = s
	}
	plan, scan, letter := got["plan"], got["scan"], got["scan-to-the-letter"]
	if plan.violations != 0 {
		t.Errorf("%d jobs overtook one of higher priority that could have had their robot", plan.violations)
	}
	if scan.violations == 0 {
		t.Error("the scan overtakes nobody: the world is too easy to tell them apart")
	}
	if 100*plan.started < 97*scan.started {
		t.Errorf("plan started %d jobs, the scan %d", plan.started, scan.started)
	}
	if len(letter.waiting) <= len(plan.waiting) {
		t.Errorf("the scan to the letter leaves %d jobs, plan %d", len(letter.waiting), len(plan.waiting))
	}
}
