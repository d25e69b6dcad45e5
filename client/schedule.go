package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// ScheduleChange is what is to hold of a schedule; nil leaves things as they are.
// The time is one of Cron, IntervalSeconds and RunAt.
type ScheduleChange struct {
	Name                *string            `json:"schedule_name,omitempty"`
	Description         *string            `json:"description,omitempty"`
	WorkflowID          *fleet.ID          `json:"workflow_id,omitempty"`
	Version             *int               `json:"version,omitempty"` // of the workflow; 0: the newest
	Inputs              json.RawMessage    `json:"inputs,omitempty"`
	Priority            *fleet.Priority    `json:"priority,omitempty"`
	Environment         *string            `json:"environment,omitempty"`
	Target              *fleet.RobotID     `json:"target_robot_id,omitempty"`
	Labels              *map[string]string `json:"labels,omitempty"`
	QueueTimeoutSeconds *int               `json:"queue_timeout_seconds,omitempty"`
	RunTimeoutSeconds   *int               `json:"run_timeout_seconds,omitempty"`
	Cron                *string            `json:"cron_expression,omitempty"`
	IntervalSeconds     *int               `json:"interval_seconds,omitempty"`
	RunAt               *time.Time         `json:"run_at,omitempty"`
	Timezone            *string            `json:"timezone,omitempty"`
	Enabled             *bool              `json:"enabled,omitempty"`
	StartAt             *time.Time         `json:"start_at,omitempty"`
	EndAt               *time.Time         `json:"end_at,omitempty"`
	MaxRuns             *int               `json:"max_runs,omitempty"`
	Misfire             *ScheduleMisfire   `json:"misfire,omitempty"`
	Overlap             *ScheduleOverlap   `json:"overlap,omitempty"`
	Calendars           *[]fleet.ID        `json:"calendars,omitempty"`
	Shift               *fleet.Shift       `json:"shift,omitempty"`
	JitterSeconds       *int               `json:"jitter_seconds,omitempty"`
	PauseAfterFailures  *int               `json:"pause_after_failures,omitempty"`
	StartWithinSeconds  *int               `json:"start_within_seconds,omitempty"`
	EndWithinSeconds    *int               `json:"end_within_seconds,omitempty"`
}

// ScheduleMisfire is what is to become of instants that nobody was there for.
type ScheduleMisfire struct {
	Policy        *fleet.MisfirePolicy `json:"policy,omitempty"`
	WithinSeconds *int                 `json:"within_seconds,omitempty"`
	Max           *int                 `json:"max,omitempty"`
}

// ScheduleOverlap is what is to become of instants while jobs of the schedule
// have not ended.
type ScheduleOverlap struct {
	Policy *fleet.OverlapPolicy `json:"policy,omitempty"`
	Max    *int                 `json:"max,omitempty"`
}

// Schedule is a schedule with how it stands.
type Schedule struct {
	fleet.Schedule
	WorkflowName string     `json:"workflow_name"`
	Problem      string     `json:"problem"` // why it cannot be read, and so starts nothing
	NextRun      *time.Time `json:"next_run"`
	LastRun      *time.Time `json:"last_run"`
	LastJob      fleet.ID   `json:"last_job_id"`
	RunCount     int64      `json:"run_count"`
	SuccessCount int64      `json:"success_count"`
	FailureCount int64      `json:"failure_count"`
	Frequency    string     `json:"frequency"`

	Recent []fleet.State `json:"recent"` // how its newest jobs ended, the oldest first
}

// SchedulePage is a part of the list of schedules.
type SchedulePage struct {
	Schedules []Schedule `json:"schedules"`
	Total     int64      `json:"total"`
	Next      string     `json:"next_cursor"`
}

// ScheduleRun is a job that was started by hand.
type ScheduleRun struct {
	JobID    fleet.ID `json:"job_id"`
	Warnings []string `json:"warnings"`
}

// SchedulePreview is the next runs of a schedule.
type SchedulePreview struct {
	Timezone string         `json:"timezone"`
	ZoneData string         `json:"zone_data"`
	Runs     []PreviewedRun `json:"runs"`
}

// PreviewedRun is one of them; a nil At does not come.
type PreviewedRun struct {
	FireAt   time.Time  `json:"fire_at"`
	At       *time.Time `json:"at"`
	Local    string     `json:"local,omitempty"`
	Moved    bool       `json:"moved_by_dst,omitempty"`
	Excluded bool       `json:"excluded_by_calendar,omitempty"`
	Twice    bool       `json:"twice_by_dst,omitempty"`
	Doubled  bool       `json:"collapsed,omitempty"`

	Beside []string `json:"others,omitempty"`     // other schedules that come in the same minute
	Free   *float64 `json:"free_slots,omitempty"` // that usually are free then
}

// PreviewRequest asks for a preview: of Schedule, by its id or name, as the
// change would have it, or of the change alone.
type PreviewRequest struct {
	Schedule string     `json:"schedule_id,omitempty"`
	Count    int        `json:"count,omitempty"` // 0: 10
	After    *time.Time `json:"after,omitempty"`

	Cron            *string      `json:"cron_expression,omitempty"`
	IntervalSeconds *int         `json:"interval_seconds,omitempty"`
	RunAt           *time.Time   `json:"run_at,omitempty"`
	Timezone        *string      `json:"timezone,omitempty"`
	StartAt         *time.Time   `json:"start_at,omitempty"`
	EndAt           *time.Time   `json:"end_at,omitempty"`
	MaxRuns         *int         `json:"max_runs,omitempty"`
	Calendars       *[]fleet.ID  `json:"calendars,omitempty"`
	Shift           *fleet.Shift `json:"shift,omitempty"`
	JitterSeconds   *int         `json:"jitter_seconds,omitempty"`
}

// UpcomingRun is a run that is to come.
type UpcomingRun struct {
	ScheduleID   fleet.ID  `json:"schedule_id"`
	ScheduleName string    `json:"schedule_name"`
	WorkflowID   fleet.ID  `json:"workflow_id"`
	NextRun      time.Time `json:"next_run"`
	FireAt       time.Time `json:"fire_at"`
}

// FirePage is a part of what became of the instants of a schedule.
type FirePage struct {
	Fires []fleet.Fire `json:"fires"`
	Next  string       `json:"next_cursor"`
}

// BackfillRequest asks for the instants of a span in the past.
type BackfillRequest struct {
	From        time.Time `json:"from"`
	Until       time.Time `json:"until"`
	MaxParallel int       `json:"max_parallel,omitempty"`
	Reverse     bool      `json:"reverse,omitempty"`
	Again       bool      `json:"again,omitempty"`
	Note        string    `json:"note,omitempty"`
}

// CalendarChange is what is to hold of a working calendar; nil leaves things as
// they are.
type CalendarChange struct {
	Name        *string          `json:"name,omitempty"`
	Description *string          `json:"description,omitempty"`
	Timezone    *string          `json:"timezone,omitempty"`
	Hours       *[]fleet.DayTime `json:"hours,omitempty"`
	Holidays    *[]fleet.Holiday `json:"holidays,omitempty"`
	Blackouts   *[]fleet.Window  `json:"blackouts,omitempty"`
	Extra       *[]fleet.Window  `json:"extra,omitempty"`
	ICal        string           `json:"ical,omitempty"` // an iCalendar file whose events become the blackouts
}

// ListSchedules returns a part of the schedules, the newest first; of one
// workflow, if that is named.
func (c *Client) ListSchedules(ctx context.Context, workflow fleet.ID, p fleet.Page) (out SchedulePage, err error) {
	q := pageQuery(p)
	q.Set("view", "list")
	set(q, "workflow_id", workflow)
	err = c.get(ctx, at("schedules"), q, &out)
	return out, err
}

// GetSchedule returns a schedule, by its id or its name.
func (c *Client) GetSchedule(ctx context.Context, schedule string) (out Schedule, err error) {
	err = c.get(ctx, at("schedules", schedule), nil, &out)
	return out, err
}

// CreateSchedule makes a schedule.
func (c *Client) CreateSchedule(ctx context.Context, s ScheduleChange) (out Schedule, err error) {
	err = c.once(ctx, http.MethodPost, at("schedules"), s, &out)
	return out, err
}

// UpdateSchedule changes a schedule.
func (c *Client) UpdateSchedule(ctx context.Context, schedule string, s ScheduleChange) (out Schedule, err error) {
	err = c.write(ctx, http.MethodPut, at("schedules", schedule), s, &out)
	return out, err
}

// DeleteSchedule deletes a schedule; its jobs go on.
func (c *Client) DeleteSchedule(ctx context.Context, schedule string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("schedules", schedule), safe: true})
	return err
}

// EnableSchedule lets a schedule go on.
func (c *Client) EnableSchedule(ctx context.Context, schedule string) (out Schedule, err error) {
	err = c.write(ctx, http.MethodPut, at("schedules", schedule, "enable"), map[string]any{}, &out)
	return out, err
}

// DisableSchedule lets a schedule start nothing more.
func (c *Client) DisableSchedule(ctx context.Context, schedule, note string) (out Schedule, err error) {
	err = c.write(ctx, http.MethodPut, at("schedules", schedule, "disable"), map[string]any{"note": note}, &out)
	return out, err
}

// RunSchedule starts a job of a schedule at once.
func (c *Client) RunSchedule(ctx context.Context, schedule string) (out ScheduleRun, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("schedules", schedule, "run-now")}, &out)
	return out, err
}

// PreviewSchedule lists the next runs of a schedule.
func (c *Client) PreviewSchedule(ctx context.Context, r PreviewRequest) (out SchedulePreview, err error) {
	err = c.write(ctx, http.MethodPost, at("schedules", "preview"), r, &out)
	return out, err
}

// UpcomingRuns lists the next runs of all schedules within some hours.
// None is left out up to whole.
func (c *Client) UpcomingRuns(ctx context.Context, hours, limit int) (list []UpcomingRun, whole time.Time, err error) {
	var out struct {
		Upcoming []UpcomingRun `json:"upcoming"`
		Whole    time.Time     `json:"whole_until"`
	}
	err = c.get(ctx, at("schedules", "upcoming"), url.Values{"hours": {strconv.Itoa(hours)}, "limit": {strconv.Itoa(limit)}}, &out)
	return out.Upcoming, out.Whole, err
}

// ScheduleFires lists what became of the instants of a schedule, the newest first;
// with an outcome, those alone.
func (c *Client) ScheduleFires(ctx context.Context, schedule string, outcome fleet.FireOutcome, p fleet.Page) (out FirePage, err error) {
	q := pageQuery(p)
	set(q, "outcome", outcome)
	err = c.get(ctx, at("schedules", schedule, "fires"), q, &out)
	return out, err
}

// Backfills lists those of a schedule, the newest first.
func (c *Client) Backfills(ctx context.Context, schedule string) ([]fleet.Backfill, error) {
	var out struct {
		Backfills []fleet.Backfill `json:"backfills"`
	}
	err := c.get(ctx, at("schedules", schedule, "backfills"), nil, &out)
	return out.Backfills, err
}

// CreateBackfill runs instants of the past.
func (c *Client) CreateBackfill(ctx context.Context, schedule string, r BackfillRequest) (out fleet.Backfill, err error) {
	err = c.once(ctx, http.MethodPost, at("schedules", schedule, "backfills"), r, &out)
	return out, err
}

// CancelBackfill keeps a backfill from making more jobs.
func (c *Client) CancelBackfill(ctx context.Context, schedule string, backfill fleet.ID) (out fleet.Backfill, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("schedules", schedule, "backfills", string(backfill), "cancel"), safe: true}, &out)
	return out, err
}

// ListCalendars returns all working calendars by name.
func (c *Client) ListCalendars(ctx context.Context) ([]fleet.WorkCalendar, error) {
	var out struct {
		Calendars []fleet.WorkCalendar `json:"calendars"`
	}
	err := c.get(ctx, at("calendars"), nil, &out)
	return out.Calendars, err
}

// GetCalendar returns a working calendar, by its id or its name.
func (c *Client) GetCalendar(ctx context.Context, calendar string) (out fleet.WorkCalendar, err error) {
	err = c.get(ctx, at("calendars", calendar), nil, &out)
	return out, err
}

// CreateCalendar makes a working calendar.
func (c *Client) CreateCalendar(ctx context.Context, change CalendarChange) (out fleet.WorkCalendar, err error) {
	err = c.once(ctx, http.MethodPost, at("calendars"), change, &out)
	return out, err
}

// UpdateCalendar changes a working calendar.
func (c *Client) UpdateCalendar(ctx context.Context, calendar string, change CalendarChange) (out fleet.WorkCalendar, err error) {
	err = c.write(ctx, http.MethodPut, at("calendars", calendar), change, &out)
	return out, err
}

// DeleteCalendar deletes a working calendar that no schedule keeps.
func (c *Client) DeleteCalendar(ctx context.Context, calendar string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("calendars", calendar), safe: true})
	return err
}

// Agenda is when all schedules come, hour by hour; none is left out up to Whole.
type Agenda struct {
	Timezone string       `json:"timezone"`
	Whole    time.Time    `json:"whole_until"`
	Runs     int          `json:"runs"`
	Hours    []AgendaHour `json:"hours"`
	Together []AgendaMeet `json:"together"`
	More     int          `json:"more_together,omitempty"`
}

// AgendaHour is an hour of a day in which something comes.
type AgendaHour struct {
	Date      string           `json:"date"`
	Hour      int              `json:"hour"`
	Runs      int              `json:"runs"`
	Together  int              `json:"together"` // minutes in which several come
	Schedules []AgendaSchedule `json:"schedules"`
	More      int              `json:"more,omitempty"` // schedules that are not listed
}

// AgendaSchedule is how often one comes.
type AgendaSchedule struct {
	ScheduleID   fleet.ID `json:"schedule_id"`
	ScheduleName string   `json:"schedule_name"`
	Runs         int      `json:"runs"`
}

// AgendaMeet is schedules that come in the same minute.
type AgendaMeet struct {
	Schedules []AgendaSchedule `json:"schedules"`
	Minutes   int              `json:"minutes"`
	First     time.Time        `json:"first"`
}

// ScheduleAgenda counts the runs of all schedules in some days from a moment on,
// or from now if it is zero, on the clocks of a zone, or of UTC if it is empty.
func (c *Client) ScheduleAgenda(ctx context.Context, from time.Time, days int, zone string) (out Agenda, err error) {
	q := url.Values{"days": {strconv.Itoa(days)}}
	if !from.IsZero() {
		q.Set("from", from.UTC().Format(time.RFC3339))
	}
	set(q, "timezone", zone)
	err = c.get(ctx, at("schedules", "agenda"), q, &out)
	return out, err
}
