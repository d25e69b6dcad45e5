package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/runner"
)

// secretFlags say where a local run finds the secrets and assets that its
// workflow names.
type secretFlags struct {
	SecretsFile string `help:"JSON file of secrets and assets that the workflow names, such as {\"erp\": {\"user\": …, \"password\": …}}; - is standard input" placeholder:"PATH" env:"FLEET_RUN_SECRETS_FILE"`
}

// secretVariable begins the names of environment variables that hold one secret
// each. It is a prefix that no setting of Fleet has.
const secretVariable = "FLEET_RUN_SECRET_"

// localSecrets are what a run on this machine may have. An orchestrator is not
// asked: what is there belongs to its robots.
type localSecrets struct {
	named  []string // by the workflow
	file   map[string]map[string]string
	getenv func(string) string
}

// secrets reads the file. What is wrong with it is said without its values.
func (f secretFlags) secrets(sh *shell, named []string) (*localSecrets, error) {
	s := &localSecrets{named: named, getenv: sh.getenv}
	if f.SecretsFile == "" {
		return s, nil
	}
	text, err := sh.read(f.SecretsFile)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(f.SecretsFile); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		sh.note("Others on this machine can read %s. Keep it to yourself with: chmod 600 %s", f.SecretsFile, f.SecretsFile)
	}
	if s.file, err = readSecrets(text); err != nil {
		return nil, err
	}
	return s, nil
}

func readSecrets(text []byte) (map[string]map[string]string, error) {
	wrong := func(what string) error {
		return fleet.Invalid("secrets-file", "The secrets file %s.", what).
			WithFix(`Write it as {"NAME": "text", "OTHER": {"user": "…", "password": "…"}}.`)
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(text, &raw) != nil {
		return nil, wrong("is no JSON object")
	}
	out := make(map[string]map[string]string, len(raw))
	for name, value := range raw {
		fields := map[string]string{}
		var whole string
		switch {
		case name == "" || strings.Contains(name, "."):
			return nil, wrong("has a name that is empty or holds a dot")
		case json.Unmarshal(value, &whole) == nil && !bytes.Equal(value, []byte("null")):
			fields["value"] = whole
		case json.Unmarshal(value, &fields) != nil || len(fields) == 0:
			return nil, wrong("gives " + clean(clip(name, 80)) + " neither a text nor an object of texts")
		}
		out[name] = fields
	}
	return out, nil
}

// values are all that must not be told of the run.
func (s *localSecrets) values() []string {
	var out []string
	for _, fields := range s.file {
		for _, v := range fields {
			out = append(out, v)
		}
	}
	return out
}

// fetch gives a run what it may have; nothing else will come later.
func (s *localSecrets) fetch(_ context.Context, id string) (string, error) {
	v, err := s.find(id)
	if err != nil {
		return "", runner.NoSecret{Reason: err}
	}
	return v, nil
}

// find finds "name", which is the one field of a secret, or "name.field". The
// environment goes before the file.
func (s *localSecrets) find(id string) (string, error) {
	name, field, _ := strings.Cut(id, ".")
	if !slices.Contains(s.named, name) {
		return "", fleet.Errorf(fleet.CodeForbidden, "secret_not_allowed", "The workflow does not name the secret %s.", name).
			WithFix("Add it to settings.fleet.secrets of the workflow.")
	}
	if v := s.getenv(variableOf(id)); v != "" {
		return v, nil
	}
	fields, ok := s.file[name]
	if !ok {
		return "", fleet.Errorf(fleet.CodeNotFound, "secret_unknown", "There is no secret %s for this run.", name).
			WithFix("Give it in --secrets-file, or as the environment variable " + variableOf(id) + ".")
	}
	if field == "" && len(fields) == 1 {
		for field = range fields {
		}
	}
	v, ok := fields[field]
	if !ok {
		return "", fleet.Errorf(fleet.CodeNotFound, "secret_field_unknown", "The secret %s has no field %q.", name, field).
			WithFix("Name one that the secrets file gives, as {{$secret:" + name + ".FIELD}}.")
	}
	return v, nil
}

// variableOf is the environment variable of a secret or of a field of one.
func variableOf(id string) string {
	return secretVariable + strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, strings.ToUpper(id))
}
