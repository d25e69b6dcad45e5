package app

import (
	"path/filepath"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/seal"
)

// secretKeysFile is where the master keys of an embedded database are kept:
// beside it, and not in it nor in its backups.
const secretKeysFile = "secret.keys"

// sealer seals secrets with the keys that were given, or those of the data
// folder. A database that orchestrators share has no folder that all of them
// have: there the keys are given, or there are no secrets.
func (a *App) sealer() (seal.Keys, error) {
	text := a.o.SecretKeys
	switch {
	case text != "":
	case a.o.Store != nil || a.o.DatabaseURL != "":
		return seal.Keys{}, nil // whoever wants to keep a secret is told what is missing
	default:
		var err error
		if text, err = kept(filepath.Join(a.o.DataDir, secretKeysFile)); err != nil {
			return seal.Keys{}, fleet.Errorf(fleet.CodeInvalid, "secret_keys", "The master key of secrets cannot be kept in %s: %w.", a.o.DataDir, err).
				WithFix("Make the folder writable, or give the keys with --secret-keys.")
		}
	}
	return seal.Parse(text)
}
