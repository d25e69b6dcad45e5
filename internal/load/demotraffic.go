package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// maxDemoRate bounds the jobs of a second: a demonstration is no benchmark.
const maxDemoRate = 50

// rate is how many jobs a second keep about two thirds of the fleet at work.
func (d *Demo) rate() float64 {
	slots, seconds, shares := 0, 0.0, 0
	for i := range d.plan {
		slots += d.plan[i].team.slots
	}
	for _, p := range d.byName {
		seconds += p.seconds * float64(p.share)
		shares += p.share
	}
	return min(max(float64(slots)*0.66/(seconds/float64(shares)), 0.2), maxDemoRate)
}

// traffic submits jobs at a steady rate, in small bursts, and now and then one
// that has to wait for a reason of its own.
func (d *Demo) traffic(ctx context.Context, chance *rand.Rand) {
	if !wait(ctx, 2*time.Second) { // the first robots are there
		return
	}
	d.waiting(ctx)
	d.lost(ctx)
	every := time.Duration(float64(time.Second) / d.rate())
	for n := 0; wait(ctx, time.Duration(chance.ExpFloat64()*float64(every))); n++ {
		p := d.pick(chance)
		r := client.SubmitRequest{WorkflowID: d.stored[p.name], Environment: p.environment, RunTimeout: int64(p.limit)}
		if chance.IntN(5) == 0 {
			urgent := fleet.Priority([]int{0, 5, 15, 20}[chance.IntN(4)])
			r.Priority = &urgent
		}
		job, err := d.API.SubmitJob(ctx, r)
		d.told(ctx, err)
		if err == nil && chance.IntN(40) == 0 {
			_, err := d.API.CancelJob(ctx, job.ID, client.CancelRequest{Reason: "No longer needed."})
			d.told(ctx, err)
		}
		if err == nil && chance.IntN(25) == 0 { // a second one that waits for the first
			_, err := d.API.SubmitJob(ctx, client.SubmitRequest{
				WorkflowID: r.WorkflowID, Environment: p.environment, Name: "Report on " + p.name, DependsOn: []client.Dependency{{Job: job.ID}},
			})
			d.told(ctx, err)
		}
	}
}

// pick chooses a process by its share.
func (d *Demo) pick(chance *rand.Rand) *process {
	list := processes()
	n := chance.IntN(100)
	for i := range list {
		if n -= list[i].share; n < 0 {
			return d.byName[list[i].name]
		}
	}
	return d.byName[list[0].name]
}

// waiting submits jobs that cannot run, each for another reason, and the one of the
// robot whose machine dies.
func (d *Demo) waiting(ctx context.Context) {
	later := time.Now().Add(6 * time.Hour)
	invoices, scans := d.stored["Invoice entry"], d.stored["Scan archive"]
	list := []client.SubmitRequest{
		{Name: "Needs a card reader", WorkflowID: invoices, Environment: "production", Placement: &fleet.Placement{Capabilities: fleet.Capabilities{"card_reader"}}},
		{Name: "Tonight", WorkflowID: scans, Environment: "production", NotBefore: &later},
		{Name: "In an environment without robots", WorkflowID: invoices, Environment: "audit"},
	}
	for i := range d.plan {
		if d.plan[i].fate == doomed {
			first := fleet.Priority(0)
			list = append(list, client.SubmitRequest{Name: "Salaries of October", WorkflowID: d.stored["Salary run"], Environment: d.plan[i].team.environment, Target: fleet.RobotID(d.plan[i].name), Priority: &first})
		}
	}
	for i := range d.plan {
		if d.plan[i].fate == gone || d.plan[i].fate == paused {
			list = append(list, client.SubmitRequest{Name: "For " + d.plan[i].name + " alone", WorkflowID: d.stored["Price watch"], Target: fleet.RobotID(d.plan[i].name), Environment: d.plan[i].team.environment})
			if len(list) == 7 {
				break
			}
		}
	}
	for _, r := range list {
		_, err := d.API.SubmitJob(ctx, r)
		d.told(ctx, err)
	}
}

// items fills two queues and works them off, outside of jobs.
func (d *Demo) items(ctx context.Context, chance *rand.Rand) {
	names := []string{"Invoices to check", "Parcels to trace"}
	for _, name := range names {
		about, minute := "Made up for the demonstration.", 5
		_, err := d.API.CreateQueue(ctx, client.QueueChange{Name: &name, Description: &about, RetryDelaySeconds: &minute})
		d.told(ctx, err)
	}
	d.held(ctx)
	for n := 0; ; n++ {
		queue := names[n%len(names)]
		var specs []fleet.ItemSpec
		for range 1 + chance.IntN(6) {
			deadline := time.Now().Add(time.Duration(chance.IntN(240)+1) * time.Minute)
			s := fleet.ItemSpec{Reference: fmt.Sprintf("R-%06d", chance.IntN(1_000_000)), Data: json.RawMessage(fmt.Sprintf(`{"amount":%d.%02d}`, chance.IntN(5000), chance.IntN(100)))}
			if chance.IntN(3) == 0 {
				s.Deadline = &deadline
			}
			specs = append(specs, s)
		}
		_, err := d.API.AddItems(ctx, queue, specs, false)
		d.told(ctx, err)
		for range 1 + chance.IntN(5) {
			err := d.item(ctx, queue, chance)
			if errors.Is(err, errNothing) {
				break
			}
			d.told(ctx, err)
		}
		if !wait(ctx, time.Duration(1+chance.IntN(4))*time.Second) {
			return
		}
	}
}

// item takes one item and settles it.
func (d *Demo) item(ctx context.Context, queue string, chance *rand.Rand) error {
	list, err := d.API.ClaimItems(ctx, queue, 1, client.ItemHold{})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errNothing
	}
	if !wait(ctx, time.Duration(chance.IntN(900))*time.Millisecond) {
		return ctx.Err()
	}
	switch id := list[0].ID; chance.IntN(10) {
	case 0:
		_, err = d.API.FailItem(ctx, id, client.ItemHold{}, client.ItemFault{Type: "ApplicationException", Message: "The portal did not answer."})
	case 1:
		_, err = d.API.FailItem(ctx, id, client.ItemHold{}, client.ItemFault{Type: "BusinessException", Message: "The amount is above the limit."})
	case 2:
		until := time.Now().Add(10 * time.Minute)
		if at := list[0].Deadline; !at.IsZero() && at.Before(until) { // not until after it
			until = time.Now().Add(time.Until(at) / 2)
		}
		_, err = d.API.PostponeItem(ctx, id, client.ItemHold{}, until)
	default:
		_, err = d.API.CompleteItem(ctx, id, client.ItemHold{}, json.RawMessage(`{"checked":true}`))
	}
	return err
}
