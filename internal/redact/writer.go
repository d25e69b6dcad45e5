package redact

import (
	"io"
	"sync"
)

// Writer masks secrets on their way to another writer. It holds back as many
// bytes as could be the beginning of a secret, never more than the longest one;
// Close lets them out. Safe for concurrent use.
type Writer struct {
	mu   sync.Mutex
	to   io.Writer
	r    *Redactor
	held []byte // could be the beginning of a secret
	done int    // leading bytes of held that a mask already stands for
}

// Writer returns a masking writer in front of to. The caller closes it at the
// end of the stream; that does not close to.
func (r *Redactor) Writer(to io.Writer) *Writer { return &Writer{to: to, r: r} }

// Write masks p and passes on what is certain. It reports len(p) unless the
// writer behind it failed.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.r.load()
	if n == nil && len(w.held) == 0 {
		return w.to.Write(p)
	}
	w.held = append(w.held, p...)
	if err := w.emit(n, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what was held back; the stream is at its end, so it cannot
// become a whole secret any more. The Writer may be used again afterwards.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.emit(w.r.load(), true)
}

// emit passes on everything before the first byte that has to wait.
func (w *Writer) emit(n *needles, all bool) error {
	var spans []span
	stop := len(w.held)
	if n != nil {
		spans = n.find(w.held)
		if !all {
			stop = n.open(w.held)
		}
	}
	var out []byte
	at := w.done  // everything before has been told by an earlier mask
	covered := at // end of what a mask stands for
	for _, s := range spans {
		if s.from >= stop {
			break
		}
		if s.from < covered { // goes on under the mask that is already out
			covered = max(covered, s.to)
			at = covered
			continue
		}
		out = append(out, w.held[at:s.from]...)
		out = append(out, Mask...)
		at, covered = s.to, s.to
	}
	if at < stop {
		out = append(out, w.held[at:stop]...)
		at = stop
	}
	// Bytes from stop on stay for matching; those a mask reaches into are not shown again.
	w.done = max(0, at-stop)
	w.held = append(w.held[:0], w.held[stop:]...)
	if len(out) == 0 {
		return nil
	}
	_, err := w.to.Write(out)
	return err
}
