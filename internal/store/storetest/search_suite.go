package storetest

import (
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// finds is what a search finds, as names in their order.
func (f *Fixture) finds(kind fleet.FoundKind, text string, limit int) string {
	f.Helper()
	var out []string
	f.View(func(r store.Reader) error {
		list, err := r.Search(kind, text, limit)
		for _, x := range list {
			is(f, "kind", x.Kind, kind)
			out = append(out, x.Name)
		}
		return err
	})
	return strings.Join(out, " ")
}

func searchTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"by name": func(f *Fixture) {
			for _, name := range []string{"Überweisung", "invoices", "Invoices-2", "INVOICES-3", "other"} {
				f.Queue(func(q *fleet.Queue) { q.Name = name })
				f.Schedule(func(s *fleet.Schedule) { s.Name = name })
				r := f.NewRobot(fleet.RobotID("r-"+name), 1)
				r.Name = name
				w := fleet.Workflow{ID: f.IDs.New(), Tenant: f.Tenant, Name: name, Newest: 1, Hash: "h", CreatedAt: f.Now, UpdatedAt: f.Now}
				f.Update(func(tx store.Tx) error { f.must(tx.PutRobot(r)); return tx.PutWorkflow(w) })
				spec := f.Spec()
				spec.Name = name
				f.Submit(spec)
			}
			is(f, "queues", f.finds(fleet.FoundQueue, "inv", 8), "invoices Invoices-2 INVOICES-3")
			for _, kind := range []fleet.FoundKind{fleet.FoundRobot, fleet.FoundWorkflow, fleet.FoundSchedule, fleet.FoundJob} {
				for _, text := range []string{"inv", "INV"} {
					got := strings.Fields(f.finds(kind, text, 8))
					is(f, string(kind)+" "+text, len(got), 3)
				}
				is(f, string(kind)+", as it is written", f.finds(kind, "Überw", 8), "Überweisung")
				is(f, string(kind)+", in small letters", f.finds(kind, "überw", 8), "Überweisung")
				is(f, string(kind)+", within a name", f.finds(kind, "voices", 8), "")
				is(f, string(kind)+", with a sign of its own", f.finds(kind, "inv%", 8), "")
				is(f, string(kind)+", at most", len(strings.Fields(f.finds(kind, "inv", 2))), 2)
			}
			is(f, "robot by id", f.finds(fleet.FoundRobot, "r-oth", 8), "other")
			q := f.Queue(func(q *fleet.Queue) { q.Name = "by id" })
			is(f, "queue by id", f.finds(fleet.FoundQueue, string(q.ID), 8), "by id")
			s := f.Schedule(func(s *fleet.Schedule) { s.Name = "by-id" })
			is(f, "schedule by id", f.finds(fleet.FoundSchedule, string(s.ID), 8), "by-id")
			o := f.Other("zeta")
			for _, kind := range fleet.FoundKinds() {
				is(f, string(kind)+" of another tenant", o.finds(kind, "inv", 8), "")
			}
		},
		"jobs": func(f *Fixture) {
			w := fleet.Workflow{ID: f.IDs.New(), Tenant: f.Tenant, Name: "Month end", Newest: 1, Hash: "h", CreatedAt: f.Now, UpdatedAt: f.Now}
			f.Update(func(tx store.Tx) error { return tx.PutWorkflow(w) })
			of := func() fleet.JobSpec {
				spec := f.Spec()
				spec.Name, spec.Workflow = "", fleet.JobWorkflow{ID: w.ID, Name: w.Name, Version: 1, Hash: "h"}
				return spec
			}
			one, two := f.Submit(of()), f.Submit(of())
			f.Cancel(one.ID)
			is(f, "by workflow", f.finds(fleet.FoundJob, "month", 8), "Month end Month end")
			is(f, "by id", f.finds(fleet.FoundJob, string(two.ID), 8), "Month end")
			is(f, "by the beginning of an id", f.finds(fleet.FoundJob, string(one.ID)[:10], 8) != "", true)
			is(f, "by less than that", f.finds(fleet.FoundJob, string(one.ID)[:3], 8), "")
			is(f, "of another tenant", f.Other("zeta").finds(fleet.FoundJob, string(two.ID), 8), "")
			f.View(func(r store.Reader) error {
				list, err := r.Search(fleet.FoundJob, string(one.ID), 8)
				is(f, "state", list[0].State, fleet.Cancelled)
				return err
			})
		},
	}
}
