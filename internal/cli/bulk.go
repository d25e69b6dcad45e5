package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// manyFlags select many robots instead of one.
type manyFlags struct {
	Pool         []string `help:"all robots of this pool (repeatable)" placeholder:"NAME"`
	Tag          []string `help:"all robots with this tag (repeatable: with all of them)" placeholder:"WORD"`
	All          bool     `help:"all robots"`
	Wave         int      `help:"how many robots at a time; 0: all of them" default:"0" placeholder:"N"`
	MinAvailable int      `help:"how many robots of each pool stay at work" default:"0" placeholder:"N"`

	Wait   bool          `help:"wait until it is done"`
	Within time.Duration `name:"timeout" help:"how long to wait" default:"11m" placeholder:"DURATION"`
}

func (m *manyFlags) any() bool { return m.All || len(m.Pool)+len(m.Tag) > 0 }

// ask starts a bulk operation.
func (m *manyFlags) ask(ctx context.Context, sh *shell, c config.Client, kind fleet.CommandKind, params map[string]any) error {
	return m.start(ctx, sh, c, client.BulkRequest{Kind: kind, Selector: &fleet.Selector{All: m.All, Pools: m.Pool, Tags: m.Tag}, Params: params})
}

// start starts a bulk operation of robots that are selected or named.
func (m *manyFlags) start(ctx context.Context, sh *shell, c config.Client, r client.BulkRequest) error {
	api, err := sh.connect(c)
	if err != nil {
		return err
	}
	r.Waves = client.BulkWaves{Size: m.Wave, MinAvailable: m.MinAvailable}
	b, err := api.StartBulk(ctx, r)
	if err != nil {
		return err
	}
	if !m.Wait {
		return sh.showBulk(c.Output, b)
	}
	ctx, stop := context.WithTimeout(ctx, m.Within)
	defer stop()
	if b, err = api.WaitBulk(ctx, b.ID); err != nil {
		return err
	}
	if err := sh.showBulk(c.Output, b); err != nil {
		return err
	}
	if b.Status != fleet.BulkCompleted || b.Failed > 0 {
		return fleet.Errorf(fleet.CodeConflict, "bulk_"+string(b.Status), "The %s was not done on all robots.", r.Kind).
			WithFix(fmt.Sprintf(`"fleet bulk retry %s" asks those again that failed.`, b.ID))
	}
	return nil
}

func (s *shell) showBulk(format string, b client.Bulk) error {
	return s.answer(format, b, func() error {
		what := "robots"
		if b.Kind.OfJobs() {
			what = "jobs"
		}
		_, err := fmt.Fprintf(s.out, "Bulk operation %s: %s %s, wave %d of %d; of %d %s %d done, %d failed, %d skipped\n",
			b.ID, b.Kind, b.Status, b.Wave, b.Waves, b.Total, what, b.Done, b.Failed, b.Skipped)
		if err != nil || len(b.Targets) == 0 {
			return err
		}
		if b.Kind.OfJobs() {
			t := table{head: []string{"JOB", "STATUS", "RESULT"}, paint: s.paint, state: -1}
			for _, x := range b.Targets {
				t.add(string(x.JobID), string(x.Status), dash(clip(clean(x.Reason), 100)))
			}
			return t.write(s.out, "")
		}
		t := table{head: []string{"ROBOT", "WAVE", "STATUS", "REASON"}, paint: s.paint, state: -1}
		for _, x := range b.Targets {
			t.add(string(x.RobotID), fmt.Sprint(x.Wave), string(x.Status), dash(clip(clean(x.Reason), 60)))
		}
		return t.write(s.out, "")
	})
}

// bulkCmds are the verbs for bulk operations.
type bulkCmds struct {
	List   bulkListCmd   `cmd:"" help:"list bulk operations, the newest first"`
	Get    bulkGetCmd    `cmd:"" aliases:"show" help:"show one with its robots"`
	Cancel bulkCancelCmd `cmd:"" help:"begin nothing more of one; what is under way comes to its end"`
	Retry  bulkRetryCmd  `cmd:"" help:"ask those again that failed, in a new operation"`
}

type bulkListCmd struct {
	config.Client
	Limit int `help:"how many; 0: all" default:"20"`
}

// Run lists operations.
func (c *bulkListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := pageTo(c.Limit, func(cursor string) ([]client.Bulk, string, error) {
		page, err := api.ListBulks(ctx, fleet.Page{Limit: fleet.PageMax, Cursor: cursor})
		return page.Operations, page.Next, err
	})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"operations": list}, func() error {
		t := table{head: []string{"ID", "COMMAND", "STATUS", "WAVE", "DONE", "FAILED", "SKIPPED", "ASKED"}, paint: sh.paint, state: -1}
		for _, b := range list {
			t.add(string(b.ID), string(b.Kind), string(b.Status), fmt.Sprintf("%d/%d", b.Wave, b.Waves), fmt.Sprintf("%d/%d", b.Done, b.Total),
				fmt.Sprint(b.Failed), fmt.Sprint(b.Skipped), ago(b.CreatedAt, time.Now()))
		}
		return t.write(sh.out, "Nothing was asked of many robots yet.")
	})
}

type bulkTarget struct {
	config.Client
	ID string `arg:"" help:"id of the operation"`
}

func (c *bulkTarget) call(sh *shell, do func(*client.Client, fleet.ID) (client.Bulk, error)) error {
	id := fleet.ID(c.ID)
	if !id.Valid() {
		return fleet.Invalid("id", "%q is not the id of a bulk operation.", c.ID).WithFix(`"fleet bulk list" shows the ids.`)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	b, err := do(api, id)
	if err != nil {
		return err
	}
	return sh.showBulk(c.Output, b)
}

type bulkGetCmd struct{ bulkTarget }

// Run shows an operation.
func (c *bulkGetCmd) Run(ctx context.Context, sh *shell) error {
	return c.call(sh, func(api *client.Client, id fleet.ID) (client.Bulk, error) { return api.GetBulk(ctx, id) })
}

type bulkCancelCmd struct{ bulkTarget }

// Run cancels an operation.
func (c *bulkCancelCmd) Run(ctx context.Context, sh *shell) error {
	return c.call(sh, func(api *client.Client, id fleet.ID) (client.Bulk, error) { return api.CancelBulk(ctx, id) })
}

type bulkRetryCmd struct{ bulkTarget }

// Run asks again.
func (c *bulkRetryCmd) Run(ctx context.Context, sh *shell) error {
	return c.call(sh, func(api *client.Client, id fleet.ID) (client.Bulk, error) { return api.RetryBulk(ctx, id) })
}
