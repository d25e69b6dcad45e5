package runner

import (
	"os"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/redact"
)

// keeping asks the engine for a checkpoint and says what of this machine would
// be missing where it is gone on from.
func (h *host) keeping(job *Job, dir string, hide *redact.Redactor) *engine.Keeping {
	return &engine.Keeping{
		Workflow: job.Hash,
		Secret:   h.secretOf,
		Tells:    func(text []byte) bool { return string(hide.JSON(text)) != string(text) },
		Stays: func() string {
			if name := firstFile(dir); name != "" {
				return "the folder of the job holds " + name + ", and it goes with the attempt"
			}
			if h.system.changed() {
				return "the environment of the job was changed, and it goes with the attempt"
			}
			return ""
		},
	}
}

// secretOf finds which of the secrets that the run has had a text is.
func (h *host) secretOf(text string) (string, bool) {
	if len(text) < redact.MinLength {
		return "", false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	found, ok := "", false
	for id, v := range h.secrets {
		if v == text && (!ok || id < found) {
			found, ok = id, true
		}
	}
	return found, ok
}

// firstFile names something that is in a folder.
func firstFile(dir string) string {
	list, err := os.ReadDir(dir)
	if err != nil {
		return "what cannot be read"
	}
	if len(list) == 0 {
		return ""
	}
	return strings.ToValidUTF8(list[0].Name(), "\ufffd")
}
