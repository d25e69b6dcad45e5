package auth

import (
	"context"
	"net/netip"
	"slices"

	"github.com/casarerpa/fleet/fleet"
)

// Presented is what a request brought to say who sends it: texts as they came,
// which may be anything, and where they came from.
type Presented struct {
	Bearer  string // of Authorization
	APIKey  string // of X-Api-Key
	Query   string // of the address, only where that counts
	Cookie  string // of a browser's sign-in
	Ticket  string // opens one stream
	Address netip.Addr
	// Holds says whether the connection showed the certificate of a robot. Nil:
	// robots need none here.
	Holds func(fleet.TenantID, fleet.RobotID) bool
	// QueryIgnored says that the address carried a credential that does not
	// count here, for the answer to somebody who sent nothing else.
	QueryIgnored bool
}

// Any says whether a credential came at all.
func (p Presented) Any() bool {
	return p.Bearer != "" || p.APIKey != "" || p.Query != "" || p.Cookie != "" || p.Ticket != ""
}

// OnlyCookie says that nothing came but what a browser sends by itself.
func (p Presented) OnlyCookie() bool {
	return p.Cookie != "" && p.Bearer == "" && p.APIKey == "" && p.Query == "" && p.Ticket == ""
}

// Way is how a credential came.
type Way int

// The ways. A cookie is sent by browsers without being asked, so only what was
// made for it counts there.
const (
	WayHeader Way = iota
	WayQuery
	WayCookie
	WayTicket
)

// Credential is one text on its way to whoever knows its kind.
type Credential struct {
	Secret  Secret
	Way     Way
	Address netip.Addr // of the client, as far as it can be believed; zero: not known
}

// Kind is one kind of credential.
type Kind interface {
	// Knows says from the text alone, without a look-up, whether it can be of
	// this kind.
	Knows(text string) bool
	// Principal finds whose it is. One that does not count, for whatever reason,
	// is Unauthenticated.
	Principal(ctx context.Context, c Credential) (Principal, error)
}

// Resolver turns what a request presents into a principal. There is one of it,
// and every door asks it.
type Resolver struct{ kinds []Kind }

// NewResolver knows the given kinds; a text belongs to the first that knows it.
func NewResolver(kinds ...Kind) *Resolver { return &Resolver{kinds} }

// Resolve finds whose request it is. If both headers are there they must mean
// the same principal with the same rights. Headers go before the address, and
// that before the cookie; what is not asked is not looked at.
//
// Where robots need a certificate, the key of one counts only with its own.
func (r *Resolver) Resolve(ctx context.Context, in Presented) (Principal, error) {
	p, err := r.resolve(ctx, in)
	if err == nil && p.RobotID != "" && in.Holds != nil && !in.Holds(p.Tenant, p.RobotID) {
		return Principal{}, fleet.Errorf(fleet.CodeForbidden, "robot_certificate", "The key of robot %s counts only together with its certificate.", p.RobotID).
			WithFix("Start the robot with --client-cert and --client-key.")
	}
	return p, err
}

func (r *Resolver) resolve(ctx context.Context, in Presented) (Principal, error) {
	switch {
	case in.Bearer != "" && in.APIKey != "" && in.Bearer != in.APIKey:
		return r.both(ctx, in)
	case in.Bearer != "":
		return r.one(ctx, in, in.Bearer, WayHeader)
	case in.APIKey != "":
		return r.one(ctx, in, in.APIKey, WayHeader)
	case in.Query != "":
		return r.one(ctx, in, in.Query, WayQuery)
	case in.Ticket != "":
		return r.one(ctx, in, in.Ticket, WayTicket)
	case in.Cookie != "":
		return r.one(ctx, in, in.Cookie, WayCookie)
	case in.QueryIgnored:
		return Principal{}, fleet.Errorf(fleet.CodeUnauthenticated, "query_credential",
			"Credentials in the address do not count here.").
			WithFix("Send the key as 'Authorization: Bearer KEY' or as 'X-Api-Key: KEY'; or let the orchestrator take it with --compat-query-tokens.")
	}
	return Principal{}, Unauthenticated()
}

func (r *Resolver) one(ctx context.Context, in Presented, text string, way Way) (Principal, error) {
	for _, kind := range r.kinds {
		if kind.Knows(text) {
			return kind.Principal(ctx, Credential{NewSecret(text), way, in.Address})
		}
	}
	return Principal{}, Unauthenticated()
}

// both asks for each header, and gives the principal of the first.
func (r *Resolver) both(ctx context.Context, in Presented) (Principal, error) {
	p, err := r.one(ctx, in, in.Bearer, WayHeader)
	if err != nil {
		return Principal{}, err
	}
	q, err := r.one(ctx, in, in.APIKey, WayHeader)
	if err != nil {
		return Principal{}, err
	}
	if p.Tenant != q.Tenant || p.Actor() != q.Actor() || !slices.Equal(p.permissions, q.permissions) {
		return Principal{}, fleet.Errorf(fleet.CodeUnauthenticated, "unauthenticated",
			"Authorization and X-Api-Key mean different principals.").WithFix("Send one of them, or the same key in both.")
	}
	return p, nil
}
