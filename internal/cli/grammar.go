package cli

import "github.com/alecthomas/kong"

// about is the first thing that a newcomer reads.
const about = `Runs CasareRPA workflows on a fleet of software robots.

Start with "fleet dev": an orchestrator, two robots and a sample job on this machine.`

// commands is the command line. Kong reads it; so does the reference page.
type commands struct {
	Config  kong.ConfigFlag `help:"configuration file; default: FLEET_CONFIG, else fleet/config.yaml in the user's configuration folder" placeholder:"PATH"`
	Verbose bool            `short:"v" help:"say which address answered and what was tried again"`

	Dev    devCmd    `cmd:"" help:"an orchestrator, robots and a sample job in one process" group:"Programs"`
	Serve  serveCmd  `cmd:"" help:"be the orchestrator" group:"Programs"`
	Canvas canvasCmd `cmd:"" help:"edit workflows on this machine, run them here or on the fleet" group:"Programs"`
	Run    runCmd    `cmd:"" help:"run a workflow file here, without any orchestrator" group:"Programs"`

	Job         jobCmds         `cmd:"" aliases:"jobs" help:"submit, watch, stop and repeat jobs" group:"Nouns"`
	Robot       robotCmds       `cmd:"" aliases:"robots" help:"be a robot; list and show robots" group:"Nouns"`
	Workflow    workflowCmds    `cmd:"" aliases:"workflows" help:"check, store and show workflows" group:"Nouns"`
	Artifact    artifactCmds    `cmd:"" aliases:"artifacts" help:"fetch the files that jobs left" group:"Nouns"`
	Bulk        bulkCmds        `cmd:"" help:"see and stop what is asked of many robots" group:"Nouns"`
	DeadLetter  deadLetterCmds  `cmd:"" name:"deadletter" aliases:"dlq,deadletters" help:"look after jobs that failed for good" group:"Nouns"`
	Reservation reservationCmds `cmd:"" aliases:"reservations" help:"keep slots free for the work that matters" group:"Nouns"`
	Environment environmentCmds `cmd:"" aliases:"environments" help:"set what holds for an environment" group:"Nouns"`
	Tenant      tenantCmds      `cmd:"" aliases:"tenants" help:"keep customers apart, with quotas of their own" group:"Nouns"`
	Key         keyCmds         `cmd:"" aliases:"keys,apikey,apikeys" help:"make, list, rotate and revoke keys" group:"Nouns"`
	Enrolment   enrolmentCmds   `cmd:"" aliases:"enrolments" help:"let machines enrol themselves as robots" group:"Nouns"`
	User        userCmds        `cmd:"" aliases:"users" help:"let people in, change what they may, keep them out" group:"Nouns"`
	Setting     settingCmds     `cmd:"" aliases:"settings" help:"list the limits and the retention that hold" group:"Nouns"`
	Member      memberCmds      `cmd:"" aliases:"members" help:"list the orchestrators that share a database" group:"Nouns"`
	Secret      secretCmds      `cmd:"" aliases:"secrets" help:"keep passwords out of workflows" group:"Nouns"`
	Asset       assetCmds       `cmd:"" aliases:"assets" help:"keep settings out of workflows" group:"Nouns"`
	Queue       queueCmds       `cmd:"" aliases:"queues" help:"keep lists of business work that robots take one by one" group:"Nouns"`
	Item        itemCmds        `cmd:"" aliases:"items" help:"fill queues, and settle what went wrong" group:"Nouns"`
	Trigger     triggerCmds     `cmd:"" aliases:"triggers" help:"run workflows when something happens: web calls, events, the backlog of a queue" group:"Nouns"`
	Webhook     webhookCmds     `cmd:"" aliases:"webhooks" help:"have events sent to other systems, signed and tried again for days" group:"Nouns"`
	Schedule    scheduleCmds    `cmd:"" aliases:"schedules" help:"run workflows at times, and see what will happen and what did" group:"Nouns"`
	Calendar    calendarCmds    `cmd:"" aliases:"calendars" help:"say on which days and hours schedules may run" group:"Nouns"`
	Alert       alertCmds       `cmd:"" aliases:"alerts" help:"see what needs you; say what people are told of, and how" group:"Nouns"`
	Audit       auditCmds       `cmd:"" help:"see who did what, and prove that nothing in it was altered" group:"Nouns"`
	Stats       statsCmds       `cmd:"" help:"see numbers: throughput, durations, waiting, failures, how busy robots are" group:"Nouns"`
	Attention   attentionCmd    `cmd:"" help:"see what needs a person, the worst first" group:"Nouns"`
	View        viewCmds        `cmd:"" aliases:"views" help:"keep ways of looking at lists, for yourself or shared" group:"Nouns"`
	Search      searchCmd       `cmd:"" aliases:"find" help:"find things by the beginning of a name or an id" group:"Nouns"`
	Activity    activityCmd     `cmd:"" help:"read what happened, in sentences" group:"Nouns"`
	Events      eventsCmd       `cmd:"" aliases:"event" help:"read what happened, and what happens" group:"Nouns"`

	Login  loginCmd  `cmd:"" help:"sign in; other commands use it where no key is given" group:"More"`
	Logout logoutCmd `cmd:"" help:"end that sign-in" group:"More"`
	Whoami whoamiCmd `cmd:"" help:"say who this is to the orchestrator, and what they may do" group:"More"`
	Setup  setupCmd  `cmd:"" help:"make the first administrator of a new installation" group:"More"`

	Placement placementCmds `cmd:"" help:"look into decisions of placement" group:"More"`

	DB dbCmds `cmd:"" name:"db" help:"look after the database: status, migrate, backup, restore, copy" group:"More"`

	TLS tlsCmds `cmd:"" name:"tls" help:"look after the local certificate authority of serve --tls auto" group:"More"`

	Version    versionCmd    `cmd:"" help:"say which version this is" group:"More"`
	Completion completionCmd `cmd:"" help:"write the completion of a shell" group:"More"`
	Complete   completeCmd   `cmd:"" hidden:"" passthrough:"" help:"candidates for the last word"`
}
