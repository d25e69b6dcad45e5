package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Enrolments are the tokens with which machines make themselves robots: who
// holds one may do that and nothing else.
type Enrolments struct{ keys *Keys }

// NewEnrolments knows the tokens of a store. They are hashed as keys are.
func NewEnrolments(k *Keys) *Enrolments { return &Enrolments{k} }

const enrolmentPrefix = "cfe_"

// Knows says whether a text has the form of an enrolment token.
func (e *Enrolments) Knows(text string) bool {
	return strings.HasPrefix(text, enrolmentPrefix) && summed(text, enrolmentPrefix)
}

// Principal finds whose token it is. It is looked up each time: tokens are used
// once or a few times.
func (e *Enrolments) Principal(ctx context.Context, c Credential) (Principal, error) {
	if c.Way != WayHeader {
		return Principal{}, Unauthenticated()
	}
	var token fleet.Enrolment
	err := e.keys.store.View(ctx, store.System("auth"), func(r store.Reader) error {
		hash := e.keys.pepper.hash(c.Secret)
		var err error
		if token, err = r.EnrolmentByHash(hash); err == nil && subtle.ConstantTimeCompare([]byte(token.Hash), []byte(hash)) != 1 {
			err = Unauthenticated()
		}
		if errors.Is(err, fleet.ErrNotFound) {
			err = Unauthenticated()
		}
		return err
	})
	switch {
	case err != nil:
		return Principal{}, err
	case !token.Counts(e.keys.now()):
		return Principal{}, usedUp()
	}
	return Principal{
		Name: "enrolment token …" + token.Hint, Tenant: token.Tenant, KeyID: token.ID, Enrolment: &token, Until: token.ExpiresAt,
		Generation: e.keys.Generation(), permissions: []fleet.Permission{fleet.RobotsEnrol},
	}, nil
}

func usedUp() *fleet.Error {
	return fleet.Errorf(fleet.CodeUnauthenticated, "token_used_up", "The enrolment token was used up or revoked, or its time is over.").
		WithFix("Ask an administrator for another: fleet enrolment create.")
}

// Create makes a token. It is returned this once. A life of 0 is
// fleet.EnrolmentLife.
func (e *Enrolments) Create(ctx context.Context, p Principal, in fleet.Enrolment, life time.Duration) (fleet.Enrolment, Secret, error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return in, Secret{}, err
	}
	if err := in.Validate(); err != nil {
		return in, Secret{}, err
	}
	if life == 0 {
		life = fleet.EnrolmentLife
	}
	if life < time.Minute || life > fleet.EnrolmentLifeMax {
		return in, Secret{}, fleet.Invalid("expires_in_seconds", "expires_in_seconds must be between 60 and %d; got %d.",
			int(fleet.EnrolmentLifeMax.Seconds()), int(life.Seconds()))
	}
	secret, err := newSummed(e.keys.random, enrolmentPrefix)
	if err != nil {
		return in, Secret{}, fmt.Errorf("make enrolment token: %w", err)
	}
	in.ID, in.Tenant, in.CreatedAt, in.CreatedBy, in.Uses = e.keys.ids.New(), p.Tenant, e.keys.now(), p.Name, 0
	in.ExpiresAt, in.RevokedAt = in.CreatedAt.Add(life), time.Time{}
	in.Hash, in.Hint = e.keys.pepper.hash(secret), secret.Hint()
	err = e.keys.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		if err := tx.PutEnrolment(in); err != nil {
			return err
		}
		data := map[string]any{"name_pattern": in.NamePattern, "environment": in.Environment, "uses_max": in.UsesMax}
		err := tx.Append(in.Tenant, fleet.EventDraft{
			Kind: fleet.EventEnrolmentCreated, Subject: fleet.SubjectEnrolment, SubjectID: string(in.ID), Actor: p.Name, Data: data,
		})
		if err != nil {
			return err
		}
		d := p.Audit("enrolment.create", fleet.SubjectEnrolment, string(in.ID))
		d.After = data
		return tx.Audit(in.Tenant, d)
	})
	in.Usable = in.Counts(in.CreatedAt)
	return in, secret, err
}

// List returns the tokens of the principal's tenant, without secrets.
func (e *Enrolments) List(ctx context.Context, p Principal) (list []fleet.Enrolment, err error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return nil, err
	}
	err = e.keys.store.View(ctx, p.Reach(), func(r store.Reader) (err error) { list, err = r.Enrolments(); return err })
	now := e.keys.now()
	for i := range list {
		list[i].Usable = list[i].Counts(now)
	}
	return list, err
}

// Revoke ends a token; robots that it made keep their keys.
func (e *Enrolments) Revoke(ctx context.Context, p Principal, id fleet.ID) error {
	if err := p.Require(fleet.KeysManage); err != nil {
		return err
	}
	now := e.keys.now()
	return e.keys.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		if err := tx.RevokeEnrolment(id, now); err != nil {
			return err
		}
		err := tx.Append(p.Tenant, fleet.EventDraft{Kind: fleet.EventEnrolmentRevoked, Subject: fleet.SubjectEnrolment, SubjectID: string(id), Actor: p.Name})
		if err != nil {
			return err
		}
		return tx.Audit(p.Tenant, p.Audit("enrolment.revoke", fleet.SubjectEnrolment, string(id)))
	})
}

// Joining is a machine on its way to become a robot: what is stored with its
// row, in one transaction.
type Joining struct {
	Principal Principal
	Key       fleet.Key
	now       time.Time
}

// Join makes the key of a robot that a machine with a token wants to be. The
// secret is returned this once, and counts once Store has committed.
func (e *Enrolments) Join(p Principal, robot fleet.RobotID) (Joining, Secret, error) {
	if err := p.Require(fleet.RobotsEnrol); err != nil {
		return Joining{}, Secret{}, err
	}
	if _, err := fleet.ParseRobotID(string(robot)); err != nil {
		return Joining{}, Secret{}, err
	}
	if !p.Enrolment.Admits(robot) {
		return Joining{}, Secret{}, fleet.Invalid("robot_id", "robot_id must match %q, as the enrolment token says; got %q.", p.Enrolment.NamePattern, string(robot))
	}
	key, err := e.keys.draft(p, &KeyRequest{Kind: fleet.KeyRobot, RobotID: robot, Environment: p.Enrolment.Environment})
	if err != nil {
		return Joining{}, Secret{}, err
	}
	secret, err := e.keys.mint(&key)
	return Joining{p, key, key.CreatedAt}, secret, err
}

// Store takes one of the token's uses and stores the key.
func (j *Joining) Store(tx store.Tx) error {
	ok, err := tx.SpendEnrolment(j.Principal.Enrolment.ID, j.now)
	switch {
	case err != nil:
		return err
	case !ok: // another machine was first
		return usedUp()
	}
	return putKey(tx, j.Principal, &j.Key)
}
