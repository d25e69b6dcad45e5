package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// An answer speaks of every open step, once, and of nothing else.
func TestDecideSettlesSteps(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := runningJob(DefaultRetry(), now)
	s.Job.State = NeedsDecision
	open := []Effect{
		{JobID: "j", Node: "pay", Key: "pay[1]", Epoch: 1, State: EffectOpen},
		{JobID: "j", Node: "pay", Key: "pay[2]", Epoch: 1, State: EffectOpen},
		{JobID: "j", Node: "post", Key: "post", Epoch: 1, State: EffectOpen},
	}
	type answers = []EffectAnswer
	for name, tt := range map[string]struct {
		do   string
		say  answers
		want string // what becomes of the three, or the error
	}{
		"nothing said":         {"retry", nil, "failed failed failed"},
		"end without a word":   {"fail", nil, ""},
		"end with a word":      {"complete", answers{{Node: "pay", Done: true}, {Node: "post"}}, "done done failed"},
		"by node":              {"retry", answers{{Node: "pay", Done: true}, {Node: "post"}}, "done done failed"},
		"by key":               {"retry", answers{{Node: "pay", Key: "pay[1]", Done: true}, {Node: "pay", Key: "pay[2]"}, {Node: "post", Done: true}}, "done failed done"},
		"one left out":         {"retry", answers{{Node: "pay", Done: true}}, "it says nothing of post"},
		"one twice":            {"retry", answers{{Node: "pay", Done: true}, {Node: "pay", Key: "pay[2]"}, {Node: "post"}}, "more than once whether pay (pay[2])"},
		"not open":             {"retry", answers{{Node: "pay"}, {Node: "post"}, {Node: "mail"}}, "The step mail is not open"},
		"no such key":          {"retry", answers{{Node: "pay"}, {Node: "post", Key: "post#2"}}, "nothing of post"},
		"outputs of nothing":   {"retry", answers{{Node: "pay"}, {Node: "post", Outputs: []byte(`{}`)}}, "was not done has no outputs"},
		"outputs that are not": {"retry", answers{{Node: "pay"}, {Node: "post", Done: true, Outputs: []byte(`[1]`)}}, "must be an object"},
		"null":                 {"retry", answers{{Node: "pay"}, {Node: "post", Done: true, Outputs: []byte(`null`)}}, "must be an object"},
		"outputs too large":    {"retry", answers{{Node: "pay"}, {Node: "post", Done: true, Outputs: []byte(`{"a":"` + strings.Repeat("x", MaxEffectOutcome) + `"}`)}}, "may have 65536 bytes"},
	} {
		m, err := s.Decide(Decision{By: "ada", Do: tt.do, Reason: "looked", Effects: tt.say}, open, now)
		if err != nil {
			if !strings.Contains(err.Error(), tt.want) || tt.want == "" {
				t.Errorf("%s: %v", name, err)
			}
			if conflict := name == "not open"; errors.Is(err, ErrConflict) != conflict {
				t.Errorf("%s: %v has the wrong code", name, err)
			}
			continue
		}
		var got []string
		for _, e := range m.Effects {
			got = append(got, string(e.State))
			if e.EndedAt != now || e.Epoch != 1 {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
	}
	if open[0].State != EffectOpen {
		t.Error("what the caller holds was changed")
	}
	m, err := s.Decide(Decision{By: "ada", Do: "retry", Reason: "x", Effects: answers{{Node: "pay", Done: true}, {Node: "post", Done: false}}}, open, now)
	if err != nil {
		t.Fatal(err)
	}
	if told, _ := m.Event.Data["steps_done"].([]string); strings.Join(told, ",") != "pay (pay[1]),pay (pay[2])" {
		t.Errorf("%v", m.Event.Data)
	}
	if told, _ := m.Event.Data["steps_not_done"].([]string); strings.Join(told, ",") != "post" {
		t.Errorf("%v", m.Event.Data)
	}
}
