package fleet

import (
	"cmp"
	"slices"
)

// PlacedAt is a placement and the place where it is written, such as "the
// workflow's settings" or "the request".
type PlacedAt struct {
	Where     string
	Placement Placement
}

// MergePlacements joins placements from the widest to the narrowest. Lists are
// united; two different single values are a conflict that names both places.
func MergePlacements(parts ...PlacedAt) (out Placement, err error) {
	from := map[string]string{}
	single := func(field, where, have, want string) (string, error) {
		if want == "" || want == have {
			return cmp.Or(have, want), nil
		}
		if have != "" {
			return "", Errorf(CodeInvalid, "placement_conflict", "%s is %q in %s and %q in %s.",
				field, clip(have, 80), from[field], clip(want, 80), where).
				WithFix("Leave it out in one of the two places.")
		}
		from[field] = where
		return want, nil
	}
	for _, part := range parts {
		p := part.Placement
		target, err := single("target_robot_id", part.Where, string(out.Target), string(p.Target))
		if err != nil {
			return out, err
		}
		out.Target = RobotID(target)
		if out.Environment, err = single("environment", part.Where, out.Environment, p.Environment); err != nil {
			return out, err
		}
		if out.Pool, err = single("pool", part.Where, out.Pool, p.Pool); err != nil {
			return out, err
		}
		if p.Sticky != nil {
			if _, err = single("sticky", part.Where, stickyText(out.Sticky), stickyText(p.Sticky)); err != nil {
				return out, err
			}
			out.Sticky = p.Sticky
		}
		if len(p.Fallback) > 0 && len(out.Fallback) > 0 {
			return out, Errorf(CodeInvalid, "placement_conflict", "fallback is written in %s and in %s.", from["fallback"], part.Where).
				WithFix("Leave it out in one of the two places: its steps are one order.")
		}
		if len(p.Fallback) > 0 {
			out.Fallback, from["fallback"] = p.Fallback, part.Where
		}
		out.Capabilities = out.Capabilities.Union(p.Capabilities)
		out.Tags = out.Tags.Union(p.Tags)
		out.Facts = slices.Concat(out.Facts, p.Facts)
		out.Prefer = slices.Concat(out.Prefer, p.Prefer)
		out.Usual = append(out.Usual, p.Usual...)
		out.OnlyUsual = out.OnlyUsual || p.OnlyUsual
		if out.Avoid, err = joinAvoid(out.Avoid, p.Avoid, from, part.Where); err != nil {
			return out, err
		}
	}
	return out, nil
}

// StickyKey is the key of a sticky placement; empty for any other.
func (p *Placement) StickyKey() string {
	if p.Sticky == nil {
		return ""
	}
	return p.Sticky.Key
}

func stickyText(s *Sticky) string {
	if s == nil {
		return ""
	}
	return string(s.Mode) + " " + s.Key
}

// joinAvoid unites two sets of robots to avoid. Only lists of robots can be
// united without changing what either means.
func joinAvoid(a, b *Selector, from map[string]string, where string) (*Selector, error) {
	if b == nil {
		return a, nil
	}
	if a == nil {
		from["avoid"] = where
		return b, nil
	}
	if !onlyRobots(a) || !onlyRobots(b) {
		return nil, Errorf(CodeInvalid, "placement_conflict", "avoid is written in %s and in %s, and the two are not plain lists of robots.", from["avoid"], where).
			WithFix("Leave it out in one of the two places.")
	}
	all := slices.Concat(a.Robots, b.Robots)
	slices.Sort(all)
	return &Selector{Robots: slices.Compact(all)}, nil
}

func onlyRobots(s *Selector) bool {
	rest := *s
	rest.Robots = nil
	return rest.IsZero()
}
