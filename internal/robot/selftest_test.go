package robot

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFolderIsTried(t *testing.T) {
	dir := t.TempDir()
	if err := tryFolder(dir); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("it leaves %v (%v)", left, err)
	}
	if err := tryFolder(filepath.Join(dir, "gone")); err == nil {
		t.Error("a folder that is not there can be used")
	}
}
