package engine

import (
	"strconv"
)

// frame is a stretch of the flow with an owner: one pass of a loop, the body of
// a try, the attempts of a retry. Every entry of the queue belongs to a frame,
// so the interpreter knows who catches an error and when a body is done.
//
// Frames form a tree whose leaves are entries of the queue. A frame lives until
// its last entry and its last child are gone; then its owner goes on.
type frame struct {
	kind    frameKind
	owner   int
	parent  *frame
	pending int // entries of the queue plus frames below

	phase   phase
	pass    int64    // of a loop, from 0; of a retry, the attempt from 1
	limit   int64    // attempts of a retry
	jumped  bool     // a loop end has taken the flow back to the start
	ended   bool     // an End node ended a branch in here
	reached int      // the end node that a pass has come to, or none
	closed  bool     // no longer catches
	dead    bool     // given up: nothing follows when it is done
	cleaned bool     // the finally part has been started
	err     *Failure // what was caught
	again   *Failure // what must be raised again after the finally part
	origin  string   // node that failed in an on-error
	label   string   // Step.Iteration, made on demand
	labeled bool
}

type frameKind uint8

const (
	frameRoot frameKind = iota
	frameLoop
	frameTry
	frameOnError
	frameRetry
)

// phase is how far a try, an on-error or a retry has come.
type phase uint8

const (
	inBody phase = iota
	inCatch
	inFinally
	inFailed // a retry whose attempts are used up
)

func (f *frame) push(kind frameKind, owner int) *frame {
	f.pending++
	return &frame{kind: kind, owner: owner, parent: f, reached: none}
}

// within says whether f is g or lies below it.
func (f *frame) within(g *frame) bool {
	for ; f != nil; f = f.parent {
		if f == g {
			return true
		}
	}
	return false
}

// enclosing finds the nearest frame of a kind and owner.
func (f *frame) enclosing(kind frameKind, owner int) *frame {
	for ; f != nil; f = f.parent {
		if f.kind == kind && f.owner == owner && !f.dead {
			return f
		}
	}
	return nil
}

// nearest finds the nearest frame of a kind.
func (f *frame) nearest(kind frameKind) *frame {
	for ; f != nil; f = f.parent {
		if f.kind == kind && !f.dead && !f.closed {
			return f
		}
	}
	return nil
}

// iteration is the path of loop passes, such as "2.0".
func (f *frame) iteration() string {
	if f == nil {
		return ""
	}
	if f.labeled {
		return f.label
	}
	f.label, f.labeled = f.parent.iteration(), true
	if f.kind == frameLoop {
		if f.label != "" {
			f.label += "."
		}
		f.label += strconv.FormatInt(f.pass, 10)
	}
	return f.label
}
