package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
)

// Problem is the body of every error: RFC 9457, with the members that the
// original's clients read beside it.
type Problem struct {
	Type      string             `json:"type" doc:"A URN that ends in the code."`
	Title     string             `json:"title"`
	Status    int                `json:"status"`
	Detail    string             `json:"detail" doc:"One sentence for people: the thing, the rule and the value."`
	Kind      fleet.Code         `json:"kind" doc:"The kind of the error, from a closed list."`
	Code      string             `json:"code" doc:"The finer code, such as invalid_field or job_finished."`
	Errors    []fleet.FieldError `json:"errors" doc:"What is wrong with single fields."`
	RequestID string             `json:"request_id"`
	Fix       string             `json:"fix,omitempty" doc:"What to do about it."`
	Success   bool               `json:"success" doc:"Always false."`
	Message   string             `json:"message" doc:"The same as detail."`
	Error     problemError       `json:"error"`
	Data      any                `json:"data" doc:"Always null."`
	Meta      problemMeta        `json:"meta"`

	retryAfter int // seconds
}

type problemMeta struct {
	RequestID string    `json:"request_id"`
	At        time.Time `json:"timestamp"`
}

// problemError is the error as the original's clients and scripts read it.
type problemError struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Field   *string        `json:"field" doc:"The first field that something is wrong with, or null."`
	Details problemDetails `json:"details"`
}

type problemDetails struct {
	Faults []problemFault `json:"validation_errors" doc:"What is wrong with single fields."`
}

type problemFault struct {
	Field   string `json:"field" doc:"With body. before it."`
	Message string `json:"message"`
}

// legacyFaults are the faults of single fields as the original names them.
func legacyFaults(fields []fleet.FieldError) (d problemDetails, first *string) {
	d.Faults = make([]problemFault, len(fields))
	for i, f := range fields {
		d.Faults[i] = problemFault{"body." + f.Field, f.Message}
	}
	if len(fields) > 0 {
		first = &fields[0].Field
	}
	return d, first
}

// problemReply is a Problem as huma wants an error. Its fields must not be
// promoted into methods of the same names, hence the wrapper.
type problemReply struct{ *Problem }

func (p problemReply) Error() string { return p.Detail }

// GetStatus tells huma the status.
func (p problemReply) GetStatus() int { return p.Problem.Status }

// ContentType tells huma the type.
func (problemReply) ContentType(string) string { return "application/problem+json" }

// GetHeaders tells huma further headers.
func (p problemReply) GetHeaders() http.Header {
	h := http.Header{}
	p.headers(h)
	return h
}

// MarshalJSON writes the problem itself.
func (p problemReply) MarshalJSON() ([]byte, error) { return json.Marshal(p.Problem) }

func (p *Problem) headers(h http.Header) {
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="casare fleet"`)
	}
}

// problem translates an error of a use case. The cause of a fault of ours is
// logged here, once.
func (a *API) problem(ctx context.Context, err error) problemReply {
	c := callOf(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = fleet.Errorf(fleet.CodeUnavailable, "too_slow", "The request took longer than it may.").
			WithFix("Try again; what was asked may have been done.")
	case errors.Is(err, context.Canceled):
		err = fleet.Errorf(fleet.CodeUnavailable, "interrupted", "The request was interrupted.")
	}
	e := fleet.AsError(err)
	if e.Code == fleet.CodeInternal {
		attrs := []any{"request_id", c.requestID, "error", err.Error()}
		if cause := errors.Unwrap(e); cause != nil {
			attrs = append(attrs, "cause", cause.Error())
		}
		a.o.Logger.Error("request failed", attrs...)
	}
	p := problemOf(e, c.requestID)
	p.Meta.At = a.o.Now()
	stamp(&p.Meta.At)
	return problemReply{p}
}

func problemOf(e *fleet.Error, requestID string) *Problem {
	info := e.Code.Info()
	p := &Problem{
		Title: info.Title, Status: info.HTTP, Detail: e.Message, Kind: info.Code, Code: e.Reason,
		Errors: e.Fields, RequestID: requestID, Fix: e.Fix, Message: e.Message,
	}
	if e.Status != 0 {
		p.Status = e.Status
	}
	if p.Status == http.StatusInsufficientStorage {
		p.Title = "Insufficient storage"
	}
	if p.Code == "" {
		p.Code = string(info.Code)
	}
	if p.Errors == nil {
		p.Errors = []fleet.FieldError{}
	}
	p.Type, p.Meta.RequestID = "urn:casare-fleet:problem:"+p.Code, requestID
	p.Error = problemError{Code: originalCode(e, info), Message: p.Detail}
	p.Error.Details, p.Error.Field = legacyFaults(p.Errors)
	p.retryAfter = int((e.RetryAfter + 999_999_999) / 1_000_000_000)
	if p.retryAfter == 0 && (p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests) {
		p.retryAfter = 1
	}
	return p
}

// originalCode is the word that the original's clients know.
func originalCode(e *fleet.Error, info fleet.CodeInfo) string {
	switch {
	case e.Code == fleet.CodeConflict && (e.Reason == "invalid_state" || e.Reason == "job_finished"):
		return "INVALID_STATE_TRANSITION"
	case e.Code == fleet.CodeInvalid && e.Status == http.StatusBadRequest:
		return "INVALID_INPUT"
	case e.Code == fleet.CodeConflict && strings.HasSuffix(e.Reason, "_in_use"):
		return "RESOURCE_ALREADY_EXISTS"
	case e.Status == http.StatusInsufficientStorage:
		return "DATABASE_ERROR" // asking less often would not help
	case e.Reason == "credential_invalid":
		return "AUTH_INVALID_CREDENTIALS"
	case e.Reason == "credential_expired":
		return "AUTH_TOKEN_EXPIRED"
	case e.Code == fleet.CodeUnauthenticated && e.Reason == "unauthenticated":
		return "AUTH_TOKEN_INVALID"
	}
	return info.Original
}

// writeProblem answers where huma does not.
func (a *API) writeProblem(w http.ResponseWriter, p problemReply) {
	h := w.Header()
	p.headers(h)
	h.Set("Content-Type", "application/problem+json")
	h.Del("Content-Length")
	w.WriteHeader(p.Problem.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p.Problem); err != nil {
		a.o.Logger.Debug("answer not written", "request_id", p.RequestID, "error", err.Error())
	}
}

// humaProblem turns huma's own complaints, which are about parameters, into
// problems of ours.
func humaProblem(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	e := &fleet.Error{Code: fleet.CodeInvalid, Reason: "invalid_field", Message: m.Detail, Status: m.Status}
	if m.Status >= http.StatusInternalServerError {
		e = fleet.Internal(nil)
	}
	for i, d := range m.Errors {
		field := d.Location[strings.LastIndex(d.Location, ".")+1:]
		f := fleet.FieldError{Field: field, Code: "invalid_field", Message: field + ": " + d.Message + "."}
		if i == 0 {
			e.Message = f.Message
		}
		e.Fields = append(e.Fields, f)
	}
	return problemReply{problemOf(e, callOf(ctx.Context()).requestID)}, nil
}
