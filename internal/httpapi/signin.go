package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// The cookies of a browser. The prefix makes browsers keep them to this host,
// to encrypted connections and to the whole of it.
const (
	SignInCookie = "__Host-fleet"
	knownCookie  = "__Host-fleet-known"
)

// LoginBody is a name with its password.
type LoginBody struct {
	Username string `json:"username"`
	Password string `json:"password"`
	TenantID string `json:"tenant_id,omitempty" doc:"The tenant of the account; default if left out."`
}

// SessionBody is a name with its password, or a key.
type SessionBody struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	TenantID string `json:"tenant_id,omitempty" doc:"The tenant of the account; default if left out."`
	Key      string `json:"key,omitempty" doc:"Of a program or a person, in place of all of these: the sign-in may do what the key may, and ends with it."`
}

// RefreshBody is a refresh token.
type RefreshBody struct {
	RefreshToken string `json:"refresh_token"`
}

// Tokens are what a program signs in with from now on.
type Tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token" doc:"Gives the next pair, once."`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in" doc:"Seconds."`
}

// OwnAccount is who is asking, in the words of the original.
type OwnAccount struct {
	UserID  string         `json:"user_id"`
	Roles   []fleet.Role   `json:"roles"`
	Tenant  fleet.TenantID `json:"tenant_id"`
	DevMode bool           `json:"dev_mode"`
}

// SaidSo is a plain word.
type SaidSo struct {
	Message string `json:"message"`
}

// StreamTicket opens one stream.
type StreamTicket struct {
	Ticket    string `json:"ticket" doc:"Opens one stream: as ?ticket=, or after fleet.ticket. in Sec-WebSocket-Protocol."`
	ExpiresIn int64  `json:"expires_in" doc:"Seconds."`
}

// SetupBody makes the first administrator.
type SetupBody struct {
	Token    string `json:"token" doc:"From what the orchestrator showed at its start."`
	Name     string `json:"name"`
	Email    string `json:"email,omitempty"`
	Password string `json:"password" doc:"At least 12 characters."`
}

// PasswordBody changes one's own password.
type PasswordBody struct {
	Current string `json:"current_password"`
	New     string `json:"new_password" doc:"At least 12 characters."`
}

// SessionList is one's own sign-ins.
type SessionList struct {
	Sessions []OwnSession `json:"sessions"`
}

// OwnSession is one sign-in.
type OwnSession struct {
	fleet.SignIn
	Current bool `json:"current" doc:"The one by which this request came."`
}

func (a *API) signInRoutes() {
	at := Base + "/auth"
	route(a, operation{
		method: http.MethodPost, path: at + "/login", id: "auth.login", summary: "Sign in a program; gives an access and a refresh token",
		may: open(), rate: rateSignIn, body: jsonBody[LoginBody](plainBody, true),
	}, a.login)
	route(a, operation{
		method: http.MethodPost, path: at + "/refresh", id: "auth.refresh", summary: "Get the next pair of tokens; a refresh token counts once",
		may: open(), rate: rateSignIn, body: jsonBody[RefreshBody](plainBody, true),
	}, a.refresh)
	route(a, operation{
		method: http.MethodPost, path: at + "/logout", id: "auth.logout", summary: "End the sign-in by which this request comes",
		may: person().orKey(), rate: rateWrite,
	}, a.logout)
	route(a, operation{
		method: http.MethodGet, path: at + "/me", id: "auth.me", summary: "Who is asking, in the words of the original", may: signedIn(), rate: rateRead,
	}, a.ownAccount)
	route(a, operation{
		method: http.MethodPost, path: at + "/session", id: "auth.session", summary: "Sign in a browser, with a password or with a key; sets its cookie",
		may: open(), rate: rateSignIn, body: jsonBody[SessionBody](plainBody, true),
	}, a.browserLogin)
	route(a, operation{
		method: http.MethodPost, path: at + "/ticket", id: "auth.ticket", summary: "Get a ticket that opens one stream within 30 seconds",
		may: person(), rate: rateWrite,
	}, a.ticket)
	route(a, operation{
		method: http.MethodPost, path: at + "/setup", id: "auth.setup", summary: "Make the first administrator, with the token that the orchestrator showed",
		may: open(), rate: rateSignIn, status: http.StatusCreated, body: jsonBody[SetupBody](plainBody, true),
	}, a.setup)
	route(a, operation{
		method: http.MethodPut, path: Base + "/me/password", id: "me.password", summary: "Change one's own password; every other sign-in ends",
		may: person(), rate: rateSignIn, status: http.StatusNoContent, body: jsonBody[PasswordBody](plainBody, true),
	}, a.changePassword)
	route(a, operation{
		method: http.MethodGet, path: Base + "/me/sessions", id: "me.sessions", summary: "List one's own sign-ins", may: person(), rate: rateRead,
	}, a.ownSessions)
	route(a, operation{
		method: http.MethodDelete, path: Base + "/me/sessions/{id}", id: "me.end_session", summary: "End one of one's own sign-ins",
		may: person(), rate: rateWrite, status: http.StatusNoContent,
	}, a.endOwnSession)
}

// loginRequest is what came with a sign-in, from whom.
func loginRequest(ctx context.Context, body LoginBody, kind fleet.SignInKind) auth.LoginRequest {
	c := callOf(ctx)
	return auth.LoginRequest{
		Tenant: fleet.TenantID(body.TenantID), Name: body.Username, Password: auth.NewSecret(body.Password), Kind: kind, Agent: c.agent,
		Known: auth.NewSecret(c.known), Origin: c.origin,
	}
}

type tokensReply struct{ Body Tokens }

func tokensOf(s auth.Session) *tokensReply {
	return &tokensReply{Tokens{
		AccessToken: s.Access.Reveal(), RefreshToken: s.Refresh.Reveal(), TokenType: "bearer", ExpiresIn: int64(s.Expires / time.Second),
	}}
}

func (a *API) login(ctx context.Context, _ *struct{}) (*tokensReply, error) {
	body, err := decode[LoginBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	s, err := a.o.People.Login(ctx, loginRequest(ctx, body, fleet.SignInToken))
	if err != nil {
		return nil, err
	}
	return tokensOf(s), nil
}

func (a *API) refresh(ctx context.Context, _ *struct{}) (*tokensReply, error) {
	body, err := decode[RefreshBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	s, err := a.o.People.Refresh(ctx, auth.NewSecret(body.RefreshToken), callOf(ctx).origin)
	if err != nil {
		return nil, err
	}
	return tokensOf(s), nil
}

type saidReply struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      SaidSo
}

func (a *API) logout(ctx context.Context, _ *struct{}) (*saidReply, error) {
	if err := a.o.People.Logout(ctx, auth.From(ctx)); err != nil {
		return nil, err
	}
	return &saidReply{SetCookie: []http.Cookie{newCookie(SignInCookie, "", -1)}, Body: SaidSo{"Signed out."}}, nil
}

type ownAccountReply struct{ Body OwnAccount }

func (a *API) ownAccount(ctx context.Context, _ *struct{}) (*ownAccountReply, error) {
	p := auth.From(ctx)
	id := string(p.UserID)
	if id == "" {
		id = p.Name
	}
	return &ownAccountReply{OwnAccount{UserID: id, Roles: []fleet.Role{p.Role}, Tenant: p.Tenant, DevMode: a.o.Local}}, nil
}

// newCookie makes one that scripts cannot read and other sites cannot use; a
// negative age takes it away.
func newCookie(name, value string, age time.Duration) http.Cookie {
	seconds := int(age / time.Second)
	if age < 0 {
		seconds = -1
	}
	return http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: seconds}
}

// browserCookies are what a browser keeps of a sign-in.
func browserCookies(s auth.Session) []http.Cookie {
	return []http.Cookie{
		newCookie(SignInCookie, s.Cookie.Reveal(), s.SignIn.EndsAt.Sub(s.SignIn.CreatedAt)),
		newCookie(knownCookie, s.Known.Reveal(), s.KnownFor),
	}
}

type browserReply struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      OwnAccount
}

func (a *API) browserLogin(ctx context.Context, _ *struct{}) (*browserReply, error) {
	body, err := decode[SessionBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if body.Key != "" {
		return a.browserKey(ctx, body)
	}
	s, err := a.o.People.Login(ctx, loginRequest(ctx, LoginBody{Username: body.Username, Password: body.Password, TenantID: body.TenantID}, fleet.SignInBrowser))
	if err != nil {
		return nil, err
	}
	return &browserReply{browserCookies(s), OwnAccount{UserID: string(s.User.ID), Roles: []fleet.Role{s.User.Role}, Tenant: s.User.Tenant}}, nil
}

// browserKey lets a browser in with a key. It gets no second cookie: nobody is
// known by a key.
func (a *API) browserKey(ctx context.Context, body SessionBody) (*browserReply, error) {
	if body.Username != "" || body.Password != "" || body.TenantID != "" {
		return nil, fleet.Invalid("key", "key stands in place of username, password and tenant_id; give one or the other.")
	}
	c := callOf(ctx)
	s, p, err := a.o.People.LoginWithKey(ctx, auth.KeyLogin{Key: auth.NewSecret(body.Key), Agent: c.agent, Origin: c.origin})
	if err != nil {
		return nil, err
	}
	return &browserReply{browserCookies(s)[:1], OwnAccount{UserID: p.Name, Roles: []fleet.Role{p.Role}, Tenant: p.Tenant}}, nil
}

type ticketReply struct{ Body StreamTicket }

func (a *API) ticket(ctx context.Context, _ *struct{}) (*ticketReply, error) {
	ticket, life, err := a.o.People.Ticket(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &ticketReply{StreamTicket{ticket.Reveal(), int64(life / time.Second)}}, nil
}

func (a *API) setup(ctx context.Context, _ *struct{}) (*userReply, error) {
	body, err := decode[SetupBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	u, err := a.o.People.Setup(ctx, auth.NewSecret(body.Token), body.Name, body.Email, auth.NewSecret(body.Password), callOf(ctx).origin)
	if err != nil {
		return nil, err
	}
	return &userReply{Location: Base + "/users/" + string(u.ID), Body: showUser(u)}, nil
}

func (a *API) changePassword(ctx context.Context, _ *struct{}) (*struct{}, error) {
	body, err := decode[PasswordBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return nil, a.o.People.ChangePassword(ctx, auth.From(ctx), auth.NewSecret(body.Current), auth.NewSecret(body.New))
}

type sessionsReply struct{ Body SessionList }

func (a *API) ownSessions(ctx context.Context, _ *struct{}) (*sessionsReply, error) {
	p := auth.From(ctx)
	list, err := a.o.People.SignIns(ctx, p)
	if err != nil {
		return nil, err
	}
	out := make([]OwnSession, len(list))
	for i, s := range list {
		stamp(&s.CreatedAt, &s.SeenAt, &s.EndsAt)
		out[i] = OwnSession{s, s.ID == p.SignInID}
	}
	return &sessionsReply{SessionList{out}}, nil
}

type sessionInput struct {
	ID string `path:"id"`
}

func (a *API) endOwnSession(ctx context.Context, in *sessionInput) (*struct{}, error) {
	id := fleet.ID(in.ID)
	if !id.Valid() {
		return nil, fleet.NotFound("session", in.ID)
	}
	return nil, a.o.People.EndSignIn(ctx, auth.From(ctx), id)
}
