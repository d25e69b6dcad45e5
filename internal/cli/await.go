package cli

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// await stays until a job has ended or needs a person, tells about it on the
// way, and ends with the exit code for its end.
func (s *shell) await(ctx context.Context, api *client.Client, id fleet.ID, f waitFlags, format string) error {
	waiting := ctx
	if f.Timeout > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, f.Timeout)
		defer cancel()
	}
	show := newTeller(s, false)
	defer show.end()
	reading, stopReading := context.WithCancel(waiting)
	defer stopReading()
	var reader sync.WaitGroup
	if f.Follow {
		reader.Go(func() { followLog(reading, api, id, show) })
	}
	job, err := api.WaitJob(waiting, id, changes(show))
	if err == nil && !job.State.Final() {
		// The log has no end yet; what was written before the question is shown.
		time.AfterFunc(time.Second, stopReading)
	}
	if err != nil {
		stopReading()
	}
	reader.Wait()
	show.end()
	switch {
	case ctx.Err() != nil:
		s.note(`Stopped waiting; job %s goes on. See "fleet job watch %s".`, id, id)
		return quiet(exitInterrupted)
	case waiting.Err() != nil && err != nil:
		s.note(`Gave up waiting after %s; job %s goes on. See "fleet job watch %s".`, f.Timeout, id, id)
		return quiet(exitGaveUp)
	case err != nil:
		return err
	}
	err = s.answer(format, job, func() error { return showEnd(s.out, job, s.paint) })
	if err == nil && exitOf(job.State) != exitOK {
		return quiet(exitOf(job.State))
	}
	return err
}

// followLog prints lines until the log ends. An error that ends it early is
// said once; the job itself is still waited for.
func followLog(ctx context.Context, api *client.Client, id fleet.ID, show *teller) {
	for line, err := range api.FollowLog(ctx, id) {
		if err != nil {
			show.line("The log cannot be read: " + err.Error())
			return
		}
		show.log(line.At, line.Level, line.Message)
	}
}

// changes tells about states and progress, each once.
func changes(show *teller) func(client.JobDetail) {
	var state fleet.State
	waiting := ""
	return func(job client.JobDetail) {
		switch {
		case job.State == fleet.Pending && job.WaitingSummary != "" && job.WaitingSummary != waiting:
			waiting = job.WaitingSummary
			show.line("pending: " + clean(job.WaitingSummary))
		case job.State != state && !job.State.Final():
			show.line(stateLine(job))
		}
		state = job.State
		if job.State == fleet.Running {
			show.set(job.Progress, job.CurrentNode)
		}
	}
}

// stateLine says where a job stands.
func stateLine(job client.JobDetail) string {
	text := string(job.State)
	switch job.State {
	case fleet.Assigned, fleet.Running:
		text += " on " + string(job.RobotID)
		if job.Epoch > 1 {
			text += fmt.Sprintf(" (attempt %d)", job.Epoch)
		}
	case fleet.Pending, fleet.Cancelling, fleet.NeedsDecision, fleet.Completed, fleet.Failed, fleet.Cancelled, fleet.TimedOut:
	}
	return text
}

// showEnd says how a job ended and what it left.
func showEnd(w io.Writer, job client.JobDetail, paint bool) error {
	word := colour(paint, colourOf(string(job.State)), string(job.State))
	fmt.Fprintf(w, "%s: %s", clean(job.Workflow.Name), word)
	if took := runTime(job); took > 0 {
		fmt.Fprintf(w, " in %s", exact(took))
	}
	if job.RobotID != "" {
		fmt.Fprintf(w, " on %s", job.RobotID)
	}
	fmt.Fprintln(w)
	if job.Error != nil && job.State != fleet.Completed {
		at := ""
		if job.Error.Node != "" {
			at = " (at node " + clean(job.Error.Node) + ")"
		}
		kind := job.Error.Type
		if kind == "" {
			kind = string(job.Error.Class)
		}
		fmt.Fprintf(w, "  %s: %s%s\n", clean(kind), clean(job.Error.Message), at)
	}
	if job.State == fleet.NeedsDecision {
		fmt.Fprintf(w, "  A step that must not run twice was under way. Say what to do:\n  fleet job decide %s retry|complete|fail --reason TEXT\n", job.ID)
	}
	result := parseVariables(job.Result)
	if result == nil {
		return nil
	}
	if vars, ok := result.Get("variables"); ok {
		showVariables(w, asObject(vars))
	}
	return nil
}

// runTime is the time of the last attempt.
func runTime(job client.JobDetail) time.Duration {
	if job.DurationMS > 0 {
		return time.Duration(job.DurationMS) * time.Millisecond
	}
	if !job.EndedAt.IsZero() && !job.StartedAt.IsZero() {
		return job.EndedAt.Sub(job.StartedAt)
	}
	return 0
}
