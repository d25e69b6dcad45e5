package engine_test

import (
	"testing"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/workflow/value"
)

// BenchmarkEngine runs pure-data nodes on one core and reports nodes per
// second. The target of the figures is 500,000, the floor 50,000.
func BenchmarkEngine(b *testing.B) {
	for _, c := range []struct{ name, flow string }{
		{"compute", `
s StartNode
loop ForLoopStartNode {"mode": "range", "start": 0, "end": 2000}
a MathOperationNode {"a": "{{item}}", "b": 2, "operation": "multiply"}
b SetVariableNode {"variable_name": "x", "value": "{{a.result}}"}
c ComparisonNode {"b": 100, "operator": ">"}
d IfNode {}
e CommentNode
f CommentNode
end ForLoopEndNode {}
s > loop
loop.body > a > b > c > d
a.result ~> c.a
c.result ~> d.condition
d.true > e > end
d.false > f > end`},
		{"pass", `
s StartNode
loop ForLoopStartNode {"mode": "range", "start": 0, "end": 2000}
a CommentNode
b CommentNode
c CommentNode
d CommentNode
end ForLoopEndNode {}
s > loop
loop.body > a > b > c > d > end`},
		{"while", `
s StartNode
i SetVariableNode {"variable_name": "n", "value": 0}
loop WhileLoopStartNode {"expression": "n < 2000", "max_iterations": 100000}
a IncrementVariableNode {"variable_name": "n"}
b CommentNode
end WhileLoopEndNode {}
s > i > loop
loop.body > a > b > end`},
		{"steps", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			flow, opts := c.flow, engine.Options{}
			if c.name == "steps" { // the first one with somebody listening
				flow, opts.Sink = benchFlow, discard{}
			}
			opts.Catalog = enginetest.Catalog(b)
			doc := parse(b, document(b, flow), opts.Catalog)
			lib, err := nodes.Standard()
			if err != nil {
				b.Fatal(err)
			}
			opts.Library, opts.Host, opts.Variables = lib, enginetest.Host(b), value.NewMap()
			var visits int64
			b.ReportAllocs()
			for b.Loop() {
				out, err := engine.Run(b.Context(), doc, opts)
				if err != nil || !out.Success {
					b.Fatalf("%+v %v", out, err)
				}
				visits += out.Visits
			}
			b.ReportMetric(float64(visits)/b.Elapsed().Seconds(), "nodes/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

const benchFlow = `
s StartNode
loop ForLoopStartNode {"mode": "range", "start": 0, "end": 2000}
a MathOperationNode {"a": "{{item}}", "b": 2, "operation": "multiply"}
b SetVariableNode {"variable_name": "x", "value": "{{a.result}}"}
c CommentNode
end ForLoopEndNode {}
s > loop
loop.body > a > b > c > end`

// discard is a sink that hears and forgets.
type discard struct{}

func (discard) Log(engine.Line)          {}
func (discard) Step(engine.Step)         {}
func (discard) Progress(engine.Progress) {}
