package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/casarerpa/fleet/internal/config"
)

// completionCmd writes a script that asks this program for candidates.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish"`
}

// Help is the long form of the help.
func (completionCmd) Help() string {
	return `Examples:

    source <(fleet completion bash)
    fleet completion zsh > "${fpath[1]}/_fleet"
    fleet completion fish > ~/.config/fish/completions/fleet.fish`
}

// Run writes the script.
func (c *completionCmd) Run(sh *shell) error {
	script := map[string]string{
		"bash": `_fleet() {
  local IFS=$'\n'
  COMPREPLY=($(fleet complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _fleet fleet
`,
		"zsh": `#compdef fleet
_fleet() {
  local -a found
  found=("${(@f)$(fleet complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [ -n "${found[1]}" ]; then compadd -- "${found[@]}"; else _files; fi
}
compdef _fleet fleet
`,
		"fish": `function __fleet_candidates
  set -l words (commandline -opc) (commandline -ct)
  fleet complete -- $words[2..-1] 2>/dev/null
end
complete -c fleet -a '(__fleet_candidates)'
`,
	}[c.Shell]
	_, err := fmt.Fprint(sh.out, script)
	return err
}

// completeCmd is what the scripts call.
type completeCmd struct {
	Words []string `arg:"" optional:""`
}

// Run prints the candidates for the last word, one per line. No candidate
// means that the shell should offer files.
func (c *completeCmd) Run(k *kong.Context, sh *shell) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	last := ""
	if n := len(words); n > 0 {
		last, words = words[n-1], words[:n-1]
	}
	node := k.Model.Node
	for _, w := range words {
		if next := child(node, w); next != nil {
			node = next
		}
	}
	var found []string
	if strings.HasPrefix(last, "-") {
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				found = append(found, "--"+f.Name)
			}
		}
	} else {
		for _, n := range node.Children {
			if n.Type == kong.CommandNode && !n.Hidden {
				found = append(found, n.Name)
			}
		}
		for _, p := range node.Positional {
			found = append(found, p.EnumSlice()...)
		}
	}
	slices.Sort(found)
	for _, f := range slices.Compact(found) {
		if strings.HasPrefix(f, last) {
			fmt.Fprintln(sh.out, f)
		}
	}
	return nil
}

// child finds a command below another, also by its second names.
func child(node *kong.Node, word string) *kong.Node {
	for _, n := range node.Children {
		if n.Type == kong.CommandNode && (n.Name == word || slices.Contains(n.Aliases, word)) {
			return n
		}
	}
	return nil
}

// Reference is the page docs/reference/cli.md, from the very model that reads
// the command line.
func Reference() (string, error) {
	sh := newShell(Streams{Version: "devel"}, func(string) string { return "" })
	parser, err := newParser(sh, func(string) string { return "" }, func(int) {})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Command line\n\n<!-- Written by make generate from internal/cli. Edit that. -->\n\n")
	b.WriteString("`fleet NOUN VERB`; nouns may be plural. `fleet COMMAND --help` says the same as this page. Flags that can stand in the environment or in a file are in [config.md](config.md).\n\n")
	b.WriteString("Standard output holds the answer: a table for people, or with `-o json` and `-o yaml` one document. Everything else goes to standard error. Colours and bars appear on terminals only; `NO_COLOR` switches colours off.\n\n")
	b.WriteString(exitTable())
	shared, err := config.Fields(&config.Client{})
	if err != nil {
		return "", err
	}
	var names []string
	b.WriteString("\n## Flags of every command that asks an orchestrator\n\n| Flag | Environment | Default | Meaning |\n|---|---|---|---|\n")
	for _, f := range shared {
		names = append(names, f.Flag)
		b.WriteString(row("`--"+f.Flag+"`", ticks(f.Env), tick(f.Default), f.Help))
	}
	for _, n := range parser.Model.Leaves(true) {
		describe(&b, n, names)
	}
	return b.String(), nil
}

func describe(b *strings.Builder, n *kong.Node, shared []string) {
	fmt.Fprintf(b, "\n## fleet %s\n\n%s.\n", commandPath(n), strings.TrimSuffix(sentence(n.Help), "."))
	var usage strings.Builder
	usage.WriteString("fleet " + commandPath(n))
	for _, p := range n.Positional {
		usage.WriteString(" " + p.Summary())
	}
	fmt.Fprintf(b, "\n```\n%s [flags]\n```\n", usage.String())
	if n.Detail != "" {
		b.WriteString("\n" + fenced(n.Detail) + "\n")
	}
	var own, asked []string
	for _, f := range n.Flags {
		if slices.Contains(shared, f.Name) {
			asked = append(asked, f.Name)
		}
	}
	all := len(asked) == len(shared)
	for _, f := range n.Flags {
		if f.Hidden || f.Name == "help" || all && slices.Contains(shared, f.Name) {
			continue
		}
		name := "`--" + f.Name + "`"
		if f.Short != 0 {
			name = "`-" + string(f.Short) + "`, " + name
		}
		help := strings.ReplaceAll(f.Help, "${enum}", f.Enum)
		own = append(own, row(name, tick(f.Default), help))
	}
	if len(own) > 0 {
		b.WriteString("\n| Flag | Default | Meaning |\n|---|---|---|\n" + strings.Join(own, ""))
	}
	if all {
		b.WriteString("\nIt asks an orchestrator: the flags above apply too.\n")
	}
}

// fenced puts indented examples between fences and leaves the rest as it is.
func fenced(text string) string {
	var out []string
	open := false
	for line := range strings.SplitSeq(text, "\n") {
		code := strings.HasPrefix(line, "    ")
		if code != open && (code || line != "") {
			out = append(out, "```")
			open = code
			if !code {
				out = append(out, "")
			}
		}
		out = append(out, strings.TrimPrefix(line, "    "))
	}
	if open {
		out = append(out, "```")
	}
	return strings.ReplaceAll(strings.Join(out, "\n"), "\n\n```\n\n", "\n```\n\n")
}

func row(cells ...string) string {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
		if c == "" {
			cells[i] = "–"
		}
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func tick(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

func ticks(list []string) string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = tick(t)
	}
	return strings.Join(out, ", ")
}
