package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// calendarCmds are the verbs for working calendars.
type calendarCmds struct {
	Create calendarCreateCmd `cmd:"" aliases:"add" help:"make a working calendar"`
	List   calendarListCmd   `cmd:"" help:"list working calendars"`
	Show   calendarShowCmd   `cmd:"" aliases:"get" help:"show a working calendar"`
	Edit   calendarEditCmd   `cmd:"" help:"change a working calendar; its schedules go by it at once"`
	Delete calendarDeleteCmd `cmd:"" aliases:"rm" help:"delete a working calendar that no schedule keeps"`
}

// calendarFlags are what can be set of a calendar.
type calendarFlags struct {
	Description string `help:"for people" placeholder:"TEXT"`
	Timezone    string `help:"zone of its hours and days; default: the tenant's" placeholder:"ZONE"`
	Rules       string `help:"file with a JSON object: hours, holidays, blackouts and extra" placeholder:"PATH"`
	ICal        string `name:"ical" help:"iCalendar file whose events become the blackouts" placeholder:"PATH"`
}

func (f *calendarFlags) change(sh *shell) (c client.CalendarChange, err error) {
	if f.Rules != "" {
		text, err := sh.read(f.Rules)
		if err != nil {
			return c, err
		}
		if err := json.Unmarshal(text, &c); err != nil {
			return c, fleet.Invalid("rules", "%s holds no rules of a calendar: %s.", f.Rules, err)
		}
	}
	if f.ICal != "" {
		text, err := sh.read(f.ICal)
		if err != nil {
			return c, err
		}
		c.ICal = string(text)
	}
	c.Description, c.Timezone = given(f.Description), given(f.Timezone)
	return c, nil
}

func (s *shell) showCalendar(output string, c fleet.WorkCalendar) error {
	return s.answer(output, c, func() error {
		card := &card{}
		card.add("calendar", clean(c.Name))
		card.add("id", string(c.ID))
		card.add("description", clean(c.Description))
		card.add("zone", c.Timezone)
		for _, h := range c.Hours {
			card.add([]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}[h.Weekday%7], h.From+" to "+h.Until)
		}
		card.add("holidays", strconv.Itoa(len(c.Holidays)))
		card.add("blackouts", strconv.Itoa(len(c.Blackouts)))
		return card.write(s.out, s.paint)
	})
}

type calendarCreateCmd struct {
	config.Client
	Name string `arg:"" help:"name of the calendar"`
	calendarFlags
}

// Run makes a calendar.
func (c *calendarCreateCmd) Run(ctx context.Context, sh *shell) error {
	change, err := c.change(sh)
	if err != nil {
		return err
	}
	change.Name = &c.Name
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	made, err := api.CreateCalendar(ctx, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, made, func() error {
		_, err := fmt.Fprintf(sh.out, "Calendar %s is there.\n", clean(made.Name))
		return err
	})
}

type calendarListCmd struct{ config.Client }

// Run lists calendars.
func (c *calendarListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListCalendars(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"calendars": list}, func() error {
		t := table{head: []string{"CALENDAR", "ZONE", "HOURS", "HOLIDAYS", "BLACKOUTS", "DESCRIPTION"}, paint: sh.paint, state: -1}
		for i := range list {
			t.add(clip(clean(list[i].Name), 40), list[i].Timezone, strconv.Itoa(len(list[i].Hours)), strconv.Itoa(len(list[i].Holidays)),
				strconv.Itoa(len(list[i].Blackouts)), clip(clean(list[i].Description), 40))
		}
		return t.write(sh.out, "There is no calendar.")
	})
}

// oneCalendar names a calendar.
type oneCalendar struct {
	Calendar string `arg:"" help:"id or name of the calendar"`
}

type calendarShowCmd struct {
	config.Client
	oneCalendar
}

// Run shows a calendar.
func (c *calendarShowCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	got, err := api.GetCalendar(ctx, c.Calendar)
	if err != nil {
		return err
	}
	return sh.showCalendar(c.Output, got)
}

type calendarEditCmd struct {
	config.Client
	oneCalendar
	Name *string `help:"a new name" placeholder:"NAME"`
	calendarFlags
}

// Run changes a calendar.
func (c *calendarEditCmd) Run(ctx context.Context, sh *shell) error {
	change, err := c.change(sh)
	if err != nil {
		return err
	}
	if c.Name != nil {
		change.Name = c.Name
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	got, err := api.UpdateCalendar(ctx, c.Calendar, change)
	if err != nil {
		return err
	}
	return sh.showCalendar(c.Output, got)
}

type calendarDeleteCmd struct {
	config.Client
	oneCalendar
}

// Run deletes a calendar.
func (c *calendarDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteCalendar(ctx, c.Calendar); err != nil {
		return err
	}
	sh.note("Calendar %s is deleted.", c.Calendar)
	return nil
}
