package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// TestChains plants one lie at a time in a queue that was worked off, and shows
// that the check finds it.
func TestChains(t *testing.T) {
	const n = 2
	for _, c := range []struct {
		want string
		lie  func(items []fleet.QueueItem, words map[fleet.ID]int)
	}{
		{"", func([]fleet.QueueItem, map[fleet.ID]int) {}},
		{"is not at its end", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[2].Status = fleet.ItemInProgress }},
		{"is not at its end", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[0].Status = fleet.ItemSuccessful }},
		{"is not at its end", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[3].Status = fleet.ItemRetried }},
		{"does not lead to its end", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[1].NextID = "lost" }},
		{"does not lead to its end", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[2].NextID = l[0].ID }},
		{"leads to 1 of 3 items", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[0].NextID = "" }},
		{"is not in its place", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[1].PreviousID = l[2].ID }},
		{"is not in its place", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[2].Reference = "other" }},
		{"3 chains of 2 items", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[2].ChainID = l[2].ID }},
		{"have 3 ids", func(l []fleet.QueueItem, _ map[fleet.ID]int) { l[2].ID = l[1].ID }},
		{"was settled 2 times", func(l []fleet.QueueItem, w map[fleet.ID]int) { w[l[2].ID] = 2 }},
		{"was settled 1 times", func(l []fleet.QueueItem, w map[fleet.ID]int) { w[l[1].ID] = 1 }},
		{"was settled 0 times", func(l []fleet.QueueItem, w map[fleet.ID]int) { w[l[3].ID] = 0 }},
	} {
		items := []fleet.QueueItem{
			{ID: "a1", ChainID: "a1", NextID: "a2", Reference: "a", Status: fleet.ItemRetried},
			{ID: "a2", ChainID: "a1", PreviousID: "a1", NextID: "a3", Reference: "a", Status: fleet.ItemAbandoned},
			{ID: "a3", ChainID: "a1", PreviousID: "a2", Reference: "a", Status: fleet.ItemSuccessful},
			{ID: "b1", ChainID: "b1", Reference: "b", Status: fleet.ItemFailed},
		}
		words := map[fleet.ID]int{"a1": 1, "a3": 1, "b1": 1}
		c.lie(items, words)
		got := fmt.Sprint(Chains(items, n, words))
		if c.want == "" && got != "<nil>" || !strings.Contains(got, c.want) {
			t.Errorf("found %q, want %q", got, c.want)
		}
	}
}
