package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type jobExplainCmd struct {
	config.Client
	Job string `arg:"" help:"id of the job"`
	All bool   `help:"show every check of every robot"`
}

// Help is the long form of the help.
func (jobExplainCmd) Help() string {
	return `The answer is placement's own: it plans the fleet as dispatch would and tells what came out.

Examples:

    fleet job explain 01939c3e-7b1a-7c3d-8e4f-0123456789ab
    fleet job explain 01939c3e-7b1a-7c3d-8e4f-0123456789ab --all
    fleet job explain 01939c3e-7b1a-7c3d-8e4f-0123456789ab -o json`
}

// Run explains why a job waits.
func (c *jobExplainCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.jobCall(c.Client, c.Job)
	if err != nil {
		return err
	}
	limit := 1000 // the counts are of all of them
	if c.All || c.Output != "table" {
		limit = 10_000
	}
	e, err := api.ExplainJob(ctx, id, limit)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, e, func() error { return c.show(sh, &e) })
}

func (c *jobExplainCmd) show(sh *shell, e *client.Explanation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", clean(e.WaitingSummary))
	card := &card{}
	card.add("job", string(e.JobID))
	card.add("status", string(e.Status))
	if !e.WaitingSince.IsZero() {
		card.add("waiting", "since "+ago(e.WaitingSince, time.Now()))
		card.add("because", string(e.WaitingCode))
	}
	if e.Position.Total > 0 {
		card.add("position", fmt.Sprintf("%d (%d of higher priority, %d of the same before it)", e.Position.Total, e.Position.Higher, e.Position.Same))
	}
	if e.Estimate != nil {
		when := "at any moment"
		if e.Estimate.Seconds > 0 {
			when = "in about " + rough(time.Duration(e.Estimate.Seconds)*time.Second)
		}
		card.add("next slot", when+" ("+clean(e.Estimate.Basis)+")")
	}
	if err := card.write(&b, sh.paint); err != nil {
		return err
	}
	if len(e.Changes) > 0 {
		b.WriteString("\nIt would run if\n")
		for _, x := range e.Changes {
			fmt.Fprintf(&b, "  - %s\n", clean(x.Text))
		}
	}
	holders(&b, e.Blockers)
	if e.Counts.Robots > 0 {
		fmt.Fprintf(&b, "\n%s, %d fit, %d free\n", count(e.Counts.Robots, "robot"), e.Counts.Fit, e.Counts.Free)
		t := grouped(e)
		if c.All {
			t = everyCheck(e)
		}
		t.paint = sh.paint
		if err := t.write(&b, ""); err != nil {
			return err
		}
	}
	_, err := io.WriteString(sh.out, b.String())
	return err
}

// holders lists the jobs and reservations that have what the job would fit.
func holders(b *strings.Builder, list []fleet.Blocker) {
	head := "\nHeld back by\n"
	for _, x := range list {
		if x.Kind == fleet.BlockerReason { // said already
			continue
		}
		b.WriteString(head)
		head = ""
		fmt.Fprintf(b, "  - %s %s (%s)", x.Kind, x.ID, clean(x.Name))
		if x.RobotID != "" {
			fmt.Fprintf(b, " on %s", x.RobotID)
		}
		if !x.Since.IsZero() {
			fmt.Fprintf(b, " since %s", rough(time.Since(x.Since)))
		}
		if !x.Until.IsZero() {
			fmt.Fprintf(b, " until %s", x.Until.UTC().Format(time.RFC3339))
		}
		b.WriteByte('\n')
	}
}

// maxNamedRobots is how many robots of a group are named.
const maxNamedRobots = 3

// grouped is a line per first reason, the smallest group first: what is rare is
// what a person can do something about.
func grouped(e *client.Explanation) table {
	t := table{head: []string{"REASON", "ROBOTS", "WANTED", "WHICH"}, state: -1}
	if e.Counts.Free > 0 {
		t.add("fits", strconv.Itoa(e.Counts.Free), "", which(e, "", e.Counts.Free))
	}
	reasons := slices.SortedFunc(maps.Keys(e.Counts.ByFirst), func(x, y string) int {
		return cmp.Or(cmp.Compare(e.Counts.ByFirst[x], e.Counts.ByFirst[y]), cmp.Compare(x, y))
	})
	for _, reason := range reasons {
		wanted := ""
		for _, r := range e.Robots {
			if _, check := failing(&r); r.FirstReason == reason && check != "" {
				wanted = check
				break
			}
		}
		n := e.Counts.ByFirst[reason]
		t.add(strings.ReplaceAll(reason, "_", " "), strconv.Itoa(n), clip(clean(wanted), 40), which(e, reason, n))
	}
	return t
}

// which names the first robots of a group with what was found there.
func which(e *client.Explanation, reason string, n int) string {
	var names []string
	for _, r := range e.Robots {
		if r.FirstReason != reason {
			continue
		}
		if len(names) == maxNamedRobots {
			break
		}
		name := string(r.RobotID)
		if found, _ := failing(&r); found != "" && found != reason {
			name += " (" + clip(clean(found), 50) + ")"
		}
		names = append(names, name)
	}
	text := strings.Join(names, ", ")
	if more := n - len(names); more > 0 && len(names) > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// failing is what the first check that fails found and wanted.
func failing(r *client.ExplainedRobot) (found, wanted string) {
	for _, check := range r.Checks {
		if !check.OK && check.Code == r.FirstReason {
			return check.Found, check.Wanted
		}
	}
	return "", ""
}

// everyCheck is a line per check of each robot.
func everyCheck(e *client.Explanation) table {
	t := table{head: []string{"ROBOT", "REASON", "WANTED", "FOUND"}, state: -1}
	for _, r := range e.Robots {
		if r.FirstReason == "" {
			t.add(string(r.RobotID), "fits", "", "")
			continue
		}
		for _, check := range r.Checks {
			mark := strings.ReplaceAll(check.Code, "_", " ")
			if check.OK {
				mark += " ok"
			}
			t.add(string(r.RobotID), mark, clip(clean(check.Wanted), 40), clip(clean(check.Found), 50))
		}
	}
	return t
}
