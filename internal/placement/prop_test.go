package placement

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/casarerpa/fleet/fleet"
)

// draw makes a random small fleet with work for it.
func draw(t *rapid.T) View {
	v := View{Now: noon, Seed: 1}
	word := rapid.SampledFrom([]string{"browser", "gpu", "desktop"})
	env := rapid.SampledFrom([]string{"default", "lab", "prod"})
	tenant := rapid.SampledFrom([]fleet.TenantID{"a", "b"})
	caps := func(label string) fleet.Capabilities {
		set, _ := fleet.NewCapabilities(rapid.SliceOfN(word, 0, 2).Draw(t, label)...)
		return set
	}
	for i := range rapid.IntRange(0, 8).Draw(t, "robots") {
		v.Robots = append(v.Robots, Candidate{
			ID: fleet.RobotID(fmt.Sprintf("r%d", i)), Tenant: tenant.Draw(t, "tenant"), Environment: env.Draw(t, "env"),
			Capabilities: caps("caps"), Max: rapid.IntRange(0, 3).Draw(t, "max"), Taken: rapid.IntRange(0, 3).Draw(t, "taken"),
			Status:       rapid.SampledFrom([]fleet.RobotStatus{fleet.RobotOnline, fleet.RobotOnline, fleet.RobotBusy, fleet.RobotPaused, fleet.RobotOffline}).Draw(t, "status"),
			LastAssigned: noon.Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "idle")) * time.Minute),
		})
	}
	seq := int64(0)
	for i := range rapid.IntRange(0, 5).Draw(t, "lanes") {
		l := Lane{ID: int64(i + 1), Tenant: tenant.Draw(t, "tenant"), Environment: env.Draw(t, "env"), Requires: caps("needs")}
		if rapid.IntRange(0, 3).Draw(t, "targeted") == 0 {
			l.Target = fleet.RobotID(fmt.Sprintf("r%d", rapid.IntRange(0, 8).Draw(t, "target")))
		}
		for range rapid.IntRange(0, 6).Draw(t, "jobs") {
			seq++
			j := Job{ID: fleet.ID(fmt.Sprintf("j%d", seq)), Seq: seq, AvailableAt: noon, Priority: fleet.Priority(rapid.IntRange(0, 3).Draw(t, "prio"))}
			if rapid.IntRange(0, 4).Draw(t, "avoids") == 0 {
				j.Avoid = []fleet.RobotID{fleet.RobotID(fmt.Sprintf("r%d", rapid.IntRange(0, 7).Draw(t, "avoid")))}
			}
			l.Jobs = append(l.Jobs, j)
		}
		slices.SortFunc(l.Jobs, func(a, b Job) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		l.Waiting = int64(len(l.Jobs))
		v.Lanes = append(v.Lanes, l)
	}
	return v
}

// Safety: every assignment passes every check, no job twice, no robot beyond
// its slots. Liveness: whoever is left waiting could not have been placed.
// Order: nobody is placed on a robot that someone before him could have had.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := draw(t)
		assigned, refused := Plan(v)
		again, _ := Plan(v)
		if !reflect.DeepEqual(assigned, again) {
			t.Fatalf("two plans of one view: %v and %v", assigned, again)
		}
		after := map[fleet.RobotID]*Candidate{}
		for i := range v.Robots {
			c := v.Robots[i]
			after[c.ID] = &c
		}
		placed := map[fleet.ID]bool{}
		for _, a := range assigned {
			lane, job := find(v, a)
			r := after[a.RobotID]
			if check := first(lane, r, job.Avoid); check != "" || r.Tenant != lane.Tenant {
				t.Fatalf("%s was given to %s, which fails %q", a.JobID, a.RobotID, check)
			}
			if placed[a.JobID] {
				t.Fatalf("%s was placed twice", a.JobID)
			}
			placed[a.JobID] = true
			r.Taken++
		}
		why := map[int64]Refusal{}
		for _, r := range refused {
			why[r.Lane] = r
		}
		for i := range v.Lanes {
			l := &v.Lanes[i]
			for _, j := range l.Jobs {
				if placed[j.ID] {
					continue
				}
				if why[l.ID].Code == "" {
					t.Fatalf("%s waits and no reason was given", j.ID)
				}
				for _, r := range after {
					if r.Tenant == l.Tenant && first(l, r, j.Avoid) == "" {
						t.Fatalf("%s waits although %s could take it", j.ID, r.ID)
					}
				}
				overtaken(t, v, l, j, assigned, after)
			}
		}
		for _, r := range refused {
			n := 0
			for _, count := range r.Counts.First {
				n += count
			}
			if n+r.Counts.Free != r.Counts.Robots {
				t.Fatalf("counts do not add up to the fleet: %+v", r.Counts)
			}
		}
	})
}

// overtaken fails when a job that goes later took a robot that this one could
// have had.
func overtaken(t *rapid.T, v View, l *Lane, j Job, assigned []Assignment, robots map[fleet.RobotID]*Candidate) {
	for _, a := range assigned {
		lane, other := find(v, a)
		r := *robots[a.RobotID]
		r.Taken = r.Max - 1 // the slot that the other one took
		if lane.Tenant == l.Tenant && j.before(*other) && first(l, &r, j.Avoid) == "" {
			t.Fatalf("%s took %s although %s goes first and fits", other.ID, a.RobotID, j.ID)
		}
	}
}

func find(v View, a Assignment) (*Lane, *Job) {
	for i := range v.Lanes {
		for n := range v.Lanes[i].Jobs {
			if v.Lanes[i].Jobs[n].ID == a.JobID {
				return &v.Lanes[i], &v.Lanes[i].Jobs[n]
			}
		}
	}
	return nil, nil
}

// BenchmarkPlan shows what one placement costs at several sizes. Jobs beyond
// the window never reach the planner, so the backlog does not appear here.
func BenchmarkPlan(b *testing.B) {
	for _, size := range []struct{ robots, jobs int }{{1000, 1000}, {10_000, 1000}, {10_000, 10_000}} {
		b.Run(fmt.Sprintf("robots=%d/jobs=%d", size.robots, size.jobs), func(b *testing.B) {
			v := View{Now: noon}
			for i := range size.robots {
				caps, _ := fleet.NewCapabilities([]string{"browser", "gpu", "desktop"}[i%3])
				v.Robots = append(v.Robots, Candidate{
					ID: fleet.RobotID(fmt.Sprintf("r%05d", i)), Tenant: "a", Environment: "default", Capabilities: caps, Status: fleet.RobotOnline, Max: 10,
				})
			}
			for l := range 3 {
				lane := Lane{ID: int64(l), Tenant: "a", Environment: "default", Requires: v.Robots[l%len(v.Robots)].Capabilities, Waiting: int64(size.jobs)}
				for n := range size.jobs / 3 {
					lane.Jobs = append(lane.Jobs, Job{ID: fleet.ID(fmt.Sprintf("j%d-%d", l, n)), Seq: int64(n), Priority: 10})
				}
				v.Lanes = append(v.Lanes, lane)
			}
			b.ReportAllocs()
			placed := 0
			for b.Loop() {
				a, _ := Plan(v)
				placed += len(a)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(placed), "ns/placement")
		})
	}
}
