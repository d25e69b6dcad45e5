package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type robotHealthCmd struct {
	config.Client
	Robot string `arg:"" optional:"" help:"id of the robot; default: all robots"`
}

// Run shows the checks of one robot, or all robots with their reasons.
func (c *robotHealthCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if c.Robot == "" {
		list, err := pageTo(0, func(cursor string) ([]fleet.RobotHealth, string, error) {
			page, err := api.FleetHealth(ctx, fleet.Page{Limit: fleet.PageMax, Cursor: cursor})
			return page.Robots, page.Next, err
		})
		if err != nil {
			return err
		}
		sh.used(api)
		return sh.answer(c.Output, map[string]any{"robots": list}, func() error {
			t := table{head: []string{"ROBOT", "STATUS", "HEALTH", "REASONS"}, paint: sh.paint, state: 1}
			for i := range list {
				h := &list[i]
				t.add(string(h.RobotID), string(h.Status), string(h.State), clip(strings.Join(h.Reasons, " "), 100))
			}
			return t.write(sh.out, "There is no robot yet.")
		})
	}
	h, err := api.RobotHealth(ctx, fleet.RobotID(c.Robot))
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, h, func() error {
		if _, err := fmt.Fprintf(sh.out, "%s is %s, %s\n", h.RobotID, h.Status, h.State); err != nil {
			return err
		}
		t := table{head: []string{"CHECK", "IS", "VALUE", "UNIT", "DEGRADED AT", "FAILING AT", "REASON"}, paint: sh.paint, state: -1}
		for _, k := range h.Checks {
			value := dash("")
			if k.State != fleet.HealthUnknown {
				value = fmt.Sprintf("%.1f", k.Value)
			}
			t.add(k.Name, string(k.State), value, k.Unit, fmt.Sprint(k.Degraded), fmt.Sprint(k.Failing), k.Reason)
		}
		return t.write(sh.out, "")
	})
}

type robotHistoryCmd struct {
	config.Client
	Robot string `arg:"" help:"id of the robot"`
	Range string `help:"15m, 1h, 6h, 24h, 7d, 30d or 90d" default:"1h"`
}

// Run draws a bar of the processor's load for each point.
func (c *robotHistoryCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.RobotHistory(ctx, fleet.RobotID(c.Robot), c.Range)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, out, func() error {
		t := table{head: []string{"AT", "CPU", "MEMORY", "DISK", "SLOTS", "PROCESSOR"}, paint: sh.paint, state: -1}
		for i := range out.Points {
			p := &out.Points[i]
			t.add(p.At.Local().Format("01-02 15:04"), share(p.CPU, 1), share(p.Memory, 1), share(p.Disk, 1), fmt.Sprintf("%d/%d", p.Taken, p.Slots), bar(int64(p.CPU), 0, 100))
		}
		if err := t.write(sh.out, "Nobody has read this robot in that time."); err != nil {
			return err
		}
		sh.note("%s to %s: slots used %.1f %%, online %.1f %% of the time", out.From.Local().Format(time.DateTime), out.To.Local().Format(time.DateTime), out.Utilization, out.Uptime)
		return nil
	})
}

type robotCapacityCmd struct{ config.Client }

// Run shows the room of each capability, and whose connection does not hold.
func (c *robotCapacityCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.FleetState(ctx, false)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, out, func() error {
		t := table{head: []string{"CAPABILITY", "ROBOTS", "SLOTS", "USED", "FREE", "HELD", "JOBS WAIT", "MEAN WAIT"}, paint: sh.paint, state: -1}
		for i := range out.Capacity {
			k := &out.Capacity[i]
			wait := dash("")
			if k.Sampled > 0 {
				wait = (time.Duration(k.MeanWaitMS) * time.Millisecond).Round(time.Second).String()
			}
			t.add(k.Capability, fmt.Sprintf("%d of %d", k.Connected, k.Robots), fmt.Sprint(k.Slots), fmt.Sprint(k.Used), fmt.Sprint(k.Free), fmt.Sprint(k.Held),
				fmt.Sprint(k.Waiting), wait)
		}
		if err := t.write(sh.out, ""); err != nil {
			return err
		}
		for _, f := range out.Flapping {
			if _, err := fmt.Fprintf(sh.out, "%s flaps: its connection ended %d times within an hour.\n", f.RobotID, f.Disconnects); err != nil {
				return err
			}
		}
		return nil
	})
}
