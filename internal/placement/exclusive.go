package placement

import (
	"fmt"
	"slices"

	"github.com/casarerpa/fleet/fleet"
)

// Exclusive is a secret that one job may have at a time.
type Exclusive struct {
	Tenant  fleet.TenantID `json:"tenant_id"`
	Name    string         `json:"name"`
	Holders []fleet.ID     `json:"holders,omitempty"` // the jobs that have it
}

// exclusives are the secrets of a round by tenant and name; those that it gives
// to a job have a holder from then on.
type exclusives map[secretKey]*Exclusive

type secretKey struct {
	tenant fleet.TenantID
	name   string
}

func newExclusives(v *View) exclusives {
	if len(v.Exclusives) == 0 {
		return nil
	}
	out := make(exclusives, len(v.Exclusives))
	for _, x := range v.Exclusives {
		x.Holders = slices.Clone(x.Holders)
		out[secretKey{x.Tenant, x.Name}] = &x
	}
	return out
}

// of lists those that the jobs of a lane need.
func (e exclusives) of(l *Lane) (out []*Exclusive) {
	if e == nil {
		return nil
	}
	for _, name := range l.Placement.Secrets {
		if x := e[secretKey{l.Tenant, name}]; x != nil {
			out = append(out, x)
		}
	}
	return out
}

// held is the first secret that the lane's jobs need and another job has; nil:
// there is none.
func (l *laneState) held() *Exclusive {
	for _, x := range l.secrets {
		if len(x.Holders) > 0 {
			return x
		}
	}
	return nil
}

// take gives a job the secrets of its lane.
func (l *laneState) take(job fleet.ID) {
	for _, x := range l.secrets {
		x.Holders = append(x.Holders, job)
	}
}

// words says who has the secret.
func (x *Exclusive) words() string {
	more := ""
	if n := len(x.Holders) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Sprintf("Waits for the secret %s, which one job may have at a time: job %s has it%s.", x.Name, x.Holders[0], more)
}

// givenBack tries the view with nobody having the secrets that a job needs.
func givenBack(v *View, id fleet.ID) (text string, ok bool) {
	lane, _ := jobOf(v, id)
	w := *v
	w.Exclusives = slices.Clone(v.Exclusives)
	for i := range w.Exclusives {
		x := &w.Exclusives[i]
		if x.Tenant == lane.Tenant && slices.Contains(lane.Placement.Secrets, x.Name) && len(x.Holders) > 0 {
			text = fmt.Sprintf("job %s gives the secret %s back", x.Holders[0], x.Name)
			x.Holders = nil
		}
	}
	return text, text != "" && placedOn(&w, id) != ""
}
