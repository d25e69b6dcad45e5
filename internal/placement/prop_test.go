package placement

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
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
	tenant := rapid.SampledFrom([]fleet.TenantID{"a", "b"})
	env := rapid.SampledFrom([]string{"default", "lab", "prod"})
	pool := rapid.SampledFrom([]string{"", "web", "office"})
	for i := range rapid.IntRange(0, 8).Draw(t, "robots") {
		c := Candidate{
			ID: robotName(i), Tenant: tenant.Draw(t, "tenant"), Environment: env.Draw(t, "env"), Pool: pool.Draw(t, "pool"),
			Capabilities: someWords(t, "caps"), Tags: someWords(t, "tags"),
			Max: rapid.IntRange(0, 3).Draw(t, "max"), Taken: rapid.IntRange(0, 3).Draw(t, "taken"),
			Status:       rapid.SampledFrom([]fleet.RobotStatus{fleet.RobotOnline, fleet.RobotOnline, fleet.RobotBusy, fleet.RobotPaused, fleet.RobotOffline}).Draw(t, "status"),
			LastAssigned: noon.Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "idle")) * time.Minute),
		}
		if rapid.IntRange(0, 3).Draw(t, "shared") == 0 {
			c.SharedWith = []fleet.TenantID{"a", "b"}
		}
		if rapid.Bool().Draw(t, "facts") {
			c.Facts = fleet.Facts{"mem": {Value: float64(rapid.IntRange(0, 3).Draw(t, "mem"))}}
		}
		v.Robots = append(v.Robots, c)
	}
	seq := int64(0)
	for i := range rapid.IntRange(0, 5).Draw(t, "lanes") {
		l := drawLane(t, int64(i+1), tenant.Draw(t, "tenant"), env.Draw(t, "env"), pool)
		for range rapid.IntRange(0, 6).Draw(t, "jobs") {
			seq++
			j := Job{
				ID: fleet.ID(fmt.Sprintf("j%d", seq)), Seq: seq, Priority: fleet.Priority(rapid.IntRange(0, 3).Draw(t, "prio")),
				AvailableAt: noon.Add(-time.Duration(rapid.IntRange(0, 90).Draw(t, "age")) * time.Second),
				Workflow:    fleet.ID(rapid.SampledFrom([]string{"pay", "web"}).Draw(t, "workflow")),
			}
			if l.Placement.Sticky != nil {
				j.Tied = anyRobot(t, "tied")
			}
			if rapid.IntRange(0, 4).Draw(t, "refused") == 0 {
				j.Avoid = []Refused{{RobotID: anyRobot(t, "by")}}
			}
			l.Jobs = append(l.Jobs, j)
		}
		sortJobs(l.Jobs)
		l.Waiting = int64(len(l.Jobs))
		v.Lanes = append(v.Lanes, l)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "reservations") {
		r := Reservation{
			ID: fleet.ID(fmt.Sprintf("res%d", i)), Tenant: tenant.Draw(t, "tenant"), Slots: rapid.IntRange(1, 4).Draw(t, "slots"),
			For:      fleet.ReservationFor{Workflows: []fleet.ID{"pay"}},
			Selector: fleet.Selector{All: true}, Lend: rapid.Bool().Draw(t, "lend"),
		}
		if rapid.Bool().Draw(t, "some") {
			r.Selector = fleet.Selector{Pools: []string{pool.Draw(t, "pool")}}
		}
		v.Reservations = append(v.Reservations, r)
	}
	if rapid.Bool().Draw(t, "quotas") {
		v.Quotas = []Quota{
			{Tenant: "a", Running: rapid.IntRange(0, 2).Draw(t, "running"), Most: rapid.IntRange(0, 4).Draw(t, "most")},
			{Tenant: "b", Suspended: rapid.IntRange(0, 3).Draw(t, "suspended") == 0},
		}
	}
	for _, name := range []string{"erp", "crm"} {
		if rapid.Bool().Draw(t, "exclusive") {
			v.Exclusives = append(v.Exclusives, Exclusive{Tenant: "a", Name: name})
		}
	}
	if len(v.Exclusives) > 0 && rapid.Bool().Draw(t, "held") {
		v.Exclusives[0].Holders = []fleet.ID{"elsewhere"}
	}
	return v
}

// full says whether a tenant may start no more than it was given.
func full(v *View, tenant fleet.TenantID, given int) bool {
	for _, q := range v.Quotas {
		if q.Tenant == tenant {
			return q.Suspended || q.Most > 0 && q.Running+given >= q.Most
		}
	}
	return false
}

// shut says whether a secret that a lane needs is another job's.
func shut(v *View, l *Lane, assigned []Assignment) bool {
	for _, x := range v.Exclusives {
		if x.Tenant != l.Tenant || !slices.Contains(l.Placement.Secrets, x.Name) {
			continue
		}
		if len(x.Holders) > 0 || slices.ContainsFunc(assigned, func(a Assignment) bool {
			lane, _ := find(*v, a)
			return a.Tenant == x.Tenant && slices.Contains(lane.Placement.Secrets, x.Name)
		}) {
			return true
		}
	}
	return false
}

func robotName(i int) fleet.RobotID { return fleet.RobotID(fmt.Sprintf("r%d", i)) }

func anyRobot(t *rapid.T, label string) fleet.RobotID {
	return robotName(rapid.IntRange(0, 8).Draw(t, label))
}

func someWords(t *rapid.T, label string) fleet.Capabilities {
	set, _ := fleet.NewCapabilities(rapid.SliceOfN(rapid.SampledFrom([]string{"browser", "gpu", "desktop"}), 0, 2).Draw(t, label)...)
	return set
}

// drawLane makes a lane with at most a few rules.
func drawLane(t *rapid.T, id int64, tenant fleet.TenantID, env string, pool *rapid.Generator[string]) Lane {
	l := Lane{ID: id, Tenant: tenant, Environment: env}
	p := &l.Placement
	one := func(label string) bool { return rapid.IntRange(0, 3).Draw(t, label) == 0 }
	if one("needs") {
		l.Requires = someWords(t, "needs")
	}
	if one("targeted") {
		l.Target = anyRobot(t, "target")
	}
	if one("pooled") {
		p.Pool = pool.Draw(t, "pool")
	}
	if one("tagged") {
		p.Tags = someWords(t, "tags")
	}
	if one("facts") {
		p.Facts = []fleet.Comparison{{Fact: "mem", Op: fleet.OpGreaterEqual, Value: []byte("2")}}
	}
	if one("avoids") {
		p.Avoid = &fleet.Selector{Robots: []fleet.RobotID{anyRobot(t, "avoid")}}
	}
	if one("prefers") {
		p.Prefer = []fleet.Preference{{Match: fleet.Selector{Robots: []fleet.RobotID{anyRobot(t, "prefer")}}, Weight: 5}, {Match: fleet.Selector{Pools: []string{"web"}}, Weight: -5}}
	}
	if one("falls back") {
		p.Fallback = []fleet.FallbackStep{{Match: fleet.Selector{Pools: []string{"web"}}, WaitSeconds: 30}, {Match: fleet.Selector{All: true}}}
	}
	if one("usual") {
		p.Usual, p.OnlyUsual = []fleet.RobotID{anyRobot(t, "usual")}, rapid.Bool().Draw(t, "only")
	}
	if one("secrets") {
		p.Secrets = rapid.SampledFrom([][]string{{"erp"}, {"crm", "erp"}, {"other"}}).Draw(t, "names")
	}
	if one("sticky") {
		p.Sticky = &fleet.Sticky{Mode: rapid.SampledFrom([]fleet.StickyMode{fleet.StickySoft, fleet.StickyHard}).Draw(t, "mode"), Key: "k", Then: fleet.StickyAny, WaitSeconds: 45}
	}
	return l
}

// permits is the rules once more, said plainly: may this robot have this job,
// reservations aside? It is what Plan is held against.
func permits(l *Lane, j *Job, c *Candidate) bool {
	p := l.Placement
	waited := noon.Sub(j.AvailableAt).Seconds()
	env := l.Environment == c.Environment || l.Environment == "default" || c.Environment == "default"
	up := (c.Status == fleet.RobotOnline || c.Status == fleet.RobotBusy) && c.Taken < c.Max
	ok := env && up && (c.Tenant == l.Tenant || slices.Contains(c.SharedWith, l.Tenant)) &&
		(l.Target == "" || l.Target == c.ID) && (p.Pool == "" || p.Pool == c.Pool) &&
		len(c.Capabilities.Missing(l.Requires)) == 0 && len(c.Tags.Missing(p.Tags)) == 0 &&
		(p.Avoid == nil || p.Avoid.Robots[0] != c.ID) && (!p.OnlyUsual || l.Target != "" || p.Usual[0] == c.ID)
	if len(p.Facts) > 0 {
		mem, known := c.Facts["mem"]
		ok = ok && known && mem.Value.(float64) >= 2
	}
	if len(p.Fallback) > 0 && c.Pool != "web" {
		ok = ok && waited >= 30
	}
	if p.Sticky != nil && p.Sticky.Mode == fleet.StickyHard && waited < 45 {
		ok = ok && c.ID == j.Tied
	}
	return ok && (len(j.Avoid) == 0 || j.Avoid[0].RobotID != c.ID)
}

// Safety: every assignment passes every rule, no job twice, no robot beyond its
// slots, reservations keep what they had. Liveness: whoever is left waiting
// could not have been placed. Order: nobody is placed on a robot that someone
// before him in his group could have had.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := draw(t)
		out := Plan(v)
		if again := Plan(v); !reflect.DeepEqual(out, again) {
			t.Fatalf("two plans of one view:\n%+v\n%+v", out, again)
		}
		bare := out
		bare.Refused = nil
		if quick := Assign(v); !reflect.DeepEqual(bare, quick) {
			t.Fatalf("robots without room change what is assigned:\n%+v\n%+v", bare, quick)
		}
		after := map[fleet.RobotID]*Candidate{}
		for i := range v.Robots {
			c := v.Robots[i]
			after[c.ID] = &c
		}
		placed, given := map[fleet.ID]bool{}, map[fleet.TenantID]int{}
		for i, a := range out.Assigned {
			if lane, _ := find(v, a); shut(&v, lane, out.Assigned[:i]) {
				t.Fatalf("%s starts although another job has a secret that it needs alone", a.JobID)
			}
			if full(&v, a.Tenant, given[a.Tenant]) {
				t.Fatalf("%s starts although its tenant may start no more", a.JobID)
			}
			given[a.Tenant]++
			lane, job := find(v, a)
			r := after[a.RobotID]
			if !permits(lane, job, r) {
				t.Fatalf("%s was given to %s, which may not have it", a.JobID, a.RobotID)
			}
			if placed[a.JobID] {
				t.Fatalf("%s was placed twice", a.JobID)
			}
			placed[a.JobID] = true
			r.Taken++
		}
		keptWhole(t, v, out, after)
		why := map[int64]Refusal{}
		for _, r := range out.Refused {
			why[r.Lane] = r
		}
		for i := range v.Lanes {
			l := &v.Lanes[i]
			for n := range l.Jobs {
				j := &l.Jobs[n]
				if placed[j.ID] {
					continue
				}
				if why[l.ID].Code == "" {
					t.Fatalf("%s waits and no reason was given", j.ID)
				}
				if full(&v, l.Tenant, given[l.Tenant]) {
					if code := why[l.ID].Code; code != fleet.CodeSuspended && code != fleet.CodeTenantQuota {
						t.Fatalf("%s waits for its tenant's quota, and the reason is %s", j.ID, code)
					}
					continue
				}
				if shut(&v, l, out.Assigned) {
					if code := why[l.ID].Code; code != fleet.CodeSecretHeld {
						t.Fatalf("%s waits for a secret, and the reason is %s", j.ID, code)
					}
					continue
				}
				if len(v.Reservations) > 0 {
					continue
				}
				for _, r := range after {
					if permits(l, j, r) {
						t.Fatalf("%s waits although %s could take it", j.ID, r.ID)
					}
				}
				overtaken(t, v, l, j, out.Assigned, after)
			}
		}
		for _, r := range out.Refused {
			n := 0
			for _, count := range r.Counts.First {
				n += count
			}
			if n+r.Counts.Free != r.Counts.Robots {
				t.Fatalf("counts do not add up to the fleet: %+v", r.Counts)
			}
			if r.JobID != "" && r.Counts.Free > 0 && r.Code != fleet.CodeSuspended && r.Code != fleet.CodeTenantQuota && r.Code != fleet.CodeSecretHeld {
				t.Fatalf("%s waits although a robot could take it: %+v", r.JobID, r.Counts)
			}
		}
	})
}

// keptWhole holds the plan against the law of reservations: of the oldest ones,
// however many one looks at, as many slots can still be kept as before, but for
// those that went to their holders.
func keptWhole(t *rapid.T, v View, out Outcome, after map[fleet.RobotID]*Candidate) {
	before, left := make([]int, len(v.Reservations)), make([]int, len(v.Reservations))
	for i := range v.Reservations {
		r := &v.Reservations[i]
		wanted := slices.ContainsFunc(v.Lanes, func(l Lane) bool {
			return slices.ContainsFunc(l.Jobs, func(j Job) bool { return r.holds(&l, &j) })
		})
		if r.Lend && !wanted {
			continue
		}
		before[i], left[i] = r.Slots, r.Slots
		for _, a := range out.Assigned {
			if lane, job := find(v, a); r.holds(lane, job) && covers(r, after[a.RobotID]) {
				left[i] = max(left[i]-1, 0)
			}
		}
	}
	now := slices.Clone(v.Robots)
	for i := range now {
		now[i] = *after[now[i].ID]
	}
	for oldest := range v.Reservations {
		some := v.Reservations[:oldest+1]
		holders := 0 // a job that two are for counts for both
		for i := range some {
			holders += before[i] - left[i]
		}
		if had, has := keepable(some, before, v.Robots), keepable(some, left, now); has+holders < had {
			t.Fatalf("the oldest %d reservations could keep %d slots, now %d, and %d went to their holders", oldest+1, had, has, holders)
		}
	}
}

// keepable is how many slots can be kept for reservations at once, by the
// theorem of Hall: the worst set of them decides.
func keepable(some []Reservation, need []int, robots []Candidate) int {
	least := math.MaxInt
	for set := range 1 << len(some) {
		slots := 0
		for i := range some {
			if set&(1<<i) == 0 {
				slots += need[i]
			}
		}
		for i := range robots {
			for n := range some {
				if set&(1<<n) != 0 && covers(&some[n], &robots[i]) {
					slots += robots[i].free()
					break
				}
			}
		}
		least = min(least, slots)
	}
	return least
}

func covers(r *Reservation, c *Candidate) bool {
	return c.serves(r.Tenant) && (r.Selector.All || r.Selector.Pools[0] == c.Pool)
}

// overtaken fails when a job of the group that goes later took a robot that
// this one could have had.
func overtaken(t *rapid.T, v View, l *Lane, j *Job, assigned []Assignment, robots map[fleet.RobotID]*Candidate) {
	for _, a := range assigned {
		lane, other := find(v, a)
		r := *robots[a.RobotID]
		r.Taken = r.Max - 1 // the slot that the other one took
		first := cmp.Or(cmp.Compare(j.Priority, other.Priority), compareJobs(j, other)) < 0
		if lane.Tenant == l.Tenant && first && permits(l, j, &r) {
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

// Three to one: with endless equal jobs on shared robots slot time is divided
// by weight, and a group that is alone uses everything.
func TestWeightsDivideSlotTime(t *testing.T) {
	const slots, seconds = 8, 10.0
	served := map[string]float64{}
	rng := rand.New(rand.NewPCG(1, 1))
	type running struct {
		group string
		until float64
	}
	var live []running
	for now := 0.0; now < 20_000; now++ {
		live = slices.DeleteFunc(live, func(r running) bool { return r.until <= now })
		v := View{Now: noon.Add(time.Duration(now) * time.Second), Robots: []Candidate{{
			ID: "r", Tenant: "it", SharedWith: []fleet.TenantID{"a", "b"}, Environment: "default", Status: fleet.RobotOnline, Max: slots, Taken: len(live),
		}}}
		for i, tenant := range []fleet.TenantID{"a", "b"} {
			l := Lane{ID: int64(i + 1), Tenant: tenant, Environment: "default", Waiting: 1e6}
			for n := range slots {
				l.Jobs = append(l.Jobs, Job{ID: fleet.ID(fmt.Sprintf("%s%d", tenant, n)), Seq: int64(n), AvailableAt: noon, Priority: 10})
			}
			v.Lanes = append(v.Lanes, l)
			v.Shares = append(v.Shares, Share{Group: string(tenant), Weight: []int{300, 100}[i], Served: served[string(tenant)], Seconds: seconds})
		}
		for _, a := range Plan(v).Assigned {
			live = append(live, running{string(a.Tenant), now + 1 + float64(rng.IntN(2*seconds-1))})
		}
		if len(live) != slots {
			t.Fatalf("%d slots of %d are used although everybody waits", len(live), slots)
		}
		for _, r := range live {
			served[r.group]++
		}
	}
	if share := 100 * served["a"] / (served["a"] + served["b"]); share < 73 || share > 77 {
		t.Errorf("weights 300 and 100 gave %.1f %% of slot time, want 75 within 2", share)
	}
}

// The same view gives the same bytes, whatever the seed says and whatever the
// order of maps in this process.
func TestDeterminismOverSeeds(t *testing.T) {
	v := world(t, `
robot a slots=3 caps=gpu pool=web fact.mem=4
robot b slots=2 pool=web shared=x
robot c slots=2 caps=gpu tags=fast
reservation r1 slots=1 pool=web label.team=pay
share default weight=300
job j1 prefer=a:5;pool/web:5
job j2 prio=3 needs=gpu
job j3 label.team=pay
job j4 fallback=c:60;all
job j5 tenant=x
job j6 fact=mem>=2
job j7 usual=c,b`)
	want, err := json.Marshal(Plan(v))
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(1000) {
		v.Seed = seed
		got, err := json.Marshal(Plan(v))
		if err != nil || string(got) != string(want) {
			t.Fatalf("seed %d:\n%s\n%s %v", seed, want, got, err)
		}
	}
}
