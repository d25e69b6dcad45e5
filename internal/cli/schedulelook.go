package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type schedulePreviewCmd struct {
	config.Client
	Schedule string `arg:"" optional:"" help:"id or name of the schedule; what is given besides is what would change of it"`
	scheduleTime
	Count int       `help:"how many runs" default:"10" placeholder:"N"`
	After time.Time `help:"from when on; default: now" placeholder:"TIME"`
}

// Run lists runs that are to come.
func (c *schedulePreviewCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	r := client.PreviewRequest{
		Schedule: c.Schedule, Count: c.Count, After: givenTime(c.After), Cron: given(c.Cron), IntervalSeconds: givenSeconds(c.Every), RunAt: givenTime(c.At),
		Timezone: given(c.Timezone), StartAt: givenTime(c.Start), EndAt: givenTime(c.End), MaxRuns: c.MaxRuns, Shift: given(fleet.Shift(c.Shift)),
		JitterSeconds: givenSeconds(c.Jitter),
	}
	if r.Calendars, err = c.calendars(ctx, api); err != nil {
		return err
	}
	p, err := api.PreviewSchedule(ctx, r)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, p, func() error {
		t := table{head: []string{"RUN", "IN " + p.Timezone, "FREE", "REMARK"}, paint: sh.paint, state: -1}
		for i := range p.Runs {
			run := &p.Runs[i]
			free := ""
			if run.Free != nil {
				free = strconv.FormatFloat(*run.Free, 'f', 1, 64)
			}
			t.add(at(run.At), run.Local, dash(free), previewRemark(run))
		}
		return t.write(sh.out, "It never comes.")
	})
}

func previewRemark(r *client.PreviewedRun) string {
	instant := at(&r.FireAt)
	switch {
	case r.Doubled:
		return instant + " is moved onto another run"
	case r.Excluded && r.At == nil:
		return instant + " is not allowed by a calendar"
	case r.Excluded:
		return "moved by a calendar from " + instant
	case r.Moved:
		return "moved out of a gap of the clocks"
	case r.Twice:
		return "comes twice on the clocks, runs once"
	case r.At != nil && !r.At.Equal(r.FireAt):
		return "put off by " + r.At.Sub(r.FireAt).String()
	case len(r.Beside) > 0:
		return "together with " + clean(strings.Join(r.Beside, ", "))
	}
	return ""
}

type scheduleUpcomingCmd struct {
	config.Client
	Hours int `help:"how far to look" default:"24" placeholder:"N"`
	Limit int `help:"how many runs" default:"50" placeholder:"N"`
}

// Run lists runs of all schedules.
func (c *scheduleUpcomingCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, whole, err := api.UpcomingRuns(ctx, c.Hours, c.Limit)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"upcoming": list, "whole_until": whole}, func() error {
		t := table{head: []string{"RUN", "SCHEDULE", "ID"}, paint: sh.paint, state: -1}
		for i := range list {
			t.add(at(&list[i].NextRun), clip(clean(list[i].ScheduleName), 40), string(list[i].ScheduleID))
		}
		if err := t.write(sh.out, "Nothing comes in that time."); err != nil || whole.After(time.Now().Add(time.Duration(c.Hours)*time.Hour-time.Hour)) {
			return err
		}
		sh.note("There are more after %s; --limit shows them.", at(&whole))
		return nil
	})
}

type scheduleAgendaCmd struct {
	config.Client
	From     time.Time `help:"from when on; default: now" placeholder:"TIME"`
	Days     int       `help:"how many days, up to 31" default:"7" placeholder:"N"`
	Timezone string    `help:"on the clocks of this zone" default:"UTC" placeholder:"ZONE"`
}

// Run counts runs by day and hour.
func (c *scheduleAgendaCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	a, err := api.ScheduleAgenda(ctx, c.From, c.Days, c.Timezone)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, a, func() error {
		t := table{head: []string{"DAY", "HOUR", "RUNS", "AT ONCE", "SCHEDULES"}, paint: sh.paint, state: -1}
		for i := range a.Hours {
			h := &a.Hours[i]
			names := make([]string, len(h.Schedules))
			for k, s := range h.Schedules {
				names[k] = clip(clean(s.ScheduleName), 30)
			}
			if h.More > 0 {
				names = append(names, fmt.Sprintf("and %d more", h.More))
			}
			t.add(h.Date, fmt.Sprintf("%02d", h.Hour), strconv.Itoa(h.Runs), strconv.Itoa(h.Together), strings.Join(names, ", "))
		}
		return t.write(sh.out, "Nothing comes in these days.")
	})
}

type scheduleFiresCmd struct {
	config.Client
	oneSchedule
	Outcome fleet.FireOutcome `help:"only those: fired, missed, collapsed, skipped_overlap, skipped_calendar or refused" placeholder:"WORD"`
	Limit   int               `help:"how many" default:"50" placeholder:"N"`
	Cursor  string            `help:"go on where the last list ended" placeholder:"CURSOR"`
}

// Run lists fires.
func (c *scheduleFiresCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	page, err := api.ScheduleFires(ctx, c.Schedule, c.Outcome, fleet.Page{Limit: c.Limit, Cursor: c.Cursor})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, page, func() error {
		t := table{head: []string{"INSTANT", "OUTCOME", "BY", "JOB", "ENDED", "REASON"}, paint: sh.paint, state: -1}
		for i := range page.Fires {
			f := &page.Fires[i]
			t.add(at(&f.At), string(f.Outcome), string(f.Kind), string(f.JobID), string(f.End), clean(f.Reason))
		}
		if err := t.write(sh.out, "No instant of it has come yet."); err != nil || page.Next == "" {
			return err
		}
		sh.note("The next ones: --cursor %s", page.Next)
		return nil
	})
}

// backfillCmds are the verbs for backfills.
type backfillCmds struct {
	Start  backfillStartCmd  `cmd:"" help:"run the instants of a span in the past"`
	List   backfillListCmd   `cmd:"" help:"list the backfills of a schedule"`
	Cancel backfillCancelCmd `cmd:"" help:"keep a backfill from making more jobs"`
}

type backfillStartCmd struct {
	config.Client
	oneSchedule
	From     time.Time `required:"" help:"the first instant" placeholder:"TIME"`
	Until    time.Time `required:"" help:"the end, which does not belong to it" placeholder:"TIME"`
	Parallel int       `help:"how many of its jobs may be there at once" default:"1" placeholder:"N"`
	Reverse  bool      `help:"the newest instant first"`
	Again    bool      `help:"also instants that fired"`
	Note     string    `help:"for people" placeholder:"TEXT"`
}

// Run starts a backfill.
func (c *backfillStartCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	b, err := api.CreateBackfill(ctx, c.Schedule, client.BackfillRequest{
		From: c.From, Until: c.Until, MaxParallel: c.Parallel, Reverse: c.Reverse, Again: c.Again, Note: c.Note,
	})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, b, func() error {
		_, err := fmt.Fprintf(sh.out, "Backfill %s of %d instants has begun.\n", b.ID, b.Total)
		return err
	})
}

type backfillListCmd struct {
	config.Client
	oneSchedule
}

// Run lists backfills.
func (c *backfillListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.Backfills(ctx, c.Schedule)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"backfills": list}, func() error {
		t := table{head: []string{"ID", "STATUS", "FROM", "UNTIL", "INSTANTS", "JOBS", "LEFT OUT", "RUNNING"}, paint: sh.paint, state: -1}
		for i := range list {
			b := &list[i]
			t.add(string(b.ID), string(b.State), at(&b.From), at(&b.Until), strconv.Itoa(b.Total), strconv.Itoa(b.Made), strconv.Itoa(b.Left), strconv.Itoa(b.Running))
		}
		return t.write(sh.out, "There is no backfill.")
	})
}

type backfillCancelCmd struct {
	config.Client
	oneSchedule
	Backfill fleet.ID `arg:"" help:"id of the backfill"`
}

// Run cancels a backfill.
func (c *backfillCancelCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	b, err := api.CancelBackfill(ctx, c.Schedule, c.Backfill)
	if err != nil {
		return err
	}
	sh.note("Backfill %s is %s; the %d jobs that it made go on.", b.ID, b.State, b.Made)
	return nil
}
