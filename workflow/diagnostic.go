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

// The codes of errors. Those that the original has too keep its names.
const (
	CodeMissingKey        Code = "MISSING_REQUIRED_KEY"
	CodeInvalidType       Code = "INVALID_TYPE"
	CodeEmptyWorkflow     Code = "EMPTY_WORKFLOW"
	CodeMissingField      Code = "MISSING_REQUIRED_FIELD"
	CodeIDMismatch        Code = "NODE_ID_MISMATCH"
	CodeUnknownType       Code = "UNKNOWN_NODE_TYPE"
	CodeUnsupportedType   Code = "UNSUPPORTED_NODE_TYPE"
	CodeInvalidConfig     Code = "INVALID_CONFIG"
	CodeOrphaned          Code = "ORPHANED_CONNECTION"
	CodeSelfConnection    Code = "SELF_CONNECTION"
	CodeDuplicateNode     Code = "DUPLICATE_NODE_ID"
	CodeCycle             Code = "CIRCULAR_DEPENDENCY"
	CodeInvalidName       Code = "INVALID_NAME"
	CodeTooLong           Code = "TOO_LONG"
	CodeLimit             Code = "LIMIT_EXCEEDED"
	CodeUnknownSetting    Code = "UNKNOWN_SETTING"
	CodeInvalidSetting    Code = "INVALID_SETTING"
	CodeUnknownNode       Code = "UNKNOWN_NODE"
	CodeUnsafeText        Code = "UNSAFE_TEXT"
	CodeSchemaVersion     Code = "SCHEMA_VERSION_MISMATCH"
	CodeMissingName       Code = "MISSING_NAME"
	CodeNameTooLong       Code = "NAME_TOO_LONG"
	CodeInvalidPosition   Code = "INVALID_POSITION"
	CodeDuplicateLink     Code = "DUPLICATE_CONNECTION"
	CodeIgnoredConnection Code = "IGNORED_CONNECTION"
	CodeNoEntry           Code = "NO_ENTRY_POINT"
	CodeUnreachable       Code = "UNREACHABLE_NODES"
	CodeUnknownPort       Code = "UNKNOWN_PORT"
	CodeUnpaired          Code = "UNPAIRED_NODE"
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
