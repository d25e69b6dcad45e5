package sqlstore

import (
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// The lines of attempts live in a file, or in tables, of their own; nothing
// here shares a transaction with jobs.

var (
	logHead = stmt("log.head", `select next_line, bytes from log_heads where job_id = $1 and epoch = $2 and tenant_id = $3`)
	logMove = stmt("log.move", `insert into log_heads (job_id, epoch, tenant_id, next_line, bytes, dropped)
		values ($1, $2, $3, $4, $5, $6) on conflict (job_id, epoch) do update set next_line = excluded.next_line,
		bytes = excluded.bytes, dropped = log_heads.dropped + excluded.dropped where log_heads.tenant_id = excluded.tenant_id`)
	logInsert = stmt("log.insert", `insert into log_lines (job_id, epoch, line, tenant_id, at, rank, level, node, message)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`)
	logRead = stmt("log.read", `select epoch, line, at, level, node, message from log_lines
		where job_id = $1 and (epoch, line) >= ($2, $3) and rank >= $4 and ($5 or tenant_id = $6)
		order by epoch, line limit $7`)
)

// logLimit bounds one read of lines.
const logLimit = 5000

// AppendLogs stores the batches whose holder is known to have sent them. The
// caller has checked that each batch comes from the attempt's robot.
func (t *Tx) AppendLogs(in []fleet.LogBatch) ([]fleet.LogAck, error) {
	out := make([]fleet.LogAck, len(in))
	for i := range in {
		if err := t.covers(in[i].Tenant); err != nil {
			return nil, err
		}
		ack, err := t.appendLog(&in[i])
		if err != nil {
			return nil, err
		}
		out[i] = ack
	}
	return out, nil
}

func (t *Tx) appendLog(b *fleet.LogBatch) (fleet.LogAck, error) {
	next, bytes := int64(1), int64(0)
	if _, err := one(t.conn, logHead, func(r *Row) { next, bytes = r.int64(), r.int64() }, b.JobID, b.Epoch, b.Tenant); err != nil {
		return fleet.LogAck{}, err
	}
	if err := t.appendSteps(b); err != nil {
		return fleet.LogAck{}, err
	}
	first := max(b.First, 1)
	// A gap is taken only if the robot says that it left those lines out.
	if first > next+max(b.Dropped, 0) {
		ack := fleet.LogAck{NextLine: next, Full: bytes >= b.Room()}
		if len(b.Steps) == 0 {
			return ack, nil
		}
		_, err := t.conn.Exec(logMove, b.JobID, b.Epoch, b.Tenant, next, bytes, 0)
		return ack, err
	}
	dropped := max(first-next, 0)
	end := next
	for i := range b.Lines {
		number := first + int64(i)
		if number < next {
			continue // heard before
		}
		end = number + 1
		l := &b.Lines[i]
		message := l.Message
		if len(message) > fleet.MaxLogLine {
			message = message[:fleet.MaxLogLine]
		}
		if bytes >= b.Room() {
			dropped++
			continue
		}
		bytes += int64(len(message)) + 1
		if _, err := t.conn.Exec(logInsert, b.JobID, b.Epoch, number, b.Tenant, l.At, fleet.LogRank(l.Level), l.Level, l.Node, message); err != nil {
			return fleet.LogAck{}, err
		}
	}
	ack := fleet.LogAck{NextLine: max(end, next), Full: bytes >= b.Room()}
	if end == next && dropped == 0 && len(b.Steps) == 0 {
		return ack, nil
	}
	if len(b.Lines) == 0 && dropped > 0 {
		ack.NextLine = max(first, next)
	}
	_, err := t.conn.Exec(logMove, b.JobID, b.Epoch, b.Tenant, ack.NextLine, bytes, dropped)
	return ack, err
}

// ReadLogs returns the lines of a job in order.
func ReadLogs(c Conn, s store.Scope, job fleet.ID, q store.LogQuery) ([]fleet.LogLine, error) {
	limit := q.Limit
	if limit <= 0 || limit > logLimit {
		limit = logLimit
	}
	rank := 0
	if q.Level != "" {
		rank = fleet.LogRank(q.Level)
	}
	all, tenant := s.Filter()
	var out []fleet.LogLine
	err := c.Query(logRead, func(r *Row) error {
		out = append(out, fleet.LogLine{
			Epoch: r.int64(), Line: r.int64(), At: r.time(), Level: r.text(), Node: r.text(), Message: r.text(),
		})
		return nil
	}, job, q.Epoch, q.From, rank, all, tenant, limit)
	return out, err
}

// Holder returns the robot that an attempt was given to, empty if there is no
// such attempt.
func Holder(c Conn, tenant fleet.TenantID, job fleet.ID, epoch int64) (fleet.RobotID, error) {
	var robot fleet.RobotID
	_, err := one(c, attemptGet, func(r *Row) { robot = scanAttempt(r).RobotID }, job, epoch, tenant)
	return robot, err
}
