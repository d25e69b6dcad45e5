package fleet

import "time"

// Member is one orchestrator of those that share a database.
type Member struct {
	ID          ID        `json:"id"`          // of one start of the program
	Incarnation ID        `json:"incarnation"` // of one joining: a member that was taken for gone joins anew
	Version     string    `json:"version"`
	Address     string    `json:"address"`
	StartedAt   time.Time `json:"started_at"`
	RenewSeq    int64     `json:"-"` // rises while it lives
}
