package fail

import (
	"fmt"
	"strconv"
	"strings"
)

type action int

const (
	pass action = iota
	kill
	fault
)

// step is what is planned for one point.
type step struct {
	action action
	at     int // the hit that counts; 0 means every hit
}

type plan map[Point]step

// parse reads name=kill@3,name2=error. It knows only what it needs, and refuses
// the rest: a plan that is misread makes a test pass for nothing.
func parse(text string) (plan, error) {
	p := plan{}
	if text == "" {
		return p, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, what, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("FLEET_FAIL: %q is not name=action", part)
		}
		verb, count, counted := strings.Cut(what, "@")
		s := step{}
		switch verb {
		case "kill":
			s.action = kill
		case "error":
			s.action = fault
		default:
			return nil, fmt.Errorf("FLEET_FAIL: %q is neither kill nor error", verb)
		}
		if counted {
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("FLEET_FAIL: %q is not a count from 1", count)
			}
			s.at = n
		}
		if _, twice := p[Point(name)]; twice {
			return nil, fmt.Errorf("FLEET_FAIL: %s is planned twice", name)
		}
		p[Point(name)] = s
	}
	return p, nil
}

// next says what the n-th hit of a point does.
func (p plan) next(name Point, n int) action {
	s, ok := p[name]
	if !ok || (s.at != 0 && s.at != n) {
		return pass
	}
	return s.action
}
