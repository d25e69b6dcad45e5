package fleet

import "time"

// Key is a credential as the store knows it: never the secret, only its hash.
type Key struct {
	ID        ID        `json:"key_id"`
	Tenant    TenantID  `json:"tenant_id"`
	Kind      KeyKind   `json:"kind"`
	Name      string    `json:"name"`
	RobotID   RobotID   `json:"robot_id,omitempty"` // robot keys
	Env       string    `json:"environment,omitempty"`
	Role      string    `json:"role,omitempty"` // other keys
	Hash      string    `json:"-"`              // SHA-256, hex
	Hint      string    `json:"hint"`           // last four characters
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// KeyKind says what a key is for.
type KeyKind string

// The kinds of keys.
const (
	KeyRobot   KeyKind = "robot"
	KeyService KeyKind = "service"
)

// Usable says whether the key may be used at a time.
func (k *Key) Usable(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}
