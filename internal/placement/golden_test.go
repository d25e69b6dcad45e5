package placement

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/casarerpa/fleet/fleet"
)

var update = os.Getenv("UPDATE_GOLDEN") != ""

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TestGolden plans each world of testdata and compares the plan with what is
// written below it. UPDATE_GOLDEN=1 writes it anew: read the diff before
// committing it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := transcript(Plan(world(t, string(archive.Files[0].Data))))
			if update {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("plan differs (-want +got):\n%s", diff)
			}
		})
	}
}

// world reads lines such as
//
//	robot r1 slots=2 taken=1 caps=browser,gpu env=lab status=paused tenant=a
//	job j1 prio=5 needs=gpu env=lab target=r1 avoid=r2 tenant=a deadline=5 age=3
func world(t *testing.T, text string) View {
	v := View{Now: noon, Seed: 1}
	lanes := map[string]int{}
	for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		kv := map[string]string{"env": fleet.DefaultEnvironment, "tenant": "default"}
		for _, w := range words[2:] {
			k, val, _ := strings.Cut(w, "=")
			kv[k] = val
		}
		num := func(k string, def int) int {
			if kv[k] == "" {
				return def
			}
			i, err := strconv.Atoi(kv[k])
			if err != nil {
				t.Fatalf("line %d: %s", n+1, line)
			}
			return i
		}
		caps := func(k string) fleet.Capabilities {
			if kv[k] == "" {
				return nil
			}
			set, err := fleet.NewCapabilities(strings.Split(kv[k], ",")...)
			if err != nil {
				t.Fatal(err)
			}
			return set
		}
		switch words[0] {
		case "robot":
			c := Candidate{
				ID: fleet.RobotID(words[1]), Tenant: fleet.TenantID(kv["tenant"]), SessionEpoch: 1, Environment: kv["env"],
				Capabilities: caps("caps"), Status: fleet.RobotOnline, Taken: num("taken", 0), Max: num("slots", 1),
				LastAssigned: noon.Add(-time.Duration(num("idle", 0)) * time.Minute), Suspect: kv["suspect"] != "",
			}
			if kv["status"] != "" {
				c.Status = fleet.RobotStatus(kv["status"])
			}
			v.Robots = append(v.Robots, c)
		case "job":
			key := strings.Join([]string{kv["tenant"], kv["env"], kv["needs"], kv["target"]}, "|")
			i, ok := lanes[key]
			if !ok {
				i = len(v.Lanes)
				lanes[key] = i
				v.Lanes = append(v.Lanes, Lane{
					ID: int64(i + 1), Tenant: fleet.TenantID(kv["tenant"]), Environment: kv["env"],
					Requires: caps("needs"), Target: fleet.RobotID(kv["target"]),
				})
			}
			j := Job{ID: fleet.ID(words[1]), Priority: fleet.Priority(num("prio", 10)), Seq: int64(n), AvailableAt: noon.Add(-time.Duration(num("age", 0)) * time.Minute)}
			if kv["deadline"] != "" {
				j.Deadline = noon.Add(time.Duration(num("deadline", 0)) * time.Minute)
			}
			if kv["avoid"] != "" {
				for r := range strings.SplitSeq(kv["avoid"], ",") {
					j.Avoid = append(j.Avoid, fleet.RobotID(r))
				}
			}
			v.Lanes[i].Waiting++
			v.Lanes[i].Jobs = append(v.Lanes[i].Jobs, j)
		default:
			t.Fatalf("line %d: %s", n+1, line)
		}
	}
	for i := range v.Lanes { // the store hands lanes out best first
		slices.SortStableFunc(v.Lanes[i].Jobs, func(a, b Job) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
	}
	return v
}

func transcript(assigned []Assignment, refused []Refusal) string {
	var b strings.Builder
	for _, a := range assigned {
		fmt.Fprintf(&b, "%s -> %s\n", a.JobID, a.RobotID)
	}
	for _, r := range refused {
		fmt.Fprintf(&b, "%s waits (%s): %s\n", r.JobID, r.Code, r.Text)
	}
	return b.String()
}
