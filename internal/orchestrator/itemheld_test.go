package orchestrator

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// Outside of a job an item is its holder's, whoever else has the same name.
func TestItemsAreHeldByWhoNotByName(t *testing.T) {
	w := newWorld(t)
	ada, other := w.admin, w.admin
	ada.Name, ada.KeyID = "key clerk", w.Jobs.IDs.New()
	other.Name, other.KeyID = "key clerk", w.Jobs.IDs.New()
	_, err := w.Queues.Create(t.Context(), w.admin, QueueChange{Name: new("bills")})
	w.must(err)
	_, _, err = w.Queues.Add(t.Context(), w.admin, "bills", Hold{}, fleet.ItemSpec{Reference: "b-1"}, nil)
	w.must(err)
	got, err := w.Queues.Claim(t.Context(), ada, ClaimRequest{Queue: "bills", Count: 1})
	w.must(err)
	if len(got) != 1 {
		t.Fatalf("%d items", len(got))
	}
	if _, err := w.Queues.Complete(t.Context(), other, ItemWord{Item: got[0].ID}); reasonOf(err) != "not_holder" {
		t.Errorf("somebody of the same name: %v", err)
	}
	ada.Name = "key clerk of bills" // it was renamed meanwhile
	out, err := w.Queues.Complete(t.Context(), ada, ItemWord{Item: got[0].ID})
	w.must(err)
	if out.Status != fleet.ItemSuccessful {
		t.Errorf("%s", out.Status)
	}
}

// An edit of an item is in the audit by the size and the hash of what it is
// about, and by the fields that changed.
func TestItemEditsAreAuditedWithoutTheirData(t *testing.T) {
	w := newWorld(t)
	_, err := w.Queues.Create(t.Context(), w.admin, QueueChange{Name: new("bills")})
	w.must(err)
	i, _, err := w.Queues.Add(t.Context(), w.admin, "bills", Hold{}, fleet.ItemSpec{Reference: "b-1", Data: json.RawMessage(`{"iban":"canary-1"}`)}, nil)
	w.must(err)
	reference := "b-2"
	_, err = w.Queues.Edit(t.Context(), w.admin, i.ID, 0, fleet.ItemChange{Data: json.RawMessage(`{"iban":"canary-2"}`), Reference: &reference})
	w.must(err)
	_, err = w.Queues.Comment(t.Context(), w.admin, i.ID, "canary-3")
	w.must(err)
	rows := w.rows(AuditFilter{ObjectID: string(i.ID), Action: "item.updated"})
	text := ""
	for _, row := range rows {
		text += fmt.Sprintf("%s %s\n", row.Before, row.After)
	}
	if len(rows) != 2 || strings.Contains(text, "canary") || !strings.Contains(text, `"reference":"b-2"`) || strings.Count(text, `"bytes":19`) != 2 || !strings.Contains(text, `"comments":1`) {
		t.Errorf("%d rows:\n%s", len(rows), text)
	}
}
