package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// tenantCmds are the verbs for tenants.
type tenantCmds struct {
	List    tenantListCmd    `cmd:"" help:"list the tenants"`
	Get     tenantGetCmd     `cmd:"" aliases:"show" help:"show a tenant"`
	Create  tenantCreateCmd  `cmd:"" help:"make a tenant"`
	Edit    tenantEditCmd    `cmd:"" help:"change a tenant: name, quotas, share"`
	Suspend tenantSuspendCmd `cmd:"" help:"let nothing of a tenant start"`
	Resume  tenantResumeCmd  `cmd:"" help:"let the jobs of a tenant start again"`
}

// tenantSettings are what can be set of a tenant; what is not named stays.
type tenantSettings struct {
	Name     *string         `help:"for people" placeholder:"TEXT"`
	Timezone *string         `help:"IANA name, such as Europe/Berlin" placeholder:"ZONE"`
	Priority *fleet.Priority `help:"of its jobs, if neither the request nor the workflow says" placeholder:"N"`
	Weight   *int            `help:"of its share of robots that several tenants use; 100 is usual" placeholder:"N"`
	Pending  *int            `help:"jobs that may wait at once; 0: the server's limit" placeholder:"N"`
	Running  *int            `help:"jobs that may hold a slot at once; 0: any number" placeholder:"N"`
	Robots   *int            `help:"robots that may be registered; 0: any number" placeholder:"N"`
	Submits  *int            `help:"jobs that may be submitted a minute; 0: the server's limit" placeholder:"N"`
}

func (s *tenantSettings) apply(t *fleet.Tenant) (changed bool) {
	changed = s.Priority != nil
	if changed {
		t.Priority = *s.Priority
	}
	for from, into := range map[*string]*string{s.Name: &t.Name, s.Timezone: &t.Timezone} {
		if from != nil {
			*into, changed = *from, true
		}
	}
	for from, into := range map[*int]*int{
		s.Weight: &t.Weight, s.Pending: &t.Quotas.PendingJobs, s.Running: &t.Quotas.RunningJobs, s.Robots: &t.Quotas.Robots, s.Submits: &t.Quotas.SubmitRate,
	} {
		if from != nil {
			*into, changed = *from, true
		}
	}
	return changed
}

type tenantListCmd struct{ config.Client }

// Run lists tenants.
func (c *tenantListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListTenants(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"tenants": list}, func() error {
		t := table{head: []string{"TENANT", "NAME", "STATE", "SHARE", "RUNNING", "ROBOTS", "ZONE"}, paint: sh.paint, state: -1}
		for i := range list {
			x := &list[i]
			t.add(clean(string(x.ID)), clip(clean(x.Name), 40), tenantState(x), strconv.Itoa(x.Weight), most(x.Quotas.RunningJobs), most(x.Quotas.Robots), clean(x.Timezone))
		}
		return t.write(sh.out, "There is no tenant.")
	})
}

func tenantState(t *fleet.Tenant) string {
	if t.Suspended {
		return "suspended"
	}
	return "active"
}

// most says a quota in words.
func most(n int) string {
	if n == 0 {
		return "-"
	}
	return "at most " + strconv.Itoa(n)
}

type tenantGetCmd struct {
	config.Client
	ID string `arg:"" help:"id of the tenant"`
}

// Run shows a tenant.
func (c *tenantGetCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	t, err := api.GetTenant(ctx, fleet.TenantID(c.ID))
	if err != nil {
		return err
	}
	return sh.answer(c.Output, t, func() error {
		card := &card{}
		card.add("tenant", clean(string(t.ID)))
		card.add("name", clean(t.Name))
		card.add("state", tenantState(&t))
		card.add("note", clean(t.SuspendedNote))
		card.add("share", strconv.Itoa(t.Weight))
		card.add("priority", strconv.Itoa(int(t.Priority)))
		card.add("waiting jobs", most(t.Quotas.PendingJobs))
		card.add("running jobs", most(t.Quotas.RunningJobs))
		card.add("robots", most(t.Quotas.Robots))
		card.add("submits a minute", most(t.Quotas.SubmitRate))
		card.add("zone", clean(t.Timezone))
		return card.write(sh.out, sh.paint)
	})
}

type tenantCreateCmd struct {
	config.Client
	ID string `arg:"" help:"id of the tenant: letters, digits, - or _; never changes"`
	tenantSettings
}

// Help is the long form of the help.
func (tenantCreateCmd) Help() string {
	return `A tenant needs credentials of its own: make its first key with

    fleet tenant create acme --name "Acme Ltd"
    fleet key create service acme-admin --role admin --tenant acme`
}

// Run makes a tenant.
func (c *tenantCreateCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	t := fleet.NewTenant(fleet.TenantID(c.ID))
	c.apply(&t)
	if t, err = api.CreateTenant(ctx, t); err != nil {
		return err
	}
	return sh.answer(c.Output, t, func() error {
		_, err := fmt.Fprintf(sh.out, "Tenant %s is there. Make its first key with: fleet key create service NAME --role admin --tenant %s\n", clean(string(t.ID)), clean(string(t.ID)))
		return err
	})
}

type tenantEditCmd struct {
	config.Client
	ID string `arg:"" help:"id of the tenant"`
	tenantSettings
}

// Run changes a tenant.
func (c *tenantEditCmd) Run(ctx context.Context, sh *shell) error {
	if !c.apply(new(fleet.Tenant)) {
		return fleet.Invalid("edit", "Nothing was asked for: give --name, --timezone, --priority, --weight, --pending, --running, --robots or --submits.")
	}
	return sh.changeTenant(ctx, c.Client, c.ID, func(t *fleet.Tenant) { c.apply(t) })
}

type tenantSuspendCmd struct {
	config.Client
	ID   string `arg:"" help:"id of the tenant"`
	Note string `help:"why, for people" placeholder:"TEXT"`
}

// Run suspends a tenant.
func (c *tenantSuspendCmd) Run(ctx context.Context, sh *shell) error {
	return sh.changeTenant(ctx, c.Client, c.ID, func(t *fleet.Tenant) { t.Suspended, t.SuspendedNote = true, c.Note })
}

type tenantResumeCmd struct {
	config.Client
	ID string `arg:"" help:"id of the tenant"`
}

// Run resumes a tenant.
func (c *tenantResumeCmd) Run(ctx context.Context, sh *shell) error {
	return sh.changeTenant(ctx, c.Client, c.ID, func(t *fleet.Tenant) { t.Suspended, t.SuspendedNote = false, "" })
}

func (s *shell) changeTenant(ctx context.Context, conf config.Client, id string, change func(*fleet.Tenant)) error {
	api, err := s.connect(conf)
	if err != nil {
		return err
	}
	t, err := api.GetTenant(ctx, fleet.TenantID(id))
	if err != nil {
		return err
	}
	change(&t)
	if t, err = api.PutTenant(ctx, t); err != nil {
		return err
	}
	return s.answer(conf.Output, t, func() error {
		_, err := fmt.Fprintf(s.out, "Tenant %s is %s; share %d; running jobs %s; robots %s.\n", clean(string(t.ID)), tenantState(&t), t.Weight, most(t.Quotas.RunningJobs), most(t.Quotas.Robots))
		return err
	})
}
