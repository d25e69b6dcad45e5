package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// teller shows how a job goes: log lines as they come and, on a terminal, a bar
// below them that overwrites itself. Without a terminal a plain line says now
// and then how far it is. Safe for concurrent use; call end when it is over.
type teller struct {
	sh    *shell
	bar   bool
	plain time.Duration // pause between plain lines; 0: none at all
	mu    sync.Mutex
	shown bool // the bar is on the screen
	last  time.Time
	now   func() time.Time

	percent int
	text    string
}

// newTeller says nothing about progress with quiet, which is for callers that
// asked for the result alone.
func newTeller(sh *shell, quiet bool) *teller {
	t := &teller{sh: sh, bar: sh.terminal && !quiet, now: time.Now}
	if !quiet {
		t.plain = 5 * time.Second
	}
	t.last = t.now()
	return t
}

// line prints a whole line; the bar moves below it.
func (t *teller) line(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hide()
	fmt.Fprintln(t.sh.err, text)
	t.draw()
}

// log prints a line of a job's log.
func (t *teller) log(at time.Time, level, message string) {
	level = strings.ToLower(level)
	mark := ""
	switch level {
	case "debug":
		mark = colour(t.sh.paintErr, faint, "debug ")
	case "warning", "warn":
		mark = colour(t.sh.paintErr, yellow, "warning ")
	case "error", "critical":
		mark = colour(t.sh.paintErr, red, level+" ")
	}
	t.line(colour(t.sh.paintErr, faint, stamp(at)) + "  " + mark + clean(message))
}

// set takes the newest reading.
func (t *teller) set(percent int, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text = clip(clean(text), 40)
	if percent == t.percent && text == t.text {
		return
	}
	t.percent, t.text = min(max(percent, 0), 100), text
	if t.bar {
		t.draw()
		return
	}
	if now := t.now(); t.plain > 0 && now.Sub(t.last) >= t.plain {
		t.last = now
		fmt.Fprintln(t.sh.err, strings.TrimSpace(fmt.Sprintf("%d%% done  %s", t.percent, t.text)))
	}
}

// end takes the bar away.
func (t *teller) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hide()
	t.bar, t.plain = false, 0
}

func (t *teller) hide() {
	if t.shown {
		fmt.Fprint(t.sh.err, "\r\x1b[K")
		t.shown = false
	}
}

// draw writes the bar in one piece, never wider than the terminal.
func (t *teller) draw() {
	if !t.bar || t.text == "" && t.percent == 0 {
		return
	}
	width := min(30, max(10, t.sh.width-50))
	full := t.percent * width / 100
	bar := strings.Repeat("█", full) + strings.Repeat("░", width-full)
	text := clip(t.text, max(0, t.sh.width-width-8))
	fmt.Fprintf(t.sh.err, "\r\x1b[K%s %3d%% %s", colour(t.sh.paintErr, cyan, bar), t.percent, text)
	t.shown = true
}
