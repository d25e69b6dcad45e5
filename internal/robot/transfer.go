package robot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

const (
	maxDocument     = 10 << 20
	transferTimeout = time.Minute
)

// fetch gets a document that is too large for an offer.
func (r *Robot) fetch(ctx context.Context, hash string) ([]byte, error) {
	c := r.current()
	if c == nil {
		return nil, errors.New("not connected")
	}
	answer, err := r.request(ctx, http.MethodGet, c.url+wire.WorkflowPath+hash, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch the document %s: the orchestrator answered %d%s", hash, answer.StatusCode, problem(answer))
	}
	doc, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("fetch the document %s: %w", hash, err)
	case len(doc) > maxDocument:
		return nil, fmt.Errorf("fetch the document %s: it is larger than %d bytes", hash, maxDocument)
	}
	return doc, nil
}

func (r *Robot) request(ctx context.Context, method, url string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.o.Key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return r.o.HTTPClient.Do(req)
}

// upload puts the body of a result where its report can name it. It tries as
// long as the connection lasts; the next one asks anew.
func (r *Robot) upload(e protocol.Upload) {
	c := r.current()
	if c == nil {
		return
	}
	var backoff protocol.Backoff
	for c.ctx.Err() == nil {
		status, err := r.put(c, e)
		switch {
		case err == nil && status < 300:
			r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect { return m.Uploaded(e.ReportID, now) })
			return
		case err == nil && hopeless(status):
			r.log.Error("the orchestrator does not take a result", "report_id", e.ReportID, "bytes", e.Result.Size, "status", status)
			r.replace(e, status)
			return
		}
		r.log.Warn("a result was not uploaded; trying again", "report_id", e.ReportID, "status", status, "error", err)
		t := time.NewTimer(backoff.Next(r.o.chance()) + 100*time.Millisecond)
		select {
		case <-c.ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

func (r *Robot) put(c *conn, e protocol.Upload) (status int, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, transferTimeout)
	defer cancel()
	answer, err := r.request(ctx, http.MethodPut, c.url+wire.ResultPath+e.Result.SHA256, e.Body)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	return answer.StatusCode, nil
}

// hopeless says whether an answer will be the same next time.
func hopeless(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// replace turns a completion that cannot be delivered into a failure that can.
func (r *Robot) replace(e protocol.Upload, status int) {
	no := false
	r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect {
		ref, ok := m.ReportRef(e.ReportID)
		if !ok {
			return nil
		}
		failure := fleet.JobError{
			Class: fleet.ClassApplication, Code: "result_refused", Type: "ValueError", Retryable: &no,
			Message: fmt.Sprintf("The workflow succeeded, but the orchestrator refused its result of %d bytes with status %d.", e.Result.Size, status),
		}
		return m.Replace(e.ReportID, &wire.JobFailed{Ref: ref, Error: failure}, now)
	})
}

// problem takes the words of a problem document, for the log.
func problem(answer *http.Response) string {
	var p struct {
		Detail string `json:"detail"`
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil || json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return ""
	}
	return ": " + p.Detail
}
