package placement

import (
	"cmp"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Live is an attempt that holds a slot.
type Live struct {
	JobID     fleet.ID
	Epoch     int64
	Tenant    fleet.TenantID
	RobotID   fleet.RobotID
	Workflow  fleet.ID
	Priority  fleet.Priority
	Labels    map[string]string
	StartedAt time.Time // zero: offered only
	Stopping  bool      // for whatever reason: its slot will be free
}

// Recall is a lent slot that is wanted back.
type Recall struct {
	Reservation fleet.ID
	Name        string
	Grace       time.Duration
	JobID       fleet.ID
	Epoch       int64
	Tenant      fleet.TenantID
}

// Recalls says which attempts on lent slots must make way, given a view of the
// whole fleet and what Plan makes of it: for each reservation that takes slots
// back, as many as it is short of, but no more than its holders are left
// waiting, less those that are being stopped already. The least urgent goes
// first, then the one that started last.
func Recalls(v View, live []Live) []Recall {
	p, out := plan(&v)
	p.end(&out)
	var recalls []Recall
	taken := map[fleet.ID]bool{}
	for i := range v.Reservations {
		r := &v.Reservations[i]
		if !r.Recall {
			continue
		}
		n := min(out.Kept[i].ShortBy, p.waitingHolders(r))
		var lent []Live
		for _, a := range live {
			if taken[a.JobID] || !p.lent(r, &a) || slices.ContainsFunc(v.Reservations, func(o Reservation) bool { return p.keepsFor(&o, &a) }) {
				continue
			}
			if a.Stopping {
				n--
				continue
			}
			lent = append(lent, a)
		}
		slices.SortFunc(lent, func(a, b Live) int {
			return cmp.Or(-cmp.Compare(a.Priority, b.Priority), b.StartedAt.Compare(a.StartedAt), cmp.Compare(a.JobID, b.JobID))
		})
		for _, a := range lent[:max(min(n, len(lent)), 0)] {
			taken[a.JobID] = true
			recalls = append(recalls, Recall{r.ID, r.Name, r.Grace, a.JobID, a.Epoch, a.Tenant})
		}
	}
	return recalls
}

// waitingHolders counts the jobs that a reservation is for and that the round
// has left waiting though a robot fits them.
func (p *planner) waitingHolders(r *Reservation) (n int) {
	for _, l := range p.lanes {
		if len(l.tiers) == 0 || !p.mayStart(l) {
			continue
		}
		for i := range l.left {
			if r.holds(l.lane, &l.left[i]) {
				n++
				if len(l.secrets) > 0 { // one of them at a time
					break
				}
			}
		}
	}
	return n
}

// lent says whether an attempt of its tenant uses a slot of the reservation's
// robots without being one that it is for. Other tenants' work on shared robots
// is nobody's to stop.
func (p *planner) lent(r *Reservation, a *Live) bool {
	return a.Tenant == r.Tenant && !r.For.Matches(a.Workflow, a.Priority, a.Labels) && p.covers(r, a)
}

// keepsFor says whether a reservation keeps a slot for the attempt: one that is
// for it may not be called back by another.
func (p *planner) keepsFor(r *Reservation, a *Live) bool {
	return a.Tenant == r.Tenant && r.For.Matches(a.Workflow, a.Priority, a.Labels) && p.covers(r, a)
}

// covers says whether an attempt runs on one of the reservation's robots.
func (p *planner) covers(r *Reservation, a *Live) bool {
	i := slices.IndexFunc(p.robots, func(x robotState) bool { return x.c.ID == a.RobotID && x.c.serves(a.Tenant) })
	return i >= 0 && p.robots[i].c.serves(r.Tenant) && Selects(&r.Selector, &p.robots[i].c, p.now)
}
