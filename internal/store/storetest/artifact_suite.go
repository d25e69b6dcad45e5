package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func artifactTests() map[string]func(f *Fixture) {
	put := func(f *Fixture, job fleet.ID, epoch int64, name, body string) {
		f.Update(func(tx store.Tx) error {
			return tx.PutArtifact(fleet.Artifact{
				JobID: job, Tenant: f.Tenant, Epoch: epoch, Name: name, Node: "n", Type: "text/plain", Size: int64(len(body)), SHA256: fmt.Sprint("sum ", len(body)), CreatedAt: f.Now,
			}, []byte(body))
		})
	}
	names := func(list []fleet.Artifact) (out []string) {
		for _, a := range list {
			out = append(out, fmt.Sprintf("%d %s %d", a.Epoch, a.Name, a.Size))
		}
		return out
	}
	return map[string]func(f *Fixture){
		"kept by attempt and name": func(f *Fixture) {
			job := f.Submit(f.Spec())
			put(f, job.ID, 2, "b.txt", "")
			put(f, job.ID, 1, "a.txt", "one")
			put(f, job.ID, 2, "a.txt", "zwei\x00\xff")
			put(f, job.ID, 2, "b.txt", "anew")
			f.View(func(r store.Reader) error {
				list, err := r.Artifacts(job.ID)
				is(f, "list", fmt.Sprint(names(list)), "[1 a.txt 3 2 a.txt 6 2 b.txt 4]")
				is(f, "when", list[0].CreatedAt.Equal(f.Now), true)
				f.must(err)
				for _, c := range []struct {
					epoch int64
					want  string
				}{{0, "zwei\x00\xff"}, {1, "one"}, {2, "zwei\x00\xff"}} {
					a, body, err := r.Artifact(job.ID, c.epoch, "a.txt")
					is(f, "bytes", string(body), c.want)
					is(f, "sum", a.SHA256, fmt.Sprint("sum ", len(c.want)))
					is(f, "node", a.Node, "n")
					f.must(err)
				}
				_, _, err = r.Artifact(job.ID, 3, "a.txt")
				is(f, "another attempt", errors.Is(err, fleet.ErrNotFound), true)
				return nil
			})
		},
		"of one tenant": func(f *Fixture) {
			job, o := f.Submit(f.Spec()), f.Other("globex")
			put(f, job.ID, 1, "a.txt", "one")
			o.View(func(r store.Reader) error {
				list, err := r.Artifacts(job.ID)
				is(f, "list of the other", len(list), 0)
				f.must(err)
				_, _, err = r.Artifact(job.ID, 0, "a.txt")
				is(f, "of the other", errors.Is(err, fleet.ErrNotFound), true)
				return nil
			})
		},
		"gone with the job": func(f *Fixture) {
			f.Now = time.Now() // as the ids
			job := f.Submit(f.Spec())
			put(f, job.ID, 1, "a.txt", "one")
			f.Cancel(job.ID)
			f.systemUpdate(func(tx store.Tx) error {
				_, n, err := tx.PruneJobs("", f.Now.Add(time.Hour), 10)
				is(f, "pruned", n, 1)
				return err
			})
			f.View(func(r store.Reader) error {
				list, err := r.Artifacts(job.ID)
				is(f, "left", len(list), 0)
				return err
			})
		},
	}
}
