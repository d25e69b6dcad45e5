package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// rules makes schedules and triggers: some that come while somebody looks, two at
// once, one that is over with, and one that nobody wants for now.
func (d *Demo) rules(ctx context.Context) error {
	zone, production := "Europe/Berlin", "production"
	schedule := func(name, process string, change func(s *client.ScheduleChange)) error {
		id := d.stored[process]
		s := client.ScheduleChange{Name: &name, WorkflowID: &id, Environment: &production, Timezone: &zone}
		change(&s)
		if _, err := d.API.CreateSchedule(ctx, s); err != nil {
			return fmt.Errorf("make the schedule %q: %w", name, err)
		}
		return nil
	}
	cron := func(text string) func(*client.ScheduleChange) {
		return func(s *client.ScheduleChange) { s.Cron = &text }
	}
	minute, off := 60, false
	tonight := time.Now().Add(5 * time.Hour)
	faults := []error{
		schedule("Prices each minute", "Price watch", func(s *client.ScheduleChange) { s.IntervalSeconds = &minute }),
		schedule("Invoices on workdays", "Invoice entry", cron("0 7 * * 1-5")),
		schedule("Claims on workdays", "Claims intake", cron("0 7 * * 1-5")),
		schedule("Salaries", "Salary run", cron("30 18 L * *")),
		schedule("Scans at weekends", "Scan archive", cron("15 22 * * 6")),
		schedule("Customs each hour", "Customs forms", cron("5 * * * *")),
		schedule("Archive once more", "Scan archive", func(s *client.ScheduleChange) { s.RunAt = &tonight }),
		schedule("Welcome letters", "New colleague", func(s *client.ScheduleChange) {
			cron("0 9 1 * *")(s)
			s.Enabled = &off
		}),
	}
	trigger := func(name, process string, change func(t *client.TriggerChange)) error {
		id := d.stored[process]
		t := client.TriggerChange{Name: &name, WorkflowID: &id, Environment: &production}
		change(&t)
		if _, err := d.API.CreateTrigger(ctx, t); err != nil {
			return fmt.Errorf("make the trigger %q: %w", name, err)
		}
		return nil
	}
	cool := 60
	faults = append(faults,
		trigger("Archive after the salaries", "Scan archive", func(t *client.TriggerChange) {
			t.Event = &fleet.EventRule{Types: []fleet.EventKind{fleet.EventJobCompleted}, Workflow: d.stored["Salary run"]}
			t.CooldownSeconds = &cool
		}),
		trigger("Look at prices that failed", "Price watch", func(t *client.TriggerChange) {
			t.Event = &fleet.EventRule{Types: []fleet.EventKind{fleet.EventJobFailed}, Workflow: d.stored["Customs forms"]}
			t.CooldownSeconds = &cool
		}))
	return errors.Join(faults...)
}

// lost submits jobs that nobody tries again, so that some are dead letters.
func (d *Demo) lost(ctx context.Context) {
	none := 0
	for range 8 {
		_, err := d.API.SubmitJob(ctx, client.SubmitRequest{WorkflowID: d.stored["Customs forms"], Environment: "production", Retry: &client.RetryChange{Max: &none}})
		d.told(ctx, err)
	}
}

// held takes items and never says what became of them: those of one queue stay
// in progress, those of the other are abandoned after a minute.
func (d *Demo) held(ctx context.Context) {
	name, about, minute, no := "Letters to file", "Whoever takes a letter here tends to forget it.", fleet.MinAbandonSeconds, false
	_, err := d.API.CreateQueue(ctx, client.QueueChange{Name: &name, Description: &about, AbandonAfterSeconds: &minute, AutoRetry: &no})
	d.told(ctx, err)
	for _, queue := range []string{name, "Invoices to check"} {
		var specs []fleet.ItemSpec
		for i := range 4 {
			specs = append(specs, fleet.ItemSpec{Reference: fmt.Sprintf("H-%d", i+1), Data: json.RawMessage(`{"amount":1}`)})
		}
		_, err := d.API.AddItems(ctx, queue, specs, false)
		d.told(ctx, err)
		_, err = d.API.ClaimItems(ctx, queue, 2, client.ItemHold{})
		d.told(ctx, err)
	}
}
