package file_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// members are the names and contents of an archive, in order.
func (j *job) members(name string) (names []string) {
	j.t.Helper()
	r, err := zip.OpenReader(filepath.Join(j.dir, name))
	if err != nil {
		j.t.Fatal(err)
	}
	defer r.Close()
	for _, f := range r.File {
		names = append(names, f.Name)
	}
	return names
}

func TestZip(t *testing.T) {
	j := newJob(t, map[string]string{"d/a.txt": "1", "d/s/b.txt": "2", "d/s/c.csv": "3", "x/a.txt": "4"})
	out := func(n int) cfg {
		return cfg{"zip_path": "<dir>/o/z.zip", "attachment_file": []any{"<dir>/o/z.zip"}, "file_count": n, "success": true}
	}
	for _, tc := range []struct {
		name string
		cfg  cfg
		want []string
	}{
		{"folder", cfg{"source_path": "d"}, []string{"a.txt", "s/b.txt", "s/c.csv"}},
		{"folder from a base", cfg{"source_path": "d", "base_dir": "."}, []string{"d/a.txt", "d/s/b.txt", "d/s/c.csv"}},
		{"pattern", cfg{"source_path": "d/*.txt"}, []string{"a.txt"}},
		{"deep pattern", cfg{"source_path": "d/**/*.txt"}, []string{"a.txt", "s/b.txt"}},
		{"file", cfg{"source_path": "d/s/b.txt"}, []string{"b.txt"}},
		{"list", cfg{"files": []any{"d/s/c.csv", "d/a.txt"}}, []string{"c.csv", "a.txt"}},
		{"list with a base", cfg{"files": []any{"d/s/c.csv", "x/a.txt"}, "base_dir": "d"}, []string{"s/c.csv", "a.txt"}},
		{"stored", cfg{"source_path": "d/a.txt", "compression": "ZIP_STORED"}, []string{"a.txt"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := &job{t: t, dir: j.dir}
			tc.cfg["zip_path"] = "o/z.zip"
			j.want("ZipFilesNode", tc.cfg, out(len(tc.want)))
			if diff := cmp.Diff(tc.want, j.members("o/z.zip")); diff != "" {
				t.Error(diff)
			}
		})
	}
	// An archive inside the folder that it packs is not packed the second time.
	for range 2 {
		j.want("ZipFilesNode", cfg{"zip_path": "d/all.zip", "source_path": "d"},
			cfg{"zip_path": "<dir>/d/all.zip", "attachment_file": []any{"<dir>/d/all.zip"}, "file_count": 3, "success": true})
	}
	j.fails("ZipFilesNode", cfg{"zip_path": "z.zip"}, "ValueError", "No files to zip")
	j.fails("ZipFilesNode", cfg{"zip_path": "z.zip", "source_path": "d/*.xyz"}, "ValueError", "No files to zip")
	j.fails("ZipFilesNode", cfg{"zip_path": "z.zip", "source_path": "none"}, "FileNotFoundError", "source_path not found: none")
	j.fails("ZipFilesNode", cfg{"zip_path": "z.zip", "files": []any{"none"}}, "FileNotFoundError", "File not found")
	j.fails("ZipFilesNode", cfg{"zip_path": "z.zip", "files": []any{"d/a.txt", "x/a.txt"}}, "ValueError", "would both be a.txt in the archive")
	j.fails("ZipFilesNode", cfg{"source_path": "d"}, "ValueError", "zip_path is required")
	if j.exists("z.zip") {
		t.Error("a failure left an archive")
	}
}

// archive writes an archive whose entries are made by hand.
func archive(t *testing.T, path string, entries ...zip.FileHeader) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, h := range entries {
		to, err := w.CreateHeader(&h)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, "/") {
			if _, err := to.Write([]byte("data")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestUnzip(t *testing.T) {
	j := newJob(t, map[string]string{"not.zip": "hello"})
	archive(t, filepath.Join(j.dir, "a.zip"), zip.FileHeader{Name: "d/"}, zip.FileHeader{Name: "d/x.txt"}, zip.FileHeader{Name: `w\y.txt`})
	want := cfg{"extract_to": "<dir>/o", "files": []any{"<dir>/o/d/x.txt", "<dir>/o/w/y.txt"}, "file_count": 2, "success": true}
	j.want("UnzipFilesNode", cfg{"zip_path": "a.zip", "extract_to": "o"}, want)
	j.want("UnzipFilesNode", cfg{"zip_path": "a.zip", "extract_to": "o"}, want) // again, over the old files
	if got := j.read("o/d/x.txt"); got != "data" {
		t.Errorf("content %q", got)
	}
	j.fails("UnzipFilesNode", cfg{"zip_path": "none.zip", "extract_to": "o"}, "FileNotFoundError", "File not found: none.zip")
	j.fails("UnzipFilesNode", cfg{"zip_path": "not.zip", "extract_to": "o"}, "BadZipFile", "File is not a zip file: not.zip")
	j.fails("UnzipFilesNode", cfg{"zip_path": "a.zip"}, "ValueError", "extract_to is required")
}

func TestUnzipRefusesHostileArchives(t *testing.T) {
	link := zip.FileHeader{Name: "link"}
	link.SetMode(0o777 | fs.ModeSymlink)
	device := zip.FileHeader{Name: "dev"}
	device.SetMode(0o600 | fs.ModeDevice)
	for _, tc := range []struct {
		name    string
		entry   zip.FileHeader
		errType string
		message string
	}{
		{"parent", zip.FileHeader{Name: "../evil"}, "PathSecurityError", "outside of the target folder"},
		{"deep parent", zip.FileHeader{Name: "a/../../evil"}, "PathSecurityError", "outside of the target folder"},
		{"Windows parent", zip.FileHeader{Name: `..\evil`}, "PathSecurityError", "outside of the target folder"},
		{"absolute", zip.FileHeader{Name: "/tmp/evil"}, "PathSecurityError", "outside of the target folder"},
		{"drive", zip.FileHeader{Name: `C:\evil`}, "PathSecurityError", "outside of the target folder"},
		{"link", link, "PathSecurityError", "is a link or a device"},
		{"device", device, "PathSecurityError", "is a link or a device"},
		{"encrypted", zip.FileHeader{Name: "secret", Flags: 1}, "RuntimeError", "is encrypted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := newJob(t, nil)
			archive(t, filepath.Join(j.dir, "a.zip"), zip.FileHeader{Name: "good"}, tc.entry)
			j.fails("UnzipFilesNode", cfg{"zip_path": "a.zip", "extract_to": "o"}, tc.errType, tc.message)
			if j.exists("o") || j.exists("evil") {
				t.Error("something was written")
			}
		})
	}
}

// TestUnzipFollowsNoLinkInTheTarget has a link in the target folder that was
// there before the archive.
func TestUnzipFollowsNoLinkInTheTarget(t *testing.T) {
	j := newJob(t, nil)
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(j.dir, "d")); err != nil {
		t.Fatal(err)
	}
	archive(t, filepath.Join(j.dir, "a.zip"), zip.FileHeader{Name: "d/x"})
	if out, err := j.visit("UnzipFilesNode", cfg{"zip_path": "a.zip", "extract_to": "."}); err == nil {
		t.Errorf("unpacked through a link: %v", out)
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Error("written outside of the job's folder")
	}
}

func TestUnzipBoundsGrowth(t *testing.T) {
	j := newJob(t, nil)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	to, err := w.Create("zeros")
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for range 32 {
		if _, err := to.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(j.dir, "bomb.zip"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	j.fails("UnzipFilesNode", cfg{"zip_path": "bomb.zip", "extract_to": "o"}, "ValueError", "would grow more than 200 times")
}

func TestUnzipFindsDamage(t *testing.T) {
	j := newJob(t, nil)
	archive(t, filepath.Join(j.dir, "a.zip"), zip.FileHeader{Name: "x", Method: zip.Store})
	data := []byte(j.read("a.zip"))
	copy(data[bytes.Index(data, []byte("data")):], "dada")
	if err := os.WriteFile(filepath.Join(j.dir, "a.zip"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	j.fails("UnzipFilesNode", cfg{"zip_path": "a.zip", "extract_to": "o"}, "BadZipFile", `The archive entry "x" is damaged`)
}
