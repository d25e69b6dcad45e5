package httpapi

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/caller"
)

// requestTime bounds every request that is no stream.
const requestTime = 45 * time.Second

// guard is what stands before the handler of an operation: body, credential,
// permission, rate.
func (a *API) guard(o *operation, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		c := callOf(ctx)
		if !o.stream {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, requestTime)
			defer cancel()
		}
		if o.patience > 0 {
			c.until = time.Now().Add(o.patience)
		} else {
			if err := a.writable(o); err != nil {
				a.writeProblem(w, a.problem(ctx, err))
				return
			}
		}
		leave, err := a.enter(o)
		if err != nil {
			a.writeProblem(w, a.problem(ctx, err))
			return
		}
		defer leave()
		if err := a.limitBody(o, w, r); err != nil {
			a.writeProblem(w, a.problem(ctx, err))
			return
		}
		var p auth.Principal
		err = a.patiently(ctx, func() (err error) { p, err = a.authenticate(r.WithContext(ctx), o.may); return err })
		if o.may.self && errors.Is(err, fleet.ErrUnauthenticated) && a.o.Keys.WasRobots(ctx, caller.Of(r), fleet.RobotID(r.PathValue("id"))) {
			err = fleet.NotFound("robot", r.PathValue("id"))
		}
		if err != nil {
			if o.away != nil && errors.Is(err, fleet.ErrUnavailable) {
				o.away(w, r)
				return
			}
			if over := a.limitStranger(w, r); over != nil {
				err = over
			}
			a.writeProblem(w, a.problem(ctx, err))
			return
		}
		c.who = p.Name
		if err := mayPass(o, p); err != nil {
			a.writeProblem(w, a.problem(ctx, err))
			return
		}
		if p, err = a.acting(o, r, p); err != nil {
			a.writeProblem(w, a.problem(ctx, err))
			return
		}
		if o.may.permission != "" {
			if err := o.may.allows(p, r); err != nil {
				a.denied(ctx, o, p)
				a.writeProblem(w, a.problem(ctx, err))
				return
			}
		}
		if err := a.limitRate(o, w, r, p); err != nil {
			a.writeProblem(w, a.problem(ctx, err))
			return
		}
		if err := a.limitPage(o, r); err != nil {
			a.writeProblem(w, a.problem(ctx, err))
			return
		}
		if c.body, err = a.readBody(o, r); err != nil {
			a.writeProblem(w, a.problem(ctx, err))
			return
		}
		r = r.WithContext(auth.With(ctx, p))
		if view := a.dashboardView(o); view != nil && isDashboard(r) {
			if err := view(w, r); err != nil {
				a.writeProblem(w, a.problem(ctx, err))
			}
			return
		}
		next(w, r)
	})
}

// mayPass holds what is no matter of permissions: a ticket opens a stream and
// nothing else, and some things only a person can do.
func mayPass(o *operation, p auth.Principal) error {
	switch {
	case p.Ticket && !o.stream:
		return auth.Unauthenticated()
	case o.may.person && p.UserID == "" && (!o.may.session || p.SignInID == ""):
		if p.Tenant == "" {
			return auth.Unauthenticated()
		}
		return fleet.Errorf(fleet.CodeForbidden, "not_signed_in", "Only a person who signed in can do this; %s is none.", p.Name).
			WithFix("Sign in with a name and a password: POST " + Base + "/auth/login.")
	}
	return nil
}

// allows asks for the permission; a robot's own key stands for it where the
// operation is about that robot.
func (a access) allows(p auth.Principal, r *http.Request) error {
	if a.holder && p.RobotID != "" {
		return p.Require(fleet.RobotsConnect)
	}
	if !a.self || p.RobotID == "" {
		if a.permission == fleet.RobotsConnect && p.Tenant != "" {
			if err := robotKey(p); err != nil {
				return err
			}
		}
		return p.Require(a.permission)
	}
	id := fleet.RobotID(r.PathValue("id"))
	if id == "" { // the body names it
		id = p.RobotID
	}
	return p.Itself(id)
}

// patiently does something again while the store is away, for as long as the
// operation is held.
func (a *API) patiently(ctx context.Context, do func() error) error {
	until := callOf(ctx).until
	for {
		var err error
		if a.o.Writable != nil && !until.IsZero() {
			err = a.o.Writable() // or each try would wait for the store in vain
		}
		if err == nil {
			err = do()
		}
		if err == nil || !errors.Is(err, fleet.ErrUnavailable) || !time.Now().Before(until) {
			return err
		}
		timer := time.NewTimer(min(250*time.Millisecond, time.Until(until)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// writable refuses what changes something while nothing can be committed: at
// once, before the look-up of the key would wait for the store in vain.
func (a *API) writable(o *operation) error {
	if a.o.Writable == nil || o.method == http.MethodGet || o.reads {
		return nil
	}
	return a.o.Writable()
}

// limitBody refuses what is declared too large or of a wrong type, before a
// byte of it is read.
func (a *API) limitBody(o *operation, w http.ResponseWriter, r *http.Request) error {
	limit := a.bytesOf(o.body.limit)
	if r.ContentLength == 0 {
		return nil
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return unsupported("Content-Encoding", enc, "Send the body as it is.")
	}
	if limit > 0 && r.ContentLength > limit && !o.cut {
		return tooLarge(limit)
	}
	if o.body.limit == noBody {
		r.Body = http.MaxBytesReader(w, r.Body, int64(a.o.Limits.Body)) // read and thrown away by net/http
		return nil
	}
	sent := r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(sent)
	charset := strings.ToLower(params["charset"])
	if err != nil || !slices.Contains(o.body.contentTypes(), media) || (charset != "" && charset != "utf-8") {
		return unsupported("Content-Type", sent, "Send 'Content-Type: "+o.body.contentTypes()[0]+"'.")
	}
	if o.cut {
		return nil // readBody heeds it
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	return nil
}

// limitPage holds a list to its length. Whether the number is one is huma's to say.
func (a *API) limitPage(o *operation, r *http.Request) error {
	if !o.paged {
		return nil
	}
	most := a.o.Limits.Page * max(o.times, 1)
	if n, err := strconv.Atoi(r.URL.Query().Get(limitParam)); err == nil && n > most {
		return fleet.Invalid(limitParam, "limit must be between 1 and %d; got %d.", most, n)
	}
	return nil
}

func tooLarge(limit int64) error {
	e := fleet.Errorf(fleet.CodeInvalid, "too_large", "The body of this request may have at most %d bytes.", limit)
	e.Status = http.StatusRequestEntityTooLarge
	return e
}

func unsupported(header, value, fix string) error {
	e := fleet.Errorf(fleet.CodeInvalid, "unsupported_type", "%s %q is not taken here.", header, clip(value, 80))
	e.Status = http.StatusUnsupportedMediaType
	return e.WithFix(fix)
}

// readBody reads the whole body of an operation that has one.
func (a *API) readBody(o *operation, r *http.Request) ([]byte, error) {
	if o.body.limit == noBody {
		return nil, nil
	}
	var body []byte
	var err error
	if o.cut {
		if body, err = io.ReadAll(io.LimitReader(r.Body, a.bytesOf(o.body.limit))); err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
	} else if n := r.ContentLength; n > 0 {
		body = make([]byte, n)
		_, err = io.ReadFull(r.Body, body)
	} else if n < 0 {
		body, err = io.ReadAll(r.Body)
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge(over.Limit)
	case err != nil:
		e := fleet.Errorf(fleet.CodeInvalid, "unreadable", "The body of the request broke off.")
		e.Status = http.StatusBadRequest
		return nil, e
	case len(body) == 0 && o.body.required:
		e := fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "The request needs a body.")
		e.Status = http.StatusBadRequest
		return nil, e
	}
	return body, nil
}

// authenticate turns what a request presents into a principal. A credential
// that does not count is refused also where none is needed.
func (a *API) authenticate(r *http.Request, may access) (auth.Principal, error) {
	in := caller.Of(r)
	if !in.Any() {
		switch {
		case a.o.Local:
			return a.localDeveloper(r, in), nil
		case may.open:
			return auth.Principal{}, nil
		}
	}
	p, err := a.o.Auth.Resolve(r.Context(), in)
	if err != nil && may.open && in.OnlyCookie() && errors.Is(err, fleet.ErrUnauthenticated) {
		return auth.Principal{}, nil // a browser sends it whether it counts or not
	}
	if err != nil && may.whatever {
		return auth.Principal{}, nil
	}
	if err != nil {
		return p, err
	}
	p.Origin = origin(r, in)
	return p, nil
}

// localDeveloper is whoever asks without a credential where none is needed.
func (a *API) localDeveloper(r *http.Request, in auth.Presented) auth.Principal {
	p := auth.Local()
	p.Origin, p.Generation = origin(r, in), a.o.Keys.Generation()
	return p
}

// origin says for the audit where a request came from.
func origin(r *http.Request, in auth.Presented) auth.Origin {
	o := auth.Origin{RequestID: callOf(r.Context()).requestID, Reason: clip(r.Header.Get("X-Audit-Reason"), 500)}
	if in.Address.IsValid() {
		o.Address = in.Address.String()
	}
	return o
}

// remember keeps of a request what a sign-in asks for.
func (c *call) remember(r *http.Request) {
	c.origin, c.agent = origin(r, caller.Of(r)), r.UserAgent()
	if cookie, err := r.Cookie(knownCookie); err == nil {
		c.known = cookie.Value
	}
}

// readCaller takes the credentials out of a request. One in the address that
// counts is worth a number and a line: whoever sends it should stop doing so.
func (a *API) readCaller(r *http.Request) *http.Request {
	cookie := SignInCookie
	if a.o.Local {
		cookie = "" // one of another program at this machine
	}
	r = caller.Read(r, caller.Rules{Cookie: cookie, QueryTokens: a.o.QueryTokens, RobotCertificates: a.o.RobotCertificates})
	if in := caller.Of(r); in.Query != "" {
		a.o.QueryTokenSeen()
		a.o.Logger.Warn("a credential came in the address of a request; send it in a header",
			"method", r.Method, "path", clip(r.URL.Path, 200), "remote", r.RemoteAddr)
	}
	return r
}
