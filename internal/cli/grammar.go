package cli

import "github.com/alecthomas/kong"

// about is the first thing that a newcomer reads.
const about = `Runs CasareRPA workflows on a fleet of software robots.

Start with "fleet dev": an orchestrator, two robots and a sample job on this machine.`

// commands is the command line. Kong reads it; so does the reference page.
type commands struct {
	Config kong.ConfigFlag `help:"configuration file; default: FLEET_CONFIG, else fleet/config.yaml in the user's configuration folder" placeholder:"PATH"`

	Run      runCmd `cmd:"" help:"run a workflow file here, without any orchestrator" group:"Programs"`
	Workflow struct {
		Validate workflowValidateCmd `cmd:"" help:"check workflow files without running them"`
	} `cmd:"" aliases:"workflows" help:"check, store and show workflows" group:"Nouns"`
	Version versionCmd `cmd:"" help:"say which version this is" group:"More"`
}
