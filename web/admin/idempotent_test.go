package admin

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestIdempotency(t *testing.T) {
	o := open(t)
	ask := func(path, body, key string) (int, string, http.Header) {
		return o.ask("POST", path, body, "Idempotency-Key", key)
	}
	_, first, h := ask("/api/publish", `{"message":1}`, "k1")
	if h.Get("Idempotent-Replayed") != "" {
		t.Error("replayed at once")
	}
	if status, again, h := ask("/api/publish", `{"message":1}`, "k1"); status != 200 || again != first || h.Get("Idempotent-Replayed") != "true" {
		t.Error(status, again, h)
	}
	if sent := o.chat.drafts(); len(sent) != 1 || !strings.HasPrefix(sent[0].Cid, "api-") || len(sent[0].Cid) > maxCid {
		t.Errorf("%+v", sent)
	}
	if status, text, _ := ask("/api/publish", `{"message":2}`, "k1"); status != 422 || !strings.Contains(text, "idempotency_mismatch") {
		t.Error(status, text)
	}
	for _, key := range []string{"", strings.Repeat("x", 256), "a\x01"} {
		if status, _, _ := ask("/api/publish", `{"message":2}`, key); status != 400 {
			t.Errorf("%q: %d", key, status)
		}
	}
	// What failed is done again, under the same cid, and what came of it then is kept.
	o.chat.fails = &Error{Status: 503, Message: "later", After: time.Second}
	if status, _, h := ask("/api/publish", `{"message":3}`, "k2"); status != 503 || h.Get("Retry-After") != "1" {
		t.Error(status)
	}
	o.chat.fails = nil
	for range 2 {
		if status, _, _ := ask("/api/publish", `{"message":3}`, "k2"); status != 200 || len(o.chat.drafts()) != 2 {
			t.Error(status, o.chat.drafts())
		}
	}
	// Of a broadcast that failed in part all is done again, under the same cids, which the log knows.
	const part = `{"message":1,"to":["bob","nobody"]}`
	for range 2 {
		ask("/api/broadcast", part, "k3")
	}
	sent := o.chat.drafts()
	if len(sent) != 4 || sent[2].Cid != sent[3].Cid || sent[2].Cid == sent[1].Cid {
		t.Errorf("%+v", sent)
	}
}

// Of many who ask for the same at once one is the first, and all get its answer.
func TestIdempotencyAtOnce(t *testing.T) {
	o := open(t)
	var once sync.Once
	begun, goOn := make(chan struct{}), make(chan struct{})
	o.chat.wait = func(context.Context) {
		once.Do(func() { close(begun) })
		<-goOn
	}
	var asking sync.WaitGroup
	answers := make(chan string, 8)
	ask := func() {
		_, text, _ := o.ask("POST", "/api/publish", `{"message":1}`, "Idempotency-Key", "k")
		answers <- text
	}
	asking.Go(ask)
	<-begun
	for range cap(answers) - 1 {
		asking.Go(ask)
	}
	close(goOn)
	asking.Wait()
	first := <-answers
	for range cap(answers) - 1 {
		if again := <-answers; again != first {
			t.Error(again, first)
		}
	}
	if sent := o.chat.drafts(); len(sent) != 1 {
		t.Error(sent)
	}
}

// TestAnswersAreBounded: what is remembered is bounded in bytes, and no key of the API takes the others' part.
func TestAnswersAreBounded(t *testing.T) {
	a := newAnswers()
	now := time.Now()
	// fill has a key ask until it is refused; every other request fails.
	fill := func(name string, body []byte) (asked int) {
		for {
			one, isFirst, err := a.find(answerKey{name, strconv.Itoa(asked)}, [32]byte{}, now)
			if err == errAnswers {
				return asked
			}
			if err != nil || !isFirst {
				t.Fatal(name, asked, err)
			}
			if asked++; asked%2 == 0 {
				a.keep(one, body)
			} else {
				a.keep(one, nil)
			}
		}
	}
	if n := fill("billing", make([]byte, 20_000)); a.size < maxAnswers/2 || a.size > maxAnswers/2+21_000 {
		t.Errorf("after %d answers one key has %d bytes", n, a.size)
	}
	if n := fill("moderator", []byte("{}")); n < 10_000 {
		t.Errorf("another has %d answers", n)
	}
	for i := range 10 {
		if n := fill(strconv.Itoa(i), []byte("{}")); n < 10 {
			t.Errorf("the %dth has %d answers", i+3, n)
		}
	}
	if a.size > maxAnswers {
		t.Errorf("%d bytes in all", a.size)
	}
	if one, isFirst, err := a.find(answerKey{"billing", "new"}, [32]byte{}, now.Add(rememberFor+2*workFor)); err != nil || !isFirst ||
		len(a.byKey) != 1 || len(a.of) != 1 || a.size != one.size {
		t.Error(err, len(a.byKey), a.of, a.size)
	}
}

func TestBusy(t *testing.T) {
	o := open(t)
	for range maxAtOnce {
		o.slots <- struct{}{}
	}
	if status, _, h := o.ask("GET", "/api/users", ""); status != 503 || h.Get("Retry-After") != "1" {
		t.Error(status)
	}
}
