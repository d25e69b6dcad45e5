package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// linearOp is one call of a client about one job.
type linearOp struct {
	job  fleet.ID
	verb string
}

// linearState is a job as the model of histories sees it.
type linearState struct {
	state   fleet.State
	version int64
}

// linearModel is the life of a job that is offered once, as one register.
func linearModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return linearState{fleet.Pending, 1} },
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			by := map[fleet.ID][]porcupine.Operation{}
			for _, o := range history {
				id := o.Input.(linearOp).job
				by[id] = append(by[id], o)
			}
			var out [][]porcupine.Operation
			for _, ops := range by {
				out = append(out, ops)
			}
			return out
		},
		Step: func(state, input, output any) (bool, any) {
			s, op := state.(linearState), input.(linearOp)
			if op.verb == "read" {
				return output == s, s
			}
			next, done := s, false
			if to, ok := linearSteps[op.verb][s.state]; ok {
				next, done = linearState{to, s.version + 1}, true
			}
			return output == done, next
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprint(input, " ", output) },
	}
}

// linearSteps says where each verb leads; a pair that is missing changes nothing.
var linearSteps = map[string]map[fleet.State]fleet.State{
	"assign":   {fleet.Pending: fleet.Assigned},
	"accept":   {fleet.Assigned: fleet.Running},
	"cancel":   {fleet.Pending: fleet.Cancelled, fleet.Assigned: fleet.Cancelled, fleet.Running: fleet.Cancelling},
	"complete": {fleet.Running: fleet.Completed, fleet.Cancelling: fleet.Completed},
}

// RunLinear records what many clients saw of a few jobs and asks whether one
// order of their calls explains all of it.
func RunLinear(t *testing.T, open Open) {
	f := New(t, open)
	const clients = 16
	session := f.Robot("r1", fleet.MaxSlots)
	var mu sync.Mutex
	var history []porcupine.Operation
	start := time.Now()
	for range size(20, 4) {
		var jobs []fleet.Job
		for range 8 {
			jobs = append(jobs, f.Submit(f.Spec()))
		}
		together(clients, func(c int) {
			chance := rand.New(rand.NewPCG(7, uint64(c)))
			verbs := []string{"assign", "accept", "cancel", "complete", "read", "read"}
			for range size(100, 40) {
				op := linearOp{jobs[chance.IntN(len(jobs))].ID, verbs[chance.IntN(len(verbs))]}
				call := time.Since(start).Nanoseconds()
				out, err := f.linear(op, session)
				back := time.Since(start).Nanoseconds()
				if err != nil {
					f.Error(err)
					return
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: c, Input: op, Output: out, Call: call, Return: back})
				mu.Unlock()
			}
		})
		for _, j := range jobs { // frees the slots
			f.Report(f.NewReport(f.Job(j.ID), fleet.ReportComplete, 0))
		}
	}
	if len(history) == 0 {
		t.Fatal("nothing was recorded")
	}
	if got := porcupine.CheckOperationsTimeout(linearModel(), history, time.Minute); got != porcupine.Ok {
		t.Errorf("%d operations: %s, no order of the calls explains the answers", len(history), got)
	}
	f.CheckInvariants()
}

// linear makes one call and says whether it changed the job, or what was read.
func (f *Fixture) linear(op linearOp, session int64) (any, error) {
	ctx := f.Context()
	j := fleet.Job{ID: op.job, Tenant: f.Tenant, RobotID: "r1"}
	switch op.verb {
	case "assign":
		won, _, err := f.Store.Assign(ctx, f.Scope, []store.Assignment{f.Plan(j, "r1", session)}, f.Now)
		return len(won) == 1, err
	case "accept":
		// The second of two equal accepts is answered yes as well, so whether
		// this one did it is seen from inside.
		done := false
		err := f.Move(op.job, func(s fleet.Subject) (*fleet.Move, error) {
			m, err := s.Accept("r1", 1, f.Now)
			done = m != nil
			return m, err
		})
		if errors.Is(err, fleet.ErrConflict) {
			err = nil
		}
		return done, err
	case "cancel":
		done := false
		err := f.Move(op.job, func(s fleet.Subject) (*fleet.Move, error) {
			m, err := s.Cancel(fleet.CancelRequest{By: "u", Grace: time.Minute}, f.Now)
			done = m != nil
			return m, err
		})
		return done, err
	case "complete":
		j.Epoch = 1
		v, err := f.Store.Report(ctx, f.Scope, []fleet.Report{f.NewReport(j, fleet.ReportComplete, 0)}, f.Now)
		return err == nil && v[0].Verdict == fleet.VerdictApplied, err
	}
	var s linearState
	err := f.Store.View(ctx, f.Scope, func(r store.Reader) error {
		got, err := r.Job(op.job)
		s = linearState{got.State, got.Version}
		return err
	})
	return s, err
}
