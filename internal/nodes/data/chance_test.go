package data_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/nodes/data"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// fixed is a host with a clock that stands and chance that repeats itself.
type fixed struct {
	engine.Host
	now  time.Time
	seed uint64
}

func (f fixed) Now() time.Time   { return f.now }
func (f fixed) Rand() *rand.Rand { return rand.New(rand.NewPCG(f.seed, 1)) }

// types loads the catalog once for all tests with a host of their own.
var types = sync.OnceValues(catalog.Load)

// on runs a node with a host of the test's own.
func on(t *testing.T, host engine.Host, typ string, cfg m) (*value.Map, error) {
	t.Helper()
	cat, err := types()
	if err != nil {
		t.Fatal(err)
	}
	spec, ok := cat.Type(typ)
	if !ok {
		t.Fatalf("no type %s", typ)
	}
	config := value.FromGo(cfg).(*value.Map)
	engine.Prepare(cat, spec, config)
	out, err := engine.VisitOne(t.Context(), engine.Single{
		Node: data.Nodes()[typ], NodeID: "node", Type: typ, Spec: spec, Config: config, Host: host,
	})
	return out.Outputs, err
}

func get(t *testing.T, out *value.Map, port string) any {
	t.Helper()
	v, ok := out.Get(port)
	if !ok {
		t.Fatalf("no output %s in %s", port, out)
	}
	return v
}

func TestRandomNumber(t *testing.T) {
	seen := map[any]bool{}
	for seed := range uint64(200) {
		out, err := on(t, fixed{seed: seed}, "RandomNumberNode", m{"min_value": 3, "max_value": "1", "integer_only": true})
		if err != nil {
			t.Fatal(err)
		}
		n := get(t, out, "result")
		if i, ok := n.(int64); !ok || i < 1 || i > 3 {
			t.Fatalf("%v is not between 1 and 3", n)
		}
		seen[n] = true
	}
	if len(seen) != 3 {
		t.Errorf("both ends must be possible, seen %v", seen)
	}
	out, err := on(t, fixed{seed: 7}, "RandomNumberNode", m{})
	if f, ok := get(t, out, "result").(float64); err != nil || !ok || f < 0 || f > 100 {
		t.Errorf("%s, %v", out, err)
	}
	for _, cfg := range []m{{"min_value": "x"}, {"max_value": 1e300, "integer_only": true}} {
		if out, err := on(t, fixed{}, "RandomNumberNode", cfg); err == nil {
			t.Errorf("%v: %s", cfg, out)
		}
	}
}

func TestRandomChoice(t *testing.T) {
	abc := l{"a", "b", "c"}
	for seed := range uint64(20) {
		host := fixed{seed: seed}
		out, err := on(t, host, "RandomChoiceNode", m{"items": abc})
		if err != nil || abc[get(t, out, "index").(int64)] != get(t, out, "result") {
			t.Fatalf("%s, %v", out, err)
		}
		out, err = on(t, host, "RandomChoiceNode", m{"items": abc, "count": 2})
		picked, _ := get(t, out, "result").([]any)
		if err != nil || len(picked) != 2 || picked[0] == picked[1] || get(t, out, "index") != int64(-1) {
			t.Fatalf("%s, %v", out, err)
		}
		out, _ = on(t, host, "RandomChoiceNode", m{"items": abc, "count": 9})
		if picked, _ = get(t, out, "result").([]any); len(picked) != 3 {
			t.Fatalf("a sample is no larger than the list: %v", picked)
		}
		out, _ = on(t, host, "RandomChoiceNode", m{"items": abc, "count": 9, "allow_duplicates": true})
		if picked, _ = get(t, out, "result").([]any); len(picked) != 9 {
			t.Fatalf("%v", picked)
		}
	}
	if _, err := on(t, fixed{}, "RandomChoiceNode", m{"items": l{}}); err == nil || err.Error() != "items list cannot be empty" {
		t.Errorf("empty list: %v", err)
	}
}

func TestRandomString(t *testing.T) {
	for _, test := range []struct {
		cfg  m
		want string
	}{
		{m{}, `^[A-Za-z0-9]{8}$`},
		{m{"length": "20", "include_uppercase": false, "include_digits": "false"}, `^[a-z]{20}$`},
		{m{"length": 30, "custom_chars": "äx"}, `^[äx]{30}$`},
		{m{"length": 5, "include_uppercase": false, "include_lowercase": false, "include_digits": false, "include_special": true}, `^[!-/:-@\[-` + "`" + `{-~]{5}$`},
		{m{"length": 5, "include_uppercase": false, "include_lowercase": false, "include_digits": false}, `^[A-Za-z0-9]{5}$`},
		{m{"length": -1}, `^$`},
	} {
		out, err := on(t, fixed{seed: 3}, "RandomStringNode", test.cfg)
		if err != nil || !regexp.MustCompile(test.want).MatchString(get(t, out, "result").(string)) {
			t.Errorf("%v: %s, %v", test.cfg, out, err)
		}
	}
	if _, err := on(t, fixed{}, "RandomStringNode", m{"length": 1 << 40}); err == nil {
		t.Error("a text of a terabyte was made")
	}
}

func TestRandomUUID(t *testing.T) {
	host := fixed{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), seed: 5}
	for _, test := range []struct {
		cfg  m
		want string
	}{
		{m{}, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
		{m{"format": "hex"}, `^[0-9a-f]{12}4[0-9a-f]{19}$`},
		{m{"format": "urn", "version": "4"}, `^urn:uuid:[0-9a-f-]{36}$`},
		{m{"version": 1}, `^[0-9a-f]{8}-[0-9a-f]{4}-11f0-[89ab][0-9a-f]{3}-[0-9a-f][13579bdf][0-9a-f]{10}$`},
	} {
		out, err := on(t, host, "RandomUUIDNode", test.cfg)
		if err != nil || !regexp.MustCompile(test.want).MatchString(get(t, out, "result").(string)) {
			t.Errorf("%v: %s, %v", test.cfg, out, err)
		}
	}
}

func TestShuffle(t *testing.T) {
	list := l{}
	for i := range 50 {
		list = append(list, i)
	}
	out, err := on(t, fixed{seed: 9}, "ShuffleListNode", m{"items": list})
	if err != nil {
		t.Fatal(err)
	}
	shuffled := get(t, out, "result").([]any)
	if value.Equal(shuffled, value.FromGo(list)) || len(shuffled) != 50 {
		t.Errorf("not shuffled: %v", shuffled)
	}
	if err := value.Sort(shuffled, false); err != nil || !value.Equal(shuffled, value.FromGo(list)) {
		t.Errorf("items were lost: %v", shuffled)
	}
	out, err = on(t, fixed{}, "ShuffleListNode", m{"items": "ab"})
	letters := get(t, out, "result").([]any)
	if err != nil || !slices.Contains(letters, any("a")) || len(letters) != 2 {
		t.Errorf("%v, %v", letters, err)
	}
	if _, err = on(t, fixed{}, "ShuffleListNode", m{"items": 5}); err == nil || !strings.Contains(err.Error(), "not iterable") {
		t.Errorf("number: %v", err)
	}
}
