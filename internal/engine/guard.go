package engine

import (
	"context"
	"fmt"
	"runtime/debug"
)

// maxStack bounds the stack that a failure keeps of a panic.
const maxStack = 8 << 10

// guarded runs a node and turns a panic into the failure of its step.
func guarded(ctx context.Context, n Node, call *Call) (res Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := debug.Stack()
			err = &Failure{
				Type: "RuntimeError", Class: ClassApplication,
				Message: fmt.Sprintf("Node %s broke: %v", call.NodeID, p),
				Stack:   string(stack[:min(len(stack), maxStack)]),
			}
		}
	}()
	return n.Run(ctx, call)
}
