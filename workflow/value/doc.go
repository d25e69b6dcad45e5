// Package value is the data that flows through a workflow: on ports, in
// variables and in the texts that nodes write.
//
// A value is an any that holds exactly one of
//
//	nil, bool, int64, float64, string   the JSON scalars, whole numbers apart from floats
//	[]any                               a list
//	*Map                                an object that keeps the order of its keys
//	[]byte                              the contents of a file
//	anything else                       an opaque live handle, such as a browser page
//
// Workflows were written for Python, so everything that an author can see
// follows Python: the text of a value, its truth, its order, its rounding, the
// words of an error. [FromGo] brings foreign Go data into this model.
//
// Whole numbers have 64 bits. A larger number that Python would still keep
// exact becomes a float64 (reading JSON, adding, multiplying); where a float
// makes no sense, such as an index, the operation ends with an OverflowError.
//
// [Tuple] and [*Set] are further values that exist while an expression runs;
// [Plain] turns them into lists before a result leaves it.
//
// The package knows nothing of nodes, runs or stores, and imports the
// standard library alone. Functions do not change their arguments unless they
// say so, and may be called from many goroutines. A *Map may be read by many
// goroutines, but not while one writes it. Values must not contain themselves.
package value
