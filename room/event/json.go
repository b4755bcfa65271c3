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
	errHalf    = Malformed("half a surrogate pair in a key, or in a string that is not in the message")
)

// loneSurrogates lets escapes of half a character pass, which RFC 8259's grammar allows and browsers write for half an
// emoji. Bytes that are not UTF-8, which the option would let pass too, are refused before.
var loneSurrogates = jsontext.AllowInvalidUTF8(true)

// reader is a JSON decoder with its source, pooled. jsontext refuses duplicate names. It reads a bytes.Buffer where it
// lies: the values refer to what was borrowed for, and stay good.
type reader struct {
	src bytes.Buffer
	*jsontext.Decoder
}

var readers = sync.Pool{New: func() any {
	r := &reader{}
	r.Decoder = jsontext.NewDecoder(&r.src, loneSurrogates)
	return r
}}

// borrow makes a reader of text, which it does not change.
func borrow(text []byte) *reader {
	r := readers.Get().(*reader)
	r.src = *bytes.NewBuffer(text)
	r.Reset(&r.src, loneSurrogates)
	return r
}

// isJSON reports whether text is one JSON value by the grammar alone.
func isJSON(text jsontext.Value) bool {
	return text.IsValid(loneSurrogates, jsontext.AllowDuplicateNames(true))
}

// CheckValue is why text is not the one JSON value that a message may be: the rules are those for frames.
func CheckValue(text []byte) *Error {
	if bad := beyond(text); bad != nil {
		return bad
	}
	r := borrow(text)
	defer readers.Put(r)
	if _, err := r.ReadValue(); err != nil {
		return syntax(err)
	}
	if _, err := r.ReadToken(); !errors.Is(err, io.EOF) {
		return errJSON
	}
	return nil
}

// beyond is what is wrong with a text that the grammar would let pass.
func beyond(text []byte) *Error {
	switch {
	case !utf8.Valid(text):
		return errJSON
	case tooDeep(text):
		return errTooDeep
	case hasHalfKey(text):
		return errHalf
	}
	return nil
}

// eachMember calls visit for every member of the one object that frame must be. value refers to the frame; so does name,
// where it could.
func eachMember(frame []byte, visit func(name []byte, value jsontext.Value) *Error) *Error {
	if bad := beyond(frame); bad != nil {
		return bad
	}
	r := borrow(frame)
	defer readers.Put(r)
	if kind := r.PeekKind(); kind != '{' {
		return notAnObject(r)
	}
	if _, err := r.ReadToken(); err != nil {
		return syntax(err)
	}
	for r.PeekKind() != '}' {
		name, err := r.ReadValue()
		if err != nil {
			return syntax(err)
		}
		name, _ = unquote(name) // which is whole: beyond has seen to it
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

// unquote is the text of a JSON string; it refers to the string where it can. Half a character is replaced by U+FFFD, which
// makes the same of different strings: then it is not whole.
func unquote(quoted jsontext.Value) (text []byte, isWhole bool) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], true
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	return text, err == nil
}

// hasHalfKey reports whether an object in frame has a key with half a character, of which nobody can say what it is the same as
// (RFC 8259, 8.2). It reads as far as frame is valid.
func hasHalfKey(frame []byte) bool {
	if !bytes.Contains(frame, []byte(`\ud`)) && !bytes.Contains(frame, []byte(`\uD`)) {
		return false
	}
	r := borrow(frame)
	defer readers.Put(r)
	for {
		if r.PeekKind() != '"' {
			if _, err := r.ReadToken(); err != nil {
				return false
			}
			continue
		}
		text, err := r.ReadValue()
		if err != nil {
			return false
		}
		in, read := r.StackIndex(r.StackDepth())
		if _, isWhole := unquote(text); !isWhole && in == '{' && read%2 == 1 {
			return true
		}
	}
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
