// Package template replaces the references to variables that stand in the
// texts of a workflow, and decides its conditions.
//
// A reference is {{ path }}, ${ path } or %path%; a path is a name followed by
// .name and [number] steps. {{$currentDate}}, {{$currentTime}},
// {{$currentDateTime}} and {{$timestamp}} are the clock, {{$secret:id}} is a
// secret. Whatever does not fit this grammar is plain text, and a reference
// that leads nowhere stays as it was written, so that texts of other languages
// pass through unharmed.
//
// What a reference puts in is never scanned again: neither a variable nor a
// secret can smuggle a reference in. The work grows with the length of the
// text, and the length of a result is bounded. Nothing here changes a variable,
// and all functions may be called from many goroutines, as far as the Lookup
// allows it.
package template
