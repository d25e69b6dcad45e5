package auth

import (
	"context"
	"net/netip"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// How often to look without being woken, and to write down what was used.
const (
	watchEvery = time.Second
	flushEvery = 30 * time.Second
	useAgain   = 5 * time.Minute // a key's last use is written at most this often
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
	return live, err
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

// use is the newest use of a key.
type use struct {
	at      time.Time
	address string
	tenant  fleet.TenantID
	name    string    // of the key
	pending bool      // not written
	written time.Time // when the last one was
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
		if len(k.uses) >= cacheSize {
			return // coarse: it will be seen again
		}
		u = &use{tenant: key.Tenant, name: key.Name, written: key.LastUsedAt}
		k.uses[key.ID] = u
	}
	news := key.FirstUsedAt.IsZero() || (key.ReplacedBy != "" && key.LateUsedAt.IsZero())
	if news || now.Sub(u.written) >= useAgain {
		u.at, u.address, u.pending = now, address, true
	}
}

// Flush writes the uses that were noted, in one transaction, with what is new
// about them.
func (k *Keys) Flush(ctx context.Context) error {
	now := k.now()
	pending := map[fleet.ID]use{}
	k.mu.Lock()
	for id, u := range k.uses {
		switch {
		case u.pending:
			pending[id] = *u
		case now.Sub(u.written) >= useAgain:
			delete(k.uses, id)
		}
	}
	k.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	var news bool
	err := k.store.Update(ctx, store.System("auth"), func(tx store.Tx) error {
		news = false
		for id, u := range pending {
			first, err := writeUse(tx, id, u)
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
	for id, u := range pending {
		if now := k.uses[id]; now != nil {
			now.pending, now.written = now.at.After(u.at), u.at
		}
	}
	if news {
		clear(k.cache) // what is remembered says that it was never used
	}
	k.mu.Unlock()
	return nil
}

func writeUse(tx store.Tx, id fleet.ID, u use) (news bool, err error) {
	said, err := tx.UseKey(id, u.at, u.address)
	if err != nil {
		return false, err
	}
	if said.First {
		err := tx.Audit(u.tenant, fleet.AuditDraft{
			Actor: fleet.Actor{Kind: fleet.ActorKey, ID: string(id), Name: "key " + u.name}, Address: u.address, Action: "key.first_use",
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
		Kind: fleet.EventKeyUsedLate, Subject: fleet.SubjectKey, SubjectID: string(id), Data: map[string]any{"address": u.address},
	})
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
