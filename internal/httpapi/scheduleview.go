package httpapi

import (
	"cmp"
	"encoding/json"
	"reflect"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// ScheduleAnswer is a schedule with all names under which programs read it.
type ScheduleAnswer struct {
	fleet.Schedule
	SameID        fleet.ID        `json:"id" doc:"The same as schedule_id."`
	SameName      string          `json:"name" doc:"The same as schedule_name."`
	WorkflowName  string          `json:"workflow_name"`
	Problem       string          `json:"problem,omitempty" doc:"Why its time, its zone or a calendar of it cannot be read; it starts nothing until that is mended."`
	Input         json.RawMessage `json:"input" doc:"The same as inputs; {} if there are none."`
	Priority      fleet.Priority  `json:"priority"`
	Cron          string          `json:"cron_expression" doc:"Empty for a schedule of another kind."`
	ExecutionMode string          `json:"execution_mode"`

	NextRun      *time.Time `json:"next_run" doc:"When the next job comes; null if none does."`
	NextRunAt    *time.Time `json:"next_run_at" doc:"The same."`
	LastRun      *time.Time `json:"last_run" doc:"When its last job was made."`
	LastRunAt    *time.Time `json:"last_run_at" doc:"The same."`
	LastJob      fleet.ID   `json:"last_job_id,omitempty"`
	RunCount     int64      `json:"run_count" doc:"Fires with a job."`
	SuccessCount int64      `json:"success_count" doc:"Of their jobs that have ended."`
	FailureCount int64      `json:"failure_count"`
	Streak       int64      `json:"failures_in_a_row"`

	Recent []fleet.State `json:"recent" doc:"How its newest jobs ended, the oldest first; 20 at most."`

	Frequency       string `json:"frequency" enum:"once,interval,hourly,daily,weekly,monthly,cron"`
	TimeHour        int    `json:"time_hour"`
	TimeMinute      int    `json:"time_minute"`
	DayOfWeek       int    `json:"day_of_week" doc:"0 is Monday."`
	DayOfMonth      int    `json:"day_of_month"`
	IntervalSeconds int    `json:"interval_seconds"`

	Warnings []string `json:"warnings,omitempty" doc:"Of a change: what of it was left aside."`
}

// ScheduleDone is what programs of the original want to hear.
type ScheduleDone struct {
	Status   string   `json:"status" enum:"success"`
	Message  string   `json:"message"`
	JobID    fleet.ID `json:"job_id,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// UpcomingRun is a run that is to come.
type UpcomingRun struct {
	ScheduleID   fleet.ID  `json:"schedule_id"`
	ScheduleName string    `json:"schedule_name"`
	WorkflowID   fleet.ID  `json:"workflow_id"`
	NextRun      time.Time `json:"next_run"`
	FireAt       time.Time `json:"fire_at" doc:"The instant as the rule has it, without jitter and shift."`
}

// UpcomingList is the next runs of all schedules.
type UpcomingList struct {
	Upcoming []UpcomingRun `json:"upcoming"`
	Whole    time.Time     `json:"whole_until" doc:"Up to when no run is left out: the end of the hours, or sooner if there are more runs than the limit."`
}

// AgendaAnswer is when all schedules come, hour by hour.
type AgendaAnswer struct {
	Timezone string       `json:"timezone"`
	Whole    time.Time    `json:"whole_until" doc:"Up to when no run is left out: the end of the days, or sooner if there are more runs than are counted."`
	Runs     int          `json:"runs"`
	Hours    []AgendaHour `json:"hours" doc:"Those in which something comes."`
	Together []AgendaMeet `json:"together" doc:"Groups of schedules that come in the same minute, the soonest first; at most 20."`
	More     int          `json:"more_together,omitempty" doc:"Groups that are not listed."`
}

// AgendaHour is an hour of a day.
type AgendaHour struct {
	Date      string           `json:"date" format:"date"`
	Hour      int              `json:"hour" doc:"0 to 23."`
	Runs      int              `json:"runs"`
	Together  int              `json:"together" doc:"Minutes in which several schedules come."`
	Schedules []AgendaSchedule `json:"schedules" doc:"Those with the most runs; at most 5."`
	More      int              `json:"more,omitempty" doc:"Schedules that are not listed."`
}

// AgendaSchedule is how often one comes.
type AgendaSchedule struct {
	ScheduleID   fleet.ID `json:"schedule_id"`
	ScheduleName string   `json:"schedule_name"`
	Runs         int      `json:"runs"`
}

// AgendaMeet is schedules that come at once.
type AgendaMeet struct {
	Schedules []AgendaSchedule `json:"schedules" doc:"With their runs in the first such minute."`
	Minutes   int              `json:"minutes" doc:"In how many minutes they do."`
	First     time.Time        `json:"first"`
}

func showAgenda(in orchestrator.Agenda) AgendaAnswer {
	stamp(&in.Whole)
	of := func(list []orchestrator.AgendaRuns) []AgendaSchedule {
		out := make([]AgendaSchedule, len(list))
		for i, s := range list {
			out[i] = AgendaSchedule{ScheduleID: s.ID, ScheduleName: s.Name, Runs: s.Runs}
		}
		return out
	}
	out := AgendaAnswer{
		Timezone: in.Zone.String(), Whole: in.Whole, Runs: in.Runs, More: in.More,
		Hours: make([]AgendaHour, len(in.Hours)), Together: make([]AgendaMeet, len(in.Meets)),
	}
	for i, h := range in.Hours {
		out.Hours[i] = AgendaHour{Date: h.Date, Hour: h.Hour, Runs: h.Runs, Together: h.Together, Schedules: of(h.Schedules), More: h.More}
	}
	for i, m := range in.Meets {
		stamp(&m.First)
		out.Together[i] = AgendaMeet{Schedules: of(m.Schedules), Minutes: m.Minutes, First: m.First}
	}
	return out
}

// PreviewScheduleBody is a schedule, or a change of one that is there.
type PreviewScheduleBody struct {
	ScheduleID      string              `json:"schedule_id,omitempty" doc:"Id or name of one that is there; the rest is what would change of it."`
	Count           *int                `json:"count,omitempty" doc:"How many runs; 10 if left out."`
	After           *time.Time          `json:"after,omitempty" doc:"From when on; now if left out."`
	Kind            *fleet.ScheduleKind `json:"kind,omitempty" enum:"cron,interval,once"`
	Cron            *string             `json:"cron_expression,omitempty"`
	IntervalSeconds *int                `json:"interval_seconds,omitempty"`
	RunAt           *time.Time          `json:"run_at,omitempty"`
	Timezone        *string             `json:"timezone,omitempty"`
	StartAt         *time.Time          `json:"start_at,omitempty"`
	EndAt           *time.Time          `json:"end_at,omitempty"`
	MaxRuns         *int                `json:"max_runs,omitempty"`
	Calendars       *[]fleet.ID         `json:"calendars,omitempty"`
	Shift           *fleet.Shift        `json:"shift,omitempty" enum:"skip,next,previous"`
	JitterSeconds   *int                `json:"jitter_seconds,omitempty"`
}

func (b *PreviewScheduleBody) change() orchestrator.ScheduleChange {
	return orchestrator.ScheduleChange{
		Kind: b.Kind, Cron: b.Cron, IntervalSeconds: b.IntervalSeconds, RunAt: b.RunAt, Timezone: b.Timezone, StartAt: b.StartAt, EndAt: b.EndAt,
		MaxRuns: b.MaxRuns, Calendars: b.Calendars, Shift: b.Shift, JitterSeconds: b.JitterSeconds,
	}
}

// SchedulePreview is the next runs of a schedule.
type SchedulePreview struct {
	Timezone string         `json:"timezone"`
	ZoneData string         `json:"zone_data" doc:"The edition of the IANA data of zones that is built in."`
	Runs     []PreviewedRun `json:"runs"`
}

// PreviewedRun is one of them.
type PreviewedRun struct {
	FireAt   time.Time  `json:"fire_at" doc:"The instant as the rule has it."`
	At       *time.Time `json:"at" doc:"When it comes, with jitter and after a shift; null: it does not."`
	Local    string     `json:"local,omitempty" doc:"The same on the clocks of its zone."`
	Moved    bool       `json:"moved_by_dst,omitempty"`
	Excluded bool       `json:"excluded_by_calendar,omitempty"`
	Twice    bool       `json:"twice_by_dst,omitempty" doc:"Its time comes twice on the clocks of its zone; it runs once."`
	Doubled  bool       `json:"collapsed,omitempty" doc:"It was moved onto the time of another run, which stands for it."`

	Beside []string `json:"others,omitempty" doc:"Other schedules that come in the same minute; at most 5."`
	Free   *float64 `json:"free_slots,omitempty" doc:"Slots that usually are free at that hour of the week, by the last 28 days; left out where nothing is known."`
}

func showPreview(runs []orchestrator.PlannedRun, zone *time.Location) SchedulePreview {
	out := SchedulePreview{Timezone: zone.String(), ZoneData: orchestrator.ZoneVersion, Runs: make([]PreviewedRun, len(runs))}
	for i, r := range runs {
		stamp(&r.FireAt)
		out.Runs[i] = PreviewedRun{FireAt: r.FireAt, At: optionalTime(r.At), Moved: r.Moved, Excluded: r.Excluded, Doubled: r.Doubled, Beside: r.Beside, Free: r.Free}
		if !r.At.IsZero() {
			out.Runs[i].Twice = comesTwice(r.At, zone)
			out.Runs[i].Local = r.At.In(zone).Format("Mon 2006-01-02 15:04:05 -07:00 MST")
		}
	}
	return out
}

// comesTwice says whether the clocks of a zone show the time of an instant twice.
func comesTwice(t time.Time, zone *time.Location) bool {
	here := t.In(zone)
	_, offset := here.Zone()
	for _, near := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		_, other := t.Add(near).In(zone).Zone()
		if again := t.Add(time.Duration(offset-other) * time.Second).In(zone); !again.Equal(t) && again.Format(time.DateTime) == here.Format(time.DateTime) {
			return true
		}
	}
	return false
}

// FireList is what became of instants.
type FireList struct {
	Fires []fleet.Fire `json:"fires"`
	Next  string       `json:"next_cursor,omitempty"`
}

func reflectType[T any]() reflect.Type { return reflect.TypeFor[T]() }

func showSchedule(v *orchestrator.ScheduleView) ScheduleAnswer {
	s := v.Schedule
	stamp(&s.CreatedAt, &s.UpdatedAt, &s.StartAt, &s.EndAt, &s.RunAt)
	f := orchestrator.FrequencyOf(&s)
	out := ScheduleAnswer{
		Schedule: s, SameID: s.ID, SameName: s.Name, WorkflowName: v.WorkflowName, Problem: v.Problem, Input: s.Inputs, Cron: s.Cron, Priority: fleet.PriorityDefault,
		ExecutionMode: cmp.Or(s.ExecutionMode, "lan"), LastJob: s.LastJob, RunCount: s.Runs, SuccessCount: s.Successes, FailureCount: s.Failures,
		Streak: s.Streak, Frequency: f.Word, TimeHour: f.Hour, TimeMinute: f.Minute, DayOfWeek: f.Weekday, DayOfMonth: f.MonthDay,
		Recent: append([]fleet.State{}, v.Recent...), IntervalSeconds: s.IntervalSeconds, NextRun: optionalTime(v.NextRun), LastRun: optionalTime(s.LastRun),
	}
	out.NextRunAt, out.LastRunAt = out.NextRun, out.LastRun
	if s.Priority != nil {
		out.Priority = *s.Priority
	}
	if len(out.Input) == 0 {
		out.Input = json.RawMessage(`{}`)
	}
	return out
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	stamp(&t)
	return &t
}

func showFire(f fleet.Fire) fleet.Fire {
	stamp(&f.At, &f.DueAt, &f.MadeAt, &f.EndedAt)
	return f
}
