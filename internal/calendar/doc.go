// Package calendar answers when: it reads cron expressions and gives their next
// instants in a zone, by one law for the days on which clocks change. Beside
// them are intervals and single times, sets of instants (working hours, holidays,
// blackouts, iCalendar files) with their operations, and plans: a rule under such
// a set, with a preview.
//
// It must not look at a clock: the time is an argument. It decides when, never
// what or where, and knows no store.
//
// The law: an expression is fixed if neither its minute nor its hour begins
// with an asterisk. A fixed time inside a gap comes at the first instant after
// the gap, one inside a repeated hour in the first pass only. The others follow
// elapsed time: nothing is made up in a gap, and they come in both passes.
package calendar
