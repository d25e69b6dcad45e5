package orchestrator

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/redact"
	"github.com/casarerpa/fleet/internal/store"
)

// TestHandedSecretsDoNotComeBack: a robot that does not hide what it was handed
// tells it in every way it has, also after the end of the attempt.
func TestHandedSecretsDoNotComeBack(t *testing.T) {
	w := newWorld(t, sealed(t, firstKey))
	w.connect()
	const canary = "canary-that-a-robot-tells"
	coded := base64.StdEncoding.EncodeToString([]byte("ada:" + canary))
	w.secret(SecretChange{Name: "erp", Fields: map[string]string{"value": canary}})
	submit := func() store.Ref {
		t.Helper()
		r, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: naming("erp")})
		w.must(err)
		return w.start(r.Job)
	}
	fetched := func() store.Ref {
		t.Helper()
		ref := submit()
		_, err := w.Secrets.Fetch(t.Context(), w.robot, ref, "erp")
		w.must(err)
		return ref
	}
	tell := func(ref store.Ref, line int64) {
		t.Helper()
		_, err := w.Attempts.AppendLogs(t.Context(), w.robot, fleet.LogBatch{JobID: ref.JobID, Epoch: ref.Epoch, First: line, Lines: []fleet.LogLine{
			{Epoch: ref.Epoch, Line: line, At: w.now, Level: "info", Node: canary, Message: "it is " + canary + " or " + coded},
		}})
		w.must(err)
	}

	done := fetched()
	tell(done, 1)
	// The bound of a message cuts through the secret.
	_, err := w.Attempts.Beat(t.Context(), w.robot, store.Beat{SessionEpoch: w.epoch, Attempts: []store.BeatAttempt{{
		JobID: done.JobID, Epoch: done.Epoch, Progress: 10, Node: canary, Message: strings.Repeat("x", maxSentence-len(canary)+4) + canary,
	}}})
	w.must(err)
	w.report(fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(`{"a":"\u0063anary-that-a-robot-tells","` + canary + `":["` + coded + `"],"kept":1.50}`)}, done)
	tell(done, 2)

	failed := fetched()
	w.report(fleet.Report{Kind: fleet.ReportFailed, Error: &fleet.JobError{
		Class: fleet.ClassBusiness, Code: canary, Type: canary, Node: canary, Message: "no login with " + canary, Stack: coded,
	}}, failed)

	secret := strings.TrimRight(base64.StdEncoding.EncodeToString([]byte("ada:" + canary))[8:], "=")
	for _, table := range []string{"jobs", "job_data", "attempts", "events", "audit"} {
		rows, err := w.store.QueryText(t.Context(), "select * from "+table)
		if err != nil {
			t.Errorf("%s: %v", table, err)
			continue
		}
		for _, row := range rows {
			if text := strings.Join(row, "\n"); strings.Contains(text, canary[:len(canary)-4]) || strings.Contains(text, secret) || strings.Contains(text, `\u0063`) {
				t.Errorf("the secret is in %s", table) // never shown
			}
		}
	}
	lines, err := w.store.ReadLogs(t.Context(), w.admin.Scope(), done.JobID, store.LogQuery{Limit: 10})
	w.must(err)
	if len(lines) != 2 {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		if l.Node != redact.Mask || !strings.HasPrefix(l.Message, "it is *** or ") || strings.Contains(l.Message, secret) {
			t.Errorf("the secret is in line %d", l.Line)
		}
	}
	w.must(w.store.View(t.Context(), w.admin.Scope(), func(r store.Reader) error {
		data, err := r.JobData(done.JobID)
		if err == nil && !strings.Contains(string(data.Result), `"kept":1.50`) {
			t.Error("the rest of the result is not as it was")
		}
		return err
	}))

	// An attempt that was handed nothing is left alone, so guesses tell nothing.
	other := submit()
	w.report(fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(`{"guess":"` + canary + `"}`)}, other)
	w.must(w.store.View(t.Context(), w.admin.Scope(), func(r store.Reader) error {
		data, err := r.JobData(other.JobID)
		if err == nil && !strings.Contains(string(data.Result), canary) {
			t.Error("a guess was masked")
		}
		return err
	}))
}

func TestHandedForgetsTheOldest(t *testing.T) {
	var h handed
	value := strings.Repeat("canary-1", fleet.MaxSecretBytes/8)
	most := int64(maxHanded / len(value))
	for i := range most + 1 {
		ref := store.Ref{JobID: "j", Epoch: i}
		h.add("default", ref, value)
		h.add("default", ref, value) // once more takes no room
	}
	if h.to("default", "j", 0) != nil || h.to("default", "j", 1) == nil || h.to("default", "j", most) == nil || int64(len(h.list)) != most {
		t.Errorf("%d of %d are kept: the oldest one and no other is to be forgotten", len(h.list), most+1)
	}
	if h.to("globex", "j", 1) != nil {
		t.Error("another tenant's attempt")
	}
}
