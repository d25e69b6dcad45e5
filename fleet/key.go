package fleet

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Key is a credential as the store knows it: never the secret, only its hash.
type Key struct {
	ID          ID       `json:"key_id"`
	Tenant      TenantID `json:"tenant_id"`
	Kind        KeyKind  `json:"kind"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	RobotID     RobotID  `json:"robot_id,omitempty"` // robot keys
	Env         string   `json:"environment,omitempty"`
	Role        string   `json:"role,omitempty"` // other keys

	// How far another key reaches; empty lists set no bounds.
	Scopes       []Permission   `json:"scopes,omitempty"`         // of what its role may do
	Environments []string       `json:"environments,omitempty"`   // whose jobs and robots it sees
	Ranges       []netip.Prefix `json:"address_ranges,omitempty"` // from where it counts
	OwnerID      ID             `json:"owner_id,omitempty"`       // the user who answers for it

	Hash string `json:"-"`    // see internal/auth
	Hint string `json:"hint"` // last four characters

	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by,omitempty"` // the name of who made it; empty: older than this is kept
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
	ReplacedBy  ID        `json:"replaced_by,omitempty"` // the key that took its place
	FirstUsedAt time.Time `json:"first_used_at,omitzero"`
	LastUsedAt  time.Time `json:"last_used_at,omitzero"` // coarse: written in batches
	LastUsedIP  string    `json:"last_used_ip,omitempty"`
	LateUsedAt  time.Time `json:"used_after_rotation_at,omitzero"` // the first time
	WarnedAt    time.Time `json:"-"`                               // of its end
	EndedAt     time.Time `json:"-"`                               // its expiry was noted

	Status KeyStatus `json:"status"` // derived when read
	// Uses are those of the last KeyUseDays days, today's among them. It is coarse
	// as LastUsedAt is: a socket or a stream is one use, however long it is open.
	Uses int64 `json:"uses_7d"`
}

// KeyKind says what a key is for.
type KeyKind string

// The kinds of keys.
const (
	KeyRobot   KeyKind = "robot"
	KeyService KeyKind = "service"
)

// KeyStatus is what people are shown.
type KeyStatus string

// The statuses of a key.
const (
	KeyActive   KeyStatus = "active"
	KeyExpiring KeyStatus = "expiring" // another took its place, or it ends within KeyWarning
	KeyRevoked  KeyStatus = "revoked"
	KeyExpired  KeyStatus = "expired"
)

// KeyStatuses lists them.
func KeyStatuses() []KeyStatus { return []KeyStatus{KeyActive, KeyExpiring, KeyRevoked, KeyExpired} }

// Figures of keys.
const (
	KeyLife        = 90 * 24 * time.Hour // of keys other than robots', unless said otherwise
	KeyLifeMax     = 3650 * 24 * time.Hour
	KeyWarning     = 7 * 24 * time.Hour
	KeyOverlap     = 24 * time.Hour // how long the old key lives after a rotation
	KeyOverlapMax  = 7 * 24 * time.Hour
	KeyDescription = 2000 // characters
	KeyUseDays     = 7    // for which uses are counted
	KeyListMax     = 64   // entries of scopes, environments and address ranges
)

// Usable says whether the key may be used at a time.
func (k *Key) Usable(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// Derive computes the status shown.
func (k *Key) Derive(now time.Time) {
	switch {
	case !k.RevokedAt.IsZero():
		k.Status = KeyRevoked
	case !k.Usable(now):
		k.Status = KeyExpired
	case k.ReplacedBy != "" || (!k.ExpiresAt.IsZero() && k.ExpiresAt.Sub(now) <= KeyWarning):
		k.Status = KeyExpiring
	default:
		k.Status = KeyActive
	}
}

// KeyUseDay numbers the days, in UTC, by which uses of keys are counted.
func KeyUseDay(at time.Time) int64 { return at.Unix() / (24 * 60 * 60) }

// Admits says whether the key counts from an address. An address that is not
// known is outside of every range.
func (k *Key) Admits(from netip.Addr) bool {
	if len(k.Ranges) == 0 {
		return true
	}
	from = from.Unmap().WithZone("")
	return from.IsValid() && slices.ContainsFunc(k.Ranges, func(r netip.Prefix) bool { return r.Contains(from) })
}

// Life is how long the key was made for; 0 is for ever.
func (k *Key) Life() time.Duration {
	if k.ExpiresAt.IsZero() {
		return 0
	}
	return k.ExpiresAt.Sub(k.CreatedAt)
}

// ParseRanges reads address ranges: networks such as 10.0.0.0/8, or single
// addresses.
func ParseRanges(texts []string) ([]netip.Prefix, error) {
	if len(texts) > KeyListMax {
		return nil, Invalid("address_ranges", "address_ranges may have at most %d entries; got %d.", KeyListMax, len(texts))
	}
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(text); err == nil && a.Zone() == "" {
				p = netip.PrefixFrom(a, a.BitLen())
			}
		}
		if err != nil || !p.IsValid() || p.Addr().Is4In6() {
			return nil, Invalid("address_ranges", "address_ranges takes networks such as 10.0.0.0/8 and addresses; got %q.", clip(text, 60))
		}
		if p = p.Masked(); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

// ValidateDescription checks what people write about a thing.
func ValidateDescription(text string) error {
	if len([]rune(text)) > KeyDescription {
		return Invalid("description", "description may have at most %d characters; got %d.", KeyDescription, len([]rune(text)))
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) {
		return Invalid("description", "description must not hold control characters.")
	}
	return nil
}
