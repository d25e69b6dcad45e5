package orchestrator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// A robot hands over files of its own attempts, within bounds, and whoever may
// see the job reads them.
func TestArtifacts(t *testing.T) {
	w := newWorld(t)
	w.connect()
	ref := w.start(w.submit())
	robot := auth.Robot(w.admin.Tenant, w.get(ref.JobID).Job.RobotID, "default")
	gift := func(name, body string) ArtifactGift {
		return ArtifactGift{Job: ref.JobID, Epoch: ref.Epoch, Name: name, Node: "say", Body: []byte(body)}
	}
	first, err := w.Attempts.PutArtifact(t.Context(), robot, gift("page.png", "one"))
	w.must(err)
	if first.Type != "image/png" || first.Size != 3 || len(first.SHA256) != 64 || first.Epoch != ref.Epoch {
		t.Errorf("kept as %+v", first)
	}
	again, err := w.Attempts.PutArtifact(t.Context(), robot, gift("page.png", "one"))
	w.must(err)
	if !again.CreatedAt.Equal(first.CreatedAt) {
		t.Error("the same file again counts as another")
	}
	w.complete(ref)
	_, err = w.Attempts.PutArtifact(t.Context(), robot, gift("late.txt", "late"))
	w.must(err)
	list, err := w.Jobs.Artifacts(t.Context(), w.admin, ref.JobID)
	w.must(err)
	if len(list) != 2 || list[0].Name != "late.txt" || list[1].Node != "say" {
		t.Errorf("listed %+v", list)
	}
	var told []string
	w.must(w.store.View(t.Context(), w.admin.Scope(), func(r store.Reader) error {
		events, err := r.Events(store.EventFilter{Limit: 100, Kinds: []fleet.EventKind{fleet.EventJobArtifact}})
		for _, e := range events {
			told = append(told, fmt.Sprintf("%t %d %s %s", e.Subject.ID == string(ref.JobID), e.Epoch, e.Actor, e.Data))
		}
		return err
	}))
	if want := []string{
		`true 1 r1 {"epoch":1,"name":"page.png","node_id":"say","size":3,"type":"image/png"}`, // the same again tells nothing
		`true 1 r1 {"epoch":1,"name":"late.txt","node_id":"say","size":4,"type":"text/plain"}`,
	}; strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told %q", told)
	}
	_, body, err := w.Jobs.Artifact(t.Context(), w.admin, ref.JobID, 0, "page.png")
	w.must(err)
	if string(body) != "one" {
		t.Errorf("read %q", body)
	}

	_, err = w.Attempts.PutArtifact(t.Context(), auth.Robot(w.admin.Tenant, "another", "default"), gift("a", ""))
	w.is(err, fleet.CodeConflict, "not_holder")
	_, err = w.Attempts.PutArtifact(t.Context(), robot, ArtifactGift{Job: ref.JobID, Epoch: 9, Name: "a"})
	w.is(err, fleet.CodeConflict, "not_holder")
	_, err = w.Attempts.PutArtifact(t.Context(), auth.Robot("globex", robot.RobotID, "default"), gift("a", ""))
	w.is(err, fleet.CodeNotFound, "job_not_found")
	_, err = w.Attempts.PutArtifact(t.Context(), robot, gift("big", strings.Repeat("x", fleet.MaxArtifact+1)))
	w.is(err, fleet.CodeInvalid, "too_large")
	for _, name := range []string{"", ".x", "a/b", `a\b`, "a:b", "a\x00", "a\u202eb", strings.Repeat("x", 201)} {
		_, err = w.Attempts.PutArtifact(t.Context(), robot, gift(name, ""))
		w.is(err, fleet.CodeInvalid, "invalid_field")
	}
	for i := range fleet.MaxArtifacts - 2 {
		_, err = w.Attempts.PutArtifact(t.Context(), robot, gift(fmt.Sprint("n", i), ""))
		if err != nil {
			break
		}
	}
	_, err = w.Attempts.PutArtifact(t.Context(), robot, gift("one more", ""))
	w.is(err, fleet.CodeInvalid, "too_large")
}
