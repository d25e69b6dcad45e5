package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Artifacts lists the files that a job left; those of a whole are those of its
// segments.
func (j *Jobs) Artifacts(ctx context.Context, p auth.Principal, id fleet.ID) (out []fleet.Artifact, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return nil, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		job, err := r.Job(id)
		if err != nil {
			return err
		}
		ids := []fleet.ID{id}
		if job.Segments > 0 {
			parts, err := r.Segments(id)
			if err != nil {
				return err
			}
			for i := range parts {
				ids = append(ids, parts[i].ID)
			}
		}
		out = []fleet.Artifact{}
		for _, one := range ids {
			list, err := r.Artifacts(one)
			if err != nil {
				return err
			}
			out = append(out, list...)
		}
		return nil
	})
	return out, err
}

// Artifact gives one with its bytes; that of the newest attempt if epoch is 0.
func (j *Jobs) Artifact(ctx context.Context, p auth.Principal, id fleet.ID, epoch int64, name string) (a fleet.Artifact, body []byte, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return a, nil, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if _, err := r.Job(id); err != nil {
			return err
		}
		a, body, err = r.Artifact(id, epoch, name)
		return err
	})
	return a, body, err
}

// ArtifactGift is a file that a robot hands over. Epoch 0 is the newest attempt.
type ArtifactGift struct {
	Job   fleet.ID
	Epoch int64
	Name  string
	Node  string
	Body  []byte
}

// PutArtifact keeps a file of an attempt that the robot has or had: one that
// comes late is kept with its attempt. The same file again changes nothing.
func (a *Attempts) PutArtifact(ctx context.Context, p auth.Principal, g ArtifactGift) (out fleet.Artifact, err error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return out, err
	}
	if err := fleet.ValidateArtifactName(g.Name); err != nil {
		return out, err
	}
	if len(g.Body) > fleet.MaxArtifact {
		return out, tooLarge("An artifact may have at most %d bytes; got %d.", fleet.MaxArtifact, len(g.Body))
	}
	if len(g.Node) > fleet.MaxStepWord {
		return out, fleet.Invalid("node_id", "node_id may have at most %d bytes; got %d.", fleet.MaxStepWord, len(g.Node))
	}
	sum := sha256.Sum256(g.Body)
	err = a.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		job, err := tx.Job(g.Job)
		if err != nil {
			return err
		}
		attempts, err := tx.Attempts(g.Job)
		if err != nil {
			return err
		}
		epoch, mine := g.Epoch, false
		if epoch == 0 { // those who poll do not count attempts
			epoch = job.Epoch
		}
		for i := range attempts {
			mine = mine || attempts[i].Epoch == epoch && attempts[i].RobotID == p.RobotID && p.RobotID != ""
		}
		if !mine {
			return fleet.Errorf(fleet.CodeConflict, "not_holder", "Attempt %d of job %s is not one of robot %s.", epoch, g.Job, p.RobotID)
		}
		out = fleet.Artifact{
			JobID: g.Job, Tenant: job.Tenant, Epoch: epoch, Name: g.Name, Node: g.Node, Type: fleet.ArtifactType(g.Name), Size: int64(len(g.Body)),
			SHA256: hex.EncodeToString(sum[:]), CreatedAt: a.Now(),
		}
		list, err := tx.Artifacts(g.Job)
		if err != nil {
			return err
		}
		count, bytes := 1, out.Size
		for _, have := range list {
			switch same := have.Epoch == epoch && have.Name == g.Name; {
			case same && have.SHA256 == out.SHA256:
				out = have
				return nil
			case !same:
				count, bytes = count+1, bytes+have.Size
			}
		}
		if count > fleet.MaxArtifacts {
			return tooLarge("A job may leave at most %d artifacts.", fleet.MaxArtifacts)
		}
		if bytes > fleet.MaxArtifactBytes {
			return tooLarge("The artifacts of a job may have at most %d bytes in all; with this one they had %d.", fleet.MaxArtifactBytes, bytes)
		}
		if err := tx.PutArtifact(out, g.Body); err != nil {
			return err
		}
		data := map[string]any{"epoch": epoch, "name": out.Name, "type": out.Type, "size": out.Size}
		if out.Node != "" {
			data["node_id"] = out.Node
		}
		return tx.Append(job.Tenant, fleet.EventDraft{
			Kind: fleet.EventJobArtifact, Subject: fleet.SubjectAttempt, SubjectID: string(g.Job), Epoch: epoch, Actor: string(p.RobotID), Data: data,
		})
	})
	return out, err
}

func tooLarge(format string, args ...any) *fleet.Error {
	e := fleet.Errorf(fleet.CodeInvalid, "too_large", format, args...)
	e.Status = 413
	return e
}
