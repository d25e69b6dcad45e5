package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCmd says what this program is.
type versionCmd struct {
	Output string `short:"o" help:"form of the answer: ${enum}" enum:"table,json,yaml" default:"table" env:"FLEET_OUTPUT"`
}

// Run prints the version.
func (c *versionCmd) Run(sh *shell) error {
	v := struct {
		Version string `json:"version"`
		Go      string `json:"go"`
		OS      string `json:"os"`
		Arch    string `json:"arch"`
	}{sh.version, runtime.Version(), runtime.GOOS, runtime.GOARCH}
	return sh.answer(c.Output, v, func() error {
		_, err := fmt.Fprintf(sh.out, "fleet %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
		return err
	})
}

// buildVersion is what the toolchain has written into the program.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	return version
}
