// Package fleet is the vocabulary of Casare Fleet: the nouns, their states and
// the rules between them. Everything else in the product speaks in its words.
//
// The nouns in one page. A [Workflow] is a versioned graph. A [Job] is one
// requested execution of a workflow version. Each hand-out of a job to a robot
// is an [Attempt], numbered by the job's epoch; a higher epoch fences every
// lower one. A [Robot] has slots, capabilities and an environment. What happened
// is an [Event], written with the change it tells of. What went wrong is an
// [Error] with a code from a closed list.
//
// The life of a job is one table of transitions ([Table]). The functions
// beside it ([Job.Offer], [Job.Accept], [Job.Complete], …) are that table as
// code: each takes the job as it is and gives a [Move], or an error and no
// change. The store commits a move only while the job is still as it was.
//
// The package must not read a clock, a random source, a file or a socket:
// times, seeds and ids are arguments. It imports the standard library only.
package fleet
