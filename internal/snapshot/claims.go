package snapshot

import (
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// claims reads who has a claim on the robots beyond the order of jobs: the
// reservations that are open, and, where several tenants wait, what each was
// served.
func (s *Snapshot) claims(reservations []fleet.Reservation) error {
	if err := s.reservations(reservations); err != nil {
		return err
	}
	first := s.View.Lanes[0].Tenant
	for i := range s.View.Lanes {
		if s.View.Lanes[i].Tenant != first {
			return s.shares()
		}
	}
	return nil
}

func (s *Snapshot) reservations(list []fleet.Reservation) error {
	var open []placement.Reservation
	for i := range list {
		r := &list[i]
		if yes, until := calendar.Open(r, s.o.Now); yes {
			open = append(open, placement.Reservation{
				ID: r.ID, Name: r.Name, Tenant: r.Tenant, Selector: r.Selector, Slots: r.Slots, For: r.For, Lend: r.Lend, Until: until,
				Recall: r.Recall == fleet.RecallStop, Grace: r.RecallGrace(),
			})
		}
	}
	if len(open) == 0 {
		return nil
	}
	holders, err := s.r.Holders()
	if err != nil {
		return err
	}
	s.holders = holders
	for i := range open {
		open[i].InUse = s.inUse(&open[i], holders)
	}
	s.View.Reservations = open
	return nil
}

// Recalls says which attempts must make way for holders of reservations; the
// view must be of the whole fleet.
func (s *Snapshot) Recalls() []placement.Recall {
	live := make([]placement.Live, len(s.holders))
	for i, h := range s.holders {
		live[i] = placement.Live{
			JobID: h.JobID, Epoch: h.Epoch, Tenant: h.Tenant, RobotID: h.RobotID, Workflow: h.Workflow, Priority: h.Priority,
			Labels: h.Labels, StartedAt: h.Started, Stopping: h.State == fleet.Cancelling,
		}
	}
	return placement.Recalls(s.View, live)
}

// inUse counts the slots of a reservation's robots that its holders use.
func (s *Snapshot) inUse(r *placement.Reservation, holders []store.Holder) (n int) {
	covered := map[store.RobotRef]bool{}
	for i := range s.View.Robots {
		c := &s.View.Robots[i]
		if placement.Selects(&r.Selector, c, s.o.Now) {
			covered[store.RobotRef{Tenant: c.Tenant, RobotID: c.ID}] = true
		}
	}
	for i := range holders {
		h := &holders[i]
		if h.Tenant == r.Tenant && covered[store.RobotRef{Tenant: h.Tenant, RobotID: h.RobotID}] && r.For.Matches(h.Workflow, h.Priority, h.Labels) {
			n++
		}
	}
	return n
}

func (s *Snapshot) shares() error {
	list, err := s.r.Shares(s.o.Now)
	if err != nil {
		return err
	}
	var credit map[fleet.TenantID]time.Duration
	if s.o.Credit != nil {
		credit = s.o.Credit(list)
	}
	for _, x := range list {
		s.View.Shares = append(s.View.Shares, placement.Share{
			Group: string(x.Tenant), Weight: x.Weight, Served: (x.Served + credit[x.Tenant]).Seconds(),
		})
	}
	return nil
}

// ties finds the robots that sticky keys are tied to.
func (s *Snapshot) ties(lanes []placement.Lane) error {
	var keys []store.TieKey
	for i := range lanes {
		if lanes[i].Placement.Sticky == nil {
			continue
		}
		for n := range lanes[i].Jobs {
			if key := lanes[i].Jobs[n].StickyKey; key != "" {
				keys = append(keys, store.TieKey{Tenant: lanes[i].Tenant, Key: key})
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	tied, err := s.r.Ties(keys, s.o.Now)
	if err != nil {
		return err
	}
	for i := range lanes {
		for n := range lanes[i].Jobs {
			j := &lanes[i].Jobs[n]
			j.Tied = tied[store.TieKey{Tenant: lanes[i].Tenant, Key: j.StickyKey}]
		}
	}
	return nil
}

// environments puts what is set of environments into the lanes and the robots.
func (s *Snapshot) environments(list []fleet.Environment) {
	if len(list) == 0 {
		return
	}
	type key struct {
		tenant fleet.TenantID
		name   string
	}
	set := make(map[key]*fleet.Environment, len(list))
	for i := range list {
		set[key{list[i].Tenant, list[i].Name}] = &list[i]
	}
	for i := range s.View.Lanes {
		l := &s.View.Lanes[i]
		if e := set[key{l.Tenant, l.Environment}]; e != nil {
			l.Strict, l.AgeStep = e.Strict, e.AgeStep()
		}
	}
	for i := range s.View.Robots {
		c := &s.View.Robots[i]
		if e := set[key{c.Tenant, c.Environment}]; e != nil {
			c.Strict = e.Strict
		}
	}
}

// exclusives puts into the view those that a waiting lane needs.
func (s *Snapshot) exclusives(list []store.Exclusive) {
	for i := range list {
		x := &list[i]
		if slices.ContainsFunc(s.View.Lanes, func(l placement.Lane) bool {
			return l.Tenant == x.Tenant && slices.Contains(l.Placement.Secrets, x.Name)
		}) {
			s.View.Exclusives = append(s.View.Exclusives, placement.Exclusive{Tenant: x.Tenant, Name: x.Name, Holders: x.Holders})
		}
	}
}

// holds puts into the view what keeps tenants from starting more.
func (s *Snapshot) holds(list []fleet.Hold) {
	for _, h := range list {
		s.View.Quotas = append(s.View.Quotas, placement.Quota{Tenant: h.Tenant, Suspended: h.Suspended, Running: h.Running, Most: h.Most})
	}
}
