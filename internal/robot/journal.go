package robot

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/shirou/gopsutil/v4/disk"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/filelock"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

const (
	reservePerAttempt = wire.MaxResult + 1<<20 // the largest result and all else of an attempt
	spaceMargin       = 16 << 20               // left free where space cannot be taken beforehand
	compactAbove      = 8 << 20
)

// journal is the robot's file of what it has to deliver. Its methods may be
// called by several goroutines; one writes at a time.
type journal struct {
	dir    string
	id     string
	host   string
	copied bool // the journal was found on another machine
	limit  int64

	mu        sync.Mutex
	lock      *filelock.Lock
	file      *os.File
	size      int64
	lazy      []byte // records that may reach the disk later
	acked     int64
	pruned    int64
	ends      map[wire.Ref]bool // runs that have ended and of which there is no report yet
	next      int64
	reserved  int64
	allocated int64
	full      int64 // size at which a compaction pays
}

// openJournal opens or makes the journal of a folder and says what it held.
// host names this machine; newID makes an identity for a new journal.
func openJournal(dir, host string, limit int64, newID func() string) (*journal, protocol.Restored, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, protocol.Restored{}, fmt.Errorf("make the robot's folder: %w", err)
	}
	lock, err := filelock.Acquire(filepath.Join(dir, "journal.lock"))
	if err != nil && !errors.Is(err, filelock.ErrHeld) {
		return nil, protocol.Restored{}, fmt.Errorf("lock the robot's folder: %w", err)
	}
	if err != nil {
		e := fleet.Errorf(fleet.CodeConflict, "journal_locked", "Another robot works with the folder %s already.", dir)
		return nil, protocol.Restored{}, e.WithFix("Give each robot a folder of its own with --data-dir, or stop the other one.")
	}
	j := &journal{dir: dir, host: host, lock: lock, limit: limit, full: compactAbove, ends: map[wire.Ref]bool{}}
	from, err := j.open(newID)
	if err != nil {
		_ = lock.Release() // only a lock
		return nil, protocol.Restored{}, err
	}
	return j, from, nil
}

func (j *journal) path() string { return filepath.Join(j.dir, "journal") }

func (j *journal) open(newID func() string) (protocol.Restored, error) {
	_ = os.Remove(j.path() + ".new") // left by a compaction that did not finish
	var found content
	f, err := os.Open(j.path())
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return protocol.Restored{}, fmt.Errorf("open the journal: %w", err)
	default:
		found, err = readContent(f)
		_ = f.Close() // only read
		if errors.Is(err, errBroken) {
			e := fleet.Errorf(fleet.CodeInternal, "journal_broken", "The journal %s is damaged: %s.", j.path(), errText(err))
			return protocol.Restored{}, e.WithFix("Results that were not delivered may be in it. Keep a copy of the file, move it away, and start the robot again.")
		}
		if err != nil && !errors.Is(err, errTorn) {
			return protocol.Restored{}, fmt.Errorf("read the journal: %w", err)
		}
	}
	j.id, j.acked, j.next = found.id, found.acked, max(found.next, 1)
	if j.id == "" || found.host != "" && j.host != "" && found.host != j.host {
		// A copied disk must not be taken for a robot that repeats itself.
		j.copied = j.id != ""
		j.id, j.acked = newID(), 0
	}
	for _, e := range found.ends {
		if ref, ok := wire.AttemptOf(e.Message); ok {
			j.ends[ref] = true
		}
	}
	// The file is written anew at each start: that cuts a torn tail, drops
	// attempts that died with the process before, and finds a full disk now.
	if err := j.rewrite(); err != nil {
		return protocol.Restored{}, fmt.Errorf("write the journal anew: %w", err)
	}
	from := protocol.Restored{Next: j.next, Acked: j.acked, Ends: found.ends}
	for _, rep := range found.reports {
		if rep.ID > j.acked {
			from.Reports = append(from.Reports, rep)
		} else {
			from.Kept = append(from.Kept, rep.ID)
		}
	}
	return from, nil
}

func errText(err error) string { return err.Error() }

// content is what a journal file holds.
type content struct {
	id, host string
	next     int64
	acked    int64
	reports  []protocol.Report // by number; the last version of each
	ends     []protocol.Report // of which there is no report yet
}

// readContent reads a whole file. With errTorn the content is what was good.
func readContent(f *os.File) (content, error) {
	var c content
	info, err := f.Stat()
	if err != nil {
		return c, err
	}
	if info.Size() == 0 {
		return c, nil
	}
	at := map[int64]int{}
	_, err = readFrames(bufio.NewReaderSize(f, 64<<10), info.Size(), func(frame []byte) error {
		return records(frame, func(l line, raw []byte) error {
			switch l.Kind {
			case kindHead:
				c.id, c.host, c.next, c.acked = l.Journal, l.Host, max(c.next, l.Next), max(c.acked, l.Upto)
			case protocol.RecordReport:
				rep, err := l.report(raw)
				if err != nil {
					return err
				}
				if i, ok := at[rep.ID]; ok {
					c.reports[i] = rep
				} else {
					at[rep.ID] = len(c.reports)
					c.reports = append(c.reports, rep)
				}
				c.next = max(c.next, rep.ID+1)
				c.reported(rep.Message)
			case protocol.RecordEnd:
				end, err := l.report(raw)
				if err != nil {
					return err
				}
				c.ends = append(c.ends, end)
			case protocol.RecordAck:
				c.acked = max(c.acked, l.Upto)
			case protocol.RecordAccept, protocol.RecordDrop: // for people who look into the file
			}
			return nil
		})
	})
	slices.SortFunc(c.reports, func(a, b protocol.Report) int { return int(a.ID - b.ID) })
	return c, err
}

// reported says that the end of an attempt, if m is one, does not wait any more.
func (c *content) reported(m wire.Message) {
	if ref, ok := wire.AttemptOf(m); ok && wire.IsEnd(m.Type()) {
		c.ends = slices.DeleteFunc(c.ends, func(e protocol.Report) bool { at, _ := wire.AttemptOf(e.Message); return at == ref })
	}
}

// Append writes records and flushes them to the disk. Lazy ones alone wait for
// the next write that must be flushed. An error means that nothing may be said
// about what the records tell.
func (j *journal) Append(recs []protocol.Record, lazy bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	buf := j.lazy
	for _, rec := range recs {
		var err error
		if buf, err = appendRecord(buf, rec); err != nil {
			return err
		}
		switch rec.Kind {
		case protocol.RecordReport:
			j.next = max(j.next, rec.Report.ID+1)
			if ref, ok := wire.AttemptOf(rec.Report.Message); ok && wire.IsEnd(rec.Report.Message.Type()) {
				delete(j.ends, ref)
			}
		case protocol.RecordEnd:
			j.ends[rec.Ref] = true
		case protocol.RecordAck:
			j.acked = max(j.acked, rec.Upto)
		case protocol.RecordAccept, protocol.RecordDrop:
		}
	}
	if lazy && len(buf) < 64<<10 {
		j.lazy = buf
		return nil
	}
	j.lazy = nil
	return j.write(seal(buf))
}

// Flush brings lazy records to the disk.
func (j *journal) Flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lazy) == 0 {
		return nil
	}
	buf := j.lazy
	j.lazy = nil
	return j.write(seal(buf))
}

// write appends one frame and flushes it. A full disk is met once by making
// room in the journal itself.
func (j *journal) write(frame []byte) error {
	if err := fail.At(fail.JournalWrite); err != nil {
		return err
	}
	err := j.put(frame)
	if err != nil {
		if cut := j.file.Truncate(j.size); cut != nil {
			return errors.Join(err, cut)
		}
		if compacted := j.rewrite(); compacted != nil {
			return err
		}
		if err = j.put(frame); err != nil {
			return err
		}
	}
	if err := fail.At(fail.JournalBeforeSync); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("flush the journal: %w", err)
	}
	j.size += int64(len(frame))
	return fail.At(fail.JournalAfterSync)
}

func (j *journal) put(frame []byte) error {
	if j.limit > 0 && j.size+int64(len(frame)) > j.limit {
		return fmt.Errorf("write the journal: %w", errNoSpace)
	}
	if _, err := j.file.WriteAt(frame, j.size); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

var errNoSpace = errors.New("no space left on the disk")

// Reserve sets space aside, so that what an attempt will have to say can be
// written down later. It fails when the disk has no room for it.
func (j *journal) Reserve(n int64) error {
	if err := fail.At(fail.JournalReserve); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	want := j.size + j.reserved + n
	if j.limit > 0 && want > j.limit {
		return errNoSpace
	}
	if want > j.allocated {
		upto := (want + 1<<20) &^ (1<<20 - 1)
		ok, err := allocate(j.file, j.size, upto-j.size)
		if err != nil {
			return fmt.Errorf("%w: %w", errNoSpace, err)
		}
		if ok {
			j.allocated = upto
		} else if usage, err := disk.Usage(j.dir); err == nil && usage.Free < uint64(j.reserved+n+spaceMargin) {
			return errNoSpace
		}
	}
	j.reserved += n
	return nil
}

// Release gives reserved space back.
func (j *journal) Release(n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reserved = max(j.reserved-n, 0)
}

// Free is how much room there is for more, for the heartbeat.
func (j *journal) Free() int64 {
	usage, err := disk.Usage(j.dir)
	if err != nil {
		return 0
	}
	return int64(min(usage.Free, 1<<62))
}

// From returns the reports from a number on, acknowledged or not.
func (j *journal) From(id int64) ([]protocol.Report, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f, err := os.Open(j.path())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := readContent(f)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(c.reports, func(r protocol.Report) bool { return r.ID < id }), nil
}

// Prune lets the reports up to a number go and makes the file smaller when
// that pays. An error leaves the file as it was.
func (j *journal) Prune(upto int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pruned = max(j.pruned, upto)
	if j.size < j.full {
		return nil
	}
	err := j.rewrite()
	j.full = max(2*j.size, compactAbove)
	return err
}

// rewrite makes a new file with what is still needed and puts it in the
// place of the old one.
func (j *journal) rewrite() error {
	next, err := os.OpenFile(j.path()+".new", os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	size, err := j.copyTo(next)
	if err == nil {
		err = next.Sync()
	}
	if err == nil {
		err = fail.At(fail.JournalBeforeRename)
	}
	if err == nil {
		err = os.Rename(next.Name(), j.path())
	}
	if err == nil {
		err = fail.At(fail.JournalAfterRename)
	}
	if err == nil {
		err = syncDir(j.dir)
	}
	if err != nil {
		_ = next.Close()           // given up
		_ = os.Remove(next.Name()) // likewise
		return err
	}
	if j.file != nil {
		_ = j.file.Close() // its name is gone already
	}
	j.file, j.size, j.allocated, j.lazy = next, size, 0, nil
	if j.reserved > 0 {
		if ok, err := allocate(next, size, j.reserved); err == nil && ok {
			j.allocated = size + j.reserved
		}
	}
	return nil
}

// copyTo writes what is still needed, one frame after the other.
func (j *journal) copyTo(next *os.File) (int64, error) {
	out := bufio.NewWriterSize(next, 256<<10)
	size := int64(0)
	write := func(b []byte) error {
		n, err := out.Write(b)
		size += int64(n)
		return err
	}
	head, err := appendLine(nil, line{Kind: kindHead, Journal: j.id, Host: j.host, Next: j.next, Upto: j.acked}, nil)
	if err != nil {
		return 0, err
	}
	if err := write(append([]byte(magic), seal(head)...)); err != nil {
		return 0, err
	}
	old, err := os.Open(j.path())
	if errors.Is(err, os.ErrNotExist) {
		return size, out.Flush()
	}
	if err != nil {
		return 0, err
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() == 0 {
		return size, out.Flush()
	}
	_, err = readFrames(bufio.NewReaderSize(old, 64<<10), info.Size(), func(frame []byte) error {
		var kept []byte
		err := records(frame, func(l line, raw []byte) (err error) {
			waits := l.Kind == protocol.RecordEnd && j.ends[wire.Ref{JobID: fleet.ID(l.JobID), Epoch: l.Epoch}]
			if waits || l.Kind == protocol.RecordReport && (l.ID > j.pruned || l.ID > j.acked) {
				kept, err = appendLine(kept, l, raw)
			}
			return err
		})
		if err != nil || len(kept) == 0 {
			return err
		}
		return write(seal(kept))
	})
	if err != nil && !errors.Is(err, errTorn) {
		return 0, err
	}
	return size, out.Flush()
}

// Close lets the files go.
func (j *journal) Close() error {
	err := j.Flush()
	j.mu.Lock()
	defer j.mu.Unlock()
	// Space beyond the end goes back to the system.
	return errors.Join(err, j.file.Truncate(j.size), j.file.Close(), j.lock.Release())
}

var _ io.Closer = (*journal)(nil)
