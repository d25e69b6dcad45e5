package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/workflow/value"
)

// jobCmds are the verbs for jobs.
type jobCmds struct {
	Submit   jobSubmitCmd   `cmd:"" help:"submit a workflow as a job"`
	List     jobListCmd     `cmd:"" help:"list jobs, newest first"`
	Get      jobGetCmd      `cmd:"" aliases:"show" help:"show one job"`
	Watch    jobWatchCmd    `cmd:"" help:"stay with a job until it has ended"`
	Log      jobLogCmd      `cmd:"" aliases:"logs" help:"show the log of a job"`
	Steps    jobStepsCmd    `cmd:"" aliases:"timeline" help:"draw when each node of a job ran"`
	Explain  jobExplainCmd  `cmd:"" aliases:"why" help:"say why a job waits, and what would let it start"`
	Graph    jobGraphCmd    `cmd:"" help:"draw the jobs that wait for each other"`
	Attempts jobAttemptsCmd `cmd:"" help:"show to whom a job was handed out"`
	Cancel   jobCancelCmd   `cmd:"" help:"stop a job"`
	Retry    jobRetryCmd    `cmd:"" help:"make a new job from one that failed, was cancelled or timed out"`
	Priority jobPriorityCmd `cmd:"" help:"make jobs that wait more or less urgent"`
	Move     jobMoveCmd     `cmd:"" help:"let jobs that wait ask for another robot, or for any"`
	Export   jobExportCmd   `cmd:"" help:"write jobs as lines of JSON or as a table"`
	Bulk     jobBulkCmd     `cmd:"" help:"cancel, retry or change many jobs at once"`
	Decide   jobDecideCmd   `cmd:"" help:"answer a job that needs a person"`
}

// jobWords select jobs of a list.
type jobWords struct {
	Status   []string         `help:"only jobs in this state (repeatable); queued and claimed are words for several" placeholder:"STATE"`
	Robot    []string         `help:"only jobs of this robot (repeatable)" placeholder:"ID"`
	Workflow []string         `help:"only jobs of this workflow (repeatable)" placeholder:"ID"`
	Why      []string         `help:"only jobs that wait for this, such as no_match (repeatable)" placeholder:"CODE"`
	Trigger  []string         `help:"only jobs that come from this: manual, schedule, api, trigger, chain or retry (repeatable)" placeholder:"WORD"`
	Priority []fleet.Priority `help:"only jobs of this priority, 0 to 20 (repeatable)" placeholder:"N"`
	Search   string           `help:"only jobs whose id, names, robot or submitter contain this" placeholder:"TEXT"`
	Since    time.Duration    `help:"only jobs that are not older" placeholder:"24h" xor:"begin"`
	From     time.Time        `help:"only jobs made at this time or later" placeholder:"TIME" xor:"begin"`
	Until    time.Time        `help:"only jobs made before this time" placeholder:"TIME"`
}

// query is what is asked for.
func (c *jobWords) query(now time.Time) client.JobQuery {
	q := client.JobQuery{
		Status: c.Status, Why: c.Why, Triggers: c.Trigger, Priorities: c.Priority, Text: c.Search, From: c.From, To: c.Until,
		Page: fleet.Page{Limit: fleet.PageMax},
	}
	for _, id := range c.Robot {
		q.Robots = append(q.Robots, fleet.RobotID(id))
	}
	for _, id := range c.Workflow {
		q.Workflows = append(q.Workflows, fleet.ID(id))
	}
	if c.Since > 0 {
		q.From = now.Add(-c.Since)
	}
	return q
}

// narrow says whether they leave anything out.
func (c *jobWords) narrow() bool {
	return len(c.Status)+len(c.Robot)+len(c.Workflow)+len(c.Why)+len(c.Trigger)+len(c.Priority) > 0 || c.Search != "" || c.Since > 0 || !c.From.IsZero() || !c.Until.IsZero()
}

type jobListCmd struct {
	config.Client
	jobWords
	Limit int `help:"how many; 0: all" default:"20"`
}

// Run lists jobs.
func (c *jobListCmd) Run(ctx context.Context, sh *shell) error {
	if c.Limit < 0 {
		return fleet.Invalid("limit", "limit must not be negative; got %d.", c.Limit)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	q := c.query(time.Now())
	if c.Limit > 0 {
		q.Page.Limit = min(c.Limit, fleet.PageMax)
	}
	total := int64(0)
	jobs, err := pageTo(c.Limit, func(cursor string) ([]fleet.Job, string, error) {
		q.Page.Cursor = cursor
		page, err := api.ListJobs(ctx, q)
		total = page.Total
		return page.Jobs, page.Next, err
	})
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, map[string]any{"jobs": jobs, "total": total}, func() error {
		now := time.Now()
		t := table{head: []string{"JOB", "STATUS", "PRIO", "WORKFLOW", "ROBOT", "CREATED", "TOOK"}, paint: sh.paint, state: 1}
		for _, j := range jobs {
			name := clip(clean(j.Workflow.Name), 28)
			if j.Segment > 0 {
				name = fmt.Sprintf("%s, segment %d", name, j.Segment)
			}
			t.add(string(j.ID), string(j.State), strconv.Itoa(int(j.Priority)), name,
				dash(string(j.RobotID)), ago(j.CreatedAt, now), took(j))
		}
		if err := t.write(sh.out, "There are no such jobs."); err != nil {
			return err
		}
		if total > int64(len(jobs)) {
			sh.note("%d of %d; --limit 0 shows all.", len(jobs), total)
		}
		return nil
	})
}

func took(j fleet.Job) string {
	switch {
	case j.State == fleet.Running:
		return strconv.Itoa(j.Progress) + "%"
	case j.EndedAt.IsZero() || j.StartedAt.IsZero():
		return "-"
	}
	return exact(j.EndedAt.Sub(j.StartedAt))
}

type jobGetCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
}

// Run shows a job.
func (c *jobGetCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	job, err := api.GetJob(ctx, id)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, job, func() error {
		if err := jobCard(job).write(sh.out, sh.paint); err != nil {
			return err
		}
		if result := parseVariables(job.Result); result != nil {
			if vars, ok := result.Get("variables"); ok {
				fmt.Fprintln(sh.out, colour(sh.paint, faint, "result"))
				showVariables(sh.out, asObject(vars))
			}
		}
		return nil
	})
}

// jobCard is what people want to know of one job.
func jobCard(j client.JobDetail) *card {
	c := &card{}
	c.add("job", string(j.ID))
	c.add("name", clean(j.Name))
	c.add("workflow", fmt.Sprintf("%s, version %d", clean(j.Workflow.Name), j.Workflow.Version))
	c.add("status", string(j.State))
	c.add("waits", clean(j.WaitingSummary))
	if j.State == fleet.Running {
		c.add("progress", fmt.Sprintf("%d%% %s", j.Progress, clean(j.CurrentNode)))
	}
	if len(j.Open) > 0 {
		c.add("open steps", openSteps(j.Open))
	}
	c.add("robot", string(j.RobotID))
	c.add("only on", string(j.Target))
	c.add("needs", strings.Join(j.Requires, ", "))
	c.add("priority", strconv.Itoa(int(j.Priority))+priorityFrom(&j))
	if j.Environment != fleet.DefaultEnvironment {
		c.add("environment", j.Environment)
	}
	if j.Parent != "" {
		c.add("segment", fmt.Sprintf("%d of job %s", j.Segment, j.Parent))
	}
	for i := range j.Parts {
		c.add(fmt.Sprintf("segment %d", i+1), segmentLine(&j.Parts[i]))
	}
	if j.Epoch > 1 && j.Segments == 0 {
		c.add("attempts", strconv.FormatInt(j.Epoch, 10))
	}
	c.add("retry of", string(j.RetryOf))
	if r := j.Resumed; r != nil {
		c.add("goes on", fmt.Sprintf("from node %s of job %s; %d nodes were done before", clean(r.Node), r.From, len(r.Before)))
	}
	c.add("created", wall(j.CreatedAt))
	c.add("started", wall(j.StartedAt))
	c.add("ended", wall(j.EndedAt))
	if d := runTime(j); d > 0 {
		c.add("took", exact(d))
	}
	if j.EndReason != "" && j.EndReason != string(j.State) {
		c.add("because", j.EndReason)
	}
	c.add("cancel", string(j.CancelOutcome))
	if j.Error != nil {
		c.add("error", clean(strings.TrimPrefix(j.Error.Type+": "+j.Error.Message, ": ")))
		c.add("at node", clean(j.Error.Node))
	}
	if r := j.Resumable; r != nil && r.Node != "" {
		c.add("resumable", "from node "+clean(r.Node)+", with fleet job retry --from failed-node")
	} else if r != nil {
		c.add("resumable", "no: "+clean(r.Reason))
	}
	return c
}

// priorityFrom says who made a job as urgent as it is.
func priorityFrom(j *client.JobDetail) string {
	switch j.PrioritySource {
	case "":
		return ""
	case fleet.PriorityOfTenant:
		return ", as jobs of the tenant have it"
	case fleet.PriorityOfRetry:
		return ", as the job before had it"
	case fleet.PriorityOfChange:
		return ", changed by " + clean(j.PriorityBy)
	case fleet.PriorityOfRequest, fleet.PriorityOfSchedule, fleet.PriorityOfTrigger:
	}
	return ", from the " + clean(string(j.PrioritySource))
}

// segmentLine says in one line how a segment stands.
func segmentLine(s *fleet.Job) string {
	words := []string{string(s.ID), string(s.State)}
	if s.RobotID != "" {
		words = append(words, "on "+string(s.RobotID))
	} else if s.Target != "" {
		words = append(words, "only on "+string(s.Target))
	}
	if !s.StartedAt.IsZero() {
		words = append(words, "started "+wall(s.StartedAt))
	}
	if !s.EndedAt.IsZero() {
		words = append(words, "ended "+wall(s.EndedAt))
	}
	if s.State == fleet.Pending && s.WaitingOn != "" {
		words = append(words, "waits on "+string(s.WaitingOn))
	}
	return strings.Join(words, ", ")
}

// jobCall is how the verbs for one job begin.
func (s *shell) jobCall(c config.Client, text string) (*client.Client, fleet.ID, error) {
	id, err := jobID(text)
	if err != nil {
		return nil, "", err
	}
	api, err := s.connect(c)
	return api, id, err
}

type jobWatchCmd struct {
	config.Client
	Job     string        `arg:"" help:"id of the job"`
	Follow  bool          `short:"f" help:"show the log too"`
	Timeout time.Duration `help:"give up after this time (exit code 24)" placeholder:"DURATION"`
}

// Run stays with a job. An orchestrator that is away for a while is waited for.
func (c *jobWatchCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	return sh.await(ctx, api, id, waitFlags{Wait: true, Follow: c.Follow, Timeout: c.Timeout}, c.Output)
}

type jobLogCmd struct {
	config.Client
	Job    string `arg:"" help:"id of the job"`
	Follow bool   `short:"f" help:"stay until the job has ended" xor:"how"`
	Level  string `help:"least level: debug, info, warning, error" placeholder:"LEVEL"`
	Search string `help:"only lines with this text, in any case; the whole log is searched" placeholder:"TEXT" xor:"how"`
}

// Run prints lines as they come; with -o json each is an object of its own.
func (c *jobLogCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	job, err := api.GetJob(ctx, id)
	if err != nil {
		return err
	}
	jobs := []fleet.ID{id}
	if len(job.Parts) > 0 { // its segments have the lines
		jobs = nil
		for i := range job.Parts {
			jobs = append(jobs, job.Parts[i].ID)
		}
	}
	for _, id := range jobs {
		if err := c.print(ctx, sh, api, id); err != nil {
			return err
		}
	}
	return nil
}

// print prints the lines of one job.
func (c *jobLogCmd) print(ctx context.Context, sh *shell, api *client.Client, id fleet.ID) error {
	if c.Follow {
		for line, err := range api.FollowLog(ctx, id, client.LogQuery{Level: c.Level}) {
			if err != nil {
				return err
			}
			if err := sh.logLine(c.Output, line); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	const part = 1000
	q := client.LogQuery{Limit: part, Level: c.Level}
	shown := 0
	for {
		page, err := api.JobLog(ctx, id, q)
		if err != nil {
			return err
		}
		for _, line := range page.Lines {
			if c.Search != "" && !strings.Contains(strings.ToLower(line.Message), strings.ToLower(c.Search)) {
				continue
			}
			if err := sh.logLine(c.Output, line); err != nil {
				return err
			}
			shown++
		}
		if len(page.Lines) < part {
			if c.Search != "" && shown == 0 {
				sh.note("No line of the log of job %s has %q.", id, c.Search)
			}
			return nil
		}
		q.Epoch, q.From = page.NextEpoch, page.NextLine
	}
}

// logLine prints one line of a log.
func (s *shell) logLine(format string, l fleet.LogLine) error {
	return s.piece(format, l, func() error {
		level := strings.ToLower(l.Level)
		code := faint
		switch level {
		case "warning", "warn":
			code = yellow
		case "error", "critical":
			code = red
		}
		_, err := fmt.Fprintf(s.out, "%s  %s  %s\n", colour(s.paint, faint, stamp(l.At)), colour(s.paint, code, fmt.Sprintf("%-7s", level)), clean(l.Message))
		return err
	})
}

type jobAttemptsCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
}

// Run lists the hand-outs of a job.
func (c *jobAttemptsCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	list, err := api.JobAttempts(ctx, id)
	if err != nil {
		return err
	}
	if list == nil {
		list = []fleet.Attempt{}
	}
	return sh.answer(c.Output, map[string]any{"attempts": list}, func() error {
		t := table{head: []string{"ATTEMPT", "ROBOT", "OUTCOME", "OFFERED", "STARTED", "ENDED"}, paint: sh.paint, state: 2}
		for _, a := range list {
			outcome := string(a.Outcome)
			if a.Live() {
				outcome = "running"
			}
			t.add(strconv.FormatInt(a.Epoch, 10), string(a.RobotID), outcome, dash(wall(a.OfferedAt)), dash(wall(a.StartedAt)), dash(wall(a.EndedAt)))
		}
		return t.write(sh.out, "The job was not handed out yet.")
	})
}

// asObject returns an object, or none.
func asObject(v any) *value.Map {
	m, _ := v.(*value.Map)
	return m
}
