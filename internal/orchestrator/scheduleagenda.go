package orchestrator

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

// Bounds of an agenda.
const (
	agendaDays  = 31
	agendaAhead = 400 * 24 * time.Hour // from when on one may look at most
	agendaRuns  = 100_000              // that are counted; what comes after them is left out
	agendaNames = 5                    // schedules that are named in an hour
	agendaMeets = 20                   // groups of schedules that come at once
)

// Agenda is when the schedules of a tenant come, hour by hour.
type Agenda struct {
	Zone  *time.Location
	Whole time.Time // up to when no run is left out
	Runs  int
	Hours []AgendaHour
	Meets []AgendaMeet
	More  int // meets that are not listed
}

// AgendaHour is an hour of a day in which something comes. On a day with a
// repeated hour, both are one.
type AgendaHour struct {
	Date      string // 2026-11-27
	Hour      int
	Runs      int
	Together  int          // minutes in which several schedules come
	Schedules []AgendaRuns // those with the most runs
	More      int          // others
}

// AgendaRuns is how often a schedule comes.
type AgendaRuns struct {
	ID   fleet.ID
	Name string
	Runs int
}

// AgendaMeet is schedules that come in the same minute, and how often they do.
type AgendaMeet struct {
	Schedules []AgendaRuns // of the first such minute
	Minutes   int
	First     time.Time
}

// Agenda counts the runs of all schedules in some days, on the clocks of a zone.
// from is the first moment; now if it has passed.
func (s *Schedules) Agenda(ctx context.Context, p auth.Principal, from time.Time, days int, zone string) (out Agenda, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return out, err
	}
	now := s.Now()
	from = later(from, now)
	if days < 1 || days > agendaDays {
		return out, fleet.Invalid("days", "days must be between 1 and %d; got %d.", agendaDays, days)
	}
	if from.After(now.Add(agendaAhead)) {
		return out, fleet.Invalid("from", "from must be within %d days.", agendaAhead/(24*time.Hour))
	}
	at, err := calendar.Zone(cmp.Or(zone, "UTC"))
	if err != nil {
		return out, err
	}
	until := from.AddDate(0, 0, days)
	var runs []Upcoming
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		runs, out.Whole, err = comingRuns(r, from, until, agendaRuns)
		return err
	})
	if err != nil {
		return out, err
	}
	runs = slices.DeleteFunc(runs, func(u Upcoming) bool { return u.At.After(out.Whole) })
	out.Zone, out.Runs = at, len(runs)
	out.count(runs)
	return out, nil
}

// count lays runs, the soonest first, into hours, and finds those that meet.
func (a *Agenda) count(runs []Upcoming) {
	meets := map[string]*AgendaMeet{}
	var order []string
	hours := map[string]int{}
	for len(runs) > 0 {
		minute := runs[0].At.Truncate(time.Minute)
		n := slices.IndexFunc(runs, func(u Upcoming) bool { return u.At.Sub(minute) >= time.Minute })
		if n < 0 {
			n = len(runs)
		}
		local := minute.In(a.Zone)
		key := local.Format("2006-01-02 15")
		k, there := hours[key]
		if !there {
			k = len(a.Hours)
			hours[key] = k
			a.Hours = append(a.Hours, AgendaHour{Date: local.Format(time.DateOnly), Hour: local.Hour()})
		}
		at := tally(runs[:n])
		h := &a.Hours[k]
		h.Runs += n
		for _, one := range at {
			h.add(one)
		}
		if len(at) > 1 {
			h.Together++
			ids := make([]string, len(at))
			for i := range at {
				ids[i] = string(at[i].ID)
			}
			group := strings.Join(ids, " ")
			if meets[group] == nil {
				meets[group] = &AgendaMeet{Schedules: at, First: minute}
				order = append(order, group)
			}
			meets[group].Minutes++
		}
		runs = runs[n:]
	}
	for i := range a.Hours {
		h := &a.Hours[i]
		slices.SortStableFunc(h.Schedules, func(x, y AgendaRuns) int { return cmp.Compare(y.Runs, x.Runs) })
		if len(h.Schedules) > agendaNames {
			h.More = len(h.Schedules) - agendaNames
			h.Schedules = h.Schedules[:agendaNames]
		}
	}
	a.More = max(0, len(order)-agendaMeets)
	for _, group := range order[:len(order)-a.More] {
		a.Meets = append(a.Meets, *meets[group])
	}
}

func (h *AgendaHour) add(one AgendaRuns) {
	for i := range h.Schedules {
		if h.Schedules[i].ID == one.ID {
			h.Schedules[i].Runs += one.Runs
			return
		}
	}
	h.Schedules = append(h.Schedules, one)
}

// tally counts runs by their schedules, in the order of their names.
func tally(runs []Upcoming) (out []AgendaRuns) {
	var h AgendaHour
	for i := range runs {
		h.add(AgendaRuns{ID: runs[i].Schedule, Name: runs[i].Name, Runs: 1})
	}
	slices.SortFunc(h.Schedules, func(x, y AgendaRuns) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	})
	return h.Schedules
}
