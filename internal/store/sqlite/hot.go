package sqlite

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
	for i := range in {
		size += 2*rowBytes + len(in[i].Data.Variables)
		if d := in[i].Document; d != nil {
			size += rowBytes + len(d.Body)
		}
	}
	var out []store.Submitted
	err := s.change(ctx, sc, size, false, func(tx *sqlstore.Tx) (err error) {
		out, err = tx.Enqueue(in)
		return err
	})
	return out, err
}

// Assign commits a plan; see store.Hot.
func (s *Store) Assign(ctx context.Context, sc store.Scope, plan []store.Assignment, now time.Time) ([]store.Won, []store.Lost, error) {
	if len(plan) == 0 {
		return nil, nil, sc.Valid()
	}
	var won []store.Won
	var lost []store.Lost
	err := s.change(ctx, sc, rowBytes*len(plan), true, func(tx *sqlstore.Tx) (err error) {
		won, lost, err = tx.Assign(plan, now)
		return err
	})
	return won, lost, err
}

// Accept records that offers were taken; see store.Hot.
func (s *Store) Accept(ctx context.Context, sc store.Scope, in []store.Acceptance, now time.Time) ([]error, error) {
	if len(in) == 0 {
		return nil, sc.Valid()
	}
	var out []error
	err := s.change(ctx, sc, rowBytes*len(in), true, func(tx *sqlstore.Tx) (err error) {
		out, err = tx.Accept(in, now)
		return err
	})
	return out, err
}

// Beat renews attempts; see store.Hot.
func (s *Store) Beat(ctx context.Context, sc store.Scope, in []store.Beat, now time.Time) ([]store.BeatAnswer, error) {
	if len(in) == 0 {
		return nil, sc.Valid()
	}
	size := 0
	for i := range in {
		size += rowBytes * (1 + len(in[i].Attempts))
	}
	var out []store.BeatAnswer
	err := s.change(ctx, sc, size, true, func(tx *sqlstore.Tx) (err error) {
		out, err = tx.Beat(in, now)
		return err
	})
	return out, err
}

// Report records reports in order; see store.Hot.
func (s *Store) Report(ctx context.Context, sc store.Scope, in []fleet.Report, now time.Time) ([]fleet.Verdict, error) {
	if len(in) == 0 {
		return nil, sc.Valid()
	}
	size := 0
	for i := range in {
		size += rowBytes + len(in[i].Result) + len(in[i].Outcome)
	}
	var out []fleet.Verdict
	err := s.change(ctx, sc, size, true, func(tx *sqlstore.Tx) (err error) {
		out, err = tx.Report(in, now)
		return err
	})
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
	err := s.readers.view(ctx, func(c *conn) (err error) {
		out, err = sqlstore.TailEvents(c, tenant, after, limit)
		return err
	})
	return out, err
}
