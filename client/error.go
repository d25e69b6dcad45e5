package client

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Error is an error that the server answered.
type Error struct {
	Err       *fleet.Error
	RequestID string // leads to the server's log
}

// Error returns the message and what to do.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap lets errors.Is and errors.As see the fleet.Error.
func (e *Error) Unwrap() error { return e.Err }

// RequestID returns the id under which the server logged the request that
// failed, or "" if it never reached one.
func RequestID(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RequestID
	}
	return ""
}

// problem is the body of an error.
type problem struct {
	Title     string             `json:"title"`
	Detail    string             `json:"detail"`
	Kind      fleet.Code         `json:"kind"`
	Code      string             `json:"code"`
	Errors    []fleet.FieldError `json:"errors"`
	RequestID string             `json:"request_id"`
	Fix       string             `json:"fix"`
}

// errorOf turns an answer into the error that the server meant. Answers of
// something in between, such as a proxy, are judged by their status.
func errorOf(resp *http.Response, body []byte) *Error {
	e := &Error{Err: &fleet.Error{Code: codeOf(resp.StatusCode), Status: resp.StatusCode}, RequestID: resp.Header.Get("X-Request-Id")}
	e.Err.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
	var p problem
	if !strings.Contains(resp.Header.Get("Content-Type"), "json") || json.Unmarshal(body, &p) != nil || p.Detail == "" {
		e.Err.Message = "The server answered " + strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode) + "."
		return e
	}
	return fill(e, p)
}

func fill(e *Error, p problem) *Error {
	if p.Kind != "" {
		e.Err.Code = p.Kind
	}
	e.Err.Message, e.Err.Reason, e.Err.Fix, e.Err.Fields = p.Detail, p.Code, p.Fix, p.Errors
	if p.RequestID != "" {
		e.RequestID = p.RequestID
	}
	return e
}

// codeOf is the kind of an error whose answer does not name it.
func codeOf(status int) fleet.Code {
	switch status {
	case http.StatusPreconditionFailed:
		return fleet.CodeConflict
	case http.StatusBadGateway, http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return fleet.CodeUnavailable
	case http.StatusInsufficientStorage:
		return fleet.CodeExhausted
	}
	for _, row := range fleet.Codes() {
		if row.HTTP == status {
			return row.Code
		}
	}
	if status < http.StatusInternalServerError {
		return fleet.CodeInvalid
	}
	return fleet.CodeInternal
}

func retryAfter(text string) time.Duration {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 1<<31 {
		return time.Duration(n) * time.Second
	}
	return 0
}

// broken says that a connection ended before the answer was there: what was
// asked may have been done.
func broken(address string, err error) error {
	if e := untrusted(address, err); e != nil {
		return e
	}
	return fleet.Errorf(fleet.CodeUnavailable, "connection_lost", "The connection to %s broke off: %w", address, plain(err))
}

// unreachable says that no address could be connected to.
func unreachable(all []string, err error) error {
	if e := untrusted(strings.Join(all, ", "), err); e != nil {
		return e
	}
	return fleet.Errorf(fleet.CodeUnavailable, "unreachable", "No orchestrator answers at %s: %w", strings.Join(all, ", "), plain(err)).
		WithFix("Is it running, and is the address right?")
}

// untrusted is the error of an address whose certificate this machine does not
// believe: somebody answers, and nothing was sent to them. Nil for all others.
func untrusted(address string, err error) error {
	bad, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return nil
	}
	return fleet.Errorf(fleet.CodeUnavailable, "certificate", "The certificate of %s is not trusted here: %w", address, bad.Err).
		WithFix("If the authority that signed it is yours, name its file (PEM): --ca-file on the command line, or FLEET_CA_FILE.")
}

// plain takes the address out of an error that the message names already.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func cause(err error) string { return plain(err).Error() }
