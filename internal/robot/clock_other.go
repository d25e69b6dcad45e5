//go:build !linux

package robot

import "time"

// uptime is not needed where the monotonic clock counts sleep (Windows), and
// not read elsewhere: there a robot that slept learns at its next heartbeat.
func uptime() (time.Duration, bool) { return 0, false }
