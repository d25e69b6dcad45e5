package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

func jsonOf(text json.RawMessage, into any) error {
	if len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fleet.Internal(err)
	}
	return nil
}

// silentUntil says until when silences hold the notices of a rule; zero: none does.
// The silence may go on then by another: that is looked at then.
func (a *alertSet) silentUntil(r store.Reader, rule fleet.ID, now time.Time) (until time.Time, err error) {
	of := fleet.AlertRule{ID: rule}
	for i := range a.rules {
		if a.rules[i].ID == rule {
			of = a.rules[i]
		}
	}
	for i := range a.silences {
		s := &a.silences[i]
		if !s.For(&of) {
			continue
		}
		end := s.Ends(now)
		if s.Calendar != "" {
			if end, err = workBegins(r, s.Calendar, now); err != nil {
				return until, err
			}
		}
		if end.After(until) {
			until = end
		}
	}
	return until, nil
}

// How far ahead the beginning of working time is looked for, and after how long it
// is looked for again where there is none.
const (
	workAhead = 31 * 24 * time.Hour
	workAgain = time.Hour
)

// workBegins is when the working time of a calendar begins; zero: it is now, or the
// calendar is gone or cannot be read.
func workBegins(r store.Reader, id fleet.ID, now time.Time) (time.Time, error) {
	c, err := r.WorkCalendar(id)
	if errors.Is(err, fleet.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	work, err := calendar.Allowed(&c)
	if err != nil || work.Has(now) {
		return time.Time{}, ignoreUnreadable(err)
	}
	if next := work(now, now.Add(workAhead)); len(next) > 0 {
		return next[0].From, nil
	}
	return now.Add(workAgain), nil
}

// The bounds of sending.
const (
	noticePage    = 256
	noticesOfEach = 16               // tenants have their turns
	noticeLimit   = 20 * time.Second // for one
	noticeClaimed = time.Minute      // for so long nobody else sends one that was claimed
)

// DueNotices lists the notices that are to be sent now, a few of each tenant.
func (a *Alerts) DueNotices(ctx context.Context, s store.Scope) (list []fleet.Notice, err error) {
	err = a.Store.View(ctx, s, func(r store.Reader) error {
		list, err = r.DueNotices(a.Now(), noticesOfEach, noticePage)
		return err
	})
	return list, err
}

// Send sends a notice that is due, at least once and always with its id, and says
// whether it did. Whoever claims it sends it; if that one dies on the way, it is sent
// again later.
func (a *Alerts) Send(ctx context.Context, s store.Scope, n fleet.Notice) (sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, noticeLimit)
	defer cancel()
	sent, err = a.send(ctx, s.In(n.Tenant), n)
	if lostRace(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("notice %s of tenant %s: %w", n.ID, n.Tenant, err)
	}
	return sent, nil
}

// send sends one notice, unless a silence holds it or nobody needs it any more.
func (a *Alerts) send(ctx context.Context, s store.Scope, n fleet.Notice) (sent bool, err error) {
	var i fleet.Incident
	var set alertSet
	var silent time.Time
	now := a.Now()
	err = a.Store.View(ctx, s, func(r store.Reader) (err error) {
		if i, err = r.Incident(n.Incident); err != nil {
			return err
		}
		if set, err = readAlerts(r, n.Tenant); err != nil {
			return err
		}
		silent, err = set.silentUntil(r, i.RuleID, now)
		return err
	})
	if err != nil {
		return false, err
	}
	c, there := set.channel(n.Channel)
	there = there && c.Enabled
	c.Tenant = n.Tenant
	if !silent.IsZero() || n.Needless(&i) || !there {
		return false, a.Store.Update(ctx, s, func(tx store.Tx) error {
			was := n
			switch {
			case n.Needless(&i):
				n.State = fleet.NoticeDropped
			case !there:
				n.State, n.Fault = fleet.NoticeDropped, "The channel is gone or disabled."
			default:
				n.Held, n.DueAt = true, earliest(silent, now.Add(silenceAgain))
			}
			if _, err := tx.SettleNotice(n); err != nil || there {
				return err
			}
			return a.notify(tx, &i, was.Kind, []fleet.ID{fleet.LogChannelID}) // somebody is told
		})
	}
	claimed := false
	err = a.Store.Update(ctx, s, func(tx store.Tx) (err error) {
		claimed, err = tx.ClaimNotice(n.ID, n.Attempts, now.Add(noticeClaimed))
		return err
	})
	if err != nil || !claimed {
		return false, err
	}
	n.Attempts++
	credential, err := a.credential(ctx, s, auth.Channel(n.Tenant, c.Name), &c, map[string]any{"notice_id": n.ID, "incident_id": n.Incident})
	if err == nil {
		err = a.deliver(ctx, &c, credential, &n, &i)
	}
	if err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) { // this process stops: it is sent again
		return false, err
	}
	if rest, rests := restOf(err); rests { // there was no call: the notice waits for the breaker, and keeps its try
		return false, a.Store.Update(context.WithoutCancel(ctx), s, func(tx store.Tx) error {
			_, err := tx.RestNotice(n.ID, n.Attempts, now.Add(rest))
			return err
		})
	}
	fault := ""
	if err != nil {
		fault = faultOf(err, credential)
	}
	return fault == "", a.settle(context.WithoutCancel(ctx), s, &set, n, &c, fault)
}

// restOf says whether a breaker refused a call, and for how long it goes on to.
func restOf(err error) (rest time.Duration, rests bool) {
	e, ok := errors.AsType[*fleet.Error](err)
	if !ok || e.Reason != "breaker_open" {
		return 0, false
	}
	return max(e.RetryAfter, time.Second), true
}

// settle writes what became of a notice, and how its channel did. A channel that
// fails again and again is an incident itself.
func (a *Alerts) settle(ctx context.Context, s store.Scope, set *alertSet, n fleet.Notice, c *fleet.AlertChannel, fault string) error {
	now := a.Now()
	n.Fault, n.Held = fault, false
	switch pause, again := fleet.NoticePause(n.Attempts, a.Chance()); {
	case fault == "":
		n.State, n.SentAt, n.DueAt = fleet.NoticeSent, now, now
	case again:
		n.DueAt = now.Add(pause)
	default:
		n.State, n.DueAt = fleet.NoticeFailed, now
	}
	return a.Store.Update(ctx, s, func(tx store.Tx) error {
		if err := tx.LockAlerts(n.Tenant); err != nil {
			return err
		}
		if ok, err := tx.SettleNotice(n); err != nil || !ok || c.Kind == fleet.ChannelLog {
			return err
		}
		streak, err := tx.ChannelSent(c.ID, fault, now)
		if err != nil || streak < fleet.ChannelFailingFrom {
			return err
		}
		seen := fleet.Sighting{
			Kind: fleet.AlertChannelFailing, Cause: string(c.ID), Count: 1, At: now, Subject: fleet.EventSubject{Kind: fleet.SubjectChannel, ID: string(c.ID)},
			Title: fmt.Sprintf("Notices cannot be sent by the channel %s: %s", c.Name, fault), Data: map[string]any{"fault": fault},
		}
		return a.seeAll(tx, set, set.match([]fleet.Sighting{seen}))
	})
}

// silenceAgain is when a notice that a silence holds is looked at again at the latest:
// silences end, and calendars change, before their time.
const silenceAgain = 5 * time.Minute

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
