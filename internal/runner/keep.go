package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/redact"
)

// keepTime bounds how long files are handed over before the end of the job is known.
// It is far less than the grace of a stop, so that a file never costs a result. Who
// keeps them elsewhere does so afterwards.
const keepTime = 15 * time.Second

// keepFiles hands the files of the folder artifacts to whoever keeps them, also those
// of a job that failed or was stopped, and tells what was left out and why. Texts
// are freed of secrets first; what is no text cannot be.
func keepFiles(ctx context.Context, dir string, job *Job, hide *redact.Redactor) (notes []string) {
	if job.Keep == nil {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return []string{"the artifacts cannot be read: " + err.Error()}
	}
	defer func() { _ = root.Close() }() // it was only read through
	files, err := fs.ReadDir(root.FS(), fleet.ArtifactFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []string{"the artifacts cannot be read: " + err.Error()}
	}
	// A job that was stopped has ended its ctx, and what it made still counts. One
	// that is stopped now waits for no file.
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	slices.SortFunc(files, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	var bytes int64
	for i, f := range files {
		if i >= fleet.MaxArtifacts {
			return append(notes, fmt.Sprintf("%d artifacts were left out: a job leaves at most %d", len(files)-i, fleet.MaxArtifacts))
		}
		body, err := readArtifact(root, f)
		if err == nil && bytes+int64(len(body)) > fleet.MaxArtifactBytes {
			err = fmt.Errorf("all of them may have at most %d bytes", int64(fleet.MaxArtifactBytes))
		}
		if err == nil {
			if utf8.Valid(body) {
				body = []byte(hide.Text(string(body)))
			}
			err = job.Keep(ctx, f.Name(), body)
		}
		if err != nil {
			notes = append(notes, fmt.Sprintf("the artifact %s was left out: %v", f.Name(), err))
			continue
		}
		bytes += int64(len(body))
	}
	return notes
}

func readArtifact(root *os.Root, entry fs.DirEntry) ([]byte, error) {
	if !entry.Type().IsRegular() {
		return nil, errors.New("it is no file")
	}
	if err := fleet.ValidateArtifactName(entry.Name()); err != nil {
		return nil, err
	}
	f, err := root.Open(fleet.ArtifactFolder + "/" + entry.Name())
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(f, fleet.MaxArtifact+1))
	if err == nil && len(body) > fleet.MaxArtifact {
		err = fmt.Errorf("it may have at most %d bytes", fleet.MaxArtifact)
	}
	return body, err
}
