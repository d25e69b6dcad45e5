package orchestrator

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// Options are what the use cases stand on.
type Options struct {
	Store   store.Store
	IDs     *fleet.IDs
	Now     func() time.Time
	Chance  func() float64 // numbers in [0,1), for jitter
	Catalog *catalog.Catalog
	// Timing of an environment.
	Timing func(environment string) fleet.Timing
	Policy workflow.Policy
	Limits Limits
	Logger *slog.Logger
	// Signer signs checkpoints of the audit; nil: there are none.
	Signer *auditchain.Signer
	// Sealer seals secrets; the zero one refuses to.
	Sealer seal.Keys
	// Mail reads the mailboxes of triggers; nil: none are read.
	Mail Mailbox
	// Notify tells others of alerts; nil: only the log is told.
	Notify Notifier
	// Courier brings events to webhooks; nil: none are brought.
	Courier Courier
	// Address is where this installation is reached, for whoever is sent events;
	// empty: nobody has said so.
	Address string
}

// Limits bound what one request may ask for.
type Limits struct {
	Variables   int // bytes of a job's inputs
	BulkJobs    int
	BulkItems   int           // in one bulk add
	ExportJobs  int           // of one export
	Queues      int           // of a tenant
	Pattern     int           // characters of a regular expression in a schema
	Schedules   int           // of a tenant
	Triggers    int           // of a tenant
	Webhooks    int           // of a tenant
	Every       time.Duration // the least between two instants of a schedule
	Parents     int           // jobs that one job waits for
	Children    int           // jobs that wait for one job
	Segments    int           // into which a workflow may be cut
	Pending     int64         // jobs of a tenant that may wait at once
	Result      int           // bytes of a result
	Logs        int64         // bytes kept of an attempt's log
	Document    workflow.Limits
	Idempotency time.Duration
}

// DefaultLimits are the documented ones.
func DefaultLimits() Limits {
	return Limits{Variables: fleet.MaxInputs, BulkJobs: 1000, BulkItems: 10_000, ExportJobs: 100_000, Queues: 1000, Pattern: 1000, Schedules: 100_000, Triggers: 1000, Webhooks: 100, Every: calendar.LeastInterval, Parents: 100, Children: 1000, Segments: 50, Pending: 1_000_000, Result: 10 << 20, Logs: fleet.MaxLogBytes, Idempotency: 24 * time.Hour}
}

// Orchestrator is the sum of the use cases, one field for each noun.
type Orchestrator struct {
	Jobs      *Jobs
	Workflows *Workflows
	Robots    *Robots
	Attempts  *Attempts
	Events    *Events
	Numbers   *Numbers

	Reservations *Reservations
	Environments *Environments
	Tenants      *Tenants
	Audits       *Audits
	Secrets      *Secrets
	Assets       *Assets
	Queues       *Queues
	Schedules    *Schedules
	Triggers     *Triggers
	Webhooks     *Webhooks
	Searches     *Searches
	Views        *Views
	Calendars    *Calendars
	Attention    *Attention
	Alerts       *Alerts
}

// core is what all use cases share.
type core struct {
	Options
	results     *resultCache
	bodies      *bodies
	effects     effectful
	tenants     moments[fleet.TenantID, fleet.Tenant]
	handed      handed
	lent        lending
	named       moments[string, []string] // secrets that documents name, by hash
	robotNames  moments[string, string]   // names of robots that take items
	schemas     schemas
	attention   moments[string, fleet.Attention]
	laneReasons moments[string, map[laneName]waitReason]
	doubled     doubled
}

// New builds the use cases.
func New(o Options) *Orchestrator {
	c := &core{Options: o, results: newResultCache(), bodies: newBodies()}
	w := &Workflows{core: c, seen: newSeen()}
	j := &Jobs{core: c, workflows: w}
	robots := &Robots{core: c, jobs: j}
	return &Orchestrator{
		Alerts:       &Alerts{core: c, secrets: &Secrets{core: c}, robots: robots},
		Schedules:    &Schedules{core: c, jobs: j},
		Triggers:     &Triggers{core: c, jobs: j, secrets: &Secrets{core: c}},
		Webhooks:     &Webhooks{core: c},
		Searches:     &Searches{core: c},
		Views:        &Views{core: c},
		Calendars:    &Calendars{core: c},
		Attention:    &Attention{core: c},
		Reservations: &Reservations{core: c},
		Environments: &Environments{core: c},
		Tenants:      &Tenants{core: c},
		Audits:       &Audits{core: c},
		Secrets:      &Secrets{core: c},
		Assets:       &Assets{core: c},
		Queues:       &Queues{core: c},
		Jobs:         j,
		Workflows:    w,
		Robots:       robots,
		Attempts:     &Attempts{core: c},
		Events:       &Events{core: c},
		Numbers:      &Numbers{core: c},
	}
}

// move finds a job, asks the table, and commits what it says. A nil move with
// no error changes nothing. It returns the job as it then is.
func (c *core) move(ctx context.Context, s store.Scope, id fleet.ID, decide func(tx store.Tx, sub fleet.Subject) (*fleet.Move, error)) (fleet.Job, error) {
	var job fleet.Job
	err := c.Store.Update(ctx, s, func(tx store.Tx) error {
		sub, err := tx.Subject(id)
		if err != nil {
			return err
		}
		job = sub.Job
		m, err := decide(tx, sub)
		if err != nil || m == nil {
			return err
		}
		if err := tx.Apply(m); err != nil {
			return err
		}
		job = m.Job
		return nil
	})
	return job, err
}

// lostRace says whether an error only means that somebody else was first.
func lostRace(err error) bool {
	return errors.Is(err, fleet.ErrConflict) || errors.Is(err, fleet.ErrNotFound)
}
