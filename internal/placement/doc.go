// Package placement decides which robot runs which job. It is a pure function:
// the same View gives the same Plan, on any machine, in any year. It never
// blocks, logs, or looks at a clock; whoever calls it commits the result or
// throws it away.
//
// Guarantees:
//   - A job is assigned at most once and only to a robot that passes every check.
//   - A robot is never given more than its free slots.
//   - Jobs of a tenant start in order: priority (0 first, ageing counted), what
//     their group has had of the fleet, deadline, the time since which they may
//     run, submission number. A job that no robot can take holds nobody back.
//   - A reservation keeps its slots: work that it is not for takes one only
//     while as many stay free as its holders may still need.
//   - Every lane with a job left waiting appears among the refusals, with a
//     reason fit to show a person.
//   - Explain makes the same checks as Plan and comes to the same end.
//   - The cost depends on the robots, the lanes and the jobs assigned, never on
//     how many jobs wait.
package placement
