package event

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how many levels of arrays and objects a frame may have, itself included.
const MaxDepth = 64

var (
	errJSON    = Malformed("not valid JSON")
	errObject  = Malformed("not a JSON object")
	errKeys    = Malformed("a JSON object has the same key twice")
	errTooDeep = Malformed("more than 64 levels of JSON")
)

// loneSurrogates lets escapes of half a character pass, which RFC 8259's grammar allows and browsers write for half an
// emoji. Bytes that are not UTF-8, which the option would let pass too, are refused before.
var loneSurrogates = jsontext.AllowInvalidUTF8(true)

// reader is a JSON decoder with its source, pooled. jsontext refuses duplicate names.
type reader struct {
	src bytes.Reader
	*jsontext.Decoder
}

var readers = sync.Pool{New: func() any {
	r := &reader{}
	r.Decoder = jsontext.NewDecoder(&r.src, loneSurrogates)
	return r
}}

// eachMember calls visit for every member of the one object that frame must be. value refers into the decoder: it
// is valid during the call only.
func eachMember(frame []byte, visit func(name string, value jsontext.Value) *Error) *Error {
	if !utf8.Valid(frame) {
		return errJSON
	}
	if tooDeep(frame) {
		return errTooDeep
	}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.src.Reset(frame)
	r.Reset(&r.src, loneSurrogates)
	if kind := r.PeekKind(); kind != '{' {
		return notAnObject(r)
	}
	if _, err := r.ReadToken(); err != nil {
		return syntax(err)
	}
	for r.PeekKind() != '}' {
		token, err := r.ReadToken()
		if err != nil {
			return syntax(err)
		}
		name := token.String()
		value, err := r.ReadValue()
		if err != nil {
			return syntax(err)
		}
		if bad := visit(name, value); bad != nil {
			return bad
		}
	}
	if _, err := r.ReadToken(); err != nil {
		return syntax(err)
	}
	if _, err := r.ReadToken(); !errors.Is(err, io.EOF) {
		return errJSON
	}
	return nil
}

// notAnObject tells valid JSON of another kind from what is no JSON at all.
func notAnObject(r *reader) *Error {
	if _, err := r.ReadValue(); err != nil {
		return syntax(err)
	}
	return errObject
}

// syntax is the error of a frame that jsontext refuses.
func syntax(err error) *Error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errKeys
	}
	return errJSON
}

// tooDeep reports whether frame opens more than MaxDepth arrays and objects inside one another. It counts brackets
// outside of strings, which is right for valid JSON and harmless for the rest.
func tooDeep(frame []byte) bool {
	if bytes.Count(frame, []byte("{"))+bytes.Count(frame, []byte("[")) <= MaxDepth {
		return false
	}
	depth, inString := 0, false
	for i := 0; i < len(frame); i++ {
		switch b := frame[i]; {
		case inString && b == '\\':
			i++
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return false
}

// AppendString appends text as a JSON string.
func AppendString(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text) // its one error is invalid UTF-8, which it replaces by U+FFFD
	return b
}
