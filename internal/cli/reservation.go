package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/config"
)

// reservationCmds are the verbs for reservations.
type reservationCmds struct {
	Create  reservationCreateCmd  `cmd:"" help:"keep slots of some robots free for some jobs"`
	List    reservationListCmd    `cmd:"" help:"list reservations, the oldest first"`
	Get     reservationGetCmd     `cmd:"" aliases:"show" help:"show one reservation"`
	Enable  reservationEnableCmd  `cmd:"" help:"let a reservation hold again"`
	Disable reservationDisableCmd `cmd:"" help:"let a reservation hold nothing, and keep it"`
	Delete  reservationDeleteCmd  `cmd:"" help:"let the slots of a reservation go"`
}

type reservationCreateCmd struct {
	config.Client
	Name        string        `arg:"" help:"name of the reservation"`
	Pool        []string      `help:"robots of this pool (repeatable)" placeholder:"NAME"`
	Robot       []string      `help:"this robot (repeatable)" placeholder:"ID"`
	Tag         []string      `help:"robots with this tag (repeatable)" placeholder:"WORD"`
	All         bool          `help:"all robots"`
	Slots       int           `help:"how many slots are kept; 0: all of those robots" default:"0" placeholder:"N"`
	ForWorkflow []string      `help:"jobs of this workflow may use them (repeatable)" placeholder:"ID"`
	ForLabel    []string      `help:"jobs with this label may (repeatable)" placeholder:"KEY=VALUE"`
	ForPriority string        `help:"jobs of this priority or a more urgent one may" placeholder:"PRIORITY"`
	From        time.Time     `help:"when it begins, such as 2026-12-31T08:00:00Z; default: now" placeholder:"TIME"`
	Until       time.Time     `help:"when it ends; default: never" placeholder:"TIME"`
	Cron        string        `help:"open a window at each instant of this cron expression, in place of --from and --until" placeholder:"EXPRESSION"`
	Length      time.Duration `help:"how long a window of --cron is open" placeholder:"DURATION"`
	Timezone    string        `help:"zone in which --cron is read; default: UTC" placeholder:"ZONE"`
	Lend        bool          `help:"others may use what none of those jobs waits for"`
	Recall      string        `help:"what becomes of those when one waits: finish, or stop, after which they wait again" enum:"finish,stop" default:"finish" placeholder:"WORD"`
	RecallGrace time.Duration `help:"how long one that is stopped may take to end its step" default:"60s" placeholder:"DURATION"`
	Note        string        `help:"for people" placeholder:"TEXT"`
}

// Help is the long form of the help.
func (reservationCreateCmd) Help() string {
	return `Other jobs take a slot of the named robots only while as many stay free as the reservation still needs. What kind of job may use them is one or more of --for-workflow, --for-label and --for-priority; all given ones must hold.

Examples:

    fleet reservation create month-end --pool finance --slots 2 --for-label team=payroll --until 2026-12-01T06:00:00Z
    fleet reservation create mornings --pool web --slots 3 --for-label team=web --cron '0 8 * * 1-5' --length 2h --timezone Europe/Berlin
    fleet reservation create urgent --all --slots 1 --for-priority critical --lend --recall stop`
}

// Run makes a reservation.
func (c *reservationCreateCmd) Run(ctx context.Context, sh *shell) error {
	r := fleet.Reservation{Name: c.Name, Slots: c.Slots, Lend: c.Lend, Enabled: true, Note: c.Note}
	if c.Recall == string(fleet.RecallStop) {
		r.Recall, r.RecallGraceSeconds = fleet.RecallStop, int(c.RecallGrace/time.Second)
	}
	r.Selector = fleet.Selector{All: c.All, Pools: c.Pool, Tags: c.Tag}
	for _, id := range c.Robot {
		r.Selector.Robots = append(r.Selector.Robots, fleet.RobotID(id))
	}
	for _, id := range c.ForWorkflow {
		r.For.Workflows = append(r.For.Workflows, fleet.ID(id))
	}
	if r.Selector.IsZero() {
		return fleet.Invalid("robots", "A reservation needs robots whose slots it keeps: --pool, --robot, --tag or --all.")
	}
	var err error
	if r.For.Labels, err = pairs("for-label", c.ForLabel); err != nil {
		return err
	}
	if c.ForPriority != "" {
		p, err := fleet.ParsePriority(c.ForPriority)
		if err != nil {
			return err
		}
		r.For.PriorityAtMost = &p
	}
	if r.For.IsZero() {
		return fleet.Invalid("for", "A reservation must say which jobs it is for: --for-workflow, --for-label or --for-priority.")
	}
	r.Cron, r.LengthSeconds, r.Timezone = c.Cron, int(c.Length/time.Second), c.Timezone
	if !c.From.IsZero() || !c.Until.IsZero() {
		w := fleet.Window{From: c.From.UTC(), Until: c.Until.UTC()}
		if c.Until.IsZero() {
			return fleet.Invalid("until", "A reservation with --from also needs --until.")
		}
		if c.From.IsZero() {
			w.From = time.Now().UTC()
		}
		r.Windows = []fleet.Window{w}
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.CreateReservation(ctx, r)
	if err != nil {
		return err
	}
	for _, w := range out.Warnings {
		sh.note("warning: %s", clean(w))
	}
	return sh.answer(c.Output, out, func() error {
		_, err := fmt.Fprintf(sh.out, "Reservation %s made: %s.\n", out.ID, clean(out.Name))
		return err
	})
}

type reservationListCmd struct{ config.Client }

// Run lists reservations.
func (c *reservationListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListReservations(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"reservations": list}, func() error {
		t := table{head: []string{"RESERVATION", "NAME", "SLOTS", "ROBOTS", "FOR", "HOLDS"}, paint: sh.paint, state: -1}
		for i := range list {
			r := &list[i]
			t.add(string(r.ID), clip(clean(r.Name), 30), slotsOf(r), clip(clean(robotsOf(&r.Selector)), 30), clip(clean(forWhom(&r.For)), 40), when(r, time.Now()))
		}
		return t.write(sh.out, "No slot is reserved.")
	})
}

// reservationTarget is a command about one reservation.
type reservationTarget struct {
	config.Client
	Reservation string `arg:"" help:"id of the reservation"`
}

type reservationGetCmd struct{ reservationTarget }

// Run shows a reservation.
func (c *reservationGetCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	r, err := api.GetReservation(ctx, fleet.ID(c.Reservation))
	if err != nil {
		return err
	}
	return sh.answer(c.Output, r, func() error {
		card := &card{}
		card.add("reservation", string(r.ID))
		card.add("name", clean(r.Name))
		card.add("slots", slotsOf(&r))
		card.add("robots", clean(robotsOf(&r.Selector)))
		card.add("for", clean(forWhom(&r.For)))
		card.add("holds", when(&r, time.Now()))
		if r.Cron != "" {
			card.add("cron", fmt.Sprintf("%s (%s), each time for %s", clean(r.Cron), cmp.Or(clean(r.Timezone), "UTC"), r.Length()))
		}
		for _, w := range calendar.Windows(&r, time.Now(), 5) {
			card.add("window", wall(w.From)+" to "+wall(w.Until))
		}
		if r.Lend {
			card.add("lends", "what no job of its own waits for")
			if r.Recall == fleet.RecallStop {
				card.add("recalls", fmt.Sprintf("what runs there is stopped after %s when one of its own waits", r.RecallGrace()))
			}
		}
		card.add("note", clean(r.Note))
		card.add("made", wall(r.CreatedAt)+" by "+clean(r.CreatedBy))
		return card.write(sh.out, sh.paint)
	})
}

type reservationDeleteCmd struct{ reservationTarget }

// Run deletes a reservation.
func (c *reservationDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteReservation(ctx, fleet.ID(c.Reservation)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "Reservation %s is gone.\n", c.Reservation)
	return err
}

type reservationEnableCmd struct{ reservationTarget }

// Run lets it hold again.
func (c *reservationEnableCmd) Run(ctx context.Context, sh *shell) error {
	return c.enable(ctx, sh, true)
}

type reservationDisableCmd struct{ reservationTarget }

// Run lets it hold nothing.
func (c *reservationDisableCmd) Run(ctx context.Context, sh *shell) error {
	return c.enable(ctx, sh, false)
}

func (c *reservationTarget) enable(ctx context.Context, sh *shell, enabled bool) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	r, err := api.GetReservation(ctx, fleet.ID(c.Reservation))
	if err != nil {
		return err
	}
	r.Enabled = enabled
	out, err := api.UpdateReservation(ctx, r)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, out, func() error {
		word := "holds"
		if !enabled {
			word = "holds nothing"
		}
		_, err := fmt.Fprintf(sh.out, "Reservation %s %s.\n", clean(out.Name), word)
		return err
	})
}

func slotsOf(r *fleet.Reservation) string {
	if r.Slots == 0 {
		return "all"
	}
	return strconv.Itoa(r.Slots)
}

// robotsOf says in words what a selector names.
func robotsOf(s *fleet.Selector) string {
	var parts []string
	if s.All {
		parts = append(parts, "all")
	}
	for _, r := range s.Robots {
		parts = append(parts, string(r))
	}
	for _, p := range s.Pools {
		parts = append(parts, "pool "+p)
	}
	for _, e := range s.Environments {
		parts = append(parts, "environment "+e)
	}
	for _, t := range s.Tags {
		parts = append(parts, "tag "+t)
	}
	for _, w := range s.Capabilities {
		parts = append(parts, "with "+w)
	}
	for i := range s.Facts {
		parts = append(parts, s.Facts[i].String())
	}
	return strings.Join(parts, ", ")
}

// forWhom says in words for which jobs a reservation is.
func forWhom(f *fleet.ReservationFor) string {
	var parts []string
	for _, id := range f.Workflows {
		parts = append(parts, "workflow "+string(id))
	}
	for k, v := range f.Labels {
		parts = append(parts, k+"="+v)
	}
	if f.PriorityAtMost != nil {
		parts = append(parts, fmt.Sprintf("priority %d and before", *f.PriorityAtMost))
	}
	return strings.Join(parts, ", ")
}

// when says in words whether a reservation holds.
func when(r *fleet.Reservation, now time.Time) string {
	open, changes := calendar.Open(r, now)
	switch {
	case !r.Enabled:
		return "disabled"
	case open && changes.IsZero():
		return "always"
	case open:
		return "until " + wall(changes)
	case !changes.IsZero():
		return "from " + wall(changes)
	}
	return "over"
}
