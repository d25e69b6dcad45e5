package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/placement"
)

// placementCmds are the verbs for decisions of placement.
type placementCmds struct {
	Preview placementPreviewCmd `cmd:"" help:"ask what would become of a job now, and store nothing"`
	Replay  placementReplayCmd  `cmd:"" help:"plan recorded rounds again and compare"`
}

type placementReplayCmd struct {
	File string `arg:"" help:"what fleet serve --record-placement wrote; - is standard input"`
}

// Help is the long form of the help.
func (placementReplayCmd) Help() string {
	return `Placement is a pure function of what it sees. Each recorded round is planned again; the plans must be equal byte by byte. Exit code 1 says that one was not, and which.

Example:

    fleet serve --record-placement rounds.jsonl
    fleet placement replay rounds.jsonl`
}

// Run replays a record.
func (c *placementReplayCmd) Run(sh *shell) error {
	text, err := sh.read(c.File)
	if err != nil {
		return err
	}
	rounds, jobs := 0, 0
	for in := bufio.NewReader(bytes.NewReader(text)); ; {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			rounds++
			var r placement.Record
			dec := json.NewDecoder(bytes.NewReader(line))
			dec.DisallowUnknownFields()
			err := dec.Decode(&r)
			if err == nil && r.View.Now.IsZero() {
				err = errors.New("it has no view")
			}
			if err != nil {
				return fleet.Invalid("file", "Line %d of %s is not a recorded round: %s.", rounds, c.File, err)
			}
			difference, err := r.Replay()
			if err != nil {
				return err
			}
			if difference != "" {
				return fmt.Errorf("round %d was planned otherwise:\n%s", rounds, difference)
			}
			jobs += len(r.Outcome.Assigned)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(sh.out, "%d rounds with %d placements were planned again: all of them are the same.\n", rounds, jobs)
	return err
}
