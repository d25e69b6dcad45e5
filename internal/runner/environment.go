package runner

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
)

// inherited are the variables of the robot that a program may need to start at
// all. Everything else a program sees was put there by the job.
var inherited = []string{
	"PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "HOME", "USER", "LOGNAME", "SHELL",
	"SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "WINDIR", "PROGRAMFILES", "PROGRAMDATA",
	"USERPROFILE", "APPDATA", "LOCALAPPDATA",
}

// environment is the job's own copy of the environment. Jobs read more than
// programs inherit, but never what looks like a credential.
type environment struct {
	mu   sync.Mutex
	vars map[string]string // what Lookup sees
	base map[string]string // what programs inherit
	own  bool              // the job has set one
}

func newEnvironment(environ []string) *environment {
	e := &environment{vars: map[string]string{}, base: map[string]string{}}
	for _, kv := range environ {
		name, v, ok := strings.Cut(kv, "=")
		if !ok || name == "" || isCredential(name) {
			continue
		}
		e.vars[key(name)] = v
		for _, k := range inherited {
			if strings.EqualFold(k, name) {
				e.base[key(name)] = v
			}
		}
	}
	return e
}

// key folds names on Windows, where they have no case.
func key(name string) string {
	if runtime.GOOS == "windows" {
		return strings.ToUpper(name)
	}
	return name
}

// isCredential errs on the side of hiding: a variable that a job needs can be
// given to it as a job variable or a secret.
func isCredential(name string) bool {
	up := strings.ToUpper(name)
	for _, prefix := range []string{"FLEET_", "CASARE", "ORCHESTRATOR", "AWS_", "AZURE_", "GOOGLE_", "VAULT_", "PG", "DATABASE"} {
		if strings.HasPrefix(up, prefix) {
			return true
		}
	}
	for _, part := range []string{"KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL", "AUTH", "DSN"} {
		if strings.Contains(up, part) {
			return true
		}
	}
	return false
}

// Lookup reads a variable of the job's copy.
func (e *environment) Lookup(name string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := e.vars[key(name)]
	return v, ok
}

// Set writes a variable of the job's copy; programs started later see it.
func (e *environment) Set(name, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.own = true
	e.vars[key(name)] = value
	e.base[key(name)] = value
}

// changed says whether the job has set a variable.
func (e *environment) changed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.own
}

// environ is the environment of one program.
func (e *environment) environ(extra map[string]string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make(map[string]string, len(e.base)+len(extra))
	maps.Copy(all, e.base)
	for k, v := range extra {
		all[key(k)] = v
	}
	list := make([]string, 0, len(all))
	for k, v := range all {
		list = append(list, k+"="+v)
	}
	sort.Strings(list)
	return list
}

// LookPath finds a program on the job's PATH. A name with a slash must be an
// absolute path, so that no program is taken from a folder by accident.
func (e *environment) LookPath(name string) (string, error) {
	if strings.ContainsAny(name, `/\`) {
		return exec.LookPath(name)
	}
	path, _ := e.Lookup("PATH")
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return found, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

// robotEnviron is where the job's copy starts from.
func robotEnviron() []string { return os.Environ() }
