package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// scheduleCmds are the verbs for schedules.
type scheduleCmds struct {
	Add      scheduleAddCmd      `cmd:"" aliases:"create" help:"run a workflow at times"`
	List     scheduleListCmd     `cmd:"" help:"list schedules, the newest first"`
	Show     scheduleShowCmd     `cmd:"" aliases:"get" help:"show a schedule"`
	Edit     scheduleEditCmd     `cmd:"" help:"change a schedule"`
	Pause    schedulePauseCmd    `cmd:"" aliases:"disable" help:"let a schedule start nothing more"`
	Resume   scheduleResumeCmd   `cmd:"" aliases:"enable" help:"let a schedule go on; what is past is not made up for"`
	Run      scheduleRunCmd      `cmd:"" help:"start a job of a schedule at once"`
	Preview  schedulePreviewCmd  `cmd:"" help:"list the next runs of a schedule, or of a time that is not one yet"`
	Upcoming scheduleUpcomingCmd `cmd:"" help:"list the next runs of all schedules"`
	Agenda   scheduleAgendaCmd   `cmd:"" help:"count the runs of all schedules by day and hour"`
	Fires    scheduleFiresCmd    `cmd:"" help:"list what became of the instants of a schedule"`
	Delete   scheduleDeleteCmd   `cmd:"" aliases:"rm" help:"delete a schedule; its jobs go on"`
	Backfill backfillCmds        `cmd:"" help:"run instants of the past"`
}

// oneSchedule names a schedule.
type oneSchedule struct {
	Schedule string `arg:"" help:"id of the schedule, or its name if no other bears it"`
}

// scheduleTime is when a schedule comes.
type scheduleTime struct {
	Cron     string        `help:"a cron expression of five fields, or an alias such as @daily" placeholder:"EXPRESSION"`
	Every    time.Duration `help:"a span, counted from --start or from now" placeholder:"DURATION"`
	At       time.Time     `help:"a single time, such as 2026-12-31T08:00:00Z" placeholder:"TIME"`
	Timezone string        `help:"zone in which --cron is read; default: the tenant's" placeholder:"ZONE"`
	Start    time.Time     `help:"no instant before this time" placeholder:"TIME"`
	End      time.Time     `help:"no instant at or after this time" placeholder:"TIME"`
	MaxRuns  *int          `help:"after so many jobs it is over; 0: never" placeholder:"N"`
	Calendar []string      `help:"id or name of a calendar that must allow an instant (repeatable)" placeholder:"CALENDAR"`
	Shift    string        `help:"what becomes of an instant that the calendars do not allow: skip, next or previous" enum:",skip,next,previous" default:"" placeholder:"WORD"`
	Jitter   time.Duration `help:"put each instant off by a fixed time below this" placeholder:"DURATION"`
}

// calendars finds the ids of calendars that are given by name.
func (t *scheduleTime) calendars(ctx context.Context, api *client.Client) (*[]fleet.ID, error) {
	if len(t.Calendar) == 0 {
		return nil, nil //nolint:nilnil // nothing was said
	}
	ids := []fleet.ID{}
	for _, name := range t.Calendar {
		c, err := api.GetCalendar(ctx, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, c.ID)
	}
	return &ids, nil
}

func given[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func givenSeconds(d time.Duration) *int { return given(int(d / time.Second)) }

func givenTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// scheduleFlags are what else can be set of a schedule.
type scheduleFlags struct {
	scheduleTime
	Description string         `help:"for people" placeholder:"TEXT"`
	Version     *int           `help:"version of the workflow; 0: the newest" placeholder:"N"`
	Variables   string         `name:"variables" help:"file with a JSON object, or the object itself: the inputs of its jobs" placeholder:"JSON"`
	Priority    string         `help:"0 (first) to 20, or critical, high, normal, low" placeholder:"PRIORITY"`
	Environment *string        `help:"where its jobs run" placeholder:"NAME"`
	Robot       *fleet.RobotID `help:"the robot that its jobs are for" placeholder:"ID"`
	Misfire     string         `help:"what becomes of instants that nobody was there for: skip, run_once or run_all" enum:",skip,run_once,run_all" default:"" placeholder:"WORD"`
	CatchUp     time.Duration  `help:"up to how late they are made up for; 1h for a new schedule" placeholder:"DURATION"`
	CatchUpMax  *int           `help:"of run_all: the newest so many" placeholder:"N"`
	Overlap     string         `help:"what becomes of an instant while jobs of it go on: skip, queue_one, queue_all, cancel_previous or parallel" enum:",skip,queue_one,queue_all,cancel_previous,parallel" default:"" placeholder:"WORD"`
	OverlapMax  *int           `help:"of queue_all and parallel: how many jobs may be there" placeholder:"N"`
	PauseAfter  *int           `help:"disable it after so many failures in a row; 0: never" placeholder:"N"`
	StartWithin time.Duration  `help:"tell of a job that has not begun so long after its time" placeholder:"DURATION"`
	EndWithin   time.Duration  `help:"tell of a job that has not ended so long after its time" placeholder:"DURATION"`
	RunTimeout  time.Duration  `help:"how long a job may run" placeholder:"DURATION"`
}

func (f *scheduleFlags) change(ctx context.Context, sh *shell, api *client.Client) (c client.ScheduleChange, err error) {
	c = client.ScheduleChange{
		Description: given(f.Description), Version: f.Version, Environment: f.Environment, Target: f.Robot, Cron: given(f.Cron), IntervalSeconds: givenSeconds(f.Every),
		RunAt: givenTime(f.At), Timezone: given(f.Timezone), StartAt: givenTime(f.Start), EndAt: givenTime(f.End), MaxRuns: f.MaxRuns,
		Shift: given(fleet.Shift(f.Shift)), JitterSeconds: givenSeconds(f.Jitter), PauseAfterFailures: f.PauseAfter,
		StartWithinSeconds: givenSeconds(f.StartWithin), EndWithinSeconds: givenSeconds(f.EndWithin), RunTimeoutSeconds: givenSeconds(f.RunTimeout),
	}
	if f.Misfire != "" || f.CatchUp != 0 || f.CatchUpMax != nil {
		c.Misfire = &client.ScheduleMisfire{Policy: given(fleet.MisfirePolicy(f.Misfire)), WithinSeconds: givenSeconds(f.CatchUp), Max: f.CatchUpMax}
	}
	if f.Overlap != "" || f.OverlapMax != nil {
		c.Overlap = &client.ScheduleOverlap{Policy: given(fleet.OverlapPolicy(f.Overlap)), Max: f.OverlapMax}
	}
	if f.Priority != "" {
		p, err := fleet.ParsePriority(f.Priority)
		if err != nil {
			return c, err
		}
		c.Priority = &p
	}
	if f.Variables != "" {
		if c.Inputs, err = sh.jsonOf("variables", f.Variables); err != nil {
			return c, err
		}
	}
	c.Calendars, err = f.calendars(ctx, api)
	return c, err
}

type scheduleAddCmd struct {
	config.Client
	Name     string   `arg:"" help:"name of the schedule"`
	Workflow fleet.ID `arg:"" help:"id of the workflow that it runs"`
	Disabled bool     `help:"let it start nothing yet"`
	scheduleFlags
}

// Help is the long form of the help.
func (scheduleAddCmd) Help() string {
	return `The time is one of --cron, --every and --at. "fleet schedule preview" shows what it comes to.

Examples:

    fleet schedule add invoices WORKFLOW --cron '0 9 * * 1-5' --timezone Europe/Berlin
    fleet schedule add poll WORKFLOW --every 15m --overlap queue_one --jitter 1m
    fleet schedule add closing WORKFLOW --at 2026-12-31T20:00:00Z --end-within 2h`
}

// Run makes a schedule.
func (c *scheduleAddCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	change, err := c.change(ctx, sh, api)
	if err != nil {
		return err
	}
	change.Name, change.WorkflowID = &c.Name, &c.Workflow
	if c.Disabled {
		no := false
		change.Enabled = &no
	}
	s, err := api.CreateSchedule(ctx, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, s, func() error {
		_, err := fmt.Fprintf(sh.out, "Schedule %s is there: %s. Next run: %s.\n", clean(s.Name), s.ID, at(s.NextRun))
		return err
	})
}

// at is a time for people.
func at(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "none"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

type scheduleListCmd struct {
	config.Client
	Workflow fleet.ID `help:"only those of this workflow" placeholder:"ID"`
	Limit    int      `help:"how many" default:"100" placeholder:"N"`
	Cursor   string   `help:"go on where the last list ended" placeholder:"CURSOR"`
}

// Run lists schedules.
func (c *scheduleListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	page, err := api.ListSchedules(ctx, c.Workflow, fleet.Page{Limit: c.Limit, Cursor: c.Cursor})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, page, func() error {
		t := table{head: []string{"ID", "SCHEDULE", "WORKFLOW", "TIME", "ENABLED", "NEXT RUN", "LAST RUN", "RUNS", "FAILED"}, paint: sh.paint, state: -1}
		for i := range page.Schedules {
			s := &page.Schedules[i]
			t.add(string(s.ID), clip(clean(s.Name), 40), clip(clean(s.WorkflowName), 30), timeWords(&s.Schedule), yesNo(s.Enabled), nextWords(s), at(s.LastRun),
				whole(s.RunCount), whole(s.FailureCount))
		}
		if err := t.write(sh.out, "There is no schedule."); err != nil || page.Next == "" {
			return err
		}
		sh.note("There are %d; the next ones: --cursor %s", page.Total, page.Next)
		return nil
	})
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func timeWords(s *fleet.Schedule) string {
	switch s.Kind {
	case fleet.ScheduleInterval:
		return "every " + (time.Duration(s.IntervalSeconds) * time.Second).String()
	case fleet.ScheduleOnce:
		return "once at " + at(&s.RunAt)
	case fleet.ScheduleCron:
	}
	return s.Cron + " " + s.Timezone
}

// nextWords says when a schedule comes, or that it cannot be read.
func nextWords(s *client.Schedule) string {
	if s.Problem != "" && s.Enabled {
		return "cannot be read"
	}
	return at(s.NextRun)
}

func (s *shell) showSchedule(output string, v client.Schedule) error {
	return s.answer(output, v, func() error {
		card := &card{}
		card.add("schedule", clean(v.Name))
		card.add("id", string(v.ID))
		card.add("description", clean(v.Description))
		card.add("workflow", clean(v.WorkflowName))
		card.add("time", timeWords(&v.Schedule))
		card.add("enabled", yesNo(v.Enabled))
		card.add("note", clean(v.Note))
		card.add("problem", clean(v.Problem))
		card.add("next run", at(v.NextRun))
		card.add("last run", at(v.LastRun))
		card.add("runs", fmt.Sprintf("%d, of which %d succeeded and %d failed", v.RunCount, v.SuccessCount, v.FailureCount))
		card.add("missed", fmt.Sprintf("%s within %s", v.Misfire.Policy, v.Misfire.Within()))
		card.add("overlap", string(v.Overlap.Policy))
		return card.write(s.out, s.paint)
	})
}

type scheduleShowCmd struct {
	config.Client
	oneSchedule
}

// Run shows a schedule.
func (c *scheduleShowCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	s, err := api.GetSchedule(ctx, c.Schedule)
	if err != nil {
		return err
	}
	return sh.showSchedule(c.Output, s)
}

type scheduleEditCmd struct {
	config.Client
	oneSchedule
	Name     *string   `help:"a new name" placeholder:"NAME"`
	Workflow *fleet.ID `help:"another workflow" placeholder:"ID"`
	scheduleFlags
}

// Run changes a schedule.
func (c *scheduleEditCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	change, err := c.change(ctx, sh, api)
	if err != nil {
		return err
	}
	change.Name, change.WorkflowID = c.Name, c.Workflow
	s, err := api.UpdateSchedule(ctx, c.Schedule, change)
	if err != nil {
		return err
	}
	return sh.showSchedule(c.Output, s)
}

type schedulePauseCmd struct {
	config.Client
	oneSchedule
	Note string `help:"why" placeholder:"TEXT"`
}

// Run disables a schedule.
func (c *schedulePauseCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if _, err := api.DisableSchedule(ctx, c.Schedule, c.Note); err != nil {
		return err
	}
	sh.note("Schedule %s starts nothing more; its jobs go on.", c.Schedule)
	return nil
}

type scheduleResumeCmd struct {
	config.Client
	oneSchedule
}

// Run enables a schedule.
func (c *scheduleResumeCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	s, err := api.EnableSchedule(ctx, c.Schedule)
	if err != nil {
		return err
	}
	sh.note("Schedule %s goes on. Next run: %s.", c.Schedule, at(s.NextRun))
	return nil
}

type scheduleRunCmd struct {
	config.Client
	oneSchedule
}

// Run starts a job.
func (c *scheduleRunCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	run, err := api.RunSchedule(ctx, c.Schedule)
	if err != nil {
		return err
	}
	for _, w := range run.Warnings {
		sh.advise(w)
	}
	return sh.answer(c.Output, run, func() error {
		_, err := fmt.Fprintf(sh.out, "Job %s is there.\n", run.JobID)
		return err
	})
}

type scheduleDeleteCmd struct {
	config.Client
	oneSchedule
}

// Run deletes a schedule.
func (c *scheduleDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteSchedule(ctx, c.Schedule); err != nil {
		return err
	}
	sh.note("Schedule %s is deleted.", c.Schedule)
	return nil
}
