package robot

import (
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

// The failpoints of what is written, sent and heard, by kind: each is a step of
// its own in the life of an attempt. Without the build tag nothing is left of
// these functions.

// afterWrite stands between the journal and whatever the records allow to be said.
func afterWrite(recs []protocol.Record) error {
	if !fail.Enabled {
		return nil
	}
	for _, rec := range recs {
		var err error
		switch rec.Kind {
		case protocol.RecordAccept:
			err = fail.At(fail.RobotAcceptWritten)
		case protocol.RecordAck:
			err = fail.At(fail.RobotAckWritten)
		case protocol.RecordReport:
			switch t := rec.Report.Message.Type(); {
			case t == wire.TypeJobStarted:
				err = fail.At(fail.RobotStartedWritten)
			case t == wire.TypeEffectBegin:
				err = fail.At(fail.RobotEffectBeginWritten)
			case t == wire.TypeEffectEnd:
				err = fail.At(fail.RobotEffectEndWritten)
			case wire.IsEnd(t):
				err = fail.At(fail.RobotResultWritten)
			}
		case protocol.RecordEnd:
			err = fail.At(fail.RobotEndWritten)
		case protocol.RecordDrop:
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// afterSend stands behind a frame that was given to the socket.
func afterSend(f wire.Frame) error {
	if !fail.Enabled {
		return nil
	}
	switch t := f.Payload.Type(); {
	case t == wire.TypeJobAccept:
		return fail.At(fail.RobotAcceptSent)
	case t == wire.TypeJobReject:
		return fail.At(fail.RobotRejectSent)
	case t == wire.TypeJobStarted:
		return fail.At(fail.RobotStartedSent)
	case t == wire.TypeEffectBegin:
		return fail.At(fail.RobotEffectBeginSent)
	case t == wire.TypeEffectEnd:
		return fail.At(fail.RobotEffectEndSent)
	case wire.IsEnd(t):
		return fail.At(fail.RobotResultSent)
	case t == wire.TypeHeartbeat:
		return fail.At(fail.RobotBeatSent)
	}
	return nil
}

// afterRead stands between a frame that has come and what it does.
func afterRead(f wire.Frame) error {
	if !fail.Enabled {
		return nil
	}
	switch f.Payload.(type) {
	case *wire.JobStart:
		return fail.At(fail.RobotStartReceived)
	case *wire.JobCancel:
		return fail.At(fail.RobotCancelReceived)
	case *wire.ReportAck:
		return fail.At(fail.RobotAckReceived)
	}
	return nil
}

// broke ends the robot after an injected failure. In earnest err is nil.
func (r *Robot) broke(err error) {
	if err != nil {
		r.fatal(err)
	}
}
