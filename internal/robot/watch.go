package robot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// watchServer is the orchestrator, as far as files are concerned.
type watchServer interface {
	RobotWatches(ctx context.Context) ([]fleet.Watch, error)
	TellWatched(ctx context.Context, trigger fleet.ID, f fleet.WatchedFile) (fleet.WatchAnswer, error)
	TellWatchFault(ctx context.Context, trigger fleet.ID, fault string) error
}

// watcher looks for the files of triggers, in folders that this machine's own
// policy opens. Which of them were told of is kept on disk; a robot that dies
// between telling and keeping tells again, and the orchestrator knows the file.
type watcher struct {
	server watchServer
	roots  []string
	file   string // where the memory is kept
	log    *slog.Logger
	settle func(seconds int) time.Duration // for tests

	list     []fleet.Watch
	listAt   time.Time // when it is asked for again
	every    time.Duration
	memory   map[fleet.ID]*watchMemory
	waiting  map[fleet.ID]map[string]sighting // files that do not stand still yet
	held     map[fleet.ID]time.Time           // triggers whose files wait
	faults   map[fleet.ID]string              // as the orchestrator was told
	readable bool                             // the memory was read
}

// watchMemory is what lies in the folder of a trigger and needs no telling.
type watchMemory struct {
	Since int64               `json:"since"`
	Path  string              `json:"path"`
	Files map[string]fileMark `json:"files"`
}

// fileMark is by what a file is known besides its name.
type fileMark struct {
	Size     int64 `json:"size"`
	Modified int64 `json:"modified"` // nanoseconds
}

type sighting struct {
	mark fileMark
	at   time.Time
}

// The pauses of the watcher, and how many files of one folder it looks at.
const (
	watchPause  = time.Second
	watchList   = 30 * time.Second
	watchIdle   = 5 * time.Minute // for those who may look into no folder: they say so
	watchRetry  = 5 * time.Second
	watchTells  = 10 // of one folder in one pass: jobs use the same lane
	maxWatching = 100_000
)

// watch works until ctx ends.
func (r *Robot) watch(ctx context.Context) {
	server, err := client.New(client.Options{URLs: r.o.URLs, Key: r.o.Key, HTTPClient: r.o.HTTPClient, Tries: 1})
	if err != nil {
		r.log.Error("no files are watched", "error", err)
		return
	}
	w := newWatcher(server, r.o.Watch, filepath.Join(r.o.DataDir, "watches.json"), r.log)
	w.listAt = time.Now().Add(time.Duration(r.o.chance() * float64(w.every) / 10)) // robots that start together do not ask together
	t := time.NewTicker(watchPause)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if r.current() != nil { // what nobody can be told waits in its folder
				life, end := context.WithTimeout(ctx, transferTimeout)
				w.pass(life, now)
				end()
			}
		}
	}
}

func newWatcher(server watchServer, roots []string, file string, log *slog.Logger) *watcher {
	every := watchList
	if len(roots) == 0 {
		every = watchIdle
	}
	return &watcher{
		every: every, server: server, roots: roots, file: file, log: log, memory: map[fleet.ID]*watchMemory{}, waiting: map[fleet.ID]map[string]sighting{},
		held: map[fleet.ID]time.Time{}, faults: map[fleet.ID]string{}, settle: func(n int) time.Duration { return time.Duration(n) * time.Second },
	}
}

// pass looks once at everything whose time has come.
func (w *watcher) pass(ctx context.Context, now time.Time) {
	if !w.readable {
		if err := w.read(); err != nil {
			w.log.Error("what was told of files cannot be read; nothing is watched", "file", w.file, "error", err)
			return
		}
		w.readable = true
	}
	if !now.Before(w.listAt) {
		list, err := w.server.RobotWatches(ctx)
		if err != nil {
			w.listAt = now.Add(watchRetry)
			if errors.Is(err, fleet.ErrNotFound) || errors.Is(err, fleet.ErrForbidden) { // it is older than this robot
				w.listAt = now.Add(w.every)
			}
			w.log.Debug("what to watch is not known", "error", err)
		} else {
			w.listAt = now.Add(w.every)
			w.adopt(list)
		}
	}
	for i := range w.list {
		if at := w.held[w.list[i].Trigger]; now.Before(at) {
			continue
		}
		w.look(ctx, &w.list[i], now)
	}
}

// adopt takes a new list; what is in it no more is forgotten.
func (w *watcher) adopt(list []fleet.Watch) {
	w.list = list
	there := map[fleet.ID]bool{}
	for _, one := range list {
		there[one.Trigger] = true
	}
	gone := func(id fleet.ID) bool { return !there[id] }
	before := len(w.memory)
	maps.DeleteFunc(w.memory, func(id fleet.ID, _ *watchMemory) bool { return gone(id) })
	maps.DeleteFunc(w.waiting, func(id fleet.ID, _ map[string]sighting) bool { return gone(id) })
	maps.DeleteFunc(w.held, func(id fleet.ID, _ time.Time) bool { return gone(id) })
	maps.DeleteFunc(w.faults, func(id fleet.ID, _ string) bool { return gone(id) })
	if len(w.memory) != before {
		w.keep()
	}
}

// look looks into the folder of one trigger.
func (w *watcher) look(ctx context.Context, one *fleet.Watch, now time.Time) {
	rule := fleet.FileRule{Path: one.Path}
	folder, pattern := rule.Split()
	found, err := w.files(folder, pattern)
	w.fault(ctx, one.Trigger, err)
	if err != nil {
		w.held[one.Trigger] = now.Add(watchRetry)
		return
	}
	m := w.memory[one.Trigger]
	if m == nil || m.Since != one.Since || m.Path != one.Path { // what lies there now is none of it
		m = &watchMemory{Since: one.Since, Path: one.Path, Files: map[string]fileMark{}}
		if !one.Existing {
			m.Files = found
		}
		w.memory[one.Trigger], w.waiting[one.Trigger] = m, map[string]sighting{}
		if !w.keep() {
			delete(w.memory, one.Trigger) // it begins when that is on disk
			return
		}
	}
	before := len(m.Files)
	maps.DeleteFunc(m.Files, func(name string, _ fileMark) bool { _, there := found[name]; return !there })
	changed := len(m.Files) != before
	still := w.still(one, m, found, now)
	for _, name := range still[:min(len(still), watchTells)] {
		mark := found[name]
		answer, err := w.server.TellWatched(ctx, one.Trigger, fleet.WatchedFile{Path: folder + name, Size: mark.Size, Modified: time.Unix(0, mark.Modified).UTC()})
		switch {
		case errors.Is(err, fleet.ErrNotFound): // the trigger is gone, or disabled
			w.held[one.Trigger], w.listAt = now.Add(watchRetry), now
		case errors.Is(err, fleet.ErrInvalid):
			w.log.Warn("a file cannot be told of", "trigger_id", one.Trigger, "path", folder+name, "error", err)
			m.Files[name], changed = mark, true
			continue
		case err != nil:
			w.held[one.Trigger] = now.Add(watchRetry)
			w.log.Info("a file waits until the orchestrator answers", "trigger_id", one.Trigger, "error", err)
		case answer.AgainSeconds > 0:
			w.held[one.Trigger] = now.Add(time.Duration(answer.AgainSeconds) * time.Second)
		default:
			m.Files[name], changed = mark, true
			delete(w.waiting[one.Trigger], name)
			continue
		}
		break // the ones behind wait too, in their order
	}
	if changed {
		w.keep()
	}
}

// still lists the files that are new and have not changed for long enough, the
// oldest first.
func (w *watcher) still(one *fleet.Watch, m *watchMemory, found map[string]fileMark, now time.Time) (names []string) {
	waiting := w.waiting[one.Trigger]
	if waiting == nil {
		waiting = map[string]sighting{}
		w.waiting[one.Trigger] = waiting
	}
	maps.DeleteFunc(waiting, func(name string, _ sighting) bool { _, there := found[name]; return !there })
	for name, mark := range found {
		if told, ok := m.Files[name]; ok && told == mark {
			continue
		}
		if s, ok := waiting[name]; !ok || s.mark != mark {
			waiting[name] = sighting{mark, now}
		} else if now.Sub(s.at) >= w.settle(one.SettleSeconds) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(found[a].Modified, found[b].Modified), cmp.Compare(a, b))
	})
	return names
}

// files lists what a folder holds. It goes there through the root that holds it,
// so that no link leads out of it.
func (w *watcher) files(folder, pattern string) (map[string]fileMark, error) {
	for _, at := range w.roots {
		top, err := filepath.Abs(at)
		if err != nil {
			continue
		}
		inside, err := filepath.Rel(top, filepath.Clean(folder))
		if err != nil || !filepath.IsLocal(inside) {
			continue
		}
		return listFiles(top, inside, pattern)
	}
	return nil, fmt.Errorf("the folder %s lies in none of those that this robot may look into (--root)", folder)
}

func listFiles(top, inside, pattern string) (map[string]fileMark, error) {
	root, err := os.OpenRoot(top)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	dir, err := root.Open(inside)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	out := map[string]fileMark{}
	for {
		entries, err := dir.ReadDir(1000)
		for _, e := range entries {
			if fits, _ := path.Match(pattern, e.Name()); !fits || !e.Type().IsRegular() { // the pattern was checked
				continue
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) { // it was taken away meanwhile
				continue
			}
			if err != nil {
				return nil, err
			}
			out[e.Name()] = fileMark{info.Size(), info.ModTime().UnixNano()}
		}
		switch {
		case len(out) > maxWatching:
			return nil, fmt.Errorf("the folder holds more than %d files", maxWatching)
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		}
	}
}

// fault tells the orchestrator why nobody can look, once, and when that is over.
func (w *watcher) fault(ctx context.Context, id fleet.ID, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if was, told := w.faults[id]; told && was == text {
		return
	}
	if err := w.server.TellWatchFault(ctx, id, text); err == nil {
		w.faults[id] = text
	}
}

func (w *watcher) read() error {
	text, err := os.ReadFile(w.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	memory := map[fleet.ID]*watchMemory{}
	if err := json.Unmarshal(text, &memory); err != nil {
		return err
	}
	maps.DeleteFunc(memory, func(_ fleet.ID, m *watchMemory) bool { return m == nil || m.Files == nil })
	maps.Copy(w.memory, memory)
	return nil
}

// keep writes down what was told of. Without it a file is told of again after a
// restart, which the orchestrator knows.
func (w *watcher) keep() bool {
	text, err := json.Marshal(w.memory)
	if err == nil {
		err = replaceFile(w.file, text)
	}
	if err != nil {
		w.log.Warn("what was told of files was not kept", "error", err)
	}
	return err == nil
}

// replaceFile writes a file so that after a crash it is the old or the new one.
func replaceFile(name string, text []byte) error {
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}
