package fleet

import (
	"strings"
	"testing"
	"time"
)

// running is a job that a robot runs under a policy.
func runningJob(p RetryPolicy, now time.Time) Subject {
	job := NewJob(JobSpec{ID: "j", Tenant: "t", Retry: p}, now)
	job.State, job.WaitingOn, job.Epoch, job.RobotID = Running, "", 1, "r1"
	return Subject{Job: job, Attempt: &Attempt{JobID: "j", Epoch: 1, RobotID: "r1", StartMode: StartTwoStep, RunningAt: now, StartedAt: now}}
}

func TestRetryByClass(t *testing.T) {
	now := time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)
	policy := RetryChange{
		Business:       &RetryRuleChange{Max: new(1), Delay: new(2.0), Factor: new(1.0), Jitter: new(0.0), OtherRobot: new(RequireOther)},
		Timeout:        &RetryRuleChange{Max: new(2), Jitter: new(0.0), OtherRobot: new(PreferOther)},
		Infrastructure: &RetryRuleChange{Max: new(1), Delay: new(30.0), OtherRobot: new(AnyRobot)},
	}.Apply(DefaultRetry())
	if err := policy.Validate(); err != nil {
		t.Fatal(err)
	}
	plain := DefaultRetry()
	tests := map[string]struct {
		policy    RetryPolicy
		class     ErrorClass
		used      int // of the class's budget
		permanent bool
		state     State
		pause     time.Duration
		refused   time.Duration // after the pause; 0: not at all
		forever   bool
		letter    bool
	}{
		"application, the first":              {policy: plain, class: ClassApplication, state: Pending, pause: 5 * time.Second},
		"application, the third":              {policy: plain, class: ClassApplication, used: 2, state: Pending, pause: 20 * time.Second},
		"application, used up":                {policy: plain, class: ClassApplication, used: 3, state: Failed, letter: true},
		"application, permanent":              {policy: plain, class: ClassApplication, permanent: true, state: Failed, letter: true},
		"business by default":                 {policy: plain, class: ClassBusiness, state: Failed},
		"business with a rule":                {policy: policy, class: ClassBusiness, state: Pending, pause: 2 * time.Second, forever: true},
		"business, used up":                   {policy: policy, class: ClassBusiness, used: 1, state: Failed},
		"business, permanent":                 {policy: policy, class: ClassBusiness, permanent: true, state: Failed},
		"timeout by default":                  {policy: plain, class: ClassTimeout, state: TimedOut},
		"timeout with a rule":                 {policy: policy, class: ClassTimeout, used: 1, state: Pending, pause: 10 * time.Second, refused: OtherSpan},
		"timeout, used up":                    {policy: policy, class: ClassTimeout, used: 2, state: TimedOut},
		"infrastructure by default":           {policy: plain, class: ClassInfrastructure, state: Pending, pause: LostSpread / 2, refused: OtherSpan},
		"infrastructure with a rule":          {policy: policy, class: ClassInfrastructure, state: Pending, pause: 30 * time.Second},
		"infrastructure, used up":             {policy: policy, class: ClassInfrastructure, used: 1, state: Failed, letter: true},
		"an invalid workflow is never tried":  {policy: policy, class: ClassInvalid, state: Failed, letter: true},
		"application beside a rule of others": {policy: policy, class: ClassApplication, state: Pending, pause: 5 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := runningJob(tt.policy, now)
			s.Job.RetriesUsed = tt.used
			if tt.class == ClassInfrastructure {
				s.Job.RetriesUsed, s.Job.LostUsed = 0, tt.used
			}
			e := JobError{Class: tt.class, Message: "m"}
			if tt.permanent {
				e.Retryable = new(false)
			}
			m := s.failed(Report{Kind: ReportFailed, JobID: "j", Epoch: 1, Error: &e, Chance: 0.5}, now)
			if m.Job.State != tt.state || m.Job.DeadLetter != tt.letter {
				t.Fatalf("state %s, dead letter %v; want %s, %v", m.Job.State, m.Job.DeadLetter, tt.state, tt.letter)
			}
			if tt.state != Pending {
				return
			}
			if got := m.Job.NotBefore.Sub(now); got != tt.pause {
				t.Errorf("pause %s, want %s", got, tt.pause)
			}
			count := m.Job.RetriesUsed
			if tt.class == ClassInfrastructure {
				if count != 0 {
					t.Errorf("a lost robot used the user's count")
				}
				count = m.Job.LostUsed
			}
			if count != tt.used+1 {
				t.Errorf("count %d, want %d", count, tt.used+1)
			}
			holds := func(at time.Time) bool { return m.Refusal != nil && m.Refusal.RobotID == "r1" && m.Refusal.Holds(at) }
			next := m.Job.NotBefore
			switch {
			case tt.forever:
				if !holds(next.AddDate(1, 0, 0)) {
					t.Errorf("a year later the robot may have it: %+v", m.Refusal)
				}
			case tt.refused == 0:
				if m.Refusal != nil {
					t.Errorf("the robot is left out: %+v", m.Refusal)
				}
			case !holds(next.Add(tt.refused-1)) || holds(next.Add(tt.refused)):
				t.Errorf("the robot is left out until %s, want %s", m.Refusal.Until, next.Add(tt.refused))
			}
		})
	}
}

// A request changes what the workflow says, and that what is the default.
func TestRetryChangesAreLaid(t *testing.T) {
	workflow := RetryChange{
		Application: &RetryRuleChange{Max: new(5), Delay: new(1.0)}, Timeout: &RetryRuleChange{Max: new(1)},
		Infrastructure: &RetryRuleChange{OtherRobot: new(RequireOther)},
	}.Apply(DefaultRetry())
	if workflow.Max != 5 || workflow.Delay != Duration(time.Second) || !workflow.Timeout || workflow.MaxLost != 3 {
		t.Errorf("the workflow's is %+v", workflow)
	}
	got := RetryChange{Max: new(0), MaxLost: new(7), Again: new(false), Application: &RetryRuleChange{OtherRobot: new(PreferOther)}}.Apply(workflow)
	if r := got.Rule(ClassApplication); r.Max != 0 || r.Delay != Duration(time.Second) || r.OtherRobot != PreferOther {
		t.Errorf("application %+v", r)
	}
	if r := got.Rule(ClassInfrastructure); r.Max != 7 || r.OtherRobot != RequireOther {
		t.Errorf("infrastructure %+v", r)
	}
	if r := got.Rule(ClassTimeout); r.Max != 0 {
		t.Errorf("timeout %+v", r)
	}
	if workflow.Rule(ClassApplication).Max != 5 {
		t.Error("the workflow's policy was changed in place")
	}
}

func TestRetryRulesAreChecked(t *testing.T) {
	for want, c := range map[string]RetryRuleChange{
		"retry.business.max must be between 0 and 100; got 101.":              {Max: new(101)},
		"retry.business: pauses must be between 0 and 366 days.":              {Delay: new(-0.5)},
		"retry.business: pauses must be between 0 and 366 days":               {MaxDelay: new(1e300)},
		"retry.business.factor must be between 1 and 100; got 0.5.":           {Factor: new(0.5)},
		"retry.business.jitter must be between 0 and 1; got 2.":               {Jitter: new(2.0)},
		`retry.business.other_robot must be no, prefer or must; got "maybe".`: {OtherRobot: new(OtherRobot("maybe"))},
	} {
		err := RetryChange{Business: &c}.Apply(DefaultRetry()).Validate()
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
