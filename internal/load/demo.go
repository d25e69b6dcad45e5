package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// Demo is a made-up fleet: robots in teams, their workflows, and the jobs of an
// ordinary day, with every state, reason for waiting and failure somewhere. The
// same seed gives the same robots and the same order of events; when they
// happen is up to the clock.
type Demo struct {
	URL    string // of an orchestrator that holds nothing else
	API    *client.Client
	Robots int
	Seed   uint64
	Failed func(error) // told of requests that failed; the demonstration goes on

	plan   []demoRobot
	byName map[string]*process
	stored map[string]fleet.ID // workflows by the name of their process
}

// demoRobot is one robot and its fate.
type demoRobot struct {
	name string
	team *team
	key  string
	seed uint64
	fate fate
}

// demoMemory is what each of the made-up machines has, in megabytes.
const demoMemory = 8192

// fate is what makes a robot worth a look.
type fate int

const (
	healthy fate = iota
	gone         // it came once, and went
	paused
	inMaintenance
	draining
	failing  // it says itself that something is wrong
	strained // its machine is full
	restless // it loses its connection now and then, with its work
	doomed   // its machine dies while a step runs that must not run twice
)

// doomedAfter is how long such a step has run when the machine dies.
const doomedAfter = 5 * time.Second

// fates gives each robot its own; most are healthy.
func fates(chance *rand.Rand) fate {
	switch n := chance.IntN(100); {
	case n < 6:
		return gone
	case n < 9:
		return paused
	case n < 11:
		return inMaintenance
	case n < 13:
		return draining
	case n < 16:
		return failing
	case n < 20:
		return strained
	case n < 24:
		return restless
	}
	return healthy
}

// Prepare stores workflows and makes the robots known.
func (d *Demo) Prepare(ctx context.Context) error {
	d.byName, d.stored = map[string]*process{}, map[string]fleet.ID{}
	list := processes()
	for i := range list {
		text, err := list[i].document()
		if err != nil {
			return err
		}
		w, err := d.API.PutWorkflow(ctx, list[i].name, text)
		if err != nil {
			return fmt.Errorf("store the workflow %q: %w", list[i].name, err)
		}
		d.byName[list[i].name], d.stored[list[i].name] = &list[i], w.WorkflowID
	}
	chance := rand.New(rand.NewPCG(d.Seed, 1))
	all := teams()
	d.plan = make([]demoRobot, d.Robots)
	for i := range d.plan {
		t := &all[0]
		for n, k := i*37%100, 0; k < len(all); k++ { // in proportion, from the first robots on
			if t = &all[k]; n < t.share {
				break
			}
			n -= t.share
		}
		d.plan[i] = demoRobot{name: fmt.Sprintf("%s-%03d", t.name, i+1), team: t, seed: chance.Uint64(), fate: fates(chance)}
	}
	d.doom()
	whole := ctx // that of the group ends with it
	keys, ctx := errgroup.WithContext(ctx)
	keys.SetLimit(8)
	for i := range d.plan {
		keys.Go(func() error {
			r := &d.plan[i]
			k, err := d.API.CreateKey(ctx, client.KeyRequest{Kind: fleet.KeyRobot, Name: "demo", RobotID: fleet.RobotID(r.name), Environment: r.team.environment})
			if err != nil {
				return fmt.Errorf("make the key of robot %s: %w", r.name, err)
			}
			r.key = k.Secret
			return nil
		})
	}
	if err := keys.Wait(); err != nil {
		return err
	}
	return d.rules(whole)
}

// doom gives one robot of a fleet that can spare it a job that a person decides about
// in the end.
func (d *Demo) doom() {
	if len(d.plan) < 8 {
		return
	}
	for i := len(d.plan) - 1; i >= 0; i-- {
		if r := &d.plan[i]; r.fate == healthy && r.team.name == "finance" {
			r.fate = doomed
			return
		}
	}
}

// Run lets the fleet live until ctx ends. Prepare comes first.
func (d *Demo) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for i := range d.plan {
		all.Go(func() { d.robot(ctx, &d.plan[i]) })
	}
	all.Go(func() { d.traffic(ctx, rand.New(rand.NewPCG(d.Seed, 2))) })
	all.Go(func() { d.items(ctx, rand.New(rand.NewPCG(d.Seed, 3))) })
}

// told passes on what failed, unless the end made it fail.
func (d *Demo) told(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && d.Failed != nil {
		d.Failed(err)
	}
}

// robot is one robot until ctx ends.
func (d *Demo) robot(ctx context.Context, r *demoRobot) {
	chance := rand.New(rand.NewPCG(r.seed, 1))
	id, first := fleet.RobotID(r.name), true
	for wait(ctx, time.Duration(chance.IntN(1500))*time.Millisecond) {
		turn, end := context.WithCancel(ctx)
		switch r.fate { //nolint:exhaustive // the others stay
		case gone:
			turn, end = context.WithTimeout(ctx, 3*time.Second)
		case restless:
			turn, end = context.WithTimeout(ctx, time.Duration(40+chance.IntN(80))*time.Second)
		}
		load, died := chance.Float64(), false
		var mu sync.Mutex // jobs begin and hearts beat in parallel
		sim := &Robot{URL: d.URL, Key: r.key, Name: r.name, Slots: r.team.slots, Hello: r.team.hello(r.name)}
		sim.Play = func(job *wire.JobAssign) Script {
			mu.Lock()
			defer mu.Unlock()
			p := d.byName[job.WorkflowName]
			if p != nil && r.fate == doomed && p.effect {
				died = true
				time.AfterFunc(doomedAfter, end)
				return p.endless()
			}
			if p != nil {
				return p.script(chance)
			}
			return Script{Steps: []ScriptStep{{Node: "start", NodeType: "StartNode", Took: time.Second, Level: "info", Message: "A simulated robot ran this."}}}
		}
		sim.Beat = func(m *wire.Heartbeat) {
			mu.Lock()
			defer mu.Unlock()
			load = min(max(load+(chance.Float64()-0.5)/5, 0.05), 0.9)
			m.CPUPercent, m.MemoryPercent, m.DiskPercent = 20+60*load, 35+30*load, 40
			switch r.fate { //nolint:exhaustive // the others show nothing
			case failing:
				m.Status = fleet.ReportedError
			case strained:
				m.CPUPercent, m.MemoryPercent, m.DiskPercent = 97, 95, 93
			}
			m.MemoryMB = m.MemoryPercent / 100 * demoMemory
		}
		ready := func() {
			if first {
				first = false
				go func() { d.told(ctx, d.settle(ctx, id, r.fate)) }() // it ends with ctx
			}
		}
		if err := sim.Run(turn, ready); err != nil {
			d.told(ctx, err)
		}
		end()
		mu.Lock()
		over := r.fate == gone || died
		mu.Unlock()
		if over {
			return
		}
		if !wait(ctx, time.Duration(2+chance.IntN(6))*time.Second) {
			return
		}
	}
}

// settle puts a robot into the mode of its fate.
func (d *Demo) settle(ctx context.Context, id fleet.RobotID, f fate) (err error) {
	switch f { //nolint:exhaustive // the others are in no mode
	case paused:
		_, err = d.API.PauseRobot(ctx, id, 3600, "Waits for a new licence.")
	case inMaintenance:
		_, err = d.API.MaintainRobot(ctx, id, client.Maintenance{Note: "Updates of the machine."})
	case draining:
		_, err = d.API.DrainRobot(ctx, id, client.Drain{Note: "Moves to another rack."})
	}
	return err
}

// wait lets a time pass; false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// errNothing says that there was no item.
var errNothing = errors.New("nothing to do")
