package httpapi

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// An export has every job that matches, also beyond one page, and each once.
func TestJobExport(t *testing.T) {
	w := newWorld(t)
	w.twoTenants()
	const many = fleet.PageMax + 20
	submit := func(as, name string, priority int) fleet.ID {
		a := w.do(as, "POST", "/api/v1/jobs", fmt.Sprintf(`{"workflow_json":%s,"name":%q,"priority":%d}`, doc, name, priority))
		if a.status != 201 {
			t.Fatal(a.body)
		}
		return read[SubmittedJob](w, a).ID
	}
	foreign := submit("acme", "theirs", 3)
	if a := w.do("developer", "POST", "/api/v1/jobs/bulk", `{"jobs":[`+list20(many, fmt.Sprintf(`{"workflow_json":%s,"name":"many"}`, doc))+`]}`); a.status != 200 {
		t.Fatal(a.body)
	}
	evil, other := submit("developer", `=HYPERLINK("x"), a`, 0), submit("developer", "plain", 0)
	lines := func(query string) (out []JobLine) {
		t.Helper()
		a := w.do("viewer", "GET", "/api/v1/jobs/export"+query, "")
		if a.status != 200 || a.header.Get("Content-Type") != "application/x-ndjson" {
			t.Fatalf("%d %s %s", a.status, a.header.Get("Content-Type"), a.body)
		}
		for line := range strings.Lines(a.body) {
			var j JobLine
			w.must(json.Unmarshal([]byte(line), &j))
			out = append(out, j)
		}
		return out
	}
	all := lines("")
	seen := map[fleet.ID]bool{}
	for i, j := range all {
		if seen[j.ID] || j.ID == foreign || j.Trigger == "" || i > 0 && j.CreatedAt.After(all[i-1].CreatedAt) {
			t.Fatalf("row %d: %+v", i, j)
		}
		seen[j.ID] = true
	}
	if len(all) != many+2 {
		t.Errorf("%d of %d jobs", len(all), many+2)
	}
	if got := lines("?priority=0&status=pending"); len(got) != 2 || got[0].ID != other || got[1].ID != evil {
		t.Errorf("by a filter: %+v", got)
	}
	if got := lines("?job_id=" + string(evil) + "," + string(other)); len(got) != 2 || got[0].ID != evil {
		t.Errorf("by their ids: %+v", got)
	}
	if got := lines("?q=nobody"); len(got) != 0 {
		t.Errorf("of none: %+v", got)
	}
	a := w.do("viewer", "GET", "/api/v1/jobs/export?format=csv&priority=0", "")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	w.must(err)
	if len(rows) != 3 || rows[0][0] != "job_id" || rows[2][0] != string(evil) || rows[2][slices.Index(rows[0], "name")] != `'=HYPERLINK("x"), a` || rows[2][1] != "pending" {
		t.Errorf("the table: %q", rows)
	}
	if a := w.do("viewer", "GET", "/api/v1/jobs/export?format=csv&q=nobody", ""); !strings.HasPrefix(a.body, "job_id,status,") || strings.Count(a.body, "\n") != 1 {
		t.Errorf("the table of none: %q", a.body)
	}
	for query, want := range map[string]int{
		"format=xls": 422, "job_id=x": 422, "priority=21": 422, "job_id=" + string(evil) + "&status=failed": 422, "job_id=" + string(foreign): 404,
		"job_id=" + strings.TrimSuffix(strings.Repeat(string(evil)+",", 101), ","): 200, // the same one
	} {
		if a := w.do("viewer", "GET", "/api/v1/jobs/export?"+query, ""); a.status != want {
			t.Errorf("%s: %d %s", clip(query, 60), a.status, clip(a.body, 200))
		}
	}
}
