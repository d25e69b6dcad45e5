package upkeep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/seal"
)

// looks counts how often somebody looks into each mailbox, by its user.
type looks struct {
	mu   sync.Mutex
	by   map[string]int
	fail map[string]bool
}

func (l *looks) Read(_ context.Context, rule fleet.EmailRule, _ string, after fleet.MailPlace, _ int) ([]fleet.MailMessage, fleet.MailPlace, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by[rule.Username]++
	if l.fail[rule.Username] {
		return nil, after, errors.New("away")
	}
	return nil, fleet.MailPlace{Validity: 1}, nil
}

func (l *looks) Newest(context.Context, fleet.EmailRule, string) (m fleet.MailMessage, ok bool, err error) {
	return m, false, nil
}

// TestMails looks into each mailbox as often as its trigger says, at once after
// it has changed, and goes on past one that does not answer.
func TestMails(t *testing.T) {
	f := newFleet(t)
	l := &looks{by: map[string]int{}, fail: map[string]bool{"broken": true}}
	keys, err := seal.Parse("1:" + strings.Repeat("07", 32))
	f.must(err)
	f.core.Triggers.Mail, f.core.Triggers.Sealer = l, keys
	ctx := t.Context()
	_, err = f.core.Secrets.Put(ctx, f.admin(), orchestrator.SecretChange{Name: "mail", Fields: map[string]string{"password": "canary"}})
	f.must(err)
	v, _, err := f.core.Workflows.Put(ctx, f.admin(), "nothing", []byte(document))
	f.must(err)
	for name, every := range map[string]int{"often": 10, "seldom": 60, "broken": 30} {
		_, err := f.core.Triggers.Create(ctx, f.admin(), orchestrator.TriggerChange{
			Name: &name, WorkflowID: &v.WorkflowID, Email: &fleet.EmailRule{Host: "imap.example.org", Username: name, Secret: "mail", EverySeconds: every},
		})
		f.must(err)
	}
	chore := &Mails{Triggers: f.core.Triggers, Now: func() time.Time { return f.clock }, Logger: f.timers.Logger}
	pass := func(seconds int) string {
		t.Helper()
		clear(l.by)
		for range seconds {
			f.clock = f.clock.Add(time.Second)
			if err := chore.RunOnce(ctx); err != nil && !strings.Contains(err.Error(), "away") {
				t.Fatal(err)
			}
		}
		var out []string
		for name, n := range l.by {
			out = append(out, fmt.Sprint(name, n))
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	if got := pass(1); got != "broken1 often1 seldom1" {
		t.Errorf("first: %s", got)
	}
	if got := pass(120); got != "broken4 often12 seldom2" {
		t.Errorf("in two minutes: %s", got)
	}
	note := "changed"
	_, err = f.core.Triggers.Update(ctx, f.admin(), "seldom", 0, orchestrator.TriggerChange{Description: &note})
	f.must(err)
	if got := pass(1); !strings.Contains(got, "seldom1") {
		t.Errorf("after a change: %s", got)
	}
	_, err = f.core.Triggers.Enable(ctx, f.admin(), "often", false, "")
	f.must(err)
	if got := pass(60); strings.Contains(got, "often") {
		t.Errorf("it is disabled: %s", got)
	}
	got, err := f.core.Triggers.Get(ctx, f.admin(), "broken")
	f.must(err)
	if got.Fault != "away" {
		t.Errorf("fault %q", got.Fault)
	}
}
