package upkeep

import (
	"fmt"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// The depth of each queue is read once a minute, whoever reads it, and its course
// is told by five minutes and by the hour; stretches without a reading say so.
func TestQueueDepth(t *testing.T) {
	f := newFleet(t)
	queue := func(name string) fleet.Queue {
		q, err := f.core.Queues.Create(t.Context(), f.admin(), orchestrator.QueueChange{Name: &name})
		f.must(err)
		return q
	}
	add := func(q fleet.Queue, n int) {
		for range n {
			_, _, err := f.core.Queues.Add(t.Context(), f.admin(), q.Name, orchestrator.Hold{}, fleet.ItemSpec{}, nil)
			f.must(err)
		}
	}
	bills, letters, gone := queue("bills"), queue("letters"), queue("gone")
	f.must(f.core.Queues.Delete(t.Context(), f.admin(), gone.Name))
	read := func() {
		for range 2 { // two members of a cluster
			r := &Rollups{Store: f.store, Now: func() time.Time { return f.clock }, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }}
			f.must(r.Read(t.Context()))
		}
	}
	read() // 10:00, nothing
	f.clock = f.clock.Add(time.Minute)
	add(bills, 4)
	read() // 10:01
	f.clock = f.clock.Add(65 * time.Minute)
	add(letters, 1)
	read() // 11:06

	told := func(ref, length string) string {
		d, err := f.core.Queues.Depth(t.Context(), f.admin(), ref, length)
		f.must(err)
		text := fmt.Sprint(len(d.Points), " of ", d.Step)
		for _, p := range d.Points {
			if p.Readings > 0 {
				text += fmt.Sprintf(", %s %g %d %d", p.At.UTC().Format("15:04"), p.Depth, p.Peak, p.Readings)
			}
		}
		return text
	}
	for _, c := range []struct{ ref, length, want string }{
		{bills.Name, "2h", "25 of 300, 10:00 2 4 2, 11:05 4 4 1"},
		{string(bills.ID), "", "25 of 3600, 10:00 2 4 2, 11:00 4 4 1"},
		{letters.Name, "24h", "25 of 3600, 10:00 0 0 2, 11:00 1 1 1"},
	} {
		if got := told(c.ref, c.length); got != c.want {
			t.Errorf("%s over %q: %s; want %s", c.ref, c.length, got, c.want)
		}
	}
	for _, bad := range []string{"soon", "100d"} {
		if _, err := f.core.Queues.Depth(t.Context(), f.admin(), bills.Name, bad); fleet.AsError(err).Code != fleet.CodeInvalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
	list, err := f.core.Queues.Figures(t.Context(), f.admin())
	f.must(err)
	if len(list) != 2 || list[0].Name != "bills" || list[0].New != 4 || list[0].OldestAge != 65*60 || list[0].SLA.State != fleet.SLAUnknown || list[1].New != 1 {
		t.Fatalf("%+v", list)
	}
	if n := len(list[0].Course); n != 25 || list[0].Course[n-1].Depth != 4 || list[0].Course[n-2].Peak != 4 || list[1].Course[n-1].Depth != 1 {
		t.Errorf("%+v", list[0].Course)
	}
}

// The heat map tells, beside the slots that are taken, how busy machines were.
func TestHeatTellsMachines(t *testing.T) {
	f := newFleet(t)
	for _, cpu := range []float64{20, 60} {
		_, err := f.core.Attempts.Beat(t.Context(), f.robot, store.Beat{SessionEpoch: f.epoch, Metrics: fleet.RobotMetrics{CPUPercent: cpu}})
		f.must(err)
		r := &Rollups{Store: f.store, Now: func() time.Time { return f.clock }, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }}
		f.must(r.Read(t.Context()))
		f.clock = f.clock.Add(time.Minute)
	}
	heat, err := f.core.Numbers.Heat(t.Context(), f.admin(), orchestrator.NumbersQuery{Range: "24h", Timezone: "UTC"})
	f.must(err)
	for _, c := range heat.Cells {
		want, n := 0.0, int64(0)
		if c.Weekday == 0 && c.Hour == 10 { // 23 November 2026 is a Monday
			want, n = 40, 2
		}
		if c.CPU != want || c.CPUReadings != n {
			t.Errorf("%+v", c)
		}
	}
}
