package admin

import (
	"errors"
	"net/http"
	"time"
)

// Error is why a request was refused: what a program goes by, and what a person reads.
type Error struct {
	Status  int           // of HTTP
	Code    string        // "": that of the status
	Message string        // for people
	After   time.Duration // when it may be tried again; 0: nothing is said
}

func (e *Error) Error() string { return e.Message }

// codes are the words that programs go by, by status.
var codes = map[int]string{
	http.StatusBadRequest:            "bad_request",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusConflict:              "conflict",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
	http.StatusUnprocessableEntity:   "idempotency_mismatch",
	http.StatusTooManyRequests:       "rate_limited",
	http.StatusServiceUnavailable:    "unavailable",
	http.StatusInternalServerError:   "internal",
}

func (e *Error) code() string {
	if e.Code != "" {
		return e.Code
	}
	if code, ok := codes[e.Status]; ok {
		return code
	}
	return codes[http.StatusInternalServerError]
}

func refuse(status int, message string) *Error { return &Error{Status: status, Message: message} }

func malformed(message string) *Error { return refuse(http.StatusBadRequest, message) }

// asError is what the caller is told of an error. What is not meant for them is left out.
func asError(err error) *Error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return refuse(http.StatusInternalServerError, "something went wrong here")
}
