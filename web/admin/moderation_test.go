package admin

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestModeration(t *testing.T) {
	key := NewKey("ops", "0123456789abcdef")
	key.Scopes = []Scope{Moderate, Read}
	o := open(t, key)
	ask := func(method, path, body string) (int, string) {
		status, text, _ := o.ask(method, path, body, "Authorization", "Bearer 0123456789abcdef")
		return status, text
	}
	if _, text := ask("GET", "/api/motd", ""); text != `{"text":null}`+"\n" {
		t.Error(text)
	}
	for _, c := range []struct {
		method, path, body string
		want               Act
	}{
		{"POST", "/api/kick", `{"nick":"bob","reason":"spam"}`, Act{Kind: "kick", Nick: "bob", Reason: "spam"}},
		{"POST", "/api/mute", `{"nick":"bob","room":"go","for_s":60}`, Act{Kind: "mute", Nick: "bob", Room: "go", Until: 60_000}},
		{"POST", "/api/unmute", `{"nick":"bob"}`, Act{Kind: "unmute", Nick: "bob"}},
		{"POST", "/api/ban", `{"addr":"10.0.0.0/8"}`, Act{Kind: "ban", Addr: "10.0.0.0/8"}},
		{"POST", "/api/unban", `{"nick":"bob"}`, Act{Kind: "unban", Nick: "bob"}},
		{"POST", "/api/readonly", `{"room":"go","readonly":true}`, Act{Kind: "readonly", Room: "go"}},
		{"POST", "/api/readonly", `{"room":"go","readonly":false}`, Act{Kind: "writable", Room: "go"}},
		{"DELETE", "/api/message/m1?reason=rude", ``, Act{Kind: "delete", Mid: "m1", Reason: "rude"}},
		{"PUT", "/api/motd", `{"text":"hello"}`, Act{Kind: "motd", Text: []byte(`"hello"`)}},
	} {
		before := time.Now().UnixMilli()
		status, text := ask(c.method, c.path, c.body)
		got := o.chat.done[len(o.chat.done)-1]
		if got.Until > 0 {
			if got.Until < before+c.want.Until || got.Until > time.Now().UnixMilli()+c.want.Until {
				t.Errorf("%s: until %d", c.body, got.Until)
			}
			got.Until = c.want.Until
		}
		c.want.By, c.want.ID, c.want.At, c.want.Seq = "api:ops", "a1", 1, got.Seq
		if status != 200 || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %s: %d %s, %+v, want %+v", c.path, c.body, status, text, got, c.want)
		}
	}
	done := len(o.chat.done)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/api/kick", `{"nick":"nobody"}`, 404}, {"POST", "/api/mute", `{"nick":"bob","for_s":-1}`, 400},
		{"POST", "/api/mute", `{"nick":"bob","for_s":1e99}`, 400}, {"POST", "/api/readonly", `{"room":"go"}`, 400},
		{"PUT", "/api/motd", `{}`, 400}, {"DELETE", "/api/message/m1?x=1", ``, 400}, {"POST", "/api/kick?nick=bob", `{}`, 400},
	} {
		if status, text := ask(c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.path, c.body, status, text, c.status)
		}
	}
	if len(o.chat.done) != done {
		t.Error("something was done")
	}
	for path, want := range map[string]string{
		"/api/rules?kind=mute":        `{"count":1,"rules":[{"kind":"mute","nick":"bob"`,
		"/api/rules?offset=8&limit=1": `{"count":9,"rules":[{"kind":"motd","text":"hello"`,
		"/api/rules?offset=99":        `{"count":9,"rules":[]}`,
		"/api/audit?limit=1":          `{"acts":[{"kind":"kick","nick":"bob","reason":"spam","by":"api:ops","id":"a1","at":1,"seq":1}],"more":true}`,
		"/api/motd":                   `{"text":"hello"}`,
	} {
		if status, text := ask("GET", path, ""); status != 200 || !strings.HasPrefix(text, want) {
			t.Errorf("%s: %d %s, want %s", path, status, text, want)
		}
	}
}
