package orchestrator

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Events reads the log of facts.
type Events struct{ *core }

// List returns events after a number, oldest first, and the number of the
// newest event at that moment.
func (e *Events) List(ctx context.Context, p auth.Principal, f store.EventFilter) (list []fleet.Event, head int64, err error) {
	if err := p.Require(fleet.EventsRead); err != nil {
		return nil, 0, err
	}
	if f.Limit == 0 {
		f.Limit = fleet.PageDefault
	}
	if f.Limit < 1 || f.Limit > 1000 {
		return nil, 0, fleet.Invalid("limit", "limit must be between 1 and 1000; got %d.", f.Limit)
	}
	if f.After < 0 {
		return nil, 0, fleet.Invalid("after", "after must not be negative; got %d.", f.After)
	}
	err = e.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if head, err = r.Head(); err != nil {
			return err
		}
		if f.After > 0 && f.After < head {
			oldest, err := r.Oldest()
			if err != nil {
				return err
			}
			if oldest == 0 {
				oldest = head + 1
			}
			if oldest > f.After+1 {
				return cursorExpired("The events after %d are not kept any more: the log goes back to %d.", f.After, oldest)
			}
		}
		list, err = eventsFor(r, f, p.Self())
		return err
	})
	if err == nil && f.After > head {
		err = cursorExpired("The cursor %d is beyond the log, which ends at %d: it belongs to another store.", f.After, head)
	}
	return list, head, err
}

// eventsFor reads events that somebody may see. Those for somebody else alone are
// left out, and what follows them fills the page.
func eventsFor(r store.Reader, f store.EventFilter, who string) (out []fleet.Event, err error) {
	for want := f.Limit; len(out) < want; {
		f.Limit = want - len(out)
		list, err := r.Events(f)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if only := list[i].Only(); only == "" || only == who {
				out = append(out, list[i])
			}
		}
		if len(list) < f.Limit {
			break
		}
		f.After = list[len(list)-1].Seq
	}
	return out, nil
}

func cursorExpired(format string, args ...any) error {
	return fleet.Errorf(fleet.CodeGone, "cursor_expired", format, args...).
		WithFix("Read the present state and go on from the cursor that comes with it.")
}

// Wait returns a channel that receives when the log has grown.
func (e *Events) Wait() (wake <-chan struct{}, stop func()) {
	return e.Store.Signals().Listen(store.TopicEvents)
}
