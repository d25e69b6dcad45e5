package stream

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// logPlace is the next line of a log.
type logPlace struct{ epoch, line int64 }

// A log is read in parts, and not more often than after a pause.
const (
	logPage  = 1000
	logPause = 250 * time.Millisecond
)

// openLogs begins the logs that were subscribed to, at their first line or at the
// place that is named; those that are open go on. A job that the reader must not
// see has none.
func (rd *reader) openLogs(after string) error {
	logs := map[fleet.ID]logPlace{}
	for _, id := range rd.f.logs() {
		if place, ok := rd.logs[id]; ok {
			logs[id] = place
			continue
		}
		if !id.Valid() {
			return fleet.NotFound("job", clip(string(id)))
		}
		err := rd.h.o.Store.View(rd.h.ctx, rd.f.who.Scope(), func(r store.Reader) error { _, err := r.Job(id); return err })
		if err != nil {
			return err
		}
		logs[id] = logPlace{}
	}
	if after != "" {
		epoch, line, ok := strings.Cut(after, ".")
		e, err := strconv.ParseInt(epoch, 10, 64)
		l, lerr := strconv.ParseInt(line, 10, 64)
		if !ok || err != nil || lerr != nil || e < 0 || l < 0 {
			return fleet.Invalid("log_after", "log_after must be an attempt and a line, as 1.20; got %q.", clip(after))
		}
		for id := range logs {
			logs[id] = logPlace{e, l + 1}
		}
	}
	rd.logs = logs
	return nil
}

// followLogs writes the lines that are new.
func (rd *reader) followLogs(ctx context.Context) error {
	if len(rd.logs) == 0 || time.Since(rd.logged) < logPause {
		return nil
	}
	rd.logged = time.Now()
	for id, place := range rd.logs {
		lines, err := rd.h.o.Store.ReadLogs(ctx, rd.f.who.Scope(), id, store.LogQuery{Epoch: place.epoch, From: place.line, Limit: logPage})
		if errors.Is(err, fleet.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			continue
		}
		for i := range lines {
			lines[i].At = moment(lines[i].At)
		}
		if err := rd.write(ctx, "lg", map[string]any{"t": "lg", "job": id, "lines": lines}); err != nil {
			return err
		}
		last := lines[len(lines)-1]
		rd.logs[id] = logPlace{last.Epoch, last.Line + 1}
	}
	return nil
}
