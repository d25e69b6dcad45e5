package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// KeyReader finds credentials.
type KeyReader interface {
	// KeyByHash gives those that have ended too: whoever asks says why not.
	KeyByHash(hash string) (fleet.Key, error)
	Key(id fleet.ID) (fleet.Key, error)
	Keys() ([]fleet.Key, error)
	// LiveKeys tells of the keys that count at a time when they end; the zero time
	// is never.
	LiveKeys(now time.Time) (map[fleet.ID]time.Time, error)
	// EndingKeys lists up to limit keys that have expired, or will before soon and
	// nobody was told, by their ends. System scope only.
	EndingKeys(now, soon time.Time, limit int) ([]fleet.Key, error)
	// Revocations is a number that rises with every change after which a
	// credential may count less than before: see KeyWriter.
	Revocations() (int64, error)
	// KeyUses counts the uses of keys on a day and after it; see fleet.KeyUseDay. A
	// key that is not there was not used.
	KeyUses(since int64) (map[fleet.ID]int64, error)
	// PepperCheck tells which pepper keys are hashed with; empty: with none yet.
	PepperCheck() (string, error)
}

// KeyWriter changes credentials. Whatever takes something from a credential
// raises the tenant's number of revocations in the same transaction, and the
// signal TopicKeys after it.
type KeyWriter interface {
	// PutKey stores a new key. It is fleet.ErrConflict if another has its hash.
	PutKey(k fleet.Key) error
	EditKey(id fleet.ID, name, description string) error
	// ReplaceKey says which key took another's place, and when the old one ends.
	// False: it had been replaced, revoked or was over already.
	ReplaceKey(id, by fleet.ID, end, now time.Time) (bool, error)
	RevokeKey(id fleet.ID, now time.Time) error
	// RevokeRobotKeys ends all keys of a robot.
	RevokeRobotKeys(robot fleet.RobotID, now time.Time) (int, error)
	// UseKey notes that a key was used, and says what is new about that.
	UseKey(id fleet.ID, u KeyUse) (KeyNews, error)
	// SweepKeyUses forgets up to limit counts of days before one, and says how many
	// it were. System scope only.
	SweepKeyUses(before int64, limit int) (int, error)
	// NoteKeyEnd remembers that somebody was told of the end of a key, or of its
	// approach. False: it was known.
	NoteKeyEnd(id fleet.ID, ended bool, now time.Time) (bool, error)
	// Revoked raises the tenant's number of revocations.
	Revoked(tenant fleet.TenantID) error
	// SetPepperCheck says with which pepper keys are hashed from now on, in place
	// of another, whose keys end. False: it was not that other. System scope only.
	SetPepperCheck(was, is string, now time.Time) (bool, error)
}

// KeyUse is several uses of a key on one day.
type KeyUse struct {
	At      time.Time // of the newest
	Address string    // from where that came
	Times   int64
}

// KeyNews is what a use of a key tells for the first time.
type KeyNews struct {
	First bool // it is used at all
	Late  bool // it is used although another key took its place
}

// EnrolmentReader finds tokens with which machines enrol themselves.
type EnrolmentReader interface {
	EnrolmentByHash(hash string) (fleet.Enrolment, error)
	Enrolments() ([]fleet.Enrolment, error)
}

// EnrolmentWriter changes them.
type EnrolmentWriter interface {
	PutEnrolment(e fleet.Enrolment) error
	RevokeEnrolment(id fleet.ID, now time.Time) error
	// SpendEnrolment takes one of a token's uses. False: there is none left, or
	// the token is over.
	SpendEnrolment(id fleet.ID, now time.Time) (bool, error)
}
