package fleet

import "time"

// RetryChange changes parts of a policy; what is left out stays as it is.
type RetryChange struct {
	Max      *int     `json:"max,omitempty" doc:"Further attempts after errors of the workflow; 3."`
	MaxLost  *int     `json:"max_lost,omitempty" doc:"Further attempts after lost robots; 3."`
	DelayMS  *int64   `json:"delay_ms,omitempty" doc:"Before the first; 5000."`
	Factor   *float64 `json:"factor,omitempty" doc:"By which the pause grows; 2."`
	MaxDelay *int64   `json:"max_delay_ms,omitempty" doc:"The longest pause; 300000."`
	Jitter   *float64 `json:"jitter,omitempty" doc:"Share of the pause, up and down; 0.2."`
	Again    *bool    `json:"on_timeout,omitempty" doc:"Whether a run timeout is tried again; false."`

	Application    *RetryRuleChange `json:"application,omitempty" doc:"Any error of the workflow."`
	Business       *RetryRuleChange `json:"business,omitempty" doc:"Errors of which the workflow says that trying again is no use; no retry if left out."`
	Infrastructure *RetryRuleChange `json:"infrastructure,omitempty" doc:"The robot was lost or not ready; has a count of its own."`
	Timeout        *RetryRuleChange `json:"timeout,omitempty" doc:"The run took too long; no retry if left out."`
}

// RetryRuleChange changes parts of the rule of one class.
type RetryRuleChange struct {
	Max        *int        `json:"max,omitempty" doc:"0 to 100 further attempts."`
	Delay      *float64    `json:"delay_seconds,omitempty" doc:"Before the first."`
	Factor     *float64    `json:"factor,omitempty" doc:"By which the pause grows, 1 to 100."`
	MaxDelay   *float64    `json:"max_delay_seconds,omitempty" doc:"The longest pause."`
	Jitter     *float64    `json:"jitter,omitempty" doc:"Share of the pause, up and down, 0 to 1."`
	OtherRobot *OtherRobot `json:"other_robot,omitempty" doc:"no, prefer or must: whether the next attempt has to be on another robot."`
}

// Apply lays the change over a policy. The answer is to be validated.
func (c RetryChange) Apply(p RetryPolicy) RetryPolicy {
	give(c.Max, &p.Max)
	give(c.MaxLost, &p.MaxLost)
	give(c.Factor, &p.Factor)
	give(c.Jitter, &p.Jitter)
	give(c.Again, &p.Timeout)
	for from, to := range map[*int64]*Duration{c.DelayMS: &p.Delay, c.MaxDelay: &p.Ceiling} {
		if from != nil {
			*to = Duration(min(max(*from, -1), int64(maxRetryDelay)/int64(time.Millisecond))) * Duration(time.Millisecond)
		}
	}
	p = p.follow(c)
	for class, change := range map[ErrorClass]*RetryRuleChange{
		ClassApplication: c.Application, ClassBusiness: c.Business, ClassInfrastructure: c.Infrastructure, ClassTimeout: c.Timeout,
	} {
		if change != nil {
			p.set(class, change.apply(p.Rule(class)))
		}
	}
	return p
}

// follow brings what a change says of all classes to those that have a rule of
// their own already, such as the workflow's when a request changes it.
func (p RetryPolicy) follow(c RetryChange) RetryPolicy {
	if r, ok := p.Classes[ClassApplication]; ok {
		r.Max, r.Delay, r.Factor, r.Ceiling, r.Jitter = p.Max, p.Delay, p.Factor, p.Ceiling, p.Jitter
		p.set(ClassApplication, r)
	}
	if r, ok := p.Classes[ClassInfrastructure]; ok && c.MaxLost != nil {
		r.Max = *c.MaxLost
		p.set(ClassInfrastructure, r)
	}
	if r, ok := p.Classes[ClassTimeout]; ok && c.Again != nil {
		if r.Max = 0; *c.Again {
			r.Max = p.Max
		}
		p.set(ClassTimeout, r)
	}
	return p
}

func (c RetryRuleChange) apply(r RetryRule) RetryRule {
	give(c.Max, &r.Max)
	give(c.Factor, &r.Factor)
	give(c.Jitter, &r.Jitter)
	give(c.OtherRobot, &r.OtherRobot)
	if c.Delay != nil {
		r.Delay = pauseOf(*c.Delay)
	}
	if c.MaxDelay != nil {
		r.Ceiling = pauseOf(*c.MaxDelay)
	}
	return r
}

// pauseOf keeps what is out of bounds out of bounds, without an overflow.
func pauseOf(seconds float64) Duration {
	return Duration(min(max(seconds, -1), 2*maxRetryDelay.Std().Seconds()) * float64(time.Second))
}

func give[T any](from *T, to *T) {
	if from != nil {
		*to = *from
	}
}
