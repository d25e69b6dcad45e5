package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
)

// outbox is a Notifier that keeps what it is told, or fails.
type outbox struct {
	mu    sync.Mutex
	calls []sentCall
	fail  func() error
}

type sentCall struct {
	to, secret, id string
	body           string
}

func (o *outbox) keep(c sentCall) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls = append(o.calls, c)
	if o.fail != nil {
		return o.fail()
	}
	return nil
}

func (o *outbox) Webhook(_ context.Context, url, secret, id string, _ time.Time, body []byte) error {
	return o.keep(sentCall{url, secret, id, string(body)})
}

func (o *outbox) Mail(_ context.Context, way fleet.EmailWay, password, id string, _ time.Time, subject, text string) error {
	return o.keep(sentCall{strings.Join(way.To, ","), password, id, subject + "\n" + text})
}

// alerting is a world whose alerts are looked after by hand.
type alerting struct {
	*world
	out   *outbox
	scope store.Scope
}

func newAlerting(t *testing.T) *alerting {
	t.Helper()
	key, err := seal.Parse("1:" + strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	out := &outbox{}
	w := newWorld(t, func(o *Options) { o.Notify, o.Sealer = out, key })
	return &alerting{w, out, store.System("alerts")}
}

// pass does what the leader does again and again.
func (a *alerting) pass() {
	a.Helper()
	a.must(a.Alerts.Follow(a.Context(), a.scope))
	a.must(a.Alerts.Due(a.Context(), a.scope))
	a.send(a.Context())
}

// send sends all that is due, one after the other.
func (a *alerting) send(ctx context.Context) {
	a.Helper()
	list, err := a.Alerts.DueNotices(ctx, a.scope)
	a.must(err)
	for _, n := range list {
		if _, err := a.Alerts.Send(ctx, a.scope, n); err != nil && ctx.Err() == nil {
			a.Error(err)
		}
	}
}

func (a *alerting) later(d time.Duration) { a.now = a.now.Add(d); a.pass() }

// live are the incidents that are not resolved, of a kind.
func (a *alerting) live(kind fleet.AlertKind) []fleet.Incident {
	a.Helper()
	list, err := a.Alerts.Incidents(a.Context(), a.admin, IncidentQuery{State: "live", Kind: kind}, fleet.Page{})
	a.must(err)
	return list.Incidents
}

// only is the one incident of a kind.
func (a *alerting) only(kind fleet.AlertKind) fleet.Incident {
	a.Helper()
	list := a.live(kind)
	if len(list) != 1 {
		a.Fatalf("%d incidents of %s, want 1: %+v", len(list), kind, list)
	}
	return list[0]
}

func (a *alerting) again(i fleet.Incident) (fleet.Incident, []fleet.Notice) {
	a.Helper()
	is, told, err := a.Alerts.Incident(a.Context(), a.admin, i.ID)
	a.must(err)
	return is, told
}

// hook makes a channel that is called.
func (a *alerting) hook(name string, usual bool) fleet.AlertChannel {
	a.Helper()
	c, secret, err := a.Alerts.CreateChannel(a.Context(), a.admin, ChannelChange{
		Name: &name, Webhook: &fleet.WebhookWay{URL: "https://example.org/" + name}, Default: &usual,
	})
	a.must(err)
	if !strings.HasPrefix(secret, "whsec_") {
		a.Errorf("the secret is %q", secret)
	}
	return c
}

func (a *alerting) events(kind fleet.EventKind) (n int) {
	a.Helper()
	a.must(a.Store().View(a.Context(), a.admin.Scope(), func(r store.Reader) error {
		list, err := r.Events(store.EventFilter{Kinds: []fleet.EventKind{kind}, Limit: 1000})
		n = len(list)
		return err
	}))
	return n
}

func (a *alerting) Store() store.Store { return a.store }

// failing lets jobs fail for good with one message, whose numbers differ.
func (a *alerting) failing(n int) {
	a.Helper()
	zero := 0
	for k := range n {
		job := a.submit(func(r *SubmitRequest) { r.Retry = &fleet.RetryChange{Max: &zero} })
		ref := a.start(job)
		v := a.report(fleet.Report{Kind: fleet.ReportFailed, ReportID: int64(k + 1), JournalID: "j", Error: &fleet.JobError{Class: fleet.ClassApplication, Message: fmt.Sprintf("order %d is gone", k)}}, ref)
		if v != fleet.VerdictApplied {
			a.Fatalf("verdict %s", v)
		}
	}
}

// Given 500 jobs failing with one signature, then one incident with count 500 and
// one notice. Two leaders look at once.
func TestOneSignatureIsOneIncident(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	c := a.hook("team", true)
	const jobs = 500
	a.failing(jobs)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for range 4 {
				if err := a.Alerts.Follow(a.Context(), a.scope); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	a.pass()
	for range 2 {
		both.Go(func() { a.send(a.Context()) })
	}
	both.Wait()
	i := a.only(fleet.AlertDeadLetter)
	if i.Count != jobs || i.State != fleet.IncidentOpen {
		t.Errorf("count %d, state %s", i.Count, i.State)
	}
	_, told := a.again(i)
	if len(told) != 1 || told[0].State != fleet.NoticeSent || told[0].Channel != c.ID {
		t.Errorf("told %+v", told)
	}
	if len(a.out.calls) != 1 || a.out.calls[0].to != "https://example.org/team" {
		t.Errorf("sent %+v", a.out.calls)
	}
	var body struct {
		Type string         `json:"type"`
		ID   string         `json:"id"`
		Data fleet.Incident `json:"data"`
	}
	a.must(json.Unmarshal([]byte(a.out.calls[0].body), &body))
	if body.Type != "casare.fleet.alert.opened" || body.ID != a.out.calls[0].id || body.Data.ID != i.ID {
		t.Errorf("body %+v", body)
	}
	if n := a.events(fleet.EventAlertOpened); n != 1 {
		t.Errorf("%d events say that it opened", n)
	}
	// Quiet resolves it, once.
	a.later(59 * time.Minute)
	if is, _ := a.again(i); is.State != fleet.IncidentOpen {
		t.Errorf("before twice half an hour it is %s", is.State)
	}
	a.later(2 * time.Minute)
	if is, _ := a.again(i); is.State != fleet.IncidentResolved || is.ResolvedBy != "" {
		t.Errorf("after that it is %s by %q", is.State, is.ResolvedBy)
	}
	if n := a.events(fleet.EventAlertResolved); n != 1 {
		t.Errorf("%d events say that it is over", n)
	}
	if len(a.out.calls) != 1 {
		t.Errorf("%d calls", len(a.out.calls))
	}
}

// Given a silence, then the incident exists and no notice is sent until it ends.
func TestSilenceHoldsNotices(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	a.hook("team", true)
	name, yes := "move", true
	until := a.now.Add(10 * time.Minute)
	_, err := a.Alerts.CreateSilence(a.Context(), a.admin, SilenceChange{Name: &name, All: &yes, Until: &until})
	a.must(err)
	a.failing(1)
	a.pass()
	i := a.only(fleet.AlertDeadLetter)
	a.later(9 * time.Minute)
	if _, told := a.again(i); len(a.out.calls) != 0 || !told[0].Held || told[0].State != fleet.NoticeWaiting {
		t.Fatalf("%d calls, notice %+v", len(a.out.calls), told)
	}
	a.later(2 * time.Minute)
	if len(a.out.calls) != 1 {
		t.Fatalf("%d calls after the silence", len(a.out.calls))
	}
	// What is over when the silence ends is told to nobody, and what is deleted ends.
	name, until = "again", a.now.Add(5*time.Hour)
	s, err := a.Alerts.CreateSilence(a.Context(), a.admin, SilenceChange{Name: &name, Rules: &[]fleet.ID{"dead_letter"}, Until: &until})
	a.must(err)
	_, err = a.Alerts.Resolve(a.Context(), a.admin, i.ID, "")
	a.must(err)
	a.failing(1)
	a.pass()
	i = a.only(fleet.AlertDeadLetter)
	_, err = a.Alerts.Acknowledge(a.Context(), a.admin, i.ID, "mine")
	a.must(err)
	a.must(a.Alerts.DeleteSilence(a.Context(), a.admin, string(s.ID)))
	a.pass()
	if _, told := a.again(i); len(a.out.calls) != 1 || told[0].State != fleet.NoticeDropped {
		t.Errorf("%d calls, notice %+v", len(a.out.calls), told)
	}
}

// A silence of a working calendar holds notices until the working time begins.
func TestSilenceOutsideOfWorkingTime(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	a.hook("team", true)
	name, zone := "office", "UTC"
	days := []fleet.DayTime{{Weekday: 0, From: "10:30", Until: "17:00"}} // it is Monday, 10:00
	_, err := a.Calendars.Create(a.Context(), a.admin, CalendarChange{Name: &name, Timezone: &zone, Hours: &days})
	a.must(err)
	calendar, yes := fleet.ID("office"), true
	_, err = a.Alerts.CreateSilence(a.Context(), a.admin, SilenceChange{Name: &name, All: &yes, Calendar: &calendar})
	a.must(err)
	a.failing(1)
	a.later(29 * time.Minute)
	if len(a.out.calls) != 0 {
		t.Fatal("told before the working time")
	}
	a.later(time.Minute)
	if len(a.out.calls) != 1 {
		t.Fatal("not told when the working time began")
	}
}

// Given one schedule of ten missed, then the incident names that schedule. One
// that breaks its limits of time, or disables itself, is one too.
func TestIncidentNamesItsSchedule(t *testing.T) {
	a := newAlerting(t)
	wf, _, err := a.Workflows.Put(a.Context(), a.admin, "nightly", []byte(document))
	a.must(err)
	var schedules []fleet.Schedule
	for k := range 10 {
		name := fmt.Sprintf("nightly %d", k)
		s, err := a.Schedules.Create(a.Context(), a.admin, ScheduleChange{Name: &name, WorkflowID: &wf.WorkflowID, Cron: new("0 3 * * *")})
		a.must(err)
		schedules = append(schedules, s)
	}
	append1 := func(kind fleet.EventKind, s *fleet.Schedule, p auth.Principal, more map[string]any) {
		t.Helper()
		a.must(a.store.Update(a.Context(), a.admin.Scope(), func(tx store.Tx) error { return tx.Append("default", scheduleEvent(kind, p, s, more)) }))
	}
	append1(fleet.EventScheduleMissed, &schedules[6], auth.Principal{}, map[string]any{"fire_at": a.now, "count": 3})
	a.pass()
	i := a.only(fleet.AlertScheduleMissed)
	if i.Subject != (fleet.EventSubject{Kind: fleet.SubjectSchedule, ID: string(schedules[6].ID)}) || !strings.Contains(i.Title, "nightly 6") || i.Count != 3 {
		t.Errorf("%+v", i)
	}
	append1(fleet.EventScheduleDisabled, &schedules[1], a.admin, map[string]any{"note": "by hand"})
	a.pass()
	if n := len(a.live(fleet.AlertScheduleDisabled)); n != 0 {
		t.Errorf("%d incidents of a schedule that somebody disabled", n)
	}
}

// A notice that was committed and not sent is sent later, with its id; one whose
// sender dies is sent again with the same one.
func TestNoticeSurvivesItsSender(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	a.hook("team", true)
	a.failing(1)
	a.must(a.Alerts.Follow(a.Context(), a.scope)) // and here it dies
	ctx, die := context.WithCancel(a.Context())
	a.out.fail = func() error { die(); return errors.New("the process ends") }
	a.send(ctx)
	a.out.fail = nil
	a.pass()
	if len(a.out.calls) != 1 {
		t.Fatalf("%d calls while another may still send it", len(a.out.calls))
	}
	a.later(2 * time.Minute)
	if len(a.out.calls) != 2 || a.out.calls[0].id != a.out.calls[1].id {
		t.Fatalf("calls %+v", a.out.calls)
	}
	a.later(time.Hour - time.Minute)
	if len(a.out.calls) != 2 {
		t.Error("sent once more")
	}
}

// A notice that a breaker keeps from being sent waits until the breaker lets it
// through, and loses no try of its own by that.
func TestNoticeWaitsForTheBreaker(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	a.hook("resting", true)
	a.failing(1)
	open := fleet.Errorf(fleet.CodeUnavailable, "breaker_open", "example.org is left alone for a while.")
	open.RetryAfter = 30 * time.Second
	a.out.fail = func() error { return fmt.Errorf("call: %w", open) }
	a.pass()
	for range 100 { // more often than a notice is tried
		a.later(31 * time.Second)
	}
	all, err := a.Alerts.Incidents(a.Context(), a.admin, IncidentQuery{Kind: fleet.AlertDeadLetter}, fleet.Page{})
	a.must(err)
	if _, told := a.again(all.Incidents[0]); told[0].State != fleet.NoticeWaiting || told[0].Attempts != 0 || told[0].Fault != "" {
		t.Errorf("while the breaker is open: %+v", told[0])
	}
	if n := len(a.live(fleet.AlertChannelFailing)); n != 0 {
		t.Errorf("%d incidents of a channel that was not called", n)
	}
	a.out.fail, a.out.calls = nil, nil
	a.later(31 * time.Second)
	if _, told := a.again(all.Incidents[0]); told[0].State != fleet.NoticeSent || told[0].Attempts != 1 || len(a.out.calls) != 1 {
		t.Errorf("once it lets them through: %+v, %d calls", told[0], len(a.out.calls))
	}
}

// A channel that fails is an incident itself, of which the others are told; its
// notices are tried again and given up at last.
func TestFailingChannelIsAnIncident(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	c := a.hook("broken", true)
	a.failing(1)
	a.out.fail = func() error { return errors.New("no answer: " + a.out.calls[0].secret) }
	a.pass()
	for range 2 {
		a.later(time.Minute)
	}
	i := a.only(fleet.AlertChannelFailing)
	if i.Subject.ID != string(c.ID) || strings.Contains(i.Title, "whsec_") {
		t.Errorf("%+v", i)
	}
	if _, told := a.again(i); len(told) != 1 || told[0].Channel != fleet.LogChannelID {
		t.Errorf("told %+v", told)
	}
	for range 40 {
		a.later(time.Hour)
	}
	all, err := a.Alerts.Incidents(a.Context(), a.admin, IncidentQuery{Kind: fleet.AlertDeadLetter}, fleet.Page{})
	a.must(err)
	if _, told := a.again(all.Incidents[0]); told[0].State != fleet.NoticeFailed || told[0].Attempts != 11 {
		t.Errorf("given up: %+v", told[0])
	}
}

// Nobody acknowledges, and one channel after the other is told; somebody does, and
// none is.
func TestEscalation(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	for _, name := range []string{"first", "second", "third"} {
		a.hook(name, false)
	}
	_, err := a.Alerts.UpdateRule(a.Context(), a.admin, "dead_letter", 0, AlertRuleChange{
		Channels: &[]fleet.ID{"first", "second", "third"}, EscalateAfterSeconds: new(300),
	})
	a.must(err)
	a.failing(1)
	a.pass()
	for k, want := range []string{"first", "second"} {
		if len(a.out.calls) != k+1 || !strings.HasSuffix(a.out.calls[k].to, want) {
			t.Fatalf("step %d: %+v", k, a.out.calls)
		}
		a.later(4 * time.Minute)
		if len(a.out.calls) != k+1 {
			t.Fatalf("too early: %+v", a.out.calls)
		}
		if k == 0 {
			a.later(time.Minute)
		}
	}
	i := a.only(fleet.AlertDeadLetter)
	got, err := a.Alerts.Acknowledge(a.Context(), a.admin, i.ID, "on it")
	a.must(err)
	if got.State != fleet.IncidentAcknowledged || got.AcknowledgedBy != a.admin.Name {
		t.Errorf("%+v", got)
	}
	a.later(10 * time.Minute)
	if len(a.out.calls) != 2 || a.events(fleet.EventAlertEscalated) != 1 || a.events(fleet.EventAlertAcknowledged) != 1 {
		t.Errorf("%d calls", len(a.out.calls))
	}
	if _, err := a.Alerts.Acknowledge(a.Context(), a.admin, i.ID, "again"); err != nil || a.events(fleet.EventAlertAcknowledged) != 1 {
		t.Errorf("acknowledged twice: %v", err)
	}
}

// A robot that is gone for two minutes is an incident; one that comes back is none.
func TestRobotLost(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	gone := func() {
		t.Helper()
		var s fleet.Session
		a.must(a.store.View(a.Context(), a.admin.Scope(), func(r store.Reader) (err error) { s, err = r.OpenSession("r1"); return err }))
		a.must(a.Robots.Disconnect(a.Context(), a.robot, s, "the connection broke"))
		a.pass()
	}
	gone()
	a.later(time.Minute)
	a.now = a.now.Add(time.Minute)
	a.connect()
	a.pass()
	if n := len(a.live(fleet.AlertRobotLost)); n != 0 {
		t.Fatalf("%d incidents of a robot that came back", n)
	}
	gone()
	a.later(2 * time.Minute)
	i := a.only(fleet.AlertRobotLost)
	if !strings.Contains(i.Title, "r1") {
		t.Errorf("title %q", i.Title)
	}
	a.later(time.Hour) // it lasts
	a.only(fleet.AlertRobotLost)
	for range 5 {
		a.now = a.now.Add(time.Minute)
		a.connect()
		a.pass()
	}
	if is, _ := a.again(i); is.State != fleet.IncidentResolved {
		t.Errorf("after it came back it is %s", is.State)
	}
}

// What lasts is seen once a minute: jobs that wait, and jobs that stand still.
func TestWhatLasts(t *testing.T) {
	a := newAlerting(t)
	look := func() { t.Helper(); a.must(a.Alerts.Look(a.Context(), a.scope)); a.pass() }
	a.submit()
	a.submit()
	a.now = a.now.Add(59 * time.Minute)
	look()
	if n := len(a.live(fleet.AlertJobWaiting)); n != 0 {
		t.Fatalf("%d incidents before an hour", n)
	}
	a.now = a.now.Add(time.Minute)
	look()
	i := a.only(fleet.AlertJobWaiting)
	if i.Count != 2 || !strings.Contains(i.Title, "robot") {
		t.Errorf("%+v", i)
	}
	look()
	if is, _ := a.again(i); is.Count != 2 {
		t.Errorf("seen twice, counted %d", is.Count)
	}
	a.connect()
	job := a.submit()
	a.start(job)
	look()
	for range 30 {
		a.now = a.now.Add(time.Minute)
		look()
	}
	if s := a.only(fleet.AlertJobStalled); s.Subject.ID != string(job.ID) {
		t.Errorf("%+v", s)
	}
}

// A robot whose memory is full for five minutes is failing, and one that recovers
// is an incident until it was well for ten.
func TestRobotHealthIsWatched(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	minute := func(memory float64) {
		t.Helper()
		a.now = a.now.Add(time.Minute)
		_, err := a.store.Beat(a.Context(), a.admin.Scope(), []store.Beat{{
			Tenant: "default", RobotID: "r1", SessionEpoch: a.epoch, Reported: "idle", Metrics: fleet.RobotMetrics{MemoryPercent: memory},
		}}, a.now)
		a.must(err)
		a.must(a.Alerts.Look(a.Context(), a.scope))
		a.pass()
	}
	for n := range 8 {
		minute(97)
		if got, want := len(a.live(fleet.AlertRobotHealth)), min(n/5, 1); got != want {
			t.Errorf("after %d minutes: %d incidents, want %d", n+1, got, want)
		}
	}
	i := a.only(fleet.AlertRobotHealth)
	if !strings.Contains(i.Title, "97 %") || i.Count != 1 {
		t.Errorf("%+v", i)
	}
	for range 11 {
		minute(20)
	}
	if is, _ := a.again(i); is.State != fleet.IncidentResolved {
		t.Errorf("well for ten minutes: %s", is.State)
	}
}

// While a silence lasts nobody is told, and nobody has failed to acknowledge: the
// next channel has its time from when the first was told.
func TestSilenceHoldsEscalation(t *testing.T) {
	a := newAlerting(t)
	a.connect()
	a.hook("first", false)
	a.hook("second", false)
	_, err := a.Alerts.UpdateRule(a.Context(), a.admin, "dead_letter", 0, AlertRuleChange{
		Channels: &[]fleet.ID{"first", "second"}, EscalateAfterSeconds: new(60),
	})
	a.must(err)
	until := a.now.Add(10 * time.Minute)
	_, err = a.Alerts.CreateSilence(a.Context(), a.admin, SilenceChange{Name: new("move"), All: new(true), Until: &until})
	a.must(err)
	a.failing(1)
	for range 9 {
		a.later(time.Minute)
	}
	if len(a.out.calls) != 0 || a.events(fleet.EventAlertEscalated) != 0 {
		t.Fatalf("in the silence: %+v", a.out.calls)
	}
	a.later(time.Minute)
	if len(a.out.calls) != 1 {
		t.Fatalf("when it ends: %+v", a.out.calls)
	}
	a.later(time.Minute)
	if len(a.out.calls) != 2 || a.events(fleet.EventAlertEscalated) != 1 {
		t.Errorf("a minute later: %+v", a.out.calls)
	}
}
