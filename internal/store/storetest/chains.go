package storetest

import (
	"errors"
	"fmt"

	"github.com/casarerpa/fleet/fleet"
)

// Chains says what is wrong with the items of a queue that was worked off: that
// n chains have each come to one end, with every try in its place and in one
// final state (I13). words is how often the holder of an item was told that its
// word about it was taken; nil if nobody counted.
func Chains(items []fleet.QueueItem, n int, words map[fleet.ID]int) error {
	byID, chains := map[fleet.ID]*fleet.QueueItem{}, map[fleet.ID][]*fleet.QueueItem{}
	for k := range items {
		i := &items[k]
		byID[i.ID], chains[i.ChainID] = i, append(chains[i.ChainID], i)
	}
	faults := []error{}
	wrong := func(format string, args ...any) {
		if len(faults) < 20 {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	if len(byID) != len(items) {
		wrong("%d items have %d ids", len(items), len(byID))
	}
	if len(chains) != n {
		wrong("%d chains of %d items", len(chains), n)
	}
	for chain, list := range chains {
		seen, previous := 0, fleet.ID("")
		for at := chain; at != ""; seen++ {
			i := byID[at]
			if i == nil || seen == len(list) {
				wrong("chain %s does not lead to its end: after %s comes %s", chain, previous, at)
				break
			}
			if i.ChainID != chain || i.PreviousID != previous || i.Reference != list[0].Reference {
				wrong("%s is not in its place in chain %s", i, chain)
			}
			previous, at = at, i.NextID
		}
		if seen != len(list) {
			wrong("chain %s leads to %d of %d items", chain, seen, len(list))
		}
		for _, i := range list {
			again := i.Status == fleet.ItemRetried || i.Status == fleet.ItemAbandoned && i.NextID != ""
			if !i.Status.Final() || again != (i.NextID != "") {
				wrong("%s of chain %s is not at its end, or is after it; its next try is %q", i, chain, i.NextID)
			}
			if words == nil {
				continue
			}
			word := i.Status == fleet.ItemSuccessful || i.Status == fleet.ItemFailed || i.Status == fleet.ItemRetried
			if got := words[i.ID]; word && got != 1 || !word && got != 0 {
				wrong("%s was settled %d times", i, got)
			}
		}
	}
	return errors.Join(faults...)
}
