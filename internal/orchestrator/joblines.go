package orchestrator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// JobQuery selects jobs of a list for people; empty fields select all.
type JobQuery struct {
	store.JobFilter
	Why        []string // codes of what a pending job waits for, or what it waits on
	Triggers   []string // words of TriggerWord
	Priorities []fleet.Priority
	Text       string // a part of the id, the names, the robot or who submitted it
	Longest    bool   // running jobs alone, those first that began first
}

// JobLine is a job with what a list shows beside it, so that nobody asks for each
// row again.
type JobLine struct {
	Job       fleet.Job
	RobotName string
	Trigger   string
	RetriedAs fleet.ID          // the newest job that repeats it
	Why       fleet.WaitingCode // of a pending one, as placement has it now
	Waiting   string            // the same in a sentence
	SilentFor time.Duration     // of a robot that is silent
}

// JobLines is a page of them.
type JobLines struct {
	Lines  []JobLine
	Next   string
	Total  int64     // -1 where counting would cost too much
	Looked time.Time // see store.JobPage
}

// TriggerWord says in one word what a job comes from, as people name it.
func TriggerWord(j *fleet.Job) string {
	switch {
	case j.RetryOf != "":
		return "retry"
	case j.Schedule != "":
		return "schedule"
	case strings.HasPrefix(j.SubmittedBy, "trigger "):
		return "trigger"
	case j.Parent != "" || j.Rule != "":
		return "chain"
	case strings.HasPrefix(j.SubmittedBy, "key ") || strings.HasPrefix(j.SubmittedBy, "robot "):
		return "api"
	}
	return "manual"
}

// triggerWords lists them.
var triggerWords = []string{"manual", "schedule", "api", "trigger", "chain", "retry"}

// JobTriggers lists the words of TriggerWord.
func JobTriggers() []string { return slices.Clone(triggerWords) }

// waitReason is why the jobs of a lane wait.
type waitReason struct {
	code fleet.WaitingCode
	text string
}

// laneName is what makes two jobs wait for the same robots.
type laneName struct {
	tenant                         fleet.TenantID
	environment, requires, demands string
	target                         fleet.RobotID
}

func laneOfJob(j *fleet.Job) laneName {
	return laneName{j.Tenant, j.Environment, j.Requires.Key(), j.Placement.Demands().Text(), j.Target}
}

// reasonsHeld is for how long the reasons of lanes hold for those who ask alike.
const reasonsHeld = 2 * time.Second

// reasons tells why the jobs of each lane wait, as placement has it now. It costs by
// the robots and the lanes, at most once in a while.
func (c *core) reasons(r store.Reader, s store.Scope, now time.Time) (map[laneName]waitReason, error) {
	all, tenant := s.Filter()
	key := fmt.Sprint(all, "\x00", tenant, "\x00", s.Bounds())
	if out, ok := c.laneReasons.get(key, now); ok {
		return out, nil
	}
	lanes, err := r.Lanes()
	if err != nil {
		return nil, err
	}
	out := make(map[laneName]waitReason, len(lanes))
	if len(lanes) > 0 {
		robots, err := c.robots(r, now)
		if err != nil {
			return nil, err
		}
		refused, err := refusals(r, robots, now)
		if err != nil {
			return nil, err
		}
		for i := range lanes {
			l := &lanes[i]
			why := waitReason{fleet.CodeBehindOthers, handedOver}
			if x, ok := refused[l.ID]; ok {
				why = waitReason{x.Code, x.Text}
			}
			out[laneName{l.Tenant, l.Environment, l.Requires.Key(), l.Placement.Text(), l.Target}] = why
		}
	}
	c.laneReasons.put(key, out, now.Add(reasonsHeld))
	return out, nil
}

// whyWaits says why a pending job waits, in a code and a sentence.
func whyWaits(j *fleet.Job, lanes map[laneName]waitReason) waitReason {
	switch j.WaitingOn { //nolint:exhaustive // the others wait for robots
	case fleet.WaitingTime:
		return waitReason{fleet.CodeNotBefore, "Waits until " + j.NotBefore.UTC().Format("2006-01-02 15:04:05 UTC") + "."}
	case fleet.WaitingBackoff:
		return waitReason{fleet.CodeRetryDelay, "Waits until " + j.NotBefore.UTC().Format("2006-01-02 15:04:05 UTC") + " before it is tried again."}
	case fleet.WaitingDependencies:
		if j.Segments > 0 {
			return waitReason{fleet.CodeSegments, "Waits for its first segment."}
		}
		return waitReason{fleet.CodeParentsRunning, fmt.Sprintf("Waits for %s that it depends on.", amount(int64(j.DepsOpen), false, "job", "jobs"))}
	case fleet.WaitingHold:
		return waitReason{fleet.CodeUnmet, "Is held: what it depends on did not end as it needs."}
	}
	if why, ok := lanes[laneOfJob(j)]; ok {
		return why
	}
	return waitReason{j.WaitingCode, ""}
}

// Lines lists jobs, the newest first, with what a list shows beside each.
func (j *Jobs) Lines(ctx context.Context, p auth.Principal, q JobQuery, page fleet.Page) (out JobLines, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return out, err
	}
	if page, err = page.Normalize(); err != nil {
		return out, err
	}
	if err := q.check(); err != nil {
		return out, err
	}
	now, scope := j.Now(), p.Reach()
	err = j.Store.View(ctx, scope, func(r store.Reader) error {
		f, err := j.filter(r, scope, q, now)
		if err != nil {
			return err
		}
		var list store.JobPage
		if q.Longest {
			list.Total = -1
			list.Jobs, err = r.LongestRunning(page.Limit)
		} else {
			list, err = r.Jobs(f, page)
		}
		if err != nil {
			return err
		}
		out = JobLines{Next: list.Next, Total: list.Total, Looked: list.Looked}
		out.Lines, err = j.lines(r, scope, list.Jobs, now)
		return err
	})
	return out, err
}

// check refuses words that nothing could match.
func (q *JobQuery) check() error {
	for _, word := range q.Triggers {
		if !slices.Contains(triggerWords, word) {
			return fleet.Invalid("trigger", "trigger must be %s; got %q.", strings.Join(triggerWords, ", "), shortText(word))
		}
	}
	for _, x := range q.Priorities {
		if x < 0 || x > fleet.PriorityLast {
			return fleet.Invalid("priority", "priority must be between 0 and %d; got %d.", fleet.PriorityLast, x)
		}
	}
	switch n := max(len(q.Robots), 1) * max(len(q.Workflows), 1); {
	case n > maxRuns:
		return fleet.Invalid("workflow_id", "At most %d robots and workflows, one multiplied by the other, can be asked for at once; got %d.", maxRuns, n)
	case len(q.Text) > 200:
		return fleet.Invalid("q", "q may have at most 200 characters.")
	case !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To):
		return fleet.Invalid("from", "from must be before to.")
	case q.Longest && (len(q.States) != 1 || q.States[0] != fleet.Running || q.narrow()):
		return fleet.Invalid("sort", "sort=longest is for status=running alone, without another filter.")
	}
	return nil
}

// narrow says whether anything but the state leaves jobs out.
func (q *JobQuery) narrow() bool {
	return len(q.Robots)+len(q.Workflows)+len(q.Why)+len(q.Triggers)+len(q.Priorities) > 0 || q.Text != "" || q.RetryOf != "" ||
		!q.From.IsZero() || !q.To.IsZero()
}

// maxRuns bounds how many lists one page is put together of.
const maxRuns = 50

// filter is a query as the store can answer it.
func (j *Jobs) filter(r store.Reader, s store.Scope, q JobQuery, now time.Time) (store.JobFilter, error) {
	f := q.JobFilter
	if len(q.Why) > 0 {
		f.States = []fleet.State{fleet.Pending}
	}
	text := strings.ToLower(strings.TrimSpace(q.Text))
	if len(q.Why)+len(q.Triggers)+len(q.Priorities) == 0 && text == "" {
		return f, nil
	}
	var lanes map[laneName]waitReason
	if len(q.Why) > 0 {
		var err error
		if lanes, err = j.reasons(r, s, now); err != nil {
			return f, err
		}
	}
	f.Keep = func(x *fleet.Job) bool {
		if len(q.Why) > 0 && !slices.Contains(q.Why, string(x.WaitingOn)) && !slices.Contains(q.Why, string(whyWaits(x, lanes).code)) {
			return false
		}
		return (len(q.Triggers) == 0 || slices.Contains(q.Triggers, TriggerWord(x))) &&
			(len(q.Priorities) == 0 || slices.Contains(q.Priorities, x.Priority)) && (text == "" || speaksOf(x, text))
	}
	return f, nil
}

// speaksOf says whether something that people know a job by contains a text.
func speaksOf(j *fleet.Job, text string) bool {
	for _, s := range [...]string{string(j.ID), j.Name, j.Workflow.Name, string(j.RobotID), j.SubmittedBy} {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return false
}

func (j *Jobs) lines(r store.Reader, s store.Scope, jobs []fleet.Job, now time.Time) ([]JobLine, error) {
	out := make([]JobLine, len(jobs))
	refs := make([]store.RobotRef, len(jobs))
	var ended []fleet.ID
	pending := false
	for i := range jobs {
		out[i] = JobLine{Job: jobs[i], Trigger: TriggerWord(&jobs[i])}
		refs[i] = store.RobotRef{Tenant: jobs[i].Tenant, RobotID: jobs[i].RobotID}
		if jobs[i].State.Final() {
			ended = append(ended, jobs[i].ID)
		}
		pending = pending || jobs[i].State == fleet.Pending
	}
	robots, err := r.Rooms(refs)
	if err != nil {
		return nil, err
	}
	again, err := r.RetriedAs(ended)
	if err != nil {
		return nil, err
	}
	var lanes map[laneName]waitReason
	if pending {
		if lanes, err = j.reasons(r, s, now); err != nil {
			return nil, err
		}
	}
	for i := range out {
		l, robot := &out[i], &robots[i]
		l.RobotName, l.RetriedAs = cmp.Or(robot.Name, string(l.Job.RobotID)), again[l.Job.ID]
		if l.Job.Silent && !robot.LastSeen.IsZero() {
			l.SilentFor = max(now.Sub(robot.LastSeen), 0)
		}
		if l.Job.State == fleet.Pending {
			why := whyWaits(&l.Job, lanes)
			l.Why, l.Waiting = why.code, why.text
		}
	}
	return out, nil
}
