package admin

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	o := open(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/api/users", "", 200, `{"online":3,"users":["alice","bob","carol"],"next":""}`},
		{"GET", "/api/users?limit=2", "", 200, `{"online":3,"users":["alice","bob"],"next":"bob"}`},
		{"GET", "/api/users?limit=0", "", 400, `want limit as a number from 1 to 1000`},
		{"GET", "/api/users?limit=1&limit=2", "", 400, `twice`},
		{"GET", "/api/users?key=secret", "", 400, `unknown parameter in the query: want after, prefix, limit`},
		{"GET", "/api/users?prefix=" + strings.Repeat("x", 600), "", 400, `too long`},
		{"GET", "/api/users?%zz", "", 400, `cannot be read`},
		{"GET", "/api/users/%E4%BD%A0", "", 200, `"nick":"你"`},
		{"GET", "/api/users/nobody", "", 404, `not_found`},
		{"GET", "/api/users/", "", 404, `there is nothing at this address`},
		{"GET", "/api/users/alice/", "", 404, `there is nothing at this address`},
		{"GET", "/api//users", "", 404, `there is nothing at this address`},
		{"GET", "/api/../api/users", "", 404, `there is nothing at this address`},
		{"GET", "/api/users/..", "", 200, `"nick":".."`},
		{"GET", "/api/USERS", "", 404, `there is nothing at this address`},
		{"GET", "/api/rooms", "", 200, `{"count":1,"rooms":[{"room":"go","count":2}],"next":""}`},
		{"GET", "/api/rooms/go", "", 200, `{"room":"go","count":2}`},
		{"GET", "/api/rooms/empty", "", 404, `nobody is in empty`},
		{"GET", "/api/rooms/go/members?limit=1", "", 200, `{"room":"go","count":2,"users":["alice"],"next":"alice"}`},
		{"GET", "/api/presence?nick=alice&nick=bob", "", 200, `{"online":{"alice":true,"bob":false}}`},
		{"GET", "/api/presence", "", 400, `want 1 to 100`},
		{"GET", "/api/history", "", 200, `"message":"hi"`},
		{"GET", "/api/history?user=alice", "", 400, `between two`},
		{"GET", "/api/history?user=alice&with=bob&room=go", "", 400, `or none for everyone`},
		{"GET", "/api/history?before=1&after=2", "", 400, `one of before and after`},
		{"GET", "/api/history?before=-1", "", 400, `want before as a number`},
		{"GET", "/api/message/m1", "", 200, `{"mid":"m1"}`},
		{"GET", "/api/message/m2", "", 404, `no such message`},
		{"GET", "/api/nodes", "", 200, `"online":3`},
		{"GET", "/api/stats", "", 200, `"version":"test"`},
		{"HEAD", "/api/stats", "", 200, `"version":"test"`}, // net/http leaves the body out
		{"POST", "/api/publish", `{"message":null}`, 200, `{"mid":"m1","conv":"room:all","seq":1,"ts":1,"dur":"mem","online":false,"repeat":false}`},
		{"POST", "/api/publish", `{"message":"hi"} {}`, 400, `not valid JSON at byte`},
		{"POST", "/api/publish", `{"message":"hi","massage":1}`, 400, `unknown member at \"/massage\"`},
		{"POST", "/api/publish", `{"message":"hi","message":1}`, 400, `twice at \"/message\"`},
		{"POST", "/api/publish", `{"message":{"a":1,"a":2}}`, 400, `twice at \"/message/a\"`},
		{"POST", "/api/publish", `{"message":"hi","to":7}`, 400, `wrong kind at \"/to\"`},
		{"POST", "/api/publish", `{"message":"hi","Message":7}`, 400, `unknown member`},
		{"POST", "/api/publish", "{\"message\":\"\xff\"}", 400, `not valid JSON`},
		{"POST", "/api/publish", `[]`, 400, `wrong kind`},
		{"POST", "/api/publish", `{`, 400, `not valid JSON`},
		{"POST", "/api/publish", `{}`, 400, `want message`},
		{"POST", "/api/publish", `{"message":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, 400, `64 levels`},
		{"POST", "/api/publish", `{"message":1,"to":"bob","room":"go"}`, 400, `one of to and room`},
		{"POST", "/api/publish", `{"message":1,"to":"nobody"}`, 404, `nobody is not here`},
		{"POST", "/api/publish", `{"message":1,"cid":"` + strings.Repeat("x", 65) + `"}`, 400, `at most 64 bytes`},
		{"POST", "/api/publish", `{"message":"` + strings.Repeat("x", 200_000) + `"}`, 413, `too_large`},
		{"POST", "/api/publish?key=secret", `{"message":1}`, 400, `unknown parameter`},
		{"POST", "/api/broadcast", `{"message":1,"to":["bob","nobody"],"rooms":["go"]}`, 200,
			`{"sent":2,"failed":1,"results":[{"to":"bob","receipt":{`},
		{"POST", "/api/broadcast", `{"message":1}`, 200, `{"sent":1,"failed":0,"results":[{"receipt":{`},
		{"POST", "/api/broadcast", `{"message":1,"to":[""]}`, 400, `is empty`},
		{"POST", "/api/broadcast", `{"message":1,"to":[` + strings.Repeat(`"a",`, 100) + `"a"]}`, 400, `more than 100`},
		{"POST", "/api/users", `{}`, 405, `method_not_allowed`},
		{"GET", "/api/publish", "", 405, `method_not_allowed`},
	} {
		status, text, h := o.ask(c.method, c.path, c.body)
		if status != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s %s %.80s: %d %s, want %d %s", c.method, c.path, c.body, status, text, c.status, c.want)
		}
		if !json.Valid([]byte(text)) || h.Get("Content-Type") != "application/json" || h.Get("X-Request-Id") == "" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %q %v", c.method, c.path, text, h)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	o := open(t)
	for kind, want := range map[string]int{
		"application/json": 200, "application/json; charset=UTF-8": 200, "application/json; charset=latin1": 415, "text/plain": 415,
		"application/x-www-form-urlencoded": 415, "": 415, "application/json;;": 415,
	} {
		if status, text, _ := o.ask("POST", "/api/publish", `{"message":1}`, "Content-Type", kind); status != want {
			t.Errorf("%q: %d %s, want %d", kind, status, text, want)
		}
	}
	if status, _, _ := o.ask("POST", "/api/publish", `{"message":1}`, "Content-Encoding", "gzip"); status != 415 {
		t.Error("gzip:", status)
	}
}

func TestRequestID(t *testing.T) {
	o := open(t)
	if _, text, h := o.ask("GET", "/api/x", "", "X-Request-Id", "abc-1"); h.Get("X-Request-Id") != "abc-1" || !strings.Contains(text, `"request_id":"abc-1"`) {
		t.Error(text, h)
	}
	for _, id := range []string{"", "a b", "\"", strings.Repeat("x", 65)} {
		if _, _, h := o.ask("GET", "/api/x", "", "X-Request-Id", id); len(h.Get("X-Request-Id")) != 16 {
			t.Errorf("%q becomes %q", id, h.Get("X-Request-Id"))
		}
	}
}

func TestAllow(t *testing.T) {
	o := open(t)
	for path, want := range map[string]string{"/api/users": "GET, HEAD", "/api/publish": "POST"} {
		status, _, h := o.ask("PATCH", path, "")
		if status != 405 || h.Get("Allow") != want {
			t.Errorf("%s: %d, Allow %q, want %q", path, status, h.Get("Allow"), want)
		}
	}
	// The method is what the request line says.
	if status, _, _ := o.ask("GET", "/api/publish", "", "X-HTTP-Method-Override", "POST"); status != 405 || len(o.chat.drafts()) != 0 {
		t.Error(status)
	}
}

func TestClosed(t *testing.T) {
	o := open(t)
	o.Close()
	if status, _, h := o.ask("GET", "/api/users", ""); status != 503 || h.Get("Retry-After") != "1" {
		t.Error(status, h)
	}
}
