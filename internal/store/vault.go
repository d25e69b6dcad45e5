package store

import "github.com/casarerpa/fleet/fleet"

// VaultReader finds secrets and assets. Values of secrets are sealed: the store
// cannot read them.
type VaultReader interface {
	Secret(name string) (fleet.Secret, error)
	// Secrets lists those of the scope, by name.
	Secrets() ([]fleet.Secret, error)
	// Sealed lists the values of a secret.
	Sealed(name string) ([]Sealed, error)
	// SealedBefore lists values that are wrapped with an older master key, of all
	// tenants of the scope, at most limit.
	SealedBefore(keyVersion, limit int) ([]Sealed, error)
	// Exclusives lists the secrets of the scope that one job may have at a time, by
	// tenant and name. It costs by those, and by who has them.
	Exclusives() ([]Exclusive, error)
	Asset(name string) (fleet.Asset, error)
	Assets() ([]fleet.Asset, error)
}

// VaultWriter changes them.
type VaultWriter interface {
	PutSecret(s fleet.Secret) error
	// DeleteSecret takes it away with all its values.
	DeleteSecret(name string) error
	PutSealed(s Sealed) error
	// ReplaceSealed changes the wrapping of a value; false if it is no longer as it
	// was.
	ReplaceSealed(s Sealed, was string) (bool, error)
	DeleteSealed(name string, at fleet.Place) error
	PutAsset(a fleet.Asset) error
	DeleteAsset(name string) error
}

// Exclusive is a secret that one job may have at a time: the attempt that takes a
// slot takes it too, and frees it with the slot.
type Exclusive struct {
	Tenant fleet.TenantID
	Name   string
	// Holders are the jobs that have it. They are several only if they had it before
	// it became exclusive.
	Holders []fleet.ID
}

// Sealed is a value of a secret as it is kept.
type Sealed struct {
	Tenant     fleet.TenantID
	Name       string
	Place      fleet.Place
	Version    int64
	KeyVersion int
	Text       string
}
