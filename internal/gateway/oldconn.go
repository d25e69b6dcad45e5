package gateway

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// What a connection does besides for a robot of the original.

// hearOld sorts a frame of the original to those who handle it.
func (c *conn) hearOld(ctx context.Context, data []byte, n int64) {
	frames, claims, answer := c.old.decode(data, c.g.o.Now())
	if answer != nil {
		c.put(answer)
	}
	for i, f := range frames {
		if m, ok := f.Payload.(*wire.JobAccept); ok {
			c.speaks(m.Ref, n)
		}
		size := int64(0)
		if i == len(frames)-1 {
			size = min(int64(len(data)), maxHeld)
		}
		c.route(ctx, inbound{Frame: f, n: n, size: size})
	}
	for _, job := range claims {
		c.regrant(ctx, job)
	}
}

// regrant answers a robot that says that it runs a job which this session was
// not given: it has it again if nobody else was given it since, and is told to
// stop if it cannot have it.
func (c *conn) regrant(ctx context.Context, job fleet.ID) {
	sub, err := c.g.o.Attempts.Renew(ctx, c.principal, job, nil)
	switch {
	case err == nil:
		ref := wire.Ref{JobID: job, Epoch: sub.Attempt.Epoch}
		c.old.has(ref, true)
		c.track(ref)
		c.speaks(ref, 0)
	case stale(err):
		c.send("", &wire.JobForget{Ref: wire.Ref{JobID: job}, Reason: wire.ForgetFenced})
	default:
		c.log.Debug("a job that the robot says it runs was not looked at", "job_id", job, "error", err)
	}
}

// pulse counts an answered ping as the heartbeat of a robot that beats every 30
// seconds whatever it is told.
func (c *conn) pulse(ctx context.Context) {
	if c.old != nil && c.old.flat && !c.stopped.Load() {
		c.route(ctx, inbound{Frame: c.old.beat()})
	}
}

// number gives the lines of a robot that does not count them their numbers:
// after those that are kept of the attempt.
func (c *conn) number(ctx context.Context, b *fleet.LogBatch) error {
	ack, err := c.g.o.Attempts.AppendLogs(ctx, c.principal, fleet.LogBatch{JobID: b.JobID, Epoch: b.Epoch, First: 1})
	b.First = max(ack.NextLine, 1)
	for i := range b.Lines {
		b.Lines[i].Line = b.First + int64(i)
	}
	return err
}

// cannot refuses a command for which the robot's program has no word.
func (c *conn) cannot(ctx context.Context, cmd fleet.Command) {
	if err := c.g.o.Robots.Answer(ctx, c.principal, cmd.ID, false, "The robot's program cannot start itself anew."); err != nil {
		c.log.Debug("command not refused", "error", err)
	}
}
