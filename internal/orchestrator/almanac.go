package orchestrator

import (
	"context"
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

// almanac is the calendars that some schedules keep.
type almanac map[fleet.ID]fleet.WorkCalendar

// almanacOf reads those of schedules, each once. One that is gone is left out.
func almanacOf(r store.Reader, list []fleet.Schedule) (almanac, error) {
	out := almanac{}
	asked := map[fleet.ID]bool{}
	for i := range list {
		for _, id := range list[i].Calendars {
			if asked[id] {
				continue
			}
			asked[id] = true
			c, err := r.WorkCalendar(id)
			if errors.Is(err, fleet.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			out[id] = c
		}
	}
	return out, nil
}

// of picks those of one schedule; fleet.ErrInvalid if one is gone.
func (a almanac) of(s *fleet.Schedule) (out []fleet.WorkCalendar, err error) {
	for _, id := range s.Calendars {
		c, there := a[id]
		if !there {
			return nil, fleet.Invalid("calendars", "There is no calendar %s.", id)
		}
		out = append(out, c)
	}
	return out, nil
}

// timetable reads what a schedule goes by; fleet.ErrInvalid if its zone, its time
// or a calendar of it cannot be read.
func (a almanac) timetable(s *fleet.Schedule) (calendar.Timetable, error) {
	calendars, err := a.of(s)
	if err != nil {
		return calendar.Timetable{}, err
	}
	return calendar.TimetableOf(s, calendars)
}

// almanac reads the calendars of one schedule.
func (s *Schedules) almanac(ctx context.Context, sc store.Scope, of *fleet.Schedule) (a almanac, err error) {
	if len(of.Calendars) == 0 {
		return nil, nil
	}
	err = s.Store.View(ctx, sc, func(r store.Reader) (err error) { a, err = almanacOf(r, []fleet.Schedule{*of}); return err })
	return a, err
}

func (s *Schedules) calendarsOf(ctx context.Context, sc store.Scope, of *fleet.Schedule) ([]fleet.WorkCalendar, error) {
	a, err := s.almanac(ctx, sc, of)
	if err != nil {
		return nil, err
	}
	return a.of(of)
}

func (s *Schedules) timetable(ctx context.Context, sc store.Scope, of *fleet.Schedule) (calendar.Timetable, error) {
	a, err := s.almanac(ctx, sc, of)
	if err != nil {
		return calendar.Timetable{}, err
	}
	return a.timetable(of)
}

// unreadableRest is how long a schedule is left alone that cannot be read. A
// change of it or of its calendar has it looked at at once; what may also help is
// a program with newer data of zones.
const unreadableRest = 10 * time.Minute

// ignoreUnreadable leaves out that the time, the zone or a calendar of a schedule
// cannot be read any more: such a schedule has no instants until it is changed.
func ignoreUnreadable(err error) error {
	if errors.Is(err, fleet.ErrInvalid) {
		return nil
	}
	return err
}
