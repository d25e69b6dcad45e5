package gateway

import (
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/wire"
)

// The failpoints of reports. A batch may hold several kinds, and each kind is
// a step of its own in the life of a job. Without the build tag nothing is left
// of these functions.

// reportsReceived stands between reading reports and committing them.
func reportsReceived(frames []inbound) error {
	return eachReport(frames, func(kind wire.Type) error {
		switch {
		case kind == wire.TypeJobStarted:
			return fail.At(fail.StartedReceived)
		case kind == wire.TypeEffectBegin:
			return fail.At(fail.EffectBeginReceived)
		case kind == wire.TypeEffectEnd:
			return fail.At(fail.EffectEndReceived)
		case wire.IsEnd(kind):
			return fail.At(fail.ResultReceived)
		}
		return nil
	})
}

// reportsCommitted stands between the commit and the acknowledgement.
func reportsCommitted(frames []inbound) error {
	return eachReport(frames, func(kind wire.Type) error {
		switch {
		case kind == wire.TypeJobStarted:
			return fail.At(fail.StartedAfterCommit)
		case kind == wire.TypeEffectBegin:
			return fail.At(fail.EffectBeginCommitted)
		case kind == wire.TypeEffectEnd:
			return fail.At(fail.EffectEndCommitted)
		case wire.IsEnd(kind):
			return fail.At(fail.ResultAfterCommit)
		}
		return nil
	})
}

// reportsAcked stands after the acknowledgement of an end was queued.
func reportsAcked(frames []inbound) error {
	if !fail.Enabled {
		return nil
	}
	for _, f := range frames {
		if wire.IsEnd(f.Type) {
			return fail.At(fail.ResultAcked)
		}
	}
	return nil
}

// eachReport comes to a point with the kind of each report, until one fails.
func eachReport(frames []inbound, at func(kind wire.Type) error) error {
	if !fail.Enabled {
		return nil
	}
	for _, f := range frames {
		if err := at(f.Type); err != nil {
			return err
		}
	}
	return nil
}

// broke ends the connection after an injected failure. In earnest err is nil.
func (c *conn) broke(err error) {
	if err != nil {
		c.stop(wire.CloseLater, err.Error())
	}
}
