package stream

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// pages keeps the frames that a reader was sent.
type pages struct{ sent [][]byte }

func (p *pages) frame(_ context.Context, _, _ string, data []byte) error {
	p.sent = append(p.sent, data)
	return nil
}

func (p *pages) end(int, string, string) {}

// FuzzWish says anything on an open stream: each word has one answer, which is
// JSON and short; what is refused changes nothing, and what is granted is what
// there is and the reader may see.
func FuzzWish(f *testing.F) {
	for _, text := range []string{
		"ping", " ping\n", "", "{}", "null", "[]", `{"t":"ping"}`, `{"t":"sub"}`, `{"t":"sub","topics":["robots","jobs","robots",""]}`,
		`{"t":"sub","topics":["job:a","bulk:","queues:x","log"]}`, `{"t":"sub","topics":["robots"],"filter":{"environment":["lab"]}}`,
		`{"t":"sub","topics":null,"topics":["jobs"]}`, `{"t":"\ud800","topics":[1]}`, "{\"t\":\"\xff\"}", strings.Repeat("[", 300), `{"t":"sub","topics":["` + strings.Repeat("x", 300) + `"]}`,
	} {
		f.Add(true, []byte(text))
	}
	who := auth.Principal{Tenant: "default", Role: fleet.RoleViewer, Environments: []string{"lab"}}
	f.Fuzz(func(t *testing.T, text bool, data []byte) {
		out := &pages{}
		first := []string{topicRobots}
		rd := &reader{out: out, f: filter{topics: first, who: who, most: 4}}
		w := readWish(text, data)
		for _, topic := range w.Topics {
			if strings.HasPrefix(topic, topicLog+":") {
				return // a log is looked up in the store, which the tests of streams do
			}
		}
		if err := rd.wish(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if len(out.sent) != 1 || len(out.sent[0]) > 2000+len(data) || !utf8.Valid(out.sent[0]) {
			t.Fatalf("%q is answered %q", data, out.sent)
		}
		var got struct {
			T      string   `json:"t"`
			Topics []string `json:"topics"`
		}
		if err := json.Unmarshal(out.sent[0], &got); err != nil {
			t.Fatalf("%q is answered %q", data, out.sent)
		}
		switch got.T {
		case "pong", "error":
			if !reflect.DeepEqual(rd.f.topics, first) || rd.f.envs != nil {
				t.Errorf("%q left %v, %v", data, rd.f.topics, rd.f.envs)
			}
		case "sub":
			if len(rd.f.topics) == 0 || len(rd.f.topics) > 4 || !reflect.DeepEqual(got.Topics, rd.f.topics) {
				t.Errorf("%q: %v, told %v", data, rd.f.topics, got.Topics)
			}
			for _, topic := range rd.f.topics {
				if need, ok := needs(topic); !ok || who.Require(need) != nil {
					t.Errorf("%q: topic %q", data, topic)
				}
			}
			if rd.f.sees("prod") {
				t.Errorf("%q shows another environment", data)
			}
		default:
			t.Errorf("%q is answered %s", data, out.sent[0])
		}
	})
}
