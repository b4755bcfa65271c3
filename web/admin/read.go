package admin

import (
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how many levels of arrays and objects a body may have.
const maxDepth = 64

// overhead is what a body may have beside its message, in bytes.
const overhead = 64 << 10

// read reads the body of a request.
func (s *Server) read(c *call) ([]byte, error) {
	kind, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if charset, ok := params["charset"]; err != nil || kind != "application/json" || ok && !strings.EqualFold(charset, "utf-8") {
		return nil, refuse(http.StatusUnsupportedMediaType, "want Content-Type: application/json")
	}
	if c.Header.Get("Content-Encoding") != "" {
		return nil, refuse(http.StatusUnsupportedMediaType, "want a body without Content-Encoding")
	}
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.Body, int64(s.maxMessage)+overhead))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is larger than "+strconv.FormatInt(tooLarge.Limit, 10)+" bytes")
	case err != nil:
		return nil, malformed("the body did not come whole")
	}
	return text, nil
}

// decode makes v of the JSON object that is the body, if it is one with nothing behind, unknown or twice.
func (c *call) decode(v any) error {
	if isTooDeep(c.body) {
		return malformed("more than 64 levels of JSON")
	}
	if err := json.Unmarshal(c.body, v, json.RejectUnknownMembers(true)); err != nil {
		return malformed(explain(err))
	}
	return nil
}

// explain says what is wrong with a body, without what it holds.
func explain(err error) string {
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return "unknown member at " + at(semantic.JSONPointer)
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return "the same member twice at " + at(syntax.JSONPointer)
	case errors.As(err, &syntax):
		return "not valid JSON at byte " + strconv.FormatInt(syntax.ByteOffset, 10)
	case errors.As(err, &semantic):
		return "a value of the wrong kind at " + at(semantic.JSONPointer)
	}
	return "not a JSON object as it should be"
}

// at is a place in a body, cut.
func at(p jsontext.Pointer) string {
	const most = 80
	text := strconv.QuoteToASCII(string(p))
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}

// isTooDeep counts brackets outside of strings, which is right for valid JSON and harmless for the rest.
func isTooDeep(text []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case inString && b == '\\':
			i++
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return false
}

// query reads the parameters of an address, each known, and once unless it is one of many.
type query struct {
	values url.Values
	bad    error
}

// query is what stands behind the question mark; others than known ones are refused.
func (c *call) query(known ...string) *query {
	values, err := url.ParseQuery(c.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.bad = malformed("the query cannot be read")
	}
	for name, all := range values {
		switch many := name + "*"; {
		case slices.Contains(known, many):
		case !slices.Contains(known, name):
			q.bad = malformed("unknown parameter in the query: want " + strings.ReplaceAll(strings.Join(known, ", "), "*", ""))
		case len(all) > 1:
			q.bad = malformed("the parameter " + name + " is there twice")
		}
	}
	return q
}

func (q *query) has(name string) bool { return q.values.Has(name) }

// text is a parameter of at most 512 bytes; "": it is not there.
func (q *query) text(name string) string {
	text := q.values.Get(name)
	if len(text) > 512 {
		q.bad = malformed(name + " is too long")
		return ""
	}
	return text
}

// number is a whole one, or what stands for none.
func (q *query) number(name string, least, most, none uint64) uint64 {
	if !q.has(name) {
		return none
	}
	n, err := strconv.ParseUint(q.values.Get(name), 10, 64)
	if err != nil || n < least || n > most {
		q.bad = malformed("want " + name + " as a number from " + strconv.FormatUint(least, 10) + " to " + strconv.FormatUint(most, 10))
		return none
	}
	return n
}

// seq is a position in a conversation.
func (q *query) seq(name string) uint64 { return q.number(name, 0, math.MaxInt64, 0) }

// The sizes of a page.
const (
	maxNames     = 1000 // nicks or rooms
	maxMessages  = 100
	defaultLimit = 50
)

// part is a page of names.
func (q *query) part() Part {
	return Part{After: q.text("after"), Prefix: q.text("prefix"), Limit: int(q.number("limit", 1, maxNames, defaultLimit))}
}
