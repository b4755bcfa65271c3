package server

import (
	"bytes"
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

func newContract(h *house) *contract {
	h.t.Helper()
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
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
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
	err = openapi3filter.ValidateResponse(c.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.StatusCode, Header: answer.Header, Options: input.Options,
		Body: io.NopCloser(bytes.NewReader([]byte(text))),
	})
	if err != nil {
		c.t.Errorf("%s %s %s: %s: %v", method, path, body, text, err)
	}
	c.seen[route.Operation.OperationID] = append(c.seen[route.Operation.OperationID], answer.StatusCode)
	return text
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
	c.try(200, "DELETE", "/api/message/"+mid+"?reason=rude", "")
	c.tryBad()
	for _, item := range c.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if !slices.Contains(c.seen[operation.OperationID], http.StatusOK) {
				t.Errorf("%s %s was not tried", method, operation.OperationID)
			}
		}
	}
}

// tryBad tries what is to be refused.
func (c *contract) tryBad() {
	c.t.Helper()
	for _, path := range []string{
		"/api/users?limit=0", "/api/presence", "/api/history?user=a", "/api/rules?x=1", "/api/series?since=x", "/api/users/a%07b", "/api/history?before=-1",
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
