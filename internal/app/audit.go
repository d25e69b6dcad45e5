package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
)

// auditKeyFile is where the key that signs checkpoints of an embedded database
// is kept: beside it, and not in it nor in its backups.
const auditKeyFile = "audit.key"

// signer signs checkpoints of the audit with the key that was given, or that of
// the data folder. A database that orchestrators share has no folder that all of
// them have: there the key is given, or there are no checkpoints.
func (a *App) signer() (*auditchain.Signer, error) {
	seed := a.o.AuditKey
	switch {
	case seed != "":
	case a.o.Store != nil:
		return nil, nil //nolint:nilnil // none is an answer
	case a.o.DatabaseURL != "":
		a.o.Logger.Warn("the audit has no signed checkpoints; give all orchestrators of this database the same --audit-key")
		return nil, nil //nolint:nilnil // none is an answer
	default:
		var err error
		if seed, err = kept(filepath.Join(a.o.DataDir, auditKeyFile)); err != nil {
			return nil, fleet.Errorf(fleet.CodeInvalid, "audit_key", "The key that signs the audit cannot be kept in %s: %w.", a.o.DataDir, err).
				WithFix("Make the folder writable, or give the key with --audit-key.")
		}
	}
	s, err := auditchain.NewSigner(seed)
	if err == nil {
		a.o.Logger.Info("checkpoints of the audit are signed", "public_key", s.PublicKey())
	}
	return s, err
}

// offerCheckpoint keeps a checkpoint outside of the database: in the log, and in
// the file that was named.
func (a *App) offerCheckpoint(c auditchain.Checkpoint) (err error) {
	a.o.Logger.Info("audit checkpoint", "tenant_id", c.Tenant, "seq", c.Seq, "hash", c.Hash, "at", c.At, "key_id", c.KeyID, "signature", c.Signature)
	if a.o.AuditSink == "" {
		return nil
	}
	line, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write a checkpoint: %w", err)
	}
	f, err := os.OpenFile(a.o.AuditSink, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("keep a checkpoint of the audit: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err = f.Write(append(line, '\n')); err == nil {
		err = f.Sync()
	}
	return err
}
