// Package pyexpr evaluates the Python expressions that stand in workflows: the
// conditions of If, While and Switch, the expressions of list nodes and of
// EvalExpression.
//
// It is a language of its own that looks and counts like Python. There are
// literals, displays, comprehensions, lambda, f-strings, operators, and the
// methods and functions written down here; nothing else can be reached: no
// imports, no attributes but keys, no names with two underscores, no
// assignment. Values never change, so an expression cannot touch a variable.
//
// Every evaluation ends: steps are counted, whatever an operation builds is
// charged before it is built, and nesting is bounded. Numbers and texts follow
// package value; errors are [*Error]s with Python's class and words. Go
// recursion is bounded by the length of the source.
//
// An [Expr] is immutable and may be used by many goroutines at once. An Env
// belongs to the evaluation that runs.
package pyexpr
