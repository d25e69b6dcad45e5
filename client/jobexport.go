package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/casarerpa/fleet/fleet"
)

// JobExport selects the jobs of an export: those that it names, at most 100, or all
// of a query, whose page does not count.
type JobExport struct {
	Jobs  []fleet.ID
	Query JobQuery
	CSV   bool // a table instead of lines of JSON
}

// ExportJobs writes jobs, the newest first. Where more match than may be exported at
// once it is refused, and nothing is written. After any other error what was written
// is not whole.
func (c *Client) ExportJobs(ctx context.Context, in JobExport, to io.Writer) error {
	in.Query.Page = fleet.Page{}
	q := url.Values{}
	for _, id := range in.Jobs {
		if all := q.Get("job_id"); all != "" {
			q.Set("job_id", all+","+string(id))
		} else {
			q.Set("job_id", string(id))
		}
	}
	if len(in.Jobs) == 0 {
		q = in.Query.values()
	}
	accept := "application/x-ndjson"
	if in.CSV {
		q.Set("format", "csv")
		accept = "text/csv"
	}
	resp, err := c.send(ctx, c.streams, request{method: http.MethodGet, path: at("jobs", "export"), query: q, accept: accept})
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		_, err := readReply(resp)
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(to, resp.Body); err != nil {
		return broken(resp.Request.URL.Host, err)
	}
	return nil
}
