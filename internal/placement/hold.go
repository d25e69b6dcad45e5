package placement

import (
	"slices"
	"strconv"
	"time"
)

// holds keeps free slots for reservations. Robots that the same reservations
// cover form a pocket; inside one it does not matter which robot keeps a slot,
// so only numbers are held. An older reservation is served before a newer one,
// and slots are moved between pockets where that serves more of them.
type holds struct {
	list    []held
	pockets []*pocket
	byKey   map[string]*pocket
}

// held is one reservation in a round.
type held struct {
	r    *Reservation
	need int // slots it should still keep: what was asked for less what holders use
	has  int // slots it keeps
}

// pocket is a set of robots covered by the same reservations.
type pocket struct {
	covered []int // the reservations, oldest first
	free    int   // free slots of its robots
	held    []int // of those, kept for each of covered
	loose   int   // free slots kept for nobody
	mark    int   // the last search that came by
}

// newHolds returns the reservations of a view with nothing held yet: robots
// are added first, then fill is called.
func newHolds(v *View) *holds {
	h := &holds{byKey: map[string]*pocket{}}
	for i := range v.Reservations {
		h.list = append(h.list, held{r: &v.Reservations[i]})
	}
	return h
}

// selectors are the reservations' selectors made ready.
func (h *holds) selectors() []*selector {
	out := make([]*selector, len(h.list))
	for i := range h.list {
		out[i] = ready(&h.list[i].r.Selector)
	}
	return out
}

// pocketOf returns the pocket of a robot.
func (h *holds) pocketOf(c *Candidate, selectors []*selector, now time.Time) *pocket {
	var key []byte
	var covered []int
	for i, s := range selectors {
		if c.serves(h.list[i].r.Tenant) && s.selects(c, now) {
			covered = append(covered, i)
			key = append(strconv.AppendInt(key, int64(i), 10), ',')
		}
	}
	p := h.byKey[string(key)]
	if p == nil {
		p = &pocket{covered: covered, held: make([]int, len(covered))}
		h.byKey[string(key)] = p
		h.pockets = append(h.pockets, p)
	}
	return p
}

// fill keeps slots for each reservation, the oldest first, as far as there are
// any.
func (h *holds) fill(waits func(*Reservation) bool) {
	for i := range h.list {
		x := &h.list[i]
		if x.r.Lend && !x.r.Wanted && !waits(x.r) {
			continue
		}
		x.need = max(x.r.Slots-x.r.InUse, 0)
		if x.r.Slots == 0 {
			for _, p := range h.pockets {
				if slices.Contains(p.covered, i) {
					x.need += p.free
				}
			}
		}
	}
	h.top()
}

// keep takes one more slot for a reservation, moving those of others if need be.
func (h *holds) keep(i int) bool {
	for _, p := range h.pockets {
		if n := slices.Index(p.covered, i); n >= 0 && h.loosen(p) {
			p.loose--
			p.held[n]++
			return true
		}
	}
	return false
}

// loosen sees to it that the pocket has a slot that is kept for nobody, by
// moving kept slots to other pockets; nobody keeps fewer for it.
func (h *holds) loosen(p *pocket) bool {
	if p.loose > 0 {
		return true
	}
	if p.free == 0 {
		return false
	}
	p.mark = 1
	ok := h.shift(p)
	for _, q := range h.pockets {
		q.mark = 0
	}
	return ok
}

// shift moves one kept slot of p elsewhere: a path to a loose slot, found
// depth first over pockets not yet seen.
func (h *holds) shift(p *pocket) bool {
	for n, i := range p.covered {
		if p.held[n] == 0 {
			continue
		}
		for _, q := range h.pockets {
			m := slices.Index(q.covered, i)
			if m < 0 || q.mark != 0 {
				continue
			}
			q.mark = 1
			if q.loose > 0 || q.free > 0 && h.shift(q) {
				p.held[n]--
				p.loose++
				q.loose--
				q.held[m]++
				return true
			}
		}
	}
	return false
}

// may says whether a job may take a slot of the pocket: one that nobody keeps,
// or one kept for it.
func (h *holds) may(p *pocket, holder []int) bool {
	if p.loose > 0 {
		return true
	}
	for n, i := range p.covered {
		if p.held[n] > 0 && slices.Contains(holder, i) {
			return true
		}
	}
	return h.loosen(p)
}

// take gives a slot of the pocket to a job. It tells whether a reservation has
// let go of a slot elsewhere, which may be what a job looked at before missed.
func (h *holds) take(p *pocket, holder []int) (released bool) {
	own := -1
	for n, i := range p.covered {
		if slices.Contains(holder, i) {
			h.list[i].need = max(h.list[i].need-1, 0)
			if own < 0 && p.held[n] > 0 {
				own = n
			}
		}
	}
	if own >= 0 {
		p.held[own]--
		h.list[p.covered[own]].has--
	} else {
		h.loosen(p)
		p.loose--
	}
	p.free--
	for _, i := range p.covered {
		for x := &h.list[i]; x.has > x.need; x.has-- {
			h.release(i)
			released = true
		}
	}
	if released {
		h.top()
	}
	return released
}

// top gives reservations that are short what has become loose.
func (h *holds) top() {
	for i := range h.list {
		for x := &h.list[i]; x.has < x.need && h.keep(i); {
			x.has++
		}
	}
}

// release lets go of one slot that a reservation keeps.
func (h *holds) release(i int) {
	for _, p := range h.pockets {
		if n := slices.Index(p.covered, i); n >= 0 && p.held[n] > 0 {
			p.held[n]--
			p.loose++
			return
		}
	}
}

// holders lists the reservations that a job may use.
func (h *holds) holders(l *Lane, j *Job) []int {
	var out []int
	for i := range h.list {
		if r := h.list[i].r; r.holds(l, j) {
			out = append(out, i)
		}
	}
	return out
}

// holds says whether a job is one that the reservation is for.
func (r *Reservation) holds(l *Lane, j *Job) bool {
	return r.Tenant == l.Tenant && r.For.Matches(j.Workflow, j.Priority, j.Labels)
}

// kept tells what each reservation holds.
func (h *holds) kept() []Kept {
	var out []Kept
	for i := range h.list {
		x := &h.list[i]
		out = append(out, Kept{ID: x.r.ID, Held: x.has, ShortBy: max(x.need-x.has, 0)})
	}
	return out
}

// keeping lists the reservations that keep a slot of a pocket.
func (h *holds) keeping(p *pocket) (out []*Reservation) {
	for n, i := range p.covered {
		if p.held[n] > 0 {
			out = append(out, h.list[i].r)
		}
	}
	return out
}

// keepers names the reservations that keep the slots of a pocket.
func (h *holds) keepers(p *pocket) (names []string) {
	for _, r := range h.keeping(p) {
		names = append(names, r.Name)
	}
	return names
}
