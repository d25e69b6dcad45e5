package workflow

import (
	"fmt"
	"strings"
)

// Severity says whether a problem stops the document.
type Severity int

// The severities.
const (
	Warning Severity = iota // told to the author; the document runs
	Error                   // the document is refused
)

// String names the severity in lower case.
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Code names a kind of problem. Codes are stable; texts are not.
type Code string

// The codes of problems in the shape of a document. Those that the original
// has too keep its names.
const (
	// CodeMissingKey: a top-level entry is missing that no document can do without.
	CodeMissingKey Code = "MISSING_REQUIRED_KEY"
	// CodeInvalidType: an entry has the wrong JSON type.
	CodeInvalidType Code = "INVALID_TYPE"
	// CodeEmptyWorkflow: there are no nodes.
	CodeEmptyWorkflow Code = "EMPTY_WORKFLOW"
	// CodeMissingField: a node or a connection lacks one of its fields.
	CodeMissingField Code = "MISSING_REQUIRED_FIELD"
	// CodeIDMismatch: node_id says something else than the key of the node.
	CodeIDMismatch Code = "NODE_ID_MISMATCH"
	// CodeDuplicateNode: two nodes of a list have one id.
	CodeDuplicateNode Code = "DUPLICATE_NODE_ID"
	// CodeInvalidConfig: a config is no object (error), or a value in it is
	// outside of its choices or range (warning).
	CodeInvalidConfig Code = "INVALID_CONFIG"
	// CodeTooLong: a name or text is longer than allowed.
	CodeTooLong Code = "TOO_LONG"
	// CodeLimit: more nodes or connections than allowed, or a graph so
	// entangled that it cannot be understood within the allowed work.
	CodeLimit Code = "LIMIT_EXCEEDED"
	// CodeIgnoredConnection: a connection in a form that says too little.
	CodeIgnoredConnection Code = "IGNORED_CONNECTION"
	// CodeInvalidPosition: the editor could not place the node.
	CodeInvalidPosition Code = "INVALID_POSITION"
)

// The codes of problems with the metadata.
const (
	// CodeInvalidName: the name is blank, too long or not a text.
	CodeInvalidName Code = "INVALID_NAME"
	// CodeMissingName: the workflow has no name.
	CodeMissingName Code = "MISSING_NAME"
	// CodeNameTooLong: the name is longer than the original's lists show.
	CodeNameTooLong Code = "NAME_TOO_LONG"
	// CodeSchemaVersion: written for another version of the format.
	CodeSchemaVersion Code = "SCHEMA_VERSION_MISMATCH"
)

// The codes of problems with nodes and with the graph.
const (
	// CodeUnknownType: nobody knows this node type.
	CodeUnknownType Code = "UNKNOWN_NODE_TYPE"
	// CodeUnsupportedType: the type is known, but this version does not run it.
	CodeUnsupportedType Code = "UNSUPPORTED_NODE_TYPE"
	// CodeUnsafeText: a text that the policy of the text guard is about.
	CodeUnsafeText Code = "UNSAFE_TEXT"
	// CodeOrphaned: a connection names a node that does not exist.
	CodeOrphaned Code = "ORPHANED_CONNECTION"
	// CodeSelfConnection: a connection begins and ends at one node.
	CodeSelfConnection Code = "SELF_CONNECTION"
	// CodeDuplicateLink: the same connection stands there twice.
	CodeDuplicateLink Code = "DUPLICATE_CONNECTION"
	// CodeUnknownPort: a connection names a port that its node does not have.
	CodeUnknownPort Code = "UNKNOWN_PORT"
	// CodeUnknownProperty: a setting that nothing reads, mostly a slip of the pen.
	CodeUnknownProperty Code = "UNKNOWN_PROPERTY"
	// CodeNameClash: a node is called like a variable, which it overwrites.
	CodeNameClash Code = "NAME_CLASH"
	// CodeCycle: the flow, or a value, would have to come before itself.
	CodeCycle Code = "CIRCULAR_DEPENDENCY"
	// CodeNoEntry: there is no node where a run could begin.
	CodeNoEntry Code = "NO_ENTRY_POINT"
	// CodeUnreachable: nodes that no run will reach.
	CodeUnreachable Code = "UNREACHABLE_NODES"
	// CodeUnpaired: a loop end, jump, handler or fork without its partner.
	CodeUnpaired Code = "UNPAIRED_NODE"
)

// The codes of problems in settings.fleet.
const (
	// CodeUnknownSetting: a key that nothing reads, mostly a slip of the pen.
	CodeUnknownSetting Code = "UNKNOWN_SETTING"
	// CodeInvalidSetting: a known key with a value it cannot have.
	CodeInvalidSetting Code = "INVALID_SETTING"
	// CodeUnknownNode: a setting about a node that does not exist.
	CodeUnknownNode Code = "UNKNOWN_NODE"
)

// Diagnostic is one problem of a document and its place.
type Diagnostic struct {
	Code       Code
	Severity   Severity
	NodeID     string
	Connection *Connection
	Field      string // JSON pointer into the canonical form, without the leading slash
	Message    string // what is wrong
	Hint       string // what would be right, or what to do
}

// String gives code and message, as the original reports them.
func (d Diagnostic) String() string { return string(d.Code) + ": " + d.Message }

// Sentence gives message, place and hint in one line for people.
func (d Diagnostic) Sentence() string {
	var b strings.Builder
	b.WriteString(d.Message)
	switch {
	case d.NodeID != "":
		fmt.Fprintf(&b, " (node %s)", d.NodeID)
	case d.Connection != nil:
		fmt.Fprintf(&b, " (connection %s)", d.Connection)
	case d.Field != "":
		fmt.Fprintf(&b, " (at %s)", d.Field)
	}
	if d.Hint != "" {
		b.WriteString("; ")
		b.WriteString(d.Hint)
	}
	return b.String()
}

// Diagnostics is a list of problems, errors and warnings, in document order.
type Diagnostics []Diagnostic

// Errors returns the problems that stop the document.
func (ds Diagnostics) Errors() Diagnostics { return ds.of(Error) }

// Warnings returns the problems that do not.
func (ds Diagnostics) Warnings() Diagnostics { return ds.of(Warning) }

func (ds Diagnostics) of(s Severity) Diagnostics {
	var out Diagnostics
	for _, d := range ds {
		if d.Severity == s {
			out = append(out, d)
		}
	}
	return out
}

// OK says whether nothing stops the document.
func (ds Diagnostics) OK() bool { return len(ds.Errors()) == 0 }

// Err returns nil when nothing stops the document, else an *InvalidError.
func (ds Diagnostics) Err() error {
	if errs := ds.Errors(); len(errs) > 0 {
		return &InvalidError{Diagnostics: errs}
	}
	return nil
}

// InvalidError carries the errors of a document that was refused.
type InvalidError struct{ Diagnostics Diagnostics }

// Error joins the problems, each with its code.
func (e *InvalidError) Error() string {
	texts := make([]string, 0, len(e.Diagnostics))
	for i, d := range e.Diagnostics {
		if i == 20 {
			texts = append(texts, fmt.Sprintf("and %d more", len(e.Diagnostics)-i))
			break
		}
		texts = append(texts, d.String())
	}
	return strings.Join(texts, "; ")
}

// SyntaxError says that the text is not a JSON document within the limits.
// Line and Column count from 1 and are 0 when the place is not known.
type SyntaxError struct {
	Message      string
	Line, Column int
	TooLarge     bool // longer than the limit of bytes
}

// Error gives the message and the place.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s at line %d, column %d", e.Message, e.Line, e.Column)
}
