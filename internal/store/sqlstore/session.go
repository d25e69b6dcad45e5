package sqlstore

import (
	"errors"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const sessionColumns = `id, tenant_id, robot_id, session_epoch, member_id, transport, instance_id, boot_id, journal_id, features,
	resume_hash, opened_at, closed_at, reason`

var (
	sessionGet = stmt("session.get", `select `+sessionColumns+` from sessions where id = $1 and ($2 or tenant_id = $3)`)
	sessionOf  = stmt("session.open", `select `+sessionColumns+` from sessions
		where robot_id = $1 and ($2 or tenant_id = $3) and closed_at is null`)
	sessionInsert = stmt("session.insert", `insert into sessions (`+sessionColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, null, '')`)
	sessionClose     = stmt("session.close", `update sessions set closed_at = $3, reason = $4 where id = $1 and tenant_id = $2 and closed_at is null`)
	sessionCloseOpen = stmt("session.close_open", `update sessions set closed_at = $3, reason = $4
		where robot_id = $1 and tenant_id = $2 and closed_at is null`)
	sessionMember = stmt("session.member", `select id, tenant_id from sessions
		where ($1 = '' or member_id = $1) and closed_at is null and ($2 or tenant_id = $3)`)
	robotSession = stmt("robot.session", `update robots set session_epoch = session_epoch + 1, session_id = $3, member_id = $4,
		suspect_ms = $6, lost_ms = case when lost_ms > $5 and exists (select 1 from attempts a where a.robot_id = robots.id
		and a.tenant_id = robots.tenant_id and a.slot_free_at is null) then lost_ms else $5 end
		where tenant_id = $1 and id = $2 and deleted_at is null returning session_epoch`)
	robotLeft = stmt("robot.left", `update robots set session_id = null, member_id = ''
		where tenant_id = $1 and id = $2 and session_id = $3`)

	journalGet = stmt("journal.get", `select committed_report_id from journals
		where robot_id = $1 and journal_id = $2 and ($3 or tenant_id = $4)`)
	journalPut = stmt("journal.put", `insert into journals (robot_id, tenant_id, journal_id, committed_report_id)
		values ($1, $2, $3, $4) on conflict (robot_id, tenant_id, journal_id) do update set
		committed_report_id = excluded.committed_report_id where journals.committed_report_id < excluded.committed_report_id`)
)

func scanSession(row *Row) fleet.Session {
	s := fleet.Session{
		ID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), RobotID: str[fleet.RobotID](row), Epoch: row.int64(),
		MemberID: str[fleet.ID](row), Transport: row.text(), InstanceID: row.text(), BootID: row.text(), JournalID: row.text(),
	}
	if list := row.text(); list != "" {
		s.Features = strings.Split(list, ",")
	}
	s.ResumeHash, s.OpenedAt, s.ClosedAt, s.Reason = row.text(), row.time(), row.time(), row.text()
	return s
}

func (r *reader) Session(id fleet.ID) (fleet.Session, error) {
	return r.session(sessionGet, string(id))
}

func (r *reader) OpenSession(robot fleet.RobotID) (fleet.Session, error) {
	return r.session(sessionOf, string(robot))
}

func (r *reader) session(q *Stmt, id string) (fleet.Session, error) {
	var s fleet.Session
	found, err := one(r.conn, q, func(row *Row) { s = scanSession(row) }, id, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("session", id)
	}
	return s, err
}

// Journal of a disk that never reported is one of which nothing is committed.
func (r *reader) Journal(robot fleet.RobotID, journal string) (fleet.Journal, error) {
	_, tenant := r.scope.Filter()
	j := fleet.Journal{Tenant: fleet.TenantID(tenant), RobotID: robot, ID: journal}
	_, err := one(r.conn, journalGet, func(row *Row) { j.Committed = row.int64() }, robot, journal, r.all(), tenant)
	return j, err
}

// PutJournal never lowers what was committed.
func (t *Tx) PutJournal(j fleet.Journal) error {
	if err := t.covers(j.Tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(journalPut, j.RobotID, j.Tenant, j.ID, j.Committed)
	return err
}

// OpenSessionAs makes s the robot's session; the one before is closed as
// replaced and its owner is woken.
func (t *Tx) OpenSessionAs(s fleet.Session) (int64, error) {
	if err := t.covers(s.Tenant); err != nil {
		return 0, err
	}
	if _, err := t.conn.Exec(sessionCloseOpen, s.RobotID, s.Tenant, s.OpenedAt, "replaced"); err != nil {
		return 0, err
	}
	found, err := one(t.conn, robotSession, func(row *Row) { s.Epoch = row.int64() }, s.Tenant, s.RobotID, s.ID, s.MemberID,
		s.LostAfter.Milliseconds(), s.SuspectAfter.Milliseconds())
	if err == nil && !found {
		err = fleet.NotFound("robot", string(s.RobotID))
	}
	if err != nil {
		return 0, err
	}
	if _, err := t.conn.Exec(sessionInsert, s.ID, s.Tenant, s.RobotID, s.Epoch, s.MemberID, s.Transport, s.InstanceID, s.BootID,
		s.JournalID, strings.Join(s.Features, ","), s.ResumeHash, s.OpenedAt); err != nil {
		return 0, err
	}
	if _, err := t.conn.Exec(sampleSeen, s.RobotID, s.Tenant, s.OpenedAt); err != nil {
		return 0, err
	}
	t.signal(topicReady, store.RobotTopic(string(s.Tenant), string(s.RobotID)))
	return s.Epoch, nil
}

// CloseSession of a session that is already closed changes nothing.
func (t *Tx) CloseSession(id fleet.ID, reason, actor string, now time.Time) (bool, error) {
	s, err := t.Session(id)
	if err != nil {
		return false, err
	}
	n, err := t.conn.Exec(sessionClose, id, s.Tenant, now, reason)
	if err != nil || n == 0 {
		return false, err
	}
	n, err = t.conn.Exec(robotLeft, s.Tenant, s.RobotID, id)
	if err != nil || n == 0 {
		return false, err
	}
	t.signal(topicReady)
	return true, t.robotGone(&s, reason, actor, now)
}

// robotGone writes that the connection of a robot has ended, and takes back what was
// only offered to it. What runs goes on until its lease lapses.
func (t *Tx) robotGone(s *fleet.Session, reason, actor string, now time.Time) error {
	held, err := t.HeldBy(s.RobotID)
	if err != nil {
		return err
	}
	orphaned := make([]fleet.ID, 0, len(held))
	for i := range held {
		sub := &held[i]
		if sub.Job.Tenant != s.Tenant { // a robot of another tenant has the same id
			continue
		}
		orphaned = append(orphaned, sub.Job.ID)
		if sub.Job.State == fleet.Assigned && sub.Attempt.SessionEpoch == s.Epoch {
			if err := t.TakeBack(*sub, now); err != nil {
				return err
			}
		}
	}
	return t.Append(s.Tenant, fleet.EventDraft{
		Kind: fleet.EventRobotDisconnected, Subject: fleet.SubjectRobot, SubjectID: string(s.RobotID), Actor: actor,
		Data: map[string]any{"reason": reason, "session_epoch": s.Epoch, "orphaned_job_ids": orphaned},
	})
}

// TakeBack applies NotTaken. Whether the robot ever heard of the offer is not known, so it is left out for a short time only: a job that
// may run nowhere else does not wait for a refusal that nobody spoke, and an
// offer that ends the connection each time comes back more and more slowly.
func (t *Tx) TakeBack(sub fleet.Subject, now time.Time) error {
	earlier, err := t.Refusals(sub.Job.ID, sub.Attempt.RobotID)
	if err != nil {
		return err
	}
	m, err := sub.NotTaken(sub.Job.Epoch, fleet.RejectCut, earlier, now)
	if errors.Is(err, fleet.ErrConflict) || errors.Is(err, fleet.ErrNotFound) {
		return nil // a robot that does not start in two steps; its lease decides
	}
	if err != nil {
		return err
	}
	return t.Apply(m)
}

// CloseMember returns how many sessions were open.
func (t *Tx) CloseMember(member fleet.ID, now time.Time) (int, error) {
	var open []fleet.ID
	err := t.conn.Query(sessionMember, func(row *Row) error {
		open = append(open, str[fleet.ID](row))
		return nil
	}, member, t.all(), t.tenant())
	if err != nil {
		return 0, err
	}
	for _, id := range open {
		if _, err := t.CloseSession(id, "member_gone", "", now); err != nil {
			return 0, err
		}
	}
	return len(open), nil
}
