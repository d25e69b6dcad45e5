package auth

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// ticket is a kind of credential that only tests have: a word in a cookie.
type ticket struct{ of Principal }

func (ticket) Knows(text string) bool { return strings.HasPrefix(text, "ticket-") }

func (k ticket) Principal(_ context.Context, c Credential) (Principal, error) {
	if c.Way != WayCookie || c.Secret.Reveal() != "ticket-1" {
		return Principal{}, Unauthenticated()
	}
	return k.of, nil
}

func TestResolve(t *testing.T) {
	f := newKeys(t)
	robot := func() string {
		_, s, err := f.NewRobotKey(t.Context(), Local(), "bot-1", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return s.Reveal()
	}
	bot, rotated := robot(), robot()
	_, ci := f.service(Local(), fleet.RoleViewer, 0)
	_, boss := f.service(Local(), fleet.RoleAdmin, 0)
	guest := newPrincipal("guest", "default", fleet.RoleViewer)
	guest.UserID = "u"
	r := NewResolver(f.Keys, ticket{guest})
	for _, c := range []struct {
		name, want string
		in         Presented
	}{
		{"nothing", "", Presented{}},
		{"ignored in the address", "", Presented{QueryIgnored: true}},
		{"a key in the address that counts", "key deploy", Presented{Query: ci.Reveal()}},
		{"a header goes before the address", "key deploy", Presented{Bearer: ci.Reveal(), Query: boss.Reveal()}},
		{"a wrong header is not saved by the address", "", Presented{Bearer: "-", Query: ci.Reveal()}},
		{"a cookie that was made for it", "guest", Presented{Cookie: "ticket-1"}},
		{"a ticket in a header", "", Presented{Bearer: "ticket-1"}},
		{"a key in the cookie", "", Presented{Cookie: ci.Reveal()}},
		{"a header goes before the cookie", "robot bot-1", Presented{APIKey: bot, Cookie: "ticket-1"}},
		{"a wrong header is not saved by the cookie", "", Presented{APIKey: "x", Cookie: "ticket-1"}},
		{"one robot twice, while its key is changed", "robot bot-1", Presented{Bearer: bot, APIKey: rotated}},
		{"two programs", "", Presented{Bearer: ci.Reveal(), APIKey: boss.Reveal()}},
		{"a good and a bad one", "", Presented{Bearer: ci.Reveal(), APIKey: "x"}},
		{"a bad and a good one", "", Presented{Bearer: "-", APIKey: ci.Reveal()}},
	} {
		p, err := r.Resolve(t.Context(), c.in)
		if p.Name != c.want || (c.want == "") != errors.Is(err, fleet.ErrUnauthenticated) {
			t.Errorf("%s: %q, %v", c.name, p.Name, err)
		}
	}
	if _, err := r.Resolve(t.Context(), Presented{QueryIgnored: true}); !strings.Contains(err.Error(), "address") {
		t.Errorf("who sends a key in the address is not told why it does not count: %v", err)
	}
}
