package bench

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// row is one line of the table: a figure, or the ratio of two.
type row struct {
	Number string  `json:"number"` // of performance.md; empty: only shown
	What   string  `json:"what"`
	Unit   string  `json:"unit"` // of ours and theirs
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs,omitempty"`
	Ratio  float64 `json:"ratio,omitempty"` // median of the rounds' own ratios
	Spread string  `json:"spread,omitempty"`
	Floor  float64 `json:"floor,omitempty"`
	Target float64 `json:"target,omitempty"`
	Less   bool    `json:"less_is_better,omitempty"`
	Below  bool    `json:"below_floor,omitempty"`
}

type report struct {
	At       time.Time         `json:"at"`
	Form     string            `json:"form"`
	Machine  map[string]string `json:"machine"`
	Versions map[string]string `json:"versions"`
	Settings map[string]string `json:"postgresql_settings_changed"`
	Took     map[string]string `json:"took"`
	Rows     []row             `json:"rows"`
	Notes    []string          `json:"notes"` // what bounded a figure
}

func newReport(t *testing.T) *report {
	t.Helper()
	r := &report{
		At: time.Now().UTC(), Took: map[string]string{}, Settings: map[string]string{},
		Form:     fmt.Sprintf("long=%t rounds=%d period=%s backlog=%d history=%d", *long, *rounds, *period, *backlog, *history),
		Machine:  map[string]string{"cores": fmt.Sprint(runtime.NumCPU()), "os": runtime.GOOS + "/" + runtime.GOARCH},
		Versions: map[string]string{"go": runtime.Version(), "commit": said("git", "describe", "--always", "--dirty", "--abbrev=12")},
	}
	r.Machine["cpu"] = field("/proc/cpuinfo", "model name")
	r.Machine["memory"] = field("/proc/meminfo", "MemTotal")
	r.Machine["kernel"] = said("uname", "-r")
	r.Machine["load_at_start"] = strings.Join(strings.Fields(content("/proc/loadavg"))[:min(3, len(strings.Fields(content("/proc/loadavg"))))], " ")
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			switch d.Path {
			case "github.com/riverqueue/river", "github.com/jackc/pgx/v5", "zombiezen.com/go/sqlite":
				r.Versions[d.Path] = d.Version
			}
		}
	}
	return r
}

func content(path string) string {
	data, _ := os.ReadFile(path) // empty where there is none
	return string(data)
}

func field(path, name string) string {
	for line := range strings.Lines(content(path)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

func said(name string, args ...string) string {
	text, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// series is one figure, round by round.
type series []float64

func (s series) median() float64 {
	if len(s) == 0 {
		return 0
	}
	c := slices.Sorted(slices.Values(s))
	if n := len(c); n%2 == 0 {
		return (c[n/2-1] + c[n/2]) / 2
	}
	return c[len(c)/2]
}

// ratio adds a row of ours over theirs, round by round.
func (r *report) ratio(w row, ours, theirs series) {
	var each series
	for i := range min(len(ours), len(theirs)) {
		if theirs[i] > 0 {
			each = append(each, ours[i]/theirs[i])
		}
	}
	w.Ours, w.Theirs, w.Ratio = ours.median(), theirs.median(), each.median()
	if len(each) > 0 {
		w.Spread = fmt.Sprintf("%.2f–%.2f", slices.Min(each), slices.Max(each))
	}
	r.add(w, w.Ratio)
}

// figure adds a row of one figure.
func (r *report) figure(w row, ours series) {
	w.Ours = ours.median()
	if len(ours) > 0 {
		w.Spread = fmt.Sprintf("%.3g–%.3g", slices.Min(ours), slices.Max(ours))
	}
	r.add(w, w.Ours)
}

func (r *report) add(w row, value float64) {
	if w.Floor > 0 && *floors > 0 {
		w.Below = value < w.Floor**floors
		if w.Less {
			w.Below = value > w.Floor / *floors
		}
	}
	r.Rows = append(r.Rows, w)
}

func (r *report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// finish prints the table, writes the files and judges.
func (r *report) finish(t *testing.T) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\nmachine   %v\nversions  %v\nsettings  %v\ntook      %v\n\n", r.Form, r.Machine, r.Versions, r.Settings, r.Took)
	fmt.Fprintf(&b, "%-4s %-62s %12s %12s %8s %-14s %7s %7s\n", "#", "what", "ours", "theirs", "ratio", "spread", "floor", "target")
	for _, w := range r.Rows {
		mark := ""
		if w.Below {
			mark = "  BELOW THE FLOOR"
			t.Errorf("%s %s misses the floor %v", w.Number, w.What, w.Floor)
		}
		fmt.Fprintf(&b, "%-4s %-62s %12s %12s %8s %-14s %7s %7s%s\n", w.Number, w.What+", "+w.Unit, number(w.Ours), number(w.Theirs), number(w.Ratio), w.Spread, number(w.Floor), number(w.Target), mark)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(&b, "-", n)
	}
	fmt.Println(b.String())
	data, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(*out, "report.json"), append(data, '\n'), 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(*out, "report.svg"), []byte(r.svg()), 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

func number(v float64) string {
	switch {
	case v == 0:
		return "–"
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// svg draws a bar for each row that has a target: how far the way to it is gone.
// The thin line is the target, the dashed one the floor.
func (r *report) svg() string {
	const line, left, width = 26, 430, 400
	var b strings.Builder
	rows := slices.DeleteFunc(slices.Clone(r.Rows), func(w row) bool { return w.Target == 0 })
	h := line*len(rows) + 60
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12"><rect width="100%%" height="100%%" fill="#fff"/>`, left+width+90, h)
	fmt.Fprintf(&b, `<text x="10" y="20" font-size="14">Reached of the target (line), floor dashed; %s, commit %s</text>`, html.EscapeString(r.Form), html.EscapeString(r.Versions["commit"]))
	for i, w := range rows {
		y := 36 + i*line
		value := w.Ratio
		if value == 0 {
			value = w.Ours
		}
		share, floor := value/w.Target, w.Floor/w.Target
		if w.Less && value > 0 {
			share, floor = w.Target/value, w.Target/w.Floor
		}
		colour := "#55aa99"
		if share < floor {
			colour = "#ff4444"
		}
		at := func(share float64) float64 { return left + min(share, 2)/2*width }
		fmt.Fprintf(&b, `<text x="10" y="%d">%s</text><rect x="%d" y="%d" width="%.1f" height="16" fill="%s"/>`, y+13, html.EscapeString(w.Number+" "+w.What), left, y, at(share)-left, colour)
		fmt.Fprintf(&b, `<line x1="%[1]d" x2="%[1]d" y1="%[2]d" y2="%[3]d" stroke="#333"/>`, int(at(1)), y-3, y+19)
		fmt.Fprintf(&b, `<line x1="%[1]d" x2="%[1]d" y1="%[2]d" y2="%[3]d" stroke="#333" stroke-dasharray="3"/>`, int(at(floor)), y-3, y+19)
		fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`, left+width+8, y+13, number(value))
	}
	b.WriteString("</svg>\n")
	return b.String()
}
