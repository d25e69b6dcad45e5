package storetest

import (
	"errors"
	"net/netip"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/store"
)

// Everything leaves at least one row in each table, and a job in each state, so
// that whoever moves a store can show that nothing stays behind.
func (f *Fixture) Everything() {
	f.Helper()
	f.systemUpdate(func(tx store.Tx) error { return tx.Join(f.NewMember()) })
	f.take("m-1", store.Lease{})
	f.Update(func(tx store.Tx) error {
		key := f.IDs.New()
		f.must(tx.PutKey(fleet.Key{
			ID: key, Tenant: f.Tenant, Kind: fleet.KeyRobot, Name: "Schlüssel “1”\n<&>", RobotID: "r1", Env: "prod", Role: "robot",
			Hash: "hash " + string(f.Tenant), Hint: "abcd", CreatedAt: f.Now.Add(time.Microsecond),
			Description: "Lager\nHalle 2", Scopes: []fleet.Permission{fleet.JobsRead}, Environments: []string{"prod", "lab"},
			Ranges: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, OwnerID: "u-1", ReplacedBy: "k-2", LastUsedIP: "10.1.2.3",
			ExpiresAt: f.Now, RevokedAt: f.Now, FirstUsedAt: f.Now, LastUsedAt: f.Now, LateUsedAt: f.Now, WarnedAt: f.Now, EndedAt: f.Now,
			CreatedBy: "Åse",
		}))
		_, err := tx.UseKey(key, store.KeyUse{At: f.Now, Address: "10.1.2.3", Times: 3})
		f.must(err)
		f.must(tx.Revoked(f.Tenant))
		f.must(tx.PutEnrolment(fleet.Enrolment{
			ID: f.IDs.New(), Tenant: f.Tenant, NamePattern: "lager-*", Environment: "prod", Pool: "night", Tags: fleet.Capabilities{"a", "b"},
			Hash: "token " + string(f.Tenant), Hint: "wxyz", UsesMax: 3, Uses: 1, CreatedAt: f.Now, CreatedBy: "ada", ExpiresAt: f.Now.Add(time.Hour),
		}))
		f.someone("Ada " + string(f.Tenant))(tx)
		w := fleet.Workflow{ID: f.IDs.New(), Tenant: f.Tenant, Name: "invoices", Newest: 1, Hash: "h1", CreatedAt: f.Now, UpdatedAt: f.Now}
		f.must(tx.PutBody("h1", []byte("{\"\x00\xff\"}")))
		f.must(tx.PutBody("h0", []byte{}))
		f.must(tx.PutWorkflow(w))
		f.must(tx.PutUsualRobot(f.Tenant, fleet.UsualRobot{WorkflowID: w.ID, RobotID: "r1", Default: true, Notes: "the fast one", CreatedAt: f.Now}))
		own, err := tx.Tenant(f.Tenant)
		if errors.Is(err, fleet.ErrNotFound) {
			own, err = fleet.NewTenant(f.Tenant), tx.AddTenant(fleet.NewTenant(f.Tenant))
		}
		f.must(err)
		own.Weight, own.Quotas.RunningJobs, own.SuspendedNote = 300, 40, "Rückstand"
		f.must(tx.PutTenant(own))
		rows := fleet.Rollup{{Span: fleet.SpanHour, At: fleet.SpanHour.Floor(f.Now), Dim: fleet.DimWorkflow, Key: "w"}: {
			Label: "Überweisung", Created: 2, Completed: 1, Runs: fleet.Histogram{7: 1}, Waits: fleet.Histogram{0: 1},
		}}
		_, err = tx.AddRollups(store.RollupHead{Tenant: f.Tenant}, 1, f.Now, rows)
		f.must(err)
		f.must(tx.AddRobotMinutes(f.Tenant, f.Now, map[fleet.RobotID]fleet.RobotMinute{"r1": {CPU: 12.5, Slots: 2}}))
		f.must(tx.PutSecret(fleet.Secret{Tenant: f.Tenant, Name: "erp", Exclusive: true, CreatedAt: f.Now}))
		f.must(tx.PutSealed(store.Sealed{Tenant: f.Tenant, Name: "erp", Place: fleet.Place{Environment: "lab"}, Version: 1, KeyVersion: 1, Text: "s1.1.x.y"}))
		f.must(tx.PutArtifact(fleet.Artifact{
			JobID: f.IDs.New(), Tenant: f.Tenant, Epoch: 1, Name: "Überweisung.png", Node: "n1", Type: "image/png", Size: 3, SHA256: "s", CreatedAt: f.Now,
		}, []byte{0, 0xff, 1}))
		f.must(tx.PutAsset(fleet.Asset{Tenant: f.Tenant, Name: "url", Type: fleet.AssetText, Value: []byte(`"ü"`)}))
		f.must(tx.Audit(f.Tenant, f.audit("robot.update", "r1")))
		f.must(tx.PutCheckpoint(auditchain.Checkpoint{Tenant: f.Tenant, Seq: 1, Hash: "h", At: f.Now.UTC()}))
		f.must(tx.PutEnvironment(fleet.Environment{Tenant: f.Tenant, Name: "lab", Strict: true, AgeStepSeconds: 600, UpdatedAt: f.Now}))
		f.must(tx.PutNodeOverride(f.Tenant, fleet.NodeOverride{WorkflowID: w.ID, NodeID: "n1", RobotID: "r1", Reason: "der Drucker", Active: true, CreatedAt: f.Now}))
		f.must(tx.PutReservation(fleet.Reservation{ID: f.IDs.New(), Tenant: f.Tenant, Name: "month end", Slots: 1, CreatedAt: f.Now}))
		_, err = tx.AddCommand(fleet.Command{
			ID: f.IDs.New(), Tenant: f.Tenant, RobotID: "r1", Kind: fleet.CommandRestart, State: fleet.CommandRequested, By: "ada",
			CreatedAt: f.Now, ExpiresAt: f.Now.Add(fleet.CommandLife),
		})
		f.must(err)
		bulk := fleet.Bulk{ID: f.IDs.New(), Tenant: f.Tenant, Kind: fleet.CommandRestart, State: fleet.BulkRunning, Wave: 1, Waves: 1, Total: 1}
		f.must(tx.AddBulk(bulk, []fleet.BulkTarget{{Bulk: bulk.ID, RobotID: "r1", Wave: 1, State: fleet.TargetPending}}))
		return tx.AddWorkflowVersion(fleet.WorkflowVersion{WorkflowID: w.ID, Version: 1, Hash: "h1", NodeCount: 3, CreatedAt: f.Now, CreatedBy: "u"})
	})
	q := f.Queue(func(q *fleet.Queue) {
		q.Name, q.Unique, q.WindowSeconds = "Rechnungen "+string(f.Tenant), fleet.UniqueWindow, 60
	})
	deadline := f.Now.Add(time.Hour)
	item := f.Add(&q, fleet.ItemSpec{Reference: "ü-1", Data: []byte(`{"ü":1}`), Deadline: &deadline, Labels: map[string]string{"a": "b"}})
	f.Claim(&q, fleet.ItemHolder{Name: "ada", ID: "user:7"}, 1)
	f.must(f.MoveItem(&q, item, func(i *fleet.QueueItem) (*fleet.ItemMove, error) {
		return i.Fail(&q, fleet.ItemHolder{Name: "ada", ID: "user:7"}, fleet.ItemFault{Type: fleet.ApplicationItemType, Message: "nö"}, []byte(`{"x":2}`), f.IDs.New(), f.Now)
	}))
	f.must(f.MoveItem(&q, item, func(i *fleet.QueueItem) (*fleet.ItemMove, error) { return i.Remark("schau", "ada", f.Now) }))
	session := f.Robot("r1", 50)
	s := f.Schedule(nil)
	fired, _ := f.fire(s, f.Now.Add(time.Hour))
	f.Cancel(fired.ID)
	f.fire(f.schedule(s.ID), f.Now.Add(2*time.Hour))
	f.Update(func(tx store.Tx) error {
		return errors.Join(
			tx.PutBackfill(fleet.Backfill{ID: f.IDs.New(), Tenant: f.Tenant, Schedule: s.ID, From: f.Now, Until: f.Now.Add(time.Hour), State: fleet.BackfillRunning}),
			tx.PutWorkCalendar(fleet.WorkCalendar{ID: f.IDs.New(), Tenant: f.Tenant, Name: "Fête", Timezone: "Europe/Paris", CreatedAt: f.Now, UpdatedAt: f.Now}),
		)
	})
	hook := f.Trigger(nil)
	_, err := f.accept(hook, "d1")
	f.must(err)
	f.alerts()
	told := f.Webhook(nil)
	f.deliver(told, 1)
	f.KeepView("ada", "Nachts")
	f.Update(func(tx store.Tx) error {
		return tx.PutWebhookSecret(store.WebhookSecret{Tenant: f.Tenant, Webhook: told.ID, Number: 1, KeyVersion: 1, Text: "s1.1.x.y", Until: f.Now})
	})
	sticky := f.Spec()
	sticky.Placement.Sticky = &fleet.Sticky{Mode: fleet.StickySoft, Key: "order-7"}
	done := f.Running(sticky, "r1", session)
	final := f.Spec()
	final.Retry.Max = 0
	f.ends(f.Running(final, "r1", session), fleet.ReportFailed)
	f.reports = 1000
	failed := f.Running(f.Spec(), "r1", session)
	retried := f.Running(f.Spec(), "r1", session)
	parked := f.Running(f.Spec(), "r1", session)
	stopped := f.Running(f.Spec(), "r1", session)
	expired := f.Spec()
	expired.WaitLimit = time.Minute
	late := f.Submit(expired)
	f.Report(f.NewReport(done, fleet.ReportStarted, 1), f.NewReport(done, fleet.ReportEffectBegin, 2), f.NewReport(done, fleet.ReportEffectEnd, 3),
		f.NewReport(done, fleet.ReportComplete, 4), f.NewReport(failed, fleet.ReportCheckpoint, 8), f.NewReport(failed, fleet.ReportFailed, 5))
	resumed := f.Submission(f.Spec())
	resumed.Data.Resumes = &fleet.Resumption{From: failed.ID, Node: "n1", Data: Checkpoint("abc", "n1", "s")}
	f.must(second(f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{resumed})))
	f.Report(f.NewReport(parked, fleet.ReportEffectBegin, 6))
	for _, j := range []fleet.Job{retried, parked} {
		f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
			return s.Lose(fleet.Loss{Epoch: s.Job.Epoch, Reason: "silent"}, f.Now)
		}))
	}
	f.Cancel(f.Submit(f.Spec()).ID)
	f.Cancel(stopped.ID)
	f.child(fleet.AllFinished, "", parked.ID)
	_, parts := f.whole(2, nil)
	f.begins(parts[0], "r1", session)
	f.Later(2 * time.Minute)
	f.must(f.Move(late.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.WaitLimit(f.Now) }))
	f.Running(f.needs("erp"), "r1", session)
	f.Assign(f.Submit(f.Spec()), "r1", session)
	f.Submit(f.Spec())
	sub := f.Submission(f.Spec())
	sub.Key = &store.IdempotencyKey{Route: "jobs", Key: "k", Hash: "h", ExpiresAt: time.Now().Add(time.Hour)}
	got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{sub})
	f.must(err)
	f.must(got[0].Err)
	_, err = f.Store.Beat(f.Context(), f.Scope, []store.Beat{{
		Tenant: f.Tenant, RobotID: "r1", SessionEpoch: session, Reported: "busy", Metrics: fleet.RobotMetrics{CPUPercent: 12.345678901234567},
	}}, f.Now)
	f.must(err)
	_, err = f.Store.AppendLogs(f.Context(), f.Scope, []fleet.LogBatch{{
		Tenant: f.Tenant, RobotID: "r1", JobID: done.ID, Epoch: done.Epoch, First: 1, Lines: []fleet.LogLine{
			{At: f.Now, Level: "info", Node: "n1", Message: "grüß Gott"}, {At: f.Now, Level: "error", Message: ""},
		},
		Steps: []fleet.Step{{Seq: 1, Node: "n1", Status: fleet.StepFailed, StartedAt: f.Now, EndedAt: f.Now, Error: "größer"}},
	}})
	f.must(err)
}
