package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/nodeplace"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// workflowValidateCmd checks files without any orchestrator.
type workflowValidateCmd struct {
	Files  []string `arg:"" name:"file" help:"workflow files; - is standard input"`
	Strict bool     `help:"count warnings as errors"`
	Output string   `short:"o" help:"form of the answer: ${enum}" enum:"table,json,yaml" default:"table" env:"FLEET_OUTPUT"`
}

// Help is the long form of the help.
func (workflowValidateCmd) Help() string {
	return `Each problem is shown with its place and what to do. The same checks stand before every run and every submit. Where the places of its nodes cut a workflow, a note says with which nodes the segments begin.

Examples:

    fleet workflow validate report.json
    fleet workflow validate workflows/*.json -o json

Exit code 0: every file can run; 2: at least one cannot.`
}

// Run checks every file; one that cannot be read does not hide the others.
func (c *workflowValidateCmd) Run(sh *shell) error {
	cat, err := catalog.Load()
	if err != nil {
		return fmt.Errorf("load the node catalog: %w", err)
	}
	bad := false
	list := make([]checkedFile, 0, len(c.Files))
	for _, name := range c.Files {
		text, err := sh.read(name)
		if err != nil {
			list, bad = append(list, checkedFile{File: name, Problems: []problem{{Code: "UNREADABLE_FILE", Severity: "error", Message: err.Error()}}}), true
			continue
		}
		f := check(cat, name, text)
		if c.Strict && len(f.Problems) > 0 {
			f.Valid = false
		}
		list, bad = append(list, f), bad || !f.Valid
	}
	err = sh.answer(c.Output, list, func() error {
		for _, f := range list {
			f.show(sh.out, sh.paint)
		}
		return nil
	})
	if err == nil && bad {
		return quiet(exitUsage)
	}
	return err
}

// checkedFile is what there is to say of one file.
type checkedFile struct {
	File     string    `json:"file"`
	Valid    bool      `json:"valid"`
	Name     string    `json:"workflow_name,omitempty"`
	Nodes    int       `json:"node_count"`
	Requires []string  `json:"requires"`
	Problems []problem `json:"problems"`
	Notes    []string  `json:"notes"`

	Segments []fleet.SegmentPlan `json:"segments,omitempty"`

	doc *workflow.Document
}

// problem is one diagnostic in the form of the API.
type problem struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Node     string `json:"node_id,omitempty"`
	Link     string `json:"connection,omitempty"`
	Field    string `json:"field,omitempty"`
	Hint     string `json:"hint,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
}

// check reads a document and finds everything that is wrong with it.
func check(cat *catalog.Catalog, name string, text []byte) checkedFile {
	f := checkedFile{File: name, Requires: []string{}, Problems: []problem{}, Notes: []string{}}
	doc, err := workflow.Parse(text, workflow.Options{Catalog: cat})
	if err != nil {
		p := problem{Code: "UNREADABLE_JSON", Severity: "error", Message: err.Error()}
		if syntax, ok := errors.AsType[*workflow.SyntaxError](err); ok {
			p.Message, p.Line, p.Column = syntax.Message, syntax.Line, syntax.Column
		}
		f.Problems = append(f.Problems, p)
		return f
	}
	found, segments := nodeplace.Validate(doc, cat, workflow.Policy{}, nodeplace.Most)
	f.doc, f.Valid, f.Name, f.Nodes = doc, found.OK(), doc.Name(), len(doc.Nodes)
	f.Requires = append(f.Requires, workflow.Require(doc).Capabilities...)
	for _, d := range found {
		p := problem{
			Code: string(d.Code), Severity: d.Severity.String(), Message: d.Message,
			Node: d.NodeID, Field: d.Field, Hint: d.Hint,
		}
		if d.Connection != nil {
			p.Link = d.Connection.String()
		}
		f.Problems = append(f.Problems, p)
	}
	f.Segments = segments
	if len(segments) > 1 {
		at := make([]string, len(segments))
		for i, s := range segments {
			at[i] = s.Entry
		}
		f.Notes = append(f.Notes, fmt.Sprintf("The places of its nodes cut it into %d segments, which begin with %s.", len(at), strings.Join(at, ", ")))
	}
	for _, n := range doc.Notes {
		text := n.Text
		if n.NodeID != "" {
			text += " (node " + n.NodeID + ")"
		}
		f.Notes = append(f.Notes, text)
	}
	return f
}

// show says it to people: the verdict first, then each problem with its hint.
func (f checkedFile) show(w io.Writer, paint bool) {
	verdict := colour(paint, green, "ok")
	if !f.Valid {
		verdict = colour(paint, red, "cannot run")
	}
	fmt.Fprintf(w, "%s: %s", f.File, verdict)
	if f.doc != nil {
		fmt.Fprintf(w, " (%s, %s", clean(f.Name), count(f.Nodes, "node"))
		if len(f.Requires) > 0 {
			fmt.Fprintf(w, ", needs %s", strings.Join(f.Requires, ", "))
		}
		fmt.Fprint(w, ")")
	}
	fmt.Fprintln(w)
	for _, p := range f.Problems {
		word := colour(paint, yellow, p.Severity)
		if p.Severity == "error" {
			word = colour(paint, red, p.Severity)
		}
		fmt.Fprintf(w, "  %s %s: %s%s\n", word, p.Code, clean(p.Message), clean(p.place()))
		if p.Hint != "" {
			fmt.Fprintf(w, "    %s\n", clean(sentence(p.Hint)))
		}
	}
	for _, n := range f.Notes {
		fmt.Fprintf(w, "  note: %s\n", clean(n))
	}
}

// place says where a problem is.
func (p problem) place() string {
	switch {
	case p.Line > 0:
		return fmt.Sprintf(" at line %d, column %d", p.Line, p.Column)
	case p.Node != "":
		return " (node " + p.Node + ")"
	case p.Link != "":
		return " (connection " + p.Link + ")"
	case p.Field != "":
		return " (at " + p.Field + ")"
	}
	return ""
}
