package event

import (
	"net/http"
	"time"
)

// Error is why something was refused: a machine code and a text for people. The codes are HTTP's, before the upgrade
// and after it.
type Error struct {
	Code       int
	Message    string
	Retry      bool          // the same again may succeed later; a msg with the same cid counts once all the same
	RetryAfter time.Duration // the wait that is asked for before; 0 = the client's own choice
}

func (e *Error) Error() string { return e.Message }

// Status is the HTTP status that a refusal before the upgrade has.
func (e *Error) Status() int { return e.Code }

// Malformed is the error of input that cannot be understood: 400.
func Malformed(message string) *Error { return &Error{Code: http.StatusBadRequest, Message: message} }

// Unauthorized is the error of a token or secret that is missing, wrong or expired: 401.
func Unauthorized(message string) *Error {
	return &Error{Code: http.StatusUnauthorized, Message: message}
}

// Forbidden is the error of what this client may not do, such as reading a room that it has not joined: 403.
func Forbidden(message string) *Error { return &Error{Code: http.StatusForbidden, Message: message} }

// NotFound is the error of a nick, room or conversation that there is not: 404.
func NotFound(message string) *Error { return &Error{Code: http.StatusNotFound, Message: message} }

// Conflict is the error of what somebody else has, such as a nick in use: 409.
func Conflict(message string) *Error { return &Error{Code: http.StatusConflict, Message: message} }

// TooLarge is the error of what exceeds a limit of the welcome: 413.
func TooLarge(message string) *Error {
	return &Error{Code: http.StatusRequestEntityTooLarge, Message: message}
}

// SlowDown is the error of too much at once: 429. What was refused may be sent again after the wait.
func SlowDown(message string, after time.Duration) *Error {
	return &Error{Code: http.StatusTooManyRequests, Message: message, Retry: true, RetryAfter: after}
}

// Internal is the error of a fault of the server: 500. Whether what was sent took effect is not known; sending it
// again with the same cid is safe.
func Internal(message string) *Error {
	return &Error{Code: http.StatusInternalServerError, Message: message, Retry: true}
}

// Unavailable is the error of a server that is full, stopping or cannot store: 503. What was refused had no effect.
func Unavailable(message string, after time.Duration) *Error {
	return &Error{Code: http.StatusServiceUnavailable, Message: message, Retry: true, RetryAfter: after}
}
