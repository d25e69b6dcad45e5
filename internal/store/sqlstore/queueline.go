package sqlstore

import (
	"slices"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// A queue in the order in which it is worked off: what can be taken now as the
// line has it, what waits for its time by that time, and then the rest, the
// newest first.
var (
	itemLine = stmt("queue_item.line", `select `+itemColumns+` from queue_items i where i.tenant_id = $1 and i.queue_id = $2 and i.status = 'new'
		and not i.postponed and (i.rank, i.due, i.chain_id, i.id) > ($3, $4, $5, $6) order by i.rank, i.due, i.chain_id, i.id limit $7`)
	itemWaiting = stmt("queue_item.waiting", `select `+itemColumns+` from queue_items i where i.tenant_id = $1 and i.queue_id = $2 and i.postponed
		and i.not_before >= $3 and (i.not_before > $3 or i.id > $4) order by i.not_before, i.id limit $5`)
)

// The parts of the list, as its cursors name them.
const (
	partReady   = "ready"
	partWaiting = "waiting"
	partRest    = "rest"
)

// lineAt is where a page begins: after an item of a part.
type lineAt struct {
	part      string
	rank, due int64
	time      time.Time
	chain, id string
}

func lineFrom(text string) (at lineAt, err error) {
	parts, err := cursor(text, 6)
	if err != nil {
		return at, err
	}
	at = lineAt{part: parts[0], chain: parts[4], id: parts[5]}
	if at.part == "" {
		at.part, at.rank = partReady, -1 // ranks begin with 0
		return at, nil
	}
	var bad [3]error
	at.rank, bad[0] = strconv.ParseInt(parts[1], 10, 64)
	at.due, bad[1] = strconv.ParseInt(parts[2], 10, 64)
	at.time, bad[2] = time.Parse(time.RFC3339Nano, parts[3])
	if bad != [3]error{} || !slices.Contains([]string{partReady, partWaiting, partRest}, at.part) {
		_, err = cursor("!", 1)
	}
	return at, err
}

// cursor is behind an item.
func (at lineAt) cursor(order fleet.ItemOrder, i *fleet.QueueItem) string {
	rank, due := fleet.ItemPlace(order, i)
	return makeCursor(at.part, strconv.FormatInt(rank, 10), strconv.FormatInt(due, 10), i.NotBefore.UTC().Format(time.RFC3339Nano), string(i.ChainID), string(i.ID))
}

// itemsInLine lists items as they are worked off.
func (r *reader) itemsInLine(tenant fleet.TenantID, f store.ItemFilter, p fleet.Page) (list []fleet.QueueItem, next string, err error) {
	if p, err = p.Normalize(); err != nil {
		return nil, "", err
	}
	at, err := lineFrom(p.Cursor)
	if err != nil {
		return nil, "", err
	}
	states := wanted(f.States)
	part := at
	read := func(more []fleet.QueueItem, err error) error {
		if len(list) <= p.Limit && len(more) > 0 {
			keep := min(len(more), p.Limit-len(list))
			if keep > 0 {
				next = part.cursor(f.Line, &more[keep-1])
			}
		}
		list = append(list, more...)
		return err
	}
	if part.part == partReady {
		if slices.Contains(states, fleet.ItemNew) {
			err = read(r.items(itemLine, tenant, f.Queue, part.rank, part.due, part.chain, part.id, p.Limit+1))
		}
		part = lineAt{part: partWaiting, time: time.Unix(0, 0)} // no time at all is null
	}
	if err == nil && part.part == partWaiting && len(list) <= p.Limit {
		if slices.Contains(states, fleet.ItemNew) {
			err = read(r.items(itemWaiting, tenant, f.Queue, part.time, part.id, p.Limit+1-len(list)))
		}
		part = lineAt{part: partRest, id: lastID}
	}
	if err == nil && len(list) <= p.Limit {
		err = read(r.newestItems(tenant, f.Queue, slices.DeleteFunc(slices.Clone(states), func(s fleet.ItemState) bool { return s == fleet.ItemNew }), part.id, p.Limit+1-len(list)))
	}
	if len(list) <= p.Limit {
		return list, "", err
	}
	return list[:p.Limit], next, err
}

// newestItems lists items of some states before an id.
func (r *reader) newestItems(tenant fleet.TenantID, queue fleet.ID, states []fleet.ItemState, before string, limit int) (list []fleet.QueueItem, err error) {
	lists := make([][]any, 0, len(states))
	for _, s := range states {
		lists = append(lists, []any{tenant, queue, string(s), before, limit})
	}
	err = r.conn.Each(itemList, lists, func(_ int, row *Row) error { list = append(list, scanItem(row)); return nil })
	slices.SortFunc(list, func(a, b fleet.QueueItem) int { return compareText(b.ID, a.ID) })
	return list[:min(limit, len(list))], err
}
