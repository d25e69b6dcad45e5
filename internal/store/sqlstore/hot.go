package sqlstore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// perElement says whether an error is the element's own, so that its
// neighbours go on. A fault of the database is everybody's.
func perElement(err error) bool {
	var e *fleet.Error
	return errors.As(err, &e) && e.Code != fleet.CodeInternal && e.Code != fleet.CodeUnavailable && e.Code != fleet.CodeExhausted
}

// Enqueue stores jobs; see store.Hot.
func (t *Tx) Enqueue(in []store.Submission) ([]store.Submitted, error) {
	out := make([]store.Submitted, len(in))
	for i := range in {
		j, replayed, err := t.enqueue(&in[i], &out[i].Job.Seq)
		if err != nil && !perElement(err) {
			return nil, err
		}
		out[i] = store.Submitted{Job: j, Replayed: replayed, Err: err}
	}
	return out, t.tellJobs()
}

// enqueue stores one job. Where its number comes with the commit, it is put
// where seq points.
func (t *Tx) enqueue(s *store.Submission, seq *int64) (fleet.Job, bool, error) {
	if s.Key != nil {
		if err := t.covers(s.Job.Tenant); err != nil {
			return s.Job, false, err
		}
		if j, found, err := t.replay(s.Job.Tenant, s.Key); err != nil || found {
			return j, found, err
		}
	}
	j := s.Job
	ended, err := t.lockParents(&j, s.Parents, s.MaxChildren)
	if err != nil {
		return j, false, err
	}
	var f filing
	told := len(t.events)
	if s.Document != nil {
		if f, err = t.file(j.Tenant, s.Document, j.CreatedAt); err != nil {
			return j, false, err
		}
		w := &f.workflow
		j.Workflow = fleet.JobWorkflow{ID: w.ID, Name: w.Name, Version: w.Newest, Hash: w.Hash}
		if err := t.announce(&f, s.Actor); err != nil {
			return j, false, err
		}
	}
	if t.batch.env.Shared && !t.batch.env.Alone && !s.Graph && len(s.Parents) == 0 {
		if err = t.covers(j.Tenant); err == nil {
			j, err = t.insert(j, s.Data, s.Actor, 0, seq)
		}
	} else {
		j, err = t.Insert(j, s.Data, s.Actor)
	}
	if err != nil { // the document goes with its job or not at all
		t.events = t.events[:told]
		return j, false, err
	}
	if s.Document != nil {
		if err := t.writeDocument(&f, s.Actor); err != nil {
			err = fmt.Errorf("store the document of job %s: %w", j.ID, err)
			if perElement(err) { // too late for that: the job is written
				err = fleet.Internal(err)
			}
			return j, false, err
		}
	}
	if len(s.Parents) > 0 {
		if err := t.adopt(&j, s.Parents, ended); err != nil {
			return j, false, err
		}
	}
	if s.Key != nil {
		err = t.remember(j.Tenant, s.Key, j.ID)
	}
	if err == nil && s.Audit != nil {
		err = t.tell(s.Audit, &j)
	}
	return j, false, err
}

// told is a request whose row is noted, and how many of its jobs were stored.
type told struct {
	request *fleet.AuditDraft
	row     int // among audits
	jobs    int
}

// tell notes the row of a request with its first job, and counts the others.
func (t *Tx) tell(request *fleet.AuditDraft, j *fleet.Job) error {
	i := slices.IndexFunc(t.told, func(have told) bool { return have.request == request })
	if i >= 0 {
		t.told[i].jobs++
		return nil
	}
	d := *request
	d.Object.ID, d.Object.Name = string(j.ID), cmp.Or(j.Name, j.Workflow.Name)
	if err := t.Audit(j.Tenant, d); err != nil {
		return err
	}
	t.told = append(t.told, told{request, len(t.audits) - 1, 1})
	return nil
}

// tellJobs says in the row of each request how many jobs it made, if several.
func (t *Tx) tellJobs() error {
	for _, have := range t.told {
		if have.jobs < 2 {
			continue
		}
		after := maps.Clone(have.request.After)
		if after == nil {
			after = map[string]any{}
		}
		after["jobs"] = have.jobs
		text, err := encode(after)
		if err != nil {
			return err
		}
		t.audits[have.row].entry.After = text
	}
	return nil
}

// jobForOffer reads what an offer needs in one look: the job and its inputs.
var jobForOffer = stmt("job.for_offer", `select `+jobColumns+`, d.variables, d.resumes from jobs j join job_data d on d.job_id = j.id
	where j.id = $1 and ($2 or j.tenant_id = $3)`)

var robotForOffer = stmt("robot.for_offer", `select `+robotColumns+`,
	(select count(*) from attempts a where a.robot_id = r.id and a.tenant_id = r.tenant_id and a.slot_free_at is null),
	coalesce(s.transport, '')`+robotFrom+
	`left join sessions s on s.id = r.session_id where r.id = $1 and r.tenant_id = $2 and r.deleted_at is null`)

// offeree is a robot as a plan finds it.
type offeree struct {
	robot fleet.Robot
	mode  fleet.StartMode
	found bool
	given bool // something was assigned to it in this plan
}

// Why an assignment no longer held.
const (
	lostJob     = "job_changed"
	lostSession = "session_changed"
	lostSlot    = "no_slot"
	lostRefused = "refused"
	lostRobot   = "robot_changed" // mode, quarantine, capabilities, environment
	lostSecret  = "secret_held"   // another job has an exclusive secret
)

// Assign commits a plan; see store.Hot.
func (t *Tx) Assign(plan []store.Assignment, now time.Time) ([]store.Won, []store.Lost, error) {
	now = Stored(now)
	type key struct {
		tenant fleet.TenantID
		robot  fleet.RobotID
	}
	robots := map[key]*offeree{}
	secrets := checkout{}
	if err := t.lookAhead(secrets, plan); err != nil {
		return nil, nil, err
	}
	var won []store.Won
	var lost []store.Lost
	for _, a := range plan {
		k := key{a.Tenant, a.RobotID}
		r := robots[k]
		if r == nil {
			var err error
			if r, err = t.offeree(a.Tenant, a.RobotID); err != nil {
				return nil, nil, err
			}
			robots[k] = r
		}
		w, reason, err := t.assign(a, r, secrets, now)
		switch {
		case err != nil:
			return nil, nil, err
		case reason != "":
			lost = append(lost, store.Lost{Assignment: a, Reason: reason})
		default:
			won = append(won, *w)
		}
	}
	for k, r := range robots {
		if r.given {
			if _, err := t.conn.Exec(robotAssigned, k.tenant, k.robot, now); err != nil {
				return nil, nil, err
			}
		}
	}
	return won, lost, nil
}

func (t *Tx) offeree(tenant fleet.TenantID, id fleet.RobotID) (*offeree, error) {
	r := &offeree{}
	if !t.scope.Covers(tenant) {
		return r, nil
	}
	if known, ok := t.batch.env.Known.offeree(tenant, id); ok {
		return known, nil
	}
	var err error
	r.found, err = one(t.conn, robotForOffer, r.scan, id, tenant)
	return r, err
}

func (r *offeree) scan(row *Row) {
	r.found = true
	r.robot = scanRobot(row)
	r.robot.Taken = row.int()
	switch row.text() { // the transport of its session
	case fleet.TransportSocket:
		r.mode = fleet.StartTwoStep
	case fleet.TransportPoll:
		r.mode = fleet.StartClaim
	default:
		r.mode = fleet.StartOneStep
	}
}

// offered reads the job of an assignment with its inputs.
func (t *Tx) offered(a store.Assignment) (o offer, found bool, err error) {
	if o, ok := t.batch.env.Known.offer(a.JobID); ok {
		return o, o.job.Tenant == a.Tenant, nil
	}
	found, err = one(t.conn, jobForOffer, func(row *Row) { o = scanOffer(row) }, a.JobID, false, a.Tenant)
	return o, found, err
}

func scanOffer(row *Row) offer {
	return offer{job: scanJob(row), variables: row.bytes(), resumes: row.bytes()}
}

// refused says whether a robot's refusal of a job still holds.
func (t *Tx) refused(j *fleet.Job, robot fleet.RobotID, now time.Time) (bool, error) {
	if j.Epoch == 0 { // nobody can have refused a job that was never offered
		return false, nil
	}
	if list, ok := t.batch.env.Known.refusals(j.ID); ok {
		return slices.ContainsFunc(list, func(f fleet.Refusal) bool { return f.RobotID == robot && f.Holds(now) }), nil
	}
	var f fleet.Refusal
	_, err := one(t.conn, refusalHolds, func(row *Row) { f.Until, f.Reason = row.time(), str[fleet.RejectReason](row) }, j.ID, robot, j.Tenant, now)
	return f.Holds(now), err
}

// assign is T3 with the guards on the robot. A reason means that the plan was
// overtaken.
func (t *Tx) assign(a store.Assignment, r *offeree, secrets checkout, now time.Time) (*store.Won, string, error) {
	o, found, err := t.offered(a)
	j := o.job
	switch {
	case err != nil:
		return nil, "", err
	case !found || !t.scope.Covers(a.Tenant) || j.Epoch != a.Epoch:
		return nil, lostJob, nil
	}
	robot := &r.robot
	switch {
	case !r.found || !robot.Connected || robot.SessionEpoch != a.SessionEpoch:
		return nil, lostSession, nil
	case robot.Mode != fleet.ModeActive || now.Before(robot.QuarantineTill),
		j.Target != "" && j.Target != robot.ID,
		!fleet.EnvironmentsMatch(j.Environment, robot.Environment), len(robot.Capabilities.Missing(j.Requires)) > 0:
		return nil, lostRobot, nil
	case robot.Taken >= robot.Max():
		return nil, lostSlot, nil
	}
	if refused, err := t.refused(&j, robot.ID, now); err != nil || refused {
		return nil, lostRefused, err
	}
	if free, err := t.free(secrets, &j); err != nil || !free {
		return nil, lostSecret, err
	}
	m, err := fleet.Subject{Job: j}.Offer(fleet.Slot{
		RobotID: robot.ID, SessionEpoch: robot.SessionEpoch, Taken: robot.Taken, Max: robot.Max(), Mode: r.mode,
		AcceptWithin: a.AcceptWithin, TokenHash: a.TokenHash,
	}, now)
	if err != nil {
		return nil, lostJob, nil //nolint:nilerr // the rule says that the job cannot be offered any more
	}
	if err := t.Apply(m); err != nil {
		return nil, "", err
	}
	secrets.taken(&j)
	robot.Taken++
	r.given = true
	return &store.Won{Assignment: a, Job: m.Job, Attempt: *m.Attempt, Variables: o.variables, Resumes: o.resumes}, "", nil
}

// Accept records that offers were taken; see store.Hot.
func (t *Tx) Accept(in []store.Acceptance, now time.Time) ([]error, error) {
	now = Stored(now)
	out := make([]error, len(in))
	for i, a := range in {
		err := t.accept(a, now)
		if err != nil && !perElement(err) {
			return nil, err
		}
		out[i] = err
	}
	return out, nil
}

func (t *Tx) accept(a store.Acceptance, now time.Time) error {
	if s, ok := t.recently(a.JobID, a.Tenant); ok {
		if m, err := s.Accept(a.RobotID, a.Epoch, now); err == nil {
			return t.Apply(m)
		}
	}
	s, err := t.Subject(a.JobID)
	if err != nil {
		return err
	}
	if s.Job.Tenant != a.Tenant {
		return fleet.NotFound("job", string(a.JobID))
	}
	m, err := s.Accept(a.RobotID, a.Epoch, now)
	if err != nil {
		// An accept that was heard before is no contradiction: the answer to it
		// may have been lost.
		if s.Job.State == fleet.Running && s.Job.Epoch == a.Epoch && s.Attempt.Live() && s.Attempt.RobotID == a.RobotID {
			return nil
		}
		return err
	}
	return t.Apply(m)
}
