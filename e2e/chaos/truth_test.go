package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// work is a job that says in a file what it does: which job, which execution,
// and where that is. The file is written by whoever executes, one line at a
// time, so its order is the order in which things happened, whatever the store
// believes. The execution's own word is also its result.
const work = `{"metadata":{"name":"chaos"},"nodes":{
 "s":{"node_id":"s","node_type":"StartNode","config":{}},
 "u":{"node_id":"u","node_type":"RandomUUIDNode","config":{"format":"hex"}},
 "v":{"node_id":"v","node_type":"SetVariableNode","config":{"variable_name":"run"}},
 "b":{"node_id":"b","node_type":"AppendFileNode","config":{"file_path":%q,"content":"{{_job_id}} {{run}} begin\n"}},
 "w":{"node_id":"w","node_type":"WaitNode","config":{"duration":%g}},
 "m":{"node_id":"m","node_type":"AppendFileNode","config":{"file_path":%q,"content":"{{_job_id}} {{run}} middle\n"}},
 "x":{"node_id":"x","node_type":"WaitNode","config":{"duration":%g}},
 "d":{"node_id":"d","node_type":"AppendFileNode","config":{"file_path":%q,"content":"{{_job_id}} {{run}} end\n"}},
 "e":{"node_id":"e","node_type":"EndNode","config":{}}},
 "connections":[
 {"source_node":"s","source_port":"exec_out","target_node":"u","target_port":"exec_in"},
 {"source_node":"u","source_port":"exec_out","target_node":"v","target_port":"exec_in"},
 {"source_node":"u","source_port":"result","target_node":"v","target_port":"value"},
 {"source_node":"v","source_port":"exec_out","target_node":"b","target_port":"exec_in"},
 {"source_node":"b","source_port":"exec_out","target_node":"w","target_port":"exec_in"},
 {"source_node":"w","source_port":"exec_out","target_node":"m","target_port":"exec_in"},
 {"source_node":"m","source_port":"exec_out","target_node":"x","target_port":"exec_in"},
 {"source_node":"x","source_port":"exec_out","target_node":"d","target_port":"exec_in"},
 {"source_node":"d","source_port":"exec_out","target_node":"e","target_port":"exec_in"}]}`

func (w *world) truthDir() string {
	dir := filepath.Join(w.dir, "truth")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a folder of the test
		w.t.Fatal(err)
	}
	return dir
}

func (w *world) truthFile() string { return filepath.Join(w.truthDir(), "runs") }

// execution is one run of a job's workflow, as the file tells of it.
type execution struct {
	job, run    string
	first, last int  // lines
	ended       bool // it came to its last node
}

// executions reads what was executed, in the order of the beginnings, by job.
func executions(text string) (map[string][]*execution, error) {
	all, byRun := map[string][]*execution{}, map[string]*execution{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		f := strings.Fields(line)
		if len(f) != 3 {
			return nil, fmt.Errorf("line %d is torn: %q", n, line)
		}
		e := byRun[f[1]]
		if e == nil {
			e = &execution{job: f[0], run: f[1], first: n}
			byRun[f[1]] = e
			all[e.job] = append(all[e.job], e)
		}
		e.last = n
		e.ended = e.ended || f[2] == "end"
	}
	return all, nil
}

// overlaps finds executions of one job of which one did something between two
// deeds of the other (I16).
func overlaps(all map[string][]*execution) []string {
	var out []string
	for job, list := range all {
		for i, a := range list {
			for _, b := range list[i+1:] {
				if b.first < a.last {
					out = append(out, fmt.Sprintf("job %s ran twice at once: %s in lines %d to %d, %s in %d to %d", job, a.run, a.first, a.last, b.run, b.first, b.last))
				}
			}
		}
	}
	return out
}

// started is what the robots wrote down of attempts: how often each was started
// and completed, by job and epoch.
type started struct{ starts, completions map[string]int }

func robotRecords(t testing.TB, robots []*process) started {
	t.Helper()
	out := started{map[string]int{}, map[string]int{}}
	for _, r := range robots {
		f, err := os.Open(r.log)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var said struct {
				Msg   string `json:"msg"`
				Job   string `json:"job_id"`
				Epoch int64  `json:"epoch"`
			}
			if json.Unmarshal(lines.Bytes(), &said) != nil {
				continue // the last words of a killed program
			}
			attempt := fmt.Sprintf("%s.%d", said.Job, said.Epoch)
			switch said.Msg {
			case "job started":
				out.starts[attempt]++
			case "job completed":
				out.completions[attempt]++
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	return out
}

// TestOverlaps shows that the comparison can say no.
func TestOverlaps(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"one after the other": {"j a begin\nj a end\nj b begin\nj b end\n", 0},
		"killed, then again":  {"j a begin\nj a middle\nj b begin\nj b end\n", 0},
		"two jobs":            {"j a begin\nk b begin\nj a end\nk b end\n", 0},
		"at once":             {"j a begin\nj b begin\nj a middle\nj b end\n", 1},
		"inside":              {"j a begin\nj b begin\nj b end\nj a end\n", 1},
	} {
		all, err := executions(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := overlaps(all); len(got) != c.want {
			t.Errorf("%s: %d overlaps %v, want %d", name, len(got), got, c.want)
		}
	}
	if _, err := executions("j a be\nj a\n"); err == nil {
		t.Error("a torn line was taken")
	}
}
