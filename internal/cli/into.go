package cli

import (
	"bufio"
	"errors"
	"io"
	"os"

	"github.com/casarerpa/fleet/fleet"
)

// into has write fill a new file for its owner alone, or standard output where path
// is empty. A file that is there is not replaced, and one that is not whole is not
// kept. what begins the error: "The jobs".
func (s *shell) into(path, what string, write func(io.Writer) error) (err error) {
	out := s.out
	if path != "" {
		f, ferr := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if ferr != nil {
			return fleet.Errorf(fleet.CodeInvalid, "file", "%s cannot be written to %s: %w.", what, path, cause(ferr))
		}
		defer func() {
			if err = errors.Join(err, f.Close()); err != nil {
				err = errors.Join(err, os.Remove(path))
			}
		}()
		out = f
	}
	w := bufio.NewWriter(out)
	return errors.Join(write(w), w.Flush())
}
