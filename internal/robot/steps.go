package robot

import (
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// stepTail is what has not been acknowledged of the records of an attempt's
// steps. kept[0] has the number base; records before sent are on their way, and
// those before told have been, at least once.
type stepTail struct {
	base, sent, told int64
	kept             []wire.Step
	bytes            int
	open             map[int64]int64 // step that runs → number of its record
}

// put keeps a record. The end of a step takes the place of its beginning as long
// as that was never sent, so a short step costs one record; afterwards a late
// acknowledgement of the beginning would take the end along. Where there is no
// room the record is left out: the log says more than steps do.
func (t *stepTail) put(s wire.Step) {
	if at, running := t.open[s.Seq]; running {
		delete(t.open, s.Seq)
		if at >= t.told {
			t.bytes += len(s.Error)
			t.kept[at-t.base] = s
			return
		}
	}
	if t.bytes+stepCost(&s) > logBytes {
		return
	}
	if s.Status == fleet.StepRunning {
		if t.open == nil {
			t.open = map[int64]int64{}
		}
		t.open[s.Seq] = t.base + int64(len(t.kept))
	}
	t.kept = append(t.kept, s)
	t.bytes += stepCost(&s)
}

// next takes the records to send, in at most room bytes but at least one.
func (t *stepTail) next(room int) (int64, []wire.Step) {
	first := t.sent
	from := int(t.sent - t.base)
	to := from
	for to < len(t.kept) && to-from < wire.MaxBatch && (to == from || room > 0) {
		room -= stepCost(&t.kept[to])
		to++
	}
	if to == from {
		return 0, nil
	}
	t.sent += int64(to - from)
	t.told = max(t.told, t.sent)
	return first, append([]wire.Step(nil), t.kept[from:to]...)
}

// acknowledged lets go of the records before next.
func (t *stepTail) acknowledged(next int64) {
	n := min(max(next-t.base, 0), int64(len(t.kept)))
	for i := range t.kept[:n] {
		t.bytes -= stepCost(&t.kept[i])
	}
	t.kept = append([]wire.Step(nil), t.kept[n:]...)
	t.base += n
	t.sent = max(t.sent, t.base)
}

// stepCost is about what a record takes in memory and on the wire.
func stepCost(s *wire.Step) int {
	return len(s.Node) + len(s.NodeType) + len(s.Iteration) + len(s.Branch) + len(s.Error) + 128
}
