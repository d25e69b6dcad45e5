package orchestrator

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/snapshot"
	"github.com/casarerpa/fleet/internal/store"
)

// How much a look reads of what there may be without number.
const (
	lookJobs   = 1000 // of one lane, or of those that are held
	lookFires  = 1000
	lookKeys   = 500
	lookQueues = 100
	lookItems  = 1000

	lookIncidents = 100 // among which the worst one is looked for
)

// of begins an entry about some objects.
func of(kind fleet.AttentionKind, severity fleet.Severity, object fleet.SubjectKind, n int64, ids []string) fleet.AttentionEntry {
	return fleet.AttentionEntry{Kind: kind, Severity: severity, Object: object, Count: n, Objects: ids[:min(len(ids), fleet.AttentionObjects)]}
}

func amount(n int64, atLeast bool, one, many string) string {
	if n == 1 && !atLeast {
		return "1 " + one
	}
	if atLeast {
		return fmt.Sprintf("%d or more %s", n, many)
	}
	return fmt.Sprintf("%d %s", n, many)
}

// sooner is the earlier of two times; zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// decisions are jobs that a person must answer.
func (l *look) decisions() ([]fleet.AttentionEntry, error) {
	list, err := l.r.Jobs(store.JobFilter{States: []fleet.State{fleet.NeedsDecision}}, fleet.Page{Limit: fleet.AttentionObjects})
	if err != nil || len(list.Jobs) == 0 {
		return nil, err
	}
	n, more := list.Total, false
	if n < 0 { // whoever sees some environments is not told how many there are
		n, more = int64(len(list.Jobs)), list.Next != ""
	}
	ids := make([]string, len(list.Jobs))
	e := fleet.AttentionEntry{}
	for i := range list.Jobs {
		ids[i] = string(list.Jobs[i].ID)
		attempts, err := l.r.Attempts(list.Jobs[i].ID)
		if err != nil {
			return nil, err
		}
		if len(attempts) > 0 {
			e.Since = sooner(e.Since, attempts[len(attempts)-1].EndedAt)
		}
	}
	since := e.Since
	e = of(fleet.AttentionDecision, fleet.SeverityCritical, fleet.SubjectJob, n, ids)
	e.Since, e.AtLeast = since, more
	first := &list.Jobs[0]
	if n == 1 && !more {
		e.Sentence = fmt.Sprintf("%s needs a decision: it is not known whether an effect happened.", cmp.Or(first.Name, first.Workflow.Name))
		e.Action = fleet.AttentionAction{Label: "Decide", Page: "/fleet/jobs/" + ids[0], Command: "fleet job decide " + ids[0]}
		return []fleet.AttentionEntry{e}, nil
	}
	e.Sentence = amount(n, more, "job needs", "jobs need") + " a decision: it is not known whether an effect happened."
	e.Action = fleet.AttentionAction{Label: "Show the jobs", Page: "/fleet/jobs?range=all&status=needs_decision", Command: "fleet job list --status needs_decision"}
	return []fleet.AttentionEntry{e}, nil
}

// robotEntry is about robots that have the same trouble.
func robotEntry(kind fleet.AttentionKind, severity fleet.Severity, list []*fleet.Robot, one, many, status string) []fleet.AttentionEntry {
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = string(list[i].ID)
	}
	e := of(kind, severity, fleet.SubjectRobot, int64(len(list)), ids)
	if len(list) == 1 {
		e.Sentence = cmp.Or(list[0].Name, ids[0]) + " " + one + "."
		e.Action = fleet.AttentionAction{Label: "Open the robot", Page: "/fleet/robots/" + url.PathEscape(ids[0]), Command: "fleet robot health " + ids[0]}
		return []fleet.AttentionEntry{e}
	}
	e.Sentence = fmt.Sprintf("%d robots %s.", len(list), many)
	e.Action = fleet.AttentionAction{Label: "Show the robots", Page: "/fleet/robots?" + status, Command: "fleet robot list"}
	return []fleet.AttentionEntry{e}
}

// failing are robots in error.
func (l *look) failing() ([]fleet.AttentionEntry, error) {
	robots, err := l.robots()
	if err != nil {
		return nil, err
	}
	var bad, away []*fleet.Robot
	for i := range robots {
		switch r := &robots[i]; {
		case r.Status != fleet.RobotError:
		case l.now.Before(r.QuarantineTill):
			away = append(away, r)
		default:
			bad = append(bad, r)
		}
	}
	return append(
		robotEntry(fleet.AttentionError, fleet.SeverityCritical, bad, "reports an error and takes no work", "report an error and take no work", "status=error"),
		robotEntry(fleet.AttentionError, fleet.SeverityCritical, away,
			"is in quarantine: it lost three attempts in a row", "are in quarantine: each lost three attempts in a row", "status=error")...), nil
}

// silent are robots that are connected and not heard of.
func (l *look) silent() ([]fleet.AttentionEntry, error) {
	robots, err := l.robots()
	if err != nil {
		return nil, err
	}
	var list []*fleet.Robot
	since := time.Time{}
	for i := range robots {
		if r := &robots[i]; r.Suspect && r.Status != fleet.RobotOffline && r.Status != fleet.RobotMaintenance {
			list = append(list, r)
			since = sooner(since, r.LastSeen)
		}
	}
	out := robotEntry(fleet.AttentionSilent, fleet.SeverityWarning, list, "is connected but silent", "are connected but silent", "view=health")
	for i := range out {
		out[i].Since = since
	}
	return out, nil
}

// waiting are jobs that wait for a robot for long, by the reason that placement
// itself gives. It reads the jobs of a lane in the order of placement.
func (l *look) waiting() ([]fleet.AttentionEntry, error) {
	lanes, err := l.r.Lanes()
	if err != nil || len(lanes) == 0 {
		return nil, err
	}
	robots, err := l.robots()
	if err != nil {
		return nil, err
	}
	refused, err := refusals(l.r, robots, l.now)
	if err != nil {
		return nil, err
	}
	by := map[string]*fleet.AttentionEntry{}
	var order []string
	for i := range lanes {
		why, waits := refused[lanes[i].ID]
		if !waits || !l.scope.Sees(lanes[i].Environment) {
			continue
		}
		jobs, err := l.r.Ready(lanes[i], lookJobs)
		if err != nil {
			return nil, err
		}
		e := by[why.Text]
		if e == nil {
			severity := fleet.SeverityInfo // waiting is calm
			switch why.Code {              //nolint:exhaustive // the others pass by themselves
			case fleet.CodeNoRobot, fleet.CodeNoMatch, fleet.CodeSuspended:
				severity = fleet.SeverityCritical
			case fleet.CodeNoneAvailable, fleet.CodeRejectedByAll:
				severity = fleet.SeverityWarning
			}
			e = &fleet.AttentionEntry{Kind: fleet.AttentionWaiting, Severity: severity, Object: fleet.SubjectJob, Reason: why.Code, Objects: []string{}}
			by[why.Text], order = e, append(order, why.Text)
		}
		e.AtLeast = e.AtLeast || len(jobs) == lookJobs
		for k := range jobs {
			if l.now.Sub(jobs[k].Since) < fleet.AttentionWait {
				continue
			}
			e.Count++
			e.Since = sooner(e.Since, jobs[k].Since)
			if len(e.Objects) < fleet.AttentionObjects {
				e.Objects = append(e.Objects, string(jobs[k].ID))
			}
		}
	}
	var out []fleet.AttentionEntry
	for _, text := range order {
		e := by[text]
		if e.Count == 0 {
			continue
		}
		e.Sentence = waitSentence(e, text)
		e.Action = fleet.AttentionAction{
			Label: "Show the jobs", Page: "/fleet/jobs?range=all&status=pending&why=" + string(e.Reason), Command: "fleet job list --status pending",
		}
		if e.Count == 1 && !e.AtLeast {
			e.Action = fleet.AttentionAction{Label: "Why it waits", Page: "/fleet/jobs/" + e.Objects[0], Command: "fleet job explain " + e.Objects[0]}
		}
		out = append(out, *e)
	}
	return out, nil
}

// waitSentence says of some jobs what placement says of one.
func waitSentence(e *fleet.AttentionEntry, text string) string {
	rest, waits := strings.CutPrefix(text, "Waits")
	if !waits {
		return amount(e.Count, e.AtLeast, "job", "jobs") + " for more than 5 minutes. " + text
	}
	return amount(e.Count, e.AtLeast, "job waits", "jobs wait") + rest
}

// refusals is what placement says of each lane in which a job is left waiting.
func refusals(r store.Reader, robots []fleet.Robot, now time.Time) (map[int64]placement.Refusal, error) {
	s, err := snapshot.Read(r, func() ([]placement.Candidate, error) { return candidates(robots), nil }, snapshot.Options{Now: now})
	if err != nil {
		return nil, err
	}
	plan, err := s.Plan()
	if err != nil {
		return nil, err
	}
	out := make(map[int64]placement.Refusal, len(plan.Refused))
	for _, x := range plan.Refused {
		out[x.Lane] = x
	}
	return out, nil
}

// held are jobs that go on only when somebody lets them.
func (l *look) held() ([]fleet.AttentionEntry, error) {
	list, err := l.r.HeldJobs(l.now.Add(-fleet.AttentionWait), lookJobs)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = string(list[i].ID)
	}
	more := len(list) == lookJobs
	e := of(fleet.AttentionHeld, fleet.SeverityWarning, fleet.SubjectJob, int64(len(list)), ids)
	e.Since, e.AtLeast = list[0].Since, more
	e.Sentence = amount(e.Count, more, "job is", "jobs are") + " held: what they depend on did not end as they need."
	e.Action = fleet.AttentionAction{
		Label: "Show the jobs", Page: "/fleet/jobs?range=all&status=pending&why=" + string(fleet.CodeUnmet), Command: "fleet job list --status pending",
	}
	if len(list) == 1 {
		e.Sentence = list[0].Workflow + " is held: what it depends on did not end as it needs."
		e.Action = fleet.AttentionAction{Label: "Why it waits", Page: "/fleet/jobs/" + ids[0], Command: "fleet job explain " + ids[0]}
	}
	return []fleet.AttentionEntry{e}, nil
}

// missed are runs of schedules that nobody was there for, in the last day.
func (l *look) missed() ([]fleet.AttentionEntry, error) {
	list, err := l.r.MissedFires(l.now.Add(-24*time.Hour), lookFires)
	if err != nil {
		return nil, err
	}
	more := len(list) == lookFires
	by := map[fleet.ID]*fleet.AttentionEntry{}
	var order []fleet.ID
	for _, x := range list {
		e := by[x.Schedule]
		if e == nil {
			e = &fleet.AttentionEntry{Kind: fleet.AttentionMissed, Severity: fleet.SeverityWarning, Object: fleet.SubjectSchedule, Objects: []string{string(x.Schedule)}}
			by[x.Schedule], order = e, append(order, x.Schedule)
		}
		e.Count, e.AtLeast = e.Count+1, more
		e.Since = sooner(e.Since, x.At)
	}
	var out []fleet.AttentionEntry
	for _, id := range order[:min(len(order), fleet.AttentionMost)] {
		s, err := l.r.Schedule(id)
		if errors.Is(err, fleet.ErrNotFound) { // it was deleted
			continue
		}
		if err != nil {
			return nil, err
		}
		e := by[id]
		e.Sentence = fmt.Sprintf("%s missed %s in the last 24 h.", s.Name, amount(e.Count, more, "run", "runs"))
		e.Action = fleet.AttentionAction{Label: "Open the schedule", Page: "/fleet/schedules/" + string(id), Command: "fleet schedule fires " + string(id)}
		out = append(out, *e)
	}
	return out, nil
}

// deadlines are queues that will not meet theirs.
func (l *look) deadlines() ([]fleet.AttentionEntry, error) {
	heads, err := l.r.QueueHeads()
	if err != nil {
		return nil, err
	}
	heads = slices.DeleteFunc(heads, func(h store.QueueHead) bool { return h.New == 0 })
	var out []fleet.AttentionEntry
	for _, h := range heads[:min(len(heads), lookQueues)] {
		due, err := l.r.DueItems(h.Queue, lookItems)
		if err != nil {
			return nil, err
		}
		if len(due) == 0 {
			continue
		}
		times, err := l.r.HandlingTimes(h.Queue, handledItems)
		if err != nil {
			return nil, err
		}
		f := fleet.Forecast(due, times, h.Open(), int(h.InProgress), l.now)
		if f.State != fleet.SLARed && f.State != fleet.SLAAmber {
			continue
		}
		q, err := l.r.Queue(h.Queue)
		if errors.Is(err, fleet.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e := of(fleet.AttentionSLA, fleet.SeverityWarning, fleet.SubjectQueue, int64(f.Overdue+f.AtRisk), []string{string(q.ID)})
		switch {
		case f.Overdue > 0:
			e.Severity, e.Since = fleet.SeverityCritical, due[0].Deadline
			e.Sentence = fmt.Sprintf("%s: %s overdue.", q.Name, amount(int64(f.Overdue), len(due) == lookItems && f.Overdue == lookItems, "item is", "items are"))
		case f.RobotsNeeded > f.Consumers:
			e.Sentence = fmt.Sprintf("%s needs %s at once to meet its deadlines; at work on it: %d.", q.Name, amount(int64(f.RobotsNeeded), false, "robot", "robots"), f.Consumers)
		default:
			e.Sentence = fmt.Sprintf("%s: %s at risk of missing the deadline.", q.Name, amount(int64(f.AtRisk), false, "item is", "items are"))
		}
		if q.Paused {
			e.Sentence += " The queue is paused."
		}
		e.Action = fleet.AttentionAction{Label: "Open the queue", Page: "/fleet/queues/" + string(q.ID), Command: "fleet queue stats " + q.Name}
		out = append(out, e)
	}
	return out, nil
}

// What makes failures worth a look: how many of them, in how many runs, and the
// share from which on it is more than bad luck.
const (
	worseFailures = 3
	worseRuns     = 5
	worseShare    = 10.0
)

// worse are workflows that fail at least twice as often as the day before.
func (l *look) worse() ([]fleet.AttentionEntry, error) {
	w := window{from: l.now.Add(-24 * time.Hour), to: l.now, now: l.now, zone: time.UTC}
	parts, before, _ := w.sides(0)
	sums, err := sumsOf(l.r, parts, fleet.DimWorkflow)
	if err != nil {
		return nil, err
	}
	former := map[string]*fleet.Tally{}
	var out []fleet.AttentionEntry
	for id, t := range sums {
		failed := t.Failed + t.TimedOut
		if failed < worseFailures || t.FailureRate() < worseShare {
			continue
		}
		if len(former) == 0 {
			if former, err = sumsOf(l.r, before, fleet.DimWorkflow); err != nil {
				return nil, err
			}
		}
		was := former[id]
		if was == nil || was.Judged() < worseRuns || t.FailureRate() < 2*was.FailureRate() {
			continue
		}
		e := of(fleet.AttentionFailures, fleet.SeverityWarning, fleet.SubjectWorkflow, failed, []string{id})
		e.Sentence = fmt.Sprintf("%s fails more: %.0f %% of %d runs in the last 24 h, %.0f %% of %d in the 24 h before.",
			cmp.Or(t.Label, id), t.FailureRate(), t.Judged(), was.FailureRate(), was.Judged())
		e.Action = fleet.AttentionAction{
			Label: "Show the failures", Page: "/fleet/jobs?status=failed&status=timeout&workflow=" + id, Command: "fleet job list --status failed --workflow " + id,
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b fleet.AttentionEntry) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Objects[0], b.Objects[0]))
	})
	return out, nil
}

// triggers are those that failures have disabled, and those that cannot look.
func (l *look) triggers() ([]fleet.AttentionEntry, error) {
	list, err := l.r.Triggers()
	if err != nil {
		return nil, err
	}
	var out []fleet.AttentionEntry
	for i := range list {
		t := &list[i]
		e := of(fleet.AttentionTriggers, fleet.SeverityWarning, fleet.SubjectTrigger, 1, []string{string(t.ID)})
		switch {
		case !t.Enabled && t.PauseAfterFailures > 0 && t.Streak >= int64(t.PauseAfterFailures):
			e.Sentence = fmt.Sprintf("%s is disabled: %d of its jobs in a row have failed.", t.Name, t.Streak)
			e.Since = t.UpdatedAt
		case t.Enabled && t.Fault != "":
			e.Kind = fleet.AttentionBlind
			e.Sentence = fmt.Sprintf("%s cannot look at its source: %s", t.Name, t.Fault)
		default:
			continue
		}
		e.Action = fleet.AttentionAction{Label: "Open the trigger", Page: "/fleet/triggers/" + string(t.ID), Command: "fleet trigger show " + string(t.ID)}
		out = append(out, e)
	}
	return out, nil
}

// incidents are those that nobody has said to look after. They are one entry,
// since what they are about stands beside it.
func (l *look) incidents() ([]fleet.AttentionEntry, error) {
	list, _, err := l.r.Incidents(store.IncidentFilter{State: fleet.IncidentOpen}, fleet.Page{Limit: lookIncidents})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	counts, err := l.r.IncidentCounts()
	if err != nil {
		return nil, err
	}
	rank := func(i *fleet.Incident) int { return slices.Index(fleet.Severities(), i.Severity) }
	worst, ids, since := &list[0], make([]string, len(list)), time.Time{}
	for i := range list {
		ids[i] = string(list[i].ID)
		since = sooner(since, list[i].OpenedAt)
		if rank(&list[i]) > rank(worst) {
			worst = &list[i]
		}
	}
	e := of(fleet.AttentionIncidents, worst.Severity, fleet.SubjectIncident, counts.Open, ids)
	e.Since = since
	e.Sentence = fmt.Sprintf("%s for somebody: %s", amount(counts.Open, false, "incident waits", "incidents wait"), worst.Title)
	if counts.Open > 1 {
		e.Sentence = fmt.Sprintf("%s for somebody, the worst: %s", amount(counts.Open, false, "incident waits", "incidents wait"), worst.Title)
	}
	e.Action = fleet.AttentionAction{Label: "Open the incidents", Page: "/incidents", Command: "fleet alert list"}
	return []fleet.AttentionEntry{e}, nil
}

// keys are those that end soon.
func (l *look) keys() ([]fleet.AttentionEntry, error) {
	list, err := l.r.ExpiringKeys(l.now, l.now.Add(fleet.KeyWarning), lookKeys)
	list = slices.DeleteFunc(list, func(k fleet.Key) bool { return k.ReplacedBy != "" }) // somebody has seen to it
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = string(list[i].ID)
	}
	e := of(fleet.AttentionKeyEnding, fleet.SeverityInfo, fleet.SubjectKey, int64(len(list)), ids)
	e.AtLeast = len(list) == lookKeys
	first := &list[0]
	if first.ExpiresAt.Sub(l.now) < 24*time.Hour {
		e.Severity = fleet.SeverityWarning
	}
	at := first.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC")
	e.Sentence = fmt.Sprintf("%s within 7 days, the first (%s) on %s.", amount(e.Count, e.AtLeast, "key ends", "keys end"), first.Name, at)
	if len(list) == 1 {
		e.Sentence = fmt.Sprintf("The key %s ends on %s.", first.Name, at)
	}
	e.Action = fleet.AttentionAction{Label: "Show the keys", Page: "/fleet/api-keys", Command: "fleet key list"}
	return []fleet.AttentionEntry{e}, nil
}
