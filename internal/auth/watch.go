package auth

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// How often to look without being woken, and to write down what was used.
const (
	watchEvery = time.Second
	flushEvery = 30 * time.Second
	useAgain   = 5 * time.Minute // a key's uses are written at most this often
	usesMost   = 100_000         // keys whose uses wait to be written
	flushPage  = 1000            // keys in one transaction
)

// Generation is a number that rises whenever a credential may count less than
// before, here or at another orchestrator. Who holds a connection open compares
// it with the one at which it last asked, and asks again if it differs.
func (k *Keys) Generation() int64 { return k.generation.Load() }

// Forget raises the generation: nothing that was looked up before it counts.
func (k *Keys) Forget() {
	k.generation.Add(1)
	k.mu.Lock()
	clear(k.cache)
	k.mu.Unlock()
}

// Live says when each key that counts now will end, for those who hold
// connections open; the zero time is never.
func (k *Keys) Live(ctx context.Context) (live map[fleet.ID]time.Time, err error) {
	err = k.store.View(ctx, store.System("auth"), func(r store.Reader) (err error) {
		live, err = r.LiveKeys(k.now())
		return err
	})
	if err != nil { // what was read so far is not all, and a key that is missing would count as revoked
		return nil, err
	}
	return live, nil
}

// Run watches the number of revocations until ctx ends: at once when it is
// woken, and once a second without. It also writes down which keys were used.
func (k *Keys) Run(ctx context.Context) {
	wake, stop := k.store.Signals().Listen(store.TopicKeys)
	defer stop()
	look, flush := time.NewTicker(watchEvery), time.NewTicker(flushEvery)
	defer look.Stop()
	defer flush.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
			k.Look(ctx)
		case <-look.C:
			k.Look(ctx)
		case <-flush.C:
			if err := k.Flush(ctx); err != nil && ctx.Err() == nil {
				k.log.Warn("uses of keys not written yet", "error", err)
			}
		}
	}
}

// Look reads the number once. While the store is away nothing is known, and
// nothing that needs the store works either.
func (k *Keys) Look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var n int64
	err := k.store.View(ctx, store.System("auth"), func(r store.Reader) (err error) { n, err = r.Revocations(); return err })
	if err == nil && k.number.Swap(n) != n {
		k.Forget()
	}
}

// use is what is known of the uses of a key that are not written yet.
type use struct {
	store.KeyUse
	tenant  fleet.TenantID
	name    string    // of the key
	news    bool      // not to be held back
	written time.Time // when uses were last
}

// due says whether there is something that should be written now.
func (u *use) due(now time.Time) bool {
	return u.Times > 0 && (u.news || now.Sub(u.written) >= useAgain)
}

// used notes a use in memory. It costs no write.
func (k *Keys) used(key *fleet.Key, now time.Time, from netip.Addr) {
	address := ""
	if from.IsValid() {
		address = from.String()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	u := k.uses[key.ID]
	if u == nil {
		if len(k.uses) >= usesMost {
			return // coarse: it will be seen again
		}
		u = &use{tenant: key.Tenant, name: key.Name, written: key.LastUsedAt}
		k.uses[key.ID] = u
	}
	u.At, u.Address, u.Times = now, address, u.Times+1
	u.news = u.news || key.FirstUsedAt.IsZero() || (key.ReplacedBy != "" && key.LateUsedAt.IsZero())
}

// Flush writes the uses that are due, some keys in each transaction, with what is
// new about them.
func (k *Keys) Flush(ctx context.Context) error {
	now := k.now()
	return k.flush(ctx, now, func(u *use) bool { return u.due(now) })
}

// FlushAll writes every use that was noted: nobody counts on.
func (k *Keys) FlushAll(ctx context.Context) error {
	return k.flush(ctx, k.now(), func(u *use) bool { return u.Times > 0 })
}

func (k *Keys) flush(ctx context.Context, now time.Time, due func(*use) bool) error {
	pending := map[fleet.ID]use{}
	k.mu.Lock()
	for id, u := range k.uses {
		switch {
		case due(u):
			pending[id] = *u
		case u.Times == 0 && now.Sub(u.written) >= useAgain:
			delete(k.uses, id)
		}
	}
	k.mu.Unlock()
	// In one order, so that two orchestrators never wait for each other's rows.
	for page := range slices.Chunk(slices.Sorted(maps.Keys(pending)), flushPage) {
		if err := k.write(ctx, page, pending); err != nil {
			return err
		}
	}
	return nil
}

// write writes the uses of some keys in one transaction.
func (k *Keys) write(ctx context.Context, ids []fleet.ID, pending map[fleet.ID]use) error {
	var news bool
	err := k.store.Update(ctx, store.System("auth"), func(tx store.Tx) error {
		news = false
		for _, id := range ids {
			first, err := writeUse(tx, id, pending[id])
			if err != nil {
				return err
			}
			news = news || first
		}
		return nil
	})
	if err != nil {
		return err
	}
	k.mu.Lock()
	for _, id := range ids {
		if now := k.uses[id]; now != nil { // others may have come meanwhile
			now.Times, now.news, now.written = now.Times-pending[id].Times, false, pending[id].At
		}
	}
	if news {
		clear(k.cache) // what is remembered says that it was never used
	}
	k.mu.Unlock()
	return nil
}

func writeUse(tx store.Tx, id fleet.ID, u use) (news bool, err error) {
	said, err := tx.UseKey(id, u.KeyUse)
	if err != nil {
		return false, err
	}
	if said.First {
		err := tx.Audit(u.tenant, fleet.AuditDraft{
			Actor: fleet.Actor{Kind: fleet.ActorKey, ID: string(id), Name: "key " + u.name}, Address: u.Address, Action: "key.first_use",
			Object: fleet.AuditObject{Kind: fleet.SubjectKey, ID: string(id), Name: u.name},
		})
		if err != nil {
			return false, err
		}
	}
	if !said.Late {
		return said.First, nil
	}
	return true, tx.Append(u.tenant, fleet.EventDraft{
		Kind: fleet.EventKeyUsedLate, Subject: fleet.SubjectKey, SubjectID: string(id), Data: map[string]any{"address": u.Address},
	})
}

// Sweep forgets what was counted on days that nobody asks for any more, once a
// day. It is a chore: RunOnce of upkeep calls it.
func (k *Keys) Sweep(ctx context.Context, now time.Time) error {
	const page = 1000
	today := fleet.KeyUseDay(now)
	if k.swept.Load() == today {
		return nil
	}
	for {
		var n int
		err := k.store.Update(ctx, store.System("auth"), func(tx store.Tx) (err error) {
			n, err = tx.SweepKeyUses(firstDay(now), page)
			return err
		})
		if err != nil {
			return err
		}
		if n < page {
			k.swept.Store(today)
			return nil
		}
	}
}

// Tell tells once of each key that will end within fleet.KeyWarning, and once
// of each that has ended by itself. It is a chore: RunOnce of upkeep calls it.
func (k *Keys) Tell(ctx context.Context, now time.Time) (told int, err error) {
	const page = 200
	system := store.System("auth")
	var ending []fleet.Key
	err = k.store.View(ctx, system, func(r store.Reader) (err error) {
		ending, err = r.EndingKeys(now, now.Add(fleet.KeyWarning), page)
		return err
	})
	if err != nil || len(ending) == 0 {
		return 0, err
	}
	err = k.store.Update(ctx, system, func(tx store.Tx) error {
		told = 0
		for i := range ending {
			key := &ending[i]
			ended := !now.Before(key.ExpiresAt)
			fresh, err := tx.NoteKeyEnd(key.ID, ended, now)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			told++
			kind := fleet.EventKeyExpiring
			if ended {
				kind = fleet.EventKeyExpired
			}
			err = tx.Append(key.Tenant, keyEvent(kind, Principal{}, key, map[string]any{
				"kind": key.Kind, "name": key.Name, "ends_at": key.ExpiresAt.UTC().Format(time.RFC3339),
			}))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return told, err
}
