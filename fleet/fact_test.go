package fleet

import (
	"fmt"
	"testing"
	"time"
)

func TestWhatIsNotedOfARobot(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var f Facts
	if _, ok := f.ClockOffset(now); ok || f.DuplicateHost(now) != "" {
		t.Error("something is known of nothing")
	}
	f = f.WithDuplicate("h2", now).WithClock(-1234*time.Millisecond, now)
	if off, ok := f.ClockOffset(now); !ok || off != -1.2 {
		t.Errorf("offset %v %v", off, ok)
	}
	if _, tested := f.SelfTest(now); tested {
		t.Error("it was not tested")
	}
	if got := f.DuplicateHost(now.Add(duplicateAge)); got != "h2" {
		t.Errorf("duplicate of %q", got)
	}
	if got := f.DuplicateHost(now.Add(duplicateAge + time.Second)); got != "" {
		t.Errorf("after its time it is a duplicate of %q", got)
	}
	if got := f.WithDuplicate("", now).DuplicateHost(now); got != "a machine that gave no name" {
		t.Errorf("a machine without a name is %q", got)
	}
	if err := f.WithSelfTest(false, "no room", now).Validate(); err != nil {
		t.Error(err)
	}
	said := Facts{FactClockOffset: {Value: 3.0, Source: FactFromAdmin}}
	if got := said.WithClock(time.Second, now); got[FactClockOffset].Value != 3.0 {
		t.Errorf("a person's word was overwritten: %+v", got)
	}
	full := Facts{}
	for i := range MaxFacts {
		full[fmt.Sprintf("f%d", i)] = Fact{Value: true}
	}
	if got := full.WithClock(time.Second, now); len(got) != MaxFacts {
		t.Errorf("%d facts", len(got))
	}
}
