package value

import "fmt"

// Error is an error with the class and the words that Python would use. Type
// is what a workflow can filter by; Error returns the message alone.
type Error struct {
	Type    string
	Message string
}

// Error returns the message without the class.
func (e *Error) Error() string { return e.Message }

// Errorf makes an Error of the class errorType.
func Errorf(errorType, format string, args ...any) *Error {
	return &Error{Type: errorType, Message: fmt.Sprintf(format, args...)}
}
