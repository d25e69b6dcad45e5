package bench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/cli"
)

// role is the variable that makes this program one of those that a run needs.
const role = "FLEET_BENCH_ROLE"

var (
	long     = flag.Bool("long", false, "all rows with long rounds; otherwise the everyday rows in two minutes")
	only     = flag.String("only", "", "names of the parts to run, with commas; empty: those of the form")
	rounds   = flag.Int("rounds", 3, "rounds of each figure; their median counts")
	period   = flag.Duration("period", 0, "how long a round measures; 0: 2s, or 10s in the long form")
	backlog  = flag.Int("backlog", 0, "pending jobs of the largest backlog; 0: 100000, or 1000000 in the long form")
	history  = flag.Int("history", 0, "finished jobs of the long history; 0: 1000000, or 10000000 in the long form")
	floors   = flag.Float64("floors", 0, "fail below this share of a floor: 1 at home, 0.5 on shared machines; 0: never")
	out      = flag.String("out", ".", "folder of report.json and report.svg")
	ways     = flag.String("ways", "", "names of the ways of the part cycles to run, with commas; empty: all of the form")
	binary   = flag.String("program", "", "path of a fleet that was built already; empty: build it")
	profiles = flag.String("profiles", "", "folder in which the part profile leaves profiles and statistics")
)

func TestMain(m *testing.M) {
	switch name := os.Getenv(role); name {
	case "":
		m.Run()
		if built != "" {
			_ = os.RemoveAll(built) // a temporary folder
		}
	case "robots":
		end(robotsMain())
	case "clients":
		end(clientsMain())
	case "node":
		end(nodeMain())
	default:
		end(fmt.Errorf("%s is no role", name))
	}
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// nodeMain is fleet serve with a profile of its processor time.
func nodeMain() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := os.Create(os.Getenv("FLEET_BENCH_PROFILE"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	args := strings.Split(os.Getenv("FLEET_BENCH_ARGS"), "\n")
	if code := cli.Main(ctx, args, cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.Getenv); code != 0 {
		return fmt.Errorf("fleet serve ended with %d", code)
	}
	return nil
}

// part is some rows of the table that are measured together.
type part struct {
	name  string
	short bool // also in the everyday form
	run   func(t *testing.T, r *report)
}

var parts = []part{
	{"cycles", true, cycles},
	{"core", true, core},
	{"latency", true, latency},
	{"submit", false, submitBeside},
	{"dispatch", false, dispatchBeside},
	{"history", false, historyPages},
	{"nodes", false, twoNodes},
	{"failover", false, failOver},
	{"profile", false, profile},
}

// tell says how far the run is.
func tell(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// TestBench is the run.
func TestBench(t *testing.T) {
	set(period, 2*time.Second, 10*time.Second)
	set(backlog, 100_000, 1_000_000)
	set(history, 1_000_000, 10_000_000)
	r := newReport(t)
	for _, p := range parts {
		asked := *only != "" && strings.Contains(","+*only+",", ","+p.name+",")
		if !asked && (*only != "" || p.name == "profile" || !p.short && !*long) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			start := time.Now()
			tell("%s", p.name)
			p.run(t, r)
			r.Took[p.name] = time.Since(start).Round(time.Second).String()
		})
	}
	r.finish(t)
}

func set[T comparable](to *T, short, whole T) {
	var zero T
	switch {
	case *to != zero:
	case *long:
		*to = whole
	default:
		*to = short
	}
}
