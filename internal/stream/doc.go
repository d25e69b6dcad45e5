// Package stream shows the fleet live: a snapshot, and what came after it, over
// WebSocket or server-sent events.
//
// One tail for each tenant that is watched reads the log of events, looks up the
// rows that the events are about, and keeps the newest of both in a ring that all
// readers of the tenant share; what a reader has is a place in the log, a filter
// and one frame. So the store pays for the tenants that are watched and not for
// those who watch, and a reader that takes nothing costs one frame until it is
// cut off. Who is further behind than the ring reaches back reads pages of the
// log for itself.
//
// Facts are never left out: a reader gets each event that its filter lets through
// once and in order, or is told that it cannot. Samples are: the newest wins, and
// they are read from the store once a second for all, which makes them the same
// on every orchestrator.
//
// The package changes nothing, and decides nothing but who sees what. What serves
// the clients of the original alone stands in files whose names begin with legacy.
package stream
