package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/workflow/value"
)

// workflowCmds are the verbs for workflows.
type workflowCmds struct {
	Validate workflowValidateCmd `cmd:"" aliases:"check" help:"check workflow files, without any orchestrator"`
	List     workflowListCmd     `cmd:"" help:"list stored workflows by name"`
	Get      workflowGetCmd      `cmd:"" aliases:"show" help:"show a stored workflow, or its document"`
	Push     workflowPushCmd     `cmd:"" help:"store a workflow without running it"`
	Delete   workflowDeleteCmd   `cmd:"" help:"delete a stored workflow; its jobs stay"`

	Assign      workflowAssignCmd      `cmd:"" help:"make a robot one of the usual ones of a workflow"`
	Unassign    workflowUnassignCmd    `cmd:"" help:"take a robot from the usual ones of a workflow"`
	Assignments workflowAssignmentsCmd `cmd:"" help:"list the usual robots of a workflow"`
	Place       workflowPlaceCmd       `cmd:"" help:"say where a node of a workflow runs"`
	Unplace     workflowUnplaceCmd     `cmd:"" help:"let a node run where the rest of its workflow runs"`
	Places      workflowPlacesCmd      `cmd:"" help:"list the nodes of a workflow that have places of their own"`
}

type workflowListCmd struct {
	config.Client
	Limit int `help:"how many; 0: all" default:"0"`
}

// Run lists workflows.
func (c *workflowListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := pageTo(c.Limit, func(cursor string) ([]fleet.Workflow, string, error) {
		page, err := api.ListWorkflows(ctx, fleet.Page{Limit: fleet.PageMax, Cursor: cursor})
		return page.Workflows, page.Next, err
	})
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, map[string]any{"workflows": list}, func() error {
		t := table{head: []string{"WORKFLOW", "VERSION", "NAME", "UPDATED"}, paint: sh.paint, state: -1}
		for _, w := range list {
			t.add(string(w.ID), strconv.Itoa(w.Newest), clip(clean(w.Name), 40), ago(w.UpdatedAt, time.Now()))
		}
		return t.write(sh.out, "No workflow is stored yet.")
	})
}

type workflowGetCmd struct {
	config.Client
	Workflow string `arg:"" help:"id of the workflow"`
	Version  int    `name:"workflow-version" help:"show this version; default: the newest" placeholder:"N"`
	Document bool   `help:"write the document itself, as it is stored"`
}

// Run shows a workflow.
func (c *workflowGetCmd) Run(ctx context.Context, sh *shell) error {
	id := fleet.ID(c.Workflow)
	if !id.Valid() {
		return fleet.Invalid("workflow", "%q is not the id of a workflow.", c.Workflow).WithFix(`"fleet workflow list" shows the ids.`)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	wf, err := api.GetWorkflow(ctx, id)
	if err != nil {
		return err
	}
	if c.Document {
		n := c.Version
		if n == 0 {
			n = wf.Newest
		}
		v, err := api.GetWorkflowVersion(ctx, id, n)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sh.out, "%s\n", v.Document)
		return err
	}
	versions, err := api.WorkflowVersions(ctx, id)
	if err != nil {
		return err
	}
	out := struct {
		fleet.Workflow
		Versions []fleet.WorkflowVersion `json:"versions"`
	}{wf, versions}
	return sh.answer(c.Output, out, func() error {
		card := &card{}
		card.add("workflow", string(wf.ID))
		card.add("name", clean(wf.Name))
		card.add("created", wall(wf.CreatedAt))
		if err := card.write(sh.out, sh.paint); err != nil {
			return err
		}
		t := table{head: []string{"VERSION", "NODES", "NEEDS", "CREATED", "BY", "HASH"}, paint: sh.paint, state: -1}
		for _, v := range versions {
			t.add(strconv.Itoa(v.Version), strconv.Itoa(v.NodeCount), dash(strings.Join(v.Requires, ",")), wall(v.CreatedAt),
				dash(clean(v.CreatedBy)), v.Hash[:min(12, len(v.Hash))])
		}
		return t.write(sh.out, "There are no versions.")
	})
}

type workflowPushCmd struct {
	config.Client
	File string `arg:"" help:"workflow file; - is standard input"`
	Name string `help:"store it under this name; default: its own" placeholder:"TEXT"`
	Base *int   `help:"version that you began with, 0 for none; refused if there is a newer one" placeholder:"N"`
}

// Help is the long form of the help.
func (workflowPushCmd) Help() string {
	return `The same content under the same name is the version that is there already; other content is the next version. Versions never change.

Example:

    fleet workflow push report.json --name "Monthly report"`
}

// Run stores a document.
func (c *workflowPushCmd) Run(ctx context.Context, sh *shell) error {
	text, err := sh.read(c.File)
	if err != nil {
		return err
	}
	if _, err := value.Parse(text); err != nil {
		return fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "%s is not valid JSON: %s.", c.File, strings.TrimSuffix(err.Error(), "."))
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	put := api.PutWorkflow
	if c.Base != nil {
		put = func(ctx context.Context, name string, text []byte) (client.StoredWorkflow, error) {
			return api.PublishWorkflow(ctx, name, text, *c.Base)
		}
	}
	v, err := put(ctx, c.Name, text)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, v, func() error {
		_, err := fmt.Fprintf(sh.out, "Stored as workflow %s, version %d.\n", v.WorkflowID, v.Version)
		return err
	})
}

// robotCmds are the verbs for robots; run is the robot itself.
type robotCmds struct {
	Enrol       robotEnrolCmd       `cmd:"" help:"make a robot of this machine, with an enrolment token"`
	Run         robotRunCmd         `cmd:"" aliases:"start" help:"be a robot: take jobs of an orchestrator"`
	List        robotListCmd        `cmd:"" help:"list robots"`
	Get         robotGetCmd         `cmd:"" aliases:"show" help:"show one robot"`
	Pause       robotPauseCmd       `cmd:"" help:"give a robot no new work for a while"`
	Drain       robotDrainCmd       `cmd:"" help:"let a robot come to its end without new work"`
	Maintenance robotMaintenanceCmd `cmd:"" help:"take a robot out of service"`
	Resume      robotResumeCmd      `cmd:"" help:"put a robot back into service"`
	Stop        robotStopCmd        `cmd:"" help:"pause a robot without an end"`
	Restart     robotRestartCmd     `cmd:"" help:"let a robot's process come to its end and start anew"`
	Shutdown    robotShutdownCmd    `cmd:"" help:"let a robot's process come to its end"`
	SelfTest    robotSelfTestCmd    `cmd:"" help:"let a robot test whether it could work"`
	Commands    robotCommandsCmd    `cmd:"" help:"list what was asked of a robot"`
	Workflows   robotWorkflowsCmd   `cmd:"" help:"list the workflows that usually run on a robot"`
	Delete      robotDeleteCmd      `cmd:"" help:"take a robot out of the fleet for good, with its keys"`
	Tag         robotTagCmd         `cmd:"" help:"add tags to many robots, and take others away"`
	Logs        robotLogsCmd        `cmd:"" help:"show the newest lines that a robot wrote"`
	Health      robotHealthCmd      `cmd:"" help:"show how well robots do, check by check"`
	History     robotHistoryCmd     `cmd:"" help:"show how a robot's machine and slots were"`
	Capacity    robotCapacityCmd    `cmd:"" help:"show the slots of each capability and what waits for them"`
	Edit        robotEditCmd        `cmd:"" help:"change name, slots, pool, tags and facts of a robot"`
}

type robotListCmd struct {
	config.Client
}

// Run lists robots.
func (c *robotListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := pageTo(0, func(cursor string) ([]fleet.Robot, string, error) {
		page, err := api.ListRobots(ctx, client.RobotQuery{Page: fleet.Page{Limit: fleet.PageMax, Cursor: cursor}})
		return page.Robots, page.Next, err
	})
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, map[string]any{"robots": list, "total": len(list)}, func() error {
		t := table{head: []string{"ROBOT", "STATUS", "JOBS", "CAN", "ENVIRONMENT", "SEEN"}, paint: sh.paint, state: 1}
		for _, r := range list {
			t.add(string(r.ID), string(r.Status), fmt.Sprintf("%d/%d", r.Taken, r.Max()), dash(strings.Join(r.Capabilities, ",")),
				clean(r.Environment), ago(r.LastSeen, time.Now()))
		}
		return t.write(sh.out, `No robot has been here yet; "fleet robot run --help" says how to start one.`)
	})
}

// robotCall reads the id of a robot and connects.
func (s *shell) robotCall(c config.Client, text string) (*client.Client, fleet.RobotID, error) {
	id, err := fleet.ParseRobotID(text)
	if err != nil {
		return nil, "", err
	}
	api, err := s.connect(c)
	return api, id, err
}

type robotGetCmd struct {
	config.Client
	Robot string `arg:"" help:"id of the robot"`
}

// Run shows a robot.
func (c *robotGetCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.robotCall(c.Client, c.Robot)
	if err != nil {
		return err
	}
	r, err := api.GetRobot(ctx, id)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, r, func() error {
		card := &card{}
		card.add("robot", string(r.ID))
		if r.Name != string(r.ID) {
			card.add("name", clean(r.Name))
		}
		card.add("status", string(r.Status))
		if r.ModeNote != "" {
			card.add("note", clean(r.ModeNote))
		}
		if !r.ModeUntil.IsZero() {
			card.add("until", wall(r.ModeUntil))
		}
		card.add("jobs", fmt.Sprintf("%d of %d slots", r.Taken, r.Max()))
		for _, job := range r.CurrentJobIDs {
			card.add("job", string(job))
		}
		card.add("can", strings.Join(r.Capabilities, ", "))
		card.add("pool", clean(r.Pool))
		card.add("tags", strings.Join(r.Tags, ", "))
		for _, name := range slices.Sorted(maps.Keys(r.Facts)) {
			card.add("fact", clean(fmt.Sprintf("%s = %v", name, r.Facts[name].Value)))
		}
		card.add("environment", clean(r.Environment))
		card.add("machine", clean(strings.TrimSpace(r.Hostname+" "+r.OS+" "+r.Arch)))
		card.add("version", clean(r.AgentVersion))
		if r.Connected {
			card.add("load", fmt.Sprintf("processor %.0f%%, memory %.0f%%, disk %.0f%%", r.Metrics.CPUPercent, r.Metrics.MemoryPercent, r.Metrics.DiskPercent))
		}
		card.add("seen", ago(r.LastSeen, time.Now()))
		return card.write(sh.out, sh.paint)
	})
}

// eventsCmd reads the event log.
type eventsCmd struct {
	config.Client
	After   *int64   `help:"begin after this number; default: the last 50, with --follow what comes from now on" placeholder:"N"`
	Follow  bool     `short:"f" help:"stay and show what happens"`
	Type    []string `help:"only events of this type (repeatable)" placeholder:"TYPE"`
	Subject string   `help:"only events about this id" placeholder:"ID"`
}

// Help is the long form of the help.
func (eventsCmd) Help() string {
	return `Each event is a fact that was stored with the change it tells of. The numbers rise without a hole, so a reader that was cut off goes on where it stood. With -o json each event is one line.

Examples:

    fleet events --follow
    fleet events --after 120 --type job.failed -o json`
}

// Run prints events.
func (c *eventsCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	filter := client.EventFilter{SubjectID: c.Subject}
	for _, t := range c.Type {
		filter.Kinds = append(filter.Kinds, fleet.EventKind(t))
	}
	head, err := api.Head(ctx)
	if err != nil {
		return err
	}
	var after int64
	switch {
	case c.After != nil:
		after = *c.After
	case c.Follow:
		after = head
	default:
		after = max(0, head-50)
	}
	if c.Follow {
		for e, err := range api.WatchEvents(ctx, after, filter) {
			if err != nil {
				return err
			}
			if err := sh.event(c.Output, e); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	for {
		page, err := api.ListEvents(ctx, after, 500, 0, filter)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if err := sh.event(c.Output, e); err != nil {
				return err
			}
		}
		if len(page.Events) == 0 || page.Next >= head {
			return nil
		}
		after = page.Next
	}
}

// event prints one event in one line.
func (s *shell) event(format string, e fleet.Event) error {
	return s.piece(format, e, func() error {
		more := ""
		if e.From != "" || e.To != "" {
			more = fmt.Sprintf("  %s → %s", dash(string(e.From)), e.To)
		}
		if e.Actor != "" {
			more += "  by " + e.Actor
		}
		_, err := fmt.Fprintf(s.out, "%6d  %s  %-22s %s%s\n", e.Seq, colour(s.paint, faint, wall(e.At)), e.Kind, e.Subject.ID, clean(more))
		return err
	})
}
