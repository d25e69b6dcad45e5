package orchestrator

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// RobotChange is what a person changes of a robot; nil leaves a part as it is.
// What a person has set is pinned: the robot cannot change it by connecting.
type RobotChange struct {
	Name  *string
	Slots *int // the most it may run at once; 0: what it asks for
	Pool  *string
	Tags  *[]string
	// Facts are laid over what is known; a nil value takes a person's fact back.
	Facts map[string]*fleet.Fact
	Unpin []string // fields that the robot may say again: name, pool, tags, capabilities

	Hostname     *string
	Environment  *string
	Capabilities *[]string
}

// The fields that can be pinned.
const (
	pinName = "name"
	pinPool = "pool"
	pinTags = "tags"

	pinCapabilities = "capabilities"
)

// Edit changes a robot.
func (r *Robots) Edit(ctx context.Context, p auth.Principal, id fleet.RobotID, c RobotChange) (robot fleet.Robot, err error) {
	if err := p.Require(fleet.RobotsManage); err != nil {
		return robot, err
	}
	if err := c.validate(); err != nil {
		return robot, err
	}
	err = r.act(ctx, p, "robot.update", fleet.SubjectRobot, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		if robot, err = tx.Robot(id); err != nil {
			return err
		}
		before := robot
		fields, err := c.apply(&robot, r.Now())
		if err != nil || len(fields) == 0 {
			d.Action = ""
			return err
		}
		d.Object.Name = robot.Name
		if err := changed(d, before, robot); err != nil {
			return err
		}
		if err := tx.PutRobot(robot); err != nil {
			return err
		}
		return tx.Append(robot.Tenant, fleet.EventDraft{
			Kind: fleet.EventRobotUpdated, Subject: fleet.SubjectRobot, SubjectID: string(id), Actor: p.Name,
			Data: moved(map[string]any{"name": robot.Name, "changed": fields}, before.Environment, robot.Environment),
		})
	})
	robot.Derive(r.Timing(robot.Environment), r.Now())
	return robot, err
}

// moved adds to what an event of a robot tells where it came from, if it is
// somewhere else now: readers who see only that environment lose it from sight.
func moved(data map[string]any, from, to string) map[string]any {
	if from != "" && from != to {
		data["from_environment"] = from
	}
	return data
}

func (c *RobotChange) validate() error {
	if c.Name != nil {
		if err := fleet.ValidateName("name", *c.Name, 128); err != nil {
			return err
		}
	}
	if c.Slots != nil && (*c.Slots < 0 || *c.Slots > fleet.MaxSlots) {
		return fleet.Invalid("max_concurrent_jobs", "max_concurrent_jobs must be between 0 and %d; got %d.", fleet.MaxSlots, *c.Slots)
	}
	for _, field := range c.Unpin {
		if !slices.Contains([]string{pinName, pinPool, pinTags, pinCapabilities}, field) {
			return fleet.Invalid("unpin", "unpin lists name, pool, tags or capabilities; got %q.", field)
		}
	}
	if c.Hostname != nil && (*c.Hostname == "" || len([]rune(*c.Hostname)) > 256) {
		return fleet.Invalid("hostname", "hostname must have 1 to 256 characters; got %d.", len([]rune(*c.Hostname)))
	}
	if c.Environment != nil {
		if err := fleet.ValidateEnvironment(*c.Environment); err != nil {
			return err
		}
	}
	if c.Pool != nil {
		return fleet.ValidatePool(*c.Pool)
	}
	return nil
}

// apply makes the changes and names the fields that are another now.
func (c *RobotChange) apply(robot *fleet.Robot, now time.Time) (changed []string, err error) {
	pin := func(field string) {
		if at, ok := slices.BinarySearch(robot.Pinned, field); !ok {
			robot.Pinned = slices.Insert(slices.Clone(robot.Pinned), at, field)
		}
	}
	if c.Name != nil {
		robot.Name, changed = *c.Name, append(changed, pinName)
		pin(pinName)
	}
	if c.Slots != nil {
		robot.SlotLimit, changed = *c.Slots, append(changed, "max_concurrent_jobs")
	}
	if c.Pool != nil {
		robot.Pool, changed = *c.Pool, append(changed, pinPool)
		pin(pinPool)
	}
	if c.Tags != nil {
		if robot.Tags, err = fleet.NewCapabilities(*c.Tags...); err != nil {
			return nil, fleet.Invalid("tags", "%s", strings.ReplaceAll(err.Error(), "capability", "tag"))
		}
		changed = append(changed, pinTags)
		pin(pinTags)
	}
	if c.Hostname != nil {
		robot.Hostname, changed = *c.Hostname, append(changed, "hostname")
	}
	if c.Environment != nil {
		robot.Environment, changed = *c.Environment, append(changed, "environment")
	}
	if c.Capabilities != nil {
		wished, err := fleet.NewCapabilities(*c.Capabilities...)
		if err != nil {
			return nil, err
		}
		robot.Capabilities = keepsCheckpoints(robot.Capabilities, wished)
		changed = append(changed, pinCapabilities)
		pin(pinCapabilities)
	}
	for _, field := range c.Unpin {
		robot.Pinned = slices.DeleteFunc(slices.Clone(robot.Pinned), func(w string) bool { return w == field })
		changed = append(changed, "pinned")
	}
	if len(c.Facts) > 0 {
		changed = append(changed, "facts")
		facts := fleet.Facts{}
		maps.Copy(facts, robot.Facts)
		for name, fact := range c.Facts {
			if fact == nil {
				delete(facts, name)
				continue
			}
			fact.Source, fact.At = fleet.FactFromAdmin, now
			facts[name] = *fact
		}
		robot.Facts = facts
		if err := facts.Validate(); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// ownFacts lays what a robot says of itself over what is known of it. A
// person's word stands, and what the orchestrator itself has noted.
func ownFacts(known, said fleet.Facts, now time.Time) fleet.Facts {
	out := fleet.Facts{}
	for name, fact := range known {
		if fact.Source == fleet.FactFromAdmin || fact.Source == fleet.FactFromProbe {
			out[name] = fact
		}
	}
	for name, fact := range said {
		if _, stands := out[name]; !stands && len(out) < fleet.MaxFacts {
			fact.Source, fact.At = fleet.FactFromRobot, now
			out[name] = fact
		}
	}
	return out
}
