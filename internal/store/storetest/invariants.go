package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
)

// Queryer runs SQL of the invariants; each row comes back as texts. A store
// under test offers it for this purpose only.
type Queryer interface {
	QueryText(ctx context.Context, sql string) ([][]string, error)
}

// Invariant is a statement about the data: its query returns no row.
type Invariant struct {
	Name string
	SQL  string
}

const final = `('completed', 'failed', 'cancelled', 'timeout')`

// InvariantQueries is the data's law as SQL that both databases understand.
func InvariantQueries() []Invariant {
	return []Invariant{
		{"I1 one end", `select subject_id from events where subject = 'job' and to_state in ` + final + `
			and from_state is distinct from to_state group by subject_id having count(*) > 1`},
		{"I2 one live attempt", `select job_id from attempts where outcome is null group by job_id having count(*) > 1`},
		{"I3 epochs without a hole", `select j.id from jobs j left join attempts a on a.job_id = j.id
			group by j.id, j.epoch, j.epoch_skipped
			having coalesce(max(a.epoch), 0) not between j.epoch - j.epoch_skipped and j.epoch
			or count(a.epoch) <> j.epoch - j.epoch_skipped`},
		{"I3 the result is of the newest epoch", `select a.job_id from attempts a join jobs j on j.id = a.job_id
			where a.outcome = 'completed' and a.epoch <> j.epoch`},
		{"I4 chain of events", `select e.subject_id from events e left join events p on p.subject = 'job'
			and p.subject_id = e.subject_id and p.subject_seq = e.subject_seq - 1
			where e.subject = 'job' and ((e.subject_seq = 1 and p.id is not null) or (e.subject_seq > 1 and p.id is null and ` + wholeLog("e") + `)
			or (p.id is not null and e.from_state is distinct from p.to_state))`},
		{"I4 no event number twice", `select subject_id from events where subject = 'job'
			group by subject_id, subject_seq having count(*) > 1`},
		{"I4 the row is where its last event left it", `select j.id from jobs j left join events e on e.subject = 'job'
			and e.subject_id = j.id and e.subject_seq = j.version where (e.id is null and ` + wholeLog("j") + `) or e.to_state <> j.state`},
		{"I4 the log has no hole", `select h.tenant_id from tenant_heads h left join events e on e.tenant_id = h.tenant_id
			group by h.tenant_id, h.seq having count(e.seq) > 0 and (max(e.seq) <> h.seq or max(e.seq) - min(e.seq) + 1 <> count(e.seq))`},
		{"I5 slots", `select job_id, epoch from attempts where slots_after > slots_max`},
		{"I7 a key leads to a job", `select k.key from idempotency_keys k left join jobs j on j.id = k.job_id
			where j.id is null or j.tenant_id <> k.tenant_id`},
		{"I9 one tenant", `select j.id from jobs j join attempts a on a.job_id = j.id where a.tenant_id <> j.tenant_id
			union all select j.id from jobs j join job_data d on d.job_id = j.id where d.tenant_id <> j.tenant_id
			union all select j.id from jobs j join effects e on e.job_id = j.id where e.tenant_id <> j.tenant_id
			union all select j.id from jobs j join refusals r on r.job_id = j.id where r.tenant_id <> j.tenant_id
			union all select j.id from jobs j join events e on e.subject = 'job' and e.subject_id = j.id
			where e.tenant_id <> j.tenant_id`},
		{"I17 one open effect of the newest epoch at most", `select e.job_id from effects e join jobs j on j.id = e.job_id
			where e.epoch > j.epoch`},
		{"I20 shape", `select j.id from jobs j left join attempts a on a.job_id = j.id and a.epoch = j.epoch and a.outcome is null
			where (j.state in ('assigned', 'running', 'cancelling') and j.segments = 0) <> (a.job_id is not null)
			or (j.state = 'pending') <> (j.waiting_on is not null) or (j.state = 'cancelling') <> (j.stop_deadline is not null)
			or (j.state in ` + final + `) <> (j.ended_at is not null) or (j.dead_letter and j.state <> 'failed')`},
		{"lanes count what waits in them", `select l.id from lanes l left join jobs j on j.lane_id = l.id
			group by l.id, l.waiting having count(j.id) <> l.waiting`},
		{"a job waits in the lane of its needs", `select j.id from jobs j join lanes l on l.id = j.lane_id
			where l.tenant_id <> j.tenant_id or l.environment <> j.environment or l.requires <> j.requires
			or l.target_robot_id <> j.target_robot_id or l.placement <> j.placement`},
		{"I18 no job waits when its parents have decided", `select c.id from jobs c left join job_parents d on d.child_id = c.id
			left join jobs p on p.id = d.parent_id where c.waiting_on = 'dependencies' and c.segments = 0 group by c.id, c.dependency_rule, c.deps_open
			having ` + among(`p.ended_at is null and p.id is not null`) + ` = 0 or case c.dependency_rule
			when 'all_finished' then false when 'any_completed' then ` + among(`p.state = 'completed'`) + ` > 0
			when 'any_failed' then ` + among(`p.state in ('failed', 'timeout')`) + ` > 0
			else ` + among(`p.state in ('failed', 'timeout', 'cancelled')`) + ` > 0 end
			or c.deps_open <> ` + among(`p.ended_at is null and p.id is not null`)},
		// Of parents that retention took away nobody can say how they ended.
		{"I18 a job was handed out only as its parents allow", `select c.id from jobs c join job_parents d on d.child_id = c.id
			left join jobs p on p.id = d.parent_id where c.epoch > c.epoch_skipped group by c.id, c.dependency_rule, c.deps_open
			having c.deps_open > 0 or (count(p.id) = count(*) and case c.dependency_rule
			when 'all_finished' then ` + among(`p.ended_at is null`) + ` > 0 when 'any_completed' then ` + among(`p.state = 'completed'`) + ` = 0
			when 'any_failed' then ` + among(`p.state in ('failed', 'timeout')`) + ` = 0
			else ` + among(`p.state <> 'completed'`) + ` > 0 end)`},
		{"I18 a job is released once", `select subject_id from events where kind = 'job.released' group by subject_id having count(*) > 1`},
		{"I9 parents and children are of one tenant", `select d.child_id from job_parents d join jobs c on c.id = d.child_id
			where c.tenant_id <> d.tenant_id union all select d.child_id from job_parents d join jobs p on p.id = d.parent_id
			where p.tenant_id <> d.tenant_id`},
		{"I18 a parent knows that it has children", `select d.parent_id from job_parents d join jobs p on p.id = d.parent_id
			group by d.parent_id, p.children having count(*) > p.children`},
		{"I18 a segment has its whole, of the same tenant", `select j.id from jobs j left join jobs w on w.id = j.parent_id
			where j.parent_id is not null and (w.id is null or w.tenant_id <> j.tenant_id or w.segments < j.segment or j.segment < 1)`},
		{"I1 a whole stands as its segments do", `select w.id from jobs w join jobs s on s.parent_id = w.id where w.segments > 0
			group by w.id, w.state having (w.state = 'completed') <> (` + among(`s.state = 'completed'`) + ` = count(*))
			or (w.ended_at is not null) <> (` + among(`s.ended_at is not null`) + ` = count(*))
			or (w.state = 'pending' and ` + among(`s.state = 'running'`) + ` > 0)`},
		{"a whole is never handed out", `select a.job_id from attempts a join jobs w on w.id = a.job_id where w.segments > 0
			union all select id from jobs where segments > 0 and (lane_id is not null or not_before is not null or expires_at is not null)`},
		{"heads count the jobs of each state", headCounts()},
		{"I13 a queue counts its items", `select h.queue_id from queue_heads h left join queue_items i on i.tenant_id = h.tenant_id
			and i.queue_id = h.queue_id group by h.tenant_id, h.queue_id, h.fresh, h.in_progress, h.successful, h.failed, h.abandoned, h.retried,
			h.deleted, h.postponed having ` + itemCounts()},
		{"I13 an item in progress has one holder", `select id from queue_items where (status = 'in_progress') <> (started_at is not null and completed_at is null)
			or (status = 'in_progress' and job_id is null and lease_until is null)`},
		{"a secret is held as long as a slot is taken", `select u.job_id from secret_uses u left join attempts a on a.job_id = u.job_id
			and a.epoch = u.epoch and a.tenant_id = u.tenant_id where a.job_id is null or a.slot_free_at is not null`},
		{"a session that is open is its robot's", `select s.id from sessions s left join robots r on r.session_id = s.id
			and r.id = s.robot_id and r.tenant_id = s.tenant_id and r.session_epoch = s.session_epoch
			where s.closed_at is null and r.id is null`},
	}
}

// among counts the rows of a group for which something holds.
func among(holds string) string { return "sum(case when " + holds + " then 1 else 0 end)" }

// wholeLog says that the log of a row's tenant goes back to its beginning: of a
// log that was cut, what came before is not known.
func wholeLog(row string) string {
	return "exists (select 1 from events first where first.tenant_id = " + row + ".tenant_id and first.seq = 1)"
}

// headCounts looks at each job once, however many there are. Wholes are not
// counted: their segments are.
func headCounts() string {
	var counts, differ []string
	for _, s := range fleet.States() {
		column := string(s)
		if s == fleet.TimedOut {
			column = "timed_out"
		}
		counts = append(counts, fmt.Sprintf("sum(case when state = '%s' then 1 else 0 end) as %s", s, column))
		differ = append(differ, fmt.Sprintf("h.%s <> coalesce(x.%s, 0)", column, column))
	}
	return "select h.tenant_id from tenant_heads h left join (select tenant_id, " + strings.Join(counts, ", ") +
		" from jobs where segments = 0 group by tenant_id) x on x.tenant_id = h.tenant_id where " + strings.Join(differ, " or ")
}

// itemCounts says that a number of a queue is not that of its items.
func itemCounts() string {
	differ := []string{"h.postponed <> " + among("i.postponed")}
	for _, s := range fleet.ItemStates() {
		column := string(s)
		if s == fleet.ItemNew {
			column = "fresh"
		}
		differ = append(differ, "h."+column+" <> "+among("i.status = '"+string(s)+"'"))
	}
	return strings.Join(differ, " or ")
}

// Invariants checks the whole store and returns every violation.
func Invariants(ctx context.Context, q Queryer) error {
	var errs []error
	for _, inv := range InvariantQueries() {
		rows, err := q.QueryText(ctx, inv.SQL)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", inv.Name, err))
		case len(rows) > 0:
			errs = append(errs, fmt.Errorf("%s: %d rows, the first is %v", inv.Name, len(rows), rows[0]))
		}
	}
	pairs, err := q.QueryText(ctx, `select distinct coalesce(from_state, ''), coalesce(to_state, '') from events where subject = 'job'`)
	if err != nil {
		errs = append(errs, err)
	}
	for _, p := range pairs {
		if !legal(fleet.State(p[0]), fleet.State(p[1])) {
			errs = append(errs, fmt.Errorf("I4 legal pairs: an event says %q to %q, which no row of the table allows", p[0], p[1]))
		}
	}
	return errors.Join(append(errs, chains(ctx, q))...)
}

// chains checks that the audit of every tenant is the one that was written (I10).
func chains(ctx context.Context, q Queryer) error {
	heads, err := q.QueryText(ctx, `select tenant_id, seq, hash, cut_seq, cut_hash from audit_heads order by tenant_id`)
	if err != nil {
		return err
	}
	rows, err := q.QueryText(ctx, `select tenant_id, body, prev_hash, hash from audit order by tenant_id, seq`)
	if err != nil {
		return err
	}
	var errs []error
	for _, h := range heads {
		anchors := [2]auditchain.Anchor{{Hash: h[2]}, {Hash: h[4]}}
		for i, text := range []string{h[1], h[3]} {
			if anchors[i].Seq, err = strconv.ParseInt(text, 10, 64); err != nil {
				return err
			}
		}
		if anchors[1].Seq == 0 {
			anchors[1] = auditchain.Start()
		}
		check := auditchain.From(anchors[1])
		for len(rows) > 0 && rows[0][0] == h[0] {
			e, err := auditchain.Parse([]byte(rows[0][1]), rows[0][2], rows[0][3])
			if err != nil {
				return err
			}
			check.Take(e)
			rows = rows[1:]
		}
		if r := check.End(&anchors[0]); r.Fault != nil {
			errs = append(errs, fmt.Errorf("I10 the audit of %s: %s", h[0], r.Fault.Text))
		}
	}
	if len(rows) > 0 {
		errs = append(errs, fmt.Errorf("I10 the audit has rows of %s without a head", rows[0][0]))
	}
	return errors.Join(errs...)
}

// legal says whether a row of fleet's table leads from one state to the other.
func legal(from, to fleet.State) bool {
	if from == "" {
		return to == fleet.Pending || to == "" // T1, or it ended elsewhere
	}
	return slices.ContainsFunc(fleet.Table(), func(t fleet.Transition) bool {
		return slices.Contains(t.From, from) && slices.Contains(t.To, to)
	})
}

// CheckInvariants fails the test if the store breaks one.
func (f *Fixture) CheckInvariants() {
	f.Helper()
	q, ok := f.Store.(Queryer)
	if !ok {
		if w, is := f.Store.(interface{ Unwrap() any }); is {
			q, ok = w.Unwrap().(Queryer)
		}
	}
	if !ok {
		f.Fatalf("%T offers no QueryText, so its invariants cannot be checked", f.Store)
	}
	if err := Invariants(context.WithoutCancel(f.Context()), q); err != nil {
		f.Error(err)
	}
}
