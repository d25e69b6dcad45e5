package placement

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// world reads lines such as
//
//	robot r1 slots=2 taken=1 caps=browser,gpu env=lab status=paused tenant=a pool=web tags=fast fact.mem=16 shared=b
//	job j1 prio=5 needs=gpu env=lab target=r1 refused=r2 tenant=a deadline=5 age=3 wf=w label.team=pay
//	    pool=web tags=fast fact=mem>=16 avoid=r1 prefer=r1:50;pool/web:20 fallback=r1:30;pool/web:60;all end=fail
//	    sticky=hard:key:any tied=r1 usual=r2,r1 only=yes ageing=10 secrets=erp,crm
//	share a weight=300 served=50 seconds=10
//	quota a running=1 most=3 suspended=yes
//	secret erp tenant=a held=j9
//	reservation month-end slots=1 pool=web wf=w label.team=pay atmost=3 inuse=1 lend=yes wanted=yes until=30 tenant=a
//
// Times are in minutes, those of a fallback in seconds. A line that begins with
// a blank goes on with the one before it.
func world(t testing.TB, text string) View {
	v := View{Now: noon, Seed: 1}
	lanes := map[string]int{}
	text = strings.ReplaceAll(text, "\n ", " ")
	for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		w := newWordsOf(t, line, words)
		switch words[0] {
		case "robot":
			v.Robots = append(v.Robots, w.robot())
		case "job":
			lane, job := w.lane(), w.job(int64(n))
			key, err := json.Marshal(lane)
			if err != nil {
				t.Fatal(err)
			}
			i, ok := lanes[string(key)]
			if !ok {
				i = len(v.Lanes)
				lanes[string(key)] = i
				lane.ID = int64(i + 1)
				v.Lanes = append(v.Lanes, lane)
			}
			v.Lanes[i].Waiting++
			v.Lanes[i].Jobs = append(v.Lanes[i].Jobs, job)
		case "share":
			v.Shares = append(v.Shares, Share{Group: words[1], Weight: w.num("weight", 100), Served: float64(w.num("served", 0)), Seconds: float64(w.num("seconds", 0))})
		case "quota":
			v.Quotas = append(v.Quotas, Quota{Tenant: fleet.TenantID(words[1]), Running: w.num("running", 0), Most: w.num("most", 0), Suspended: w.kv["suspended"] != ""})
		case "secret":
			v.Exclusives = append(v.Exclusives, Exclusive{Tenant: fleet.TenantID(w.kv["tenant"]), Name: words[1], Holders: list[fleet.ID](w.kv["held"])})
		case "reservation":
			v.Reservations = append(v.Reservations, w.reservation())
		default:
			t.Fatalf("line %d: %s", n+1, line)
		}
	}
	for i := range v.Lanes { // the store hands lanes out best first
		sortJobs(v.Lanes[i].Jobs)
	}
	return v
}

func sortJobs(jobs []Job) {
	slices.SortStableFunc(jobs, func(a, b Job) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), compareJobs(&a, &b))
	})
}

// wordsOf is one line of a world.
type wordsOf struct {
	t    testing.TB
	line string
	name string
	kv   map[string]string
}

func newWordsOf(t testing.TB, line string, words []string) wordsOf {
	w := wordsOf{t: t, line: line, name: words[1], kv: map[string]string{"env": fleet.DefaultEnvironment, "tenant": "default"}}
	for _, word := range words[2:] {
		k, val, _ := strings.Cut(word, "=")
		w.kv[k] = val
	}
	return w
}

func (w wordsOf) num(k string, def int) int {
	if w.kv[k] == "" {
		return def
	}
	i, err := strconv.Atoi(w.kv[k])
	if err != nil {
		w.t.Fatal(w.line)
	}
	return i
}

func (w wordsOf) set(k string) fleet.Capabilities {
	if w.kv[k] == "" {
		return nil
	}
	set, err := fleet.NewCapabilities(strings.Split(w.kv[k], ",")...)
	if err != nil {
		w.t.Fatal(err)
	}
	return set
}

func list[T ~string](text string) (out []T) {
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		out = append(out, T(part))
	}
	return out
}

// under collects the words of a prefix, such as fact. or label.
func (w wordsOf) under(prefix string) map[string]string {
	var out map[string]string
	for k, v := range w.kv {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = v
		}
	}
	return out
}

func (w wordsOf) robot() Candidate {
	c := Candidate{
		ID: fleet.RobotID(w.name), Tenant: fleet.TenantID(w.kv["tenant"]), SessionEpoch: 1, Environment: w.kv["env"],
		Capabilities: w.set("caps"), Tags: w.set("tags"), Pool: w.kv["pool"], SharedWith: list[fleet.TenantID](w.kv["shared"]),
		Status: fleet.RobotOnline, Taken: w.num("taken", 0), Max: w.num("slots", 1), Strict: w.kv["strict"] != "",
		LastAssigned: noon.Add(-time.Duration(w.num("idle", 0)) * time.Minute), Suspect: w.kv["suspect"] != "",
	}
	if w.kv["status"] != "" {
		c.Status = fleet.RobotStatus(w.kv["status"])
	}
	for name, text := range w.under("fact.") {
		if c.Facts == nil {
			c.Facts = fleet.Facts{}
		}
		text, old, _ := strings.Cut(text, "@") // @5: five minutes old, believed for one
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			value = text
		}
		fact := fleet.Fact{Value: value}
		if old != "" {
			minutes, err := strconv.Atoi(old)
			if err != nil {
				w.t.Fatal(w.line)
			}
			fact.At, fact.MaxAgeSeconds = noon.Add(-time.Duration(minutes)*time.Minute), 60
		}
		c.Facts[name] = fact
	}
	return c
}

var comparison = regexp.MustCompile(`^(not:)?([a-z_]+?)(_in_|_contains_|_version_|_exists_|==|!=|<=|>=|<|>)(.*)$`)

// condition reads mem>=16, not:os==linux, office_version_>=16.0~<17.
func (w wordsOf) condition(text string) fleet.Comparison {
	m := comparison.FindStringSubmatch(text)
	if m == nil {
		w.t.Fatalf("no condition: %s", text)
	}
	c := fleet.Comparison{Fact: m[2], Op: fleet.CompareOp(strings.Trim(m[3], "_"))}
	value := strings.ReplaceAll(m[4], "~", " ")
	if json.Unmarshal([]byte(value), new(any)) == nil {
		c.Value = json.RawMessage(value)
	} else {
		c.Value = json.RawMessage(strconv.Quote(value))
	}
	if m[1] != "" {
		return fleet.Comparison{Not: &c}
	}
	return c
}

// selectorOf reads all, pool/web, tag/fast, cap/gpu, or names of robots.
func selectorOf(text string) fleet.Selector {
	kind, of, ok := strings.Cut(text, "/")
	switch {
	case text == "all":
		return fleet.Selector{All: true}
	case !ok:
		return fleet.Selector{Robots: list[fleet.RobotID](text)}
	case kind == "pool":
		return fleet.Selector{Pools: list[string](of)}
	case kind == "tag":
		return fleet.Selector{Tags: list[string](of)}
	}
	return fleet.Selector{Capabilities: list[string](of)}
}

func (w wordsOf) lane() Lane {
	l := Lane{
		Tenant: fleet.TenantID(w.kv["tenant"]), Environment: w.kv["env"], Strict: w.kv["strict"] != "", Requires: w.set("needs"),
		Target: fleet.RobotID(w.kv["target"]), Group: w.kv["group"],
		AgeStep: time.Duration(w.num("ageing", 0)) * time.Minute,
	}
	p := &l.Placement
	p.Pool, p.Tags, p.Usual, p.OnlyUsual = w.kv["pool"], w.set("tags"), list[fleet.RobotID](w.kv["usual"]), w.kv["only"] != ""
	p.Secrets = list[string](w.kv["secrets"])
	for _, text := range list[string](w.kv["fact"]) {
		p.Facts = append(p.Facts, w.condition(text))
	}
	if w.kv["avoid"] != "" {
		s := selectorOf(w.kv["avoid"])
		p.Avoid = &s
	}
	parts := func(k string, each func(match fleet.Selector, n int)) {
		if w.kv[k] == "" {
			return
		}
		for part := range strings.SplitSeq(w.kv[k], ";") {
			name, num, _ := strings.Cut(part, ":")
			n := 0
			if num != "" {
				n, _ = strconv.Atoi(num)
			}
			each(selectorOf(name), n)
		}
	}
	parts("prefer", func(m fleet.Selector, n int) { p.Prefer = append(p.Prefer, fleet.Preference{Match: m, Weight: n}) })
	parts("fallback", func(m fleet.Selector, n int) {
		p.Fallback = append(p.Fallback, fleet.FallbackStep{Match: m, WaitSeconds: n})
	})
	if w.kv["end"] == "fail" {
		p.Fallback = append(p.Fallback, fleet.FallbackStep{Fail: true})
	}
	if w.kv["sticky"] != "" {
		part := append(strings.Split(w.kv["sticky"], ":"), "", "")
		p.Sticky = &fleet.Sticky{Mode: fleet.StickyMode(part[0]), Key: part[1], Then: fleet.StickyThen(part[2])}
	}
	return l
}

func (w wordsOf) job(seq int64) Job {
	j := Job{
		ID: fleet.ID(w.name), Priority: fleet.Priority(w.num("prio", 10)), Seq: seq,
		AvailableAt: noon.Add(-time.Duration(w.num("age", 0)) * time.Minute), Workflow: fleet.ID(w.kv["wf"]), Tied: fleet.RobotID(w.kv["tied"]), Labels: w.under("label."),
	}
	if w.kv["deadline"] != "" {
		j.Deadline = noon.Add(time.Duration(w.num("deadline", 0)) * time.Minute)
	}
	for _, r := range list[fleet.RobotID](w.kv["refused"]) {
		j.Avoid = append(j.Avoid, Refused{RobotID: r, Until: noon.Add(time.Minute)})
	}
	for _, r := range list[fleet.RobotID](w.kv["had"]) {
		j.Avoid = append(j.Avoid, Refused{RobotID: r, Other: true})
	}
	return j
}

func (w wordsOf) reservation() Reservation {
	r := Reservation{
		ID: fleet.ID(w.name), Name: w.name, Tenant: fleet.TenantID(w.kv["tenant"]), Slots: w.num("slots", 0), InUse: w.num("inuse", 0),
		Lend: w.kv["lend"] != "", Wanted: w.kv["wanted"] != "",
		For: fleet.ReservationFor{Workflows: list[fleet.ID](w.kv["wf"]), Labels: w.under("label.")},
	}
	switch {
	case w.kv["pool"] != "":
		r.Selector.Pools = list[string](w.kv["pool"])
	case w.kv["robots"] != "":
		r.Selector.Robots = list[fleet.RobotID](w.kv["robots"])
	default:
		r.Selector.All = true
	}
	if w.kv["atmost"] != "" {
		p := fleet.Priority(w.num("atmost", 0))
		r.For.PriorityAtMost = &p
	}
	if w.kv["until"] != "" {
		r.Until = noon.Add(time.Duration(w.num("until", 0)) * time.Minute)
	}
	return r
}
