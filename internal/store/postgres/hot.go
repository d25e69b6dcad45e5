package postgres

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// rowBytes is a guess of what one change of one job weighs in the queue.
const rowBytes = 512

// Enqueue stores jobs; see store.Hot.
func (s *Store) Enqueue(ctx context.Context, sc store.Scope, in []store.Submission) ([]store.Submitted, error) {
	if len(in) == 0 {
		return nil, sc.Valid()
	}
	size := 0
	var need sqlstore.Need
	for i := range in {
		size += 2*rowBytes + len(in[i].Data.Variables)
		if in[i].Key != nil {
			need.Keys = append(need.Keys, in[i])
		}
		if d := in[i].Document; d != nil {
			size += rowBytes + len(d.Body)
			need.Documents = append(need.Documents, sqlstore.DocumentName{Tenant: in[i].Job.Tenant, Name: d.Name})
		}
	}
	var out []store.Submitted
	err := s.queue.Do(ctx, size, false, change{sc, classEnqueue, need, func(tx *sqlstore.Tx) (err error) {
		out, err = tx.Enqueue(in)
		return err
	}})
	return out, err
}

// Assign commits a plan; see store.Hot.
func (s *Store) Assign(ctx context.Context, sc store.Scope, plan []store.Assignment, now time.Time) ([]store.Won, []store.Lost, error) {
	if len(plan) == 0 {
		return nil, nil, sc.Valid()
	}
	var need sqlstore.Need
	seen := map[store.RobotRef]bool{}
	for i := range plan {
		need.Offers = append(need.Offers, plan[i].JobID)
		if plan[i].Epoch > 0 {
			need.Refused = append(need.Refused, plan[i].JobID)
		}
		if ref := (store.RobotRef{Tenant: plan[i].Tenant, RobotID: plan[i].RobotID}); !seen[ref] {
			seen[ref] = true
			need.Robots = append(need.Robots, ref)
		}
	}
	var won []store.Won
	var lost []store.Lost
	err := s.queue.Do(ctx, rowBytes*len(plan), true, change{sc, classAssign, need, func(tx *sqlstore.Tx) (err error) {
		won, lost, err = tx.Assign(plan, now)
		return err
	}})
	return won, lost, err
}

// Accept records that offers were taken; see store.Hot.
func (s *Store) Accept(ctx context.Context, sc store.Scope, in []store.Acceptance, now time.Time) ([]error, error) {
	if len(in) == 0 {
		return nil, sc.Valid()
	}
	var need sqlstore.Need
	for i := range in {
		need.Moves = append(need.Moves, in[i].JobID)
	}
	var out []error
	err := s.queue.Do(ctx, rowBytes*len(in), true, change{sc, classReport, need, func(tx *sqlstore.Tx) (err error) {
		out, err = tx.Accept(in, now)
		return err
	}})
	return out, err
}

// Beat renews attempts; see store.Hot. It has a committer of its own.
func (s *Store) Beat(ctx context.Context, sc store.Scope, in []store.Beat, now time.Time) ([]store.BeatAnswer, error) {
	if len(in) == 0 {
		return nil, sc.Valid()
	}
	size := 0
	for i := range in {
		size += rowBytes * (1 + len(in[i].Attempts))
	}
	var out []store.BeatAnswer
	err := s.beats.Do(ctx, size, true, change{sc, classUpdate, sqlstore.Need{}, func(tx *sqlstore.Tx) (err error) {
		out, err = tx.Beat(in, now)
		return err
	}})
	return out, err
}

// Report records reports in order; see store.Hot.
func (s *Store) Report(ctx context.Context, sc store.Scope, in []fleet.Report, now time.Time) ([]fleet.Verdict, error) {
	if len(in) == 0 {
		return nil, sc.Valid()
	}
	size := 0
	var need sqlstore.Need
	for i := range in {
		size += rowBytes + len(in[i].Result) + len(in[i].Outcome)
		if in[i].Kind == fleet.ReportComplete {
			need.Moves = append(need.Moves, in[i].JobID)
		} else {
			need.Jobs = append(need.Jobs, in[i].JobID)
		}
	}
	var out []fleet.Verdict
	err := s.queue.Do(ctx, size, true, change{sc, classReport, need, func(tx *sqlstore.Tx) (err error) {
		out, err = tx.Report(in, now)
		return err
	}})
	return out, err
}

// TailEvents reads the log of one tenant.
func (s *Store) TailEvents(ctx context.Context, sc store.Scope, tenant fleet.TenantID, after int64, limit int) ([]fleet.Event, error) {
	if err := sc.Valid(); err != nil {
		return nil, err
	}
	if !sc.Covers(tenant) {
		return nil, fleet.NotFound("tenant", string(tenant))
	}
	var out []fleet.Event
	err := s.view(ctx, sc, func(c *conn) (err error) {
		out, err = sqlstore.TailEvents(c, tenant, after, limit)
		return err
	})
	return out, err
}
