package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/wire"
)

// Robot names a robot that can be offered work here now.
type Robot struct {
	Tenant       fleet.TenantID
	RobotID      fleet.RobotID
	SessionEpoch int64
	Most         int    // how many jobs it can be told of now; 0: any number
	Environment  string // it takes jobs of this one only; empty: of its own
}

// Present lists the robots connected here that have caught up with their
// reports and have room to be written to. While the store is away there are
// none: nothing is decided then.
func (g *Gateway) Present() []Robot {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.away {
		return nil
	}
	out := make([]Robot, 0, len(g.conns))
	for _, c := range g.conns {
		if c.ready() {
			out = append(out, Robot{Tenant: c.principal.Tenant, RobotID: c.principal.RobotID, SessionEpoch: c.session.Epoch})
		}
	}
	return g.waitingPolls(out)
}

// Connected is how many robots are connected here.
func (g *Gateway) Connected() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.conns)
}

// Offer sends committed assignments to their robots; s covers their tenants. It
// waits for no robot: an offer that finds no connection, or a full one, lapses
// and is planned again.
func (g *Gateway) Offer(ctx context.Context, s store.Scope, won []store.Won) {
	if err := g.o.Attempts.Warm(ctx, s, won); err != nil {
		g.o.Logger.Debug("documents of offers not read ahead", "error", err) // each is read alone
	}
	for i := range won {
		w := &won[i]
		c, sent := g.push(w)
		switch {
		case sent, c == nil && g.deliver(w):
		case c == nil:
			g.notTold(auth.Robot(w.Assignment.Tenant, w.Assignment.RobotID, ""), w)
		default:
			g.o.Logger.Warn("offer dropped: the robot's queue is full", "robot_id", c.principal.RobotID, "job_id", w.Job.ID)
			g.notTold(c.principal, w)
		}
	}
}

// push puts an assignment into the queue of the connection that it is for, if
// there is one here. It does so under the lock: once a connection is removed,
// nothing comes after what is taken out of its queue then.
func (g *Gateway) push(w *store.Won) (c *conn, sent bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	c = g.conns[robotKey{w.Assignment.Tenant, w.Assignment.RobotID}]
	if c == nil || c.session.Epoch != w.Assignment.SessionEpoch {
		return nil, false
	}
	select {
	case c.offers <- w:
		return c, true
	default:
		return c, false
	}
}

// notTold takes back an offer that was not sent to a robot which begins when it
// hears of a job: by itself it would not lapse, since nobody else can know that
// the robot did not hear. Of all others offers lapse.
func (g *Gateway) notTold(p auth.Principal, won *store.Won) {
	if won.Attempt.StartMode != fleet.StartOneStep {
		return
	}
	g.wg.Go(func() {
		ctx, done := context.WithTimeout(context.Background(), 10*time.Second) // whoever offered must not wait
		defer done()
		if err := g.o.Attempts.NotTold(ctx, p, store.Ref{JobID: won.Job.ID, Epoch: won.Attempt.Epoch}); err != nil {
			g.o.Logger.Warn("an offer that was not sent stays until its lease ends", "job_id", won.Job.ID, "error", err)
		}
	})
}

// offerer turns won assignments into frames.
func (c *conn) offerer(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case won := <-c.offers:
			m, err := c.assign(ctx, won)
			if err != nil {
				c.log.Warn("offer not sent; it will lapse", "job_id", won.Job.ID, "error", err)
				c.g.notTold(c.principal, won)
				continue
			}
			c.track(wire.Ref{JobID: won.Job.ID, Epoch: won.Attempt.Epoch})
			c.send("", m)
			c.broke(fail.At(fail.OfferQueued))
		}
	}
}

func (c *conn) assign(ctx context.Context, won *store.Won) (*wire.JobAssign, error) {
	j, t := won.Job, c.timing
	m := &wire.JobAssign{
		Ref: wire.Ref{JobID: j.ID, Epoch: won.Attempt.Epoch}, Number: int(won.Attempt.Epoch),
		WorkflowID: j.Workflow.ID, WorkflowName: j.Workflow.Name, WorkflowHash: j.Workflow.Hash,
		Variables: json.RawMessage(won.Variables), Priority: j.Priority, Timeout: j.RunTimeout,
		AcceptWithin: fleet.Duration(t.Accept), Lease: fleet.Duration(t.Lease), RetrySafety: j.RetrySafety,
	}
	if len(won.Resumes) > 0 { // it holds the variables
		if !slices.Contains(c.session.Features, wire.FeatureCheckpoint) {
			return nil, errors.New("this session does not know checkpoints")
		}
		m.Checkpoint, m.Variables = won.Resumes, nil
	}
	body, err := c.g.o.Attempts.Body(ctx, c.principal.Scope(), j.Workflow.Hash)
	if err != nil {
		return nil, err
	}
	// A document that would crowd the frame, or that is deeper than a frame may
	// be, is fetched by its hash instead.
	if c.old != nil {
		m.Workflow = body // it fetches nothing
		return m, nil
	}
	if len(body) > wire.MaxDocument || len(body)+len(m.Variables) > wire.MaxFrame-(16<<10) || fleet.Nesting(body) > fleet.MaxNesting {
		m.WorkflowRef = j.Workflow.Hash
	} else {
		m.Workflow = body
	}
	return m, nil
}
