package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Need names what a group of callers is going to read, so that a database that
// is asked over a network can lock and read all of it at once.
type Need struct {
	Jobs   []fleet.ID // reports: the job with its newest attempt
	Moves  []fleet.ID // accepts and completions: the same, unless the job is remembered
	Offers []fleet.ID // assignments: the job with its inputs
	// Refused are those of Offers that were offered before, and so may have been
	// refused.
	Refused []fleet.ID
	Robots  []store.RobotRef   // assignments
	Keys    []store.Submission // those with an idempotency key
	Now     time.Time          // for the expiry of keys
	// Documents are the names under which documents are stored.
	Documents []DocumentName
}

// DocumentName names a workflow.
type DocumentName struct {
	Tenant fleet.TenantID
	Name   string
}

// Empty says that there is nothing to read.
func (n *Need) Empty() bool {
	return len(n.Jobs)+len(n.Moves)+len(n.Offers)+len(n.Robots)+len(n.Keys)+len(n.Documents) == 0
}

// Ask is one query with several lists of arguments; see Conn.Each.
type Ask struct {
	Stmt  *Stmt
	Lists [][]any
	Row   func(i int, r *Row) error
}

// readAhead is what was read for Need and still holds. Missing is not the same
// as absent: what was asked for and is not there is in here as such.
type readAhead struct {
	offers  map[fleet.ID]offer
	refused map[fleet.ID][]fleet.Refusal
	robots  map[robotKey]*offeree
	keys    map[answerKey]answer
	flows   map[DocumentName]fleet.Workflow // without id: there is none
}

type robotKey struct {
	tenant fleet.TenantID
	robot  fleet.RobotID
}

type offer struct {
	job       fleet.Job // without tenant: there is none
	variables []byte
	resumes   []byte
}

type answerKey struct {
	tenant     fleet.TenantID
	route, key string
}

type answer struct {
	hash string
	job  fleet.ID // empty: nobody has used the key
}

// Asks gives the queries that fill the memory. All rows of jobs and robots must
// have been locked by an earlier statement of the transaction.
func (c *Known) Asks(n *Need) []Ask {
	c.read = &readAhead{
		offers: map[fleet.ID]offer{}, refused: map[fleet.ID][]fleet.Refusal{}, robots: map[robotKey]*offeree{}, keys: map[answerKey]answer{},
		flows: map[DocumentName]fleet.Workflow{},
	}
	var asks []Ask
	if len(n.Jobs) > 0 {
		asks = append(asks, Ask{jobSubject, lists(n.Jobs, true, ""), func(_ int, r *Row) error {
			s := scanSubject(r)
			if s.Attempt != nil {
				c.jobs[s.Job.ID] = s
			}
			return nil
		}})
	}
	if len(n.Offers) > 0 {
		asks = append(asks, c.read.askOffers(n.Offers))
	}
	if len(n.Refused) > 0 {
		asks = append(asks, c.read.askRefusals(n.Refused))
	}
	if len(n.Robots) > 0 {
		at := make([][]any, len(n.Robots))
		for i, ref := range n.Robots {
			at[i] = []any{ref.RobotID, ref.Tenant}
			c.read.robots[robotKey{ref.Tenant, ref.RobotID}] = &offeree{}
		}
		asks = append(asks, Ask{robotForOffer, at, func(_ int, r *Row) error {
			var o offeree
			o.scan(r)
			c.read.robots[robotKey{o.robot.Tenant, o.robot.ID}] = &o
			return nil
		}})
	}
	if len(n.Keys) > 0 {
		at := make([][]any, len(n.Keys))
		for i := range n.Keys {
			s := &n.Keys[i]
			at[i] = []any{s.Job.Tenant, s.Key.Route, s.Key.Key, n.Now}
			c.read.keys[answerKey{s.Job.Tenant, s.Key.Route, s.Key.Key}] = answer{}
		}
		asks = append(asks, Ask{idempotencyGet, at, func(i int, r *Row) error {
			s := &n.Keys[i]
			c.read.keys[answerKey{s.Job.Tenant, s.Key.Route, s.Key.Key}] = answer{r.text(), str[fleet.ID](r)}
			return nil
		}})
	}
	if len(n.Documents) > 0 {
		at := make([][]any, len(n.Documents))
		for i, d := range n.Documents {
			at[i] = []any{d.Name, true, ""}
			c.read.flows[d] = fleet.Workflow{}
		}
		asks = append(asks, Ask{workflowNamed, at, func(_ int, r *Row) error {
			w := scanWorkflow(r)
			if _, asked := c.read.flows[DocumentName{w.Tenant, w.Name}]; asked { // others may have one of that name
				c.read.flows[DocumentName{w.Tenant, w.Name}] = w
			}
			return nil
		}})
	}
	return asks
}

func (a *readAhead) askOffers(jobs []fleet.ID) Ask {
	for _, id := range jobs {
		a.offers[id] = offer{}
	}
	return Ask{jobForOffer, lists(jobs, true, ""), func(_ int, r *Row) error {
		o := scanOffer(r)
		a.offers[o.job.ID] = o
		return nil
	}}
}

func (a *readAhead) askRefusals(jobs []fleet.ID) Ask {
	for _, id := range jobs {
		a.refused[id] = nil
	}
	// All of them: who asks knows what time it is.
	return Ask{refusalActive, lists(jobs, time.Unix(1, 0), true, ""), func(_ int, r *Row) error {
		f := scanRefusal(r)
		a.refused[f.JobID] = append(a.refused[f.JobID], f)
		return nil
	}}
}

func lists(ids []fleet.ID, rest ...any) [][]any {
	out := make([][]any, len(ids))
	for i, id := range ids {
		out[i] = append([]any{id}, rest...)
	}
	return out
}

// Forget drops everything, for a transaction that is rolled back.
func (c *Known) Forget() {
	clear(c.jobs)
	c.read = nil
}

func (c *Known) ahead() *readAhead {
	if c == nil {
		return nil
	}
	return c.read
}

func (c *Known) offer(id fleet.ID) (offer, bool) {
	a := c.ahead()
	if a == nil {
		return offer{}, false
	}
	o, ok := a.offers[id]
	return o, ok
}

func (c *Known) refusals(id fleet.ID) ([]fleet.Refusal, bool) {
	a := c.ahead()
	if a == nil {
		return nil, false
	}
	list, ok := a.refused[id]
	return list, ok
}

func (c *Known) offeree(tenant fleet.TenantID, id fleet.RobotID) (*offeree, bool) {
	a := c.ahead()
	if a == nil {
		return nil, false
	}
	r, ok := a.robots[robotKey{tenant, id}]
	return r, ok
}

func (c *Known) answered(tenant fleet.TenantID, k *store.IdempotencyKey) (answer, bool) {
	a := c.ahead()
	if a == nil {
		return answer{}, false
	}
	got, ok := a.keys[answerKey{tenant, k.Route, k.Key}]
	return got, ok
}

// answer notes a key that this transaction has written.
func (c *Known) answer(tenant fleet.TenantID, k *store.IdempotencyKey, job fleet.ID) {
	if a := c.ahead(); a != nil {
		a.keys[answerKey{tenant, k.Route, k.Key}] = answer{k.Hash, job}
	}
}

func (c *Known) workflow(tenant fleet.TenantID, name string) (fleet.Workflow, bool) {
	a := c.ahead()
	if a == nil {
		return fleet.Workflow{}, false
	}
	w, ok := a.flows[DocumentName{tenant, name}]
	return w, ok
}

// learnWorkflow notes what was read under a name.
func (c *Known) learnWorkflow(tenant fleet.TenantID, name string, w fleet.Workflow) {
	if a := c.ahead(); a != nil {
		a.flows[DocumentName{tenant, name}] = w
	}
}

// renamed forgets a workflow under the name that it no longer has.
func (c *Known) renamed(w fleet.Workflow) {
	a := c.ahead()
	if a == nil {
		return
	}
	for k, have := range a.flows {
		if have.ID == w.ID && (k.Name != w.Name || !w.DeletedAt.IsZero()) {
			a.flows[k] = fleet.Workflow{}
		}
	}
}

// touch forgets what was read of a job that changes. Robots keep: an assignment
// counts its own slot, and an attempt that ends only frees one.
func (a *readAhead) touch(id fleet.ID) {
	if a != nil {
		delete(a.offers, id)
		delete(a.refused, id)
	}
}
