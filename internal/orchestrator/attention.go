package orchestrator

import (
	"context"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Attention is the use case of those who ask what needs them.
type Attention struct{ *core }

// attentionHeld is for how long an answer holds for those who ask alike.
const attentionHeld = 2 * time.Second

// look is one look at the fleet for what needs a person. What several sources
// need is read once.
type look struct {
	a        *Attention
	r        store.Reader
	scope    store.Scope
	now      time.Time
	everyone []fleet.Robot // see robots
	read     bool
}

// source finds entries of one kind. A further kind is one more function here.
type source struct {
	may  fleet.Permission
	find func(*look) ([]fleet.AttentionEntry, error)
}

// sources stand in the order in which entries of one severity are shown.
var sources = []source{
	{fleet.JobsRead, (*look).decisions},
	{fleet.AlertsRead, (*look).incidents},
	{fleet.RobotsRead, (*look).failing},
	{fleet.JobsRead, (*look).waiting},
	{fleet.JobsRead, (*look).held},
	{fleet.RobotsRead, (*look).silent},
	{fleet.QueuesRead, (*look).deadlines},
	{fleet.SchedulesRead, (*look).missed},
	{fleet.NumbersRead, (*look).worse},
	{fleet.SchedulesRead, (*look).triggers},
	{fleet.KeysManage, (*look).keys},
}

// List tells what needs a person now, the worst first: of the kinds of things that
// the caller may see, in the tenant and the environments that it sees.
func (a *Attention) List(ctx context.Context, p auth.Principal) (out fleet.Attention, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return out, err
	}
	now := a.Now()
	alike := []string{string(p.Tenant), p.Scope().Bounds()}
	for _, s := range sources {
		if p.May(s.may) {
			alike = append(alike, string(s.may))
		}
	}
	key := strings.Join(alike, "\x00")
	if out, ok := a.attention.get(key, now); ok {
		return out, nil
	}
	out.CheckedAt = now
	var found []fleet.AttentionEntry
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		l := &look{a: a, r: r, scope: p.Scope(), now: now}
		for _, s := range sources {
			// What is of the whole tenant is nothing for who sees some environments.
			if !p.May(s.may) || !s.may.InEnvironment() && p.WholeTenant() != nil {
				continue
			}
			list, err := s.find(l)
			if err != nil {
				return err
			}
			found = append(found, list...)
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	if out.Entries, out.Left = fleet.RankAttention(found); out.Entries == nil {
		out.Entries = []fleet.AttentionEntry{}
	}
	a.attention.put(key, out, now.Add(attentionHeld))
	return out, nil
}

// robots lists the robots that the caller sees, with their status.
func (l *look) robots() ([]fleet.Robot, error) {
	if l.read {
		return l.everyone, nil
	}
	list, err := l.a.core.robots(l.r, l.now)
	if err != nil {
		return nil, err
	}
	l.everyone, l.read = list, true
	return list, nil
}
