package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Document is a document with a body of its own.
func Document(name, body string) *store.Document {
	sum := sha256.Sum256([]byte(body))
	return &store.Document{
		Name: name, Hash: hex.EncodeToString(sum[:]), Body: []byte(body), Requires: fleet.Capabilities{"browser"}, NodeCount: 2,
	}
}

// documented is a submission that brings its document.
func (f *Fixture) documented(d *store.Document) store.Submission {
	spec := f.Spec()
	spec.Workflow = fleet.JobWorkflow{Name: d.Name, Hash: d.Hash}
	s := f.Submission(spec)
	s.Document = d
	return s
}

func (f *Fixture) enqueue(in ...store.Submission) []store.Submitted {
	f.Helper()
	out, err := f.Store.Enqueue(f.Context(), f.Scope, in)
	f.must(err)
	return out
}

// versions checks that a workflow has n versions in order, that the newest is
// the workflow's, and that each has its body.
func (f *Fixture) versions(name string, n int) {
	f.Helper()
	f.View(func(r store.Reader) error {
		w, err := r.WorkflowByName(name)
		f.must(err)
		list, err := r.WorkflowVersions(w.ID)
		f.must(err)
		if len(list) != n || w.Newest != n || list[0].Hash != w.Hash {
			f.Errorf("workflow %+v has the versions %+v, want %d", w, list, n)
		}
		for i, v := range list {
			is(f, "version", v.Version, n-i)
			body, err := r.Body(v.Hash)
			f.must(err)
			is(f, "body of its hash", Document(name, string(body)).Hash, v.Hash)
		}
		return nil
	})
}

func (f *Fixture) told() (out []string) {
	f.Helper()
	for _, e := range f.Events(0) {
		out = append(out, fmt.Sprintf("%s/%d", e.Kind, e.Seq))
	}
	return out
}

func documentTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"goes with its job": func(f *Fixture) {
			d := Document("flow", `{"n":1}`)
			got := f.enqueue(f.documented(d), f.documented(d), f.documented(Document("flow", `{"n":2}`)), f.documented(Document("other", `{"n":1}`)))
			for i, want := range []int{1, 1, 2, 1} {
				f.must(got[i].Err)
				is(f, "version of the answer", got[i].Job.Workflow.Version, want)
				if diff := cmp.Diff(got[i].Job, f.Job(got[i].Job.ID)); diff != "" {
					f.Errorf("job (-answered +stored):\n%s", diff)
				}
			}
			f.versions("flow", 2)
			f.versions("other", 1)
			f.View(func(r store.Reader) error {
				w, err := r.WorkflowByName("flow")
				f.must(err)
				is(f, "the job's workflow", got[2].Job.Workflow, fleet.JobWorkflow{ID: w.ID, Name: "flow", Version: 2, Hash: w.Hash})
				v, err := r.WorkflowVersion(w.ID, 1)
				want := fleet.WorkflowVersion{
					WorkflowID: w.ID, Version: 1, Hash: d.Hash, Requires: d.Requires, NodeCount: 2, CreatedAt: f.Now, CreatedBy: "user:1",
				}
				if diff := cmp.Diff(want, v); diff != "" {
					f.Errorf("version (-want +got):\n%s", diff)
				}
				return err
			})
			is(f, "events", fmt.Sprint(f.told()), "[workflow.created/1 job.submitted/2 job.submitted/3 workflow.version_added/4 job.submitted/5 workflow.created/6 job.submitted/7]")

			// Back to the first text: a change, and so a version of its own.
			back := f.enqueue(f.documented(d))
			is(f, "back again", back[0].Job.Workflow.Version, 3)
			f.versions("flow", 3)
		},
		"of a request that makes no job": func(f *Fixture) {
			keyed := func(d *store.Document, hash string) store.Submission {
				s := f.documented(d)
				s.Key = &store.IdempotencyKey{Route: "jobs", Key: "k", Hash: hash, ExpiresAt: f.Now.AddDate(10, 0, 0)}
				return s
			}
			first := f.enqueue(keyed(Document("flow", `{"n":1}`), "h"))
			again := f.enqueue(keyed(Document("flow", `{"n":2}`), "h"), keyed(Document("new", `{"n":2}`), "other"))
			is(f, "replayed", again[0].Replayed, true)
			is(f, "the first job", again[0].Job.ID, first[0].Job.ID)
			is(f, "key reused", errors.Is(again[1].Err, fleet.ErrInvalid), true)
			bad := f.documented(Document("flow", `{"n":3}`))
			bad.Job.Priority = 99
			twice := f.documented(Document("flow", `{"n":4}`))
			twice.Job.ID = first[0].Job.ID
			got := f.enqueue(bad, f.documented(Document("flow", `{"n":5}`)), twice)
			is(f, "a job that breaks a rule", errors.Is(got[0].Err, fleet.ErrInvalid), true)
			is(f, "its neighbour", got[1].Err, nil)
			is(f, "version of the neighbour", got[1].Job.Workflow.Version, 2)
			is(f, "a job that is there", errors.Is(got[2].Err, fleet.ErrConflict), true)
			f.versions("flow", 2)
			f.View(func(r store.Reader) error {
				is(f, "refused", errors.Is(second(r.WorkflowByName("new")), fleet.ErrNotFound), true)
				return nil
			})
			is(f, "events", fmt.Sprint(f.told()), "[workflow.created/1 job.submitted/2 workflow.version_added/3 job.submitted/4]")
		},
		"all or none": func(f *Fixture) {
			stop := errors.New("stop")
			run := func(end error) error {
				return f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
					out, err := tx.Enqueue([]store.Submission{f.documented(Document("flow", "1")), f.documented(Document("flow", "2")), f.documented(Document("b", "1"))})
					f.must(err)
					is(f, "second version", out[1].Job.Workflow.Version, 2)
					return end
				})
			}
			is(f, "stopped", errors.Is(run(stop), stop), true)
			is(f, "events", len(f.Events(0)), 0)
			f.must(run(nil))
			f.versions("flow", 2)
			f.versions("b", 1)
		},
		"by itself": func(f *Fixture) {
			put := func(d *store.Document) (w fleet.Workflow) {
				f.Update(func(tx store.Tx) (err error) {
					w, err = tx.PutDocument(f.Tenant, d, "u", f.Now)
					return err
				})
				return w
			}
			one := put(Document("flow", "1"))
			is(f, "the same", put(Document("flow", "1")), one)
			is(f, "the next", put(Document("flow", "2")).Newest, 2)
			f.versions("flow", 2)
			theirs := f.Other("globex")
			got := theirs.enqueue(theirs.documented(Document("flow", "1")))
			f.must(got[0].Err)
			is(f, "another tenant's is another", got[0].Job.Workflow.ID != one.ID, true)
			f.versions("flow", 2)
			theirs.versions("flow", 1)
			one.Newest, one.DeletedAt = 2, f.Now
			f.Update(func(tx store.Tx) error { return tx.PutWorkflow(one) })
			is(f, "after a deletion", f.enqueue(f.documented(Document("flow", "1")))[0].Job.Workflow.ID != one.ID, true)
		},
		"of many at once": func(f *Fixture) {
			// Whoever comes together shares commits; versions are counted all the same.
			const callers, each = 16, 6
			var wg sync.WaitGroup
			seen := sync.Map{}
			for c := range callers {
				wg.Go(func() {
					for i := range each {
						name := "shared"
						if c%4 == 0 {
							name = fmt.Sprintf("own-%d", c)
						}
						d := Document(name, fmt.Sprintf("%d/%d", c, i))
						if c%4 == 1 {
							err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
								return second(tx.PutDocument(f.Tenant, d, "u", f.Now))
							})
							if err != nil {
								f.Error(err)
							}
							continue
						}
						out, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{f.documented(d)})
						if err != nil || out[0].Err != nil {
							f.Error(err, out)
							continue
						}
						w := out[0].Job.Workflow
						if other, double := seen.LoadOrStore(fmt.Sprint(w.ID, w.Version), d.Hash); double {
							f.Errorf("version %d of %s is both %v and %s", w.Version, name, other, d.Hash)
						}
					}
				})
			}
			wg.Wait()
			f.versions("shared", 12*each)
			for c := 0; c < callers; c += 4 {
				f.versions(fmt.Sprintf("own-%d", c), each)
			}
		},
	}
}
