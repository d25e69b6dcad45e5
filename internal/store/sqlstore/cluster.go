package sqlstore

import (
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const memberColumns = `id, incarnation, version, address, renew_seq, started_at`

// Members and leases belong to no tenant.
var (
	memberList = stmt("member.list", `select `+memberColumns+` from members order by id`)
	memberJoin = stmt("member.join", `insert into members (`+memberColumns+`) values ($1, $2, $3, $4, 1, $5)
		on conflict (id) do update set incarnation = excluded.incarnation, version = excluded.version,
		address = excluded.address, renew_seq = members.renew_seq + 1, started_at = excluded.started_at`)
	memberRenew  = stmt("member.renew", `update members set renew_seq = renew_seq + 1 where id = $1 and incarnation = $2`)
	memberRemove = stmt("member.remove", `delete from members where id = $1 and incarnation = $2 and renew_seq = $3`)
	memberLeave  = stmt("member.leave", `delete from members where id = $1 and incarnation = $2`)
	memberStray  = stmt("member.stray", `select member_id from sessions where closed_at is null
		and not exists (select 1 from members where members.id = sessions.member_id) group by member_id order by member_id`)
	robotStopping = stmt("robot.stopping", `select distinct tenant_id, robot_id from jobs where stop_deadline is not null`)

	leaseGet = stmt("lease.get", `select member_id, term, renew_seq from leases where name = $1`)
	// One statement takes and renews: of several that saw the same row, one hits.
	leaseTake = stmt("lease.take", `insert into leases (name, member_id, term, renew_seq) values ($1, $2, 1, 1)
		on conflict (name) do update set member_id = excluded.member_id, renew_seq = leases.renew_seq + 1,
		term = case when leases.member_id = excluded.member_id then leases.term else leases.term + 1 end
		where leases.term = $3 and leases.renew_seq = $4 returning member_id, term, renew_seq`)
	leaseRelease = stmt("lease.release", `update leases set member_id = '', renew_seq = renew_seq + 1
		where name = $1 and member_id = $2 and term = $3`)
)

// system refuses the scope of a tenant: what belongs to none is not theirs to see.
func (r *reader) system() error {
	if r.all() {
		return nil
	}
	return fleet.Errorf(fleet.CodeInternal, "scope", "members and leases are read and changed in a system scope")
}

func (r *reader) Members() ([]fleet.Member, error) {
	if err := r.system(); err != nil {
		return nil, err
	}
	var out []fleet.Member
	err := r.conn.Query(memberList, func(row *Row) error {
		out = append(out, fleet.Member{
			ID: str[fleet.ID](row), Incarnation: str[fleet.ID](row), Version: row.text(), Address: row.text(),
			RenewSeq: row.int64(), StartedAt: row.time(),
		})
		return nil
	})
	return out, err
}

func (r *reader) Strays() (out []fleet.ID, err error) {
	if err := r.system(); err != nil {
		return nil, err
	}
	err = r.conn.Query(memberStray, func(row *Row) error {
		out = append(out, str[fleet.ID](row))
		return nil
	})
	return out, err
}

func (r *reader) Stopping() (out []store.RobotRef, err error) {
	if err := r.system(); err != nil {
		return nil, err
	}
	err = r.conn.Query(robotStopping, func(row *Row) error {
		out = append(out, store.RobotRef{Tenant: str[fleet.TenantID](row), RobotID: str[fleet.RobotID](row)})
		return nil
	})
	return out, err
}

func (r *reader) Lease(name string) (l store.Lease, err error) {
	if err := r.system(); err != nil {
		return l, err
	}
	_, err = one(r.conn, leaseGet, func(row *Row) { l = scanLease(row) }, name)
	return l, err
}

func scanLease(row *Row) store.Lease {
	return store.Lease{Member: str[fleet.ID](row), Term: row.int64(), RenewSeq: row.int64()}
}

// Join stores a member.
func (t *Tx) Join(m fleet.Member) error {
	return t.cluster(memberJoin, m.ID, m.Incarnation, m.Version, m.Address, m.StartedAt)
}

// RenewMember says whether that incarnation is still there.
func (t *Tx) RenewMember(id, incarnation fleet.ID) (bool, error) {
	return t.clusterHit(memberRenew, id, incarnation)
}

// RemoveMember says whether the member was still as it was seen.
func (t *Tx) RemoveMember(seen fleet.Member) (bool, error) {
	return t.clusterHit(memberRemove, seen.ID, seen.Incarnation, seen.RenewSeq)
}

// Leave of a member that is not there changes nothing.
func (t *Tx) Leave(id, incarnation fleet.ID) error { return t.cluster(memberLeave, id, incarnation) }

// TakeLease is one guarded statement.
func (t *Tx) TakeLease(name string, member fleet.ID, seen store.Lease) (l store.Lease, taken bool, err error) {
	if err := t.system(); err != nil {
		return l, false, err
	}
	taken, err = one(t.conn, leaseTake, func(row *Row) { l = scanLease(row) }, name, member, seen.Term, seen.RenewSeq)
	return l, taken, err
}

// ReleaseLease changes nothing unless the member holds that term.
func (t *Tx) ReleaseLease(name string, member fleet.ID, term int64) error {
	return t.cluster(leaseRelease, name, member, term)
}

func (t *Tx) cluster(s *Stmt, args ...any) error {
	_, err := t.clusterHit(s, args...)
	return err
}

// clusterHit runs a statement that changes at most one row and says whether it did.
func (t *Tx) clusterHit(s *Stmt, args ...any) (bool, error) {
	if err := t.system(); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(s, args...)
	return n > 0, err
}
