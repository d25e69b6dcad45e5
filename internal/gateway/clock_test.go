package gateway

import (
	"testing"
	"time"
)

func TestClockIsNotedAnewWhenItMoved(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var c clock
	c.noted(now, now.Add(time.Minute))
	late := now.Add(clockEvery)
	for name, test := range map[string]struct {
		now, said time.Time
		want      bool
	}{
		"set right":        {late, late, true},
		"as before":        {late, late.Add(time.Minute), false},
		"waited a second":  {late, late.Add(time.Minute - time.Second), false},
		"too soon":         {now.Add(time.Minute), now.Add(time.Minute), false},
		"it does not say":  {late, time.Time{}, false},
		"further and back": {late, late.Add(time.Minute - clockStep), true},
	} {
		if got := c.moved(test.now, test.said); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
