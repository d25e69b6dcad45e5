package robot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

// keepTime bounds how long the files of a run are handed over before its end is
// told. It is far less than the grace of a stop, so that a file never costs a result.
const keepTime = 15 * time.Second

// filebox is the folder with the files that runs left, one folder for each attempt.
// They wait there until the end of their run is written down, so that no end has to
// wait for a network.
type filebox struct{ dir string }

func newFilebox(dataDir string) filebox { return filebox{filepath.Join(dataDir, "files")} }

func (o filebox) of(ref wire.Ref) string {
	return filepath.Join(o.dir, string(ref.JobID)+"-"+strconv.FormatInt(ref.Epoch, 10))
}

// sweep removes what belongs to none of the ends that wait: its run died before it
// had an end.
func (o filebox) sweep(ends []protocol.Report) error {
	wanted := map[string]bool{}
	for _, e := range ends {
		if ref, ok := wire.AttemptOf(e.Message); ok {
			wanted[filepath.Base(o.of(ref))] = true
		}
	}
	list, err := os.ReadDir(o.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range list {
		if !wanted[f.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(o.dir, f.Name())))
		}
	}
	return err
}

// put keeps a file, which is on the disk then. name was checked.
func (o filebox) put(ref wire.Ref, name string, body []byte) (err error) {
	dir := o.of(ref)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil { // half a file is none
		err = errors.Join(err, root.Remove(name))
	}
	return err
}

// seal says whether anything waits, with the names on the disk too.
func (o filebox) seal(ref wire.Ref) (some bool, err error) {
	list, err := os.ReadDir(o.of(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || len(list) == 0 {
		return false, err
	}
	return true, errors.Join(syncDir(o.of(ref)), syncDir(o.dir))
}

func (o filebox) drop(ref wire.Ref) error { return os.RemoveAll(o.of(ref)) }

// handOver gives the files of a run to the orchestrator, then has its end told. A
// connection that breaks ends it: it is asked for again in the next one, and goes on
// with the files that are left.
func (r *Robot) handOver(e protocol.HandOver) {
	c := r.current()
	if c == nil {
		return
	}
	r.finishLogs(e.Ref)
	notes, whole := r.handFiles(c, e.Ref)
	if !whole {
		return
	}
	m, body := noted(e, notes)
	for _, n := range notes {
		r.log.Warn("a file of a job was not handed over", "job_id", e.Ref.JobID, "epoch", e.Ref.Epoch, "reason", n)
	}
	r.d.do(func(p *protocol.Robot, now protocol.Instant) []protocol.Effect {
		return p.Delivered(e.Ref, m, body, now)
	})
}

// handFiles tells what was left out; whole is false if the connection broke.
func (r *Robot) handFiles(c *conn, ref wire.Ref) (notes []string, whole bool) {
	dir := r.files.of(ref)
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true
	}
	if err != nil {
		return []string{"the artifacts cannot be read: " + err.Error()}, true
	}
	ctx, cancel := context.WithTimeout(c.ctx, keepTime)
	defer cancel()
	for _, f := range list {
		path := filepath.Join(dir, f.Name())
		body, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // the end was told meanwhile
			return notes, true
		}
		if err == nil {
			err = r.keep(ctx, c, ref, f.Name(), body)
		}
		if err != nil && c.ctx.Err() != nil {
			return nil, false
		}
		if err != nil {
			notes = append(notes, fmt.Sprintf("the artifact %s was left out: %v", f.Name(), err))
		}
		_ = os.Remove(path) // if it stays, it is handed over twice, which changes nothing
	}
	return notes, true
}

// noted is the end of a run with what is to be said of its files; nil if there is
// nothing.
func noted(e protocol.HandOver, notes []string) (wire.Message, []byte) {
	done, ok := e.Message.(*wire.JobComplete)
	if !ok || len(notes) == 0 {
		return nil, nil
	}
	body := e.Body
	if done.ResultRef == nil {
		body = done.Result
	}
	var res wire.Result
	if json.Unmarshal(body, &res) != nil {
		return nil, nil
	}
	res.Notes = append(res.Notes, notes...)
	text, err := json.Marshal(res)
	if err != nil || len(text) > wire.MaxResult {
		return nil, nil
	}
	told := carried(wire.JobComplete{Ref: done.Ref, Duration: done.Duration, Stats: done.Stats}, text)
	return told.Complete, told.Body
}

// keep hands one file over. It waits for an orchestrator that is busy until ctx is
// over.
func (r *Robot) keep(ctx context.Context, c *conn, ref wire.Ref, name string, body []byte) error {
	var backoff protocol.Backoff
	for {
		again, err := r.keepOnce(ctx, c, ref, name, body)
		if err == nil || !again {
			return err
		}
		t := time.NewTimer(backoff.Next(r.o.chance()) + 100*time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return err
		case <-r.base.Done():
			t.Stop()
			return err
		case <-t.C:
		}
	}
}

func (r *Robot) keepOnce(ctx context.Context, c *conn, ref wire.Ref, name string, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	at := c.url + "/api/v1/jobs/" + string(ref.JobID) + "/artifacts/" + url.PathEscape(name) + "?epoch=" + strconv.FormatInt(ref.Epoch, 10)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, at, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer "+r.o.Key)
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := r.o.HTTPClient.Do(req)
	if err != nil {
		return true, err
	}
	defer func() { _ = resp.Body.Close() }() // what was wanted is read by then
	if resp.StatusCode < 300 {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		return false, nil
	}
	again = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests
	if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); again && err == nil {
		sleep(ctx, time.Duration(min(wait, 10))*time.Second)
	}
	return again, fmt.Errorf("the orchestrator answered %d%s", resp.StatusCode, problem(resp))
}
