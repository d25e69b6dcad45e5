package httpapi

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

func (a *API) jobExportRoutes() {
	text := &huma.Schema{Type: huma.TypeString}
	words := &huma.Schema{Type: huma.TypeArray, Items: text}
	params := []*huma.Param{
		{Name: "format", In: "query", Description: "jsonl (if left out): a job on each line, as in the list; csv: a table with a heading.", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"jsonl", "csv"}}},
		{Name: "job_id", In: "query", Description: "Instead of a filter: these jobs; at most 100, with commas between them.", Schema: words},
	}
	for _, name := range []string{"status", "robot_id", "workflow_id", "why", "trigger", "priority"} {
		params = append(params, &huma.Param{Name: name, In: "query", Description: "As in the list.", Schema: words})
	}
	for _, name := range []string{"q", "from", "to"} {
		params = append(params, &huma.Param{Name: name, In: "query", Description: "As in the list.", Schema: text})
	}
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/jobs/export", id: "jobs.export", summary: "Read all jobs that match, as lines of JSON or as a table", may: need(fleet.JobsRead), rate: rateExport, stream: true,
		description: "The newest first. Where more match than the limit allows (100000 unless it is set otherwise) the answer is 422, and nothing is sent.",
	}, params, map[string]*huma.Response{
		"200": {Description: "The jobs.", Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: text}, "text/csv": {Schema: text}}},
	}, a.exportJobs)
}

func (a *API) exportJobs(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	in, err := jobExportOf(query)
	if err != nil {
		return err
	}
	ctx, p := r.Context(), auth.From(r.Context())
	leave, err := a.streams.enter(p, a.o.Limits.Streams)
	if err != nil {
		return err
	}
	defer leave()
	a.endWith(r)
	var out jobWriter = &jobLines{json.NewEncoder(w)}
	kind, file := "application/x-ndjson", "jobs.jsonl"
	if query.Get("format") == "csv" {
		out, kind, file = &jobTable{csv.NewWriter(w)}, "text/csv; charset=utf-8", "jobs.csv"
	}
	first := true
	err = a.o.Orchestrator.Jobs.Export(ctx, p, in, func(list []orchestrator.JobLine) error {
		if !first && !a.stillMay(r, &p, fleet.JobsRead) {
			return errors.New("the right is gone")
		}
		// Each part has its own time, so that a long export is not cut off.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestTime))
		if first {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Disposition", `attachment; filename="`+file+`"`)
			if first = false; out.begin() != nil {
				return errGone
			}
		}
		lines := make([]JobLine, len(list))
		for i := range list {
			lines[i] = showJobLine(&list[i])
		}
		if out.write(lines) != nil {
			return errGone
		}
		return nil
	})
	switch {
	case errors.Is(err, errGone):
		return nil
	case err != nil && !first:
		panic(http.ErrAbortHandler) //nolint:forbidigo // what was sent must not look whole
	}
	return err
}

// jobExportOf reads which jobs are asked for.
func jobExportOf(q url.Values) (in orchestrator.JobExport, err error) {
	if f := q.Get("format"); f != "" && f != "csv" && f != "jsonl" {
		return in, fleet.Invalid("format", "format must be jsonl or csv; got %q.", clip(f, 40))
	}
	filter := JobFilterInput{
		Status: q["status"], Robot: q["robot_id"], Workflow: q["workflow_id"], Why: q["why"], Trigger: q["trigger"], Priority: q["priority"],
		Text: q.Get("q"), From: q.Get("from"), To: q.Get("to"),
	}
	for _, text := range wordsOf[string](q["job_id"]) {
		id, err := fleet.ParseID(text)
		if err != nil {
			return in, fleet.Invalid("job_id", "job_id must be ids of jobs; got %q.", clip(text, 40))
		}
		in.Jobs = append(in.Jobs, id)
	}
	for name, list := range q {
		if len(in.Jobs) > 0 && name != "job_id" && name != "format" && name != "tenant_id" && len(list) > 0 {
			return in, fleet.Invalid("job_id", "Give ids or a filter, not both.")
		}
	}
	in.Query, err = filter.query()
	return in, err
}

// jobWriter is a form of an export.
type jobWriter interface {
	begin() error
	write([]JobLine) error
}

type jobLines struct{ out *json.Encoder }

func (*jobLines) begin() error { return nil }

func (l *jobLines) write(list []JobLine) error {
	for i := range list {
		if err := l.out.Encode(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

type jobTable struct{ out *csv.Writer }

// jobColumns are those of the table.
var jobColumns = []struct {
	name string
	of   func(*JobLine) string
}{
	{"job_id", func(j *JobLine) string { return string(j.ID) }},
	{"status", func(j *JobLine) string { return string(j.State) }},
	{"workflow_id", func(j *JobLine) string { return string(j.Workflow.ID) }},
	{"workflow_name", func(j *JobLine) string { return j.Workflow.Name }},
	{"version", func(j *JobLine) string { return strconv.Itoa(j.Workflow.Version) }},
	{"name", func(j *JobLine) string { return j.Name }},
	{"robot_id", func(j *JobLine) string { return string(j.RobotID) }},
	{"robot_name", func(j *JobLine) string { return j.RobotName }},
	{"target_robot_id", func(j *JobLine) string { return string(j.Target) }},
	{"environment", func(j *JobLine) string { return j.Environment }},
	{"priority", func(j *JobLine) string { return strconv.Itoa(int(j.Priority)) }},
	{"trigger", func(j *JobLine) string { return j.Trigger }},
	{"submitted_by", func(j *JobLine) string { return j.SubmittedBy }},
	{"created_at", func(j *JobLine) string { return cellTime(j.CreatedAt) }},
	{"started_at", func(j *JobLine) string { return cellTime(j.StartedAt) }},
	{"ended_at", func(j *JobLine) string { return cellTime(j.EndedAt) }},
	{"waited_ms", func(j *JobLine) string { return cellNumber(j.WaitedMS) }},
	{"duration_ms", func(j *JobLine) string { return cellNumber(j.DurationMS) }},
	{"progress", func(j *JobLine) string { return strconv.Itoa(j.Progress) }},
	{"attempt", func(j *JobLine) string { return strconv.FormatInt(j.Epoch, 10) }},
	{"end_reason", func(j *JobLine) string { return j.EndReason }},
	{"error_class", func(j *JobLine) string { return string(j.ErrorClass) }},
	{"error_code", func(j *JobLine) string { return j.ErrorCode }},
	{"waiting_reason", func(j *JobLine) string { return string(j.Why) }},
	{"waiting_summary", func(j *JobLine) string { return j.WaitingSummary }},
	{"retry_of", func(j *JobLine) string { return string(j.RetryOf) }},
	{"retried_as", func(j *JobLine) string { return string(j.RetriedAs) }},
}

func (t *jobTable) begin() error {
	head := make([]string, len(jobColumns))
	for i, c := range jobColumns {
		head[i] = c.name
	}
	return t.out.Write(head)
}

func (t *jobTable) write(list []JobLine) error {
	row := make([]string, len(jobColumns))
	for i := range list {
		for k, c := range jobColumns {
			row[k] = cell(c.of(&list[i]))
		}
		if err := t.out.Write(row); err != nil {
			return err
		}
	}
	t.out.Flush()
	return t.out.Error()
}

// cell keeps a text from being a formula for a program that reads the table.
func cell(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r") {
		return "'" + text
	}
	return text
}

func cellTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func cellNumber(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}
