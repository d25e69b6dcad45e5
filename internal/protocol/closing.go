package protocol

import (
	"time"

	"github.com/casarerpa/fleet/wire"
)

// SlowRetry is the pause after an answer that is about the robot itself: it
// will not change by asking often, and somebody has to act.
const SlowRetry = 5 * time.Minute

// AboutRobot says whether a close code is an answer about the robot itself:
// its key, its right, its version.
func AboutRobot(code wire.CloseCode) bool {
	switch code {
	case wire.CloseUnauthenticated, wire.CloseForbidden, wire.CloseRevoked, wire.CloseVersion:
		return true
	case wire.CloseDone, wire.CloseGoingAway, wire.CloseInternal, wire.CloseRestart, wire.CloseLater, wire.CloseBadMessage,
		wire.CloseNoHello, wire.CloseSuperseded, wire.CloseTooBig, wire.CloseTooMany:
	}
	return false
}
