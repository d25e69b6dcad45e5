package transfer

import (
	"strconv"
	"strings"
)

// EpochSkip is by how much a restore lifts the epoch of every job that has not
// ended. No job is handed out that often between a backup and its loss.
const EpochSkip = 1000

// RewindSQL tells a store that it went back in time, in SQL that both databases
// understand; $1 of the second is the time of the backup. See ADR-0015.
//
// An attempt that was live is ended as lost, since nobody knows what became of
// it; one of the lifted epoch stands in its place, at the same robot, for
// whatever was handed out in the time that is lost. The robot does not have that
// one, so it loses it by the rules of every day and is told to forget the old.
// Nobody is a member of a store that was just restored; sessions whose member
// is not there are closed by the first that starts.
// A job that was running counts as begun, so that the loss is from its budget.
func RewindSQL() []string {
	skip := strconv.Itoa(EpochSkip)
	var columns, values []string
	for _, t := range Tables() {
		if t.Name != "attempts" {
			continue
		}
		for _, c := range t.Columns {
			columns = append(columns, c.Name)
			switch c.Name {
			case "epoch":
				values = append(values, "epoch - "+skip)
			case "ended_at", "slot_free_at":
				values = append(values, "$1")
			case "silent_since":
				values = append(values, "null")
			case "outcome":
				values = append(values, "'lost'")
			default:
				values = append(values, c.Name)
			}
		}
	}
	return []string{
		"update attempts set epoch = epoch + " + skip + ", running_at = coalesce(running_at, started_at) where outcome is null",
		"insert into attempts (" + strings.Join(columns, ", ") + ") select " + strings.Join(values, ", ") + " from attempts where outcome is null",
		"update jobs set epoch = epoch + " + skip + `, epoch_skipped = epoch_skipped +
			case when state in ('assigned', 'running', 'cancelling') and segments = 0 then ` + skip + " - 1 else " + skip + " end where ended_at is null",
		// What a live attempt holds the one in its place holds.
		"update secret_uses set epoch = epoch + " + skip + ` where exists (select 1 from attempts a
			where a.job_id = secret_uses.job_id and a.epoch = secret_uses.epoch + ` + skip + " and a.outcome is null)",
		"delete from members",
		"update store_meta set generation = generation + 1",
	}
}
