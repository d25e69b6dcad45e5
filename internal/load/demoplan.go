package load

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// team is a group of made-up robots.
type team struct {
	name, environment, os string
	slots                 int
	share                 int // of a hundred robots
	capabilities, tags    []string
}

func teams() []team {
	return []team{
		{"finance", "production", "windows", 2, 34, []string{"browser", "excel", "sap"}, []string{"hq"}},
		{"claims", "production", "linux", 3, 26, []string{"browser", "pdf"}, []string{"north"}},
		{"people", "production", "windows", 1, 14, []string{"browser", "excel"}, []string{"hq"}},
		{"trial", "staging", "linux", 2, 16, []string{"browser", "pdf", "excel"}, []string{"cloud"}},
		{"heavy", "production", "linux", 4, 10, []string{"browser", "gpu", "ocr"}, []string{"cloud"}},
	}
}

// process is a made-up workflow: a chain of nodes, and how it goes.
type process struct {
	name        string
	environment string
	needs       []string
	steps       []string // the ids of the nodes between start and end
	seconds     float64  // of one run, about
	share       int      // of a hundred jobs
	failing     int      // of a hundred runs
	class       fleet.ErrorClass
	code, fault string
	effect      bool // the last step must not run twice
	limit       int  // seconds that a run may take; 0: no limit
}

func processes() []process {
	return []process{
		{"Invoice entry", "production", []string{"sap"}, []string{"open_mailbox", "read_invoices", "check_supplier", "book_in_ledger", "archive"}, 18, 26, 6, fleet.ClassApplication, "ledger_unreachable", "The ledger did not answer within 30 s.", false, 0},
		{"Claims intake", "production", []string{"pdf"}, []string{"fetch_claims", "read_form", "classify", "store_claim"}, 11, 24, 9, fleet.ClassBusiness, "form_unreadable", "Page 2 of the form is empty.", false, 0},
		{"Salary run", "production", []string{"excel"}, []string{"load_hours", "compute", "check_totals", "send_to_bank"}, 25, 6, 4, fleet.ClassApplication, "totals_differ", "The totals differ by 12.40.", true, 0},
		{"New colleague", "production", []string{"excel"}, []string{"read_contract", "create_accounts", "order_laptop", "greet"}, 14, 10, 2, fleet.ClassBusiness, "contract_unsigned", "The contract is not signed.", false, 0},
		{"Price watch", "production", []string{"browser"}, []string{"open_shops", "collect_prices", "compare", "report"}, 8, 18, 5, fleet.ClassApplication, "page_changed", "The button \"Prices\" is not on the page.", false, 0},
		{"Scan archive", "production", []string{"ocr"}, []string{"list_scans", "straighten", "read_text", "index"}, 30, 8, 3, fleet.ClassApplication, "scan_broken", "The picture ends after 40 kB.", false, 35},
		{"Month end (trial)", "staging", []string{"excel"}, []string{"copy_books", "close", "compare"}, 16, 8, 20, fleet.ClassApplication, "books_open", "Three books are still open.", false, 0},
		// It comes by its schedule and at the start alone, and nearly always fails.
		{"Customs forms", "production", []string{"browser"}, []string{"open_portal", "fill_in_form", "send"}, 6, 0, 90, fleet.ClassApplication, "portal_closed", "The portal closed the connection after 3 forms.", false, 0},
	}
}

// document is the workflow file of a process. Its nodes do what their logs say,
// so it runs anywhere.
func (p *process) document() ([]byte, error) {
	type object = map[string]any
	nodes, order := object{}, append(append([]string{"start"}, p.steps...), "end")
	var links []object
	for i, id := range order {
		n := object{"node_id": id, "position": []float64{260 * float64(i), 0}, "config": object{}}
		switch id {
		case "start":
			n["node_type"] = "StartNode"
		case "end":
			n["node_type"] = "EndNode"
		default:
			n["node_type"], n["config"] = "LogNode", object{"message": spoken(id), "level": "info", "include_node_id": false}
		}
		nodes[id] = n
		if i > 0 {
			links = append(links, object{"source_node": order[i-1], "source_port": "exec_out", "target_node": id, "target_port": "exec_in"})
		}
	}
	settings := object{"placement": object{"capabilities": p.needs}} // the environment comes with each job
	if p.effect {
		settings["effects"] = object{p.steps[len(p.steps)-1]: true}
	}
	return json.Marshal(object{
		"metadata": object{"name": p.name, "description": "Made up for the demonstration.", "version": "1.0.0", "author": "Casare Fleet", "tags": []string{"demo"}, "schema_version": "1.0.0"},
		"nodes":    nodes, "connections": links, "variables": object{}, "settings": object{"fleet": settings},
	})
}

// spoken is the id of a step as a sentence.
func spoken(id string) string {
	b := []byte(id)
	for i, c := range b {
		if c == '_' {
			b[i] = ' '
		}
	}
	if b[0] >= 'a' && b[0] <= 'z' {
		b[0] -= 'a' - 'A'
	}
	return string(b)
}

// script is one run of a process.
func (p *process) script(chance *rand.Rand) Script {
	s := Script{Effect: p.effect}
	total := p.seconds * (0.5 + chance.ExpFloat64()*0.5)
	last := len(p.steps)
	if chance.IntN(100) < p.failing {
		last = 1 + chance.IntN(len(p.steps))
		s.Effect = s.Effect && last == len(p.steps)
		s.Error = &fleet.JobError{Class: p.class, Code: p.code, Message: p.fault, Node: p.steps[last-1]}
	}
	for i, id := range p.steps[:last] {
		step := ScriptStep{Node: id, NodeType: "LogNode", Level: "info", Message: spoken(id)}
		step.Took = time.Duration(total / float64(len(p.steps)) * (0.6 + 0.8*chance.Float64()) * float64(time.Second))
		switch {
		case s.Error != nil && i == last-1:
			step.Level, step.Message = "error", p.fault
		case chance.IntN(12) == 0:
			step.Level, step.Message = "warning", spoken(id)+": slower than usual"
		}
		s.Steps = append(s.Steps, step)
	}
	return s
}

// endless is a run that is at its last step for hours.
func (p *process) endless() Script {
	s := Script{Effect: p.effect}
	for _, id := range p.steps {
		s.Steps = append(s.Steps, ScriptStep{Node: id, NodeType: "LogNode", Level: "info", Message: spoken(id), Took: 100 * time.Millisecond})
	}
	s.Steps[len(s.Steps)-1].Took = 24 * time.Hour
	return s
}

// hello is what a robot of a team says of itself.
func (t *team) hello(name string) wire.Hello {
	return wire.Hello{Name: name, OS: t.os, Arch: "amd64", Capabilities: t.capabilities, Tags: t.tags, Pool: t.name}
}
