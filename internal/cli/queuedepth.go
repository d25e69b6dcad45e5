package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type queueDepthCmd struct {
	config.Client
	oneQueue
	Range string `help:"a number of hours or days that end now" default:"24h" placeholder:"24h"`
}

// Run draws a bar for each stretch of time.
func (c *queueDepthCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.QueueDepth(ctx, c.Queue, c.Range)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, out, func() error {
		most := int64(1)
		for i := range out.Points {
			most = max(most, out.Points[i].Peak)
		}
		t := table{head: []string{"AT", "NEW", "PEAK", "MEAN"}, paint: sh.paint, state: -1}
		for i := range out.Points {
			p := &out.Points[i]
			t.add(p.At.Local().Format("01-02 15:04"), reading(p.Depth, p.Readings), reading(float64(p.Peak), p.Readings), bar(int64(p.Depth+0.5), 0, most))
		}
		return t.write(sh.out, "")
	})
}

type queueFiguresCmd struct{ config.Client }

// Run tells how the queues stand.
func (c *queueFiguresCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.QueueFigures(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"queues": list}, func() error {
		t := table{head: []string{"QUEUE", "NEW", "OLDEST", "PEAK OF 24 H", "DEADLINES"}, paint: sh.paint, state: -1}
		for i := range list {
			q := &list[i]
			oldest := dash("")
			if q.New > 0 {
				oldest = (time.Duration(q.OldestAge) * time.Second).String()
			}
			t.add(clean(q.Name), fmt.Sprint(q.New), oldest, peak(q.Course), slaWords(&q.SLA))
		}
		return t.write(sh.out, "There is no queue.")
	})
}

// peak is the greatest reading of a course.
func peak(course []fleet.DepthPoint) string {
	most, read := int64(0), int64(0)
	for _, p := range course {
		most, read = max(most, p.Peak), read+p.Readings
	}
	return reading(float64(most), read)
}
