package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
)

// operation is one row of the table of routes.
type operation struct {
	method, path string
	id           string // also names the client's method
	summary      string
	may          access
	rate         rateClass
	status       int   // of the answer when all is well
	also         []int // further statuses with the same body
	body         bodyRule
	stream       bool // no time limit of its own
	paged        bool // a list that comes in parts
	times        int  // how many pages one part may be, where entries are small; 1 if 0
	reads        bool // changes nothing, whatever its method: it works while nothing can be committed
	// patience is how long the request is held while the store is away, for
	// callers that would not say the same again. away answers when it is over;
	// nil: unavailable.
	patience    time.Duration
	away        http.HandlerFunc
	cut         bool // of a body beyond its limit the rest is dropped
	description string
}

func (o *operation) pattern() string { return o.method + " " + o.path }

// access is who may call an operation. Its zero value is nobody, and no
// operation with it can be served.
type access struct {
	permission fleet.Permission
	open       bool // also without a credential
	signedIn   bool // anybody with a credential
	person     bool // a person who signed in
	session    bool // … or a browser that signed in with a key
	whatever   bool // with a credential that does not count, too
	self       bool // also a robot's own key, for that robot
	holder     bool // also a robot's own key, for a job that it holds
}

func need(p fleet.Permission) access { return access{permission: p} }

// orSelf adds the robot that the path names, by its own key.
func (a access) orSelf() access { a.self = true; return a }

// orHolder adds robots, for the jobs that they hold; which those are is for the
// use case to find out.
func (a access) orHolder() access { a.holder = true; return a }

// anyway takes a credential that does not count for none. Programs of the
// original ask whether we are there with whatever key they have.
func (a access) anyway() access { a.whatever = true; return a }

func open() access { return access{open: true} }

func signedIn() access { return access{signedIn: true} }

func person() access { return access{person: true} }

// orKey adds browsers that signed in with a key.
func (a access) orKey() access { a.session = true; return a }

// bodyRule says what a request may carry.
type bodyRule struct {
	limit    bodyLimit
	required bool
	types    []string // content types; JSON if empty
	schema   func(r huma.Registry) *huma.Schema
}

// bodyLimit names a limit of the configuration.
type bodyLimit int

const (
	noBody bodyLimit = iota
	plainBody
	workflowBody
	bulkBody
	resultBody
)

func (a *API) bytesOf(l bodyLimit) int64 {
	switch l {
	case noBody:
		return 0
	case plainBody:
		return int64(a.o.Limits.Body)
	case workflowBody:
		// A submit carries a document and its inputs.
		return int64(a.o.Limits.Workflow) + int64(a.o.Limits.Body)
	case bulkBody:
		return int64(a.o.Limits.Bulk)
	case resultBody:
		return int64(a.o.Limits.Result)
	}
	return 0
}

// jsonBody declares a JSON body whose schema is that of T.
func jsonBody[T any](limit bodyLimit, required bool) bodyRule {
	return bodyRule{limit: limit, required: required, schema: schemaOf[T]()}
}

// declare checks an operation and enters it into the table.
func (a *API) declare(o *operation) {
	var missing string
	switch {
	case o.id == "" || o.summary == "":
		missing = "an id and a summary"
	case o.may == access{}:
		missing = "a permission"
	case o.rate == rateNone:
		missing = "a rate class"
	case o.body.limit != noBody && o.body.schema == nil:
		missing = "a schema for its body"
	}
	if missing != "" {
		a.faults = append(a.faults, fmt.Errorf("%s needs %s", o.pattern(), missing))
		return
	}
	if _, twice := a.routes[o.pattern()]; twice {
		a.faults = append(a.faults, fmt.Errorf("%s stands twice", o.pattern()))
		return
	}
	for _, other := range a.routes {
		if other.id == o.id {
			a.faults = append(a.faults, fmt.Errorf("%s: the id %s is that of %s", o.pattern(), o.id, other.pattern()))
		}
	}
	a.routes[o.pattern()] = o
}

// guardedMux is the mux that routes are hung into. Nothing gets in without a
// row in the table.
type guardedMux API

// HandleFunc hangs a handler behind the guard of its operation.
func (m *guardedMux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	o, ok := m.routes[pattern]
	if !ok {
		m.faults = append(m.faults, fmt.Errorf("%s is served without a row in the table of routes", pattern))
		return
	}
	m.mux.Handle(pattern, (*API)(m).guard(o, h))
}

// ServeHTTP is for the adapter; requests come through the API.
func (m *guardedMux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

// route serves an operation with a typed handler.
func route[I, O any](a *API, o operation, h func(ctx context.Context, in *I) (*O, error)) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	o.paged = isPaged(reflect.TypeFor[I]())
	op := a.documented(&o)
	if op == nil {
		return
	}
	huma.Register(a.huma, *op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
	a.addBody(&o)
}

// isPaged says whether an input asks for a part of a list.
func isPaged(in reflect.Type) bool {
	for _, f := range reflect.VisibleFields(in) {
		if f.Tag.Get("query") == limitParam {
			return true
		}
	}
	return false
}

// limitParam says how much of a list somebody wants.
const limitParam = "limit"

// routePlain serves an operation with a plain handler; its answers are
// documented by hand. A handler that returns an error must not have written.
func (a *API) routePlain(o operation, params []*huma.Param, responses map[string]*huma.Response, h func(w http.ResponseWriter, r *http.Request) error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	op := a.documented(&o)
	if op == nil {
		return
	}
	op.Parameters, op.Responses = params, responses
	op.Responses["default"] = problemResponse(a.huma.OpenAPI().Components.Schemas)
	a.huma.OpenAPI().AddOperation(op)
	a.addBody(&o)
	(*guardedMux)(a).HandleFunc(o.pattern(), func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			a.writeProblem(w, a.problem(r.Context(), err))
		}
	})
}

// What the document says of operations that ask for no permission.
const (
	permissionNone   = "none"
	permissionPerson = "a person who signed in"
)

// documented enters an operation into the table and makes its entry in the
// document.
func (a *API) documented(o *operation) *huma.Operation {
	before := len(a.faults)
	a.declare(o)
	if len(a.faults) > before {
		return nil
	}
	tag, _, _ := strings.Cut(strings.TrimPrefix(o.path, Base+"/"), "/")
	op := &huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, Description: o.description,
		Tags: []string{strings.TrimPrefix(tag, "/")}, DefaultStatus: o.status,
		Responses: map[string]*huma.Response{}, Extensions: map[string]any{},
	}
	switch {
	case o.may.open:
		op.Security = []map[string][]string{{}}
		op.Extensions["x-permission"] = permissionNone
	case o.may.person:
		op.Extensions["x-permission"] = permissionPerson
	case o.may.signedIn:
		op.Extensions["x-permission"] = "any credential"
	default:
		op.Extensions["x-permission"] = string(o.may.permission)
	}
	if o.may.self {
		op.Extensions["x-self"] = "also " + string(fleet.RobotsSelf) + " for the key's own robot"
	}
	if o.may.holder {
		op.Extensions["x-self"] = "also " + string(fleet.RobotsConnect) + " for jobs that the key's own robot holds"
	}
	op.Extensions["x-rate-class"] = o.rate.String()
	return op
}

// addBody documents what a request carries, and further statuses of its answer.
// huma is not told before: bodies are read and checked by the guard, not by it.
func (a *API) addBody(o *operation) {
	item := a.huma.OpenAPI().Paths[o.path]
	op := map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[o.method]
	for _, status := range o.also {
		r := *op.Responses[strconv.Itoa(o.status)]
		r.Description = http.StatusText(status)
		op.Responses[strconv.Itoa(status)] = &r
	}
	if o.body.limit == noBody {
		return
	}
	content := map[string]*huma.MediaType{}
	for _, t := range o.body.contentTypes() {
		content[t] = &huma.MediaType{Schema: o.body.schema(a.huma.OpenAPI().Components.Schemas)}
	}
	op.RequestBody = &huma.RequestBody{Required: o.body.required, Content: content}
}

func (b bodyRule) contentTypes() []string {
	if len(b.types) == 0 {
		return []string{"application/json"}
	}
	return slices.Clone(b.types)
}
