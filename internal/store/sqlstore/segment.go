package sqlstore

import (
	"encoding/json"
	"errors"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// A whole follows its segments in the transaction of their moves. Its id is
// higher than theirs, so that rows are locked in one order.
var segmentList = stmt("job.segments", `select `+jobColumns+`, a.progress, a.current_node, a.silent_since`+jobFrom+
	`where j.parent_id = $1 and ($2 or j.tenant_id = $3) order by j.segment`)

var wholesStale = stmt("job.wholes_stale", `select w.tenant_id, w.id from jobs w where w.segments > 0 and w.ended_at is null and ($1 or w.tenant_id = $2)
	and not exists (select 1 from jobs s where s.parent_id = w.id and s.ended_at is null) order by w.id limit $3`)

// counted says whether the tenant's head counts the job. A whole is not work of
// its own: its segments are counted.
func counted(j *fleet.Job) bool { return j.Segments == 0 }

// Segments lists the parts of a whole.
func (r *reader) Segments(whole fleet.ID) (out []fleet.Job, err error) {
	err = r.conn.Query(segmentList, func(row *Row) error { out = append(out, scanShownJob(row)); return nil }, whole, r.all(), r.tenant())
	return out, err
}

// StaleWholes lists the wholes that go on although all their segments have ended.
func (r *reader) StaleWholes(limit int) (out []store.WholeRef, err error) {
	err = r.conn.Query(wholesStale, func(row *Row) error {
		out = append(out, store.WholeRef{Tenant: str[fleet.TenantID](row), ID: str[fleet.ID](row)})
		return nil
	}, r.all(), r.tenant(), limit)
	return out, err
}

// segmentMoved lets the whole follow.
func (t *Tx) segmentMoved(j *fleet.Job) error {
	if !j.State.Final() && j.State != fleet.Running && j.State != fleet.Cancelling {
		return nil
	}
	return t.FollowSegments(j.Parent)
}

// FollowSegments lets a whole stand as its segments do.
func (t *Tx) FollowSegments(whole fleet.ID) error {
	s, err := t.Subject(whole)
	if errors.Is(err, fleet.ErrNotFound) { // retention was here first
		return nil
	}
	if err != nil || s.Job.State.Final() {
		return err
	}
	segments, err := t.Segments(whole)
	if err != nil {
		return err
	}
	at := fleet.Turn(segments)
	if at == nil {
		return nil
	}
	turn := fleet.SegmentTurn{Segment: *at}
	if at.State.Final() {
		if err := t.ends(&turn, segments); err != nil {
			return err
		}
	}
	m, err := s.AfterSegment(turn, t.batch.now)
	if err != nil || m == nil {
		return err
	}
	return t.Apply(m)
}

// ends reads what the segments of a whole that is over have left.
func (t *Tx) ends(turn *fleet.SegmentTurn, segments []fleet.Job) error {
	var results []json.RawMessage
	for i := range segments {
		d, err := t.JobData(segments[i].ID)
		if err != nil {
			return err
		}
		turn.DurationMS += d.DurationMS
		results = append(results, d.Result)
		if segments[i].ID == turn.Segment.ID {
			turn.Error = d.Error
			break
		}
	}
	if turn.Segment.State == fleet.Completed {
		turn.Result = fleet.JoinResults(results)
	}
	return nil
}

// handOver gives a segment the variables of the one before it, and the time that
// is left.
func (t *Tx) handOver(end *fleet.ParentEnd) error {
	before, err := t.Subject(end.Parent)
	if err != nil {
		return err
	}
	d, err := t.JobData(end.Parent)
	if err != nil {
		return err
	}
	end.RunLeft = before.Job.RunLeft()
	end.Variables, end.BadInput = fleet.HandOver(d.Result)
	return nil
}
