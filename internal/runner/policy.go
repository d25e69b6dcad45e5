package runner

import (
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/outbound"
)

// Policy is what the operator of this machine lets jobs do. It is local: no
// orchestrator can widen it. The zero Policy allows data, the job's own folder
// and the network except for addresses that hand out credentials.
type Policy struct {
	AllowShell  bool // programs and shell lines
	AllowPython bool // the machine's Python
	AllowNode   bool // the machine's Node.js

	Roots []Root // folders outside the job's own that jobs may use

	NetworkOff bool             // no HTTP at all
	Network    *outbound.Policy // nil: outbound.Intranet, since robots work on intranets
	MaxBody    int64            // of an answer; 0 means 64 MiB
}

// Root is a folder that jobs may use besides their own.
type Root struct {
	Path     string
	ReadOnly bool
}

// permits says whether a program with this need may run, as an error if not.
func (p *Policy) permits(needs string) error {
	switch {
	case needs == "python" && p.AllowPython, needs == "node" && p.AllowNode,
		(needs == "shell" || needs == "") && p.AllowShell:
		return nil
	}
	what := map[string]string{"python": "Python scripts", "node": "Node.js scripts"}[needs]
	if what == "" {
		what = "commands"
	}
	return &engine.Failure{
		Type: "PermissionError", Class: engine.ClassInvalid,
		Message: "The policy of this robot does not allow " + what,
	}
}
