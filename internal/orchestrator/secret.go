package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow"
)

// Secrets are the use cases of those who keep passwords out of workflows, and of
// the robots that are handed them. Nothing here gives a value to anybody else.
type Secrets struct{ *core }

// SecretChange is what is to hold of a secret. Nil leaves things as they are.
type SecretChange struct {
	Name         string
	Description  *string
	Environments *[]string
	Workflows    *[]fleet.ID
	Exclusive    *bool
	// Place and Fields set one value; without fields none is set.
	Place  fleet.Place
	Fields map[string]string
}

func (c *SecretChange) validate() error {
	if err := c.Place.Validate(); err != nil {
		return err
	}
	if len(c.Fields) > fleet.MaxSecretFields {
		return fleet.Invalid("fields", "A secret may have at most %d fields; got %d.", fleet.MaxSecretFields, len(c.Fields))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		if err := fleet.ValidateVaultName("fields", name); err != nil {
			return err
		}
		if n := len(c.Fields[name]); n == 0 || n > fleet.MaxSecretBytes {
			return fleet.Invalid("fields."+name, "fields.%s must have 1 to %d bytes; got %d.", name, fleet.MaxSecretBytes, n)
		}
	}
	if len(c.Fields) == 0 && c.Place != (fleet.Place{}) {
		return fleet.Invalid("fields", "A value for an environment or a robot needs fields.")
	}
	return nil
}

// sealedName is what a value is bound to: it opens in no other place.
func sealedName(s *store.Sealed) string {
	return fmt.Sprintf("%s/%s/%s/%s/%d", s.Tenant, s.Name, s.Place.Environment, s.Place.RobotID, s.Version)
}

// Put makes a secret or changes it.
func (s *Secrets) Put(ctx context.Context, p auth.Principal, c SecretChange) (out fleet.Secret, err error) {
	if err := p.Require(fleet.SecretsManage); err != nil {
		return out, err
	}
	if err := fleet.ValidateVaultName("name", c.Name); err != nil {
		return out, err
	}
	if err := c.validate(); err != nil {
		return out, err
	}
	had, err := s.version(ctx, p, c.Name, c.Place)
	if err != nil {
		return out, err
	}
	value := store.Sealed{Tenant: p.Tenant, Name: c.Name, Place: c.Place, Version: had + 1, KeyVersion: s.Sealer.Newest()}
	if len(c.Fields) > 0 {
		plain, err := json.Marshal(c.Fields)
		if err != nil {
			return out, fleet.Internal(err)
		}
		if value.Text, err = s.Sealer.Seal(plain, sealedName(&value)); err != nil {
			return out, err
		}
		clear(plain)
	}
	now := s.Now()
	err = s.act(ctx, p, string(fleet.EventSecretChanged), fleet.SubjectSecret, c.Name, func(tx store.Tx, d *fleet.AuditDraft) error {
		before, err := tx.Secret(c.Name)
		kind, was := fleet.EventSecretChanged, any(before)
		if errors.Is(err, fleet.ErrNotFound) {
			if value.Text == "" {
				return fleet.Invalid("fields", "A new secret needs fields, such as user and password.")
			}
			kind, was = fleet.EventSecretCreated, nil
			before = fleet.Secret{Tenant: p.Tenant, Name: c.Name, CreatedAt: now, Environments: []string{}, Workflows: []fleet.ID{}, Values: []fleet.SecretValue{}}
		} else if err != nil {
			return err
		}
		out = before
		out.Values = slices.Clone(before.Values)
		give(c.Description, &out.Description)
		give(c.Environments, &out.Environments)
		give(c.Workflows, &out.Workflows)
		give(c.Exclusive, &out.Exclusive)
		if value.Text != "" {
			if err := putValue(&out, &value, c.Fields, p.Name, now); err != nil {
				return err
			}
			if err := tx.PutSealed(value); err != nil {
				return err
			}
		}
		out.UpdatedAt, out.UpdatedBy = now, p.Name
		if err := errors.Join(out.Validate(), tx.PutSecret(out)); err != nil {
			return err
		}
		d.Action, d.Object.Name = string(kind), c.Name
		if err := changed(d, was, out); err != nil {
			return err
		}
		return tx.Append(p.Tenant, secretEvent(kind, p, c.Name, nil))
	})
	return out, err
}

// putValue notes a value that is about to be written. Somebody else who changed
// it meanwhile was first.
func putValue(s *fleet.Secret, value *store.Sealed, fields map[string]string, by string, now time.Time) error {
	v := fleet.SecretValue{Place: value.Place, Fields: slices.Sorted(maps.Keys(fields)), Version: value.Version, UpdatedAt: now, UpdatedBy: by}
	i := slices.IndexFunc(s.Values, func(x fleet.SecretValue) bool { return x.Place == value.Place })
	switch {
	case i < 0 && value.Version == 1 && len(s.Values) < fleet.MaxPlaces:
		s.Values = append(s.Values, v)
	case i < 0 && value.Version == 1:
		return fleet.Invalid("fields", "A secret may have at most %d values.", fleet.MaxPlaces)
	case i >= 0 && s.Values[i].Version == value.Version-1:
		s.Values[i] = v
	default:
		return fleet.Errorf(fleet.CodeConflict, "version_changed", "Somebody else has changed secret %s at this very moment.", s.Name).WithFix("Look at it, and try again.")
	}
	return nil
}

// version is that of a value as it is now; 0 if there is none.
func (s *Secrets) version(ctx context.Context, p auth.Principal, name string, at fleet.Place) (n int64, err error) {
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		n = 0
		secret, err := r.Secret(name)
		if errors.Is(err, fleet.ErrNotFound) {
			return nil
		}
		for _, v := range secret.Values {
			if v.Place == at {
				n = v.Version
			}
		}
		return err
	})
	return n, err
}

func give[T any](from, into *T) {
	if from != nil {
		*into = *from
	}
}

func secretEvent(kind fleet.EventKind, p auth.Principal, name string, data map[string]any) fleet.EventDraft {
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectSecret, SubjectID: name, Actor: p.Name, Data: data}
}

// Get returns what is known of a secret, and no value.
func (s *Secrets) Get(ctx context.Context, p auth.Principal, name string) (out fleet.Secret, err error) {
	if err := p.Require(fleet.SecretsManage); err != nil {
		return out, err
	}
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out, err = r.Secret(name); err != nil || !out.Exclusive {
			return err
		}
		return heldBy(r, []fleet.Secret{out}, func(_ int, by []fleet.ID) { out.HeldBy = by })
	})
	return out, err
}

// List returns all secrets by name, without values.
func (s *Secrets) List(ctx context.Context, p auth.Principal) (out []fleet.Secret, err error) {
	if err := p.Require(fleet.SecretsManage); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, p.Reach(), func(r store.Reader) error {
		if out, err = r.Secrets(); err != nil {
			return err
		}
		return heldBy(r, out, func(i int, by []fleet.ID) { out[i].HeldBy = by })
	})
	return out, err
}

// heldBy tells which jobs have those of some secrets that are exclusive.
func heldBy(r store.Reader, list []fleet.Secret, tell func(i int, by []fleet.ID)) error {
	exclusives, err := r.Exclusives()
	if err != nil {
		return err
	}
	for _, x := range exclusives {
		if i := slices.IndexFunc(list, func(s fleet.Secret) bool { return s.Tenant == x.Tenant && s.Name == x.Name }); i >= 0 {
			tell(i, x.Holders)
		}
	}
	return nil
}

// Delete takes a secret away, with all its values; or, where a place is given,
// the value of that one.
func (s *Secrets) Delete(ctx context.Context, p auth.Principal, name string, at fleet.Place) error {
	if err := p.Require(fleet.SecretsManage); err != nil {
		return err
	}
	return s.act(ctx, p, string(fleet.EventSecretDeleted), fleet.SubjectSecret, name, func(tx store.Tx, d *fleet.AuditDraft) error {
		before, err := tx.Secret(name)
		if err != nil {
			return err
		}
		d.Object.Name = name
		if at == (fleet.Place{}) {
			if err := errors.Join(changed(d, before, nil), tx.DeleteSecret(name)); err != nil {
				return err
			}
			return tx.Append(p.Tenant, secretEvent(fleet.EventSecretDeleted, p, name, nil))
		}
		after := before
		after.Values = slices.DeleteFunc(slices.Clone(before.Values), func(v fleet.SecretValue) bool { return v.Place == at })
		after.UpdatedAt, after.UpdatedBy = s.Now(), p.Name
		if err := errors.Join(tx.DeleteSealed(name, at), changed(d, before, after), tx.PutSecret(after)); err != nil {
			return err
		}
		d.Action = string(fleet.EventSecretChanged)
		return tx.Append(p.Tenant, secretEvent(fleet.EventSecretChanged, p, name, nil))
	})
}

// check refuses a workflow that names secrets which are not there or which its
// jobs may not have.
func (c *core) checkSecrets(r store.Reader, names []string, id fleet.ID, environment string) error {
	for _, name := range slices.Sorted(slices.Values(names)) { // the order in which writers lock them
		field := fmt.Sprintf("/settings/fleet/secrets/%d", slices.Index(names, name))
		s, err := r.Secret(name)
		switch {
		case errors.Is(err, fleet.ErrNotFound):
			if _, err := r.Asset(name); !errors.Is(err, fleet.ErrNotFound) {
				if err != nil {
					return err
				}
				continue
			}
			e := fleet.Invalid(field, "The workflow names the secret %s, which does not exist.", name)
			e.Reason = "secret_unknown"
			return e.WithFix("Make it with 'fleet secret set " + name + "', or take the name out of settings.fleet.secrets.")
		case err != nil:
			return err
		case environment != "" && !s.MayHave(id, environment):
			e := fleet.Invalid(field, "Jobs of this workflow in environment %s may not have the secret %s.", environment, name)
			e.Reason = "secret_not_allowed"
			return e.WithFix("Have the workflow or the environment added to the secret.")
		}
	}
	return nil
}

// named lists the secrets that a document names. It never changes for a hash.
func (c *core) secretsOf(r store.Reader, hash string) ([]string, error) {
	now := c.Now()
	if names, ok := c.named.get(hash, now); ok {
		return names, nil
	}
	body, err := r.Body(hash)
	if err != nil {
		return nil, err
	}
	var names []string
	if strings.Contains(string(body), `"secrets"`) {
		d, err := workflow.Parse(body, workflow.Options{Catalog: c.Catalog, Limits: c.Limits.Document})
		if err != nil {
			return nil, unreadable(err)
		}
		names = d.Fleet.Secrets
	}
	c.named.put(hash, names, now.Add(time.Hour))
	return names, nil
}

// Fetch gives a robot a secret for an attempt that it holds now, and whose
// workflow names it: the text of "name" (the one field of the secret), of
// "name.field", or of an asset. Each secret that is handed out is in the audit,
// and so is each refusal.
func (s *Secrets) Fetch(ctx context.Context, p auth.Principal, ref store.Ref, id string) (string, error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return "", err
	}
	name, field, _ := strings.Cut(id, ".")
	if err := fleet.ValidateVaultName("name", name); err != nil {
		return "", err
	}
	found, err := s.find(ctx, p, ref, name)
	text := found.asset
	if err == nil && found.sealed.Text != "" {
		text, err = s.open(&found.sealed, field)
	}
	if err == nil && found.sealed.Text == "" {
		return text, nil // an asset is no secret
	}
	d := p.Audit(string(fleet.EventSecretRead), fleet.SubjectSecret, name)
	d.Object.Name, d.After = name, map[string]any{"job_id": ref.JobID, "epoch": ref.Epoch}
	if err != nil {
		if e := fleet.AsError(err); e.Code != fleet.CodeForbidden {
			return "", err // a fault of ours is no refusal
		}
		d.Outcome = fleet.AuditDenied
		return "", errors.Join(s.Store.Update(ctx, p.Scope(), func(tx store.Tx) error { return tx.Audit(p.Tenant, d) }), err)
	}
	err = s.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		if err := tx.Audit(p.Tenant, d); err != nil {
			return err
		}
		return tx.Append(p.Tenant, secretEvent(fleet.EventSecretRead, p, name, map[string]any{"job_id": ref.JobID, "robot_id": p.RobotID}))
	})
	if err != nil {
		return "", err // nobody gets what nobody would know of
	}
	s.handed.add(p.Tenant, ref, text)
	return text, nil
}

// open reads one field; without a name the only one.
func (s *Secrets) open(v *store.Sealed, field string) (string, error) {
	plain, err := s.Sealer.Open(v.Text, sealedName(v))
	if err != nil {
		return "", err
	}
	defer clear(plain)
	fields := map[string]string{}
	if err := json.Unmarshal(plain, &fields); err != nil {
		return "", fleet.Internal(nil) // the error may hold a part of it
	}
	if field == "" && len(fields) == 1 {
		for field = range fields {
		}
	}
	text, ok := fields[field]
	if !ok {
		return "", fleet.Errorf(fleet.CodeForbidden, "secret_field_unknown", "The secret %s has no field %q.", v.Name, field).
			WithFix("Name one as {{$secret:" + v.Name + ".FIELD}}: " + strings.Join(slices.Sorted(maps.Keys(fields)), ", ") + ".")
	}
	return text, nil
}

// opened opens a secret that a rule names, as NAME or NAME.FIELD; empty when there
// is none.
func (s *Secrets) opened(named string, sealed []store.Sealed) (string, error) {
	_, field, _ := strings.Cut(named, ".")
	for i := range sealed {
		if sealed[i].Place == (fleet.Place{}) {
			text, err := s.open(&sealed[i], field)
			if err != nil && fleet.AsError(err).Code == fleet.CodeForbidden {
				return "", nil // the field is gone
			}
			return text, err
		}
	}
	return "", nil
}

// vaulted is what an attempt asked for, not yet opened.
type vaulted struct {
	sealed store.Sealed
	asset  string
}

// find looks for a secret, or for an asset, of an attempt.
func (s *Secrets) find(ctx context.Context, p auth.Principal, ref store.Ref, name string) (out vaulted, err error) {
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		sub, err := r.Subject(ref.JobID)
		if err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
		if err != nil || !sub.Attempt.Live() || sub.Job.Epoch != ref.Epoch || sub.Attempt.RobotID != p.RobotID {
			return fleet.Errorf(fleet.CodeForbidden, "attempt_over", "The robot does not hold that attempt (any more).")
		}
		names, err := s.secretsOf(r, sub.Job.Workflow.Hash)
		if err != nil {
			return err
		}
		refused := fleet.Errorf(fleet.CodeForbidden, "secret_not_allowed", "The job may not have a secret %s.", name).
			WithFix("The workflow has to name it in settings.fleet.secrets, and the secret has to allow the workflow and its environment.")
		if !slices.Contains(names, name) {
			return refused
		}
		secret, err := r.Secret(name)
		switch {
		case errors.Is(err, fleet.ErrNotFound):
			out.asset, err = assetFor(r, name, &sub.Job, p.RobotID)
			if errors.Is(err, fleet.ErrNotFound) {
				return refused
			}
			return err
		case err != nil:
			return err
		case !secret.MayHave(sub.Job.Workflow.ID, sub.Job.Environment):
			return refused
		}
		values, err := r.Sealed(name)
		if err != nil {
			return err
		}
		places := make([]fleet.Place, len(values))
		for i := range values {
			places[i] = values[i].Place
		}
		i := fleet.Narrowest(places, sub.Job.Environment, p.RobotID)
		if i < 0 {
			return fleet.Errorf(fleet.CodeForbidden, "secret_without_value", "The secret %s has no value for this robot and environment.", name)
		}
		out.sealed = values[i]
		return nil
	})
	return out, err
}

func assetFor(r store.Reader, name string, job *fleet.Job, robot fleet.RobotID) (string, error) {
	a, err := r.Asset(name)
	if err != nil {
		return "", err
	}
	value, ok := a.For(job.Environment, robot)
	if !ok {
		return "", fleet.NotFound("asset_value", name)
	}
	return assetText(value), nil
}

// Rewrap wraps every value that an older master key has wrapped with the newest
// one, in steps. It says how many there were. No value is opened.
func (s *Secrets) Rewrap(ctx context.Context, p auth.Principal) (n int, err error) {
	if err := p.Require(fleet.SecretsManage); err != nil {
		return 0, err
	}
	if s.Sealer.Empty() {
		_, err := s.Sealer.Seal(nil, "")
		return 0, err
	}
	const step = 100
	for {
		var old []store.Sealed
		err := s.Store.View(ctx, p.Reach(), func(r store.Reader) (err error) {
			old, err = r.SealedBefore(s.Sealer.Newest(), step)
			return err
		})
		if err == nil && len(old) == 0 {
			more, err := s.rewrapWebhooks(ctx, p)
			return n + more, err
		}
		if err != nil {
			return n, err
		}
		done := 0
		for _, v := range old {
			was := v.Text
			if v.Text, err = s.Sealer.Rewrap(v.Text, sealedName(&v)); err != nil {
				return n, err
			}
			v.KeyVersion = s.Sealer.Newest()
			d := p.Audit("secret.rewrap", fleet.SubjectSecret, v.Name)
			d.Object.Name, d.After = v.Name, map[string]any{"key_version": v.KeyVersion}
			err = s.Store.Update(ctx, p.In(v.Tenant).Scope(), func(tx store.Tx) error {
				ok, err := tx.ReplaceSealed(v, was)
				if err != nil || !ok {
					return err // it was changed meanwhile, and so is wrapped anew
				}
				return tx.Audit(v.Tenant, d)
			})
			if err != nil {
				return n, err
			}
			done++
		}
		n += done
	}
}

// SelfTest seals a value, keeps it as secrets are kept, reads the raw row and
// fails if the plain text is in it: encryption that does nothing must not be
// found out by a thief.
func (s *Secrets) SelfTest(ctx context.Context) error {
	if s.Sealer.Empty() {
		return nil
	}
	const probe = "probe-7c1e9a4b-plain"
	v := store.Sealed{Tenant: fleet.DefaultTenant, Name: "selftest-" + string(s.IDs.New()), Version: 1, KeyVersion: s.Sealer.Newest()}
	var err error
	if v.Text, err = s.Sealer.Seal([]byte(probe), sealedName(&v)); err != nil {
		return err
	}
	scope := auth.Local().In(v.Tenant).Scope()
	if err := s.Store.Update(ctx, scope, func(tx store.Tx) error { return tx.PutSealed(v) }); err != nil {
		return err
	}
	var raw []store.Sealed
	err = s.Store.View(ctx, scope, func(r store.Reader) (err error) { raw, err = r.Sealed(v.Name); return err })
	err = errors.Join(err, s.Store.Update(ctx, scope, func(tx store.Tx) error { return tx.DeleteSealed(v.Name, v.Place) }))
	if err != nil {
		return err
	}
	plain, err := s.Sealer.Open(raw[0].Text, sealedName(&v))
	if err != nil || string(plain) != probe || strings.Contains(fmt.Sprint(raw), probe) || seal.Version(raw[0].Text) == 0 {
		return fleet.Errorf(fleet.CodeInternal, "seal_self_test", "Secrets are not sealed as they should be: %w. The orchestrator does not start.", errors.Join(errors.New("the probe could be read"), err))
	}
	return nil
}

// mayHaveSecrets notes which secrets the workflow of a job names, and refuses a
// job that could not get one of them. A workflow that names none costs nothing, once it was looked at.
func (j *Jobs) mayHaveSecrets(ctx context.Context, p auth.Principal, found *resolved, environment string) error {
	if found.checked != nil && len(found.checked.Secrets) == 0 {
		return nil
	}
	if found.checked == nil {
		if names, ok := j.named.get(found.workflow.Hash, j.Now()); ok && len(names) == 0 {
			return nil
		}
	}
	return j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		names := []string(nil)
		if found.checked != nil {
			names = found.checked.Secrets
		} else {
			var err error
			if names, err = j.secretsOf(r, found.workflow.Hash); err != nil {
				return err
			}
		}
		found.secrets = slices.Compact(slices.Sorted(slices.Values(names)))
		return j.checkSecrets(r, names, found.workflow.ID, environment)
	})
}
