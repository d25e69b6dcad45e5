package store

import "github.com/casarerpa/fleet/fleet"

// ClusterReader finds the orchestrators that share this store and who does
// the chores. System scope only.
type ClusterReader interface {
	// Members lists the orchestrators that joined and did not leave, by id.
	Members() ([]fleet.Member, error)
	// Lease is the row of a lease; its zero value if nobody ever took it.
	Lease(name string) (Lease, error)
	// Strays are the ids of those who hold open sessions and are no members:
	// they are gone, and what they left must be closed.
	Strays() ([]fleet.ID, error)
	// Stopping lists the robots that hold an attempt which is being stopped. It
	// costs by what it returns.
	Stopping() ([]RobotRef, error)
}

// ClusterWriter changes members and leases. System scope only. None of these
// looks at a clock: how long a number has stood still is judged by whoever
// watches it, on a clock of its own.
type ClusterWriter interface {
	// Join stores a member. One that is there already is replaced.
	Join(m fleet.Member) error
	// RenewMember raises a member's renewal number; false when that incarnation
	// is not there any more, because others took it for gone.
	RenewMember(id, incarnation fleet.ID) (bool, error)
	// RemoveMember removes a member that is exactly as it was seen: one that
	// renewed since stays, and the answer is false.
	RemoveMember(seen fleet.Member) (bool, error)
	// Leave removes one incarnation of a member, by its own word.
	Leave(id, incarnation fleet.ID) error
	// TakeLease takes or renews a lease that is exactly as it was seen; seen is
	// the zero Lease for one that nobody ever took. The holder keeps its term, a
	// new holder gets the next one. False when it changed in between.
	TakeLease(name string, member fleet.ID, seen Lease) (Lease, bool, error)
	// ReleaseLease lets the next one take it at once. It changes nothing unless
	// the member still holds that term.
	ReleaseLease(name string, member fleet.ID, term int64) error
}

// Lease says who does something on behalf of all.
type Lease struct {
	Member   fleet.ID // empty: released
	Term     int64    // rises with each new holder; 0: never taken
	RenewSeq int64    // rises with each renewal, over all terms
}
