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
	if !fail.Enabled {
		return nil
	}
	for _, f := range frames {
		var err error
		switch {
		case f.Type == wire.TypeJobStarted:
			err = fail.At(fail.StartedReceived)
		case f.Type == wire.TypeEffectBegin:
			err = fail.At(fail.EffectBeginReceived)
		case f.Type == wire.TypeEffectEnd:
			err = fail.At(fail.EffectEndReceived)
		case wire.IsEnd(f.Type):
			err = fail.At(fail.ResultReceived)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reportsCommitted stands between the commit and the acknowledgement.
func reportsCommitted(frames []inbound) error {
	if !fail.Enabled {
		return nil
	}
	for _, f := range frames {
		var err error
		switch {
		case f.Type == wire.TypeJobStarted:
			err = fail.At(fail.StartedAfterCommit)
		case f.Type == wire.TypeEffectBegin:
			err = fail.At(fail.EffectBeginCommitted)
		case f.Type == wire.TypeEffectEnd:
			err = fail.At(fail.EffectEndCommitted)
		case wire.IsEnd(f.Type):
			err = fail.At(fail.ResultAfterCommit)
		}
		if err != nil {
			return err
		}
	}
	return nil
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

// broke ends the connection after an injected failure. In earnest err is nil.
func (c *conn) broke(err error) {
	if err != nil {
		c.stop(wire.CloseLater, err.Error())
	}
}
