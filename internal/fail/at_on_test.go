//go:build failpoints

package fail

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// TestMain plays the victim when asked: the process that is made to fail.
func TestMain(m *testing.M) {
	if os.Getenv("FLEET_FAIL_VICTIM") == "" {
		os.Exit(m.Run())
	}
	for range 3 {
		if err := At("victim.step"); errors.Is(err, ErrInjected) {
			os.Exit(42)
		}
	}
	os.Exit(0)
}

func TestAt(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for plan, want := range map[string]int{
		"":                     0,
		"victim.step=error":    42,
		"victim.step=kill@3":   -1, // by signal
		"victim.step=kill@4":   0,
		"other.step=kill":      0,
		"victim.step=nonsense": 2,
	} {
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), "FLEET_FAIL_VICTIM=1", "FLEET_FAIL="+plan)
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("plan %q: exit %d, want %d", plan, got, want)
		}
	}
}
