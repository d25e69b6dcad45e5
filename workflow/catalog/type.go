package catalog

import (
	"slices"
	"strings"
)

// Support says whether this version runs a node type itself.
type Support int

// The answers of Type.Support.
const (
	Native      Support = iota // run by the engine of this program
	Unsupported                // known, but refused; Type.Reason says why
)

// String names the support in one word.
func (s Support) String() string {
	if s == Native {
		return "native"
	}
	return "unsupported"
}

// Effect says whether a node changes something outside the job, so that it
// must not run a second time when nobody knows how the first one ended.
type Effect string

// The values of Type.Effect.
const (
	NoEffect     Effect = ""       // reads, computes, or writes into the job's own folder
	AlwaysEffect Effect = "always" // changes something outside
	MethodEffect Effect = "method" // depends on the HTTP method: reading ones do not
)

// Port is a data input or output. Its type is one of str, text, int, num,
// bool, any, list, dict, json, page, browser, obj.
type Port struct {
	Name     string
	Type     string
	Required bool // flagged required in the original; rule C3 softens it
}

// Property is a setting of a node. Its type is one of str, text, int, num,
// bool, any, json, list, dict, path, dir, glob, sel, code, choice, multi.
type Property struct {
	Name     string
	Type     string
	Default  any // nil: none; else a value as package value reads JSON
	Required bool
	Choices  []string
	Min, Max *float64
}

// PortSet holds the data ports that a super node has for one of its actions.
type PortSet struct {
	In  []Port
	Out []Port
}

// Type is everything that is known of one node type.
type Type struct {
	Name   string
	Family string
	SameAs string // another type that this one is a second name of

	In         []Port
	Out        []Port
	ExecIn     bool     // has the input exec_in
	ExecOut    []string // names of the exec outputs; ["exec_out"] if not said
	Properties []Property
	Actions    map[string]PortSet // by value of the property action; nil if none

	Capability string // what a robot must offer: browser, desktop, shell, python; or empty
	Support    Support
	Reason     string // why it is unsupported, fit to follow "because it"
	Wave       int
	Loopable   bool // may run again in one run without being cleared by a loop
	Effect     Effect
	Abridged   bool // the port lists are not complete
	Added      bool // not in the original's registry: ours, or found in saved files
}

// Property finds a property by name.
func (t *Type) Property(name string) (Property, bool) {
	for _, p := range t.Properties {
		if p.Name == name {
			return p, true
		}
	}
	return Property{}, false
}

// Input finds a data input by name, among those of all actions too.
func (t *Type) Input(name string) (Port, bool) {
	return t.port(name, t.In, func(s PortSet) []Port { return s.In })
}

// Output finds a data output by name, among those of all actions too.
func (t *Type) Output(name string) (Port, bool) {
	return t.port(name, t.Out, func(s PortSet) []Port { return s.Out })
}

func (t *Type) port(name string, own []Port, of func(PortSet) []Port) (Port, bool) {
	for _, p := range own {
		if p.Name == name {
			return p, true
		}
	}
	for _, set := range t.Actions {
		for _, p := range of(set) {
			if p.Name == name {
				return p, true
			}
		}
	}
	return Port{}, false
}

// Ports returns the data ports for a value of the property action; a type
// without actions, and an unknown action, have the plain ones.
func (t *Type) Ports(action string) PortSet {
	if set, ok := t.Actions[action]; ok {
		return set
	}
	return PortSet{In: t.In, Out: t.Out}
}

// IsExecOut says whether an output port carries the flow. Types that make
// ports as they go (case_… of a switch, branch_… of a fork) are known.
func (t *Type) IsExecOut(port string) bool {
	if t.HasExecOut(port) {
		return true
	}
	if _, data := t.Output(port); data {
		return false
	}
	return IsExecName(port)
}

// HasExecOut says whether the flow may leave by a port of this name, going by
// what the type has and not by how the name sounds.
func (t *Type) HasExecOut(port string) bool {
	switch t.Name {
	case "SwitchNode":
		if strings.HasPrefix(port, "case_") {
			return true
		}
	case "ForkNode":
		if strings.HasPrefix(port, "branch_") {
			return true
		}
	}
	return slices.Contains(t.ExecOut, port)
}

// IsExecName tells an exec port from a data port by its name alone, for types
// that the catalog does not hold.
func IsExecName(port string) bool {
	if strings.Contains(port, "exec") {
		return true
	}
	switch port {
	case "loop_body", "completed", "true", "false", "then", "else", "on_success", "on_error",
		"on_finally", "body", "done", "finish", "next", "try_body", "catch_body", "finally_body",
		"retry_body", "loop_next", "loop_continue":
		return true
	}
	return false
}
