package orchestrator

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
)

const (
	firstKey  = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	secondKey = "2:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff101112131415161718191a1b1c1d1e1f"
)

func sealed(t *testing.T, text string) func(*Options) {
	t.Helper()
	keys, err := seal.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { o.Sealer = keys }
}

// naming is a workflow that names secrets.
func naming(names ...string) []byte {
	return []byte(`{"metadata":{"name":"pays ` + strings.Join(names, " ") + `"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[],
		"settings":{"fleet":{"secrets":["` + strings.Join(names, `","`) + `"]}}}`)
}

func (w *world) secret(c SecretChange) fleet.Secret {
	w.Helper()
	s, err := w.Secrets.Put(w.Context(), w.admin, c)
	w.must(err)
	return s
}

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	return fleet.AsError(err).Reason
}

func TestSecretsAreHandedToAttemptsThatNameThem(t *testing.T) {
	w := newWorld(t, sealed(t, firstKey))
	w.connect()
	_, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: naming("erp")})
	if reasonOf(err) != "secret_unknown" {
		t.Errorf("a secret that is not there: %v", err)
	}
	w.secret(SecretChange{Name: "erp", Fields: map[string]string{"user": "ada", "password": "canary-general"}})
	w.secret(SecretChange{Name: "erp", Place: fleet.Place{RobotID: "r1"}, Fields: map[string]string{"user": "bot", "password": "canary-of-r1"}})
	w.secret(SecretChange{Name: "crm", Fields: map[string]string{"value": "canary-crm"}})
	submit := func(names ...string) store.Ref {
		t.Helper()
		r, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: naming(names...)})
		w.must(err)
		return w.start(r.Job)
	}
	ref := submit("erp")
	fetch := func(ref store.Ref, name string) (string, error) {
		return w.Secrets.Fetch(t.Context(), w.robot, ref, name)
	}
	for name, want := range map[string]string{"erp.password": "canary-of-r1", "erp.user": "bot"} {
		if got, err := fetch(ref, name); err != nil || got != want {
			t.Errorf("%s: %v", name, err) // never the value
		}
	}
	for name, reason := range map[string]string{"crm": "secret_not_allowed", "nothing": "secret_not_allowed", "erp": "secret_field_unknown", "erp.pin": "secret_field_unknown"} {
		if _, err := fetch(ref, name); reasonOf(err) != reason || !errors.Is(err, fleet.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Secrets.Fetch(t.Context(), auth.Robot("default", "r2", "default"), ref, "erp.user"); reasonOf(err) != "attempt_over" {
		t.Errorf("another robot: %v", err)
	}
	if _, err := w.Secrets.Fetch(t.Context(), auth.Robot("globex", "r1", "default"), ref, "erp.user"); reasonOf(err) != "attempt_over" {
		t.Errorf("a robot of another tenant: %v", err)
	}
	if _, err := w.Secrets.Fetch(t.Context(), w.admin, ref, "erp.user"); !errors.Is(err, fleet.ErrForbidden) {
		t.Errorf("a person: %v", err)
	}
	wrong := ref
	wrong.Epoch++
	if _, err := fetch(wrong, "erp.user"); reasonOf(err) != "attempt_over" {
		t.Errorf("another attempt: %v", err)
	}
	w.fail(ref, fleet.ClassBusiness)
	if _, err := fetch(ref, "erp.user"); reasonOf(err) != "attempt_over" {
		t.Errorf("after the end: %v", err)
	}
	rows, denied := w.rows(AuditFilter{Action: "secret.read", Outcome: fleet.AuditDone}), w.rows(AuditFilter{Action: "secret.read", Outcome: fleet.AuditDenied})
	if len(rows) != 2 || rows[0].Actor.Kind != fleet.ActorRobot || rows[0].Object.ID != "erp" || len(denied) < 5 {
		t.Errorf("%d rows, %d refusals", len(rows), len(denied))
	}
	if text := fmt.Sprint(w.rows(AuditFilter{})); strings.Contains(text, "canary") {
		t.Error("the audit shows a value")
	}
	all, err := w.store.QueryText(t.Context(), "select sealed from secret_values")
	if err != nil || len(all) != 3 || strings.Contains(fmt.Sprint(all), "canary") || strings.Contains(fmt.Sprint(all), "Y2FuYXJ5") {
		t.Errorf("%d rows, %v", len(all), err)
	}
}

func TestSecretsAreForSomeJobs(t *testing.T) {
	w := newWorld(t, sealed(t, firstKey))
	w.connect()
	prod := []string{"prod"}
	w.secret(SecretChange{Name: "erp", Environments: &prod, Fields: map[string]string{"value": "canary-1"}})
	_, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: naming("erp")})
	if reasonOf(err) != "secret_not_allowed" {
		t.Errorf("in another environment: %v", err)
	}
	_, err = w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: naming("erp"), Environment: "prod"})
	w.must(err)
	version, _, err := w.Workflows.Put(t.Context(), w.admin, "", naming("erp"))
	w.must(err)
	_, err = w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{WorkflowID: version.WorkflowID})
	if reasonOf(err) != "secret_not_allowed" {
		t.Errorf("of a stored workflow: %v", err)
	}
	if _, _, err := w.Workflows.Put(t.Context(), w.admin, "", naming("nothing")); reasonOf(err) != "secret_unknown" {
		t.Errorf("stored with a name that is not there: %v", err)
	}
	// An asset is named like a secret.
	_, err = w.Assets.Put(t.Context(), w.admin, fleet.Asset{Name: "url", Type: fleet.AssetText, Value: []byte(`"https://erp"`), Values: []fleet.AssetValue{{Place: fleet.Place{RobotID: "r1"}, Value: []byte(`"https://near"`)}}})
	w.must(err)
	r, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: naming("url")})
	w.must(err)
	if got, err := w.Secrets.Fetch(t.Context(), w.robot, w.start(r.Job), "url"); err != nil || got != "https://near" {
		t.Errorf("an asset: %q %v", got, err)
	}
}

func TestSecretChanges(t *testing.T) {
	w := newWorld(t, sealed(t, firstKey))
	for name, c := range map[string]SecretChange{
		"no name":       {Fields: map[string]string{"a": "b"}},
		"a dot":         {Name: "a.b", Fields: map[string]string{"a": "b"}},
		"no value":      {Name: "x"},
		"an empty one":  {Name: "x", Fields: map[string]string{"a": ""}},
		"a long one":    {Name: "x", Fields: map[string]string{"a": strings.Repeat("x", fleet.MaxSecretBytes+1)}},
		"a wrong field": {Name: "x", Fields: map[string]string{"a b": "c"}},
		"two places":    {Name: "x", Place: fleet.Place{Environment: "a", RobotID: "b"}, Fields: map[string]string{"a": "b"}},
	} {
		if _, err := w.Secrets.Put(t.Context(), w.admin, c); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.secret(SecretChange{Name: "x", Fields: map[string]string{"a": "canary-1"}})
	s := w.secret(SecretChange{Name: "x", Fields: map[string]string{"b": "canary-2"}})
	if len(s.Values) != 1 || s.Values[0].Version != 2 || s.Values[0].Fields[0] != "b" {
		t.Errorf("%+v", s)
	}
	text := "of the ERP"
	if s = w.secret(SecretChange{Name: "x", Description: &text}); s.Description != text || s.Values[0].Version != 2 {
		t.Errorf("%+v", s)
	}
	w.must(w.Secrets.Delete(t.Context(), w.admin, "x", fleet.Place{}))
	if _, err := w.Secrets.Get(t.Context(), w.admin, "x"); !errors.Is(err, fleet.ErrNotFound) {
		t.Error(err)
	}
	bare := newWorld(t)
	if _, err := bare.Secrets.Put(t.Context(), bare.admin, SecretChange{Name: "x", Fields: map[string]string{"a": "b"}}); reasonOf(err) != "no_secret_keys" {
		t.Errorf("without a master key: %v", err)
	}
	w.must(bare.Secrets.SelfTest(t.Context()))
	w.must(w.Secrets.SelfTest(t.Context()))
	if rows, err := w.store.QueryText(t.Context(), "select name from secret_values"); err != nil || len(rows) != 0 {
		t.Errorf("left of the test: %v %v", rows, err)
	}
}

func TestRewrap(t *testing.T) {
	w := newWorld(t, sealed(t, firstKey))
	w.connect()
	for i := range 3 {
		w.secret(SecretChange{Name: fmt.Sprintf("s%d", i), Fields: map[string]string{"value": fmt.Sprintf("canary-%d", i)}})
	}
	r, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: naming("s1")})
	w.must(err)
	ref := w.start(r.Job)
	rotate := func(keys string) (int, error) {
		sealed(t, keys)(&w.Secrets.Options)
		return w.Secrets.Rewrap(t.Context(), w.admin)
	}
	if n, err := rotate(firstKey + "\n" + secondKey); err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := rotate(secondKey); err != nil || n != 0 {
		t.Errorf("again: %d, %v", n, err)
	}
	if got, err := w.Secrets.Fetch(t.Context(), w.robot, ref, "s1"); err != nil || got != "canary-1" {
		t.Errorf("with the new key alone: %v", err)
	}
}
