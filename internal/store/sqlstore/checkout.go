package sqlstore

import (
	"cmp"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

var (
	exclusiveList = stmt("secret.exclusives", `select s.tenant_id, s.name, u.job_id from secrets s
		left join secret_uses u on u.tenant_id = s.tenant_id and u.name = s.name
		where s.exclusive and ($1 or s.tenant_id = $2) order by s.tenant_id, s.name`)
	secretExclusive = stmt("secret.exclusive", `select 1 from secrets where tenant_id = $1 and name = $2 and exclusive`)
	// secretHolder is asked under a lock where several processes write.
	secretHolder = stmt("secret.holder", `select job_id from secret_uses where tenant_id = $1 and name = $2 order by job_id, epoch limit 1`)

	secretTake = stmt("secret_use.insert", `insert into secret_uses (tenant_id, name, job_id, epoch) values ($1, $2, $3, $4)`)
	secretBack = stmt("secret_use.delete", `delete from secret_uses where job_id = $1 and epoch = $2 and ($3 or tenant_id = $4)`)
	usePrune   = stmt("secret_use.prune", `delete from secret_uses where job_id = $1 and tenant_id = $2`)
)

// scanExclusive puts the row of a holder to its secret.
func scanExclusive(into *[]store.Exclusive) func(*Row) error {
	return func(row *Row) error {
		x := store.Exclusive{Tenant: str[fleet.TenantID](row), Name: row.text()}
		holder := str[fleet.ID](row)
		n := len(*into)
		if n == 0 || (*into)[n-1].Tenant != x.Tenant || (*into)[n-1].Name != x.Name {
			*into = append(*into, x)
			n++
		}
		if holder != "" {
			(*into)[n-1].Holders = append((*into)[n-1].Holders, holder)
			slices.Sort((*into)[n-1].Holders)
		}
		return nil
	}
}

func (r *reader) Exclusives() (out []store.Exclusive, err error) {
	err = r.conn.Query(exclusiveList, scanExclusive(&out), r.all(), r.tenant())
	return out, err
}

type secretKey struct {
	tenant fleet.TenantID
	name   string
}

// checkout knows in the course of a plan how secrets stand; what is not in it was
// not asked for yet. What was asked for stays so until the commit: others wait.
type checkout map[secretKey]secretState

type secretState byte

const (
	secretShared secretState = iota // any number of jobs may have it
	secretFree                      // exclusive, and nobody has it
	secretHeld
)

// look asks for secrets, in one order everywhere, so that two orchestrators
// never wait for each other.
func (t *Tx) look(c checkout, keys []secretKey) error {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k secretKey) bool { _, known := c[k]; return known })
	if len(keys) == 0 {
		return nil
	}
	slices.SortFunc(keys, func(a, b secretKey) int {
		return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.name, b.name))
	})
	keys = slices.Compact(keys)
	lists := make([][]any, len(keys))
	for i, k := range keys {
		lists[i], c[k] = []any{k.tenant, k.name}, secretShared
	}
	var exclusive []secretKey
	err := t.conn.Each(secretExclusive, lists, func(i int, _ *Row) error { exclusive = append(exclusive, keys[i]); return nil })
	if err != nil {
		return err
	}
	for _, k := range exclusive {
		held, err := one(t.conn, secretHolder, func(*Row) {}, k.tenant, k.name)
		if err != nil {
			return err
		}
		if c[k] = secretFree; held {
			c[k] = secretHeld
		}
	}
	return nil
}

// lookAhead looks at what all jobs of a plan need, where they were read ahead.
func (t *Tx) lookAhead(c checkout, plan []store.Assignment) error {
	var keys []secretKey
	for i := range plan {
		if o, ok := t.batch.env.Known.offer(plan[i].JobID); ok && t.scope.Covers(o.job.Tenant) {
			keys = append(keys, secretsOf(&o.job)...)
		}
	}
	return t.look(c, keys)
}

func secretsOf(j *fleet.Job) []secretKey {
	out := make([]secretKey, len(j.Placement.Secrets))
	for i, name := range j.Placement.Secrets {
		out[i] = secretKey{j.Tenant, name}
	}
	return out
}

// free says whether a job may have all that it needs.
func (t *Tx) free(c checkout, j *fleet.Job) (bool, error) {
	keys := secretsOf(j)
	if err := t.look(c, keys); err != nil {
		return false, err
	}
	return !slices.ContainsFunc(keys, func(k secretKey) bool { return c[k] == secretHeld }), nil
}

// taken notes what a job of the plan has got: what of it is exclusive nobody
// else of the plan may have.
func (c checkout) taken(j *fleet.Job) {
	for _, k := range secretsOf(j) {
		if c[k] == secretFree {
			c[k] = secretHeld
		}
	}
}

// checkOut follows the slot of an attempt: with it the attempt takes the secrets
// that its workflow names, and with it they are given back.
func (t *Tx) checkOut(m *fleet.Move) error {
	a := m.Attempt
	if a == nil || len(m.Job.Placement.Secrets) == 0 {
		return nil
	}
	if m.NewAttempt {
		if m.Rule != "T3" { // an assignment has asked
			if ok, err := t.free(checkout{}, &m.Job); err != nil || !ok {
				return cmp.Or(err, error(fleet.Errorf(fleet.CodeConflict, "secret_held", "Another job has an exclusive secret of job %s.", m.Job.ID)))
			}
		}
		for _, k := range secretsOf(&m.Job) {
			if _, err := t.conn.Exec(secretTake, k.tenant, k.name, a.JobID, a.Epoch); err != nil {
				return err
			}
		}
	}
	if a.SlotFreeAt.IsZero() {
		return nil
	}
	return t.handBack(store.Ref{JobID: a.JobID, Epoch: a.Epoch})
}

// handBack frees what an attempt had taken.
func (t *Tx) handBack(ref store.Ref) error {
	_, err := t.conn.Exec(secretBack, ref.JobID, ref.Epoch, t.all(), t.tenant())
	return err
}
