package fleet

import (
	"fmt"
	"time"
)

// The bounds of a placement.
const (
	MaxSelectorRobots = 64 // robots named in one selector, and usual robots
	MaxPreferences    = 16
	MaxFallbackSteps  = 16
	MaxWaitSeconds    = 30 * 24 * 3600
)

// Validate checks a placement and brings its words into their one form. Field
// is where it stands, for the messages.
func (p *Placement) Validate(field string) (err error) {
	if p.Environment != "" {
		if err := ValidateEnvironment(p.Environment); err != nil {
			return err
		}
	}
	if p.Capabilities, err = normalWords(p.Capabilities); err != nil {
		return err
	}
	if p.Tags, err = normalTags(field+".tags", p.Tags); err != nil {
		return err
	}
	if err := ValidateFactConditions(field+".facts", p.Facts); err != nil {
		return err
	}
	if p.Avoid != nil {
		if err := p.Avoid.Validate(field + ".avoid"); err != nil {
			return err
		}
	}
	if len(p.Usual) > MaxSelectorRobots {
		return Invalid(field+".usual", "A workflow may have at most %d usual robots; got %d.", MaxSelectorRobots, len(p.Usual))
	}
	if err := p.validatePrefer(field); err != nil {
		return err
	}
	if err := p.validateFallback(field); err != nil {
		return err
	}
	return p.Sticky.validate(field + ".sticky")
}

func (p *Placement) validatePrefer(field string) error {
	if len(p.Prefer) > MaxPreferences {
		return Invalid(field+".prefer", "At most %d preferences are allowed; got %d.", MaxPreferences, len(p.Prefer))
	}
	for i := range p.Prefer {
		at := fmt.Sprintf("%s.prefer[%d]", field, i)
		if w := p.Prefer[i].Weight; w < -100 || w > 100 {
			return Invalid(at+".weight", "weight must be between -100 and 100; got %d.", w)
		}
		if err := p.Prefer[i].Match.Validate(at + ".match"); err != nil {
			return err
		}
	}
	return nil
}

func (p *Placement) validateFallback(field string) error {
	if len(p.Fallback) > MaxFallbackSteps {
		return Invalid(field+".fallback", "At most %d steps are allowed; got %d.", MaxFallbackSteps, len(p.Fallback))
	}
	for i := range p.Fallback {
		at := fmt.Sprintf("%s.fallback[%d]", field, i)
		if w := p.Fallback[i].WaitSeconds; w < 0 || w > MaxWaitSeconds {
			return Invalid(at+".wait_seconds", "wait_seconds must be between 0 and %d; got %d.", MaxWaitSeconds, w)
		}
		if !p.Fallback[i].Fail {
			if err := p.Fallback[i].Match.Validate(at + ".match"); err != nil {
				return err
			}
			continue
		}
		switch step := &p.Fallback[i]; {
		case i == 0 || i < len(p.Fallback)-1:
			return Invalid(at+".fail", "Only the last of several steps may be the end of waiting.")
		case !step.Match.IsZero() || step.WaitSeconds != 0:
			return Invalid(at, "A step that is the end of waiting has no match and no wait_seconds of its own.")
		case p.fallbackLimit() < time.Second || p.fallbackLimit() > MaxWaitSeconds*time.Second:
			return Invalid(at+".fail", "A job may wait between 1 and %d seconds before it fails; the steps before allow %d.", MaxWaitSeconds, p.fallbackLimit()/time.Second)
		}
	}
	return nil
}

func (s *Sticky) validate(field string) error {
	if s == nil || s.Mode == StickyNone || s.Mode == "" {
		return nil
	}
	switch {
	case s.Mode != StickySoft && s.Mode != StickyHard:
		return Invalid(field+".mode", "mode must be none, soft or hard; got %q.", clip(string(s.Mode), 40))
	case s.Key == "" || len(s.Key) > 128:
		return Invalid(field+".key", "A sticky placement needs a key of 1 to 128 characters: jobs of one key go to one robot.")
	case s.TTLSeconds < 0 || s.TTLSeconds > MaxWaitSeconds:
		return Invalid(field+".ttl_seconds", "ttl_seconds must be between 0 and %d; got %d.", MaxWaitSeconds, s.TTLSeconds)
	case s.WaitSeconds < 0 || s.WaitSeconds > MaxWaitSeconds:
		return Invalid(field+".wait_seconds", "wait_seconds must be between 0 and %d; got %d.", MaxWaitSeconds, s.WaitSeconds)
	}
	switch s.Then {
	case "", StickyWait, StickyAny, StickyFail:
		return nil
	}
	return Invalid(field+".then", "then must be wait, any or fail; got %q.", clip(string(s.Then), 40))
}

// IsZero says that the selector names nothing at all.
func (s *Selector) IsZero() bool {
	return !s.All && len(s.Robots)+len(s.Pools)+len(s.Environments)+len(s.Tags)+len(s.Capabilities)+len(s.Facts) == 0
}

// Validate checks a selector and brings its words into their one form.
func (s *Selector) Validate(field string) (err error) {
	if s.IsZero() {
		return Invalid(field, "A selector without any part selects nothing.").
			WithFix(`Name robots, pools, environments, tags, capabilities or facts, or write {"all": true}.`)
	}
	if len(s.Robots) > MaxSelectorRobots {
		return Invalid(field+".robots", "A selector may name at most %d robots; got %d.", MaxSelectorRobots, len(s.Robots)).
			WithFix("Put them into a pool or give them a tag.")
	}
	if s.Tags, err = normalTags(field+".tags", s.Tags); err != nil {
		return err
	}
	if s.Capabilities, err = normalWords(s.Capabilities); err != nil {
		return err
	}
	return ValidateFactConditions(field+".facts", s.Facts)
}

func normalWords(c Capabilities) (Capabilities, error) {
	if len(c) == 0 {
		return nil, nil
	}
	return NewCapabilities(c...)
}

func normalTags(field string, c Capabilities) (Capabilities, error) {
	if len(c) == 0 {
		return nil, nil
	}
	out, err := NewCapabilities(c...)
	if err != nil {
		return nil, Invalid(field, "A tag is a word of lower-case letters, digits, '_', '.' or '-', at most 64 long, and at most %d are allowed.", MaxCapabilities)
	}
	return out, nil
}
