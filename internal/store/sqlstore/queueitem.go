package sqlstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const itemColumns = `i.id, i.tenant_id, i.queue_id, i.status, i.postponed, i.chain_id, i.retry_no, i.lost_no, i.previous_id, i.next_id,
	i.priority, i.reference, i.deadline, i.risk_at, i.not_before, i.overdue, i.robot_id, i.robot_name, i.job_id, i.epoch, i.holder,
	i.claim_key, i.lease_until, i.started_at, i.completed_at, i.duration_ms, i.error_type, i.error_message, i.exception_type,
	i.review, i.reviewer, i.labels, i.version, i.created_at, i.updated_at, i.holder_id`

const itemDetail = itemColumns + `, d.data, d.output, d.comments from queue_items i join queue_item_data d on d.item_id = i.id `

// A text joined with nothing is not looked up in an index, so that the one of
// the condition before it is taken.
var (
	itemGet  = stmt("queue_item.get", `select `+itemDetail+`where i.id = $1 and ($2 or i.tenant_id = $3)`)
	itemJob  = stmt("queue_item.job", `select job_id from queue_items where id = $1 and ($2 or tenant_id = $3)`)
	itemList = stmt("queue_item.list", `select `+itemColumns+` from queue_items i where i.tenant_id = $1 and i.queue_id = $2
		and i.status = $3 and i.id < $4 order by i.id desc limit $5`)
	itemByReference = stmt("queue_item.by_reference", `select `+itemColumns+` from queue_items i where i.tenant_id = $1 and i.queue_id = $2
		and i.reference <> '' and (i.reference, i.id) > ($3, $4) and i.reference < $5 order by i.reference, i.id limit $6`)
	itemByJob = stmt("queue_item.by_job", `select `+itemColumns+` from queue_items i where i.job_id = $1 and i.tenant_id || '' = $2
		and i.queue_id || '' = $3 and i.id < $4 order by i.id desc limit $5`)
	// itemAfter looks at nothing but an index.
	itemAfter = stmt("queue_item.after", `select id from queue_items where tenant_id = $1 and queue_id = $2 and status = $3 and id > $4
		order by id limit $5`)
	itemChain = stmt("queue_item.chain", `select `+itemDetail+`where i.tenant_id || '' = $2 and (i.id = $1 or (i.chain_id = $1 and i.previous_id is not null))
		order by i.id`)
	itemsOf = stmt("queue_item.of", `select `+itemDetail+`where i.job_id = $1 and i.epoch = $2 and i.tenant_id = $3
		and i.claim_key = $4 and i.status = 'in_progress' order by i.rank, i.due, i.chain_id, i.id`)
	itemsHeld = stmt("queue_item.held", `select count(*) from queue_items where job_id = $1 and queue_id || '' = $2 and tenant_id || '' = $3
		and status = 'in_progress'`)
	itemForsaken = stmt("queue_item.forsaken", `select i.id from queue_items i where i.tenant_id = $1 and i.queue_id = $2
		and i.status = 'in_progress' and i.id > $3 and (i.lease_until <= $4 or (i.job_id is not null and not exists
		(select 1 from attempts a where a.job_id = i.job_id and a.epoch = i.epoch and a.outcome is null))) order by i.id limit $5`)
	itemOverdue = stmt("queue_item.overdue", `select tenant_id, queue_id, id from queue_items where status = 'new' and not overdue
		and deadline is not null and deadline <= $1 and ($2 or tenant_id = $3) order by deadline limit $4`)

	itemInsert = stmt("queue_item.insert", `insert into queue_items (id, tenant_id, queue_id, status, postponed, rank, due, chain_id,
		retry_no, lost_no, previous_id, priority, reference, deadline, risk_at, not_before, overdue, robot_name, epoch, holder, claim_key,
		duration_ms, error_type, error_message, exception_type, review, reviewer, labels, version, created_at, updated_at)
		values ($1, $2, $3, 'new', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, '', 0, '', '', 0, '', '', '', '', '', $17, 1, $18, $18)`)
	itemDataInsert = stmt("queue_item_data.insert", `insert into queue_item_data (item_id, tenant_id, data, comments) values ($1, $2, $3, '')`)
	// itemMove is the one statement that changes an item's state.
	itemMove = stmt("queue_item.move", `update queue_items set status = $4, postponed = $5, rank = $6, due = $7, priority = $8,
		reference = $9, next_id = $10, deadline = $11, risk_at = $12, not_before = $13, overdue = $14, robot_id = $15, robot_name = $16,
		job_id = $17, epoch = $18, holder = $19, claim_key = $20, lease_until = $21, started_at = $22, completed_at = $23,
		duration_ms = $24, error_type = $25, error_message = $26, exception_type = $27, review = $28, reviewer = $29, labels = $30,
		version = $31, updated_at = $32, holder_id = $33 where id = $1 and tenant_id = $2 and version = $3`)
	itemDataPut = stmt("queue_item_data.put", `update queue_item_data set data = $3, output = $4, comments = $5
		where item_id = $1 and tenant_id = $2`)
	itemRank = stmt("queue_item.rank", `update queue_items set rank = $3, due = $4 where id = $1 and tenant_id = $2 and status = 'new'`)
)

func scanItem(r *Row) fleet.QueueItem {
	return fleet.QueueItem{
		ID: str[fleet.ID](r), Tenant: str[fleet.TenantID](r), QueueID: str[fleet.ID](r), Status: str[fleet.ItemState](r), Postponed: r.bool(),
		ChainID: str[fleet.ID](r), RetryNo: r.int(), LostNo: r.int(), PreviousID: str[fleet.ID](r), NextID: str[fleet.ID](r),
		Priority: fleet.Priority(r.int()), Reference: r.text(), Deadline: r.time(), RiskAt: r.time(), NotBefore: r.time(), Overdue: r.bool(),
		RobotID: str[fleet.RobotID](r), RobotName: r.text(), JobID: str[fleet.ID](r), Epoch: r.int64(), Holder: r.text(), ClaimKey: r.text(),
		LeaseUntil: r.time(), StartedAt: r.time(), CompletedAt: r.time(), DurationMS: r.int64(),
		ErrorType: r.text(), ErrorMessage: r.text(), ExceptionType: r.text(), Review: str[fleet.Review](r), Reviewer: r.text(),
		Labels: labels(r), Version: r.int64(), CreatedAt: r.time(), UpdatedAt: r.time(), HolderID: r.text(),
	}
}

func scanItemDetail(r *Row) fleet.QueueItem {
	i := scanItem(r)
	i.Data, i.Output = r.bytes(), r.bytes()
	if text := r.text(); text != "" {
		_ = json.Unmarshal([]byte(text), &i.Comments) // the store wrote it itself
	}
	return i
}

func (r *reader) items(s *Stmt, args ...any) (out []fleet.QueueItem, err error) {
	err = r.conn.Query(s, func(row *Row) error { out = append(out, scanItem(row)); return nil }, args...)
	return out, err
}

func (r *reader) details(s *Stmt, args ...any) (out []fleet.QueueItem, err error) {
	err = r.conn.Query(s, func(row *Row) error { out = append(out, scanItemDetail(row)); return nil }, args...)
	return out, err
}

// Item finds one with everything.
func (r *reader) Item(id fleet.ID) (fleet.QueueItem, error) {
	list, err := r.details(itemGet, id, r.all(), r.tenant())
	if err == nil && len(list) == 0 {
		err = fleet.NotFound("item", string(id))
	}
	if err != nil {
		return fleet.QueueItem{}, err
	}
	return list[0], nil
}

// ItemJob is the job that an item is or was held by.
func (r *reader) ItemJob(id fleet.ID) (job fleet.ID, err error) {
	found, err := one(r.conn, itemJob, func(row *Row) { job = str[fleet.ID](row) }, id, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("item", string(id))
	}
	return job, err
}

// Items lists some of a queue.
func (r *reader) Items(f store.ItemFilter, p fleet.Page) (list []fleet.QueueItem, next string, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, "", err
	}
	if f.Reference != "" || f.Prefix != "" {
		return r.itemsByReference(tenant, f, p)
	}
	if f.Line != "" && f.Job == "" {
		return r.itemsInLine(tenant, f, p)
	}
	p, before, err := pageBefore(p)
	if err != nil {
		return nil, "", err
	}
	if f.Job != "" {
		list, err = r.items(itemByJob, f.Job, tenant, f.Queue, before, p.Limit+1)
	} else {
		list, err = r.newestItems(tenant, f.Queue, wanted(f.States), before, p.Limit+1)
	}
	if err == nil && len(list) > p.Limit {
		list = list[:p.Limit]
		next = makeCursor(string(list[p.Limit-1].ID))
	}
	if f.Job != "" && len(f.States) > 0 {
		list = slices.DeleteFunc(list, func(i fleet.QueueItem) bool { return !slices.Contains(f.States, i.Status) })
	}
	return list, next, err
}

// wanted is the states of a filter.
func wanted(states []fleet.ItemState) []fleet.ItemState {
	if len(states) > 0 {
		return states
	}
	return fleet.ItemStates()[:6] // not the deleted ones
}

// lastText sorts after every reference.
const lastText = "\U0010ffff"

func (r *reader) itemsByReference(tenant fleet.TenantID, f store.ItemFilter, p fleet.Page) (list []fleet.QueueItem, next string, err error) {
	if p, err = p.Normalize(); err != nil {
		return nil, "", err
	}
	from, to := f.Reference, f.Reference+"\x01"
	if f.Reference == "" {
		from, to = f.Prefix, f.Prefix+lastText
	}
	at, err := cursor(p.Cursor, 2)
	if err != nil {
		return nil, "", err
	}
	if p.Cursor == "" {
		at = []string{from, ""}
	}
	list, err = r.items(itemByReference, tenant, f.Queue, at[0], at[1], to, p.Limit+1)
	if err == nil && len(list) > p.Limit {
		list = list[:p.Limit]
		last := &list[p.Limit-1]
		next = makeCursor(last.Reference, string(last.ID))
	}
	states := wanted(f.States)
	return slices.DeleteFunc(list, func(i fleet.QueueItem) bool { return !slices.Contains(states, i.Status) }), next, err
}

// ItemsAfter lists all of a queue, in the order of ids. What it reads of items
// is what it returns: which ones come next is asked of an index, state by state.
func (r *reader) ItemsAfter(queue, after fleet.ID, limit int) (list []fleet.QueueItem, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	lists := make([][]any, 0, len(fleet.ItemStates()))
	for _, s := range fleet.ItemStates() {
		lists = append(lists, []any{tenant, queue, string(s), after, limit})
	}
	var ids []fleet.ID
	if err := r.conn.Each(itemAfter, lists, func(_ int, row *Row) error { ids = append(ids, str[fleet.ID](row)); return nil }); err != nil {
		return nil, err
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	lists = lists[:0]
	for _, id := range ids[:min(len(ids), limit)] {
		lists = append(lists, []any{id, false, tenant})
	}
	err = r.conn.Each(itemGet, lists, func(_ int, row *Row) error { list = append(list, scanItemDetail(row)); return nil })
	return list, err
}

// Chain lists the tries of one item.
func (r *reader) Chain(chain fleet.ID) ([]fleet.QueueItem, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.details(itemChain, chain, tenant)
}

// ItemsOf lists what a claim of an attempt gave and is still held.
func (r *reader) ItemsOf(job fleet.ID, epoch int64, claim string) ([]fleet.QueueItem, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.details(itemsOf, job, epoch, tenant, claim)
}

// HeldItems counts what some jobs hold.
func (r *reader) HeldItems(queue fleet.ID, jobs []fleet.ID) (n int64, err error) {
	tenant, err := r.only()
	if err != nil {
		return 0, err
	}
	lists := make([][]any, len(jobs))
	for k, job := range jobs {
		lists[k] = []any{job, queue, tenant}
	}
	err = r.conn.Each(itemsHeld, lists, func(_ int, row *Row) error { n += row.int64(); return nil })
	return n, err
}

// Forsaken finds items whose holder is gone.
func (r *reader) Forsaken(at store.QueueRef, after fleet.ID, now time.Time, limit int) (out []fleet.ID, err error) {
	if err := r.covers(at.Tenant); err != nil {
		return nil, err
	}
	err = r.conn.Query(itemForsaken, func(row *Row) error { out = append(out, str[fleet.ID](row)); return nil },
		at.Tenant, at.Queue, after, Stored(now), limit)
	return out, err
}

// OverdueItems finds new items whose deadline has passed.
func (r *reader) OverdueItems(now time.Time, limit int) (out []store.ItemRef, err error) {
	err = r.conn.Query(itemOverdue, func(row *Row) error {
		out = append(out, store.ItemRef{QueueRef: store.QueueRef{Tenant: str[fleet.TenantID](row), Queue: str[fleet.ID](row)}, ID: str[fleet.ID](row)})
		return nil
	}, Stored(now), r.all(), r.tenant(), limit)
	return out, err
}

// insertItems writes new items, in one trip to the database, and counts them.
func (t *Tx) insertItems(q *fleet.Queue, items []*fleet.QueueItem) error {
	rows, data := make([][]any, len(items)), make([][]any, len(items))
	for k, i := range items {
		for _, at := range []*time.Time{&i.Deadline, &i.RiskAt, &i.NotBefore, &i.CreatedAt, &i.UpdatedAt} {
			*at = Stored(*at)
		}
		rank, due := fleet.ItemPlace(q.Order, i)
		labelled, err := labelText(i.Labels)
		if err != nil {
			return err
		}
		rows[k] = []any{
			i.ID, i.Tenant, i.QueueID, i.Postponed, rank, due, i.ChainID, i.RetryNo, i.LostNo, opt(i.PreviousID), int(i.Priority),
			i.Reference, i.Deadline, i.RiskAt, i.NotBefore, i.Overdue, labelled, i.CreatedAt,
		}
		data[k] = []any{i.ID, i.Tenant, []byte(i.Data)}
		t.countItems(store.QueueRef{Tenant: i.Tenant, Queue: i.QueueID}, fleet.ItemNew, i.Postponed, 1)
		if i.Postponed {
			t.timerAt(i.NotBefore)
		}
	}
	none := func(int, *Row) error { return nil }
	if err := t.conn.Asks([]Ask{{itemInsert, rows, none}, {itemDataInsert, data, none}}); err != nil {
		return fmt.Errorf("insert items: %w", err)
	}
	return nil
}

// MoveItem commits a move if the item is still as the move found it.
func (t *Tx) MoveItem(q *fleet.Queue, m *fleet.ItemMove, actor string) error {
	i := &m.Item
	if err := t.covers(i.Tenant); err != nil {
		return err
	}
	if !m.Allowed() || i.Tenant != q.Tenant || i.QueueID != q.ID {
		return fleet.Errorf(fleet.CodeInternal, "item_move", "an item cannot go from %s to %s", m.From, i.Status)
	}
	if m.Free {
		if _, err := t.conn.Exec(referenceFree, i.Tenant, i.QueueID, m.Reference, i.ChainID); err != nil {
			return err
		}
	}
	if m.Take {
		if err := t.takeReference(q, i); err != nil {
			return err
		}
	}
	if err := t.writeItem(q, m); err != nil {
		return err
	}
	if m.Data {
		remarks := ""
		if len(i.Comments) > 0 {
			b, err := encode(i.Comments)
			if err != nil {
				return err
			}
			remarks = string(b)
		}
		if _, err := t.conn.Exec(itemDataPut, i.ID, i.Tenant, []byte(i.Data), nullable(i.Output), remarks); err != nil {
			return err
		}
	}
	if m.Next != nil {
		if err := t.insertItems(q, []*fleet.QueueItem{m.Next}); err != nil {
			return err
		}
	}
	if m.Kind == "" {
		return nil
	}
	return t.Append(i.Tenant, itemEvent(m, actor))
}

func itemEvent(m *fleet.ItemMove, actor string) fleet.EventDraft {
	return fleet.EventDraft{Kind: m.Kind, Subject: fleet.SubjectItem, SubjectID: string(m.Item.ID), Actor: actor, Data: m.About}
}

func nullable(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// writeItem is the item's own row.
func (t *Tx) writeItem(q *fleet.Queue, m *fleet.ItemMove) error {
	i := &m.Item
	for _, at := range []*time.Time{&i.Deadline, &i.RiskAt, &i.NotBefore, &i.LeaseUntil, &i.StartedAt, &i.CompletedAt, &i.UpdatedAt} {
		*at = Stored(*at)
	}
	rank, due := fleet.ItemPlace(q.Order, i)
	labelled, err := labelText(i.Labels)
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(itemMove, i.ID, i.Tenant, m.Version, string(i.Status), i.Postponed, rank, due, int(i.Priority),
		i.Reference, opt(i.NextID), i.Deadline, i.RiskAt, i.NotBefore, i.Overdue, opt(i.RobotID), i.RobotName,
		opt(i.JobID), i.Epoch, i.Holder, i.ClaimKey, i.LeaseUntil, i.StartedAt, i.CompletedAt,
		i.DurationMS, i.ErrorType, i.ErrorMessage, i.ExceptionType, string(i.Review), i.Reviewer, labelled,
		i.Version, i.UpdatedAt, i.HolderID)
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "item_changed", "Item %s has changed since it was read.", i.ID)
	}
	if err != nil {
		return fmt.Errorf("move item %s: %w", i.ID, err)
	}
	ref := store.QueueRef{Tenant: i.Tenant, Queue: i.QueueID}
	t.countItems(ref, m.From, m.Postponed, -1)
	t.countItems(ref, i.Status, i.Postponed, 1)
	if i.Postponed {
		t.timerAt(i.NotBefore)
	}
	return nil
}
