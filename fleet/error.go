package fleet

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code is the kind of an error: a closed list that REST, sockets, CLI and SDK
// share, so that an error survives every wire.
type Code string

// The codes.
const (
	CodeInternal        Code = "internal"
	CodeInvalid         Code = "invalid"
	CodeUnauthenticated Code = "unauthenticated"
	CodeForbidden       Code = "forbidden"
	CodeNotFound        Code = "not_found"
	CodeConflict        Code = "conflict"
	CodeExhausted       Code = "exhausted"
	CodeUnavailable     Code = "unavailable"
	CodeGone            Code = "gone"
)

// CodeInfo is one row of the error table.
type CodeInfo struct {
	Code      Code
	HTTP      int    // default status
	WebSocket int    // close code; 0 where a socket is not closed for it
	Exit      int    // exit status of the CLI
	Original  string // error.code that the original's clients read
	Title     string
}

// Codes is the error table. Its order is the order of the documentation.
func Codes() []CodeInfo {
	return []CodeInfo{
		{CodeInternal, 500, 1011, 1, "INTERNAL_ERROR", "Internal error"},
		{CodeInvalid, 422, 4400, 2, "VALIDATION_ERROR", "Invalid request"},
		{CodeUnauthenticated, 401, 4401, 3, "AUTH_TOKEN_INVALID", "Not signed in"},
		{CodeForbidden, 403, 4403, 4, "AUTH_INSUFFICIENT_PERMISSIONS", "Not allowed"},
		{CodeNotFound, 404, 0, 5, "RESOURCE_NOT_FOUND", "Not found"},
		{CodeConflict, 409, 4409, 6, "RESOURCE_CONFLICT", "Conflict"},
		{CodeExhausted, 429, 4429, 7, "RATE_LIMIT_EXCEEDED", "Too many"},
		{CodeUnavailable, 503, 1013, 8, "SERVICE_UNAVAILABLE", "Not available now"},
		{CodeGone, 410, 0, 9, "INVALID_INPUT", "Gone"},
	}
}

// Info returns the table row of a code; unknown codes count as internal.
func (c Code) Info() CodeInfo {
	for _, row := range Codes() {
		if row.Code == c {
			return row
		}
	}
	return Codes()[0]
}

// FieldError says what is wrong with one field of a request. Field is a JSON
// Pointer or a plain name.
type FieldError struct {
	Field   string `json:"field"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

// Error is what every layer returns to people: a code, one sentence that names
// the thing, the rule and the value, and, where it is not plain, what to do.
// It never carries SQL, a path of the server, a stack, or a secret.
type Error struct {
	Code    Code         `json:"code"`
	Reason  string       `json:"reason,omitempty"` // finer code, such as invalid_field or job_finished
	Message string       `json:"message"`
	Fix     string       `json:"fix,omitempty"`
	Fields  []FieldError `json:"fields,omitempty"`
	// Status overrides the table's HTTP status where the code covers several
	// (400 unreadable, 413 too large, 415 type, 412 version, 507 no space).
	Status     int           `json:"-"`
	RetryAfter time.Duration `json:"-"`
	cause      error
}

// Error returns the message and the fix.
func (e *Error) Error() string {
	if e.Fix == "" {
		return e.Message
	}
	return e.Message + " " + e.Fix
}

// Unwrap returns the cause, which is for logs and never for people.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, fleet.ErrConflict) ask for the code, and a target
// with a Reason ask for that too.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Reason == "" || t.Reason == e.Reason)
}

// The sentinels to compare with; they carry nothing but their code.
var (
	ErrInternal        = &Error{Code: CodeInternal}
	ErrInvalid         = &Error{Code: CodeInvalid}
	ErrUnauthenticated = &Error{Code: CodeUnauthenticated}
	ErrForbidden       = &Error{Code: CodeForbidden}
	ErrNotFound        = &Error{Code: CodeNotFound}
	ErrConflict        = &Error{Code: CodeConflict}
	ErrExhausted       = &Error{Code: CodeExhausted}
	ErrUnavailable     = &Error{Code: CodeUnavailable}
	ErrGone            = &Error{Code: CodeGone}
)

// Errorf makes an error of a code with a finer reason.
func Errorf(code Code, reason, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Reason: reason, Message: err.Error(), cause: errors.Unwrap(err)}
}

// Invalid says that one field of a request breaks a rule.
func Invalid(field, format string, args ...any) *Error {
	msg := fmt.Sprintf(format, args...)
	return &Error{
		Code: CodeInvalid, Reason: "invalid_field", Message: msg,
		Fields: []FieldError{{Field: field, Message: msg}},
	}
}

// NotFound says that the named thing does not exist for the one who asks.
func NotFound(noun, id string) *Error {
	return &Error{Code: CodeNotFound, Reason: noun + "_not_found", Message: fmt.Sprintf("There is no %s %s.", strings.ReplaceAll(noun, "_", " "), clip(id, 80))}
}

// Internal wraps a fault of ours; people see only that it happened.
func Internal(cause error) *Error {
	return &Error{Code: CodeInternal, Message: "Something went wrong on the server. The request id leads to its log.", cause: cause}
}

// WithFix adds what to do.
func (e *Error) WithFix(fix string) *Error {
	e.Fix = fix
	return e
}

// AsError finds the Error in a chain; any other error counts as internal.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Internal(err)
}
