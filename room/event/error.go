package event

import "net/http"

// Error is why something was refused: a machine code and a text for people. The codes are HTTP's, before the upgrade
// and after it.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return e.Message }

// Status is the HTTP status that a refusal before the upgrade has.
func (e *Error) Status() int { return e.Code }

// Malformed is the error of input that cannot be understood.
func Malformed(message string) *Error { return &Error{http.StatusBadRequest, message} }
