package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Mails looks into the mailboxes of triggers, each as often as its trigger says.
// When it looked is kept in this process alone: whoever begins to do the chores
// looks into all of them, which costs and does no harm.
type Mails struct {
	Triggers *orchestrator.Triggers
	Now      func() time.Time // monotonic
	Logger   *slog.Logger
	Lead     Lead

	due map[fleet.ID]mailDue
}

// mailDue is when a mailbox is looked into next, unless its trigger changes.
type mailDue struct {
	at       time.Time
	revision int64
}

// The pause of the loop, how many mailboxes are looked into at once, and for how
// long into one.
const (
	mailsPause  = 2 * time.Second
	mailsAtOnce = 8
	mailLimit   = time.Minute
)

// Run works until ctx ends.
func (m *Mails) Run(ctx context.Context) {
	every(ctx, m.Logger, "mails", 0, func() time.Duration { return mailsPause }, nil, func(ctx context.Context) error {
		if _, ok := m.Lead.held(); !ok {
			m.due = nil
			return nil
		}
		return m.RunOnce(ctx)
	})
}

// RunOnce looks into every mailbox whose time has come.
func (m *Mails) RunOnce(ctx context.Context) error {
	scope := store.System("mails")
	list, err := m.Triggers.Mailboxes(ctx, scope)
	if err != nil {
		return err
	}
	now, next := m.Now(), make(map[fleet.ID]mailDue, len(list))
	var all sync.WaitGroup
	var mu sync.Mutex // guards next and faults
	var faults []error
	places := make(chan struct{}, mailsAtOnce)
	for i := range list {
		t := &list[i]
		if d, ok := m.due[t.ID]; ok && d.revision == t.Revision && now.Before(d.at) {
			next[t.ID] = d
			continue
		}
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			ctx, cancel := context.WithTimeout(ctx, mailLimit)
			defer cancel()
			again, err := m.Triggers.Read(ctx, scope.In(t.Tenant), t.ID)
			pause := time.Duration(t.Email.EverySeconds) * time.Second
			if again > 0 {
				pause = min(pause, again)
			}
			mu.Lock()
			defer mu.Unlock()
			next[t.ID] = mailDue{now.Add(pause), t.Revision}
			if err != nil {
				faults = append(faults, fmt.Errorf("read the mailbox of trigger %s: %w", t.ID, err))
			}
		})
	}
	all.Wait()
	m.due = next
	return errors.Join(faults...)
}
