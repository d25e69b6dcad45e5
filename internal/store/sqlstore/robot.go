package sqlstore

import (
	"cmp"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const robotColumns = `r.id, r.tenant_id, r.name, r.hostname, r.environment, r.capabilities, r.tags, r.os, r.arch, r.agent_version,
	r.pool, r.facts, r.pinned, r.shared_with, r.wished_slots, r.slot_limit, r.admin_mode,
	r.mode_until, r.mode_note, r.drain_deadline, r.on_deadline, r.drain_then, r.session_epoch, r.session_id is not null, r.member_id, r.last_assigned_at,
	r.quarantine_until, r.created_at, r.deleted_at, r.lost_ms, r.suspect_ms,
	m.last_seen, m.reported_status, m.cpu_percent, m.memory_percent, m.memory_mb, m.disk_percent`

const robotFrom = ` from robots r left join robot_samples m on m.robot_id = r.id and m.tenant_id = r.tenant_id `

var (
	robotGet = stmt("robot.get", `select `+robotColumns+robotFrom+
		`where r.id = $1 and ($2 or r.tenant_id = $3) and r.deleted_at is null`)
	robotList = stmt("robot.list", `select `+robotColumns+robotFrom+`where ($1 or r.tenant_id = $2) and r.deleted_at is null
		and ($3 = '' or r.member_id = $3) and (not $4 or r.session_id is not null) and ($5 = '' or r.environment = $5)
		and (r.id, r.tenant_id) > ($6, $7) and `+within("r.environment", "$9")+` order by r.id, r.tenant_id limit $8`)
	robotCount = stmt("robot.count", `select count(*) from robots r where ($1 or r.tenant_id = $2) and r.deleted_at is null
		and ($3 = '' or r.member_id = $3) and (not $4 or r.session_id is not null) and ($5 = '' or r.environment = $5)
		and `+within("r.environment", "$6"))
	robotInMode = stmt("robot.in_mode", `select `+robotColumns+robotFrom+`where r.admin_mode <> 'active' and r.deleted_at is null
		and ($1 or r.tenant_id = $2) order by r.id, r.tenant_id`)
	robotHeld = stmt("robot.held", `select a.robot_id, a.tenant_id, a.job_id, a.outcome from attempts a
		where a.slot_free_at is null and a.robot_id >= $1 and a.robot_id <= $2 and ($3 or a.tenant_id = $4)
		order by a.robot_id, a.tenant_id`)
	robotPut = stmt("robot.put", `insert into robots (tenant_id, id, name, hostname, environment, capabilities, tags, os, arch,
		agent_version, wished_slots, slot_limit, admin_mode, session_epoch, member_id, quarantine_until, created_at, deleted_at,
		pool, facts, pinned, shared_with, mode_until, mode_note, drain_deadline, on_deadline, drain_then)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, '', $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
		on conflict (tenant_id, id) do update set name = excluded.name, hostname = excluded.hostname,
		environment = excluded.environment, capabilities = excluded.capabilities, tags = excluded.tags, os = excluded.os,
		arch = excluded.arch, agent_version = excluded.agent_version, wished_slots = excluded.wished_slots,
		slot_limit = excluded.slot_limit, admin_mode = excluded.admin_mode, quarantine_until = excluded.quarantine_until,
		deleted_at = excluded.deleted_at, pool = excluded.pool, facts = excluded.facts, pinned = excluded.pinned,
		shared_with = excluded.shared_with, mode_until = excluded.mode_until, mode_note = excluded.mode_note,
		drain_deadline = excluded.drain_deadline, on_deadline = excluded.on_deadline, drain_then = excluded.drain_then`)
	robotAssigned = stmt("robot.assigned", `update robots set last_assigned_at = $3 where tenant_id = $1 and id = $2`)
	robotDelete   = stmt("robot.delete", `update robots set deleted_at = $4, session_id = null, member_id = ''
		where id = $1 and ($2 or tenant_id = $3) and deleted_at is null`)

	samplePut = stmt("robot_sample.put", `insert into robot_samples (robot_id, tenant_id, last_seen, reported_status, cpu_percent,
		memory_percent, memory_mb, disk_percent) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (robot_id, tenant_id) do update set last_seen = excluded.last_seen,
		reported_status = excluded.reported_status, cpu_percent = excluded.cpu_percent,
		memory_percent = excluded.memory_percent, memory_mb = excluded.memory_mb, disk_percent = excluded.disk_percent`)
	sampleSeen = stmt("robot_sample.seen", `insert into robot_samples (robot_id, tenant_id, last_seen, reported_status,
		cpu_percent, memory_percent, memory_mb, disk_percent) values ($1, $2, $3, '', 0, 0, 0, 0)
		on conflict (robot_id, tenant_id) do update set last_seen = excluded.last_seen`)
)

func scanRobot(row *Row) fleet.Robot {
	return fleet.Robot{
		ID: str[fleet.RobotID](row), Tenant: str[fleet.TenantID](row), Name: row.text(), Hostname: row.text(), Environment: row.text(),
		Capabilities: row.words(), Tags: row.words(), OS: row.text(), Arch: row.text(), AgentVersion: row.text(),
		Pool: row.text(), Facts: facts(row), Pinned: row.words(), SharedWith: tenants(row), WishedSlots: row.int(), SlotLimit: row.int(), Mode: str[fleet.AdminMode](row),
		ModeUntil: row.time(), ModeNote: row.text(), DrainDeadline: row.time(), OnDeadline: str[fleet.OnDeadline](row),
		DrainThen: str[fleet.AdminMode](row), SessionEpoch: row.int64(),
		Connected: row.bool(), MemberID: str[fleet.ID](row), LastAssignedAt: row.time(), QuarantineTill: row.time(),
		CreatedAt: row.time(), DeletedAt: row.time(), LostAfter: milliseconds(row).Std(), SuspectAfter: milliseconds(row).Std(), LastSeen: row.time(), Reported: str[fleet.Reported](row),
		Metrics: fleet.RobotMetrics{
			CPUPercent: row.float(), MemoryPercent: row.float(), MemoryMB: row.float(), DiskPercent: row.float(),
		},
		CurrentJobIDs: []fleet.ID{},
	}
}

// Robot of a system scope is the first of that id; its row names the tenant.
func (r *reader) Robot(id fleet.RobotID) (fleet.Robot, error) {
	var robot fleet.Robot
	found, err := one(r.conn, robotGet, func(row *Row) { robot = scanRobot(row) }, id, r.all(), r.tenant())
	if err == nil && (!found || !r.scope.Sees(robot.Environment)) {
		err = fleet.NotFound("robot", string(id))
	}
	if err != nil {
		return fleet.Robot{}, err
	}
	list := []fleet.Robot{robot}
	err = r.load(list)
	return list[0], err
}

// load fills in what the robots hold.
func (r *reader) load(list []fleet.Robot) error {
	if len(list) == 0 {
		return nil
	}
	at := 0
	return r.conn.Query(robotHeld, func(row *Row) error {
		id, tenant, job, live := str[fleet.RobotID](row), str[fleet.TenantID](row), str[fleet.ID](row), row.text() == ""
		for at < len(list) && (list[at].ID < id || list[at].ID == id && list[at].Tenant < tenant) {
			at++
		}
		if at < len(list) && list[at].ID == id && list[at].Tenant == tenant {
			list[at].Taken++
			if live {
				list[at].CurrentJobIDs = append(list[at].CurrentJobIDs, job)
			}
		}
		return nil
	}, list[0].ID, list[len(list)-1].ID, r.all(), r.tenant())
}

func (r *reader) Robots(f store.RobotFilter, p fleet.Page) (store.RobotPage, error) {
	var out store.RobotPage
	p, err := p.Normalize()
	if err != nil {
		return out, err
	}
	after, err := cursor(p.Cursor, 2)
	if err != nil {
		return out, err
	}
	err = r.conn.Query(robotList, func(row *Row) error {
		out.Robots = append(out.Robots, scanRobot(row))
		return nil
	}, r.all(), r.tenant(), f.Member, f.Connected, f.Environment, after[0], after[1], p.Limit+1, r.scope.Bounds())
	if err != nil {
		return out, err
	}
	if len(out.Robots) > p.Limit {
		out.Robots = out.Robots[:p.Limit]
		last := &out.Robots[p.Limit-1]
		out.Next = makeCursor(string(last.ID), string(last.Tenant))
	}
	if _, err = one(r.conn, robotCount, func(row *Row) { out.Total = row.int64() }, r.all(), r.tenant(), f.Member, f.Connected,
		f.Environment, r.scope.Bounds()); err != nil {
		return out, err
	}
	return out, r.load(out.Robots)
}

// InMode lists the robots of which an operator wants something.
func (r *reader) InMode() ([]fleet.Robot, error) {
	var out []fleet.Robot
	err := r.conn.Query(robotInMode, func(row *Row) error {
		out = append(out, scanRobot(row))
		return nil
	}, r.all(), r.tenant())
	if err != nil {
		return nil, err
	}
	return out, r.load(out)
}

// Rooms reads what placement needs of robots.
func (r *reader) Rooms(robots []store.RobotRef) ([]fleet.Robot, error) {
	out := make([]fleet.Robot, len(robots))
	lists := make([][]any, 0, len(robots))
	at := make(map[store.RobotRef]int, len(robots))
	for i, ref := range robots {
		if _, twice := at[ref]; !twice && r.scope.Covers(ref.Tenant) {
			lists, at[ref] = append(lists, []any{ref.RobotID, ref.Tenant}), i
		}
	}
	err := r.conn.Each(robotForOffer, lists, func(_ int, row *Row) error {
		robot := scanRobot(row)
		robot.Taken = row.int()
		out[at[store.RobotRef{Tenant: robot.Tenant, RobotID: robot.ID}]] = robot
		return nil
	})
	for i, ref := range robots { // one that was named twice
		if first, ok := at[ref]; ok {
			out[i] = out[first]
		}
	}
	return out, err
}

// PutRobot writes what people and the robot's key say of it. Session and
// samples are not touched.
func (t *Tx) PutRobot(r fleet.Robot) error {
	if err := t.covers(r.Tenant); err != nil {
		return err
	}
	mode := cmp.Or(r.Mode, fleet.ModeActive)
	known, err := factText(r.Facts)
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(robotPut, r.Tenant, r.ID, r.Name, r.Hostname, r.Environment, r.Capabilities.Key(), r.Tags.Key(), r.OS, r.Arch,
		r.AgentVersion, r.WishedSlots, r.SlotLimit, string(mode), r.QuarantineTill, r.CreatedAt, r.DeletedAt,
		cmp.Or(r.Pool, fleet.DefaultPool), known, r.Pinned.Key(), tenantText(r.SharedWith), r.ModeUntil, r.ModeNote, r.DrainDeadline,
		string(r.OnDeadline), string(r.DrainThen))
	t.signal(topicReady)
	return err
}

// DeleteRobot hides the robot and ends its session. What it holds is for the
// caller to end by moves.
func (t *Tx) DeleteRobot(id fleet.RobotID, now time.Time) error {
	robot, err := t.Robot(id)
	if err != nil {
		return err
	}
	if _, err := t.conn.Exec(sessionCloseOpen, id, robot.Tenant, now, "robot_deleted"); err != nil {
		return err
	}
	_, err = t.conn.Exec(robotDelete, id, t.all(), t.tenant(), now)
	t.signal(topicReady, store.RobotTopic(string(robot.Tenant), string(id)))
	return err
}
