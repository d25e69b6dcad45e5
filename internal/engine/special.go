package engine

import "context"

// special runs a node of the graph's own structure. It reads parameters
// through the call like any node, and moves the flow of the branch itself.
type special func(ctx context.Context, b *branch, v *visiting) (flow, error)

// visiting is the visit that is going on. It is reused by the next one, with
// the Call and the scope that it holds.
type visiting struct {
	node  int
	n     *pnode
	call  *Call
	frame *frame
	deep  string // why it cannot simply run again: see deepen

	own   Call
	scope scope
}

// flow is where the flow goes after a visit.
type flow struct {
	res   Result
	frame *frame // of what follows; nil: as before
	moved bool   // the node has filled the queue itself
}

// specialOf returns how the interpreter runs a node type itself, or nil.
func specialOf(typ string) special {
	switch typ {
	case "StartNode":
		return passThrough
	case "EndNode":
		return runEnd
	case "ForLoopStartNode":
		return runFor
	case "ForLoopEndNode", "WhileLoopEndNode":
		return runLoopEnd
	case "WhileLoopStartNode":
		return runWhile
	case "BreakNode":
		return runBreak
	case "ContinueNode":
		return runContinue
	case "TryNode":
		return runTry
	case "CatchNode":
		return runCatch
	case "FinallyNode":
		return runFinally
	case "OnErrorNode":
		return runOnError
	case "RetryNode":
		return runRetry
	case "RetrySuccessNode":
		return runRetrySuccess
	case "RetryFailNode":
		return runRetryFail
	case "ForkNode":
		return runFork
	case "JoinNode":
		return runJoin
	case "ParallelForEachNode":
		return runParallelForEach
	case "SubflowNode":
		return runSubflow
	case "CallSubworkflowNode":
		return runCallSubworkflow
	case "ExecuteWorkflowNode":
		return runExecuteWorkflow
	case "SubflowInputNode":
		return runSubflowInput
	case "SubflowOutputNode":
		return runSubflowOutput
	}
	return nil
}

func structuralTypes() []string {
	return []string{
		"StartNode",
		"EndNode",
		"ForLoopStartNode",
		"ForLoopEndNode",
		"WhileLoopStartNode",
		"WhileLoopEndNode",
		"BreakNode",
		"ContinueNode",
		"TryNode",
		"CatchNode",
		"FinallyNode",
		"OnErrorNode",
		"RetryNode",
		"RetrySuccessNode",
		"RetryFailNode",
		"ForkNode",
		"JoinNode",
		"ParallelForEachNode",
		"SubflowNode",
		"CallSubworkflowNode",
		"ExecuteWorkflowNode",
		"SubflowInputNode",
		"SubflowOutputNode",
	}
}

// untimed are the specials that contain whole flows or waits of their own, so
// the time limit of a node is not theirs.
func untimed(typ string) bool {
	switch typ {
	case "RetryNode", "ForkNode", "ParallelForEachNode", "SubflowNode", "CallSubworkflowNode", "ExecuteWorkflowNode":
		return true
	}
	return false
}

// Structural returns the node types that the interpreter runs itself, so that
// a library can say what there is. Their behaviour needs a graph around them.
func Structural() Set {
	set := Set{}
	for _, typ := range structuralTypes() {
		set[typ] = Func(func(context.Context, *Call) (Result, error) {
			return Result{}, Fail("RuntimeError", "%s runs only inside a workflow", typ)
		})
	}
	return set
}

func passThrough(context.Context, *branch, *visiting) (flow, error) { return flow{}, nil }

// runEnd ends this branch of the flow, and with it the pass of a loop that the
// author chose not to go on with.
func runEnd(_ context.Context, b *branch, v *visiting) (flow, error) {
	if len(v.n.flow) > 0 {
		return flow{}, nil
	}
	for f := v.frame; f != nil; f = f.parent {
		f.ended = f.kind == frameLoop
	}
	return flow{res: Result{End: true}}, nil
}
