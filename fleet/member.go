package fleet

import "time"

// Member is one orchestrator of those that share a database.
type Member struct {
	ID        ID        `json:"member_id"` // of one start of the program
	Version   string    `json:"version"`
	Address   string    `json:"address"`
	StartedAt time.Time `json:"started_at"`
	Leader    bool      `json:"leader"` // does the chores, as far as the one that answers knows
	Self      bool      `json:"self"`   // is the one that answers

	Incarnation ID    `json:"-"` // of one joining: a member that was taken for gone joins anew
	RenewSeq    int64 `json:"-"` // rises while it lives
}
