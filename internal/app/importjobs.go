package app

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/casarerpa"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// importBatch is how many jobs are taken over in one transaction.
const importBatch = 200

// The names under which things say where they came from.
const (
	sourceJob      = "casarerpa-job"      // a label
	sourceSchedule = "casarerpa_schedule" // in the metadata
)

// importedID is the id of a thing that came over: always the same for the same
// thing, and sorted among ours by when it was made.
func importedID(kind, source string, at time.Time) fleet.ID {
	sum := sha256.Sum256([]byte("casarerpa/" + kind + "/" + source))
	sum[6], sum[8] = 0x70|sum[6]&0x0f, 0x80|sum[8]&0x3f
	ms := fmt.Sprintf("%012x", max(at.UnixMilli(), 0))
	text := hex.EncodeToString(sum[:16])
	return fleet.ID(ms[:8] + "-" + ms[8:] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:32])
}

// tally counts jobs by what becomes of them and why.
type tally map[Imported]int64

func (t tally) add(status, fate, reason string, n int64) {
	if n > 0 {
		t[Imported{Kind: "jobs", ID: status, Fate: fate, Reason: reason}] += n
	}
}

// history takes the jobs over that have ended; the others stay.
func (m *importing) history(src *casarerpa.Source) error {
	counts := tally{}
	var batch []orchestrator.Ended
	flush := func() error {
		fates, err := m.takeOver(batch)
		for i := range fates {
			counts.add(string(batch[i].Job.State), fates[i], "", 1)
		}
		batch = batch[:0]
		return err
	}
	err := casarerpa.History(m.ctx, m.From, func(j casarerpa.Job) error {
		if m.HistoryDays > 0 && j.Ended.Before(m.now.AddDate(0, 0, -m.HistoryDays)) && !j.Ended.IsZero() {
			counts.add(j.Status, fateLeft, fmt.Sprintf("They ended more than %d days ago.", m.HistoryDays), 1)
			return nil
		}
		e, why, err := m.ended(&j)
		if err != nil {
			return err
		}
		if why != "" {
			counts.add(j.Status, fateLeft, why, 1)
			return nil
		}
		if batch = append(batch, e); len(batch) < importBatch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	for status, n := range src.Jobs {
		if state, _ := finalState(status); state == "" {
			counts.add(status, fateLeft, "They have not ended: let them end there.", n)
		}
	}
	for _, x := range slices.SortedFunc(maps.Keys(counts), func(a, b Imported) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), -strings.Compare(a.Fate, b.Fate), strings.Compare(a.Reason, b.Reason))
	}) {
		n := counts[x]
		x.Number = n
		m.report.Things = append(m.report.Things, x)
	}
	return err
}

// takeOver stores jobs, or looks which of them are here.
func (m *importing) takeOver(list []orchestrator.Ended) (fates []string, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	var fresh []bool
	if m.Apply {
		fresh, err = m.core.Jobs.TakeOver(m.ctx, m.who, list)
	} else {
		ids := make([]fleet.ID, len(list))
		for i := range list {
			ids[i] = list[i].Job.ID
		}
		fresh, err = m.core.Jobs.Kept(m.ctx, m.who, ids)
		for i := range fresh {
			fresh[i] = !fresh[i]
		}
	}
	if err != nil {
		return nil, err
	}
	fates = make([]string, len(fresh))
	for i := range fresh {
		fates[i] = map[bool]string{true: fateTaken, false: fateThere}[fresh[i]]
	}
	return fates, nil
}

// finalState is ours for a final word of CasareRPA.
func finalState(word string) (fleet.State, string) {
	switch strings.ToLower(word) {
	case "completed":
		return fleet.Completed, "completed"
	case "failed":
		return fleet.Failed, "application"
	case "cancelled", "canceled":
		return fleet.Cancelled, "cancelled"
	case "timeout", "timed_out":
		return fleet.TimedOut, "run_timeout"
	}
	return "", ""
}

// ended is a job of CasareRPA as one of ours; why says what is wrong with it.
func (m *importing) ended(j *casarerpa.Job) (e orchestrator.Ended, why string, err error) {
	if j.ID == "" || j.Created.IsZero() {
		return e, "They have no id, or no time at all.", nil
	}
	workflow := fleet.JobWorkflow{Name: cmp.Or(j.WorkflowName, j.WorkflowID, "unknown")}
	if workflow.ID, err = m.workflowOf(j.WorkflowID, workflow.Name); err != nil {
		return e, "", err
	}
	if workflow.ID == "" { // its document is not here; its jobs stand together all the same
		workflow.ID = importedID("workflow", cmp.Or(j.WorkflowID, workflow.Name), time.Time{})
	}
	state, reason := finalState(j.Status)
	job := fleet.NewJob(fleet.JobSpec{
		ID: importedID("job", j.ID, j.Created), Tenant: m.who.Tenant, Workflow: workflow, Priority: fleet.Priority(min(max(j.Priority, 0), int(fleet.PriorityLast))),
		Environment: j.Environment, RunTimeout: fleet.DefaultTiming().RunTimeout, Retry: fleet.DefaultRetry(), SubmittedBy: "CasareRPA",
		Labels: map[string]string{sourceJob: clipText(j.ID, 128)},
	}, j.Created)
	if fleet.ValidateEnvironment(job.Environment) != nil {
		job.Environment = fleet.DefaultEnvironment
	}
	job.State, job.WaitingOn, job.WaitingCode, job.WaitingSince = state, "", "", time.Time{}
	job.FirstStartedAt, job.StartedAt, job.EndedAt, job.EndReason = j.Started, j.Started, j.Ended, reason
	for _, from := range []time.Time{job.CreatedAt, job.StartedAt} { // clocks of several machines wrote them
		if job.EndedAt.Before(from) {
			job.EndedAt = from
		}
	}
	job.RetriesUsed, job.Retry.Max = max(j.Retries, 0), max(j.MaxRetries, 0)
	if id, err := fleet.ParseRobotID(j.RobotID); err == nil {
		job.RobotID = id
	}
	e = orchestrator.Ended{Job: job, Data: fleet.JobData{Variables: j.Variables, Result: j.Result}}
	if !job.StartedAt.IsZero() {
		e.Data.DurationMS = job.EndedAt.Sub(job.StartedAt).Milliseconds()
	}
	if state == fleet.Failed || state == fleet.TimedOut {
		class := fleet.ClassApplication
		if state == fleet.TimedOut {
			class = fleet.ClassTimeout
		}
		fault := fleet.JobError{Class: class, Message: cmp.Or(j.Error, "CasareRPA kept no message.")}.Normalize()
		e.Job.ErrorClass, e.Data.Error = class, &fault
	}
	if e.Data.Variables == nil {
		e.Data.Variables = json.RawMessage(`{}`)
	}
	return e, "", nil
}

func clipText(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n])
	}
	return text
}

// workflowOf is the workflow here that a thing of CasareRPA names by the id that
// it has there, or by its name; empty: none, or one that would be.
func (m *importing) workflowOf(id, name string) (fleet.ID, error) {
	for _, ref := range []string{id, name} {
		if known := m.workflows[ref]; known != "" {
			return known, nil
		}
	}
	var out fleet.ID
	err := m.store.View(m.ctx, m.who.Scope(), func(r store.Reader) error {
		wf, err := r.WorkflowByName(name)
		if out = wf.ID; errors.Is(err, fleet.ErrNotFound) {
			return nil
		}
		return err
	})
	if err == nil && out != "" {
		m.workflows[name] = out
	}
	return out, err
}
