package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/snapshot"
	"github.com/casarerpa/fleet/internal/store"
)

// Explanation is why a job waits, or what placed or ended it.
type Explanation struct {
	Job         fleet.Job
	EvaluatedAt time.Time
	Summary     string
	Fleet       *placement.Explanation   // only while it waits for a robot
	Names       map[fleet.RobotID]string // of the robots in it
	Attempts    []fleet.Attempt          // the robots that had it
	Estimate    *fleet.Estimate          // of the next slot; nil: not enough is known
	Blockers    []fleet.Blocker          // none exactly when it would be assigned now, or does not wait
}

// Explain asks placement itself what it would do with a job now, and why. Who
// asks for a finished job gets what is recorded.
func (j *Jobs) Explain(ctx context.Context, p auth.Principal, id fleet.ID) (e Explanation, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return e, err
	}
	e.EvaluatedAt = j.Now()
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if e.Job, err = r.Job(id); err != nil {
			return err
		}
		whole, at := e.Job, 0
		if e.Job, at, err = turn(r, whole); err != nil {
			return err
		}
		if at > 0 {
			defer func() { e.of(whole, at) }()
		}
		if e.Attempts, err = r.Attempts(e.Job.ID); err != nil {
			return err
		}
		if e.Summary, err = aside(r, &e.Job); err != nil || e.Summary != "" {
			if e.Job.State == fleet.Pending {
				e.Blockers = []fleet.Blocker{reason(&e.Job)}
				if err == nil && e.Job.WaitingOn == fleet.WaitingDependencies {
					e.Blockers, err = awaited(r, &e.Job, e.Blockers)
				}
			}
			return err
		}
		robots, err := j.robots(r, e.EvaluatedAt)
		if err != nil {
			return err
		}
		full, err := j.placed(r, robots, &e.Job, e.EvaluatedAt, placement.Explain)
		if err != nil {
			return err
		}
		e.Fleet, e.Names = &full, names(robots)
		e.Job.WaitingCode, e.Summary = full.Code, full.Summary
		if full.Assigned != nil {
			e.Job.WaitingCode, e.Summary = fleet.CodeBehindOthers, handedOver
		}
		if on := waitsOn(full.Code); on != "" {
			e.Job.WaitingOn = on
		}
		if full.Assigned == nil {
			var holders []fleet.Job
			if e.Blockers, holders, err = blockers(r, robots, &e.Job, &full); err != nil {
				return err
			}
			if place := full.Ahead.HigherPriority + full.Ahead.SamePriority + 1; place > 1 {
				e.Summary += fmt.Sprintf(" Position %d in line.", place)
			}
			if e.Estimate, err = nextSlot(r, holders, e.EvaluatedAt); e.Estimate != nil {
				e.Summary += about(e.Estimate, e.EvaluatedAt)
			}
		}
		return err
	})
	return e, err
}

// waitsOn is what a job waits for by a reason of placement that is no robot's.
func waitsOn(code fleet.WaitingCode) fleet.WaitingOn {
	switch code { //nolint:exhaustive // the others are robots' reasons
	case fleet.CodeReserved:
		return fleet.WaitingReservation
	case fleet.CodeSuspended:
		return fleet.WaitingHold
	case fleet.CodeTenantQuota, fleet.CodeSecretHeld:
		return fleet.WaitingConcurrency
	}
	return ""
}

// maxBlockers is how many blockers an answer names.
const maxBlockers = 10

// blockers names who holds what a job would fit: the jobs on the robots that
// lack only a slot, by robot, then the reservations. What other tenants
// have on a shared robot is left out. If nobody holds it back, the reason itself does.
func blockers(r store.Reader, robots []fleet.Robot, job *fleet.Job, e *placement.Explanation) (out []fleet.Blocker, holders []fleet.Job, err error) {
	if e.Held != nil {
		return heldUp(r, e.Held, job)
	}
	full := map[fleet.RobotID]bool{}
	for i := range e.Robots {
		if e.Robots[i].First == placement.CheckNoSlot {
			full[e.Robots[i].RobotID] = true
		}
	}
	keepers := slices.DeleteFunc(slices.Clone(e.Keepers), func(k placement.Reservation) bool { return k.Tenant != job.Tenant })
	keepers = keepers[:min(len(keepers), maxBlockers)]
	for i := range robots {
		if !full[robots[i].ID] {
			continue
		}
		for _, id := range robots[i].CurrentJobIDs {
			if len(out)+len(keepers) >= maxBlockers {
				break
			}
			holder, err := r.Job(id)
			if errors.Is(err, fleet.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, nil, err
			}
			holders = append(holders, holder)
			out = append(out, holding(&holder, robots[i].ID))
		}
	}
	for i := range keepers {
		out = append(out, fleet.Blocker{Kind: fleet.BlockerReservation, ID: keepers[i].ID, Name: keepers[i].Name, Until: keepers[i].Until})
	}
	if len(out) == 0 {
		out = append(out, reason(job))
	}
	return out, holders, nil
}

// holding is a job that has what another waits for.
func holding(job *fleet.Job, on fleet.RobotID) fleet.Blocker {
	return fleet.Blocker{Kind: fleet.BlockerJob, ID: job.ID, Name: cmp.Or(job.Name, job.Workflow.Name), RobotID: on, Since: job.AssignedAt}
}

// heldUp names the jobs that have a secret which one job may have at a time.
func heldUp(r store.Reader, x *placement.Exclusive, waiting *fleet.Job) (out []fleet.Blocker, holders []fleet.Job, err error) {
	for _, id := range x.Holders[:min(len(x.Holders), maxBlockers)] {
		job, err := r.Job(id)
		if errors.Is(err, fleet.ErrNotFound) { // where the caller sees nothing
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		holders = append(holders, job)
		out = append(out, holding(&job, job.RobotID))
	}
	if len(out) == 0 {
		out = append(out, reason(waiting))
	}
	return out, holders, nil
}

// awaited adds the parents that have not ended, the first of them.
func awaited(r store.Reader, waiting *fleet.Job, out []fleet.Blocker) ([]fleet.Blocker, error) {
	ids, err := r.Parents(waiting.ID)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		job, err := r.Job(id)
		switch {
		case errors.Is(err, fleet.ErrNotFound): // it lives where the caller sees nothing
		case err != nil:
			return nil, err
		case !job.State.Final() && len(out) <= maxNamed:
			out = append(out, holding(&job, job.RobotID))
		}
	}
	return out, nil
}

// reason is the blocker of a job that nobody holds back.
func reason(job *fleet.Job) fleet.Blocker {
	b := fleet.Blocker{Kind: fleet.BlockerReason, Name: string(job.WaitingCode), Since: job.WaitingSince}
	if job.WaitingOn == fleet.WaitingTime || job.WaitingOn == fleet.WaitingBackoff {
		b.Until = job.NotBefore
	}
	return b
}

// handedOver is what a job is told that placement would assign now.
const handedOver = "Fits a free slot and is handed over in this moment."

// turn is the segment by which a whole stands that has not ended, with its number;
// the job itself otherwise.
func turn(r store.Reader, job fleet.Job) (fleet.Job, int, error) {
	if job.Segments == 0 || job.State.Final() {
		return job, 0, nil
	}
	segments, err := r.Segments(job.ID)
	at := fleet.Turn(segments)
	if err != nil || at == nil {
		return job, 0, err
	}
	return *at, at.Segment, nil
}

// of makes what was said of a segment an answer about its whole.
func (e *Explanation) of(whole fleet.Job, at int) {
	segment := e.Job
	e.Summary = fmt.Sprintf("Segment %d of %d (job %s): %s", at, whole.Segments, segment.ID, e.Summary)
	e.Job = whole
	if segment.State == fleet.Pending && whole.State == fleet.Pending {
		e.Job.WaitingOn, e.Job.WaitingCode, e.Job.WaitingSince = segment.WaitingOn, segment.WaitingCode, segment.WaitingSince
	}
}

// aside says why a job does not wait for a robot; empty if it does.
func aside(r store.Reader, job *fleet.Job) (string, error) {
	if job.State != fleet.Pending {
		return told(job), nil
	}
	switch job.WaitingOn { //nolint:exhaustive // the others need the robots
	case fleet.WaitingTime:
		return "Waits until " + job.NotBefore.UTC().Format(time.RFC3339) + ", as it was asked to.", nil
	case fleet.WaitingDependencies:
		names, err := parents(r, job.ID, func(s fleet.State) bool { return !s.Final() })
		return fmt.Sprintf("Waits for %d of the jobs that it depends on (%s): %s.", job.DepsOpen, ruleWords(job.Rule), names), err
	case fleet.WaitingHold:
		rule := cmp.Or(job.Rule, fleet.AllCompleted)
		names, err := parents(r, job.ID, func(s fleet.State) bool { return s.Final() && (s == fleet.Completed) == (rule == fleet.AnyFailed) })
		if names == "" && err == nil { // what failed is being repeated
			names, err = parents(r, job.ID, func(s fleet.State) bool { return !s.Final() })
			return fmt.Sprintf("Waits for the jobs that it depends on (%s): %s.", ruleWords(rule), names), err
		}
		return fmt.Sprintf("Is held: the jobs that it depends on did not end as it needs (%s): %s. Retry them, or cancel this job.", ruleWords(rule), names), err
	case fleet.WaitingBackoff:
		return fmt.Sprintf("Waits until %s before it is tried again.", job.NotBefore.UTC().Format(time.RFC3339)), nil
	}
	return "", nil
}

// ruleWords says what becomes of a job's parents before it may run.
func ruleWords(rule fleet.DependencyRule) string {
	switch rule {
	case fleet.AllFinished:
		return "all must end"
	case fleet.AnyCompleted:
		return "one must complete"
	case fleet.AnyFailed:
		return "one must fail"
	case fleet.AllCompleted:
	}
	return "all must complete"
}

// maxNamed is how many jobs a sentence names.
const maxNamed = 3

// parents names those parents of a job whose state matters.
func parents(r store.Reader, child fleet.ID, matters func(fleet.State) bool) (string, error) {
	ids, err := r.Parents(child)
	if err != nil {
		return "", err
	}
	var names []string
	more := 0
	for _, id := range ids {
		job, err := r.Job(id)
		switch {
		case errors.Is(err, fleet.ErrNotFound): // it lives where the caller sees nothing
			more++
		case err != nil:
			return "", err
		case !matters(job.State):
		case len(names) == maxNamed:
			more++
		default:
			names = append(names, fmt.Sprintf("%s (%s, %s)", id, cmp.Or(job.Name, job.Workflow.Name), job.State))
		}
	}
	if more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", "), nil
}

// told says in a sentence where a job is that does not wait.
func told(job *fleet.Job) string {
	switch job.State { //nolint:exhaustive // the rest are final
	case fleet.Assigned:
		return fmt.Sprintf("Was offered to robot %s at %s.", job.RobotID, job.AssignedAt.UTC().Format(time.RFC3339))
	case fleet.Running:
		return fmt.Sprintf("Runs on robot %s since %s.", job.RobotID, job.StartedAt.UTC().Format(time.RFC3339))
	case fleet.Cancelling:
		return fmt.Sprintf("Robot %s was told to stop; it is over by %s at the latest.", job.RobotID, job.StopDeadline.UTC().Format(time.RFC3339))
	case fleet.NeedsDecision:
		return "Waits for a person: a step that must not run twice was begun and not closed."
	}
	return fmt.Sprintf("Ended as %s at %s (%s).", job.State, job.EndedAt.UTC().Format(time.RFC3339), job.EndReason)
}

// explain fills in why a pending job waits.
func (j *Jobs) explain(r store.Reader, v *JobView) error {
	at, n, err := turn(r, v.Job)
	if err != nil {
		return err
	}
	if n > 0 {
		part := JobView{Job: at}
		if at.State != fleet.Pending {
			part.Waiting = told(&at)
		} else if err := j.explain(r, &part); err != nil {
			return err
		}
		v.Waiting = fmt.Sprintf("Segment %d of %d (job %s): %s", n, v.Job.Segments, at.ID, part.Waiting)
		return nil
	}
	if v.Waiting, err = aside(r, &v.Job); err != nil || v.Waiting != "" {
		return err
	}
	now := j.Now()
	robots, err := j.robots(r, now)
	if err != nil {
		return err
	}
	why, err := j.placed(r, robots, &v.Job, now, func(view placement.View, id fleet.ID) (placement.Explanation, bool) {
		code, text := placement.Summary(view, id)
		return placement.Explanation{Code: code, Summary: text}, true
	})
	if on := waitsOn(why.Code); on != "" {
		v.Job.WaitingOn = on
	}
	if v.Job.WaitingCode, v.Waiting = why.Code, why.Summary; why.Code == "" {
		v.Job.WaitingCode, v.Waiting = fleet.CodeBehindOthers, handedOver
	}
	return err
}

// placed asks placement about a job on the robots that its tenant may use.
func (j *Jobs) placed(r store.Reader, robots []fleet.Robot, job *fleet.Job, now time.Time,
	ask func(placement.View, fleet.ID) (placement.Explanation, bool),
) (placement.Explanation, error) {
	s, err := snapshot.Read(r, func() ([]placement.Candidate, error) { return candidates(robots), nil }, snapshot.Options{Now: now})
	if err != nil {
		return placement.Explanation{}, err
	}
	if _, err := s.Plan(); err != nil { // reads as deep as dispatch would
		return placement.Explanation{}, err
	}
	if err := s.Include(job); err != nil {
		return placement.Explanation{}, err
	}
	e, _ := ask(s.View, job.ID)
	return e, nil
}

// robots lists the robots that a scope may see, with their status.
func (c *core) robots(r store.Reader, now time.Time) ([]fleet.Robot, error) {
	var out []fleet.Robot
	page := fleet.Page{Limit: fleet.PageMax}
	for {
		list, err := r.Robots(store.RobotFilter{}, page)
		if err != nil {
			return nil, err
		}
		for i := range list.Robots {
			list.Robots[i].Derive(c.Timing(list.Robots[i].Environment), now)
		}
		out = append(out, list.Robots...)
		if list.Next == "" {
			return out, nil
		}
		page.Cursor = list.Next
	}
}

// candidates are robots, with their status, as placement sees them.
func candidates(robots []fleet.Robot) []placement.Candidate {
	out := make([]placement.Candidate, len(robots))
	for i := range robots {
		out[i] = placement.CandidateOf(&robots[i])
	}
	return out
}

// names are what people call robots.
func names(robots []fleet.Robot) map[fleet.RobotID]string {
	out := make(map[fleet.RobotID]string, len(robots))
	for i := range robots {
		out[robots[i].ID] = robots[i].Name
	}
	return out
}
