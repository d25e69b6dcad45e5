package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/placement"
)

// recorder writes rounds of placement into a file, a line each. Dispatch never
// waits for it: what comes while too much is waiting is counted and left out.
type recorder struct {
	file    *os.File
	log     *slog.Logger
	waiting chan placement.Record
	missed  atomic.Int64
}

func newRecorder(path string, log *slog.Logger) (*recorder, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeInvalid, "record_placement", "Rounds of placement cannot be recorded in %s: %w.", path, err)
	}
	return &recorder{file: file, log: log, waiting: make(chan placement.Record, 256)}, nil
}

func (r *recorder) put(x placement.Record) {
	select {
	case r.waiting <- x:
	default:
		r.missed.Add(1)
	}
}

// run writes until ctx ends, and then what is still waiting.
func (r *recorder) run(ctx context.Context) {
	enc := json.NewEncoder(r.file)
	write := func(x placement.Record) {
		if err := enc.Encode(x); err != nil {
			r.log.Warn("a round of placement was not recorded", "error", err)
		}
	}
	for {
		select {
		case x := <-r.waiting:
			write(x)
			continue
		case <-ctx.Done():
		}
		for len(r.waiting) > 0 {
			write(<-r.waiting)
		}
		if n := r.missed.Load(); n > 0 {
			r.log.Warn("rounds of placement came too fast to be recorded", "missed", n)
		}
		if err := r.file.Close(); err != nil {
			r.log.Warn("close the record of placement", "error", fmt.Errorf("%s: %w", r.file.Name(), err))
		}
		return
	}
}
