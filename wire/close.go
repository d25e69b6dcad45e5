package wire

import "strconv"

// CloseCode is the number with which a WebSocket is closed.
type CloseCode int

// The close codes of the channel. Those below 4000 are the standard's.
const (
	CloseDone            CloseCode = 1000
	CloseGoingAway       CloseCode = 1001
	CloseInternal        CloseCode = 1011
	CloseRestart         CloseCode = 1012
	CloseLater           CloseCode = 1013
	CloseBadMessage      CloseCode = 4400
	CloseUnauthenticated CloseCode = 4401
	CloseForbidden       CloseCode = 4403
	CloseNoHello         CloseCode = 4408
	CloseSuperseded      CloseCode = 4409 // a newer connection, or a second machine with this id
	CloseRevoked         CloseCode = 4410
	CloseTooBig          CloseCode = 4413
	CloseVersion         CloseCode = 4426
	CloseTooMany         CloseCode = 4429
)

// String names the code for people.
func (c CloseCode) String() string {
	switch c {
	case CloseDone:
		return "done"
	case CloseGoingAway:
		return "going away"
	case CloseInternal:
		return "internal error"
	case CloseRestart:
		return "restart"
	case CloseLater:
		return "try again later"
	case CloseBadMessage:
		return "bad message"
	case CloseUnauthenticated:
		return "unauthenticated"
	case CloseForbidden:
		return "forbidden"
	case CloseNoHello:
		return "no hello"
	case CloseSuperseded:
		return "superseded, or a second robot with this id"
	case CloseRevoked:
		return "key revoked"
	case CloseTooBig:
		return "message too big"
	case CloseVersion:
		return "protocol version not supported"
	case CloseTooMany:
		return "too many"
	}
	return "code " + strconv.Itoa(int(c))
}
