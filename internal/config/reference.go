package config

import (
	"fmt"
	"strings"
)

// Reference is the page docs/reference/config.md.
func Reference() (string, error) {
	var b strings.Builder
	b.WriteString(`# Configuration

<!-- Written by make generate from the structs in internal/config. Edit those. -->

Every setting has a flag, a name in the environment and a key in the YAML file. A flag wins over the environment, that over the file, that over the default. An unknown key in the file is an error that names the nearest known one.

The file is what ` + "`--config`" + ` names, else ` + "`FLEET_CONFIG`" + `, else ` + "`fleet/config.yaml`" + ` in the user's configuration folder. It has one section for each program; keys are the flags with ` + "`_`" + ` for ` + "`-`" + `, and a common first word may be a level of its own:

` + "```yaml" + `
serve:
  listen: 127.0.0.1:8000
  timing:
    lost: 2m
robot:
  url: [http://127.0.0.1:8000]
  key: file:/etc/fleet/robot.key
` + "```" + `

A duration is written as 90s, 5m or 24h, a size as 512, 64KiB or 10MiB, a network as 10.0.0.0/8. A secret may be ` + "`file:/path`" + `; it is never printed.
`)
	for _, s := range Sections() {
		fields, err := Fields(s.Zero)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n## %s\n\nRead by %s.\n\n| Flag | Environment | Value | Default | Meaning |\n|---|---|---|---|---|\n", s.Name, s.For)
		for _, f := range fields {
			env := make([]string, len(f.Env))
			for i, name := range f.Env {
				env[i] = "`" + name + "`"
			}
			def := "–"
			if f.Default != "" {
				def = "`" + f.Default + "`"
			}
			fmt.Fprintf(&b, "| `--%s` | %s | %s | %s | %s |\n", f.Flag, strings.Join(env, ", "), f.Type, def, f.Help)
		}
	}
	return b.String(), nil
}
