package protocol

import (
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// entry is one report on its way.
type entry struct {
	Report
	sent     Instant
	onWire   bool // sent in this session
	uploaded bool // the body is there, in this session
	asked    bool // the upload was asked for, in this session
	waits    bool // an effect waits for its verdict
	answered bool // and has got it
}

// kept is a report after its acknowledgement.
type kept struct {
	id int64
	at Instant
}

// journal is the machine's view of the file: what still has to be delivered.
type journal struct {
	next      int64
	acked     int64
	entries   []*entry // not acknowledged, by number
	kept      []kept
	reloading bool // reports that were acknowledged once are being read again
}

func newJournal(from Restored) journal {
	j := journal{next: max(from.Next, 1), acked: from.Acked}
	for _, id := range from.Kept {
		j.kept = append(j.kept, kept{id: id}) // kept from the start of the clock on
	}
	for _, e := range from.Reports {
		j.entries = append(j.entries, &entry{Report: e})
		j.next = max(j.next, e.ID+1)
	}
	return j
}

func (j *journal) waiting() int { return len(j.entries) }

func (j *journal) find(id int64) *entry {
	i, ok := slices.BinarySearchFunc(j.entries, id, func(e *entry, id int64) int { return int(e.ID - id) })
	if !ok {
		return nil
	}
	return j.entries[i]
}

// report numbers a message, writes it down and sends it when its turn comes.
func (r *Robot) report(m wire.Message, body []byte, now Instant) []Effect {
	e := &entry{Report: Report{ID: r.reports.next, Message: m, Body: body}}
	r.reports.next++
	r.reports.entries = append(r.reports.entries, e)
	out := []Effect{Write{Record: Record{Kind: RecordReport, Report: e.Report}}}
	return append(out, r.pump(now)...)
}

// pump sends reports in the order of their numbers as far as the window lets it.
func (r *Robot) pump(now Instant) []Effect {
	if r.session == nil || r.reports.reloading {
		return nil
	}
	var out []Effect
	for i, e := range r.reports.entries {
		if i >= sendWindow {
			break
		}
		if e.onWire {
			continue
		}
		if done, ok := e.Message.(*wire.JobComplete); ok && done.ResultRef != nil && !e.uploaded {
			if !e.asked {
				e.asked = true
				out = append(out, Upload{ReportID: e.ID, Result: *done.ResultRef, Body: e.Body})
			}
			break // those after it wait, or "up to" would have no meaning
		}
		e.onWire, e.sent = true, now
		f := r.frame(e.Message, "")
		f.ReportID = e.ID
		out = append(out, Send{f})
	}
	return out
}

// Uploaded says that the body of a result is with the orchestrator.
func (r *Robot) Uploaded(id int64, now Instant) []Effect {
	if e := r.reports.find(id); e != nil {
		e.uploaded = true
	}
	return r.pump(now)
}

// Replace puts another message in the place of a report that can never be
// delivered as it is, such as a result that is refused for its size.
func (r *Robot) Replace(id int64, m wire.Message, now Instant) []Effect {
	e := r.reports.find(id)
	if e == nil || e.onWire {
		return nil
	}
	e.Report = Report{ID: id, Message: m}
	out := []Effect{Write{Record: Record{Kind: RecordReport, Report: e.Report}}}
	return append(out, r.pump(now)...)
}

// ReportRef returns the attempt of a report that waits.
func (r *Robot) ReportRef(id int64) (wire.Ref, bool) {
	e := r.reports.find(id)
	if e == nil {
		return wire.Ref{}, false
	}
	return wire.AttemptOf(e.Message)
}

// acknowledged handles an answer to reports.
func (r *Robot) acknowledged(m *wire.ReportAck, now Instant) []Effect {
	var out []Effect
	for _, v := range m.Verdicts {
		e := r.reports.find(v.ReportID)
		if e == nil {
			continue
		}
		if e.waits && !e.answered {
			e.answered = true
			out = append(out, r.verdict(e, v)...)
		}
		if _, ok := e.Message.(*wire.JobStarted); ok && v.Verdict == fleet.VerdictStale {
			if a := r.attempts[refOf(e.Message)]; a != nil {
				out = append(out, r.forget(a, now)...)
			}
		}
	}
	out = append(out, r.settle(m.Upto, now)...)
	return append(out, r.pump(now)...)
}

// verdict hands the answer to the effect that waits.
func (r *Robot) verdict(e *entry, v fleet.Verdict) []Effect {
	if begin, ok := e.Message.(*wire.EffectBegin); ok && v.Verdict == fleet.VerdictGo {
		if a := r.attempts[begin.Ref]; a != nil {
			a.effect = begin.Node
		}
	}
	return []Effect{Answer{ReportID: e.ID, Verdict: v}}
}

// settle marks the reports up to a number as delivered. An effect that waits
// is not: the orchestrator gives its first answer again when asked again.
func (r *Robot) settle(upto int64, now Instant) []Effect {
	j := &r.reports
	rest := j.entries[:0:0]
	settled := false
	for _, e := range j.entries {
		if e.ID > upto || e.waits && !e.answered {
			rest = append(rest, e)
			continue
		}
		settled = true
		j.kept = append(j.kept, kept{e.ID, now})
		if wire.IsEnd(e.Message.Type()) {
			r.remove(refOf(e.Message))
		}
	}
	j.entries = rest
	j.acked = max(j.acked, min(upto, j.next-1))
	if !settled {
		return nil
	}
	return []Effect{Write{Record: Record{Kind: RecordAck, Upto: r.ackedBelow()}, Lazy: true}}
}

// ackedBelow is the number up to which nothing waits.
func (r *Robot) ackedBelow() int64 {
	if len(r.reports.entries) > 0 {
		return min(r.reports.acked, r.reports.entries[0].ID-1)
	}
	return r.reports.acked
}

func refOf(m wire.Message) wire.Ref {
	ref, _ := wire.AttemptOf(m)
	return ref
}

// Reloaded brings the acknowledged reports that the journal still held.
func (r *Robot) Reloaded(reports []Report, now Instant) []Effect {
	j := &r.reports
	j.reloading = false
	for _, e := range reports {
		if j.find(e.ID) != nil {
			continue
		}
		at, _ := slices.BinarySearchFunc(j.entries, e.ID, func(x *entry, id int64) int { return int(x.ID - id) })
		j.entries = slices.Insert(j.entries, at, &entry{Report: e})
	}
	return r.pump(now)
}

// resume brings the reports into line with what the orchestrator has committed.
func (r *Robot) resumeReports(committed int64, now Instant) []Effect {
	j := &r.reports
	j.reloading = false
	for _, e := range j.entries {
		e.onWire, e.asked, e.uploaded = false, false, false
	}
	if committed < j.acked { // its store went back: what it forgot is sent again
		j.acked = committed
		j.reloading = true
		j.kept = slices.DeleteFunc(j.kept, func(k kept) bool { return k.id > committed })
		return []Effect{Reload{From: committed + 1}}
	}
	j.next = max(j.next, committed+1) // numbers that were used are never used again
	out := r.settle(committed, now)
	return append(out, r.pump(now)...)
}

// EffectBegin announces a step that must not run twice; the run waits for the
// Answer with the returned number.
func (r *Robot) EffectBegin(ref wire.Ref, node, key string, now Instant) (int64, []Effect) {
	id := r.reports.next
	e := &entry{Report: Report{ID: id, Message: &wire.EffectBegin{Ref: ref, Node: node, EffectKey: key}}, waits: true}
	r.reports.next++
	r.reports.entries = append(r.reports.entries, e)
	out := []Effect{Write{Record: Record{Kind: RecordReport, Report: e.Report}}}
	return id, append(out, r.pump(now)...)
}

// GiveUp says that nobody waits for the answer to an effect any more.
func (r *Robot) GiveUp(id int64) {
	if e := r.reports.find(id); e != nil {
		e.waits = false
	}
}

// EffectEnd says how an announced step ended.
func (r *Robot) EffectEnd(ref wire.Ref, node, key string, ok bool, outcome []byte, now Instant) []Effect {
	if a := r.attempts[ref]; a != nil {
		a.effect = ""
	}
	return r.report(&wire.EffectEnd{Ref: ref, Node: node, EffectKey: key, OK: ok, Outcome: outcome}, nil, now)
}

// End is how a run ended: exactly one of the three is set.
type End struct {
	Complete *wire.JobComplete
	Body     []byte // of a result that travels by reference
	Failed   *wire.JobFailed
	// Checkpoint is where a run that failed stands; nil: nobody knows.
	Checkpoint *wire.Checkpoint
	Stopped    *wire.JobCancelled // By and How are filled in here
	// HandsOver says that something is to be handed over before the end is told. The
	// end is written down all the same.
	HandsOver bool
}

// Ended takes note that the run of an attempt is over, whatever the reason.
// A run that succeeded counts, also when a stop was on its way.
func (r *Robot) Ended(ref wire.Ref, e End, now Instant) []Effect {
	a := r.attempts[ref]
	if a == nil || a.phase != running {
		return nil
	}
	if a.forgotten {
		r.remove(ref)
		return append([]Effect{Gone{ref}}, r.successors(ref, now)...)
	}
	how := fleet.StoppedClean
	if a.hard {
		how = fleet.StoppedForced
	}
	by := a.stopBy
	if by == "" {
		by = fleet.ByRequest
	}
	var m wire.Message
	var out []Effect
	switch {
	case e.Complete != nil:
		m = e.Complete
	case e.Failed != nil && a.stopBy == "":
		m = e.Failed
		if e.Checkpoint != nil && r.checkpoints {
			out = r.report(e.Checkpoint, nil, now)
		}
	case e.Failed != nil:
		m = &wire.JobCancelled{Ref: ref, By: by, How: how, Error: &e.Failed.Error, Duration: e.Failed.Duration}
	default:
		stopped := wire.JobCancelled{Ref: ref}
		if e.Stopped != nil {
			stopped = *e.Stopped
		}
		stopped.By, stopped.How = by, how
		m = &stopped
	}
	if !e.HandsOver {
		return append(out, r.finish(a, m, e.Body, now)...)
	}
	a.phase, a.effect, a.offer, a.end = finished, "", nil, &Report{Message: m, Body: e.Body}
	out = append(out, Write{Record: Record{Kind: RecordEnd, Ref: ref, Report: *a.end}})
	out = append(out, r.successors(ref, now)...)
	return append(out, r.handOver(a, now)...)
}

// finish makes the end of an attempt a report, which frees its slot.
func (r *Robot) finish(a *attempt, m wire.Message, body []byte, now Instant) []Effect {
	a.phase, a.effect, a.offer = finished, "", nil
	out := r.report(m, body, now)
	out = append(out, Gone{a.ref})
	return append(out, r.successors(a.ref, now)...)
}

// maxHandOvers is in how many sessions the files of an end are tried: the end is
// worth more than they are.
const maxHandOvers = 3

// handOver asks once in each session for what an end waits for.
func (r *Robot) handOver(a *attempt, now Instant) []Effect {
	switch {
	case a.end == nil || r.session == nil:
		return nil
	case a.asked >= maxHandOvers:
		return r.tell(a, now)
	}
	a.asked++
	return []Effect{HandOver{Ref: a.ref, Message: a.end.Message, Body: a.end.Body}}
}

// tell makes a report of an end that waited.
func (r *Robot) tell(a *attempt, now Instant) []Effect {
	if a.end == nil {
		return nil
	}
	end := *a.end
	a.end = nil
	return append(r.report(end.Message, end.Body, now), Gone{a.ref})
}

// Delivered says that what belongs to an end is handed over, or was given up. The
// end is told now: as it was written down, or as m if that says more.
func (r *Robot) Delivered(ref wire.Ref, m wire.Message, body []byte, now Instant) []Effect {
	a := r.attempts[ref]
	if a == nil || a.end == nil {
		return nil // it was told meanwhile
	}
	if m != nil {
		a.end = &Report{Message: m, Body: body}
	}
	return r.tell(a, now)
}

// ends counts the ends that wait.
func (r *Robot) ends() (n int) {
	for _, a := range r.attempts {
		if a.end != nil {
			n++
		}
	}
	return n
}

// successors starts a higher epoch that waited for this one to end.
func (r *Robot) successors(ref wire.Ref, now Instant) []Effect {
	var out []Effect
	r.each(func(a *attempt) {
		if a.ref.JobID != ref.JobID || !a.mayStart || a.phase != accepted {
			return
		}
		if now >= a.fenceAt {
			out = append(out, r.finish(a, &wire.JobCancelled{Ref: a.ref, By: fleet.BySelfFence, How: fleet.StoppedClean}, nil, now)...)
			return
		}
		out = append(out, r.begin(a, now)...)
	})
	return out
}
