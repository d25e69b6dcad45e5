package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Keep says for how long history is kept; 0 is for ever.
type Keep struct {
	Jobs   time.Duration
	Events time.Duration
	Logs   time.Duration
	Bulks  time.Duration // bulk operations
	Audit  time.Duration
}

// Retention takes history away that is older than it must be kept. A database
// with partitions drops them whole; what lies beside them, and everything in a
// database without, goes in small steps between which others commit.
type Retention struct {
	Store  store.Store
	Keep   Keep
	Now    func() time.Time
	Logger *slog.Logger
	Lead   Lead
	Every  time.Duration // default 10 min
	Step   int           // rows of one transaction; default 500
	// Queues take items of transaction queues away, as each of them says; nil: none.
	Queues *orchestrator.Queues
	// Schedules take old fires away; nil: none.
	Schedules *orchestrator.Schedules
	// Triggers take old firings away; nil: none.
	Triggers *orchestrator.Triggers
	// Alerts take old incidents away; nil: none.
	Alerts *orchestrator.Alerts
	// Webhooks take old deliveries away; nil: none.
	Webhooks *orchestrator.Webhooks
}

// partitioned is a store that can drop a month at once.
type partitioned interface {
	DropPartitions(ctx context.Context, r store.Retention) (int, error)
}

// How far a partition reaches: what is not dropped with one goes row by row
// only when its partition would have gone.
const (
	monthSpan = 31 * 24 * time.Hour
	weekSpan  = 7 * 24 * time.Hour
	restKept  = 30 * 24 * time.Hour
)

// Run works until ctx ends.
func (r *Retention) Run(ctx context.Context) {
	pause := r.Every
	if pause <= 0 {
		pause = 10 * time.Minute
	}
	every(ctx, r.Logger, "retention", 0, func() time.Duration { return pause }, nil, func(ctx context.Context) error {
		if _, ok := r.Lead.held(); !ok {
			return nil
		}
		done, err := r.RunOnce(ctx)
		if done.Jobs+done.Events+done.Lines+done.Bulks+done.Items+done.Fires+done.Audit+done.Partitions > 0 {
			r.Logger.Info("old history was taken away", "jobs", done.Jobs, "events", done.Events, "jobs_with_logs", done.Lines, "bulk_rows", done.Bulks, "queue_items", done.Items, "fires", done.Fires, "audit_rows", done.Audit, "partitions", done.Partitions)
		}
		return err
	})
}

// RunOnce takes away everything that is due.
func (r *Retention) RunOnce(ctx context.Context) (done store.Pruned, err error) {
	now := r.Now()
	before := store.Retention{
		Now: now, Jobs: ago(now, r.Keep.Jobs), Events: ago(now, r.Keep.Events), Logs: ago(now, r.Keep.Logs), Bulks: ago(now, r.Keep.Bulks), Audit: ago(now, r.Keep.Audit), Rest: now.Add(-restKept),
	}
	if p, ok := r.Store.(partitioned); ok {
		if done.Partitions, err = p.DropPartitions(ctx, before); err != nil {
			return done, err
		}
		before.Jobs, before.Events, before.Logs = earlier(before.Jobs, monthSpan), earlier(before.Events, weekSpan), earlier(before.Logs, weekSpan)
	}
	for _, part := range []func(context.Context, store.Retention, *store.Pruned) error{r.keys, r.jobs, r.events, r.logs, r.bulks, r.audit, r.items, r.fires, r.incidents, r.deliveries, r.rest} {
		if err := part(ctx, before, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

func ago(now time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return now.Add(-d)
}

func earlier(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-d)
}

func (r *Retention) step() int {
	if r.Step > 0 {
		return r.Step
	}
	return 500
}

func (r *Retention) scope() store.Scope { return store.System("retention") }

func (r *Retention) jobs(ctx context.Context, before store.Retention, done *store.Pruned) error {
	if before.Jobs.IsZero() {
		return nil
	}
	for after := fleet.ID(""); ; {
		var last fleet.ID
		n := 0
		err := r.Store.Update(ctx, r.scope(), func(tx store.Tx) (err error) { // which may run again
			last, n, err = tx.PruneJobs(after, before.Jobs, r.step())
			return err
		})
		if err != nil {
			return err
		}
		done.Jobs += n
		if after = last; after == "" {
			return nil
		}
	}
}

func (r *Retention) events(ctx context.Context, before store.Retention, done *store.Pruned) error {
	if before.Events.IsZero() {
		return nil
	}
	return r.eachTenant(ctx, func(tenant fleet.TenantID) (err error) {
		for n := r.step(); n == r.step() && err == nil; {
			err = r.Store.Update(ctx, r.scope(), func(tx store.Tx) (err error) {
				n, err = tx.PruneEvents(tenant, before.Events, r.step())
				return err
			})
			done.Events += n
		}
		return err
	})
}

func (r *Retention) audit(ctx context.Context, before store.Retention, done *store.Pruned) error {
	if before.Audit.IsZero() {
		return nil
	}
	return r.eachTenant(ctx, func(tenant fleet.TenantID) error {
		for n := 1; n > 0; {
			err := r.Store.Update(ctx, r.scope(), func(tx store.Tx) (err error) {
				n, err = tx.CutAudit(tenant, before.Audit, r.step())
				return err
			})
			if err != nil {
				return err
			}
			done.Audit += n
		}
		return nil
	})
}

func (r *Retention) eachTenant(ctx context.Context, do func(tenant fleet.TenantID) error) error {
	var tenants []fleet.TenantID
	err := r.Store.View(ctx, r.scope(), func(rd store.Reader) (err error) {
		tenants, err = rd.Tenants()
		return err
	})
	for _, tenant := range tenants {
		if err == nil {
			err = do(tenant)
		}
	}
	return err
}

func (r *Retention) logs(ctx context.Context, before store.Retention, done *store.Pruned) error {
	if before.Logs.IsZero() {
		return nil
	}
	const jobs = 20 // each may have many lines
	for after, n := fleet.ID(""), jobs; n == jobs; {
		list, err := r.Store.LogJobs(ctx, r.scope(), after, before.Logs, jobs)
		if err != nil || len(list) == 0 {
			return err
		}
		after, n = list[len(list)-1], len(list)
		if list, err = r.ended(ctx, list, before.Logs); err == nil && len(list) > 0 {
			err = r.Store.PruneLogs(ctx, r.scope(), list)
		}
		if err != nil {
			return err
		}
		done.Lines += len(list)
	}
	return nil
}

// ended picks the jobs that ended before a time, or are gone. Such a job never
// lives again, so the answer stays true.
func (r *Retention) ended(ctx context.Context, jobs []fleet.ID, before time.Time) (out []fleet.ID, err error) {
	err = r.Store.View(ctx, r.scope(), func(rd store.Reader) error {
		out = nil
		for _, id := range jobs {
			j, err := rd.Job(id)
			switch {
			case errors.Is(err, fleet.ErrNotFound), err == nil && j.State.Final() && j.EndedAt.Before(before):
				out = append(out, id)
			case err != nil:
				return err
			}
		}
		return nil
	})
	return out, err
}

func (r *Retention) keys(ctx context.Context, before store.Retention, done *store.Pruned) error {
	for n := r.step(); n == r.step(); {
		err := r.Store.Update(ctx, r.scope(), func(tx store.Tx) (err error) {
			n, err = tx.PruneKeys(before.Now, r.step())
			return err
		})
		if err != nil {
			return err
		}
		done.Rest += n
	}
	return nil
}

func (r *Retention) bulks(ctx context.Context, before store.Retention, done *store.Pruned) error {
	if before.Bulks.IsZero() {
		return nil
	}
	for n := r.step(); n >= r.step(); {
		err := r.Store.Update(ctx, r.scope(), func(tx store.Tx) (err error) {
			n, err = tx.PruneBulks(before.Bulks, r.step())
			return err
		})
		if err != nil {
			return err
		}
		done.Bulks += n
	}
	return nil
}

func (r *Retention) items(ctx context.Context, _ store.Retention, done *store.Pruned) (err error) {
	if r.Queues == nil {
		return nil
	}
	done.Items, err = r.Queues.PruneQueues(ctx, r.scope(), r.step())
	return err
}

// fires, and firings of triggers, are kept as long as the jobs that they made.
func (r *Retention) fires(ctx context.Context, before store.Retention, done *store.Pruned) (err error) {
	if before.Jobs.IsZero() {
		return nil
	}
	if r.Schedules != nil {
		done.Fires, err = r.Schedules.Prune(ctx, r.scope(), before.Jobs, r.step())
	}
	if r.Triggers != nil && err == nil {
		var n int
		n, err = r.Triggers.Prune(ctx, r.scope(), before.Jobs, r.step())
		done.Fires += n
	}
	return err
}

// incidents that are resolved are kept for as long as what happened.
func (r *Retention) incidents(ctx context.Context, before store.Retention, done *store.Pruned) error {
	if r.Alerts == nil || before.Events.IsZero() {
		return nil
	}
	n, err := r.Alerts.Prune(ctx, r.scope(), before.Events, r.step())
	done.Rest += n
	return err
}

// deliveries are kept for a time that is no setting: as long as they are of use.
func (r *Retention) deliveries(ctx context.Context, before store.Retention, done *store.Pruned) error {
	if r.Webhooks == nil {
		return nil
	}
	n, err := r.Webhooks.Prune(ctx, r.scope(), before.Now.Add(-fleet.WebhookKept), r.step())
	done.Rest += n
	return err
}

func (r *Retention) rest(ctx context.Context, before store.Retention, done *store.Pruned) error {
	for n := r.step(); n >= r.step(); {
		err := r.Store.Update(ctx, r.scope(), func(tx store.Tx) (err error) {
			n, err = tx.PruneRest(before.Rest, r.step())
			return err
		})
		if err != nil {
			return err
		}
		done.Rest += n
	}
	return nil
}
