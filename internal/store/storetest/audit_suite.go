package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/store"
)

func (f *Fixture) audit(action, object string) fleet.AuditDraft {
	return fleet.AuditDraft{
		Actor: fleet.Actor{Kind: fleet.ActorKey, ID: "k1", Name: "key ci"}, Address: "10.0.0.1", RequestID: "q", Action: action,
		Object: fleet.AuditObject{Kind: fleet.SubjectRobot, ID: object, Name: "Ü"}, Reason: "because",
		Before: map[string]any{"name": "a<b", "slots": 3}, After: map[string]any{"name": nil},
	}
}

// Chain is the whole audit of the fixture's tenant, which it checks.
func (f *Fixture) Chain() (rows []fleet.AuditEntry) {
	f.Helper()
	f.View(func(r store.Reader) error {
		head, err := r.AuditHead()
		f.must(err)
		c := auditchain.From(auditchain.Start())
		if head.CutSeq > 0 {
			c = auditchain.From(auditchain.Anchor{Seq: head.CutSeq, Hash: head.CutHash})
		}
		for after := head.CutSeq; ; {
			page, err := r.AuditRows(store.AuditFilter{After: after})
			if err != nil || len(page) == 0 {
				if end := c.End(&auditchain.Anchor{Seq: head.Seq, Hash: head.Hash}); head.Seq > 0 && end.Fault != nil {
					f.Errorf("the audit of %s: %s", f.Tenant, end.Fault.Text)
				}
				return err
			}
			for _, e := range page {
				c.Take(e)
				after = e.Seq
			}
			rows = append(rows, page...)
		}
	})
	return rows
}

func auditTests() map[string]func(f *Fixture) {
	write := func(f *Fixture, d fleet.AuditDraft) {
		f.Update(func(tx store.Tx) error { return tx.Audit(f.Tenant, d) })
	}
	return map[string]func(f *Fixture){
		"a chain": func(f *Fixture) {
			is(f, "nothing yet", len(f.Chain()), 0)
			write(f, f.audit("robot.update", "r1"))
			f.Update(func(tx store.Tx) error {
				f.must(tx.Audit(f.Tenant, f.audit("robot.pause", "r2")))
				return tx.Audit(f.Tenant, f.audit("robot.resume", "r2"))
			})
			o := f.Other("globex")
			write(o, o.audit("robot.update", "x"))
			rows := f.Chain()
			is(f, "rows", len(rows), 3)
			e := rows[0]
			is(f, "the first", fmt.Sprint(e.Seq, e.Tenant, e.Actor, e.Address, e.RequestID, e.Action, e.Object, e.Outcome, e.Reason),
				fmt.Sprint(1, f.Tenant, fleet.Actor{Kind: fleet.ActorKey, ID: "k1", Name: "key ci"}, "10.0.0.1", "q", "robot.update", fleet.AuditObject{Kind: fleet.SubjectRobot, ID: "r1", Name: "Ü"}, fleet.AuditDone, "because"))
			is(f, "before", string(e.Before), `{"name":"a<b","slots":3}`)
			is(f, "after", string(e.After), `{"name":null}`)
			is(f, "begins", e.PrevHash, fleet.AuditStart)
			is(f, "in order", rows[1].Action+" "+rows[2].Action, "robot.pause robot.resume")
			is(f, "of the other", len(o.Chain()), 1)
			err := f.Store.Update(f.Context(), o.Scope, func(tx store.Tx) error { return tx.Audit(f.Tenant, f.audit("x", "y")) })
			is(f, "of another tenant it is refused", err != nil, true)
		},
		"with its change or not at all": func(f *Fixture) {
			no := errors.New("no")
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				f.must(tx.Audit(f.Tenant, f.audit("robot.update", "r1")))
				return no
			})
			is(f, "error", errors.Is(err, no), true)
			is(f, "rows", len(f.Chain()), 0)
			f.must(f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				f.must(tx.Audit(f.Tenant, f.audit("robot.update", "r1")))
				return tx.PutRobot(f.NewRobot("r1", 1))
			}))
			is(f, "with it", len(f.Chain()), 1)
		},
		"many at once": func(f *Fixture) {
			const n, each = 16, 10
			done := make(chan error, n)
			for i := range n {
				go func() {
					var err error
					for k := range each {
						err = errors.Join(err, f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
							return tx.Audit(f.Tenant, f.audit("robot.update", fmt.Sprintf("r%d-%d", i, k)))
						}))
					}
					done <- err
				}()
			}
			for range n {
				f.must(<-done)
			}
			is(f, "rows", len(f.Chain()), n*each)
		},
		"let go behind a checkpoint": func(f *Fixture) {
			for i := range 20 {
				write(f, f.audit("robot.update", fmt.Sprint(i)))
			}
			rows, later := f.Chain(), time.Now().Add(time.Hour)
			cut := func(limit int) (n int) {
				f.Update(func(tx store.Tx) (err error) { n, err = tx.CutAudit(f.Tenant, later, limit); return err })
				return n
			}
			is(f, "without a checkpoint", cut(100), 0)
			for _, seq := range []int64{5, 12} {
				f.Update(func(tx store.Tx) error {
					return tx.PutCheckpoint(auditchain.Checkpoint{Tenant: f.Tenant, Seq: seq, Hash: rows[seq-1].Hash, At: f.Now.UTC(), KeyID: "k", Signature: "s"})
				})
			}
			f.View(func(r store.Reader) error {
				all, err := r.Checkpoints(false)
				is(f, "checkpoints", fmt.Sprint(len(all), all[0].Seq, all[1].Hash == rows[11].Hash), "2 5 true")
				f.must(err)
				last, err := r.Checkpoints(true)
				is(f, "the newest", fmt.Sprint(len(last), last[0].Seq), "1 12")
				return err
			})
			is(f, "in steps", cut(10), 10)
			is(f, "up to the checkpoint", cut(10), 2)
			is(f, "and no further", cut(10), 0)
			left := f.Chain()
			is(f, "left", fmt.Sprint(len(left), left[0].Seq), "8 13")
			f.View(func(r store.Reader) error {
				h, err := r.AuditHead()
				is(f, "head", h, store.AuditHead{Seq: 20, Hash: rows[19].Hash, CutSeq: 12, CutHash: rows[11].Hash})
				return err
			})
		},
		"looked for": func(f *Fixture) {
			for i, a := range []string{"robot.update", "robot.pause", "robot.update"} {
				d := f.audit(a, fmt.Sprintf("r%d", i%2))
				if i == 1 {
					d.Outcome, d.Actor.ID = fleet.AuditDenied, "k2"
				}
				write(f, d)
			}
			for name, c := range map[string]struct {
				filter store.AuditFilter
				want   string
			}{
				"action":  {store.AuditFilter{Action: "robot.update"}, "[1 3]"},
				"actor":   {store.AuditFilter{ActorID: "k2"}, "[2]"},
				"object":  {store.AuditFilter{ObjectKind: fleet.SubjectRobot, ObjectID: "r0"}, "[1 3]"},
				"outcome": {store.AuditFilter{Outcome: fleet.AuditDone}, "[1 3]"},
				"after":   {store.AuditFilter{After: 1}, "[2 3]"},
				"limit":   {store.AuditFilter{Limit: 2}, "[1 2]"},
				"later":   {store.AuditFilter{From: time.Now().Add(time.Hour)}, "[]"},
				"earlier": {store.AuditFilter{To: time.Now().Add(-time.Hour)}, "[]"},
			} {
				f.View(func(r store.Reader) error {
					rows, err := r.AuditRows(c.filter)
					seqs := []int64{}
					for _, e := range rows {
						seqs = append(seqs, e.Seq)
					}
					is(f, name, fmt.Sprint(seqs), c.want)
					return err
				})
			}
		},
	}
}
