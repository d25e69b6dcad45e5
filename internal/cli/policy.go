package cli

import (
	"net/netip"

	"github.com/casarerpa/fleet/internal/outbound"
	"github.com/casarerpa/fleet/internal/runner"
)

// policyOf puts the switches of a machine's owner into the runner's words.
func policyOf(shell, python, node bool, roots []string, publicOnly bool, allow []netip.Prefix) runner.Policy {
	p := runner.Policy{AllowShell: shell, AllowPython: python, AllowNode: node}
	for _, path := range roots {
		p.Roots = append(p.Roots, runner.Root{Path: path})
	}
	network := outbound.Intranet()
	if publicOnly {
		network = outbound.Strict()
	}
	network.Allow = allow
	p.Network = &network
	return p
}
