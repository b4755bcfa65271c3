package event

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// System is the from_user of what the server itself says; nobody may take it as a nick.
const System = "system"

// Tutorial is what a client of the tutorial dialect sends in one text frame:
// {"from_user":…,"to_user":…,"message":…}. Its from_user is ignored: the server knows who it is.
type Tutorial struct {
	To      string // to_user; "" is everyone
	Message []byte // any JSON value, as it came; the caller's own copy
}

var (
	errToUser  = Malformed("to_user must be a string or null")
	errMessage = Malformed("message is missing")
)

// DecodeTutorial reads a frame. It keeps nothing of it. Unknown keys are ignored.
func DecodeTutorial(frame []byte) (Tutorial, *Error) {
	var t Tutorial
	err := eachMember(frame, func(name []byte, value jsontext.Value) *Error {
		switch string(name) {
		case "to_user":
			switch value.Kind() {
			case 'n':
			case '"':
				to, isWhole := unquote(value)
				if !isWhole {
					return errHalf
				}
				t.To = string(to)
			default:
				return errToUser
			}
		case "message":
			t.Message = value.Clone()
		}
		return nil
	})
	if err == nil && t.Message == nil {
		err = errMessage
	}
	return t, err
}

// AppendTutorial appends the frame that clients of the tutorial dialect get: exactly these three keys. message is a
// JSON value and stands unchanged.
func AppendTutorial(b []byte, from, to string, message []byte) []byte {
	b = slices.Grow(b, len(from)+len(to)+len(message)+48) // the keys, and room for an escape or two
	b = append(b, `{"from_user":`...)
	b = AppendString(b, from)
	b = append(b, `,"to_user":`...)
	b = AppendString(b, to)
	b = append(b, `,"message":`...)
	b = append(b, message...)
	return append(b, '}')
}
