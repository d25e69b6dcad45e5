package config

import (
	"fmt"
	"regexp"
	"strings"
)

// answer is the status that the help of a limit ends with.
var answer = regexp.MustCompile(`\s*\(([^()]*\d{3}[^()]*)\)`)

// LimitPage is the page docs/reference/limits.md.
func LimitPage() (string, error) {
	var b strings.Builder
	b.WriteString(`# Limits

<!-- Written by make generate from internal/config/limits.go. Edit that. -->

What an orchestrator accepts at most. Beyond a limit the answer is an error that names the limit; nothing is cut off silently. Each is set by its flag, its name in the environment, or its key in the file (` + "`serve: {limit: {body: 2MiB}}`" + `); see [configuration](config.md).

| What | Default | Answer beyond | Flag | Environment |
|---|---|---|---|---|
`)
	fields, err := Fields(&Serve{})
	if err != nil {
		return "", err
	}
	last := ""
	for _, f := range fields {
		if !strings.HasPrefix(f.Flag, "limit-") {
			continue
		}
		text, beyond := f.Help, "–"
		if m := answer.FindStringSubmatch(text); m != nil {
			beyond, text = m[1], strings.Replace(text, m[0], "", 1)
			beyond = strings.TrimSuffix(beyond, " beyond")
			last = beyond
		} else if strings.HasPrefix(text, "…") {
			beyond = last
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | `--%s` | `%s` |\n", strings.TrimSpace(text), f.Default, beyond, f.Flag, strings.Join(f.Env, "`, `"))
	}
	b.WriteString(`
What holds besides and is not set: names have at most 128 characters (workflows, schedules and keys 255), are not blank, hold no control or direction marks and are in Unicode's composed form; a JSON object has no member twice; a body comes as it is, without content encoding, and with the content type of its route; sort keys and filters are closed lists; a frame of a robot has at most 1 MiB, a checkpoint 64 KiB.

Rates are token buckets: a bucket holds as many as a minute may have, and fills evenly. 429 carries ` + "`Retry-After`" + `, ` + "`RateLimit`" + ` and ` + "`RateLimit-Policy`" + `, which names the bucket. Robots have a lane of their own. Each orchestrator keeps its own buckets.
`)
	return b.String(), nil
}
