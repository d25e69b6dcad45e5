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
			err = broke(call, p)
		}
	}()
	return n.Run(ctx, call)
}

func guardedSpecial(ctx context.Context, v *visiting, b *branch) (where flow, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = broke(v.call, p)
		}
	}()
	return v.n.special(ctx, b, v)
}

// unbroken runs a branch and turns a panic of the interpreter itself into a
// failure, so that a document can never take the robot down with it.
func unbroken(drain func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = broke(&Call{NodeID: "(the interpreter)"}, p)
		}
	}()
	return drain()
}

func broke(call *Call, p any) error {
	stack := debug.Stack()
	return &Failure{
		Type: "RuntimeError", Class: ClassApplication,
		Message: fmt.Sprintf("Node %s broke: %v", call.NodeID, p),
		Stack:   string(stack[:min(len(stack), maxStack)]),
	}
}
