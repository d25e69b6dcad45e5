package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

type (
	ctx          = context.Context
	humaResponse = huma.Response
)

// TestDrift holds the committed files against the code.
func TestDrift(t *testing.T) {
	for name, make := range map[string]func() ([]byte, error){"openapi.json": Document, "events.json": EventDocument} {
		want, err := make()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", "..", "api", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("api/%s is not what the code says; run go run ./internal/gen/api", name)
		}
	}
}

// TestUndeclared shows that a route cannot be served without its row.
func TestUndeclared(t *testing.T) {
	good := operation{method: "GET", path: "/x", id: "x", summary: "X", may: open(), rate: rateOpen}
	for name, change := range map[string]func(o *operation){
		"permission": func(o *operation) { o.may = access{} },
		"rate class": func(o *operation) { o.rate = rateNone },
		"id":         func(o *operation) { o.id = "" },
		"schema":     func(o *operation) { o.body.limit = plainBody },
		"twice":      func(o *operation) { o.path = Base + "/jobs" },
		"the id":     func(o *operation) { o.id = "jobs.get" },
	} {
		a, err := newAPI(Options{})
		if err != nil {
			t.Fatal(err)
		}
		o := good
		change(&o)
		a.declare(&o)
		if len(a.faults) != 1 || !strings.Contains(a.faults[0].Error(), name) {
			t.Errorf("%s: %v", name, a.faults)
		}
	}
	a, err := newAPI(Options{})
	if err != nil {
		t.Fatal(err)
	}
	(*guardedMux)(a).HandleFunc("GET /hidden", func(http.ResponseWriter, *http.Request) {})
	if len(a.faults) != 1 {
		t.Errorf("a hidden route: %v", a.faults)
	}
}

// verbs is what the command line calls an operation.
type verb struct{ method, cli string }

// verbs lists, for every operation, the client's method and the command that
// does the same. What has none of one kind is in testdata/exempt.txt.
func verbs() map[string]verb {
	return map[string]verb{
		"jobs.submit":         {"SubmitJob", "job submit"},
		"jobs.submit_many":    {"SubmitJobs", ""},
		"jobs.list":           {"ListJobs", "job list"},
		"jobs.get":            {"GetJob", "job get"},
		"jobs.attempts":       {"JobAttempts", "job attempts"},
		"jobs.log":            {"JobLog", "job log"},
		"jobs.log_search":     {"SearchJobLog", "job log"},
		"jobs.steps":          {"JobSteps", "job steps"},
		"jobs.timeline":       {"JobTimeline", "job steps"},
		"jobs.cancel":         {"CancelJob", "job cancel"},
		"jobs.retry":          {"RetryJob", "job retry"},
		"jobs.priority":       {"PrioritizeJob", "job priority"},
		"jobs.move":           {"MoveJob", "job move"},
		"jobs.decide":         {"DecideJob", "job decide"},
		"robots.list":         {"ListRobots", "robot list"},
		"robots.get":          {"GetRobot", "robot get"},
		"robots.register":     {"RegisterRobot", ""},
		"workflows.list":      {"ListWorkflows", "workflow list"},
		"workflows.put":       {"PutWorkflow", "workflow push"},
		"workflows.validate":  {"ValidateWorkflow", "workflow validate"},
		"workflows.delete":    {"DeleteWorkflow", "workflow delete"},
		"workflows.submit":    {"", ""},
		"workflows.upload":    {"", ""},
		"robots.edit":         {"", ""},
		"workflows.get":       {"GetWorkflow", "workflow get"},
		"workflows.versions":  {"WorkflowVersions", "workflow get"},
		"workflows.version":   {"GetWorkflowVersion", "workflow get"},
		"events.list":         {"ListEvents", "events"},
		"stream.open":         {"Stream", "events"},
		"fleet.snapshot":      {"FleetSnapshot", "robot list"},
		"activity.list":       {"Activity", "activity"},
		"attention.list":      {"Attention", "attention"},
		"jobs.export":         {"ExportJobs", "job export"},
		"jobs.histogram":      {"JobHistogram", ""},
		"jobs.act_many":       {"ActOnJobs", "job bulk"},
		"activity.alias":      {"", ""},
		"views.live_jobs":     {"", ""},
		"views.robot_status":  {"", ""},
		"views.queue_metrics": {"", ""},
		"views.admin":         {"", ""},
		"views.logs":          {"", ""},
		"views.robot_logs":    {"", ""},
		"views.jobs":          {"", ""},
		"views.robots":        {"", ""},
		"views.queue_depth":   {"", ""},
		"views.metrics":       {"", ""},
		"robots.pause":        {"PauseRobot", "robot pause"},
		"robots.drain":        {"DrainRobot", "robot drain"},
		"robots.maintenance":  {"MaintainRobot", "robot maintenance"},
		"robots.resume":       {"ResumeRobot", "robot resume"},
		"robots.start":        {"", ""},
		"robots.stop":         {"StopRobot", "robot stop"},
		"robots.restart":      {"RestartRobot", "robot restart"},
		"robots.shutdown":     {"ShutdownRobot", "robot shutdown"},
		"robots.assignments":  {"RobotAssignments", "robot workflows"},
		"robots.self_test":    {"TestRobot", "robot self-test"},
		"robots.commands":     {"RobotCommands", "robot commands"},
		"bulk.start":          {"StartBulk", "robot restart"},
		"bulk.list":           {"ListBulks", "bulk list"},
		"bulk.get":            {"GetBulk", "bulk get"},
		"bulk.cancel":         {"CancelBulk", "bulk cancel"},
		"bulk.retry":          {"RetryBulk", "bulk retry"},
		"deadletters.list":    {"ListDeadLetters", "deadletter list"},
		"deadletters.get":     {"GetDeadLetter", "deadletter get"},
		"deadletters.stats":   {"CountDeadLetters", "deadletter stats"},
		"deadletters.retry":   {"RetryDeadLetter", "deadletter retry"},
		"deadletters.delete":  {"DeleteDeadLetter", "deadletter delete"},
		"deadletters.purge":   {"PurgeDeadLetters", "deadletter purge"},
		"deadletters.groups":  {"DeadLetterGroups", "deadletter groups"},

		"deadletters.retry_group": {"RetryDeadLetterGroup", "deadletter again"},
		"jobs.graph":              {"JobGraph", "job graph"},
		"jobs.explain":            {"ExplainJob", "job explain"},
		"placement.preview":       {"PreviewJob", "placement preview"},
		"robots.delete":           {"DeleteRobot", "robot delete"},
		"robots.logs":             {"RobotLogs", "robot logs"},
		"robots.metrics":          {"RobotHistory", "robot history"},
		"robots.row":              {"", ""},
		"robots.rows":             {"", ""},
		"robots.status":           {"", ""},
		"robots.heartbeat":        {"", ""},
		"robots.heartbeat_of":     {"", ""},
		"robot.claim":             {"", ""},
		"robot.complete":          {"", ""},
		"robot.fail":              {"", ""},
		"robot.release":           {"", ""},
		"robot.extend":            {"", ""},
		"robot.progress":          {"", ""},
		"robots.update":           {"UpdateRobot", "robot edit"},
		"assignments.list":        {"ListAssignments", "workflow assignments"},
		"assignments.put":         {"AssignRobot", "workflow assign"},
		"assignments.delete":      {"UnassignRobot", "workflow unassign"},
		"node_overrides.list":     {"ListNodeOverrides", "workflow places"},
		"node_overrides.get":      {"GetNodeOverride", "workflow places"},
		"node_overrides.put":      {"PlaceNode", "workflow place"},
		"node_overrides.delete":   {"UnplaceNode", "workflow unplace"},
		"reservations.list":       {"ListReservations", "reservation list"},
		"reservations.create":     {"CreateReservation", "reservation create"},
		"reservations.get":        {"GetReservation", "reservation get"},
		"reservations.update":     {"UpdateReservation", "reservation enable"},
		"reservations.delete":     {"DeleteReservation", "reservation delete"},
		"environments.list":       {"ListEnvironments", "environment list"},
		"environments.get":        {"GetEnvironment", "environment get"},
		"environments.put":        {"PutEnvironment", "environment edit"},
		"audit.list":              {"ListAudit", "audit list"},
		"audit.export":            {"ExportAudit", "audit export"},
		"audit.verify":            {"VerifyAudit", "audit verify"},
		"secrets.list":            {"ListSecrets", "secret list"},
		"secrets.get":             {"GetSecret", "secret get"},
		"secrets.put":             {"PutSecret", "secret set"},
		"secrets.delete":          {"DeleteSecret", "secret delete"},
		"secrets.rewrap":          {"RewrapSecrets", "secret rewrap"},
		"assets.list":             {"ListAssets", "asset list"},
		"assets.get":              {"GetAsset", "asset get"},
		"assets.put":              {"PutAsset", "asset set"},
		"assets.delete":           {"DeleteAsset", "asset delete"},
		"numbers.fleet":           {"FleetNumbers", "stats fleet"},
		"numbers.analytics":       {"Analytics", ""},
		"numbers.overview":        {"NumbersOverview", "stats overview"},
		"numbers.series":          {"NumbersSeries", "stats throughput"},
		"numbers.workflows":       {"NumbersTable", "stats workflows"},
		"numbers.robots":          {"NumbersTable", "stats robots"},
		"numbers.environments":    {"NumbersTable", ""},
		"numbers.triggers":        {"NumbersTable", ""},
		"numbers.waits":           {"NumbersWaits", "stats waiting"},
		"numbers.failures":        {"NumbersFailures", "stats failures"},
		"numbers.heat":            {"NumbersHeat", "stats heatmap"},
		"jobs.rows":               {"", ""},
		"jobs.row":                {"", ""},
		"mining.workflows":        {"", ""},
		"mining.bottlenecks":      {"Bottlenecks", ""},
		"mining.execution":        {"Execution", ""},
		"mining.timeline":         {"", ""},
		"robots.health":           {"RobotHealth", "robot health"},
		"robots.fleet_health":     {"FleetHealth", "robot health"},
		"robots.fleet_state":      {"FleetState", "robot capacity"},
		"robots.sum":              {"", ""},
		"numbers.snapshot":        {"", ""},
		"numbers.prometheus":      {"", ""},
		"tenants.list":            {"ListTenants", "tenant list"},
		"tenants.get":             {"GetTenant", "tenant get"},
		"tenants.create":          {"CreateTenant", "tenant create"},
		"tenants.put":             {"PutTenant", "tenant edit"},
		"keys.create":             {"CreateKey", "key create"},
		"keys.list":               {"ListKeys", "key list"},
		"keys.revoke":             {"RevokeKey", "key revoke"},
		"robot_keys.list":         {"", "key list"},
		"robot_keys.create":       {"", "key create"},
		"robot_keys.revoke":       {"", "key revoke"},
		"robot_keys.delete":       {"", "key revoke"},
		"robot_keys.rotate":       {"", "key rotate"},
		"keys.get":                {"GetKey", "key get"},
		"keys.update":             {"EditKey", "key edit"},
		"keys.rotate":             {"RotateKey", "key rotate"},
		"enrolments.create":       {"CreateEnrolment", "enrolment create"},
		"enrolments.list":         {"ListEnrolments", "enrolment list"},
		"enrolments.revoke":       {"RevokeEnrolment", "enrolment revoke"},
		"robots.enrol":            {"Enrol", "robot enrol"},
		"members.list":            {"ListMembers", "member list"},
		"settings.list":           {"ListSettings", "setting list"},
		"me.get":                  {"Me", "whoami"},
		"auth.login":              {"Login", "login"},
		"auth.refresh":            {"Refresh", ""},
		"auth.logout":             {"Logout", "logout"},
		"auth.me":                 {"", ""},
		"auth.session":            {"", ""},
		"auth.ticket":             {"StreamTicket", ""},
		"auth.setup":              {"Setup", "setup"},
		"auth.oidc_start":         {"", ""},
		"auth.oidc_callback":      {"", ""},
		"me.password":             {"ChangePassword", "user password"},
		"me.sessions":             {"OwnSessions", "user sessions"},
		"me.end_session":          {"EndSession", "user sign-out"},
		"users.list":              {"ListUsers", "user list"},
		"users.get":               {"GetUser", "user get"},
		"users.create":            {"CreateUser", "user create"},
		"users.update":            {"UpdateUser", "user edit"},
		"users.password":          {"SetPassword", "user password"},
		"users.delete":            {"DeleteUser", "user delete"},
		"meta.get":                {"Meta", ""},
		"node_types.list":         {"NodeTypes", ""},
		"local.start":             {"", "run"},
		"local.runs":              {"", ""},
		"local.run":               {"", "run"},
		"local.log":               {"", "run"},
		"local.cancel":            {"", ""},
		"local.files":             {"", ""},
		"local.open":              {"", ""},
		"local.save":              {"", ""},
		"local.connect":           {"", ""},
		"views.list":              {"ListViews", "view list"},
		"views.create":            {"CreateView", "view add"},
		"views.update":            {"UpdateView", "view edit"},
		"views.delete":            {"DeleteView", "view delete"},
		"search.get":              {"Search", "search"},
		"webhooks.list":           {"ListWebhooks", "webhook list"},
		"webhooks.create":         {"CreateWebhook", "webhook add"},
		"webhooks.get":            {"GetWebhook", "webhook show"},
		"webhooks.update":         {"UpdateWebhook", "webhook edit"},
		"webhooks.delete":         {"DeleteWebhook", "webhook delete"},
		"webhooks.enable":         {"EnableWebhook", "webhook enable"},
		"webhooks.disable":        {"DisableWebhook", "webhook disable"},
		"webhooks.rotate":         {"RotateWebhook", "webhook rotate"},
		"webhooks.test":           {"TestWebhook", "webhook test"},
		"webhooks.replay":         {"ReplayWebhook", "webhook replay"},
		"webhooks.deliveries":     {"WebhookDeliveries", "webhook deliveries"},
		"webhooks.delivery":       {"GetDelivery", "webhook delivery"},
		"triggers.list":           {"ListTriggers", "trigger list"},
		"triggers.create":         {"CreateTrigger", "trigger add"},
		"triggers.get":            {"GetTrigger", "trigger show"},
		"triggers.update":         {"UpdateTrigger", "trigger edit"},
		"triggers.delete":         {"DeleteTrigger", "trigger delete"},
		"triggers.enable":         {"EnableTrigger", "trigger enable"},
		"triggers.disable":        {"DisableTrigger", "trigger disable"},
		"triggers.test":           {"TryTrigger", "trigger test"},
		"triggers.fires":          {"TriggerFirings", "trigger fires"},
		"alertrules.list":         {"ListAlertRules", "alert rule list"},
		"alertrules.create":       {"CreateAlertRule", "alert rule add"},
		"alertrules.get":          {"GetAlertRule", "alert rule show"},
		"alertrules.update":       {"UpdateAlertRule", "alert rule edit"},
		"alertrules.delete":       {"DeleteAlertRule", "alert rule delete"},
		"alertchannels.list":      {"ListAlertChannels", "alert channel list"},
		"alertchannels.create":    {"CreateAlertChannel", "alert channel add"},
		"alertchannels.get":       {"GetAlertChannel", "alert channel show"},
		"alertchannels.update":    {"UpdateAlertChannel", "alert channel edit"},
		"alertchannels.delete":    {"DeleteAlertChannel", "alert channel delete"},
		"alertchannels.test":      {"TestAlertChannel", "alert channel test"},
		"alertchannels.rotate":    {"RotateAlertChannel", "alert channel rotate"},
		"silences.list":           {"ListSilences", "alert silence list"},
		"silences.create":         {"CreateSilence", "alert silence add"},
		"silences.update":         {"UpdateSilence", "alert silence edit"},
		"silences.delete":         {"DeleteSilence", "alert silence delete"},
		"incidents.list":          {"ListIncidents", "alert list"},
		"incidents.get":           {"GetIncident", "alert show"},
		"incidents.acknowledge":   {"AcknowledgeIncident", "alert ack"},
		"incidents.resolve":       {"ResolveIncident", "alert resolve"},
		"hooks.call":              {"", ""},
		"hooks.call_path":         {"", ""},
		"hooks.call_owner":        {"", ""},
		"schedules.list":          {"ListSchedules", "schedule list"},
		"schedules.create":        {"CreateSchedule", "schedule add"},
		"schedules.get":           {"GetSchedule", "schedule show"},
		"schedules.update":        {"UpdateSchedule", "schedule edit"},
		"schedules.delete":        {"DeleteSchedule", "schedule delete"},
		"schedules.run":           {"RunSchedule", "schedule run"},
		"schedules.run_as":        {"", ""},
		"schedules.trigger":       {"", ""},
		"schedules.enable":        {"EnableSchedule", "schedule resume"},
		"schedules.disable":       {"DisableSchedule", "schedule pause"},
		"schedules.preview":       {"PreviewSchedule", "schedule preview"},
		"schedules.upcoming":      {"UpcomingRuns", "schedule upcoming"},
		"schedules.agenda":        {"ScheduleAgenda", "schedule agenda"},
		"schedules.fires":         {"ScheduleFires", "schedule fires"},
		"backfills.list":          {"Backfills", "schedule backfill list"},
		"backfills.create":        {"CreateBackfill", "schedule backfill start"},
		"backfills.cancel":        {"CancelBackfill", "schedule backfill cancel"},
		"calendars.list":          {"ListCalendars", "calendar list"},
		"calendars.create":        {"CreateCalendar", "calendar create"},
		"calendars.get":           {"GetCalendar", "calendar show"},
		"calendars.update":        {"UpdateCalendar", "calendar edit"},
		"calendars.delete":        {"DeleteCalendar", "calendar delete"},
		"queues.list":             {"ListQueues", "queue list"},
		"queues.get":              {"GetQueue", "queue get"},
		"queues.create":           {"CreateQueue", "queue create"},
		"queues.update":           {"UpdateQueue", "queue edit"},
		"queues.delete":           {"DeleteQueue", "queue delete"},
		"queues.stats":            {"QueueStats", "queue stats"},
		"queues.depth":            {"QueueDepth", "queue depth"},
		"queues.figures":          {"QueueFigures", "queue figures"},
		"queues.pause":            {"PauseQueue", "queue pause"},
		"queues.resume":           {"ResumeQueue", "queue resume"},
		"items.list":              {"ListItems", "item list"},
		"items.add":               {"AddItem", "item add"},
		"items.add_many":          {"AddItems", "queue import"},
		"items.export":            {"ExportItems", "queue export"},
		"items.get":               {"GetItem", "item get"},
		"items.chain":             {"ItemChain", "item chain"},
		"items.update":            {"UpdateItem", "item edit"},
		"items.delete":            {"DeleteItem", "item delete"},
		"items.retry":             {"RetryItem", "item retry"},
		"items.change":            {"ChangeItems", "item change"},
		"items.review":            {"ReviewItem", "item review"},
		"items.comment":           {"CommentItem", "item comment"},
		"items.claim":             {"ClaimItems", "item claim"},
		"items.complete":          {"CompleteItem", "item complete"},
		"items.fail":              {"FailItem", "item fail"},
		"items.postpone":          {"PostponeItem", "item postpone"},
		"items.release":           {"ReleaseItem", "item release"},
		"items.renew":             {"RenewItem", ""},
		"health.get":              {"Health", ""},
		"health.alias":            {"", ""},
		"health.live":             {"", ""},
		"health.ready":            {"", ""},
		"robot.workflow":          {"RobotWorkflow", ""},
		"robot.result":            {"PutResult", ""},
		"robot.artifact":          {"PutArtifact", ""},
		"jobs.artifacts":          {"Artifacts", "artifact list"},
		"jobs.artifact":           {"GetArtifact", "artifact get"},
		"robot.watches":           {"RobotWatches", ""},
		"robot.watched":           {"TellWatched", ""},
		"document.get":            {"", ""},
	}
}

// TestComplete walks the table: every operation is in the document with its
// permission and its rate class, has a method of the client and a verb of the
// command line, or a line in exempt.txt that says why not.
func TestComplete(t *testing.T) {
	a, err := newAPI(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string         `json:"operationId"`
			Permission  string         `json:"x-permission"`
			Rate        string         `json:"x-rate-class"`
			Responses   map[string]any `json:"responses"`
			Body        any            `json:"requestBody"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(documentText(t), &doc); err != nil {
		t.Fatal(err)
	}
	documented := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			documented++
			o := a.routes[strings.ToUpper(method)+" "+path]
			if o == nil || o.id != op.OperationID || op.Permission == "" || op.Rate == "none" {
				t.Errorf("%s %s: %+v is not what is served", method, path, op)
				continue
			}
			if (o.body.limit == noBody) != (op.Body == nil) || op.Responses["default"] == nil {
				t.Errorf("%s %s: its body or its errors are not in the document", method, path)
			}
		}
	}
	if documented != len(a.routes) {
		t.Errorf("%d operations in the document, %d routes", documented, len(a.routes))
	}
	exempt, used := exemptions(t), map[string]bool{}
	sdk := reflect.TypeFor[*client.Client]()
	grammar := readGrammar(t)
	for _, o := range a.routes {
		v, ok := verbs()[o.id]
		if !ok {
			t.Errorf("%s is not in the list of verbs", o.id)
			continue
		}
		check := func(kind, name string, known bool) {
			reason := exempt[o.id+" "+kind]
			used[o.id+" "+kind] = reason != ""
			if (name == "" && reason == "") || (name != "" && (!known || reason != "")) {
				t.Errorf("%s: %s %q does not exist, or exempt.txt says otherwise", o.id, kind, name)
			}
		}
		_, known := sdk.MethodByName(v.method)
		check("client", v.method, known)
		check("cli", v.cli, grammar == "" || strings.Contains(grammar, "fleet "+v.cli))
	}
	for line := range exempt {
		if !used[line] {
			t.Errorf("exempt.txt: %s is not needed", line)
		}
	}
}

// exemptions reads "operation kind reason" lines.
func exemptions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/exempt.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		words := strings.SplitN(line, " ", 3)
		if len(words) != 3 {
			t.Fatalf("exempt.txt: %q has no reason", line)
		}
		out[words[0]+" "+words[1]] = words[2]
	}
	return out
}

// readGrammar is the reference page of the command line, if there is one.
func readGrammar(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/cli.md")
	if err != nil {
		t.Log("docs/reference/cli.md is not there: verbs are not compared")
		return ""
	}
	return string(text)
}

// TestEventShapes holds the list of events against the vocabulary.
func TestEventShapes(t *testing.T) {
	var kinds []fleet.EventKind
	for _, s := range eventShapes() {
		kinds = append(kinds, s.kind)
	}
	want := fleet.EventKinds()
	slices.Sort(kinds)
	slices.Sort(want)
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
}

// documentText is the document as programs read it.
func documentText(tb testing.TB) []byte {
	tb.Helper()
	text, err := Document()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
