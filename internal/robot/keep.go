package robot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/internal/protocol"
)

// keep hands a file that a run left to the orchestrator, before the end of the
// run is told. It waits for an orchestrator that is busy until ctx is over, and for
// none that is away: the end of a run is worth more than its files.
func (r *Robot) keep(ctx context.Context, u *run, name string, body []byte) error {
	var backoff protocol.Backoff
	for {
		again, err := r.keepOnce(ctx, u, name, body)
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

func (r *Robot) keepOnce(ctx context.Context, u *run, name string, body []byte) (again bool, err error) {
	c := r.current()
	if c == nil {
		return false, errors.New("the orchestrator is away")
	}
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	at := c.url + "/api/v1/jobs/" + string(u.offer.JobID) + "/artifacts/" + url.PathEscape(name) + "?epoch=" + strconv.FormatInt(u.offer.Epoch, 10)
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
