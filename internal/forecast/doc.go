// Package forecast says when a run will end: start and end of every step, what the end hangs on, how long each step may take longer
// without moving it, and the two-sided gauge: when we are through, and when we are back if we turn around now or at the last
// moment, against the window. It also says by when each gate must have decided so that work and back-out still fit.
//
// It is pure: runbook, facts and now give the same forecast in every process. It knows no clock, keeps nothing and decides nothing.
// One pass over the steps is made for each question, so its cost grows as their number does; whoever shows it makes it once for a
// burst of changes and not for each of them. A [Forecast] is a value of its own and safe for concurrent reading.
//
// The rules:
//
//   - What has happened counts as it happened. A step that is done or skipped keeps its times; who needs it looks at its end.
//   - A step under way ends when its planned duration is over, counted from its present attempt, and never before now: one that
//     is late ends now, until somebody says better. A wait ends when it is due. A nested runbook that has begun ends when its own
//     run is forecast to end.
//   - A step that failed or is uncertain is begun again now and then takes its planned duration.
//   - An issue that is flagged takes the time that somebody estimated for it, from when it was flagged: what is to come, or to be begun again,
//     does not begin before that is over; what is under way takes that much longer. Without an estimate it is not known how long.
//   - A step to come starts when all it needs has ended, not before now, not before the gate in front of it opens, and not before any
//     date of its own. A gate is taken to decide when it is reached and open; its deadline counts in the worst case only.
//   - A step without a planned duration counts 0. The forecast is then a lower bound and says which steps make it one. So does a wait
//     for something that has no date. A nested runbook without a duration of its own takes as long as its longest chain of needs.
//   - A run that is held or paused, and a step that is, is forecast as if it went on now. Seats are no limit: one person may be asked for two steps at once.
//   - What was planned is the same calculation without facts, with the durations the run began with, from the moment it began.
//   - A live run is measured against its window; where a cut-over is split in two, against that of its own part, whose dates also bind it, the runs
//     inside it and its back-out. A rehearsal is measured against a window of the same length from its own beginning.
//   - A back-out begins when what is in flight has ended, because what is undone must stand still. Only what was begun is undone; with
//     nothing to undo it takes no time. In the worst case it begins just before the point of no return is begun, each gate
//     having decided at its deadline; without a point of no return when everything is done.
//   - The latest moment of a gate is the last one at which a go leaves time for all the work behind it, and, before the point of no
//     return, also for doing the work up to there and taking all of it back.
package forecast
