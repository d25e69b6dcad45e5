package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/casarerpa/fleet/fleet"
)

// Artifacts are the files that a job left.
type Artifacts struct {
	Artifacts []fleet.Artifact `json:"artifacts"`
	Bytes     int64            `json:"bytes"`
}

// Artifacts lists the files that a job left.
func (c *Client) Artifacts(ctx context.Context, job fleet.ID) (out Artifacts, err error) {
	err = c.get(ctx, at("jobs", string(job), "artifacts"), nil, &out)
	return out, err
}

func artifactQuery(epoch int64) url.Values {
	q := url.Values{}
	if epoch > 0 {
		q.Set("epoch", strconv.FormatInt(epoch, 10))
	}
	return q
}

// GetArtifact fetches a file that a job left; that of the newest attempt that
// has it if epoch is 0.
func (c *Client) GetArtifact(ctx context.Context, job fleet.ID, epoch int64, name string) ([]byte, error) {
	got, err := c.do(ctx, request{
		method: http.MethodGet, path: at("jobs", string(job), "artifacts", name), query: artifactQuery(epoch), accept: "*/*", safe: true,
	})
	if err != nil {
		return nil, err
	}
	return got.body, nil
}

// PutArtifact hands over a file of an attempt, with the key of its robot; node
// may be empty.
func (c *Client) PutArtifact(ctx context.Context, job fleet.ID, epoch int64, name, node string, body []byte) (out fleet.Artifact, err error) {
	q := artifactQuery(epoch)
	if node != "" {
		q.Set("node_id", node)
	}
	if body == nil {
		body = []byte{}
	}
	_, err = c.call(ctx, request{
		method: http.MethodPut, path: at("jobs", string(job), "artifacts", name), query: q, body: body, safe: true,
		header: http.Header{"Content-Type": {"application/octet-stream"}},
	}, &out)
	return out, err
}
