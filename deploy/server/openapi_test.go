package server

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// contract holds what a server answers against the document that it serves.
type contract struct {
	*house
	doc    *openapi3.T
	router routers.Router
	seen   map[string][]int // statuses by operation
}

// lines is the media type of JSON, a line each.
const lines = "application/x-ndjson"

func newContract(h *house) *contract {
	h.t.Helper()
	openapi3filter.RegisterBodyDecoder(lines, openapi3filter.JSONBodyDecoder)
	h.t.Cleanup(func() { openapi3filter.UnregisterBodyDecoder(lines) })
	text := h.ask(200, "GET", "/api/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err == nil {
		err = doc.Validate(h.t.Context())
	}
	if err != nil {
		h.t.Fatal(err)
	}
	// Clients have to bear new fields, so that the document allows them. What is answered today has none that it does not have.
	for _, s := range doc.Components.Schemas {
		seal(s)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		h.t.Fatal(err)
	}
	return &contract{h, doc, router, map[string][]int{}}
}

// seal lets an object have no properties but those that are named.
func seal(s *openapi3.SchemaRef) {
	if s == nil || s.Ref != "" && s.Value == nil {
		return
	}
	if len(s.Value.Properties) > 0 {
		no := false
		s.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
	}
	for _, p := range s.Value.Properties {
		if p.Ref == "" {
			seal(p)
		}
	}
	if items := s.Value.Items; items != nil && items.Ref == "" {
		seal(items)
	}
}

// try sends a request and checks the answer against the document, and so the request, if it is to succeed.
func (c *contract) try(want int, method, path, body string, headers ...string) string {
	c.t.Helper()
	r := c.request(method, path, body)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	input := c.input(r)
	if want < 300 {
		if err := openapi3filter.ValidateRequest(c.t.Context(), input); err != nil {
			c.t.Errorf("%s %s %s: %v", method, path, body, err)
		}
		r.Body = io.NopCloser(strings.NewReader(body))
	}
	answer, text := c.do(r)
	if answer.StatusCode != want {
		c.t.Errorf("%s %s %s: %d %s, want %d", method, path, body, answer.StatusCode, text, want)
	}
	c.check(input, answer, text)
	return text
}

// input is a request as the document has it.
func (c *contract) input(r *http.Request) *openapi3filter.RequestValidationInput {
	c.t.Helper()
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
}

// check checks an answer against the document.
func (c *contract) check(input *openapi3filter.RequestValidationInput, answer *http.Response, text string) {
	c.t.Helper()
	bodies := []string{text}
	if answer.Header.Get("Content-Type") == lines {
		bodies = strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n") // the schema is of each
	}
	for _, body := range bodies {
		err := openapi3filter.ValidateResponse(c.t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: answer.StatusCode, Header: answer.Header, Options: input.Options,
			Body: io.NopCloser(strings.NewReader(body)),
		})
		if err != nil {
			c.t.Errorf("%s %s: %s: %v", input.Request.Method, input.Request.URL, body, err)
		}
	}
	id := input.Route.Operation.OperationID
	c.seen[id] = append(c.seen[id], answer.StatusCode)
}

// Each operation of the document is asked of a running server, and what it answers, well or badly, is as the document says.
func TestOpenAPI(t *testing.T) {
	c := newContract(boot(t))
	alice, bob := c.come("alice"), c.come("bob")
	alice.say(`{"t":"join","id":2,"room":"go"}`)
	alice.hear(`"joined"`)
	mid := field(t, c.try(200, "POST", "/api/publish", `{"message":{"a":[1,null]},"to":"bob","from":"alice"}`, "Idempotency-Key", "k1"), "mid")
	alice.hear(mid)
	bob.hear(mid)
	alice.say(`{"t":"msg","id":3,"message":null}`)
	alice.hear(`"ack"`)

	for _, path := range []string{
		"/api/stats", "/api/series", "/api/series?since=1", "/api/nodes", "/api/users", "/api/users?prefix=A&limit=1", "/api/users?after=alice", "/api/users/alice",
		"/api/users/BOB", "/api/presence?nick=alice&nick=nobody", "/api/rooms", "/api/rooms?limit=1", "/api/rooms/go", "/api/rooms/all",
		"/api/rooms/go/members?limit=1", "/api/history", "/api/history?room=go&limit=1", "/api/history?user=bob&with=alice&after=0",
		"/api/history?room=all&before=9000", "/api/message/" + mid, "/api/motd", "/api/rules", "/api/rules?kind=mute&limit=1",
		"/api/audit", "/api/openapi.json",
	} {
		c.try(200, "GET", path, "")
	}
	for _, ask := range [][2]string{
		{"/api/broadcast", `{"message":"hi"}`}, {"/api/broadcast", `{"message":"hi","to":["alice","nobody"],"rooms":["go"]}`},
		{"/api/mute", `{"nick":"bob","for_s":60,"reason":"loud"}`}, {"/api/unmute", `{"nick":"bob"}`}, {"/api/kick", `{"nick":"bob"}`},
		{"/api/ban", `{"addr":"10.0.0.0/8"}`}, {"/api/unban", `{"addr":"10.0.0.0/8"}`}, {"/api/ban", `{"nick":"bob","for_s":60}`},
		{"/api/readonly", `{"room":"go","readonly":true}`}, {"/api/readonly", `{"room":"go","readonly":false}`},
	} {
		c.try(200, "POST", ask[0], ask[1])
	}
	c.try(200, "PUT", "/api/motd", `{"text":"Be kind."}`)
	for _, path := range []string{"/api/motd", "/api/rules", "/api/audit", "/api/audit?limit=2"} {
		c.try(200, "GET", path, "")
	}
	for _, isGone := range []bool{false, true} {
		if isGone {
			c.try(200, "DELETE", "/api/message/"+mid+"?reason=rude", "")
		}
		for _, path := range []string{"/api/message/" + mid, "/api/history?user=bob&with=alice"} {
			if text := c.try(200, "GET", path, ""); strings.Contains(text, `"deleted":true`) != isGone {
				t.Errorf("%s, deleted %v: %s", path, isGone, text)
			}
		}
	}
	c.tryTrace(alice, mid)
	c.tryBad()
	for _, item := range c.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if !slices.Contains(c.seen[operation.OperationID], http.StatusOK) {
				t.Errorf("%s %s was not tried", method, operation.OperationID)
			}
		}
	}
}

// tryTrace has somebody do something while they are traced.
func (c *contract) tryTrace(alice *person, mid string) {
	c.t.Helper()
	c.try(200, "GET", "/api/trace?for=1ms&mid="+mid, "")
	r := c.request("GET", "/api/trace?nick=alice&for=10m&body=1", "")
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	answer, err := c.client.Do(r.WithContext(ctx))
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	var text string
	for each, doing := bufio.NewScanner(answer.Body), true; doing && each.Scan(); {
		text += each.Text() + "\n"
		switch {
		case strings.Contains(each.Text(), `"what":"tracing"`):
			alice.say(`{"t":"msg","id":4,"room":"elsewhere","message":1}`)
			alice.say(`{"t":"msg","id":5,"message":"<traced>"}`)
		case strings.Contains(each.Text(), `"what":"stored"`):
			doing = false
		}
	}
	for _, what := range []string{"received", "stored", "refused"} {
		if !strings.Contains(text, `"what":"`+what+`"`) {
			c.t.Errorf("no %s in %s", what, text)
		}
	}
	c.check(c.input(r), answer, text)
}

// tryBad tries what is to be refused.
func (c *contract) tryBad() {
	c.t.Helper()
	for _, path := range []string{
		"/api/users?limit=0", "/api/presence", "/api/trace", "/api/trace?nick=a&for=1h", "/api/history?user=a", "/api/rules?x=1", "/api/series?since=x", "/api/users/a%07b", "/api/history?before=-1",
	} {
		c.try(400, "GET", path, "")
	}
	for _, path := range []string{"/api/users/nobody", "/api/rooms/nothing", "/api/message/x", "/api/history?user=alice&with=nobody"} {
		c.try(404, "GET", path, "")
	}
	c.try(404, "DELETE", "/api/message/x", "")
	for path, body := range map[string]string{
		"/api/publish": `{"message":1,"to":"nobody"}`, "/api/kick": `{"nick":"nobody"}`, "/api/unmute": `{"nick":"nobody"}`, "/api/unban": `{"nick":"nobody"}`,
		"/api/readonly": `{"room":"go","readonly":false}`,
	} {
		c.try(404, "POST", path, body)
		c.try(400, "POST", path, `{"x":1}`)
		c.try(415, "POST", path, `{}`, "Content-Type", "text/plain")
		c.try(413, "POST", path, `{"message":"`+strings.Repeat("x", 1<<20)+`"}`)
		c.try(401, "POST", path, body, "Authorization", "Bearer wrong")
		c.try(403, "POST", path, body, "Origin", "http://evil.example")
	}
	c.try(422, "POST", "/api/publish", `{"message":2}`, "Idempotency-Key", "k1")
	c.try(413, "POST", "/api/publish", `{"message":"`+strings.Repeat("x", 70_000)+`"}`) // more than one message may have
	for range 30 {
		r := c.request("GET", "/api/stats", "")
		r.Header.Set("Authorization", "Bearer wrong")
		c.do(r)
	}
	c.try(429, "GET", "/api/stats", "", "Authorization", "Bearer wrong")
	c.try(200, "GET", "/api/stats", "") // this key was used before from here
}
