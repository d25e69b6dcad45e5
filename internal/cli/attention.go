package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/internal/config"
)

// attentionCmd tells what needs a person.
type attentionCmd struct{ config.Client }

// Help is the long form of the help.
func (attentionCmd) Help() string {
	return `Jobs that need a decision, are held or wait for more than 5 minutes; robots in error or silent; missed runs of schedules; queues whose deadlines are at risk; workflows whose failures doubled; triggers that failures disabled; keys that end within 7 days. The worst comes first.

Examples:

    fleet attention
    fleet attention -o json`
}

// Run prints what there is.
func (c *attentionCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.Attention(ctx)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, out, func() error {
		now := time.Now()
		t := table{head: []string{"SEVERITY", "COUNT", "SINCE", "WHAT", "DO"}, paint: sh.paint, state: -1}
		for i := range out.Entries {
			e := &out.Entries[i]
			n, since := fmt.Sprint(e.Count), "-"
			if e.AtLeast {
				n += "+"
			}
			if !e.Since.IsZero() {
				since = ago(e.Since, now)
			}
			t.add(string(e.Severity), n, since, clip(clean(e.Sentence), 120), e.Action.Command)
		}
		if err := t.write(sh.out, "Nothing needs you. Checked "+wall(out.CheckedAt)+"."); err != nil {
			return err
		}
		if out.Left > 0 {
			sh.note("%d more are left out.", out.Left)
		}
		return nil
	})
}
